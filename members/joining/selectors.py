"""Reads of memberships: mine, with what they mean in dates."""

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from aidplatform.lib import clock
from aidplatform.lib.errors import NotFoundError
from members.joining.eligibility import age_window, birthday, covered_from, eligible_from, next_class
from members.joining.end_models import MembershipEnd
from members.joining.models import (
    AwaitedCover,
    CovenantSignature,
    JoinApplication,
    Membership,
    MembershipSpan,
)
from members.people.models import User
from members.pools.models import PlanVersion, Pool
from members.pools.plan_terms import ClassTerms, PlanTerms
from members.pools.selectors import duties_of

# Below it a pool shows strangers the sums of whole years.
SMALLEST_PUBLIC_POOL = 100


@dataclass(frozen=True)
class Cover:
    """What a membership means on a day: since when it shares, from when aid can be asked, until when.

    accident_date: from when an accident counts, where that is another day than for an illness. place: the class by
    the rules in force, None where there is only one. next_place: by age, from which day on another one.
    ages_out_date: the birthday on which the rules end. is_signed: whether the covenant was signed here. end: why the
    membership is over for good, or will be from a day on; None also where a suspension or the end of the pool has
    ended the cover.
    """

    membership: Membership
    covered_from: dt.datetime
    covered_until: dt.datetime | None
    eligible_date: dt.date
    accident_date: dt.date | None
    is_waiting: bool
    has_ended: bool
    place: ClassTerms | None
    next_place: tuple[dt.date, ClassTerms] | None
    ages_out_date: dt.date | None
    is_signed: bool
    end: MembershipEnd | None

    @property
    def is_suspended(self) -> bool:
        """Tell whether the cover has stopped and the membership goes on: a payment brings it back."""
        return self.has_ended and self.end is None and self.membership.pool.state == Pool.State.OPEN

    @property
    def state(self) -> str:
        """Return how the membership stands today: ended, suspended, waiting or eligible."""
        if self.is_suspended:
            return "suspended"
        if self.has_ended:
            return "ended"
        return "waiting" if self.is_waiting else "eligible"

    @property
    def leaves_waiting(self) -> bool:
        """Tell whether the membership is over before its waiting time would be."""
        return self.is_waiting and self.ends_by(self.eligible_date)

    @property
    def until_date(self) -> dt.date | None:
        """Return the first day without cover, in the pool's zone; None: with no end in sight."""
        zone = self.membership.pool.time_zone
        return None if self.covered_until is None else clock.day_of(self.covered_until, zone)

    def ends_by(self, day: dt.date) -> bool:
        """Tell whether the cover is known to be over on that day."""
        return self.until_date is not None and self.until_date <= day


def memberships_of(person: User) -> QuerySet[Membership]:
    """Return a person's memberships with their pools; of one who has joined a pool again the last one there."""
    found = Membership.objects.filter(person=person, followed_by=None)
    return found.select_related("pool", "end").order_by("pool__code")


def applications_of(person: User) -> QuerySet[JoinApplication]:
    """Return a person's applications that are not signed yet, by pool; their own before those of whom they add."""
    begun = JoinApplication.objects.filter(person=person, state=JoinApplication.State.DRAFT)
    return begun.select_related("pool", "plan_version").order_by("pool__code", "relation")


def find_memberships(number: int, *, pools: Collection[Pool], person: User) -> QuerySet[Membership]:
    """Return the memberships of that number in these pools, and the person's own anywhere."""
    found = Membership.objects.filter(Q(pool__in=pools) | Q(person=person), number=number)
    return found.select_related("pool").order_by("pool__code")


def access_membership(*, code: str, person: User, number: str = "") -> Membership:
    """Return the person's membership of the pool with that code, with its pool; of several the last one.

    number: of which one, where that is said; an earlier one can still be looked at. No such pool and none of theirs
    answer alike. Raises: NotFoundError.
    """
    found = memberships_of(person)
    if number:
        found = Membership.objects.filter(person=person, number=int(number[:18]) if number.isdecimal() else 0)
    membership = found.filter(pool__code=code).select_related("pool", "end").first()
    if membership is None:
        raise NotFoundError(_("There is no such page, or it is not yours to see."))
    return membership


def may_read_statements(pool: Pool, person: User | None) -> bool:
    """Tell whether single statements about a pool may be read: in a very small one by its own people only.

    One amount, one month and one case point at one person where a few dozen know each other.
    """
    if pool.memberships.all()[:SMALLEST_PUBLIC_POOL].count() >= SMALLEST_PUBLIC_POOL:
        return True
    if person is None:
        return False
    return pool.memberships.filter(person=person).exists() or bool(duties_of(person, pool))


def end_of(membership: Membership) -> MembershipEnd | None:
    """Return why a membership is over; no query where it was read with its end."""
    end: MembershipEnd | None = getattr(membership, "end", None)
    return end


def goes_on(membership: Membership) -> bool:
    """Tell whether a membership is covered with no end in sight, or waits for its first payment."""
    if MembershipEnd.objects.filter(membership=membership).exists():
        return False
    spans = MembershipSpan.objects.filter(pool_id=membership.pool_id, membership_id=membership.pk)
    last = spans.order_by("-from_at").first()
    if last is None:
        return AwaitedCover.objects.filter(membership=membership).exists()
    return last.to_at is None


def covers_of(memberships: list[Membership], now: dt.datetime) -> dict[int, Cover]:
    """Return what each membership means now, by membership. Three queries, however many there are.

    Members who moved in without a signature wait from the day they joined under the first plan version.
    """
    ids = [membership.pk for membership in memberships]
    pools = {membership.pool_id for membership in memberships}
    spans: dict[int, list[MembershipSpan]] = {}
    for span in MembershipSpan.objects.filter(pool_id__in=pools, membership_id__in=ids).order_by("from_at"):
        spans.setdefault(span.membership_id, []).append(span)
    signed = CovenantSignature.objects.defer("answers_sealed").in_bulk(ids, field_name="membership_id")
    versions = list(PlanVersion.objects.filter(pool__in=pools).order_by("-effective_date"))
    plans = {version.pk: version.plan() for version in versions}
    first = {version.pool_id: plans[version.pk] for version in versions}
    covers = {}
    for m in memberships:
        if m.pk in spans:
            today = clock.day_of(now, m.pool.time_zone)
            of_pool = [version for version in versions if version.pool_id == m.pool_id]
            rules = next((plans[v.pk] for v in of_pool if v.effective_date <= today), first[m.pool_id])
            dates = _eligible_dates(m, signed.get(m.pk), plans, first[m.pool_id])
            covers[m.pk] = _cover(m, spans[m.pk], dates, rules, now, is_signed=m.pk in signed)
    return covers


def _eligible_dates(
    membership: Membership,
    signature: CovenantSignature | None,
    plans: dict[int, PlanTerms],
    first: PlanTerms,
) -> tuple[dt.date, dt.date]:
    """Return from when an illness and an accident count; nobody's age known, after the longest wait of the plan."""
    joined_date = membership.joined_date
    if signature is None:
        illness, accident = first.longest_wait("illness"), first.longest_wait("accident")
        return eligible_from(joined_date, illness), eligible_from(joined_date, accident)
    # Without an age the plan's waiting period asks for none.
    accident = plans[signature.plan_version_id].waits(cause="accident", joined_age=signature.joined_age or 0)
    counts = max(eligible_from(membership.waits_from, accident), covered_from(joined_date))
    return signature.eligible_date, counts


def _cover(
    membership: Membership,
    spans: list[MembershipSpan],
    dates: tuple[dt.date, dt.date],
    rules: PlanTerms,
    now: dt.datetime,
    *,
    is_signed: bool,
) -> Cover:
    until = spans[-1].to_at
    eligible, accident = dates
    today, class_no = clock.day_of(now, membership.pool.time_zone), spans[-1].class_no
    born = membership.birth_date
    return Cover(
        membership=membership,
        covered_from=spans[0].from_at,
        covered_until=until,
        eligible_date=eligible,
        accident_date=accident if accident != eligible else None,
        is_waiting=today < eligible,
        has_ended=until is not None and until <= now,
        place=next((row for row in rules.classes if row.class_no == class_no), None)
        if len(rules.classes) > 1
        else None,
        ages_out_date=birthday(born, age_window(rules).before)
        if born is not None and until is None
        else None,
        is_signed=is_signed,
        next_place=next_class(rules, born, today) if born is not None and until is None else None,
        end=end_of(membership),
    )
