"""Every statement about a pool's books, log and periods, and the parts in which they are held against the rows."""

from collections.abc import Callable

from ledger.books import verify as books
from ledger.books.findings import Report, fetch
from ledger.custody import (
    arrears_verify,
    charge_verify,
    cost_verify,
    explanation_verify,
    interest_verify,
    month_verify,
    reconciled_verify,
    reversal_verify,
    revocation_verify,
    share_return_verify,
    undoing_verify,
    wallet_verify,
    write_off_verify,
)
from ledger.custody import verify as custody
from ledger.leaving import verify as leaving
from ledger.openbooks import checkpoint_verify, stamp_verify, witness_verify
from ledger.openbooks import verify as openbooks
from ledger.sharing import verify as sharing
from ledger.sharing.verify.rows import PoolRow, periods

PERIOD = "period/"

Check = Callable[[Report, PoolRow], None]


def _verify_log(report: Report, pool: PoolRow) -> None:
    """Hold the log against the book, and what was signed of it against the log."""
    openbooks.verify_log(report, pool.code, pool.book_id, pool.log_id)
    checkpoint_verify.verify_checkpoints(report, pool.code, pool.log_id)
    witness_verify.verify_cosignatures(report, pool.code, pool.log_id)
    stamp_verify.verify_time_stamps(report, pool.log_id)


def _verify_custody(report: Report, pool: PoolRow) -> None:
    custody.verify_custody(report, pool.id, pool.code, pool.book_id)
    reconciled_verify.verify_reconciled(report, pool.id, pool.code)
    parameters = {"pool": pool.id, "code": pool.code, "book": pool.book_id, "log": pool.log_id}
    reversal_verify.verify_reversals(report, parameters)
    revocation_verify.verify_revocations(report, parameters)
    undoing_verify.verify_undoings(report, parameters)


_BEFORE: dict[str, Check] = {
    "books": lambda report, pool: books.verify_book(report, pool.book_id, pool.code),
    "log": _verify_log,
}
_AFTER: dict[str, Check] = {
    "awards": sharing.verify_pool,
    "custody": _verify_custody,
    "ends": lambda report, pool: leaving.verify_ends(report, pool.id, pool.code, pool.zone),
}
_CHECKS = _BEFORE | _AFTER


def new_report() -> Report:
    """Return a report of all statements, none of them examined yet."""
    return Report.of(
        openbooks.SENTENCES,
        checkpoint_verify.SENTENCES,
        witness_verify.SENTENCES,
        stamp_verify.SENTENCES,
        books.SENTENCES,
        sharing.SENTENCES,
        custody.SENTENCES,
        wallet_verify.SENTENCES,
        write_off_verify.SENTENCES,
        share_return_verify.SENTENCES,
        cost_verify.SENTENCES,
        explanation_verify.SENTENCES,
        interest_verify.SENTENCES,
        month_verify.SENTENCES,
        reconciled_verify.SENTENCES,
        reversal_verify.SENTENCES,
        revocation_verify.SENTENCES,
        undoing_verify.SENTENCES,
        arrears_verify.SENTENCES,
        charge_verify.SENTENCES,
        leaving.SENTENCES,
    )


def verify_everything(report: Report, code: str | None) -> None:
    """Hold every pool, or one, against all statements.

    Raises: LookupError for a pool that does not exist; DatabaseError when something can't be read.
    """
    if code is not None and not fetch("SELECT 1 FROM members_pool WHERE code = %(pool)s", {"pool": code}):
        raise LookupError(f"there is no pool {code}")
    openbooks.verify_pools_have_books(report, code)
    for row in fetch(_BOOKS, {"pool": code}):
        pool = PoolRow(*row)
        for part in parts_of(pool):
            verify_part(report, pool, part)


def parts_of(pool: PoolRow) -> list[str]:
    """Return the parts of a verification in their order: books, log, every period there is, and what is of no period.

    A book without a pool has the first two.
    """
    if pool.id is None:
        return [*_BEFORE]
    return [*_BEFORE, *(f"{PERIOD}{period.number}" for period in periods(pool)), *_AFTER]


def verify_part(report: Report, pool: PoolRow, part: str) -> None:
    """Hold the rows that a part is about against its statements.

    Raises: LookupError for a period that does not exist; DatabaseError when something can't be read.
    """
    if not part.startswith(PERIOD):
        _CHECKS[part](report, pool)
        return
    number = int(part.removeprefix(PERIOD))
    found = [period for period in periods(pool) if period.number == number]
    if not found:
        raise LookupError(f"there is no period {number}")
    sharing.verify_period(report, found[0])


def pool_row(code: str) -> PoolRow:
    """Return a pool with its book and log. Raises: LookupError."""
    rows = [row for row in fetch(_BOOKS, {"pool": code}) if row[0] is not None]
    if not rows:
        raise LookupError(f"there is no pool {code}")
    return PoolRow(*rows[0])


_BOOKS = """
    SELECT p.id, b.code, p.time_zone, b.id, g.id FROM ledger_book b
      LEFT JOIN members_pool p ON p.code = b.code LEFT JOIN ledger_log g ON g.code = b.code
     WHERE %(pool)s::text IS NULL OR b.code = %(pool)s ORDER BY b.code"""
