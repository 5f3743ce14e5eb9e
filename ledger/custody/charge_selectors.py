"""Reads of debits: what became of each period's, when which attempts were and will be, what is in transit, one's own."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import OperationalError, connection, transaction

from aidplatform.lib import clock
from aidplatform.lib.db import sqlstate
from ledger.custody.charge_models import ChargeInstruction, ChargeResult
from ledger.custody.charge_sql import COMING, COMING_OF_PAYER, PENDING
from ledger.custody.charge_triggers import in_transit_sql
from ledger.sharing.models import Period
from members.joining.models import Membership
from members.pools.models import Pool

SHOWN = 24
MINE_SHOWN = 24
#: Debits are made of so many of the newest announced periods; what is older than that members transfer.
PERIODS_OFFERED = 3
#: So long a page waits for a count, in milliseconds.
PATIENCE_MS = 2_000
QUERY_CANCELED = "57014"
Kind = ChargeResult.Kind


@dataclass(frozen=True)
class Sum:
    """How many, and how much (fen)."""

    count: int = 0
    fen: int = 0


@dataclass(frozen=True)
class Funnel:
    """What became of the debits of a period. collected: as the agent first said; of them some are returned later."""

    period_no: int
    charged: Sum
    instructed: Sum
    collected: Sum
    failed: Sum
    returned: Sum
    pending: Sum

    @property
    def steps(self) -> list[tuple[str, Sum]]:
        """Return the steps in their order, by name."""
        names = ("charged", "instructed", "collected", "failed", "returned", "pending")
        return [(name, getattr(self, name)) for name in names]

    @property
    def success(self) -> int | None:
        """Return which part of the debits with an answer has brought its money, in percent; None without an answer."""
        answered = self.instructed.count - self.pending.count
        return round(100 * (self.collected.count - self.returned.count) / answered) if answered else None


_RESULTS = f"""
           count(*) FILTER (WHERE c.id IS NOT NULL) AS collected, sum(i.amount_fen) FILTER (WHERE c.id IS NOT NULL),
           count(*) FILTER (WHERE j.id IS NOT NULL) AS rejected, sum(i.amount_fen) FILTER (WHERE j.id IS NOT NULL),
           count(*) FILTER (WHERE b.id IS NOT NULL) AS returned, sum(i.amount_fen) FILTER (WHERE b.id IS NOT NULL),
           count(*) FILTER (WHERE {PENDING.format(row="i")}), sum(i.amount_fen) FILTER (WHERE {PENDING.format(row="i")})"""
_JOINED = """
      LEFT JOIN ledger_chargeresult c ON c.instruction_id = i.id AND c.kind = 'collected'
      LEFT JOIN ledger_chargeresult j ON j.instruction_id = i.id AND j.kind = 'rejected'
      LEFT JOIN ledger_chargeresult b ON b.instruction_id = i.id AND b.kind = 'returned'"""
_FUNNEL = f"""
    SELECT i.period_no, p.charged_members, p.charged_fen, count(*), sum(i.amount_fen), {_RESULTS}
      FROM ledger_chargeinstruction i JOIN ledger_period p ON p.pool_id = i.pool_id AND p.number = i.period_no
      {_JOINED}
     WHERE i.pool_id = %(pool)s GROUP BY 1, 2, 3 ORDER BY 1 DESC LIMIT %(most)s"""
_CALENDAR = f"""
    SELECT i.collection_date, i.period_no, i.attempt, f.number, count(*), sum(i.amount_fen), {_RESULTS}
      FROM ledger_chargeinstruction i JOIN ledger_chargefile f ON f.id = i.file_id
      {_JOINED}
     WHERE i.pool_id = %(pool)s GROUP BY 1, 2, 3, 4 ORDER BY 1 DESC, 2 DESC, 3 DESC, 4 DESC LIMIT %(most)s"""


def _sums(figures: tuple[Any, ...]) -> list[Sum]:
    return [Sum(count or 0, int(fen or 0)) for count, fen in zip(figures[::2], figures[1::2], strict=True)]


def funnels(pool: Pool, most: int = SHOWN) -> list[Funnel]:
    """Return what became of the debits of each period, newest first, by one query."""
    with connection.cursor() as cursor:
        cursor.execute(_FUNNEL, {"pool": pool.pk, "most": most})
        return [Funnel(row[0], *_sums(row[1:])) for row in cursor.fetchall()]


@dataclass(frozen=True)
class Attempts:
    """The debits of one day, period and attempt. file_no None: they are still to be made."""

    date: dt.date
    period_no: int
    attempt: int
    file_no: int | None
    made: Sum
    collected: Sum
    failed: Sum
    returned: Sum
    pending: Sum

    @property
    def success(self) -> int | None:
        """Return which part of those with an answer has brought its money, in percent; None without an answer."""
        answered = self.made.count - self.pending.count
        return round(100 * (self.collected.count - self.returned.count) / answered) if answered else None


def calendar(pool: Pool, most: int = 10**6) -> list[Attempts]:
    """Return the attempts that were made, the latest first, by one query."""
    with connection.cursor() as cursor:
        cursor.execute(_CALENDAR, {"pool": pool.pk, "most": most})
        return [Attempts(*row[:4], *_sums(row[4:])) for row in cursor.fetchall()]


_COMING_DAYS = f"""
    SELECT collection_date, attempt, is_due, count(*), sum(fen)::bigint FROM ({COMING}) coming
     WHERE NOT is_pending AND collection_date IS NOT NULL GROUP BY 1, 2, 3 ORDER BY 1, 2"""


@dataclass(frozen=True)
class Coming:
    """Debits still to be made: for which day, which attempt, and whether a file made now takes them."""

    period_no: int
    date: dt.date
    attempt: int
    is_due: bool
    sum: Sum


def coming(periods: list[Period], today: dt.date) -> list[Coming] | None:
    """Return what is still to be debited of these periods, by day; one query for each.

    None where there are so many members that a page does not wait for it: making the files counts them.
    """
    found = []
    for period in periods:
        rows = _counted(period, today)
        if rows is None:
            return None
        found += [
            Coming(period.number, day, attempt, is_due, Sum(count, fen))
            for day, attempt, is_due, count, fen in rows
        ]
    return found


def _counted(period: Period, today: dt.date) -> list[tuple[Any, ...]] | None:
    asked: dict[str, int | dt.date] = {"pool": period.pool_id, "period": period.number, "today": today}
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = {PATIENCE_MS}")
            cursor.execute(_COMING_DAYS, asked)
            rows: list[tuple[Any, ...]] = cursor.fetchall()
            cursor.execute("SET LOCAL statement_timeout = DEFAULT")
    except OperationalError as error:
        if sqlstate(error) != QUERY_CANCELED:
            raise
        return None
    return rows


def is_anything_due(period: Period, today: dt.date) -> bool:
    """Tell whether a file of a period made today would take anybody; for too many to count it may."""
    rows = _counted(period, today)
    return rows is None or any(is_due for _day, _attempt, is_due, _count, _fen in rows)


def open_periods(pool: Pool, most: int = PERIODS_OFFERED) -> list[Period]:
    """Return the newest announced periods of which debits can be made."""
    found = Period.objects.filter(
        pool=pool, state=Period.State.POSTED, charges_notified_at__isnull=False, wallet_fen=None
    )
    return list(found.select_related("pool").order_by("-number")[:most])


def in_transit_fen(pool: Pool) -> int:
    """Return what the agent has collected, as it says, and the bank does not show yet (fen)."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {in_transit_sql('%(pool)s')}::bigint", {"pool": pool.pk})
        fen: int = cursor.fetchone()[0]
    return fen


_TOO_MUCH = """
    SELECT r.id, i.payer_no, i.period_no, i.attempt, r.result_date, r.amount_fen - u.fen
      FROM ledger_chargeresult r JOIN ledger_chargeinstruction i ON i.id = r.instruction_id
     CROSS JOIN LATERAL (SELECT coalesce((SELECT sum(k.amount_fen) FROM ledger_collection k WHERE k.result_id = r.id), 0)
           + coalesce((SELECT sum(o.amount_fen) FROM ledger_paymentorder o
                        WHERE o.debit_id = r.id AND o.state NOT IN ('cancelled', 'returned')), 0) AS fen) u
     WHERE i.pool_id = %(pool)s AND r.kind = 'collected' AND r.amount_fen > u.fen
       AND NOT EXISTS (SELECT 1 FROM ledger_chargeresult b WHERE b.instruction_id = i.id AND b.kind = 'returned')
     ORDER BY r.id LIMIT 200"""


@dataclass(frozen=True)
class TooMuch:
    """A debit that brought more than its payer owed by then, because they had paid otherwise (fen)."""

    result_id: int
    payer_no: int
    period_no: int
    attempt: int
    date: dt.date
    open_fen: int


def too_much(pool: Pool) -> list[TooMuch]:
    """Return the debits of which something is nobody's, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(_TOO_MUCH, {"pool": pool.pk})
        return [
            TooMuch(pk, payer, period, attempt, day, int(fen))
            for pk, payer, period, attempt, day, fen in cursor.fetchall()
        ]


@dataclass(frozen=True)
class MyDebit:
    """One attempt of a member. state: pending, collected, failed or returned; reason: the bank's code, may be empty."""

    period_no: int
    attempt: int
    date: dt.date
    fen: int
    state: str
    reason: str
    said_date: dt.date | None


@dataclass(frozen=True)
class NextDebit:
    """What is debited of a member next of a period (fen). date None: the plan has no day left. is_due: next file.

    is_offered: files are made of the newest periods alone; of earlier ones nothing is debited any more.
    """

    period_no: int
    fen: int
    attempt: int
    date: dt.date | None
    is_due: bool
    is_offered: bool

    @property
    def comes_by_itself(self) -> bool:
        """Tell whether it is debited without anybody asking: transferred as well, it would be paid twice."""
        return self.is_offered and (self.is_due or self.date is not None)


_STATES = {Kind.RETURNED: "returned", Kind.REJECTED: "failed", Kind.COLLECTED: "collected"}


def debits_of(membership: Membership, most: int = MINE_SHOWN) -> list[MyDebit]:
    """Return the debits of a member, newest first, with what became of each; two queries."""
    found = ChargeInstruction.objects.filter(pool_id=membership.pool_id, payer_id=membership.pk)
    return [_my_debit(one) for one in found.prefetch_related("results").order_by("-pk")[:most]]


def _my_debit(one: ChargeInstruction) -> MyDebit:
    by_kind = {result.kind: result for result in one.results.all()}
    last = next((by_kind[kind] for kind in _STATES if kind in by_kind), None)
    return MyDebit(
        one.period_no,
        one.attempt,
        one.collection_date,
        one.amount_fen,
        _STATES[Kind(last.kind)] if last else "pending",
        last.reason if last else "",
        last.result_date if last else None,
    )


def next_debits(membership: Membership) -> list[NextDebit]:
    """Return what is to be debited of a member next, by period; two queries."""
    return [next_one for next_one, is_pending in _debits_to_come(membership) if not is_pending]


def on_the_way_fen(membership: Membership) -> int:
    """Return what of a member's debt is debited by itself: announced without an answer, or to come (fen). Two queries.

    Nothing without a mandate in force.
    """
    return sum(
        one.fen for one, is_pending in _debits_to_come(membership) if is_pending or one.comes_by_itself
    )


def _debits_to_come(membership: Membership) -> list[tuple[NextDebit, bool]]:
    """Return the next debit of each period of which a member owes something, and whether one is under way already."""
    pool = membership.pool
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT period_no, fen, attempt, collection_date, is_due,
                       period_no = ANY(%(offered)s), is_pending
                  FROM ({COMING_OF_PAYER}) coming ORDER BY period_no""",
            {
                "pool": pool.pk,
                "payer": membership.pk,
                "today": clock.today(pool.time_zone),
                "offered": [period.number for period in open_periods(pool)],
            },
        )
        return [(NextDebit(*row[:-1]), row[-1]) for row in cursor.fetchall()]


def rows_for_csv(pool: Pool) -> Iterator[tuple[object, ...]]:
    """Yield one row for each attempt of the calendar."""
    for one in calendar(pool):
        yield (
            one.date.isoformat(), one.period_no, one.attempt, one.file_no, one.made.count, one.made.fen,
            one.collected.count, one.collected.fen, one.failed.count, one.failed.fen, one.returned.count,
            one.returned.fen, one.pending.count, one.pending.fen,
        )  # fmt: skip
