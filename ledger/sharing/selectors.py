"""Reads of sharing: periods, their bill, their progress, what a pool may show."""

import datetime as dt
from dataclasses import dataclass
from fractions import Fraction

from django.db import connection
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.errors import NotFoundError
from aidplatform.work.models import Job
from ledger.books import chart
from ledger.books.models import Book
from ledger.books.selectors import balance_fen
from ledger.sharing.apportion import (
    Costs,
    FeeRule,
    Group,
    Sharing,
    case_cap_excess_fen,
    compute_shares,
)
from ledger.sharing.models import Award, Period
from ledger.sharing.triggers import SHOWN_COLUMNS
from members.pools.models import Pool
from members.pools.plan_terms import PlanTerms

# Kinds of journal entry that put something besides awards into To be shared, and the expense they become.
OTHER_COSTS = {
    "write_off": chart.WRITE_OFFS,
    "bank_charge": chart.BANK_CHARGES,
    "waiting_refund": chart.SHARES_RETURNED,
}
OTHER_INCOME = ("other_income", "interest")


@dataclass(frozen=True)
class Progress:
    """How far posting has come: members charged of all, and since when (real time)."""

    state: str
    stage: str
    done_members: int
    all_members: int
    started_at: dt.datetime | None
    finished_at: dt.datetime | None
    seconds: float
    stuck_job: str

    @property
    def percent(self) -> int:
        """Return 0…100; 100 only when the period is posted."""
        if self.state == Period.State.POSTED:
            return 100
        return min(99, self.done_members * 100 // self.all_members) if self.all_members else 0

    @property
    def members_per_second(self) -> int:
        """Return the rate so far."""
        return int(self.done_members / self.seconds) if self.seconds else 0

    @property
    def seconds_left(self) -> int | None:
        """Return the time left at the rate so far, None before there is one."""
        rate = self.members_per_second
        return (self.all_members - self.done_members) // rate if rate else None


def access_period(*, pool: Pool, number: int) -> Period:
    """Return a period of the pool. Raises: NotFoundError."""
    period = pool.periods.filter(number=number).select_related("pool", "plan_version", "entry").first()
    if period is None:
        raise NotFoundError(_("This pool has no such period."))
    return period


def access_public_period(*, pool: Pool, number: int) -> Period:
    """Return a period once it is announced; before, it does not exist for the public. Raises: NotFoundError."""
    period = access_period(pool=pool, number=number)
    if not period.is_public:
        raise NotFoundError(_("This pool has no such period."))
    return period


def periods(pool: Pool) -> QuerySet[Period]:
    """Return the pool's periods, newest first."""
    return pool.periods.select_related("pool", "plan_version", "entry").order_by("-number")


def public_periods(pool: Pool) -> QuerySet[Period]:
    """Return the announced and later periods, newest first."""
    return periods(pool).exclude(state__in=[Period.State.OPENED, Period.State.FROZEN])


def last_posted(pool: Pool) -> Period | None:
    """Return the newest posted period."""
    return periods(pool).filter(state=Period.State.POSTED).first()


def awards_of(period: Period) -> QuerySet[Award]:
    """Return the awards that the period shares, in the order of their codes."""
    return period.awards.exclude(state=Award.State.WITHDRAWN).order_by("code")


def book_of(pool: Pool) -> Book:
    """Return the pool's book."""
    return Book.objects.get(code=pool.code)


def shown_text(period: Period) -> str:
    """Return the text whose SHA-256 an approval names: every figure of the period, joined by “|”.

    Anyone can hash it: `printf '%s' "<text>" | sha256sum`.
    """
    columns = ", ".join(f"{column}::text" for column in SHOWN_COLUMNS)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT concat_ws('|', {columns}) FROM ledger_period WHERE id = %s",  # noqa: S608 - fixed names
            [period.pk],
        )
        text: str = cursor.fetchone()[0]
    return text


def class_counts(period: Period) -> dict[int, int]:
    """Return members per class, summed over the manifest of the frozen headcount."""
    counts: dict[int, int] = {}
    for line in period.manifest.values_list("counts", flat=True):
        for class_no, members in line.items():
            counts[int(class_no)] = counts.get(int(class_no), 0) + int(members)
    return dict(sorted(counts.items()))


def other_costs(book: Book, after_entry_no: int) -> dict[str, int]:
    """Return what besides awards came into To be shared since that entry, by kind (fen)."""
    return _moved(book, chart.TO_BE_SHARED, "D", tuple(OTHER_COSTS), after_entry_no)


def other_income(book: Book, after_entry_no: int) -> int:
    """Return the income credited to the carry since that entry (fen): it lowers the need and is named."""
    return sum(_moved(book, chart.CARRIED_SURPLUS, "C", OTHER_INCOME, after_entry_no).values())


def _moved(book: Book, account: str, side: str, kinds: tuple[str, ...], after: int) -> dict[str, int]:
    """Return per kind of entry the net amount posted to an account on that side since an entry (fen)."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT e.kind, sum(CASE p.side WHEN %s THEN p.amount_fen ELSE -p.amount_fen END)::bigint
                 FROM ledger_posting p JOIN ledger_journalentry e ON e.id = p.entry_id
                 JOIN ledger_account a ON a.id = p.account_id
                WHERE e.book_id = %s AND a.code = %s AND e.kind = ANY(%s) AND e.number > %s GROUP BY e.kind""",
            [side, book.pk, account, list(kinds), after],
        )
        return dict(cursor.fetchall())


@dataclass(frozen=True)
class Bill:
    """What a period would charge: the pure result and the figures around it (fen)."""

    sharing: Sharing
    aid_fens: tuple[int, ...]
    other_costs_by_kind: dict[str, int]
    other_income_fen: int
    carry_in_fen: int
    sponsor_fen: int

    @property
    def classes(self) -> list[dict[str, int]]:
        """Return the class table as it is stored and shown."""
        return [
            {"class_no": s.class_no, "weight": s.weight, "members": s.count, "share_fen": s.share_fen}
            for s in self.sharing.shares
        ]


def compute_bill(period: Period) -> Bill:
    """Compute a frozen period's shares from its awards, plan, headcount and the books. Writes nothing.

    This is the dry run as well: what is approved later is this, stored.
    """
    plan = period.plan_version.plan()
    book = book_of(period.pool)
    before = (
        Period.objects.filter(pool=period.pool, number__lt=period.number, entry__isnull=False)
        .order_by("-number")
        .values_list("entry__number", flat=True)
        .first()
    )
    costs_by_kind = other_costs(book, before or 0)
    aid_fens = tuple(awards_of(period).values_list("aid_fen", flat=True))
    carry_in_fen = balance_fen(book, chart.CARRIED_SURPLUS)
    groups = tuple(
        Group(class_no=class_no, count=count, weight=plan.weight_of(class_no))
        for class_no, count in class_counts(period).items()
    )
    fee_rule = fee_rule_of(plan)
    sponsored_fen = _sponsored_fen(plan, groups, aid_fens, fee_rule)
    sharing = compute_shares(
        groups=groups,
        costs=Costs(
            aid_fens=aid_fens,
            other_costs_fen=sum(costs_by_kind.values()),
            carry_in_fen=carry_in_fen,
            sponsored_fen=sponsored_fen,
        ),
        fee_rule=fee_rule,
        on_cap=plan.on_cap,
        on_infeasible=plan.on_infeasible,
    )
    return Bill(
        sharing=sharing,
        aid_fens=aid_fens,
        other_costs_by_kind=costs_by_kind,
        other_income_fen=other_income(book, before or 0),
        carry_in_fen=carry_in_fen,
        sponsor_fen=sharing.sponsor_fen,
    )


def fee_rule_of(plan: PlanTerms) -> FeeRule:
    """Return the plan's fee rule as the arithmetic takes it."""
    return FeeRule(
        rate=Fraction(plan.fee.rate), fixed_fen=plan.fee.fixed_fen, ceiling_fen=plan.fee.ceiling_fen
    )


def _sponsored_fen(
    plan: PlanTerms, groups: tuple[Group, ...], aid_fens: tuple[int, ...], fee_rule: FeeRule
) -> int:
    """Return what a cap per case leaves to the sponsor (fen)."""
    payers_weight = sum(group.total_weight for group in groups)
    if plan.per_case_cap_fen is None or payers_weight == 0:
        return 0
    return case_cap_excess_fen(
        aid_fens=aid_fens,
        fee_rule=fee_rule,
        case_cap_fen=plan.per_case_cap_fen,
        payers_weight=payers_weight,
        base_weight=plan.base_weight,
    )


def progress(period: Period) -> Progress:
    """Return how far posting has come. Three queries, whatever the size."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT coalesce(sum(members) FILTER (WHERE written_at IS NOT NULL), 0)::bigint,
                      coalesce(sum(members), 0)::bigint, count(*) FILTER (WHERE written_at IS NULL)
                 FROM ledger_manifestline WHERE period_id = %s""",
            [period.pk],
        )
        done, all_members, open_shards = cursor.fetchone()
        cursor.execute(
            """SELECT min(started_at), max(finished_at) FILTER (WHERE kind = 'sharing.close_posting'),
                      coalesce(extract(epoch FROM coalesce(
                          max(finished_at) FILTER (WHERE kind = 'sharing.close_posting'), clock_timestamp())
                          - min(started_at)), 0)::float8
                 FROM work_job WHERE kind IN ('sharing.start_posting', 'sharing.close_posting') AND key = %s""",
            [period.code],
        )
        started_at, finished_at, seconds = cursor.fetchone()
    stuck = Job.objects.filter(
        kind__startswith="sharing.", key__startswith=period.code, state=Job.State.STUCK
    )
    return Progress(
        state=period.state,
        stage=_stage(period, open_shards),
        done_members=done,
        all_members=all_members,
        started_at=started_at,
        finished_at=finished_at,
        seconds=round(seconds, 3),
        stuck_job=stuck.values_list("last_error", flat=True).first() or "",
    )


def _stage(period: Period, open_shards: int) -> str:
    """Return the stage of posting in one word: waiting, opening, charging, closing, posted."""
    if period.state == Period.State.POSTED:
        return "posted"
    if period.state == Period.State.POSTING:
        return "charging" if open_shards else "closing"
    return "opening" if period.state == Period.State.APPROVED else "waiting"
