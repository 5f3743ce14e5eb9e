"""What of outside reviews waits for a person: to judge a claim from outside, or to appoint who does."""

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from aidplatform.lib.dates import format_day
from aidplatform.lib.templating import in_language
from aidplatform.site.todo_row import Todo
from claims.filing.models import Claim
from claims.review.appeals import claims_without_people
from claims.review.outside_models import OutsideReview
from claims.review.outside_selectors import (
    APPOINTING,
    POOL_ADMIN,
    may_appoint_for,
    reviews_to_appoint,
    running_reviews,
)
from members.people.models import User

_SAYS = {
    "proposed": gettext_lazy("An outside reviewer is proposed for a claim of %(pool)s: do you agree?"),
    "appointed": gettext_lazy("The outside reviewer of a claim of %(pool)s waits for the link"),
}


def of_outside_reviews(duties: dict[int | None, set[str]], person: User) -> list[Todo]:
    """Return them, one's own reviews first."""
    pools = {duty: [pool for pool, held in duties.items() if pool and duty in held] for duty in APPOINTING}
    return (
        [
            Todo(
                _("You review a claim of %(pool)s from outside until %(day)s")
                % {"pool": _pool(one.claim), "day": format_day(one.until_date) if one.until_date else ""},
                reverse("outside_review_case", args=[one.code]),
                _("Open"),
            )
            for one in running_reviews(person)
        ]
        + [
            Todo(_SAYS[one.state] % {"pool": _pool(one.claim)}, _page(one.claim), _("Look at it"))
            for one in reviews_to_appoint(pools, person)
            if may_appoint_for(one.claim, person)
        ]
        + [
            Todo(
                _("Nobody of %(pool)s may look at a claim: propose somebody from outside")
                % {"pool": _pool(claim)},
                _page(claim),
                _("Look at it"),
            )
            for claim in _of_nobody(pools[POOL_ADMIN])
            if may_appoint_for(claim, person)
        ]
    )


def _of_nobody(pools: list[int]) -> list[Claim]:
    """Return the claims of these pools that nobody may look at, and for which nobody from outside is asked yet."""
    found = Claim.objects.filter(pk__in=claims_without_people(pools))
    found = found.exclude(outside_reviews__state__in=OutsideReview.LIVE)
    return list(found.select_related("pool", "membership").order_by("pk"))


def _page(claim: Claim) -> str:
    return reverse("outside_review", args=[claim.pool.code, claim.code])


def _pool(claim: Claim) -> str:
    return in_language(claim.pool.name_en, claim.pool.name_zh)
