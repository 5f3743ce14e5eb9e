"""Reads of arbitrations: who decides what now, what its people may do, what everyone sees."""

import datetime as dt
from dataclasses import dataclass

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from aidplatform.lib import clock
from aidplatform.lib.crypto import unseal_text
from aidplatform.lib.errors import NotFoundError
from claims.filing.models import Claim
from claims.filing.selectors import concerned_by, is_near_to
from claims.jury.arbiter_models import Arbitration
from claims.jury.selectors import jury_terms_of
from claims.review.selectors import public_ref
from members.people.models import User
from members.people.services import hash_of
from members.pools.models import DutyGrant, Pool
from members.pools.selectors import duties_of

State = Arbitration.State
POOL_ADMIN = DutyGrant.Duty.POOL_ADMIN.value
CONTROLLER = DutyGrant.Duty.CONTROLLER.value
APPOINTING = (POOL_ADMIN, CONTROLLER)


@dataclass(frozen=True)
class ArbitrationTold:
    """An arbitration in words: who it is, and why they decided so; empty where not yet."""

    arbitration: Arbitration
    name: str
    reason: str

    @property
    def state_words(self) -> object:
        """Return the state in words."""
        return self.arbitration.get_state_display()


def told(one: Arbitration) -> ArbitrationTold:
    """Return an arbitration with everything that is sealed of it."""
    jury = jury_terms_of(one.claim)
    name = _read(one, "name", one.name_sealed)
    if one.in_plan and jury is not None:
        name = f"{jury.arbiter_name}, {jury.arbiter_organization} ({jury.arbiter_contact})"
    return ArbitrationTold(one, name, _read(one, "reason", one.reason_sealed))


def _read(one: Arbitration, part: str, sealed: "bytes | memoryview[int] | None") -> str:
    return unseal_text(bytes(sealed), one.place(part)) if sealed else ""


def arbitrations_of(pool: Pool) -> QuerySet[Arbitration]:
    """Return the newest arbitration of each case of a pool, newest first."""
    found = Arbitration.objects.filter(claim__pool=pool).exclude(
        state=State.ENDED, claim__state="before_jury"
    )
    return found.select_related(*_WHOLE).order_by("-pk")


_WHOLE = ("claim__pool", "claim__plan_version", "claim__membership", "claim__claimant")


def arbitration_of(claim: Claim) -> Arbitration | None:
    """Return the newest arbitration of a case, or none."""
    return claim.arbitrations.select_related(*_WHOLE).order_by("-number").first()


def access_arbitration(*, pool: Pool, ref: str) -> Arbitration:
    """Return the newest arbitration of the case that bears this name in the log. Raises: NotFoundError."""
    for one in Arbitration.objects.filter(claim__pool=pool).select_related(*_WHOLE).order_by("-pk"):
        if public_ref(one.claim) == ref:
            return one
    raise NotFoundError(_("No arbiter decides on such a case in this pool."))


def running_arbitrations(person: User) -> list[Arbitration]:
    """Return what a person decides today as an arbiter, oldest first; what is over is absent."""
    found = Arbitration.objects.filter(arbiter=person, state=State.RUNNING, claim__state="before_jury")
    return [one for one in found.select_related(*_WHOLE).order_by("pk") if not is_past(one)]


def access_case(*, person: User, code: str) -> Arbitration:
    """Return a case that is this person's to decide now; any other is absent. Raises: NotFoundError."""
    found = next((one for one in running_arbitrations(person) if one.code == code), None)
    if found is None:
        raise NotFoundError(_("There is no such page, or it is not yours to see."))
    return found


def decided_by(person: User, code: str) -> Arbitration | None:
    """Return the arbitration that this person has decided under that code, or none."""
    return Arbitration.objects.filter(arbiter=person, code=code, state=State.DECIDED).first()


def is_past(one: Arbitration) -> bool:
    """Tell whether its last day is over."""
    return one.until_date is not None and clock.today(one.claim.pool.time_zone) > one.until_date


def left_with_a_claim_taken_back() -> QuerySet[Arbitration]:
    """Return what still waits for an arbiter though its claimant has taken the claim back."""
    live = Arbitration.objects.exclude(state__in=[State.DECIDED, State.ENDED])
    return live.filter(claim__state=Claim.State.WITHDRAWN).order_by("pk")


def late_arbitrations() -> list[Arbitration]:
    """Return what somebody of the pool, or its arbiter, should have taken on by yesterday, oldest first. One query."""
    live = Arbitration.objects.exclude(state__in=[State.DECIDED, State.ENDED])
    found = live.filter(claim__state=Claim.State.BEFORE_JURY, claim__due_date__isnull=False)
    return [one for one in found.select_related(*_WHOLE).order_by("pk") if _is_overdue(one.claim)]


def _is_overdue(claim: Claim) -> bool:
    return claim.due_date is not None and claim.due_date < clock.today(claim.pool.time_zone)


def find_by_link(token: str, at: dt.datetime) -> Arbitration | None:
    """Return the arbitration that a link offers while somebody can take it on; None: the link is over, or none."""
    found = Arbitration.objects.filter(token_sha256=hash_of(token)).select_related(*_WHOLE).first()
    return found if found is not None and found.has_link(at) and found.claim.state == "before_jury" else None


def rights_in(one: Arbitration, person: User, at: dt.datetime) -> set[str]:
    """Return what a person may do with one: propose, agree, link, replace; nothing where concerned."""
    claim = one.claim
    duties = duties_of(person, claim.pool) & set(APPOINTING)
    if not duties or claim.state != Claim.State.BEFORE_JURY:
        return set()
    if person.pk in concerned_by(claim) or is_near_to(claim, person) or has_judged(claim, person):
        return set()
    rights = set()
    if POOL_ADMIN in duties and one.state == State.WANTED:
        rights.add("propose")
    if CONTROLLER in duties and one.state == State.PROPOSED and one.proposed_by != person.code:
        rights.add("agree")
    if POOL_ADMIN in duties and one.state == State.APPOINTED:
        rights.add("link")
    if POOL_ADMIN in duties and is_late(one, at):
        rights.add("replace")
    return rights | {"see"}


def is_late(one: Arbitration, at: dt.datetime) -> bool:
    """Tell whether the arbiter let the days of the link, or those for deciding, pass."""
    if one.state == State.APPOINTED:
        return one.link_until_at is not None and at >= one.link_until_at
    return one.state == State.RUNNING and is_past(one)


def has_judged(claim: Claim, person: User) -> bool:
    """Tell whether a person has recommended, agreed or decided on a claim."""
    return (
        claim.recommendations.filter(reviewer=person.code).exists()
        or claim.decisions.filter(decider=person.code).exists()
        or claim.concurrences.filter(decider=person.code).exists()
    )


def waiting_for_people(pools: dict[str, list[int]], person: User) -> list[Arbitration]:
    """Return what waits for an appointment by a person. pools: ids by the duty that they hold there. One query."""
    admin = Q(claim__pool__in=pools[POOL_ADMIN], state__in=[State.WANTED, State.APPOINTED])
    agreeing = Q(claim__pool__in=pools[CONTROLLER], state=State.PROPOSED) & ~Q(proposed_by=person.code)
    found = Arbitration.objects.filter(admin | agreeing, claim__state="before_jury")
    return list(found.exclude(claim__claimant=person).select_related(*_WHOLE).order_by("pk"))
