"""A pool whose plan gives the shares back for an illness in the wait, and a claimant who waits and is charged."""

import datetime as dt
from typing import Any

from aidplatform.lib import clock
from aidplatform.testing.bank import Bank
from aidplatform.testing.claim_cases import AppealCases
from aidplatform.testing.refusals import fire_deferred
from aidplatform.testing.world import run_jobs, set_clock
from claims.filing.models import Claim
from claims.review import services as review
from claims.review import waiting
from claims.review.selectors import shown_sha256
from ledger.custody.selectors import charges_of
from ledger.sharing import services as sharing

# Joined on 1 January: counts from 20 July. Nine members share 1,000.00 and its fee of 8 %: 120.00 each.
TERMS: dict[str, Any] = {"waiting_days": 200, "illness_in_wait": "shares_back", "appeal_days": 30}
SHARE = 12_000


def charged_cases(**terms: Any) -> tuple[AppealCases, Bank]:
    """Return the pool, one announced share being owed by everyone, and its bank. terms: as for World.founded."""
    cases = AppealCases.founded(**TERMS | terms)
    cases.world.award(100_000, code="C-1")
    cases.to_publicity()
    cases.end_publicity()
    cases.post()
    owed = charges_of(pool=cases.world.pool, membership_id=cases.membership.pk)
    assert [charge.share_fen for charge in owed] == [SHARE]
    return cases, Bank(cases.world)


def pay(cases: AppealCases, bank: Bank, fen: int) -> None:
    """Let the claimant pay so much of what is owed."""
    bank.take(bank.statement(bank.receipt(cases.membership.number, fen)))


def refuse(cases: AppealCases, claim: Claim, clause: str = "waiting") -> Claim:
    """Let two people refuse a filed claim by a clause of the covenant."""
    review.assign_claim(claim=claim, reviewer=cases.reviewer.code, at=clock.now())
    given: dict[str, Any] = {
        "outcome": "rejected",
        "clause": clause,
        "papers": [],
        "reason": "The report is of May.",
        "at": clock.now(),
    }
    review.recommend(claim=claim, reviewer=cases.reviewer.code, aid_fen=0, **given)
    claim.refresh_from_db()
    review.decide(claim=claim, decider=cases.second.code, shown_sha256=shown_sha256(claim), **given)
    run_jobs()
    claim.refresh_from_db()
    return claim


def pass_days(cases: AppealCases, days: int, *, post: bool = True) -> None:
    """Let days go by: each day the calendar moves on, what is settled is posted, and the looks are taken."""
    for _day in range(days):
        set_clock(clock.now() + dt.timedelta(days=1))
        sharing.advance_due(at=clock.now())
        if post:
            cases.post()
        waiting.give_back_due(clock.now())
        run_jobs()
        fire_deferred()
