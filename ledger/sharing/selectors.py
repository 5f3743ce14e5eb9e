"""Reads of sharing: periods, their bill, their progress, what a pool may show."""

import datetime as dt
import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from django.db import connection
from django.db.models import Max, Q, QuerySet
from django.db.models.functions import Length
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.errors import NotFoundError
from aidplatform.work.models import Job
from ledger.books import chart
from ledger.books.models import Book
from ledger.sharing.apportion import (
    Sharing,
)
from ledger.sharing.causes import AWARD_REVOKED, GAP_IS_BOOKED_AS, OTHER_COSTS, OTHER_INCOME
from ledger.sharing.figures import Figures, class_figures
from ledger.sharing.models import Award, Period
from ledger.sharing.payees import Payee
from ledger.sharing.plan_shares import Rooms, share_out
from ledger.sharing.run_off import run_off_of
from ledger.sharing.triggers import shown_sql
from members.joining.models import Membership
from members.joining.selectors import SMALLEST_PUBLIC_POOL
from members.people.models import User
from members.pools.models import Pool

#: Beyond the number of any period.
NO_PERIOD = 2**31 - 1


@dataclass(frozen=True)
class Progress:
    """How far posting has come: shards and members charged of all, and since when (real time).

    pace: the members charged since posting was ordered or went on, the seconds they took up to the last shard, and
    the seconds since then. What was charged before a pause says nothing about how fast it goes now.
    """

    state: str
    stage: str
    done_shards: int
    all_shards: int
    done_members: int
    all_members: int
    pace: tuple[int, float, float]
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
        """Return the rate from the beginning of this run to its last shard; 0 before there is one."""
        members, seconds, _since = self.pace
        return int(members / seconds) if seconds > 0 else 0

    @property
    def seconds_left(self) -> int | None:
        """Return the time left at that rate, None before there is one. The shard in progress is partly done."""
        left = self.all_members - self.done_members
        if not self.members_per_second or not left:
            return None
        return max(1, math.ceil(left / self.members_per_second - self.pace[2]))


_BEFORE_PUBLICITY = (Period.State.OPENED, Period.State.FROZEN)


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
    return periods(pool).exclude(state__in=_BEFORE_PUBLICITY)


def last_posted(pool: Pool) -> Period | None:
    """Return the newest posted period."""
    return periods(pool).filter(state=Period.State.POSTED).first()


def is_large_enough(period: Period) -> bool:
    """Tell whether the figures of one period may be shown to everyone."""
    return (period.headcount or 0) >= SMALLEST_PUBLIC_POOL


def is_member(pool: Pool, person: User | None) -> bool:
    """Tell whether the person belongs to the pool."""
    return person is not None and Membership.objects.filter(pool=pool, person=person).exists()


def shows_movements(pool: Pool) -> bool:
    """Tell whether everyone may see single movements of the pool: in a very small one they point at a person."""
    last = last_posted(pool)
    return last is None or is_large_enough(last)


def access_award(*, pool: Pool, code: str) -> Award:
    """Return a case of the pool by its public number. Raises: NotFoundError."""
    award = pool.awards.filter(code=code).first()
    if award is None:
        raise NotFoundError(_("This pool has no such case."))
    return award


def published_awards(*, pools: Collection[Pool], near: Collection[Pool]) -> QuerySet[Award]:
    """Return the announced cases of these pools; of very small ones only where the viewer is near: of the pool."""
    found = Award.objects.filter(pool__in=pools).exclude(state=Award.State.WITHDRAWN)
    found = found.exclude(period=None).exclude(period__state__in=_BEFORE_PUBLICITY)
    shown = Q(pool__in=near) | Q(period__headcount__gte=SMALLEST_PUBLIC_POOL)
    return found.filter(shown).select_related("pool", "period")


def find_awards(text: str, *, pools: Collection[Pool], near: Collection[Pool]) -> QuerySet[Award]:
    """Return the announced cases whose number holds the text, the whole number first."""
    found = published_awards(pools=pools, near=near).filter(code__icontains=text)
    return found.order_by(Length("code"), "-pk")


def find_periods(
    number: int, *, pools: Collection[Pool], near: Collection[Pool], staff: Collection[Pool]
) -> QuerySet[Period]:
    """Return the periods of that number: announced ones, those not announced yet only of pools with a duty."""
    found = Period.objects.filter(pool__in=pools, number=number)
    shown = Q(pool__in=near) | Q(headcount__gte=SMALLEST_PUBLIC_POOL)
    announced = ~Q(state__in=_BEFORE_PUBLICITY)
    return found.filter(Q(pool__in=staff) | announced & shown).select_related("pool").order_by("pool__code")


def awards_of(period: Period) -> QuerySet[Award]:
    """Return the awards that the period shares, in the order of their codes."""
    return period.awards.exclude(state=Award.State.WITHDRAWN).order_by("code")


def rests_of(awards: Iterable[Award]) -> dict[int, Award]:
    """Return the rests that go on with these awards, each by the id of the award that it is of."""
    found = Award.objects.filter(rest_of__in=awards).select_related("period")
    return {rest.rest_of_id: rest for rest in found if rest.rest_of_id is not None}


def book_of(pool: Pool) -> Book:
    """Return the pool's book."""
    return Book.objects.get(code=pool.code)


def payee_of_award(award: Award) -> Payee | None:
    """Return to whom an award is paid, unsealed; None where it names nobody."""
    if award.payee_sealed is None:
        return None
    return Payee.unsealed(bytes(award.payee_sealed), award.payee_place)


def shown_text(period: Period) -> str:
    """Return the text whose SHA-256 an approval names: every figure of the period, joined by “|”.

    Anyone can hash it: `printf '%s' "<text>" | sha256sum`.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {shown_sql('p')} FROM ledger_period p WHERE id = %s",  # noqa: S608 - fixed names
            [period.pk],
        )
        text: str = cursor.fetchone()[0]
    return text


def class_counts(period: Period) -> dict[int, int]:
    """Return members per class, summed over the manifest of the frozen headcount."""
    return _sum_counts(period.manifest.values_list("counts", flat=True))


def _sum_counts(lines: Iterable[dict[str, int]]) -> dict[int, int]:
    counts: dict[int, int] = {}
    for line in lines:
        for class_no, members in line.items():
            counts[int(class_no)] = counts.get(int(class_no), 0) + int(members)
    return dict(sorted(counts.items()))


def rooms_of(period: Period) -> Rooms | None:
    """Return what its members may still be charged, summed over the manifest; None: no cap counts earlier charges."""
    return _sum_rooms(period, period.manifest.values_list("rooms", flat=True))


def _sum_rooms(period: Period, lines: Iterable[list[list[int]] | None]) -> Rooms | None:
    known = [line for line in lines if line is not None]
    if not known:
        return None
    rooms: dict[tuple[int, int], int] = {}
    for class_no, room_fen, members in (row for line in known for row in line):
        rooms[class_no, room_fen] = rooms.get((class_no, room_fen), 0) + members
    run_off = run_off_of(period)
    return Rooms(
        [(class_no, room_fen, members) for (class_no, room_fen), members in sorted(rooms.items())],
        is_run_off=run_off is not None and run_off.run_off_cap_fen is not None,
    )


@dataclass(frozen=True)
class BooksWindow:
    """The journal entries whose costs and income a period takes in: numbers in (after_no, upto_no]."""

    book: Book
    after_no: int
    upto_no: int


def books_window(period: Period) -> BooksWindow:
    """Return what of the books a period takes in: from the figures of the one before to its announcement.

    The entry of the period before belongs to it even if it comes later. Before the announcement: all there is.
    """
    book = book_of(period.pool)
    before = Period.objects.filter(pool=period.pool, number__lt=period.number).aggregate(
        upto_no=Max("books_upto_no", default=0), entry_no=Max("entry__number", default=0)
    )
    if period.announced_books_no is None:
        return BooksWindow(book, before["upto_no"], book.last_entry_no)
    return BooksWindow(book, before["upto_no"], max(period.announced_books_no, *before.values()))


def other_costs(window: BooksWindow) -> dict[str, int]:
    """Return what besides awards came into To be shared, by kind (fen)."""
    moved = _moved(window, chart.TO_BE_SHARED, "D", tuple(OTHER_COSTS))
    return {kind: fen for kind, fen in moved.items() if fen}


def added_to_carry(window: BooksWindow) -> tuple[int, int]:
    """Return what lowers the need by the carry and is named: income, and aid taken back unpaid with its fee (fen)."""
    moved = _moved(window, chart.CARRIED_SURPLUS, "C", (*OTHER_INCOME, AWARD_REVOKED))
    given_back = moved.pop(AWARD_REVOKED, 0)
    return sum(moved.values()), given_back


def _moved(window: BooksWindow, account: str, side: str, kinds: tuple[str, ...]) -> dict[str, int]:
    """Return per kind of entry the net amount posted to an account on that side (fen).

    A reversal counts as the kind that it reverses. What wallets lacked is what the entry of their period puts on the
    other side of To be shared than what it has shared: a kind of its own, without an entry of its own.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT kind, sum(net)::bigint FROM (
                   SELECT CASE WHEN coalesce(r.kind, e.kind) = %s AND (p.side = 'D') = (r.id IS NULL)
                               THEN 'wallet_gap' ELSE coalesce(r.kind, e.kind) END AS kind,
                          CASE p.side WHEN %s THEN p.amount_fen ELSE -p.amount_fen END AS net
                     FROM ledger_posting p JOIN ledger_journalentry e ON e.id = p.entry_id
                     JOIN ledger_account a ON a.id = p.account_id
                     LEFT JOIN ledger_journalentry r ON r.id = e.reverses_id
                    WHERE a.book_id = %s AND a.code = %s AND e.number > %s AND e.number <= %s) moved
                WHERE kind = ANY(%s) GROUP BY 1""",
            [
                GAP_IS_BOOKED_AS,
                side,
                window.book.pk,
                account,
                window.after_no,
                window.upto_no,
                list(kinds),
            ],
        )
        return dict(cursor.fetchall())


def balance_of(window: BooksWindow, account: str) -> int:
    """Return what a liability account holds after the window's last entry (fen)."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT coalesce(sum(CASE p.side WHEN 'C' THEN p.amount_fen ELSE -p.amount_fen END), 0)::bigint
                 FROM ledger_posting p JOIN ledger_journalentry e ON e.id = p.entry_id
                 JOIN ledger_account a ON a.id = p.account_id
                WHERE a.book_id = %s AND a.code = %s AND e.number <= %s""",
            [window.book.pk, account, window.upto_no],
        )
        balance: int = cursor.fetchone()[0]
    return balance


@dataclass(frozen=True)
class Bill:
    """What a period would charge: the pure result and the figures around it (fen)."""

    sharing: Sharing
    aid_fens: tuple[int, ...]
    other_costs_by_kind: dict[str, int]
    other_income_fen: int
    given_back_fen: int
    carry_in_fen: int
    books_upto_no: int
    has_rooms: bool = False

    @property
    def classes(self) -> list[dict[str, int]]:
        """Return the class table as it is stored and shown: who pays alike is one row, of a class the dearest first."""
        rows: dict[tuple[int, int], dict[str, int]] = {}
        for share in sorted(self.sharing.shares, key=lambda one: (one.class_no, -one.share_fen)):
            row = rows.setdefault(
                (share.class_no, share.share_fen),
                {
                    "class_no": share.class_no,
                    "weight": share.weight,
                    "members": 0,
                    "share_fen": share.share_fen,
                },
            )
            row["members"] += share.count
            if self.has_rooms:
                row["cap_fen"] = max(row.get("cap_fen", 0), share.cap_fen or 0)
        return list(rows.values())


def compute_bill(period: Period) -> Bill:
    """Compute a frozen period's shares from its awards, plan, headcount and the books. Writes nothing.

    This is the dry run as well: what is approved later is this, stored.
    """
    plan = period.plan_version.plan()
    window = books_window(period)
    costs_by_kind = other_costs(window)
    income_fen, given_back_fen = added_to_carry(window)
    aid_fens = tuple(awards_of(period).values_list("aid_fen", flat=True))
    carry_in_fen = balance_of(window, chart.CARRIED_SURPLUS)
    manifest = list(period.manifest.values_list("counts", "rooms"))
    rooms = _sum_rooms(period, (rooms for _counts, rooms in manifest))
    sharing = share_out(
        plan,
        counts=_sum_counts(counts for counts, _rooms in manifest),
        aid_fens=aid_fens,
        other_costs_fen=sum(costs_by_kind.values()),
        carry_in_fen=carry_in_fen,
        reserve_fen=balance_of(window, chart.RESERVE) if plan.reserve else 0,
        rooms=rooms,
    )
    return Bill(
        sharing=sharing,
        aid_fens=aid_fens,
        other_costs_by_kind=costs_by_kind,
        other_income_fen=income_fen,
        given_back_fen=given_back_fen,
        carry_in_fen=carry_in_fen,
        books_upto_no=window.upto_no,
        has_rooms=rooms is not None,
    )


_POSTING_JOBS = ("sharing.start_posting", "sharing.write_shard", "sharing.close_posting")


def progress(period: Period) -> Progress:
    """Return how far posting has come, by the clock of the database. Three queries, whatever the size."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT min(started_at), max(finished_at) FILTER (WHERE kind = 'sharing.close_posting'),
                      coalesce(extract(epoch FROM coalesce(
                          max(finished_at) FILTER (WHERE kind = 'sharing.close_posting'), clock_timestamp())
                          - min(started_at)), 0)::float8
                 FROM work_job WHERE kind IN ('sharing.start_posting', 'sharing.close_posting') AND key = %s""",
            [period.posting_key],
        )
        started_at, finished_at, seconds = cursor.fetchone()
        cursor.execute(
            """SELECT count(written_at), count(*),
                      coalesce(sum(members) FILTER (WHERE written_at IS NOT NULL), 0)::bigint,
                      coalesce(sum(members), 0)::bigint,
                      coalesce(sum(members) FILTER (WHERE written_at >= %(since)s::timestamptz), 0)::bigint,
                      coalesce(extract(epoch FROM max(written_at) - %(since)s::timestamptz), 0)::float8,
                      coalesce(extract(epoch FROM clock_timestamp() - max(written_at)), 0)::float8
                 FROM ledger_manifestline WHERE period_id = %(period)s""",
            {"period": period.pk, "since": started_at},
        )
        done_shards, all_shards, done, all_members, *pace = cursor.fetchone()
    stuck = Job.objects.filter(
        Q(key=period.posting_key) | Q(key__startswith=f"{period.posting_key}#"),
        kind__in=_POSTING_JOBS,
        state=Job.State.STUCK,
    )
    return Progress(
        state=period.state,
        stage=_stage(period, all_shards - done_shards),
        done_shards=done_shards,
        all_shards=all_shards,
        done_members=done,
        all_members=all_members,
        pace=(pace[0], pace[1], pace[2]),
        started_at=started_at,
        finished_at=finished_at,
        seconds=round(seconds, 3),
        stuck_job=stuck.values_list("last_error", flat=True).first() or "",
    )


def _stage(period: Period, open_shards: int) -> str:
    """Return the stage of posting in one word: waiting, opening, charging, closing, paused, posted."""
    if period.state == Period.State.POSTED:
        return "posted"
    if period.posting_paused_at is not None:
        return "paused"
    if period.state == Period.State.POSTING:
        return "charging" if open_shards else "closing"
    return "opening" if period.state == Period.State.APPROVED else "waiting"


def shares_of(membership: Membership, *, before_no: int | None = None, limit: int) -> list[tuple[int, int]]:
    """Return (number of the period, share in fen) of a membership's charges, newest first. One query."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT period_no, share_fen FROM charges_of_membership(%s, %s, %s, %s)",
            [membership.pool_id, membership.pk, before_no or NO_PERIOD, limit],
        )
        rows: list[tuple[int, int]] = cursor.fetchall()
    return rows


def stored_figures(found: Period, other_costs_by_kind: tuple[tuple[str, int], ...] = ()) -> Figures:
    """Read the figures of a computed period; the database has checked that none is missing."""
    return Figures(
        cases=found.cases or 0,
        aid_fen=found.aid_fen or 0,
        other_costs_fen=found.other_costs_fen or 0,
        fee_fen=found.fee_fen or 0,
        awarded_fen=found.awarded_fen or 0,
        reserve_contribution_fen=found.reserve_contribution_fen or 0,
        reserve_drawn_fen=found.reserve_drawn_fen or 0,
        sponsor_fen=found.sponsor_fen or 0,
        carry_in_fen=found.carry_in_fen or 0,
        carry_out_fen=found.carry_out_fen or 0,
        need_fen=found.need_fen or 0,
        assessed_fen=found.assessed_fen or 0,
        classes=class_figures(found.classes or []),
        other_income_fen=found.other_income_fen or 0,
        other_costs_by_kind=other_costs_by_kind,
    )
