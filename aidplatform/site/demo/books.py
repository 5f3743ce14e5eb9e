"""What treasurer and controller of a demonstration do with the books: they close months.

What the bank leaves to them: a debit to explain, and a receipt whose reference has a slip.
"""

import datetime as dt

from aidplatform.lib import clock
from aidplatform.site.demo.deeds import code_of, import_bank
from ledger.custody import months
from ledger.custody.reconciled_days import keep_day
from ledger.custody.references import MEMBERSHIP, make_reference
from ledger.custody.selectors import arrears_rows
from ledger.custody.statement_parts import IN, OUT, FileLine
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


def slipped_receipt(pool: Pool, day: dt.date) -> tuple[int, FileLine]:
    """Return the number of the newest member who owes, and a receipt of all of it with one digit wrong."""
    owed: dict[int, int] = {}
    for number, _period, _share_fen, _paid_fen, open_fen in arrears_rows(pool):
        owed[number] = owed.get(number, 0) + open_fen
    number = max(owed)
    reference = make_reference(pool.code, MEMBERSHIP, number)
    wrong = str((int(reference[-1]) + 5) % 10)
    return number, FileLine(
        booking_date=day,
        direction=IN,
        amount_fen=owed[number],
        bank_reference="",
        counterparty="王芳",
        text=f"互助金 {reference[:-1]}{wrong}",
        code="",
    )
