"""Reads for the public pages and for members: what the bills were, in a fixed number of queries."""

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from itertools import pairwise

from django.db import connection
from django.db.models import Count, F, QuerySet, Sum, Window
from django.db.models.functions import ExtractYear, RowNumber

from ledger.custody.write_offs import written_off_of
from ledger.disclosure.history import PastPeriod
from ledger.leaving.again import Stay
from ledger.sharing.changes import Charged, change_parts
from ledger.sharing.figures import ClassFigures, Part, class_figures, several_shares, share_parts
from ledger.sharing.models import FIGURES, Award, Period
from ledger.sharing.selectors import NO_PERIOD, shares_of, stored_figures
from members.joining.models import Membership, MembershipSpan
from members.joining.selectors import SMALLEST_PUBLIC_POOL
from members.pools.models import DutyGrant, Pool
from members.pools.plan_terms import PlanTerms

PLOTTED = 24
EVERY_PERIOD = 10_000
#: A period of a large pool has thousands; its own page lists them all.
CASES_SHOWN = 20
#: Ten years of monthly periods; a page of bars gets no further.
REMEMBERED = 120
#: What a member's page says of a period; the rest of its row is larger.
_FIGURES = ("pool", "number", "charge_date", "as_of", "headcount", "classes", *FIGURES)


@dataclass(frozen=True)
class PoolCard:
    """A pool and its last posted period, as the front page shows them."""

    pool: Pool
    last: Period | None
    base: ClassFigures | None
    cases: int

    @property
    def shows_periods(self) -> bool:
        """Tell whether single periods may be shown to everyone."""
        return self.last is None or (self.last.headcount or 0) >= SMALLEST_PUBLIC_POOL

    @property
    def has_several_shares(self) -> bool:
        """Tell whether others pay another share than the lightest class."""
        return several_shares(class_figures((self.last and self.last.classes) or []))


@dataclass(frozen=True)
class Year:
    """The sums of one year (fen): all that a very small pool shows of itself."""

    year: int
    periods: int
    cases: int
    aid_fen: int
    fee_fen: int
    assessed_fen: int


def pool_cards() -> list[PoolCard]:
    """Return every public pool with its last posted period. Three queries."""
    pools = list(Pool.objects.exclude(state__in=Pool.PRIVATE).order_by("code"))
    posted = Period.objects.filter(pool__in=pools, state=Period.State.POSTED).select_related("pool")
    last = {period.pool_id: period for period in posted.order_by("pool_id", "-number").distinct("pool_id")}
    cases = dict(_cases_shared(pools).values_list("pool_id").annotate(Count("pk")).order_by())
    return [
        PoolCard(pool, last.get(pool.pk), base_class(last.get(pool.pk)), cases.get(pool.pk) or 0)
        for pool in pools
    ]


def _cases_shared(pools: Collection[Pool]) -> QuerySet[Award]:
    """Return the cases that these pools have shared: a rest is of a case that has been counted.

    Whose aid was taken back before any of it was paid, was not helped.
    """
    shared = Award.objects.filter(pool__in=pools, state=Award.State.SHARED, rest_of=None)
    return shared.exclude(lowered_fen__gt=0, lowered_fen=F("shared_fen"))


def base_class(period: Period | None) -> ClassFigures | None:
    """Return the lightest class with members of a computed period."""
    if period is None or period.classes is None:
        return None
    peopled = [row for row in class_figures(period.classes) if row.members]
    return min(peopled, key=lambda row: (row.weight, row.class_no)) if peopled else None


def past_shares(pool: Pool) -> list[Period]:
    """Return the last posted periods, oldest first."""
    newest = pool.periods.filter(state=Period.State.POSTED).order_by("-number")[:PLOTTED]
    return list(reversed(newest))


def history(pool: Pool, *, at_least: int = 0) -> list[PastPeriod]:
    """Return what the last posted periods came to, oldest first, without those of fewer members. One query."""
    posted = pool.periods.filter(state=Period.State.POSTED, headcount__gte=at_least).only(
        "pool", "number", "charge_date", "headcount", "cases", "aid_fen", "fee_fen", "assessed_fen", "classes"
    )
    return [
        PastPeriod(
            number=period.number,
            charge_date=period.charge_date,
            members=period.headcount or 0,
            cases=period.cases or 0,
            aid_fen=period.aid_fen or 0,
            fee_fen=period.fee_fen or 0,
            assessed_fen=period.assessed_fen or 0,
            share_fen=base.share_fen if (base := base_class(period)) else None,
        )
        for period in reversed(posted.order_by("-number")[:REMEMBERED])
    ]


def yearly_totals(pool: Pool) -> list[Year]:
    """Return what each year's posted periods came to, newest first."""
    rows = (
        pool.periods.filter(state=Period.State.POSTED)
        .annotate(year=ExtractYear("charge_date"))
        .values("year")
        .annotate(
            periods=Count("pk"),
            aid=Sum("aid_fen"),
            fee=Sum("fee_fen"),
            assessed=Sum("assessed_fen"),
        )
        .order_by("-year")
    )
    by_year = _cases_shared([pool]).annotate(year=ExtractYear("period__charge_date")).values_list("year")
    cases = dict(by_year.annotate(Count("pk")).order_by())
    return [
        Year(
            r["year"], r["periods"], cases.get(r["year"], 0), r["aid"] or 0, r["fee"] or 0, r["assessed"] or 0
        )
        for r in rows
    ]


def duty_counts(pool: Pool) -> list[tuple[object, int]]:
    """Return how many people hold each duty; nobody is named."""
    held = dict(
        DutyGrant.objects.filter(pool=pool, ended_at=None)
        .values_list("duty")
        .annotate(Count("person", distinct=True))
        .order_by()
    )
    return [(duty.label, held[duty.value]) for duty in DutyGrant.Duty if duty.value in held]


@dataclass(frozen=True)
class MyCharge:
    """What one membership owes for one period (fen), with the row of the class table it came from.

    written_off_fen: what of it was written off because nobody could collect it.
    """

    period: Period
    share_fen: int
    row: ClassFigures | None
    written_off_fen: int

    @property
    def parts(self) -> list[Part]:
        """Return what the share consists of; nothing where it follows from no row of the bill."""
        # What the other costs were is not said here, and asking would take a query for every period.
        return share_parts(stored_figures(self.period), self.row) if self.row else []


def charges_of(membership: Membership, *, before_no: int | None = None, limit: int = 100) -> list[MyCharge]:
    """Return a membership's charges, newest first. Four queries, however many there are."""
    return described(membership, dict(shares_of(membership, before_no=before_no, limit=limit)))


def described(membership: Membership, shares: dict[int, int]) -> list[MyCharge]:
    """Return charges whose shares (fen) are known by the number of their period, newest first. Three queries."""
    # From the first to the last: two bounds are read sooner than a list of numbers.
    found = Period.objects.filter(
        pool_id=membership.pool_id,
        number__range=(min(shares, default=0), max(shares, default=0)),
        state=Period.State.POSTED,
    )
    spans = list(
        MembershipSpan.objects.filter(pool_id=membership.pool_id, membership_id=membership.pk).order_by(
            "-from_at"
        )
    )
    written_off = written_off_of(membership)
    charges = []
    for period in found.only(*_FIGURES).order_by("-number"):
        if period.number in shares:
            period.pool = membership.pool
            charges.append(
                MyCharge(
                    period,
                    shares[period.number],
                    _row_of(period, spans, shares[period.number]),
                    written_off.get(period.number, 0),
                )
            )
    return charges


@dataclass(frozen=True)
class Change:
    """How a share differs from the one charged before it: by how much (fen), and what has done it."""

    before: MyCharge
    amount_fen: int
    parts: list[Part]

    @property
    def less_fen(self) -> int:
        """Return by how much it is less, where it is."""
        return -self.amount_fen


def changes_of(charges: list[MyCharge]) -> list[Change | None]:
    """Return for each charge, newest first, how it differs from the one before; None for the oldest.

    None also where a charge follows from no row of its period's bill.
    """
    return [_change(after, before) for after, before in pairwise(charges)] + [None] * bool(charges)


def _change(after: MyCharge, before: MyCharge) -> Change | None:
    if after.row is None or before.row is None:
        return None
    was = Charged(stored_figures(before.period), before.row)
    parts = change_parts(was, Charged(stored_figures(after.period), after.row))
    return Change(before, after.share_fen - before.share_fen, parts)


def _row_of(period: Period, spans: list[MembershipSpan], share_fen: int) -> ClassFigures | None:
    """Return the row of the class in which the headcount found the membership, of those who paid as much."""
    span = next((one for one in spans if period.as_of and one.from_at <= period.as_of), None)
    rows = class_figures(period.classes or [])
    alike = (row for row in rows if span is not None and row.class_no == span.class_no)
    return next((row for row in alike if row.share_fen == share_fen), None)


@dataclass(frozen=True)
class PastShare:
    """One share of a membership (fen): the period it is of, when that was charged, and how many shared."""

    period_no: int
    charge_date: dt.date
    members: int
    share_fen: int


def past_shares_of(membership: Membership) -> list[PastShare]:
    """Return every share of a membership, oldest first. One query."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT p.number, p.charge_date, p.headcount, c.share_fen
                 FROM charges_of_membership(%(pool)s, %(member)s, %(all)s, %(all)s) c
                 JOIN ledger_period p ON p.pool_id = %(pool)s AND p.number = c.period_no AND p.state = 'posted'
                ORDER BY p.number""",
            {"pool": membership.pool_id, "member": membership.pk, "all": NO_PERIOD},
        )
        return [PastShare(*row) for row in cursor.fetchall()]


def year_to_date_fen(shares: list[PastShare], year: int) -> int:
    """Return what was charged in a calendar year of charge days (fen)."""
    return sum(share.share_fen for share in shares if share.charge_date.year == year)


def charged_before_fen(membership: Membership, stays: list[Stay], year: int) -> int:
    """Return what earlier memberships of the person were charged in that year (fen): a cap counts it as well."""
    earlier = [stay.membership for stay in stays if stay.membership.number < membership.number]
    return sum(year_to_date_fen(past_shares_of(one), year) for one in earlier)


@dataclass
class Cases:
    """The first cases of a period, CASES_SHOWN at most, and how many there are in all."""

    shown: list[Award]
    count: int


def cases_of(charges: list[MyCharge]) -> dict[int, Cases]:
    """Return the cases of the periods of these charges, by the number of the period. One query."""
    numbers = {charge.period.pk: charge.period.number for charge in charges}
    found = (
        Award.objects.filter(period__in=numbers)
        .exclude(state=Award.State.WITHDRAWN)
        .annotate(
            place=Window(RowNumber(), partition_by=F("period"), order_by="code"),
            in_all=Window(Count("pk"), partition_by=F("period")),
        )
        .filter(place__lte=CASES_SHOWN)
        .order_by("code")
    )
    cases = {number: Cases([], 0) for number in numbers.values()}
    for award in found:
        told = cases[numbers[award.period_id or 0]]
        told.shown.append(award)
        told.count = award.in_all
    return cases


def plans_of(pool: Pool) -> list[tuple[dt.date, PlanTerms]]:
    """Return all rules of a pool, past and to come, each with its first day. One query."""
    versions = pool.plan_versions.only("pool", "effective_date", "terms").order_by("effective_date")
    return [(version.effective_date, version.plan()) for version in versions]


def in_force(plans: list[tuple[dt.date, PlanTerms]], day: dt.date) -> PlanTerms | None:
    """Return the rules in force on that day; None before the first ones."""
    return next((plan for first_day, plan in reversed(plans) if first_day <= day), None)


def rules_on(pool: Pool, day: dt.date) -> PlanTerms | None:
    """Return the rules in force on that day; None before the first ones. One query."""
    return in_force(plans_of(pool), day)
