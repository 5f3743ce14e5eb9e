"""Reads of going on in another pool at the last age: what may be signed, for which day, and what stands in the way."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

from aidplatform.lib import clock
from members.joining.again import is_over, last_membership, returns_on
from members.joining.eligibility import age_on, age_window, birthday, eligible_by_plan
from members.joining.end_models import MembershipEnd
from members.joining.models import Membership, MembershipSpan
from members.joining.transfer_models import AgeTransfer
from members.people.identity import paper_of
from members.pools.models import PlanVersion, Pool
from members.pools.plan_terms import Cause, PlanTerms

# So many days ahead of their last day of cover members are told of the other pool, and may sign.
OFFERED_AHEAD = dt.timedelta(days=90)
# Whoever has not signed is told once more.
REMINDED_AHEAD = dt.timedelta(days=30)
Reason = AgeTransfer.Reason


@dataclass(frozen=True)
class Offer:
    """Where a member may go on, and from which day. version: the rules that hold in the other pool on that day.

    signed: what they have signed ahead, if it still stands; it may be of other rules by now. obstacle: why they could
    not go on as things stand today; empty: nothing stands in the way.
    """

    membership: Membership
    pool: Pool
    version: PlanVersion
    first_date: dt.date
    signed: AgeTransfer | None
    obstacle: str

    @cached_property
    def plan(self) -> PlanTerms:
        """Return the rules of the other pool on that day."""
        return self.version.plan()

    @property
    def is_signed(self) -> bool:
        """Tell whether the very rules of that day are signed."""
        return self.signed is not None and self.signed.plan_version_id == self.version.pk

    @property
    def is_outdated(self) -> bool:
        """Tell whether other rules were signed than those of that day: the signature is asked for anew."""
        return self.signed is not None and not self.is_signed

    @property
    def waiting_counts(self) -> bool:
        """Tell whether the waiting time served in the old pool counts."""
        return self.plan.takes_over is not None and self.plan.takes_over.waiting_counts

    @property
    def age(self) -> int:
        """Return the age on that day."""
        assert self.membership.birth_date is not None
        return age_on(self.membership.birth_date, self.first_date)

    def eligible_date(self, cause: Cause = "illness") -> dt.date:
        """Return from which day on the other pool has aid."""
        return eligible_there(self.plan, self.membership, self.first_date, cause)

    @property
    def obstacle_words(self) -> str:
        """Say what stands in the way, in the reader's language."""
        return str(Reason(self.obstacle).label) if self.obstacle else ""


def joined_there(first_date: dt.date) -> dt.date:
    """Return the day of joining of who is covered from that day on: the day before, as of everybody."""
    return first_date - dt.timedelta(days=1)


def counted_since(plan: PlanTerms, membership: Membership) -> dt.date | None:
    """Return since when somebody who comes over has waited; None: from their day of joining there."""
    return membership.waits_from if plan.takes_over and plan.takes_over.waiting_counts else None


def eligible_there(
    plan: PlanTerms, membership: Membership, first_date: dt.date, cause: Cause = "illness"
) -> dt.date:
    """Return the first day that counts for a cause in the other pool, for who comes over on that day."""
    assert membership.birth_date is not None
    since = counted_since(plan, membership)
    return eligible_by_plan(plan, membership.birth_date, joined_there(first_date), cause, since)


def rules_on(pool: Pool, day: dt.date) -> PlanVersion | None:
    """Return the published rules that hold on a day, which may be yet to come."""
    found = pool.plan_versions.filter(effective_date__lte=day).select_related("pool")
    return found.order_by("-effective_date", "-number").first()


def live_transfer(membership: Membership) -> AgeTransfer | None:
    """Return what somebody has signed ahead and not taken back, begun or not."""
    states = [AgeTransfer.State.SIGNED, AgeTransfer.State.BEGUN]
    found = AgeTransfer.objects.filter(membership=membership, state__in=states)
    return found.select_related("pool", "plan_version", "begun").first()


def last_transfer(membership: Membership) -> AgeTransfer | None:
    """Return the last thing that a membership has signed for another pool, whatever came of it."""
    found = AgeTransfer.objects.filter(membership=membership).select_related("pool", "plan_version", "begun")
    return found.order_by("-pk").first()


def offer_of(membership: Membership, today: dt.date, ended_date: dt.date | None = None) -> Offer | None:
    """Return where a member may go on; None where no pool is named, none takes them, or the day is far away.

    ended_date: the day on which the membership has ended by age, where that is so. A fixed number of queries.
    """
    pool = membership.pool
    here = rules_on(pool, ended_date or today)
    if here is None or membership.birth_date is None or membership.person_id is None:
        return None
    plan = here.plan()
    if plan.successor is None:
        return None
    first_date = ended_date or birthday(membership.birth_date, age_window(plan).before)
    if ended_date is None and (not today < first_date <= today + OFFERED_AHEAD or _is_over(membership)):
        return None
    there = Pool.objects.filter(code=plan.successor, time_zone=pool.time_zone).exclude(pk=pool.pk).first()
    version = rules_on(there, first_date) if there else None
    if there is None or version is None or not takes_from(version.plan(), pool):
        return None
    signed = AgeTransfer.objects.filter(membership=membership, pool=there, state=AgeTransfer.State.SIGNED)
    offer = Offer(membership, there, version, first_date, signed.select_related("plan_version").first(), "")
    return replace(offer, obstacle=obstacle_to(offer))


def open_offers(memberships: Iterable[Membership], now: dt.datetime) -> list[Offer]:
    """Return where somebody may go on and has not signed the rules of the day.

    memberships: theirs, read with pool, person and end. One query where no day is near, none where no age is known.
    """
    mine = [one for one in memberships if one.birth_date and not hasattr(one, "end")]
    versions = PlanVersion.objects.filter(pool__in={one.pool_id for one in mine}, terms__has_key="successor")
    versions = versions.order_by("effective_date", "number")
    rules: dict[int, list[PlanVersion]] = {}
    for version in versions if mine else ():
        rules.setdefault(version.pool_id, []).append(version)
    offers = []
    for one in mine:
        today = clock.day_of(now, one.pool.time_zone)
        here = [version for version in rules.get(one.pool_id, ()) if version.effective_date <= today]
        if here and _is_near(one, here[-1].plan(), today):
            offer = offer_of(one, today)
            if offer is not None and not offer.is_signed and not offer.obstacle:
                offers.append(offer)
    return offers


def _is_near(membership: Membership, plan: PlanTerms, today: dt.date) -> bool:
    """Tell whether the last age of the rules comes so soon that going on is offered."""
    assert membership.birth_date is not None
    return today < birthday(membership.birth_date, age_window(plan).before) <= today + OFFERED_AHEAD


def takes_from(plan: PlanTerms, pool: Pool) -> bool:
    """Tell whether rules take over the members of a pool."""
    return plan.takes_over is not None and pool.code in plan.takes_over.pools


def obstacle_to(offer: Offer) -> str:
    """Return the reason for which somebody could not go on, as things stand; empty: none."""
    membership, person = offer.membership, offer.membership.person
    assert person is not None
    assert membership.birth_date is not None
    paper = paper_of(person)
    if offer.pool.state != Pool.State.OPEN:
        return Reason.CLOSED
    window = age_window(offer.plan)
    if not window.first <= offer.age < window.before:
        return Reason.AGE
    if paper is None or paper.kind not in offer.plan.taken_documents.kinds:
        return Reason.DOCUMENT
    if not _is_covered(membership, offer.first_date):
        return Reason.SUSPENDED
    there = last_membership(offer.pool, person)
    if there is not None:
        returns = returns_on(there, offer.plan) if is_over(there, joined_there(offer.first_date)) else None
        if returns is None or returns > joined_there(offer.first_date):
            return Reason.MEMBER
    return ""


def _is_over(membership: Membership) -> bool:
    return MembershipEnd.objects.filter(membership=membership).exists()


def _is_covered(membership: Membership, first_date: dt.date) -> bool:
    """Tell whether cover lasts until that day: with no end yet, or one on that very day."""
    at = clock.start_of_day(first_date, membership.pool.time_zone)
    spans = MembershipSpan.objects.filter(pool_id=membership.pool_id, membership_id=membership.pk)
    last = spans.order_by("-from_at").first()
    return last is not None and last.from_at < at and last.to_at in {None, at}
