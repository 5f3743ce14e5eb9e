"""How many claims wait on each desk of a reviewer: those alone in which they may act."""

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from aidplatform.lib.templating import in_language
from aidplatform.site.todo_row import Todo
from claims.filing.models import Claim
from claims.filing.selectors import near_to
from claims.publicity.models import Objection
from claims.review.appeals import heard_before_by, judged_by
from members.people.models import User
from members.pools.models import DutyGrant


def of_desks(duties: dict[int | None, set[str]], person: User) -> list[Todo]:
    """Return how many claims wait on each desk of the person's: one line per pool and state, one query."""
    state, duty = Claim.State, DutyGrant.Duty
    texts = {
        state.FILED: (duty.REVIEWER, _("Claims of %(pool)s that nobody has taken up: %(count)s")),
        state.APPEALED: (duty.REVIEWER, _("Appeals of %(pool)s that nobody has taken up: %(count)s")),
        state.UNDER_REVIEW: (duty.REVIEWER, _("Claims of %(pool)s that you review: %(count)s")),
        state.RECOMMENDED: (
            duty.SECOND_REVIEWER,
            _("Claims of %(pool)s that wait for a decision: %(count)s"),
        ),
        state.OBJECTED: (duty.SECOND_REVIEWER, _("Cases of %(pool)s with an objection to answer: %(count)s")),
    }
    rows = (
        Claim.objects.filter(pool__in=[pool for pool in duties if pool], state__in=texts)
        .exclude(Q(claimant=person) | Q(membership__person=person) | near_to(person))
        .exclude(Q(state=state.UNDER_REVIEW) & ~Q(reviewer=person))
        .exclude(pk__in=heard_before_by(person.code))
        .exclude(state=state.RECOMMENDED, pk__in=_recommended_by(person))
        .exclude(
            Q(state=state.OBJECTED)
            & (Q(pk__in=judged_by(person.code)) | ~Q(pk__in=_objected_by_others(person)))
        )
        .values("pool_id", "pool__code", "pool__name_en", "pool__name_zh", "state")
        .annotate(count=Count("pk"))
        .order_by("pool__code", "state")
    )
    return [
        Todo(
            texts[state(row["state"])][1]
            % {"pool": in_language(row["pool__name_en"], row["pool__name_zh"]), "count": row["count"]},
            f"{reverse('review_queue', args=[row['pool__code']])}?state={row['state']}",
            _("Open the desk"),
        )
        for row in rows
        if texts[state(row["state"])][0].value in duties[row["pool_id"]]
    ]


def _recommended_by(person: User) -> QuerySet[Claim]:
    """Return the claims that the person recommended once, or agreed to in this round: another one decides."""
    by = Q(recommendations__reviewer=person.code) | Q(
        concurrences__decider=person.code, concurrences__round=F("round")
    )
    return Claim.objects.filter(by)


def _objected_by_others(person: User) -> QuerySet[Claim]:
    """Return the claims to which somebody else objects: nobody answers what they wrote themselves."""
    return Claim.objects.filter(
        Exists(Objection.objects.filter(claim=OuterRef("pk"), state="open").exclude(member=person.code))
    )
