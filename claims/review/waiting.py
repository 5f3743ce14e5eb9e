"""Claims refused because the illness began in the waiting period: where the plan says so, the shares go back.

Only once nobody can change the decision any more: while a refusal may be appealed, its member stays covered.
"""

import datetime as dt

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from aidplatform.lib import clock
from aidplatform.work import audit, jobs
from claims.filing.models import Claim
from claims.filing.selectors import may_appeal, read_payee
from claims.filing.services import locked_claim
from claims.filing.states import REFUSED
from claims.review.models import Clause, Decision, Outcome
from claims.review.selectors import decision_of, public_ref
from ledger.custody.share_return_models import SharesReturn
from ledger.leaving.illness import NotChargedYetError, give_shares_back
from ledger.sharing.payees import Payee
from members.pools.models import Pool

GIVE_BACK = "claims.give_shares_back"
SERVICE = "service"
_REFUSED = {*REFUSED, Claim.State.REFUSED_FINALLY}


def refused_in_the_wait(pool: Pool) -> QuerySet[Claim]:
    """Return the claims of a pool whose last decision refuses them by the waiting period, nothing given back yet."""
    last = Decision.objects.filter(claim=OuterRef("pk"), round=OuterRef("round"))
    given = SharesReturn.objects.filter(membership_id=OuterRef("membership_id"))
    refused = Claim.objects.filter(pool=pool, state__in=_REFUSED)
    by_the_wait = last.filter(outcome=Outcome.REJECTED, clause=Clause.WAITING)
    return refused.filter(Exists(by_the_wait), ~Exists(given)).select_related("pool", "plan_version")


def gives_shares_back(claim: Claim, decision: Decision | None = None) -> bool:
    """Tell whether a claim that was refused by the waiting period brings the shares back, by the plan of its day.

    decision: the last one, where it is known already.
    """
    decision = decision or decision_of(claim)
    if decision is None or (decision.outcome, decision.clause) != (Outcome.REJECTED, Clause.WAITING):
        return False
    return any(step.get("ends") == "shares_back" for step in claim.derivation or [])


def give_back_due(at: dt.datetime) -> None:
    """Order that shares go back where a refusal has become final; once a day and claim, until it is done."""
    for pool in Pool.objects.filter(claims__decisions__clause=Clause.WAITING).distinct():
        today = clock.day_of(at, pool.time_zone)
        for claim in refused_in_the_wait(pool):
            if not may_appeal(claim, today) and gives_shares_back(claim):
                key = f"{claim.code}/{today}"
                jobs.enqueue(kind=GIVE_BACK, key=key, payload={"claim": claim.pk}, actor=SERVICE)


def give_back(lease: jobs.Lease) -> dict[str, object]:
    """Give the shares of one refused claim back, if it still stands so. payload: claim.

    While a period has counted its members and not announced their shares, nothing happens; tomorrow's order will.
    """
    at = clock.now()
    try:
        with lease.transaction():
            claim = Claim.objects.select_related("pool").get(pk=lease.payload["claim"])
            return _give_back(claim, at)
    except NotChargedYetError as refusal:
        return {"waits_for": refusal.extra["period"]}


@transaction.atomic
def _give_back(claim: Claim, at: dt.datetime) -> dict[str, object]:
    Pool.objects.select_for_update().get(pk=claim.pool_id)
    claim = locked_claim(claim, *Claim.State.values)
    if (
        claim.state not in _REFUSED
        or may_appeal(claim, clock.day_of(at, claim.pool.time_zone))
        or not gives_shares_back(claim)
    ):
        return {"moved_on": claim.state}
    decision, payee = decision_of(claim), read_payee(claim)
    assert decision is not None
    assert payee is not None
    assert claim.event_date is not None
    made = give_shares_back(
        membership=claim.membership,
        event_date=claim.event_date,
        decision=f"{public_ref(claim)}/{decision.round}",
        reviewer=claim.recommendations.get(round=decision.round).reviewer,
        decider=decision.decider,
        payee=Payee.of(payee.name, payee.account),
        claim_code=claim.code,
        at=at,
    )
    audit.record(actor=SERVICE, action="give_shares_back", subject=claim.code, fen=made.paid_fen)
    return {"paid_fen": made.paid_fen, "open_fen": made.open_fen}
