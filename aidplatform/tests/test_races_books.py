"""Books and log under many writers at once: no gaps, no doubles, balanced, and no deadlock."""

import os
import random
from collections.abc import Callable

from django.db import IntegrityError, connection

from aidplatform.lib import clock
from aidplatform.lib.db import sqlstate
from aidplatform.lib.errors import DomainError, guarantee_name
from aidplatform.testing.races import raised, together
from aidplatform.testing.world import OPENED, World
from ledger.books import chart
from ledger.books.models import AccountBalance, JournalEntry, Posting
from ledger.books.services import credit, debit
from ledger.openbooks.models import LogEntry
from ledger.openbooks.services import append, post_logged_entry
from ledger.sharing import services as sharing
from ledger.sharing.models import Period
from ledger.sharing.selectors import book_of
from members.joining.models import Membership
from members.joining.services import admit_group, end_cover
from members.pools.models import Pool

SEED = int(os.environ.get("AID_SEED", "20260101"))


def _post(pool: Pool, key: str, fen: int) -> JournalEntry:
    return post_logged_entry(
        book=book_of(pool),
        key=key,
        kind="sponsor",
        lines=[debit(chart.CUSTODY, fen), credit(chart.OPERATOR_ADVANCES, fen)],
        entry_date=OPENED,
        at=clock.now(),
        description="Advance of the operator",
        source="bank line",
        maker="P-TREASURER",
    )


def test_eight_writers_leave_numbers_without_gaps_and_balances_that_add_up(
    committed_db: tuple[str, str],
) -> None:
    pool = World.founded().pool

    def write(writer: int) -> list[int]:
        return [_post(pool, f"advance/{writer}/{n}", 100 * writer + n + 1).number for n in range(10)]

    answers = together([lambda writer=writer: write(writer) for writer in range(8)])
    assert raised(answers) == []
    assert sorted(number for numbers in answers for number in numbers) == list(range(1, 81))
    assert list(JournalEntry.objects.order_by("number").values_list("number", flat=True)) == list(
        range(1, 81)
    )
    # The first line of a log names the custody account.
    assert list(LogEntry.objects.order_by("seq").values_list("seq", flat=True)) == list(range(81))
    in_books = sum(100 * writer + n + 1 for writer in range(8) for n in range(10))
    sums = {
        balance.account.code: (balance.debit_fen, balance.credit_fen)
        for balance in AccountBalance.objects.select_related("account").exclude(debit_fen=0, credit_fen=0)
    }
    assert sums == {chart.CUSTODY: (in_books, 0), chart.OPERATOR_ADVANCES: (0, in_books)}
    assert Posting.objects.count() == 160


def test_one_event_posted_by_eight_writers_is_in_the_books_once(committed_db: tuple[str, str]) -> None:
    pool = World.founded().pool
    answers = together([lambda: _post(pool, "advance/the-one", 500)] * 8)
    refusals = raised(answers, IntegrityError)
    assert len(refusals) == 7
    assert {guarantee_name(refusal) for refusal in refusals} == {"one_entry_per_event"}
    assert list(JournalEntry.objects.values_list("number", flat=True)) == [1]


def test_eight_writers_to_one_log_leave_no_gap(committed_db: tuple[str, str]) -> None:
    pool = World.founded().pool

    def write(writer: int) -> list[int]:
        return [
            append(
                code=pool.code,
                entry_type="stats",
                key=f"{writer}/{n}",
                body={"writer": writer, "n": n},
                at=clock.now(),
            ).seq
            for n in range(10)
        ]

    answers = together([lambda writer=writer: write(writer) for writer in range(8)])
    assert raised(answers) == []
    assert sorted(seq for seqs in answers for seq in seqs) == list(range(1, 81))
    assert list(LogEntry.objects.order_by("seq").values_list("seq", flat=True)) == list(range(81))
    for seqs in answers:
        assert seqs == sorted(seqs)


def test_two_hundred_random_deeds_never_deadlock(committed_db: tuple[str, str]) -> None:
    """Eight people on two pools, everything that takes locks, in an order drawn by chance."""
    worlds = [World.founded(code=f"pool-{n}", members=20, large=bool(n)) for n in range(2)]
    periods = []
    for world in worlds:
        world.award(900_000)
        periods.append(world.computed_period())
    answers = together([_person(worlds, periods, random.Random(SEED + n)) for n in range(8)], seconds=120)
    assert raised(answers) == []
    outcomes = [outcome for person in answers for outcome in person]
    assert len(outcomes) == 200
    assert [outcome for outcome in outcomes if outcome in {"40P01", "40001", "55P03"}] == []
    assert outcomes.count("done") > 100
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        assert cursor.fetchone() == (0,)
    for period in periods:
        period.refresh_from_db()
        assert period.state in {Period.State.COMPUTED, Period.State.APPROVED}


def _person(worlds: list[World], periods: list[Period], chance: random.Random) -> Callable[[], list[str]]:
    """Return someone who does twenty-five things by chance and notes how each ended."""

    def deeds() -> list[str]:
        return [_ending(_deed(worlds, periods, chance)) for _ in range(25)]

    return deeds


def _ending(deed: Callable[[], object]) -> str:
    try:
        deed()
    except DomainError as refusal:
        return refusal.code
    except IntegrityError as refusal:
        return guarantee_name(refusal) or sqlstate(refusal)
    except Exception as error:
        return sqlstate(error) or repr(error)
    return "done"


def _deed(worlds: list[World], periods: list[Period], chance: random.Random) -> Callable[[], object]:
    """Choose what to do, and to which pool."""
    place = chance.randrange(2)
    world, period, tag = worlds[place], periods[place], str(chance.getrandbits(64))
    member = Membership.objects.filter(pool=world.pool).order_by("?").first()
    assert member is not None
    return chance.choice(
        [
            lambda: sharing.compute_shares(period=period, preparer=world.admin.code, at=clock.now()),
            lambda: sharing.approve_period(
                period=period,
                approver=world.controller.code,
                shown_sha256=period.shown_sha256,
                at=clock.now(),
            ),
            lambda: sharing.request_computation(period=period, preparer=world.admin.code),
            lambda: admit_group(
                pool=world.pool, count=3, class_no=0, from_at=clock.now(), joined_date=OPENED, actor="service"
            ),
            lambda: end_cover(membership=member, at=clock.now(), reason="left", actor="service"),
            lambda: world.award(5_000, code=tag),
            lambda: _post(world.pool, tag, 700),
            lambda: append(code=world.pool.code, entry_type="stats", key=tag, body={"n": 1}, at=clock.now()),
            lambda: sharing.advance_due(at=clock.now()),
        ]
    )
