"""Recompute every period from plan, spans, awards and postings, and hold what is stored against it."""

from django.utils.translation import gettext_noop as _

from ledger.books.findings import Report
from ledger.sharing.verify import bill, controls, faces, headcount, posted, publicity, rests, rolls
from ledger.sharing.verify.rows import PeriodRow, PoolRow, periods, text

SENTENCES = {
    "period_numbers_have_no_gap": _(
        "The periods of a pool are numbered 1, 2, 3 … and each begins where the last ended."
    ),
    **headcount.SENTENCES,
    **rolls.SENTENCES,
    **publicity.SENTENCES,
    **faces.SENTENCES,
    **bill.SENTENCES,
    **posted.SENTENCES,
    **controls.SENTENCES,
    **rests.SENTENCES,
}
FROZEN = ("frozen", "announced", "settled", "computed", "approved", "posting", "posted")


def verify_sharing(report: Report, pool: PoolRow) -> None:
    """Hold a pool's periods, charges and awards against every statement of SENTENCES."""
    for period in periods(pool):
        verify_period(report, period)
    verify_pool(report, pool)


def verify_pool(report: Report, pool: PoolRow) -> None:
    """Hold against the statements what is not of one period: numbers and days of all, charges, awards and rests."""
    expected_number, expected_day = 1, None
    for period in periods(pool):
        found = (period.number, period.opening_date)
        expected = (expected_number, expected_day or period.opening_date)
        report.expect("period_numbers_have_no_gap", period.where, text(expected), text(found))
        expected_number, expected_day = period.number + 1, period.next_opening_date
    controls.verify_charge_tables(report, pool)
    controls.verify_awards(report, pool)
    rests.verify_rests(report, pool)


def verify_period(report: Report, period: PeriodRow) -> None:
    """Hold one period, as far as it has come, against the statements about it."""
    if period.state not in FROZEN:
        return
    headcount.verify_headcount(report, period)
    rolls.verify_rolls(report, period)
    if period.state != "frozen":
        publicity.verify_publicity(report, period)
        faces.verify_faces(report, period)
    if period.assessed_fen is not None:
        bill.verify_figures(report, period, period.members_by_class)
        bill.verify_people(report, period)
    if period.state == "posted":
        posted.verify_entry(report, period)
        posted.verify_carry(report, period)
        posted.verify_close(report, period)
