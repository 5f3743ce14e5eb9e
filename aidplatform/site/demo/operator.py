"""What the operator of a demonstration tells of itself: its interests, and the income of each period."""

import datetime as dt

from aidplatform.lib import clock
from aidplatform.site.demo.deeds import code_of
from ledger.custody import interests
from ledger.custody.references import INCOME, REFERRAL, make_reference
from ledger.custody.statement_parts import IN, FileLine
from ledger.sharing.models import Period
from members.pools.models import Pool

# With whom, what it is, in one sentence.
_INTERESTS = (
    (
        "Riverside Pharmacies",
        "referral",
        "Pays 30.00 for each member who comes from its shops; all of it goes to the pool.",
    ),
    ("Riverside Savings Bank", "supplier", "Runs the software on its machines, for a fixed price."),
)
_REFERRED_FEN = 36_000


def referral_income(pool: Pool, day: dt.date) -> FileLine:
    """Return the operator's transfer of what it was paid for members who were sent: twelve of them."""
    return FileLine(
        booking_date=day,
        direction=IN,
        amount_fen=_REFERRED_FEN,
        bank_reference="",
        counterparty="Helping Hands Ltd",
        text=make_reference(pool.code, INCOME, REFERRAL),
    )


def tell_interests(pool: Pool) -> None:
    """Let the admin tell with whom the operator has to do, and the controller confirm it, once."""
    known = set(interests.interests(pool).values_list("partner", flat=True))
    for partner, kind, relation in _INTERESTS:
        if partner in known:
            continue
        told = interests.propose_interest(
            pool=pool,
            kind=kind,
            partner=partner,
            relation=relation,
            since_date=clock.today(pool.time_zone),
            until_date=None,
            replaces=None,
            proposer=code_of("pool_admin"),
            at=clock.now(),
        )
        interests.confirm_interest(interest=told, confirmer=code_of("controller"), at=clock.now())


def report_income(pool: Pool) -> None:
    """Let the operator's income be reported of every posted period of which it is not stated, as it was booked."""
    for income in interests.income_by_period(pool)[::-1]:
        if income.is_stated:
            continue
        report = interests.report_income(
            period=Period.objects.get(pool=pool, number=income.number),
            referral_fen=income.booked_referral_fen,
            sponsor_fen=income.booked_sponsor_fen,
            note="",
            proposer=code_of("pool_admin"),
            at=clock.now(),
        )
        interests.confirm_income(report=report, confirmer=code_of("controller"), at=clock.now())
