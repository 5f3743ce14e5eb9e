"""Taking aid back before it is paid: a second reviewer proposes it with the finding, a controller agrees.

The charges stand. What is unpaid of the award, and the fee on it, goes to the carried surplus (entry j), so that the
next bill is lower by it. What was paid already stays with whom it was paid to.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from aidplatform.lib import clock
from aidplatform.lib.errors import NotFoundError
from aidplatform.lib.failpoints import failpoint
from aidplatform.work import audit, events
from ledger.books import chart
from ledger.books.services import Line, credit, debit
from ledger.custody import two_people
from ledger.custody.proposal_models import Proposal
from ledger.custody.revocation_models import AwardRevocation
from ledger.openbooks import services as openbooks
from ledger.sharing.causes import AWARD_REVOKED as KIND
from ledger.sharing.models import Award
from ledger.sharing.selectors import book_of
from members.pools.models import Pool

State = Proposal.State
AWARD_REVOKED = "award.revoked"


@transaction.atomic
def propose_revocation(*, award: Award, reason: str, proposer: str, at: dt.datetime) -> AwardRevocation:
    """Propose that what is unpaid of a shared award goes back to the members; until it is decided none is ordered.

    Raises: IntegrityError only_a_shared_award_is_revoked, only_unpaid_aid_is_revoked, revocation_waits_for_orders,
    revocation_comes_before_the_settlement, award_has_one_open_revocation, revocation_says_why,
    revocation_people_hold_their_duty.
    """
    pool = Pool.objects.select_for_update().get(pk=award.pool_id)
    made = AwardRevocation.objects.create(
        pool=pool,
        number=0,  # number, figures and instants are the database's own
        award=award,
        reason=reason,
        aid_fen=0,
        fee_fen=0,
        fee_owed_fen=0,
        proposed_by=proposer,
        proposed_at=at,
    )
    made.refresh_from_db()
    audit.record(
        actor=proposer, action="propose_revocation", subject=str(made), case=award.code, aid_fen=made.aid_fen
    )
    return made


@transaction.atomic
def agree_to_revocation(*, revocation: AwardRevocation, person: str, at: dt.datetime) -> AwardRevocation:
    """Book it today (entry j), state it in the log with its reason, and tell the claims side.

    Raises: MovedOnError, SamePersonError; IntegrityError revocation_is_of_the_books when money has
    come back since or another case of the period was taken back, revocation_waits_for_orders,
    revocation_comes_before_the_settlement, revocation_people_hold_their_duty.
    """
    locked = _locked(revocation)
    two_people.demand_another(locked, person, "agreed_revocation_needs_two_people")
    award = locked.award
    locked.entry = openbooks.post_logged_entry(
        book=book_of(locked.pool),
        key=f"{KIND}/{locked.number}",
        kind=KIND,
        lines=_lines(locked),
        entry_date=clock.day_of(at, locked.pool.time_zone),
        at=at,
        description=f"Unpaid aid of case {award.code} goes back to the members",
        source=f"revocation {locked.pool.code}/{locked.number}",
        maker=locked.proposed_by,
        checker=person,
    )
    failpoint("custody.award_revoked")
    _decided(locked, State.AGREED, person, at)
    openbooks.append(
        code=locked.pool.code,
        entry_type="award.adjust",
        key=f"revoked/{locked.number}/{award.code}",
        body={
            "case": award.code,
            "period": award.period.number if award.period else 0,
            "was": award.payable_fen,
            "is": award.payable_fen - locked.aid_fen,
            "why": "revoked",
            "reason": locked.reason,
            "entry": locked.entry.number,
            "fee_back": locked.fee_fen,
        },
        at=at,
    )
    _tell_claims(locked, person)
    return locked


@transaction.atomic
def withdraw_revocation(*, revocation: AwardRevocation, person: str, at: dt.datetime) -> AwardRevocation:
    """Take a proposal back, or turn it down; the aid is owed as before.

    Raises: MovedOnError; IntegrityError revocation_people_hold_their_duty.
    """
    locked = _locked(revocation)
    _decided(locked, State.WITHDRAWN, person, at)
    return locked


def _locked(revocation: AwardRevocation) -> AwardRevocation:
    return two_people.locked(revocation, "revocation_is_decided_once", "award__period", "award__pool")


def _decided(locked: AwardRevocation, state: State, person: str, at: dt.datetime) -> None:
    two_people.decide(locked, state, person, at, "entry")
    audit.record(actor=person, action="decide_revocation", subject=str(locked), state=state.value)


def _lines(one: AwardRevocation) -> list[Line]:
    """Return the postings: neither aid nor fee is owed, and what was charged for them is the members' again."""
    return [
        debit(chart.AID_PAYABLE, one.aid_fen),
        debit(chart.FEE_PAYABLE, one.fee_fen - one.fee_owed_fen),
        debit(chart.SPONSOR_RECEIVABLE, one.fee_owed_fen),
        credit(chart.CARRIED_SURPLUS, one.given_back_fen),
        debit(chart.CONTRIBUTIONS, one.given_back_fen),
        credit(chart.AID_GRANTED, one.aid_fen),
        credit(chart.MANAGEMENT_FEE, one.fee_fen),
    ]


def _tell_claims(one: AwardRevocation, person: str) -> None:
    events.publish(
        event=AWARD_REVOKED,
        key=f"{one.pool.code}/{one.award.code}#revocation-{one.number}",
        payload={
            "award": one.award_id,
            "pool": one.pool_id,
            "code": one.award.code,
            "claim_code": one.award.claim_code,
            "revocation": one.number,
        },
        actor=person,
    )


# --- reading ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Revocable:
    """A shared award of which something is unpaid (fen). open_orders: what has to be confirmed or cancelled first."""

    award: Award
    unpaid_fen: int
    open_orders: int


def revocable(pool: Pool) -> list[Revocable]:
    """Return the awards of posted periods that are not all paid and wait for no such decision. Two queries.

    Awards of a pool that is settled are left out: what its members did not pay was taken from them.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT w.id, (w.shared_fen - w.lowered_fen - coalesce(o.fen, 0))::bigint,
                      coalesce(o.open, 0) + coalesce(f.open, 0)
                 FROM ledger_award w JOIN ledger_period p ON p.id = w.period_id AND p.state = 'posted'
                 LEFT JOIN LATERAL (
                      SELECT sum(amount_fen) AS fen,
                             count(*) FILTER (WHERE state IN ('ordered', 'released')) AS open
                        FROM ledger_paymentorder
                       WHERE award_id = w.id AND state NOT IN ('cancelled', 'returned')) o ON true
                 LEFT JOIN LATERAL (
                      SELECT count(*) AS open FROM ledger_paymentorder
                       WHERE period_id = p.id AND state IN ('ordered', 'released')) f ON true
                WHERE w.pool_id = %s AND w.state = 'shared' AND w.shared_fen - w.lowered_fen > coalesce(o.fen, 0)
                  AND NOT EXISTS (SELECT 1 FROM ledger_awardrevocation r
                                   WHERE r.award_id = w.id AND r.state = 'proposed')
                  AND NOT EXISTS (SELECT 1 FROM ledger_finalsettlement s
                                   WHERE s.pool_id = w.pool_id AND s.state = 'approved')
                ORDER BY w.id DESC LIMIT 500""",
            [pool.pk],
        )
        found = {award: (unpaid, orders) for award, unpaid, orders in cursor.fetchall()}
    awards = (
        Award.objects.filter(pk__in=found)
        .select_related("pool", "period")
        .order_by("-period__number", "code")
    )
    return [Revocable(award, *found[award.pk]) for award in awards]


def shared_cases(pool: Pool, *codes: str) -> list[str]:
    """Return those of the case numbers of which a pool has shared an award."""
    found = Award.objects.filter(pool=pool, code__in=codes, state=Award.State.SHARED)
    return list(found.values_list("code", flat=True))


def revocations(pool: Pool) -> QuerySet[AwardRevocation]:
    """Return what was taken back of a pool's awards or is proposed to be, newest first."""
    found = AwardRevocation.objects.filter(pool=pool).select_related("pool", "award__period", "entry")
    return found.order_by("-number")


def still_to_pay(award: Award) -> bool:
    """Tell whether something of an award's case is to be paid yet, be it a rest that waits. One query."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT EXISTS (
                   SELECT 1 FROM ledger_award w WHERE w.pool_id = %s AND w.claim_code = %s
                      AND (w.state IN ('announced', 'final') OR w.shared_fen - w.lowered_fen > coalesce((
                           SELECT sum(o.amount_fen) FROM ledger_paymentorder o
                            WHERE o.award_id = w.id AND o.state = 'confirmed'), 0)))""",
            [award.pool_id, award.claim_code],
        )
        found: bool = cursor.fetchone()[0]
    return found


def revoked_of(claim_code: str, pool: Pool) -> list[AwardRevocation]:
    """Return what was taken back of the awards of a claim, oldest first."""
    found = revocations(pool).filter(award__claim_code=claim_code, state=State.AGREED)
    return list(found.order_by("number"))


def access_revocation(*, pool: Pool, number: int) -> AwardRevocation:
    """Return one of the pool. Raises: NotFoundError."""
    found = revocations(pool).filter(number=number).first()
    if found is None:
        raise NotFoundError(_("This pool has no such decision to take aid back."))
    return found


def access_revocable(*, pool: Pool, case: str) -> Award:
    """Return the award of a case of the pool. Raises: NotFoundError."""
    found = Award.objects.filter(pool=pool, code=case).select_related("pool", "period").first()
    if found is None:
        raise NotFoundError(_("This pool has published no such case."))
    return found


def decision_of(deed: str, *, pool: Pool, number: int) -> Callable[[str, dt.datetime], dict[str, Any]]:
    """Return what decides: agree_revocation or withdraw_revocation. Raises: NotFoundError."""
    revocation = access_revocation(pool=pool, number=number)
    decide = agree_to_revocation if deed == "agree_revocation" else withdraw_revocation
    return lambda by, at: {"state": decide(revocation=revocation, person=by, at=at).state}
