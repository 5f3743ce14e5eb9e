"""The daily reconciliation: a planted fault turns its rule red and names the figures, a true history stays green."""

import datetime as dt
from collections.abc import Callable
from dataclasses import replace

import psycopg
import pytest
from django.conf import settings
from django.db import connection, transaction

from aidplatform.celery import app
from aidplatform.lib import clock
from aidplatform.site.demo.bank import next_statement
from aidplatform.site.todo import todos_of
from aidplatform.testing.bank import Bank, charged_world
from aidplatform.testing.pairs import Meanwhile, wait_for_a_waiter
from aidplatform.testing.refusals import not_permitted, refused
from aidplatform.testing.world import World, run_jobs, set_clock
from aidplatform.work.models import Job
from ledger.custody import reconciled_days, services
from ledger.custody.models import BankStatement, StatementLine
from ledger.custody.reconciled_days import Judged
from ledger.custody.reconciled_models import ReconciledDay
from ledger.custody.reconciled_rules import Finding, bank_days_before, from_json, to_json
from ledger.custody.selectors import order_reference, payable_fee_fen
from ledger.custody.services import FileRefusedError
from ledger.custody.statement_files import write_csv
from ledger.custody.statement_parts import IN, OUT, FileStatement
from ledger.custody.tasks import reconcile_due
from ledger.sharing.models import Period
from members.pools.models import Pool

Charged = tuple[World, Bank, Period]
Owner = Callable[[str], None]


def judged(world: World) -> Judged:
    found = reconciled_days.judge(world.pool, clock.now())
    assert found is not None
    return found


def red(world: World) -> dict[str, list[Finding]]:
    """Return what breaks which rule now."""
    return {one.rule: list(one.findings) for one in judged(world).verdicts if one.state == "broken"}


def states(world: World) -> dict[str, str]:
    return {one.rule: one.state for one in judged(world).verdicts}


def places(findings: list[Finding]) -> set[tuple[str, str]]:
    return {(one.check, one.ref) for one in findings}


def all_pay_by(bank: Bank, days_ago: int) -> None:
    """Let members pay what they owe; the statement tells of all days up to so many days ago."""
    until = clock.today(bank.world.pool.time_zone) - dt.timedelta(days=days_ago)
    bank.take(next_statement(bank.account, until=until, unpaid=0.0, from_date=bank.day))


@pytest.fixture
def paid(charged: Charged) -> Charged:
    """Collect all shares, pay aid and fee, leave one receipt and one payment open."""
    world, bank, period = charged
    all_pay_by(bank, days_ago=2)
    for code, fen in (("C-1", 100_000), ("C-2", 40_000)):
        bank.release(bank.order_aid(world.pool.awards.get(code=code), fen))
    bank.all_pay()
    bank.take(bank.statement(bank.line(IN, 999, text="no reference"), bank.line(IN, 500, text="nor this")))
    bank.release(bank.order_aid(world.pool.awards.get(code="C-2"), 10_000))
    bank.release(bank.order_fee(period, 12_000))
    return charged


@pytest.fixture
def as_owner(committed_world: tuple[Charged, str]) -> Owner:
    """Do what the guards forbid: as the owner of the tables, with every guard switched off."""
    _charged, url = committed_world

    def harm(sql: str) -> None:
        with psycopg.connect(url, autocommit=True) as owner:
            for table in ("statementline", "bankstatement", "paymentorder", "collection", "reconciledday"):
                owner.execute(f"ALTER TABLE ledger_{table} DISABLE TRIGGER USER")
            owner.execute(sql)

    return harm


@pytest.fixture
def committed_world(committed_db: tuple[str, str]) -> tuple[Charged, str]:
    """Give the same history in a database whose commits are real."""
    charged = charged_world(100_000, 50_000)
    world, bank, _period = charged
    all_pay_by(bank, days_ago=2)
    bank.release(bank.order_aid(world.pool.awards.get(code="C-1"), 100_000))
    bank.all_pay()
    bank.take(bank.statement(bank.line(IN, 999, text="no reference"), bank.line(IN, 500, text="nor this")))
    return charged, committed_db[0]


# --- true histories ------------------------------------------------------------------------------------------------


def test_a_true_history_keeps_every_rule(paid: Charged) -> None:
    world, _bank, _period = paid
    found = judged(world)
    assert (found.broken, found.statement_no) == (0, 3)
    assert found.bank_fen == found.explained_fen == found.ledger_fen == 162_001 - 140_000 + 1_499
    assert states(world) == {f"R{n}": "holds" for n in range(1, 12)} | {"R6": "nothing", "R12": "elsewhere"}


def test_nothing_is_judged_before_the_first_statement(charged: Charged) -> None:
    world, _bank, _period = charged
    assert reconciled_days.judge(world.pool, clock.now()) is None
    assert reconciled_days.keep_day(world.pool, clock.now()) is None


def test_returns_chargebacks_and_refunds_are_explained(charged: Charged) -> None:
    world, bank, _period = charged
    all_pay_by(bank, days_ago=2)
    order = bank.release(bank.order_aid(world.pool.awards.get(code="C-1"), 50_000))
    bank.all_pay()
    bank.take(
        bank.statement(
            bank.line(IN, 50_000, text=order_reference(order)),
            bank.line(OUT, 23_143, text=bank.reference(1)),
            bank.line(OUT, 30, code="charge"),
            bank.line(IN, 12, code="interest"),
            bank.receipt(2, 700),
        )
    )
    assert red(world) == {}
    (receipt,) = StatementLine.objects.filter(kind="collection", amount_fen=700)
    refund = services.order_payment(
        pool=world.pool,
        kind="refund",
        receipt=receipt,
        amount_fen=700,
        payee_name="Member Two",
        payee_account="6222 1",
        orderer=world.treasurer.code,
        at=clock.now(),
    )
    bank.release(refund)
    bank.all_pay(unpaid=1.0)
    assert red(world) == {}
    assert states(world)["R6"] == "holds"


# --- faults in the file --------------------------------------------------------------------------------------------


def _drop(statement: FileStatement) -> FileStatement:
    return replace(statement, lines=statement.lines[1:])


def _double(statement: FileStatement) -> FileStatement:
    return replace(statement, lines=(*statement.lines, statement.lines[0]))


def _change(statement: FileStatement) -> FileStatement:
    first = statement.lines[0]
    return replace(statement, lines=(replace(first, amount_fen=first.amount_fen + 1), *statement.lines[1:]))


@pytest.mark.parametrize("fault", [_drop, _double, _change])
def test_fault_in_the_file_is_refused_whole_with_its_figures(
    charged: Charged, fault: Callable[[FileStatement], FileStatement]
) -> None:
    world, bank, _period = charged
    true = bank.statement(bank.receipt(1, 23_143), bank.receipt(2, 23_143))
    planted = fault(true)
    with pytest.raises(FileRefusedError) as caught:
        bank.take(planted)
    assert caught.value.extra["reason"] == "does_not_add_up"
    assert str(true.closing_fen) in caught.value.extra["detail"]
    assert not BankStatement.objects.exists()
    # With a closing balance that fits, the bank's next statement contradicts it, and nothing more is taken.
    moved = sum(line.signed_fen for line in planted.lines)
    bank.take(replace(planted, closing_fen=planted.opening_fen + moved))
    later = bank.statement(bank.receipt(3, 23_143))
    with pytest.raises(FileRefusedError) as caught:
        bank.take(replace(later, opening_fen=true.closing_fen, closing_fen=true.closing_fen + 23_143))
    assert caught.value.extra["reason"] == "opening_differs"
    assert str(moved) in caught.value.extra["detail"]
    set_clock(clock.now() + dt.timedelta(days=12))
    assert places(red(world)["R1"]) == {("silent", "1")}


def test_missing_day_and_wrong_account_are_refused_whole(paid: Charged) -> None:
    _world, bank, _period = paid
    later = bank.statement(bank.receipt(3, 1))
    gap = replace(
        later,
        from_date=later.from_date + dt.timedelta(days=1),
        to_date=later.to_date + dt.timedelta(days=1),
        lines=(),
        closing_fen=later.opening_fen,
    )
    for planted, reason in ((gap, "gap"), (replace(later, account_number="6222000099"), "wrong_account")):
        with pytest.raises(FileRefusedError) as caught:
            bank.take_bytes(write_csv(planted))
        assert caught.value.extra["reason"] == reason
    assert BankStatement.objects.count() == 3


# --- faults in the rows, as the owner ------------------------------------------------------------------------------


def test_line_dropped_is_named(committed_world: tuple[Charged, str], as_owner: Owner) -> None:
    (world, _bank, _period), _url = committed_world
    as_owner("DELETE FROM ledger_statementline WHERE amount_fen = 999")
    found = red(world)["R2"]
    assert places(found) >= {("sum", "3"), ("count", "3"), ("log", "3"), ("dropped", "3/1")}
    total = next(one for one in found if one.check == "sum")
    assert (total.expected, total.found) == (62_001 + 1_499, 62_001 + 500)
    assert next(one for one in found if one.check == "documents").found == 62_001 + 500


def test_payment_line_dropped_names_its_payment(
    committed_world: tuple[Charged, str], as_owner: Owner
) -> None:
    (world, _bank, _period), _url = committed_world
    as_owner(
        """DO $$ DECLARE c text; BEGIN
             FOR c IN SELECT conname FROM pg_constraint
                       WHERE contype = 'f' AND confrelid = 'ledger_statementline'::regclass
                         AND conrelid = 'ledger_paymentorder'::regclass
             LOOP EXECUTE format('ALTER TABLE ledger_paymentorder DROP CONSTRAINT %I', c); END LOOP; END $$;
           DELETE FROM ledger_statementline WHERE kind = 'payment'"""
    )
    found = red(world)
    assert places(found["R10"]) == {("lost", "1")}
    assert found["R10"][0].expected == -100_000
    assert ("sum", "2") in places(found["R2"])


def test_line_doubled_is_named(committed_world: tuple[Charged, str], as_owner: Owner) -> None:
    (world, _bank, _period), _url = committed_world
    as_owner(
        """INSERT INTO ledger_statementline (statement_id, account_id, line_no, booking_date, direction, amount_fen,
                  kind, membership_id, bank_reference, counterparty, text, content_hash, twin_no)
           SELECT statement_id, account_id, 8, booking_date, direction, amount_fen, kind, membership_id,
                  bank_reference, counterparty, text, content_hash, 1
             FROM ledger_statementline WHERE kind = 'collection' AND line_no = 1"""
    )
    found = red(world)["R2"]
    assert places(found) >= {("sum", "1"), ("count", "1"), ("extra", "1/8")}


def test_line_changed_by_one_fen_is_named(committed_world: tuple[Charged, str], as_owner: Owner) -> None:
    (world, _bank, _period), _url = committed_world
    as_owner("UPDATE ledger_statementline SET amount_fen = amount_fen + 1 WHERE kind = 'payment'")
    found = red(world)
    assert places(found["R2"]) >= {("sum", "2"), ("changed", "2/1")}
    (line,) = found["R10"]
    assert (line.check, line.ref, line.expected, line.found) == ("order", "2/1", -100_000, -100_001)


def test_two_lines_changed_against_each_other_are_named(
    committed_world: tuple[Charged, str], as_owner: Owner
) -> None:
    """The sum stays, and so do sums and counts by kind: wallets, charges and orders do not."""
    (world, _bank, _period), _url = committed_world
    as_owner(
        """UPDATE ledger_statementline SET amount_fen = amount_fen + CASE line_no WHEN 1 THEN 1 ELSE -1 END
            WHERE kind = 'collection' AND line_no IN (1, 2)"""
    )
    found = red(world)
    (back,) = found["R6"]
    assert (back.ref, back.expected, back.found) == ("1/2", 23_142, 23_143)


def test_closing_changed_by_one_fen_is_named(committed_world: tuple[Charged, str], as_owner: Owner) -> None:
    (world, _bank, _period), _url = committed_world
    as_owner("UPDATE ledger_bankstatement SET closing_fen = closing_fen - 1 WHERE number = 3")
    found = red(world)["R2"]
    assert places(found) >= {("sum", "3"), ("log", "3"), ("documents", "101"), ("ledger", "101")}
    logged = next(one for one in found if one.check == "log")
    assert (logged.expected, logged.found) == (63_500, 63_499)


def test_day_missing_is_named(committed_world: tuple[Charged, str], as_owner: Owner) -> None:
    (world, _bank, _period), _url = committed_world
    as_owner(
        "UPDATE ledger_bankstatement SET from_date = from_date + 1, to_date = to_date + 1 WHERE number = 3"
    )
    (gap,) = red(world)["R1"]
    assert (gap.check, gap.ref) == ("days", "3")
    assert gap.found - gap.expected == dt.timedelta(days=1)


def test_statement_missing_is_named(committed_world: tuple[Charged, str], as_owner: Owner) -> None:
    (world, _bank, _period), _url = committed_world
    as_owner(
        "DELETE FROM ledger_statementline WHERE statement_id = (SELECT id FROM ledger_bankstatement WHERE number = 3)"
    )
    as_owner("DELETE FROM ledger_bankstatement WHERE number = 3")
    found = red(world)["R2"]
    ledger = next(one for one in found if one.check == "ledger")
    assert (ledger.expected, ledger.found) == (62_001, 63_500)


def test_wrong_account_is_named(committed_world: tuple[Charged, str], as_owner: Owner) -> None:
    (world, _bank, _period), _url = committed_world
    World.founded(code="other", members=4)
    as_owner(
        """UPDATE ledger_statementline SET account_id = (SELECT a.id FROM ledger_bankaccount a JOIN members_pool p
              ON p.id = a.pool_id WHERE p.code = 'other') WHERE amount_fen = 500"""
    )
    assert ("account", "3/2") in places(red(world)["R10"])


@pytest.mark.parametrize(
    ("rule", "sql", "place"),
    [
        (
            "R3",
            "UPDATE ledger_paymentorder SET released_at = released_at - interval '40 days'",
            ("publicity", "1"),
        ),
        ("R4", "UPDATE ledger_paymentorder SET amount_fen = 100001", ("case", "C-1")),
        (
            "R5",
            "UPDATE ledger_paymentorder SET kind = 'fee', award_id = NULL, amount_fen = 12001,"
            " period_id = (SELECT max(id) FROM ledger_period)",
            ("fee", "1"),
        ),
        ("R8", "UPDATE ledger_collection SET amount_fen = amount_fen + 1", ("collected", "1")),
        (
            "R9",
            "UPDATE ledger_paymentorder SET amount_fen = 900000, state = 'released', confirmed_line_id = NULL",
            ("protected", "101"),
        ),
    ],
)
def test_rule_is_broken_by_its_own_fault(
    committed_world: tuple[Charged, str], as_owner: Owner, rule: str, sql: str, place: tuple[str, str]
) -> None:
    (world, _bank, _period), _url = committed_world
    assert red(world) == {}
    as_owner(sql)
    assert place in places(red(world)[rule])


def test_fee_stays_earned_when_a_bank_takes_a_share_back_later(charged: Charged) -> None:
    """It was earned when it was released: the member owes again, and nobody is blamed for it."""
    world, bank, period = charged
    all_pay_by(bank, days_ago=2)
    for code, fen in (("C-1", 100_000), ("C-2", 50_000)):
        bank.release(bank.order_aid(world.pool.awards.get(code=code), fen))
    bank.release(bank.order_fee(period, 12_000))
    bank.all_pay()
    set_clock(clock.now() + dt.timedelta(days=1))
    bank.take(bank.statement(bank.line(OUT, 23_143, text=bank.reference(1))))
    assert payable_fee_fen(period) == 0
    assert "R5" not in red(world)


# --- what time alone breaks -----------------------------------------------------------------------------------------


def test_unplaced_money_is_red_after_five_bank_days(paid: Charged) -> None:
    world, bank, _period = paid
    line = StatementLine.objects.get(amount_fen=999)
    day = line.booking_date
    while bank_days_before(day, 5) <= line.booking_date:
        set_clock(clock.start_of_day(day, world.pool.time_zone) + dt.timedelta(hours=9))
        assert "R7" not in red(world)
        day += dt.timedelta(days=1)
    set_clock(clock.start_of_day(day, world.pool.time_zone) + dt.timedelta(hours=9))
    assert places(red(world)["R7"]) == {("unplaced", "3/1"), ("unplaced", "3/2")}
    (placed,) = [one for one in reconciled_days.clearing(bank.account) if one.account == "250"]
    assert (placed.fen, placed.count, placed.days) == (1_499, 2, (day - line.booking_date).days)


def test_aid_that_can_be_paid_is_asked_for_after_two_weeks(charged: Charged) -> None:
    world, bank, period = charged
    bank.all_pay()
    set_clock(clock.start_of_day(period.charge_date + dt.timedelta(days=14), world.pool.time_zone))
    assert "R11" not in red(world)
    set_clock(clock.start_of_day(period.charge_date + dt.timedelta(days=15), world.pool.time_zone))
    assert places(red(world)["R11"]) == {("withheld", "C-1"), ("withheld", "C-2")}


def test_released_payment_that_the_bank_never_shows_is_named(paid: Charged) -> None:
    world, bank, _period = paid
    bank.take(bank.statement(days=12))
    set_clock(clock.start_of_day(bank.day, world.pool.time_zone) + dt.timedelta(hours=9))
    assert ("not_shown", "3") in places(red(world)["R11"])
    transit = next(one for one in reconciled_days.clearing(bank.account) if one.account == "270")
    assert (transit.fen, transit.count) == (22_000, 2)


@pytest.mark.parametrize(
    ("day", "before"),
    [((2026, 11, 27), (2026, 11, 20)), ((2026, 11, 29), (2026, 11, 23)), ((2026, 11, 23), (2026, 11, 16))],
)
def test_bank_days_leave_out_weekends(day: tuple[int, int, int], before: tuple[int, int, int]) -> None:
    assert bank_days_before(dt.date(*day), 5) == dt.date(*before)


def test_bank_days_leave_out_days_on_which_banks_are_closed() -> None:
    """From Monday 23 February five bank days lead over the week of the new year to Monday 9 February."""
    closed = {dt.date(2026, 2, day) for day in range(16, 21)}
    assert bank_days_before(dt.date(2026, 2, 23), 5) == dt.date(2026, 2, 16)
    assert bank_days_before(dt.date(2026, 2, 23), 5, closed) == dt.date(2026, 2, 9)


def test_receipt_waits_over_days_on_which_banks_are_closed(
    charged: Charged, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, bank, _period = charged
    bank.take(bank.statement(bank.line(IN, 999, text="?"), days=20))
    line = StatementLine.objects.get(amount_fen=999)
    day = line.booking_date
    while bank_days_before(day, 5) <= line.booking_date:
        day += dt.timedelta(days=1)
    set_clock(clock.start_of_day(day, "Asia/Shanghai") + dt.timedelta(hours=9))
    assert "R7" in red(world)
    closed = {line.booking_date + dt.timedelta(days=one) for one in range(1, 6)}
    monkeypatch.setattr(settings, "BANK_HOLIDAYS", closed)
    assert "R7" not in red(world)


# --- day by day -----------------------------------------------------------------------------------------------------


def test_each_day_has_one_answer_however_often_the_tick_comes(paid: Charged) -> None:
    world, bank, _period = paid
    for _tick in range(3):
        reconcile_due()
        run_jobs()
    kept = ReconciledDay.objects.get()
    assert (kept.day, kept.broken, kept.bank_fen) == (clock.today(world.pool.time_zone), 0, 23_500)
    assert Job.objects.filter(kind="custody.reconcile").count() == 1
    assert from_json(to_json(from_json(kept.verdicts))) == from_json(kept.verdicts)
    set_clock(clock.now() + dt.timedelta(days=1))
    bank.take(bank.statement())
    reconcile_due()
    run_jobs()
    assert ReconciledDay.objects.count() == 2
    assert "custody.reconcile_due" in app.conf.beat_schedule
    assert app.conf.beat_schedule["custody.reconcile_due"]["schedule"] == settings.TICK_SECONDS


def test_red_day_waits_for_who_keeps_or_checks_the_money(paid: Charged) -> None:
    world, _bank, _period = paid
    set_clock(clock.now() + dt.timedelta(days=12))
    reconcile_due()
    run_jobs()
    assert ReconciledDay.objects.get().broken > 0
    here = "/pools/test-pool/custody/reconciliation/"
    for person in (world.treasurer, world.controller, world.auditor):
        assert here in [todo.address for todo in todos_of(person)]
    assert here not in [todo.address for todo in todos_of(world.admin)]


def test_application_cannot_write_a_green_day_that_is_red(paid: Charged) -> None:
    world, bank, _period = paid
    kept = reconciled_days.keep_day(world.pool, clock.now())
    assert kept is not None
    insert = """INSERT INTO ledger_reconciledday (pool_id, day, statement_no, bank_fen, explained_fen, ledger_fen,
                       verdicts, broken, at)
                SELECT pool_id, day + 1, statement_no, bank_fen + %s, explained_fen, ledger_fen, {}, broken + %s,
                       at + interval '1 day' FROM ledger_reconciledday"""
    with connection.cursor() as cursor:
        with refused("reconciliation_is_as_counted"):
            cursor.execute(insert.format("verdicts"), [1, 1])
        with refused("reconciliation_is_as_counted"):
            cursor.execute(insert.format("verdicts"), [0, 1])
        with refused("reconciliation_is_as_counted"):
            cursor.execute(insert.format("'[]'::jsonb"), [0, 0])
        with refused("one_reconciliation_per_pool_and_day"):
            cursor.execute(
                insert.replace("day + 1", "day").replace(" + interval '1 day'", "").format("verdicts"), [0, 0]
            )
        with refused("reconciliation_is_as_counted"):
            cursor.execute(insert.replace("day + 1", "day + 2").format("verdicts"), [0, 0])
        for sql in ("UPDATE ledger_reconciledday SET broken = 0", "DELETE FROM ledger_reconciledday"):
            with not_permitted():
                cursor.execute(sql)
    assert bank.account.statements.count() == 3


def test_difference_without_a_broken_rule_is_refused(
    committed_world: tuple[Charged, str], as_owner: Owner
) -> None:
    (world, _bank, _period), url = committed_world
    kept = reconciled_days.keep_day(world.pool, clock.now())
    assert kept is not None
    with (
        psycopg.connect(url) as owner,
        pytest.raises(psycopg.errors.CheckViolation, match="reconciliation_is_permanent"),
    ):
        owner.execute("UPDATE ledger_reconciledday SET ledger_fen = 1")
    with pytest.raises(psycopg.errors.CheckViolation, match="difference_breaks_a_rule"):
        as_owner("UPDATE ledger_reconciledday SET ledger_fen = 1")


def test_a_day_is_kept_once(paid: Charged) -> None:
    world, _bank, _period = paid
    first = reconciled_days.keep_day(world.pool, clock.now())
    assert first is not None
    assert reconciled_days.keep_day(world.pool, clock.now()) == first
    assert ReconciledDay.objects.count() == 1


def test_two_who_check_the_same_day_wait_for_each_other(committed_world: tuple[Charged, str]) -> None:
    """The second stands in line for the pool with nothing in its hands, and reads the first one's answer."""
    (world, _bank, _period), _url = committed_world
    with transaction.atomic():
        Pool.objects.select_for_update().get(pk=world.pool.pk)
        other = Meanwhile(lambda: reconciled_days.keep_day(world.pool, clock.now()))
        wait_for_a_waiter(connection.connection)
        mine = reconciled_days.keep_day(world.pool, clock.now())
    assert mine is not None
    assert other.outcome() == mine
