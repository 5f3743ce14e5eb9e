"""The rolls of a period: of its headcount and its bill, found by their members alone, kept when these are erased."""

import json
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import transaction

from aidplatform.lib import clock, commitments
from aidplatform.site.my_data import erasing
from aidplatform.site.my_data.tests.test_erasing import erased, leave, traced
from aidplatform.testing.refusals import about, fire_deferred, not_permitted, refused, run
from aidplatform.testing.world import World, run_jobs, set_clock
from aidplatform.work import jobs
from aidplatform.work.models import Job
from ledger.openbooks import services as openbooks
from ledger.openbooks.models import LogEntry
from ledger.openbooks.rolls import Record, Tree, demand_order
from ledger.openbooks.tests import second_roll
from ledger.sharing import roll_services, services
from ledger.sharing.models import Charge, Period
from ledger.sharing.roll_models import Roll, RollSubtree
from ledger.sharing.roll_selectors import place_of, records_of
from ledger.sharing.tests.test_year_caps import approve, second_computed, shares
from members.joining.models import Membership
from members.joining.secret_models import MemberSecret

INSERT_ROLL = """INSERT INTO ledger_roll (period_id, stage, size, classes, counts, own_fen, root, head, built_at)
                 VALUES (%s, %s, %s, %s, %s, %s, %s, %s, now())"""


def classed(code: str = "test-pool") -> World:
    """Return a pool whose members are of two classes, the second of them with double weight."""
    classes = [
        {"class_no": 0, "weight": 1, "name_en": "one", "name_zh": "一"},
        {"class_no": 3, "weight": 2, "name_en": "two", "name_zh": "二"},
    ]
    return World.founded(code=code, members={0: 5, 3: 4}, classes=classes)


def frozen(world: World) -> Period:
    period = services.open_period(pool=world.pool, at=clock.now())
    set_clock(clock.start_of_day(period.publicity_date, world.pool.time_zone))
    return services.freeze_headcount(period=period, at=clock.now())


def told(period: Period, kind: str) -> dict[str, Any]:
    entry = LogEntry.objects.get(log__code=period.pool.code, type=kind, key=str(period.number))
    return dict(json.loads(bytes(entry.data))["body"])


def commitment_of(membership: Membership, period: Period) -> bytes:
    kept = MemberSecret.objects.get(membership=membership)
    salt = commitments.salt(bytes(kept.commit_key), period.pool.code, period.number)
    return commitments.commitment(salt, bytes(kept.id_inner), period.pool.code, period.number)


def all_records(roll: Roll) -> list[bytes]:
    return list(records_of(roll, first=0, end=10**6))


def seq(period: Period, kind: str) -> int:
    return LogEntry.objects.get(log__code=period.pool.code, type=kind, key=str(period.number)).seq


def test_rolls_are_those_of_the_second_implementation(db: None) -> None:
    world = classed()
    world.award(1_000_000)
    period = world.posted_period()
    for stage in ("freeze", "close"):
        roll = Roll.objects.get(period=period, stage=stage)
        records = all_records(roll)
        demand_order(records)
        wanted = second_roll.root(2, records)
        assert (tuple(roll.counts), roll.own_fen, bytes(roll.root)) == wanted
        pool_id = commitments.pool_id("test-pool")
        assert bytes(roll.head) == second_roll.head(pool_id, period.number, 2, wanted)
        body = told(period, f"roll.{stage}")
        assert (body["n"], body["classes"], body["tree"], body["x"]) == (9, [0, 3], [5, 4, 0, 0], 0)
        assert (body["root"], body["head"]) == (bytes(roll.root).hex(), bytes(roll.head).hex())
    charges = {c.membership_id: c.share_fen for c in Charge.objects.filter(pool_id=world.pool.pk)}
    by_commitment = {
        commitment_of(one, period): (one.pk, charges[one.pk]) for one in world.pool.memberships.all()
    }
    read = [Record.read(record) for record in all_records(roll)]
    assert [(r.commitment, r.fen) for r in read] == [(c, by_commitment[c][1]) for c in sorted(by_commitment)]
    assert sum(r.fen for r in read) == period.assessed_fen


def test_order_in_the_log_stops_tailoring(world: World) -> None:
    world.award(1_000_000)
    period = world.posted_period()
    kinds = ("roll.freeze", "period.announce", "period.close", "roll.close")
    places = [seq(period, kind) for kind in kinds]
    assert places == sorted(places)
    frozen_roll, closed = (Roll.objects.get(period=period, stage=stage) for stage in ("freeze", "close"))
    assert [record[:33] for record in all_records(frozen_roll)] == [
        record[:33] for record in all_records(closed)
    ]


def test_own_amounts_are_those_whom_a_cap_leaves_less(db: None) -> None:
    """Four have 3.00 left of their year; the two who came since bear the rest at the rate."""
    world, period = second_computed()
    approve(world, period)
    roll = Roll.objects.get(period=period, stage="close")
    assert (roll.counts, roll.own_fen) == ([2, 4], 4 * 300)
    records = [Record.read(record) for record in all_records(roll)]
    charges = shares(period)
    own = {commitment_of(one, period): charges[one.pk] for one in world.pool.memberships.all()}
    assert {record.commitment: record.fen for record in records} == own
    assert [record.is_explicit for record in records] == [record.fen == 300 for record in records]
    assert second_roll.root(1, all_records(roll)) == ((2, 4), 1200, bytes(roll.root))
    frozen_roll = Roll.objects.get(period=period, stage="freeze")
    assert (frozen_roll.counts, frozen_roll.own_fen) == ([6, 0], 0)


def test_members_of_many_subtrees_find_their_place_and_others_none(db: None) -> None:
    world = World.founded(members=2_500)
    world.award(1_000_000)
    period = world.posted_period()
    some = list(world.pool.memberships.order_by("pk"))[::250]
    for stage in ("freeze", "close"):
        roll = Roll.objects.get(period=period, stage=stage)
        assert RollSubtree.objects.filter(period=period, stage=stage).count() == 3
        tree, records = Tree(len(roll.classes)), all_records(roll)
        assert second_roll.root(1, records) == (tuple(roll.counts), 0, bytes(roll.root))
        for membership in some:
            place = place_of(roll, commitment_of(membership, period))
            assert place is not None
            assert place.record.encode() == records[place.index]
            root = tree.root_of_path(tree.leaf(records[place.index]), place.index, roll.size, place.path)
            assert (root.hash, *tree.figures(root)) == (bytes(roll.root), roll.counts, roll.own_fen)
        assert [place_of(roll, bytes([byte]) * 32) for byte in (0, 255)] == [None, None]


def test_roll_of_nobody_is_stated(db: None) -> None:
    period = World.founded(members=0).announced_period()
    roll = Roll.objects.get(period=period)
    assert (roll.size, roll.classes, roll.counts, bytes(roll.root)) == (0, [], [], Tree(0).empty.hash)
    assert told(period, "roll.freeze")["n"] == 0


def test_calendar_makes_the_roll_without_holding_the_pool(world: World) -> None:
    period = frozen(world)
    assert not Roll.objects.exists()
    services.advance_due(at=clock.now())
    run_jobs()
    period.refresh_from_db()
    assert period.state == Period.State.ANNOUNCED
    assert Roll.objects.get().size == 7
    assert MemberSecret.objects.count() == 7


def test_rolls_are_made_once(world: World) -> None:
    world.award(1_000_000)
    period = world.posted_period()
    roll_services.freeze_roll(period)
    jobs.enqueue(kind=roll_services.CLOSE_ROLL, key="again", payload={"period": period.pk}, actor="service")
    run_jobs()
    assert Job.objects.filter(kind=roll_services.CLOSE_ROLL, state=Job.State.DONE).count() == 2
    assert Roll.objects.count() == 2


def test_line_of_who_is_erased_stays_and_leads_to_nobody(db: None) -> None:
    cases = traced()
    period = cases.world.pool.periods.get(number=1)
    named = commitment_of(cases.membership, period)
    before = [all_records(roll) for roll in Roll.objects.order_by("pk")]
    leave(cases.membership)
    erased(cases.claimant)
    assert not MemberSecret.objects.filter(membership=cases.membership).exists()
    assert [all_records(roll) for roll in Roll.objects.order_by("pk")] == before
    place = place_of(Roll.objects.get(period=period, stage="close"), named)
    assert place is not None
    assert place.record.commitment == named


def test_erasure_waits_for_the_roll(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "order_closed_roll", lambda *_of: None)
    cases = traced()
    leave(cases.membership)
    erasure = erasing.ask_erasure(person=cases.claimant, at=clock.now())
    set_clock(erasure.due_at)
    with refused("erasure_waits_for_what_is_open"):
        run("UPDATE members_erasure SET state = 'erasing' WHERE id = %s", erasure.pk)


# --- what the database refuses ----------------------------------------------------------------------------------


@dataclass
class Made:
    """A roll as it would be made, and not stored; tests change it before they store it."""

    roll: Roll
    subtrees: list[RollSubtree]

    def store(self, **changes: Any) -> None:
        for subtree in self.subtrees:
            subtree.pk = None
            subtree.save(force_insert=True)
        fields = ("period_id", "stage", "size", "classes", "counts", "own_fen", "root", "head")
        run(INSERT_ROLL, *(changes.get(name, getattr(self.roll, name)) for name in fields))

    def store_and_state(self) -> None:
        self.store()
        roll = Roll.objects.select_related("period__pool").get(period=self.roll.period, stage=self.roll.stage)
        body = roll_services._body(roll.period, roll)
        openbooks.append(
            code="test-pool", entry_type=f"roll.{roll.stage}", key="1", body=body, at=clock.now()
        )


def made(make: Callable[[], Any], period: Period, stage: str) -> Made:
    with transaction.atomic():
        make()
        found = Made(
            Roll.objects.get(period=period, stage=stage),
            list(RollSubtree.objects.filter(period=period, stage=stage).order_by("number")),
        )
        transaction.set_rollback(True)
    return found


@pytest.fixture
def freeze(world: World) -> Made:
    period = frozen(world)
    return made(lambda: roll_services.freeze_roll(period), period, "freeze")


@pytest.fixture
def close(world: World, monkeypatch: pytest.MonkeyPatch) -> Made:
    monkeypatch.setattr(services, "order_closed_roll", lambda *_of: None)
    world.award(1_000_000)
    period = world.posted_period()
    frozen_roll = Roll.objects.get(period=period)
    return made(lambda: roll_services._close(period, frozen_roll), period, "close")


def test_roll_is_of_its_headcount(freeze: Made) -> None:
    for changes in (
        {"size": 8},
        {"counts": [8, 0], "size": 8},
        {"counts": [6, 1]},
        {"counts": [7]},
        {"classes": [1]},
        {"own_fen": 1},
        {"own_fen": -1},
    ):
        with about(changes), refused("roll_is_of_its_headcount"):
            freeze.store(**changes)


def test_roll_comes_before_its_cases(world: World, freeze: Made) -> None:
    services.announce_period(period=freeze.roll.period, at=clock.now())
    freeze.subtrees = []
    with refused("roll_comes_before_its_cases"):
        freeze.store()


def test_closed_roll_is_of_its_freeze_and_its_bill(close: Made) -> None:
    with refused("closed_roll_is_of_its_freeze"):
        close.store(classes=[1])
    for changes in ({"counts": [6, 1], "own_fen": 1}, {"own_fen": 1}):
        with about(changes), refused("closed_roll_is_of_its_bill"):
            close.store(**changes)
    close.store_and_state()


def test_closed_roll_is_of_its_bill_and_waits_for_it(world: World, freeze: Made) -> None:
    freeze.subtrees = []
    with refused("closed_roll_is_of_its_bill"):
        freeze.store(stage="close")


def test_roll_is_of_its_subtrees(freeze: Made) -> None:
    whole, all_of_it = freeze.subtrees[0], freeze.subtrees
    freeze.subtrees = []
    with refused("roll_is_of_its_subtrees"):
        freeze.store()
    for changes in ({"number": 1}, {"size": 6, "counts": [6, 0], "records": bytes(whole.records)[: 33 * 6]}):
        freeze.subtrees = [changed(whole, **changes)]
        with about(changes), refused("roll_is_of_its_subtrees"):
            freeze.store()
    parts = bytes(whole.records)
    halves = [
        changed(whole, size=3, counts=[3, 0], records=parts[:99]),
        changed(whole, number=1, size=4, counts=[4, 0], records=parts[99:], first=parts[99:131]),
    ]
    freeze.subtrees = halves
    with refused("roll_is_of_its_subtrees"):
        freeze.store()
    freeze.subtrees = all_of_it
    freeze.store_and_state()


def test_roll_subtree_has_its_records(freeze: Made) -> None:
    whole = freeze.subtrees[0]
    for changes in (
        {"size": 0, "counts": [0, 0], "records": b""},
        {"size": 1025, "counts": [1025, 0]},
        {"counts": [6, 0]},
        {"records": bytes(whole.records)[1:]},
        {"first": bytes(32)},
        {"hash": b""},
        {"stage": "close", "records": bytes(9)},
        {"stage": "close", "records": bytes(80)},
    ):
        freeze.subtrees = [changed(whole, **changes)]
        with about(changes), refused("roll_subtree_has_its_records"):
            freeze.store()


def changed(subtree: RollSubtree, **changes: Any) -> RollSubtree:
    other = copy(subtree)
    for name, new in changes.items():
        setattr(other, name, new)
    return other


def test_roll_takes_nobody_in(freeze: Made) -> None:
    freeze.store_and_state()
    late = changed(freeze.subtrees[0], number=1, pk=None)
    with refused("roll_takes_nobody_in"):
        late.save(force_insert=True)


def test_one_roll_per_period_and_stage(freeze: Made) -> None:
    freeze.store_and_state()
    freeze.subtrees = []
    with refused("one_roll_per_period_and_stage"):
        freeze.store()
    with refused("roll_stage_is_known"):
        run(INSERT_ROLL, freeze.roll.period_id, "middle", 7, [0], [7, 0], 0, bytes(32), bytes(32))


def test_one_roll_subtree_per_number(freeze: Made) -> None:
    freeze.subtrees = [freeze.subtrees[0], freeze.subtrees[0]]
    with refused("one_roll_subtree_per_number"):
        freeze.store()


def test_roll_stands_in_the_log(freeze: Made) -> None:
    with refused("roll_stands_in_the_log"):
        freeze.store()
        fire_deferred()


def test_log_states_rolls_as_made(freeze: Made) -> None:
    freeze.store()
    roll = Roll.objects.select_related("period__pool").get()
    body = roll_services._body(roll.period, roll)
    for name, wrong in (
        ("n", 8), ("x", 1), ("root", "00"), ("head", "00"), ("classes", [1]), ("tree", [6, 1]), ("period", 2),
    ):  # fmt: skip
        with about(name), refused("log_states_rolls_as_made"):
            state_freeze(body | {name: wrong})
    with refused("log_states_rolls_as_made"):
        state_freeze({key: what for key, what in body.items() if key != "head"})
    state_freeze(body)
    fire_deferred()


def state_freeze(body: dict[str, Any]) -> None:
    openbooks.append(code="test-pool", entry_type="roll.freeze", key="1", body=body, at=clock.now())


def test_roll_is_stated_before_publicity(freeze: Made) -> None:
    with refused("roll_is_stated_before_publicity"):
        run("UPDATE ledger_period SET state = 'announced' WHERE id = %s", freeze.roll.period_id)


def test_roll_is_permanent_for_the_application(world: World) -> None:
    world.announced_period()
    for table in ("ledger_roll", "ledger_rollsubtree"):
        for statement in (f"UPDATE {table} SET own_fen = 0", f"DELETE FROM {table}"):
            with not_permitted():
                run(statement)
