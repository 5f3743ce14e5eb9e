"""The daily reconciliation: judge a pool's bank account by the rules of the cash book, keep the answer, day by day."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from aidplatform.lib import clock, crypto
from aidplatform.lib.db import whole_tables
from aidplatform.work import jobs
from ledger.books import chart
from ledger.custody import reconciled_sql as sql
from ledger.custody.models import BankAccount, BankStatement
from ledger.custody.reconciled_models import ReconciledDay
from ledger.custody.reconciled_rules import (
    BROKEN,
    ELSEWHERE,
    KEEP,
    MONEY,
    PAYOUT_DAYS,
    SUSPENSE_BANK_DAYS,
    WORD,
    Finding,
    Verdict,
    bank_days_before,
    from_json,
    to_json,
    verdict_of,
)
from ledger.custody.reconciliation import STATEMENT_DAYS
from ledger.custody.selectors import line_context
from ledger.custody.services import hash_of_booking
from members.pools.models import Pool

RECONCILE = "custody.reconcile"
SERVICE = "service"
_OVER = (Pool.State.CLOSED, Pool.State.GIVEN_UP)


@dataclass(frozen=True)
class Clearing:
    """An account through which money passes: what is in it (fen), how many items, and for how many days the oldest."""

    account: str
    name: object
    fen: int
    count: int
    days: int


@dataclass(frozen=True)
class Judged:
    """A pool judged on a day: the bank's closing, what orders and receipts make of it, and the books (fen)."""

    pool: Pool
    day: dt.date
    statement_no: int
    bank_fen: int
    explained_fen: int
    ledger_fen: int
    verdicts: tuple[Verdict, ...]

    @property
    def broken(self) -> int:
        """Return how many rules are broken."""
        return sum(one.state == BROKEN for one in self.verdicts)


def judge(pool: Pool, at: dt.datetime) -> Judged | None:
    """Judge a pool's bank account as it stands; None before its first statement.

    The pool is locked, as imports, orders and releases lock it: nothing moves between one question and the next.
    """
    with transaction.atomic():
        pool = Pool.objects.select_for_update().get(pk=pool.pk)
        account = BankAccount.objects.filter(pool=pool).first()
        last = account.statements.order_by("-number").first() if account else None
        if account is None or last is None:
            return None
        return _judged(pool, account, last, clock.day_of(at, pool.time_zone))


def _judged(pool: Pool, account: BankAccount, last: BankStatement, day: dt.date) -> Judged:
    parameters = _parameters(pool, account, day) | {
        "silent": day - dt.timedelta(days=STATEMENT_DAYS),
        "suspense": bank_days_before(day, SUSPENSE_BANK_DAYS, settings.BANK_HOLIDAYS),
        "told": bank_days_before(last.to_date, SUSPENSE_BANK_DAYS, settings.BANK_HOLIDAYS),
        "payout": day - dt.timedelta(days=PAYOUT_DAYS),
    }
    findings: dict[str, list[Finding]] = {rule: [] for rule in sql.EXAMINED}
    for rule, check, unit, query in sql.CHECKS:
        for kind, ref, expected, found in _rows(query, parameters):
            findings[rule].append(Finding(check, kind, ref, unit, expected, found))
    suspects = {int(one.ref) for one in findings["R2"]}
    findings["R2"] += _suspect_lines(pool, parameters, suspects)
    number, bank_fen, explained_fen, ledger_fen = _rows(
        sql.figures_sql("%(pool)s", "%(account)s"), parameters
    )[0]
    findings["R2"] += _differences(bank_fen, explained_fen, ledger_fen)
    verdicts = [
        verdict_of(rule, _rows(query, parameters)[0][0], findings[rule])
        for rule, query in sql.EXAMINED.items()
    ]
    verdicts.append(Verdict("R12", ELSEWHERE))
    return Judged(pool, day, number, bank_fen, explained_fen, ledger_fen, tuple(verdicts))


def _parameters(pool: Pool, account: BankAccount, day: dt.date) -> dict[str, Any]:
    return {
        "pool": pool.pk,
        "account": account.pk,
        "code": pool.code,
        "zone": pool.time_zone,
        "today": day,
    }


def _rows(query: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
    # Every rule looks at the whole pool; bookings of today, which statistics miss, were compared each with each.
    with whole_tables(), connection.cursor() as cursor:
        cursor.execute(query, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def _differences(bank_fen: int, explained_fen: int, ledger_fen: int) -> list[Finding]:
    found = (("documents", explained_fen), ("ledger", ledger_fen))
    return [
        Finding(check, "account", chart.CUSTODY, MONEY, bank_fen, fen)
        for check, fen in found
        if fen != bank_fen
    ]


def _suspect_lines(pool: Pool, parameters: dict[str, Any], numbers: set[int]) -> list[Finding]:
    """Return which bookings of these statements were changed, added or dropped since they were imported.

    Each bears a keyed hash of all that the bank said of it, which nobody makes anew who has the database alone.
    """
    found: list[Finding] = []
    seen: dict[int, set[int]] = {number: set() for number in numbers}
    counts: dict[int, int] = {}
    if not numbers:
        return found
    for row in _rows(sql.SUSPECT_LINES, parameters | {"numbers": sorted(numbers)}):
        number, count, line_no, *said, digest = row
        counts[number] = count
        seen[number].add(line_no)
        ref = f"{number}/{line_no}"
        if line_no > count:
            found.append(Finding("extra", "line", ref, WORD, "", str(said[2])))
        elif _hash(pool, ref, said) != bytes(digest):
            found.append(Finding("changed", "line", ref, WORD, "", f"{said[1]} {said[2]}"))
    found += [
        Finding("dropped", "line", f"{number}/{line_no}", WORD, "", "")
        for number, count in counts.items()
        for line_no in range(1, count + 1)
        if line_no not in seen[number]
    ]
    return found[:KEEP]


def _hash(pool: Pool, ref: str, said: list[Any]) -> bytes:
    day, direction, fen, reference, sealed, text = said
    try:
        name = crypto.unseal_text(bytes(sealed), line_context(pool.code, ref)) if bytes(sealed) else ""
    except crypto.UnreadableError:
        return b""
    return hash_of_booking(day, direction, fen, reference, name, text)


# --- day by day --------------------------------------------------------------------------------------------------


def reconcile_due(at: dt.datetime) -> None:
    """Have each pool with statements reconciled once a day has begun; doubled, late or lost ticks change nothing."""
    for pool in Pool.objects.filter(bank_account__statements__number=1).exclude(state__in=_OVER):
        key = f"{pool.code}/{clock.day_of(at, pool.time_zone)}"
        jobs.enqueue(kind=RECONCILE, key=key, payload={"pool": pool.pk}, actor=SERVICE)


def reconcile(lease: jobs.Lease) -> dict[str, Any]:
    """Judge a pool and keep the answer, once a day."""
    with lease.transaction():
        kept = keep_day(Pool.objects.get(pk=lease.payload["pool"]), clock.now())
    return {"broken": kept.broken} if kept else {}


@transaction.atomic
def keep_day(pool: Pool, at: dt.datetime) -> ReconciledDay | None:
    """Judge a pool and keep the answer as its day's; the first answer of a day stays. None before its first statement.

    The pool is locked first and until the answer is kept: the guard locks the bank account, and every import takes both
    in this order.
    """
    pool = Pool.objects.select_for_update().get(pk=pool.pk)
    kept = pool.reconciled_days.filter(day=clock.day_of(at, pool.time_zone)).first()
    if kept is not None:
        return kept
    judged = judge(pool, at)
    if judged is None:
        return None
    return ReconciledDay.objects.create(
        pool=judged.pool,
        day=judged.day,
        statement_no=judged.statement_no,
        bank_fen=judged.bank_fen,
        explained_fen=judged.explained_fen,
        ledger_fen=judged.ledger_fen,
        verdicts=to_json(judged.verdicts),
        broken=judged.broken,
        at=at,
    )


def judged_of(kept: ReconciledDay) -> Judged:
    """Return a kept day as it was judged."""
    return Judged(
        kept.pool,
        kept.day,
        kept.statement_no,
        kept.bank_fen,
        kept.explained_fen,
        kept.ledger_fen,
        tuple(from_json(kept.verdicts)),
    )


def clearing(account: BankAccount) -> list[Clearing]:
    """Return the accounts through which money passes, with what is in them and since when."""
    pool = account.pool
    today = clock.today(pool.time_zone)
    sources = (
        (chart.IN_TRANSIT_IN, sql.NOT_HANDED_ON),
        (chart.UNEXPLAINED_DEBITS, sql.NOT_EXPLAINED),
        (chart.UNIDENTIFIED, sql.NOT_PLACED),
        (chart.IN_TRANSIT_OUT, sql.NOT_SHOWN),
    )
    found = []
    for code, query in sources:
        rows = _rows(
            f"SELECT coalesce(sum(fen), 0)::bigint, count(*), min(day) FROM ({query}) n",  # noqa: S608 - fixed texts
            _parameters(pool, account, today),
        )
        fen, count, oldest = rows[0]
        days = (today - oldest).days if oldest else 0
        found.append(Clearing(code, chart.BY_CODE[code].name, fen, count, days))
    return found
