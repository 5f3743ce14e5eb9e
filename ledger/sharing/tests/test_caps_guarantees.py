"""Guarantees of periods with caps and a reserve, broken by hand as aid_app: the database refuses in its name."""

import datetime as dt
import json
from io import StringIO

import psycopg
import pytest
from django.core.management import call_command

from aidplatform.lib import clock
from aidplatform.testing.ledgers import assert_books_true
from aidplatform.testing.refusals import about, not_permitted, refused, refused_to_owner, run
from aidplatform.testing.world import World, run_jobs, set_clock
from ledger.books import chart
from ledger.books.services import credit, debit
from ledger.openbooks.models import LogEntry
from ledger.openbooks.services import post_logged_entry
from ledger.sharing import services
from ledger.sharing.models import FIGURES, Award, Period
from ledger.sharing.selectors import book_of
from ledger.sharing.verify.posted import parts_of

# Seven members bear 1,000.00 each at most; of cases of 8,000.00 and 4,000.00 that leaves 6,481.48.
CAPPED = {"period_cap_fen": 100_000, "on_infeasible": "reduce_aid"}
PARTS = {"C-1": 432_099, "C-2": 216_049}
CLASSES = [
    {"class_no": no, "weight": weight, "name_en": "A class", "name_zh": "一类"}
    for no, weight in enumerate((1, 3))
]


def lowered(*, members: int = 7, **terms: object) -> World:
    """Found a pool in which two cases of 12,000.00 meet caps of 7,000.00."""
    world = World.founded(members=members, **CAPPED | terms)
    world.award(800_000, "C-1")
    world.award(400_000, "C-2")
    return world


def test_period_figures_follow_their_sources_under_caps_and_with_a_reserve(db: None) -> None:
    """A fen more or less, anywhere in a bill whose caps move shares, draw on the reserve and lower the aid."""
    reserve = {"contribution_fen": 5_000, "target_fen": 100_000}
    world = World.founded(
        members={0: 4, 1: 3},
        classes=CLASSES,
        period_cap_fen=2_000,
        on_infeasible="reduce_aid",
        reserve=reserve,
    )
    for number, aid_fen in enumerate((1_000, 10_000, 40_000), start=1):
        world.award(aid_fen, f"C-{number}")
        period = world.computed_period()
        figures = [figure for figure in FIGURES if figure not in {"carry_out_fen", "books_upto_no"}]
        for figure, change in [(figure, change) for figure in figures for change in (1, -1)]:
            with about((number, figure, change)), refused("period_figures_follow_their_sources"):
                run(f"UPDATE ledger_period SET {figure} = {figure} + {change} WHERE id = %s", period.pk)
        for class_no in (0, 1):
            forged = [dict(row) for row in period.classes]
            forged[class_no]["share_fen"] += 1
            with about((number, class_no)), refused("period_figures_follow_their_sources"):
                run("UPDATE ledger_period SET classes = %s WHERE id = %s", json.dumps(forged), period.pk)
        _post(world, period)
    periods = Period.objects.order_by("number")
    told = [(p.reserve_contribution_fen, p.reserve_drawn_fen, p.awarded_fen - p.aid_fen) for p in periods]
    # Seven at 2,000 bear 14,000. First 1,080 and 5,000 for the reserve, 4 carried; then 10,800 - 4, which leaves room
    # for 3,204; at last 43,200 are wanted, 14,000 and the reserve's 8,204 are there: 20,559 with its fee, 1,645.
    assert told == [(5_000, 0, 0), (3_204, 0, 0), (0, 8_204, 40_000 - 20_559)]


def _post(world: World, period: Period) -> None:
    services.approve_period(
        period=period,
        approver=world.controller.code,
        shown_sha256=period.shown_sha256 or "",
        at=clock.now(),
    )
    run_jobs()
    period.refresh_from_db()
    assert period.state == "posted"
    set_clock(clock.start_of_day(period.next_opening_date, world.pool.time_zone))


def test_award_gets_its_part(committed_db: tuple[str, str]) -> None:
    world = lowered()
    world.posted_period()
    assert dict(Award.objects.values_list("code", "shared_fen")) == PARTS
    with not_permitted():
        run("UPDATE ledger_award SET shared_fen = aid_fen")
    with psycopg.connect(committed_db[0]) as owner, refused_to_owner(owner, "award_gets_its_part"):
        owner.execute("UPDATE ledger_award SET shared_fen = shared_fen + 1")


def test_award_gets_its_part_and_cannot_come_with_it(committed_db: tuple[str, str]) -> None:
    lowered()
    with psycopg.connect(committed_db[0]) as owner, refused_to_owner(owner, "award_gets_its_part"):
        owner.execute("UPDATE ledger_award SET shared_fen = 1")


def test_shared_award_says_how_much(committed_db: tuple[str, str]) -> None:
    lowered().posted_period()
    with psycopg.connect(committed_db[0]) as owner:
        owner.execute("ALTER TABLE ledger_award DISABLE TRIGGER USER")
        for change in ("NULL", "aid_fen + 1", "-1"):
            with about(change), refused_to_owner(owner, "shared_award_says_how_much"):
                owner.execute(f"UPDATE ledger_award SET shared_fen = {change}")


def test_lowered_aid_has_its_entry(db: None) -> None:
    """Without an entry, with one of another sum or by other people, the period is not posted."""
    world = lowered()
    period = world.approved_period()
    run("UPDATE ledger_period SET state = 'posting' WHERE id = %s", period.pk)
    for step in ("open_charge_shelf", "write_charge_shard", "close_charge_shelf"):
        services.call(step, period.manifest.get().pk if step == "write_charge_shard" else period.pk)
    lowered_fen = 1_200_000 - 648_148

    def close() -> None:
        entry = _book(world, period, "period/1", services.period_lines(period))
        run(
            "UPDATE ledger_period SET state = 'posted', posted_at = %s, entry_id = %s WHERE id = %s",
            clock.now(),
            entry,
            period.pk,
        )

    with refused("lowered_aid_has_its_entry"):
        close()
    for fen, maker in ((lowered_fen - 1, period.prepared_by), (lowered_fen, "P-X")):
        with about((fen, maker)), refused("lowered_aid_has_its_entry"):
            lines = [debit(chart.AID_PAYABLE, fen), credit(chart.TO_BE_SHARED, fen)]
            _book(world, period, "aid_lowered/1", lines, maker=maker)
            # What else remains stays to be shared, so that the account itself refuses nothing.
            close()
    lines = [debit(chart.AID_PAYABLE, lowered_fen), credit(chart.TO_BE_SHARED, lowered_fen)]
    _book(world, period, "aid_lowered/1", lines)
    close()


def _book(world: World, period: Period, key: str, lines: list[services.Line], **people: str | None) -> int:
    people = {"maker": period.prepared_by, "checker": period.approved_by} | people
    return post_logged_entry(
        book=book_of(world.pool),
        key=key,
        kind=key.partition("/")[0],
        lines=lines,
        entry_date=dt.date(2026, 1, 14),
        at=clock.now(),
        description="by hand",
        source="by hand",
        **people,
    ).pk


def test_a_lowered_period_is_true_to_the_books_and_says_so_in_the_log(db: None) -> None:
    world = lowered()
    world.posted_period()
    assert_books_true(world.pool)
    told = LogEntry.objects.filter(type="award.adjust").order_by("key")
    bodies = [json.loads(bytes(entry.data))["body"] for entry in told]
    assert [(body["case"], body["was"], body["is"], body["why"]) for body in bodies] == [
        ("C-1", 800_000, 432_099, "caps"),
        ("C-2", 400_000, 216_049, "caps"),
    ]


MOVE = "UPDATE ledger_award SET shared_fen = shared_fen"


def verdict() -> tuple[int, dict[str, list[dict[str, str]]]]:
    out = StringIO()
    with pytest.raises(SystemExit) as left:
        call_command("verify_books", "--json", stdout=out)
    answer = json.loads(out.getvalue())
    assert answer["unchecked"] == []
    return left.value.code, {one["code"]: one["findings"] for one in answer["statements"] if one["false"]}


def test_verify_books_reckons_caps_reserve_and_lowered_aid(committed_db: tuple[str, str]) -> None:
    world = lowered(reserve={"contribution_fen": 1_000, "target_fen": 5_000})
    first = world.posted_period()
    set_clock(clock.start_of_day(first.next_opening_date, world.pool.time_zone))
    world.award(50_000, "C-3")
    world.posted_period()
    assert verdict() == (0, {})
    with psycopg.connect(committed_db[0], autocommit=True) as owner:
        owner.execute("ALTER TABLE ledger_award DISABLE TRIGGER USER")
        owner.execute(f"{MOVE} - CASE code WHEN 'C-1' THEN 1 ELSE -1 END WHERE code <> 'C-3'")
        code, false = verdict()
        assert code == 1
        assert [one["expected"] for one in false["awards_sum_to_aid"]] == ["432099", "216049"]
        owner.execute(f"{MOVE} + CASE code WHEN 'C-1' THEN 1 ELSE -1 END WHERE code <> 'C-3'")
        owner.execute("ALTER TABLE ledger_period DISABLE TRIGGER USER")
        owner.execute(
            "UPDATE ledger_period SET reserve_contribution_fen = 999, carry_out_fen = carry_out_fen + 1"
            " WHERE number = 2"
        )
        assert "need_follows_bill" in verdict()[1]


def test_other_costs_that_no_cap_has_room_for_are_refused_with_the_sum(db: None) -> None:
    """A fixed fee of 8,000.00 where seven members bear 7,000.00: even without any aid 1,000.00 are left."""
    world = lowered(fee={"rate": "0", "fixed_fen": 800_000})
    period = world.settled_period()
    with pytest.raises(services.CapsTooLowError) as caught:
        services.compute_shares(period=period, preparer=world.admin.code, at=clock.now())
    assert caught.value.extra["shortfall_fen"] == 100_000
    assert "1,000.00" in str(caught.value)
    period.refresh_from_db()
    assert period.state == "settled"


def test_parts_are_whole_fen_and_sum_to_what_is_split() -> None:
    assert parts_of(648_148, [800_000, 400_000]) == [432_099, 216_049]
    assert parts_of(2, [1, 1, 1]) == [1, 1, 0]
    assert parts_of(0, [5, 7]) == [0, 0]
    assert parts_of(12, [5, 7]) == [5, 7]
