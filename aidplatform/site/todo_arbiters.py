"""What of arbitrations waits for a person: to decide a case from outside, or to appoint who does."""

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from aidplatform.lib.dates import format_day
from aidplatform.lib.templating import in_language
from aidplatform.site.todo_row import Todo
from claims.jury.arbiter_models import Arbitration
from claims.jury.arbiter_selectors import APPOINTING, running_arbitrations, waiting_for_people
from claims.review.selectors import public_ref
from members.people.models import User

_SAYS = {
    "wanted": gettext_lazy("A case of %(pool)s waits for an outside arbiter: propose one"),
    "proposed": gettext_lazy("An outside arbiter is proposed for a case of %(pool)s: do you agree?"),
    "appointed": gettext_lazy("The outside arbiter of a case of %(pool)s waits for the link"),
}


def of_arbiters(duties: dict[int | None, set[str]], person: User) -> list[Todo]:
    """Return them, one's own cases first."""
    pools = {duty: [pool for pool, held in duties.items() if pool and duty in held] for duty in APPOINTING}
    return [
        Todo(
            _("You decide a case of %(pool)s as an outside arbiter until %(day)s")
            % {"pool": _pool(one), "day": format_day(one.until_date) if one.until_date else ""},
            reverse("arbitration_case", args=[one.code]),
            _("Open"),
        )
        for one in running_arbitrations(person)
    ] + [
        Todo(
            _SAYS[one.state] % {"pool": _pool(one)},
            reverse("arbitration", args=[one.claim.pool.code, public_ref(one.claim)]),
            _("Look at it"),
        )
        for one in waiting_for_people(pools, person)
    ]


def _pool(one: Arbitration) -> str:
    return in_language(one.claim.pool.name_en, one.claim.pool.name_zh)
