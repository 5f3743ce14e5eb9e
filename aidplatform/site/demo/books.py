"""What treasurer and controller of a demonstration do with the books: they close months; a debit is left to explain."""

import datetime as dt

from aidplatform.lib import clock
from aidplatform.site.demo.deeds import code_of, import_bank
from ledger.custody import months
from ledger.custody.reconciled_days import keep_day
from ledger.custody.statement_parts import OUT, FileLine
from members.pools.models import Pool

_TAKEN_FEN = 3_500


def close_month(pool: Pool, until: dt.date) -> None:
    """Import the statements up to and without a day, reconcile, and close a month that can be closed.

    A check that found a rule broken leaves the month open: it is for the visitor to see why.
    """
    import_bank(pool, until)
    keep_day(pool, clock.now())
    for _pool, month in months.ready_to_close([pool.pk]):
        close = months.propose_close(
            pool=pool, month_date=month, proposer=code_of("treasurer"), at=clock.now()
        )
        months.agree_to_close(close=close, person=code_of("controller"), at=clock.now())


def unexplained_debit(day: dt.date) -> FileLine:
    """Return a booking by which the bank takes money without saying for what."""
    return FileLine(
        booking_date=day,
        direction=OUT,
        amount_fen=_TAKEN_FEN,
        bank_reference="",
        counterparty="Riverside Savings Bank",
        text="ADJ 0214",
    )
