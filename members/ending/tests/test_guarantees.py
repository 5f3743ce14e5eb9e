"""Each guarantee of a pool's end, broken by hand as aid_app: the database refuses in its name."""

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from django.db import transaction

from aidplatform.lib import clock
from aidplatform.testing.endings import end_by_two, propose_to_end, wind_down
from aidplatform.testing.pairs import Meanwhile, wait_for_a_waiter
from aidplatform.testing.refusals import not_permitted, refused, refused_to_owner, run, value
from aidplatform.testing.world import TERMS, World, set_clock
from ledger.sharing import ending as endings
from ledger.sharing import services as sharing
from ledger.sharing.models import Period
from ledger.sharing.tests.test_ending import FLOOR, founded, go_to, leave, month, play, post, settle
from members.ending.models import EndingProposal, PoolEnding
from members.ending.services import BadCoverEndError, EndingChangedError, NotOpenError, propose_ending
from members.joining.services import admit_group

COVER_END = dt.date(2026, 1, 31)


def insert(table: str, row: dict[str, Any]) -> None:
    run(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join(['%s'] * len(row))})", *row.values())


def insert_ending(world: World, **changes: Any) -> None:
    """Give a notice by hand, with figures as whoever writes rows would like them."""
    row = {
        "pool_id": world.pool.pk,
        "number": 9,
        "cause": "floor",
        "confirmed_by": world.controller.code,
        "plan_version_id": world.pool.plan_versions.get(number=1).pk,
        "given_at": clock.now(),
        "notice_date": dt.date(2020, 1, 1),
        "as_of": clock.now(),
        "recorded_at": clock.now(),
        "bearers": 1,
        "counts": "{}",
        "after_period_no": 99,
        "first_headcount": 0,
        "second_headcount": 0,
        "floor_members": 100,
        "cover_end_date": dt.date(2020, 1, 2),
        "run_off_end_date": dt.date(2020, 1, 2),
    } | changes
    insert("members_poolending", row)


def insert_proposal(world: World, **changes: Any) -> None:
    row = {
        "pool_id": world.pool.pk,
        "number": 9,
        "plan_version_id": world.pool.plan_versions.get(number=1).pk,
        "reason": "Because.",
        "cover_end_date": COVER_END,
        "run_off_end_date": COVER_END,
        "proposed_by": world.admin.code,
        "proposed_at": dt.datetime(2020, 1, 1, tzinfo=dt.UTC),
        "state": "open",
    } | changes
    insert("members_endingproposal", row)


def confirm(world: World, proposal: EndingProposal, **changes: Any) -> PoolEnding:
    return endings.confirm_ending(
        **{
            "proposal": proposal,
            "confirmer": world.controller.code,
            "shown_sha256": proposal.shown_sha256,
            "at": clock.now(),
        }
        | changes
    )


# --- by the floor -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("headcounts", [[7], [4], [4, 5], [7, 4], [4, 5, 4]])
def test_intake_stops_below_the_floor(db: None, headcounts: list[int]) -> None:
    """By two headcounts running and nothing else, whatever figures the row brings along."""
    world = founded()
    play(world, headcounts)
    with refused("intake_stops_below_the_floor"):
        insert_ending(world)


def test_intake_stops_below_the_floor_only_where_the_rules_have_one(db: None) -> None:
    world = founded(floor=None)
    play(world, [1, 1])
    with refused("intake_stops_below_the_floor"):
        insert_ending(world)


def test_figures_and_days_of_a_notice_are_the_databases_own(db: None) -> None:
    world = founded()
    proposal = propose_to_end(world)
    insert_ending(
        world,
        cause="decision",
        proposal_id=proposal.pk,
        first_headcount=1,
        second_headcount=1,
        floor_members=1,
        run_off_cap_fen=1,
    )
    ending = PoolEnding.objects.get()
    assert (ending.number, ending.notice_date, ending.cover_end_date) == (1, dt.date(2026, 1, 1), COVER_END)
    assert (ending.bearers, ending.counts, ending.after_period_no) == (7, {"0": 7}, 0)
    assert (ending.first_headcount, ending.floor_members, ending.run_off_cap_fen) == (None, None, None)
    assert value("SELECT state FROM members_pool WHERE id = %s", world.pool.pk) == "intake_stopped"
    proposal.refresh_from_db()
    assert (proposal.state, proposal.decided_by) == ("confirmed", world.controller.code)


def _forgetful(monkeypatch: pytest.MonkeyPatch) -> tuple[World, Period]:
    """Return a pool that is below its floor at two headcounts running, under an application that forgot the floor."""
    world = founded()
    play(world, [7, 4])
    go_to(world, month(3, 5))
    monkeypatch.setattr(endings, "after_headcount", lambda period, at: None)
    set_clock(dt.datetime(2026, 3, 7, 10, tzinfo=ZoneInfo("Asia/Shanghai")))
    return world, sharing.freeze_headcount(period=world.pool.periods.get(number=3), at=clock.now())


def test_floor_is_heeded(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """An application that forgot the floor comes to no announcement."""
    _world, period = _forgetful(monkeypatch)
    with refused("floor_is_heeded"):
        run("UPDATE ledger_period SET state = 'announced' WHERE id = %s", period.pk)


def _stopped() -> World:
    """Return a pool of four whose floor is five, a month into its notice of two."""
    world = founded(floor=FLOOR | {"notice_days": 60})
    play(world, [7, 4, 4])
    go_to(world, month(4, 1))
    return world


def test_intake_reopens_at_the_floor(db: None) -> None:
    world = _stopped()
    with refused("intake_reopens_at_the_floor"):
        run("UPDATE members_poolending SET cancelled_at = now()")
    set_clock(dt.datetime(2026, 4, 7, 10, tzinfo=ZoneInfo("Asia/Shanghai")))
    with refused("intake_reopens_at_the_floor"):
        run("UPDATE members_poolending SET cancelled_at = now()")
    assert value("SELECT state FROM members_pool WHERE id = %s", world.pool.pk) == "intake_stopped"


def test_no_late_headcount_reopens_the_intake(db: None) -> None:
    """Cover has ended, and the calendar has not been run: the headcount of a day after it calls nothing off."""
    world = founded(floor=FLOOR | {"notice_days": 40})
    play(world, [7, 4])
    go_to(world, month(3, 5))
    set_clock(dt.datetime(2026, 3, 6, 10, tzinfo=ZoneInfo("Asia/Shanghai")))
    go_to(world, month(3, 7))
    settle(world, 3)
    post(world)
    go_to(world, month(4, 1))
    set_clock(dt.datetime(2026, 4, 17, tzinfo=ZoneInfo("Asia/Shanghai")))
    run("UPDATE members_span SET to_at = aid_now() WHERE pool_id = %s AND to_at IS NULL", world.pool.pk)
    with refused("intake_reopens_at_the_floor"):
        run("UPDATE members_poolending SET cancelled_at = now()")
    transaction.set_rollback(True)  # nobody says why they are not covered any more


def test_ending_is_called_off_once(db: None) -> None:
    world = founded()
    end_by_two(world)
    with refused("ending_is_called_off_once"):
        run("UPDATE members_poolending SET cancelled_at = now()")
    with not_permitted():
        run("UPDATE members_poolending SET cover_end_date = '2030-01-01'")
    with not_permitted():
        run("DELETE FROM members_poolending")


def test_ending_is_permanent_for_the_owner_too(committed_db: tuple[str, str]) -> None:
    world = World.founded()
    end_by_two(world)
    with psycopg.connect(committed_db[0]) as owner:
        for change in ("cover_end_date = '2030-01-01'", "bearers = 1", "cancelled_at = now()"):
            with refused_to_owner(owner, "ending_is_called_off_once"):
                owner.execute(f"UPDATE members_poolending SET {change}")
        with refused_to_owner(owner, "ending_is_called_off_once"):
            owner.execute("DELETE FROM members_poolending")


# --- by two people ----------------------------------------------------------------------------------------------


def test_ending_needs_two_people(world: World) -> None:
    for proposer in (world.controller, world.auditor, world.stranger):
        with refused("ending_needs_two_people"):
            insert_proposal(world, proposed_by=proposer.code)
    proposal = propose_to_end(world)
    for confirmer in (world.admin, world.treasurer, world.stranger):
        with refused("ending_needs_two_people"):
            confirm(world, proposal, confirmer=confirmer.code)
    with refused("ending_needs_two_people"):
        run(
            "UPDATE members_endingproposal SET state = 'withdrawn', decided_by = %s, decided_at = now()",
            "nobody",
        )


def test_ending_keeps_its_notice(world: World) -> None:
    for day in (dt.date(2026, 1, 30), dt.date(2027, 2, 2)):
        with refused("ending_keeps_its_notice"):
            insert_proposal(world, cover_end_date=day)
        with pytest.raises(BadCoverEndError):
            propose_to_end(world, day)
    proposal = propose_to_end(world)
    set_clock(clock.now() + dt.timedelta(days=1))
    with refused("ending_keeps_its_notice"):
        confirm(world, proposal)


def test_ending_proposal_begins_open(world: World) -> None:
    with refused("ending_proposal_begins_open"):
        insert_proposal(world, state="confirmed", decided_by="x", decided_at=clock.now())
    with refused("ending_proposal_says_why"):
        insert_proposal(world, reason="")
    propose_to_end(world)
    with refused("one_open_ending_proposal_per_pool"):
        insert_proposal(world)
    run("UPDATE members_endingproposal SET state = 'withdrawn', decided_by = %s", world.admin.code)
    made = EndingProposal.objects.get()
    assert (made.number, made.run_off_end_date) == (1, COVER_END + dt.timedelta(days=180))
    wind_down(world)
    with refused("ending_proposal_begins_open"):
        insert_proposal(world)
    with pytest.raises(NotOpenError):
        propose_ending(
            pool=world.pool, reason="x", cover_end_date=COVER_END, proposer=world.admin.code, at=clock.now()
        )


def test_ending_is_what_was_shown_and_proposed(world: World) -> None:
    proposal = propose_to_end(world, dt.date(2026, 3, 1))
    with pytest.raises(EndingChangedError):
        confirm(world, proposal, shown_sha256="0" * 64)
    with not_permitted():
        run("UPDATE members_endingproposal SET reason = 'Another.'")
    world.change_plan(dt.date(2026, 1, 8), wind_down=TERMS["wind_down"] | {"run_off_days": 1})
    set_clock(clock.now() + dt.timedelta(days=7))
    with refused("ending_is_what_was_proposed"):
        confirm(world, proposal)


def test_ending_proposal_is_decided_once(world: World) -> None:
    propose_to_end(world)
    with refused("ending_proposal_is_decided_once"):
        run(
            "UPDATE members_endingproposal SET state = 'confirmed', decided_by = %s, decided_at = now()",
            world.controller.code,
        )
    run(
        "UPDATE members_endingproposal SET state = 'withdrawn', decided_by = %s, decided_at = now()",
        world.admin.code,
    )
    with refused("ending_proposal_is_decided_once"):
        run("UPDATE members_endingproposal SET decided_by = %s", world.controller.code)
    with refused("ending_is_what_was_proposed"):
        insert_ending(
            world, cause="decision", proposal_id=EndingProposal.objects.get().pk, floor_members=None
        )


def test_ending_is_as_of_its_notice_of_an_open_pool(world: World) -> None:
    end_by_two(world)
    with refused("ending_is_as_of_its_notice"):
        insert_ending(world)


def test_ending_has_its_cause(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A floor that is met takes no proposal along, and a cause is one of two."""
    world, _period = _forgetful(monkeypatch)
    proposal = propose_to_end(world)
    for changes in ({"proposal_id": proposal.pk}, {"cause": "mood"}):
        with refused("ending_has_its_cause"):
            insert_ending(world, **changes)


def test_keys_and_checks_stand_behind_the_guards(committed_db: tuple[str, str]) -> None:
    """What the guards already see to, held once more where they are switched off by the owner."""
    world = World.founded()
    end_by_two(world)
    other = """INSERT INTO members_poolending (pool_id, number, cause, plan_version_id, given_at, notice_date, as_of,
                   recorded_at, bearers, counts, after_period_no, first_headcount, second_headcount, floor_members,
                   cover_end_date, run_off_end_date, cancelled_at, cancelled_period_no, cancelled_headcount)
               SELECT pool_id, {number}, 'floor', plan_version_id, given_at, notice_date, as_of, recorded_at, 0, '{{}}',
                   0, 1, 1, 2, cover_end_date, run_off_end_date, {cancelled} FROM members_poolending"""
    proposal = """INSERT INTO members_endingproposal (pool_id, number, plan_version_id, reason, cover_end_date,
                      run_off_end_date, proposed_by, proposed_at, state)
                  SELECT pool_id, {number}, plan_version_id, reason, cover_end_date, run_off_end_date, proposed_by,
                      proposed_at, '{state}' FROM members_endingproposal"""
    cases = (
        ("one_ending_per_number", other.format(number=1, cancelled="now(), 1, 2")),
        ("one_ending_per_pool", other.format(number=2, cancelled="NULL, NULL, NULL")),
        ("ending_called_off_by_a_headcount", other.format(number=2, cancelled="now(), NULL, 2")),
        ("one_ending_proposal_per_number", proposal.format(number=1, state="open")),
        ("ending_proposal_names_who_decided", proposal.format(number=2, state="withdrawn")),
    )
    with psycopg.connect(committed_db[0]) as owner:
        for table in ("members_poolending", "members_endingproposal"):
            owner.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        for name, statement in cases:
            with refused_to_owner(owner, name):
                owner.execute(statement)


# --- states, covers, and who joins ------------------------------------------------------------------------------


def test_pool_ends_as_announced(world: World) -> None:
    """No state without its notice, and none before its day; with open covers nothing is wound down."""
    with refused("pool_ends_as_announced"):
        run("UPDATE members_pool SET state = 'intake_stopped'")
    ending = end_by_two(world)
    for state in ("open", "winding_down"):
        with refused("pool_ends_as_announced"):
            run("UPDATE members_pool SET state = %s", state)
    set_clock(clock.start_of_day(ending.cover_end_date, world.pool.time_zone))
    with refused("pool_ends_as_announced"):
        run("UPDATE members_pool SET state = 'winding_down'")
    wind_down(world)
    set_clock(clock.start_of_day(ending.run_off_end_date, world.pool.time_zone) - dt.timedelta(seconds=1))
    with refused("pool_ends_as_announced"):
        run("UPDATE members_pool SET state = 'closed'")


@pytest.mark.parametrize("end", [end_by_two, wind_down])
def test_nobody_joins_an_ending_pool(world: World, end: Any) -> None:
    end(world)
    with refused("nobody_joins_an_ending_pool"):
        admit_group(
            pool=world.pool,
            count=1,
            class_no=0,
            from_at=clock.now(),
            joined_date=clock.today(world.pool.time_zone),
            actor="insider",
        )


def test_who_joins_while_the_intake_stops_waits_and_is_refused(committed_db: tuple[str, str]) -> None:
    world = World.founded()

    def join() -> None:
        with refused("nobody_joins_an_ending_pool"):
            admit_group(
                pool=world.pool, count=1, class_no=0, from_at=clock.now(), joined_date=COVER_END, actor="x"
            )

    proposal = propose_to_end(world)
    with psycopg.connect(committed_db[1]) as holder:
        holder.execute(
            """INSERT INTO members_poolending (pool_id, number, cause, proposal_id, confirmed_by, plan_version_id,
                   given_at, notice_date, as_of, recorded_at, bearers, counts, after_period_no, cover_end_date,
                   run_off_end_date)
               SELECT pool_id, 0, 'decision', id, %s, plan_version_id, now(), now(), now(), now(), 0, '{}', 0, now(),
                   now()
                 FROM members_endingproposal WHERE id = %s""",
            [world.controller.code, proposal.pk],
        )
        joining = Meanwhile(join)
        wait_for_a_waiter(holder)
        holder.commit()
        joining.outcome()
    assert PoolEnding.objects.get().bearers == 7


def test_pool_closes_with_nothing_owed(db: None) -> None:
    """A case that waits, then a period that is not posted, then shares that are not collected and aid not paid."""
    world = founded(wind_down={"payer": "A payer", "run_off_days": 10})
    award = world.award(30_000)
    ending = wind_down(world)
    set_clock(clock.start_of_day(ending.run_off_end_date, world.pool.time_zone))
    close = "UPDATE members_pool SET state = 'closed' WHERE id = %s"
    with refused("pool_closes_with_nothing_owed") as caught:
        run(close, world.pool.pk)
    assert award.code in str(caught.value)
    go_to(world, ending.run_off_end_date, hour=11)
    period = world.pool.periods.get()
    with refused("pool_closes_with_nothing_owed") as caught:
        run(close, world.pool.pk)
    assert "periods not posted: 1" in str(caught.value)
    go_to(world, period.publicity_end_date)
    post(world)
    with refused("pool_closes_with_nothing_owed") as caught:
        run(close, world.pool.pk)
    assert "accounts not at 0: 110, 201, 230" in str(caught.value)


# --- the run-off ------------------------------------------------------------------------------------------------


def test_headcount_of_the_run_off_neither_grows_nor_shrinks(db: None) -> None:
    world = founded()
    play(world, [7, 4, 4])
    leave(world, 4)
    settle(world, 4)
    period = world.pool.periods.get(number=4)
    assert (period.headcount, period.state) == (4, "settled")
    ending = PoolEnding.objects.get()
    assert (period.as_of, period.headcount_recorded_at) == (ending.as_of, ending.recorded_at)
