"""Each guarantee of a period, broken by hand as aid_app: the database refuses in its name."""

import datetime as dt
import hashlib
import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from aidplatform.lib import clock
from aidplatform.testing.refusals import about, not_permitted, refused, refused_to_owner, run, value
from aidplatform.testing.world import World, lay_down_all, run_jobs, set_clock
from ledger.openbooks.models import LogEntry
from ledger.sharing import services
from ledger.sharing.models import FIGURES, Period
from ledger.sharing.roll_services import freeze_roll
from ledger.sharing.selectors import compute_bill, shown_text
from ledger.sharing.services import FiguresChangedError, SamePersonError, WrongStateError

STATES = ("opened", "frozen", "announced", "settled", "computed", "approved", "posting", "posted")


@pytest.fixture
def case(world: World) -> World:
    """Give the test a pool with one case of 100,000.00 waiting."""
    world.award(10_000_000)
    return world


@pytest.fixture
def own_owner(committed_db: tuple[str, str]) -> Iterator[psycopg.Connection]:
    """Give the test its own database and a connection as aid_owner there."""
    with psycopg.connect(committed_db[0], autocommit=True) as owner:
        yield owner


def _insert(world: World, **columns: Any) -> None:
    row = {
        "pool_id": world.pool.pk,
        "number": 1,
        "state": "opened",
        "plan_version_id": world.pool.plan_versions.get(number=1).pk,
        "opening_date": "2026-01-01",
        "next_opening_date": "2026-02-01",
        "publicity_date": "2026-01-07",
        "publicity_end_date": "2026-01-10",
        "charge_date": "2026-01-14",
        "computations": 0,
        **columns,
    }
    places = ", ".join(["%s"] * len(row))
    run(f"INSERT INTO ledger_period ({', '.join(row)}) VALUES ({places})", *row.values())


def _set(period: Period, **columns: Any) -> None:
    changes = ", ".join(f"{name} = %s" for name in columns)
    run(f"UPDATE ledger_period SET {changes} WHERE id = %s", *columns.values(), period.pk)


SMUGGLED = {
    "as_of": "2026-01-07T00:00:00Z",
    "announced_at": "2026-01-07T00:00:00Z",
    "headcount_recorded_at": "2026-01-07T00:00:00Z",
    "headcount": 7,
    "prepared_by": "P-ADMIN",
    "prepared_at": "2026-01-07T00:00:00Z",
    "approved_by": "P-ANYBODY",
    "approved_at": "2026-01-07T00:00:00Z",
    "approved_sha256": "0" * 64,
    "charged_members": 7,
    "charged_fen": 0,
    "posted_at": "2026-01-07T00:00:00Z",
    "classes": "[]",
    "computations": 3,
    "postings": 1,
    "posting_paused_at": "2026-01-07T00:00:00Z",
    "posting_paused_by": "P-ADMIN",
    **dict.fromkeys(FIGURES, 0),
}


def test_period_starts_empty(world: World) -> None:
    for column, smuggled in SMUGGLED.items():
        with about(column), refused("period_starts_empty"):
            _insert(world, **{column: smuggled})


def test_period_follows_plan_in_force(world: World) -> None:
    """Neither another pool's plan, nor one still to come, nor, once another is in force, the one before."""
    other = World.founded(code="other-pool", members=0)
    with refused("period_follows_plan_in_force"):
        _insert(world, plan_version_id=other.pool.plan_versions.get().pk)
    later = world.change_plan(dt.date(2026, 2, 1), waiting_days=30)
    with refused("period_follows_plan_in_force"):
        _insert(world, plan_version_id=later.pk)
    with refused("period_follows_plan_in_force"):
        _insert(world, opening_date=dt.date(2026, 2, 1))


@pytest.mark.parametrize("dates", [("2026-01-02", "2026-02-01"), ("2026-01-01", "2026-03-05")])
def test_period_opens_on_its_day(world: World, dates: tuple[str, str]) -> None:
    """Else an insider would open the periods of years ahead under the rules of today."""
    with refused("period_opens_on_its_day"):
        _insert(world, opening_date=dates[0], next_opening_date=dates[1])


@pytest.mark.parametrize("state", STATES[1:])
def test_period_state_follows_order_from_its_beginning(world: World, state: str) -> None:
    with refused("period_state_follows_order"):
        _insert(world, state=state)


@pytest.mark.parametrize(
    "changes",
    [
        {"number": 1},
        {"number": 3},
        {"opening_date": "2026-01-31", "next_opening_date": "2026-03-01", "publicity_date": "2026-02-07"},
        {"opening_date": "2026-02-02", "next_opening_date": "2026-03-01", "publicity_date": "2026-02-07"},
    ],
)
def test_period_follows_last(world: World, changes: dict[str, Any]) -> None:
    _insert(world)
    joining = {
        "number": 2,
        "opening_date": "2026-02-01",
        "next_opening_date": "2026-03-01",
        "publicity_date": "2026-02-07",
        "publicity_end_date": "2026-02-10",
        "charge_date": "2026-02-14",
    }
    with refused("period_follows_last"):
        _insert(world, **(joining | changes))
    set_clock(clock.start_of_day(dt.date(2026, 2, 1), world.pool.time_zone))
    _insert(world, **joining)


@pytest.mark.parametrize(
    "changes",
    [
        {"publicity_date": "2025-12-31"},
        {"publicity_end_date": "2026-01-07"},
        {"charge_date": "2026-01-09"},
        {"next_opening_date": "2026-01-01"},
    ],
)
def test_period_dates_in_order(world: World, changes: dict[str, str]) -> None:
    with refused("period_dates_in_order"):
        _insert(world, **changes)


@pytest.mark.parametrize("statement", ["DELETE FROM ledger_period", "TRUNCATE ledger_period CASCADE"])
def test_periods_are_kept(db: None, owner: psycopg.Connection, statement: str) -> None:
    with not_permitted():
        run(statement)
    with refused_to_owner(owner, "periods_are_kept"):
        owner.execute(statement)


IDENTITY = ("pool_id", "number", "plan_version_id", "opening_date", "next_opening_date", "publicity_date")


@pytest.mark.parametrize(
    "column", [*IDENTITY, "publicity_end_date", "charge_date", "announced_at", "shown_sha256"]
)
def test_period_gives_no_right_to_change_its_identity_or_its_hash(world: World, column: str) -> None:
    with not_permitted():
        run(f"UPDATE ledger_period SET {column} = {column}")


def test_period_keeps_its_identity_from_the_owner_too(own_owner: psycopg.Connection) -> None:
    services.open_period(pool=World.founded().pool, at=clock.now())
    for change in ("number = 2", "charge_date = charge_date + 1", "publicity_end_date = publicity_date + 1"):
        with refused_to_owner(own_owner, "period_keeps_its_identity"):
            own_owner.execute(f"UPDATE ledger_period SET {change}")


def test_period_state_follows_order(case: World) -> None:
    """Every jump from every state on the way is refused; only the next steps are not asked here."""
    period = services.open_period(pool=case.pool, at=clock.now())
    _only_steps(period, "opened", {"frozen"})
    set_clock(clock.start_of_day(period.publicity_date, case.pool.time_zone))
    services.freeze_headcount(period=period, at=clock.now())
    _only_steps(period, "frozen", {"announced"})
    services.announce_period(period=period, at=clock.now())
    set_clock(clock.start_of_day(period.publicity_end_date, case.pool.time_zone))
    _only_steps(period, "announced", {"settled"})
    services.settle_period(period=period, at=clock.now())
    _only_steps(period, "settled", {"computed"})
    computed = services.compute_shares(period=period, preparer=case.admin.code, at=clock.now())
    _only_steps(period, "computed", {"approved"})
    sha256 = computed.shown_sha256 or ""
    services.approve_period(period=period, approver=case.controller.code, shown_sha256=sha256, at=clock.now())
    _only_steps(period, "approved", {"posting", "computed"})
    run_jobs()
    _only_steps(period, "posted", set())


def _only_steps(period: Period, state: str, following: set[str]) -> None:
    period.refresh_from_db()
    assert period.state == state
    for other in set(STATES) - {state} - following:
        # A posted period refuses first for being posted, some jumps for lacking what the state needs.
        with refused("posted_period_is_permanent" if state == "posted" else "period_state_follows_order"):
            _set(period, state=other)


def test_publicity_runs_its_course(case: World) -> None:
    period = services.open_period(pool=case.pool, at=clock.now())
    set_clock(clock.start_of_day(period.publicity_date, case.pool.time_zone))
    services.freeze_headcount(period=period, at=clock.now())
    services.announce_period(period=period, at=clock.now())
    end = clock.start_of_day(period.publicity_end_date, case.pool.time_zone)
    set_clock(end - dt.timedelta(seconds=1))
    with refused("publicity_runs_its_course"):
        _set(period, state="settled")
    set_clock(end)
    assert services.settle_period(period=period, at=clock.now()).state == "settled"


def _frozen(world: World, period: Period) -> Period:
    set_clock(clock.start_of_day(period.publicity_date, world.pool.time_zone))
    return services.freeze_headcount(period=period, at=clock.now())


def test_publicity_lasts_its_days_whatever_dates_a_period_was_opened_with(case: World) -> None:
    """An insider opens a period whose publicity is over on its first day; the announcement gives it the plan's days."""
    _insert(case, publicity_end_date="2026-01-08", charge_date="2026-01-08")
    period = _frozen(case, Period.objects.get())
    freeze_roll(period)
    _set(period, state="announced")
    period.refresh_from_db()
    assert (period.publicity_end_date, period.charge_date) == (dt.date(2026, 1, 10), dt.date(2026, 1, 10))
    set_clock(clock.start_of_day(dt.date(2026, 1, 10), case.pool.time_zone) - dt.timedelta(seconds=1))
    with refused("publicity_runs_its_course"):
        _set(period, state="settled")


def test_publicity_lasts_its_days_so_that_a_plan_must_say_how_many(case: World) -> None:
    """Terms without the days get past the services only by hand, counting included, and no case goes public then."""
    run(
        """INSERT INTO members_planproposal (pool_id, number, terms, covenant_en, covenant_zh, declaration, state,
                                             effective_date, reason, proposed_by, proposed_at)
           SELECT pool_id, 1, terms #- '{calendar,publicity_days}', covenant_en, covenant_zh, declaration, 'open',
                  '2026-02-01', 'x', %s, now() FROM members_planversion""",
        case.admin.code,
    )
    run(
        """INSERT INTO members_planversion (pool_id, number, terms, covenant_en, covenant_zh, declaration,
                                            terms_sha256, effective_date, published_at, published_by, proposal_id)
           SELECT pool_id, 2, terms, covenant_en, covenant_zh, declaration, 'x', effective_date, now(), %s, id
             FROM members_planproposal""",
        case.controller.code,
    )
    set_clock(clock.start_of_day(dt.date(2026, 2, 7), case.pool.time_zone))
    _insert(
        case,
        plan_version_id=value("SELECT id FROM members_planversion WHERE number = 2"),
        opening_date="2026-02-01",
        next_opening_date="2026-03-01",
        publicity_date="2026-02-07",
        publicity_end_date="2026-02-10",
        charge_date="2026-02-14",
    )
    run("UPDATE members_pool SET headcount_recorded_at = clock_timestamp()")
    run("SELECT take_headcount(id, 1000) FROM ledger_period")
    period = Period.objects.get(state="frozen")
    with refused("publicity_lasts_its_days"):
        _set(period, state="announced")


def test_announcement_moves_the_dates_and_nobody_else_does(own_owner: psycopg.Connection) -> None:
    """Not even the owner brings dates or an instant along: in that step, before it or after it."""
    world = World.founded()
    period = _frozen(world, services.open_period(pool=world.pool, at=clock.now()))
    forged = (
        "publicity_end_date = publicity_end_date + 1",
        "charge_date = charge_date + 1",
        "announced_at = now()",
    )
    for step in ("frozen", "announced"):
        for change in forged:
            with about((step, change)), refused_to_owner(own_owner, "period_keeps_its_identity"):
                own_owner.execute(f"UPDATE ledger_period SET state = '{step}', {change}")
    period = services.announce_period(period=period, at=clock.now())
    assert period.announced_at == clock.now()
    for change in forged:
        with about(change), refused_to_owner(own_owner, "period_keeps_its_identity"):
            own_owner.execute(f"UPDATE ledger_period SET {change}")


def test_period_figures_follow_their_sources(case: World) -> None:
    """One fen or one case more or less, anywhere in the bill, is not stored: the database reckons itself."""
    _book_interest(case, 70)
    period = case.computed_period()
    for column, change in [(figure, change) for figure in FIGURES for change in (1, -1)]:
        # The carry is what remains of all others, which a plain constraint says.
        name = "period_identity_holds" if column == "carry_out_fen" else "period_figures_follow_their_sources"
        with about((column, change)), refused(name):
            _set(period, **{column: getattr(period, column) + change})


def test_period_figures_follow_their_sources_and_none_is_missing(case: World) -> None:
    period = case.computed_period()
    for column in (*FIGURES, "classes"):
        is_rest = column == "carry_out_fen"
        name = "computed_period_has_figures" if is_rest else "period_figures_follow_their_sources"
        with about(column), refused(name):
            _set(period, **{column: None})


def test_period_figures_follow_their_sources_class_by_class(case: World) -> None:
    period = case.computed_period()
    for classes in (
        '[{"class_no": 0, "weight": 1, "members": 7, "share_fen": 1542857}]',
        '[{"class_no": 0, "weight": 2, "members": 7, "share_fen": 1542858}]',
        '[{"class_no": 0, "weight": 1, "members": 8, "share_fen": 1542858}]',
        '[{"class_no": 1, "weight": 1, "members": 7, "share_fen": 1542858}]',
        "[]",
    ):
        with about(classes), refused("period_figures_follow_their_sources"):
            _set(period, classes=classes)


def test_period_figures_follow_their_sources_on_the_way_to_computed(case: World) -> None:
    """A consistent bill that charges a friend's pool less: every sum is right, the aid is not that of the awards."""
    period = case.settled_period()
    with refused("period_figures_follow_their_sources"):
        _set(
            period,
            **dict.fromkeys(FIGURES, 0),
            classes='[{"class_no": 0, "weight": 1, "members": 7, "share_fen": 0}]',
            prepared_by=case.admin.code,
            prepared_at=clock.now(),
            state="computed",
        )


def test_period_figures_follow_their_sources_when_they_are_approved(case: World) -> None:
    period = case.computed_period()
    case.pool.awards.update(state="withdrawn")
    with refused("period_figures_follow_their_sources"):
        _approve(case, period)


def _approve(world: World, period: Period, **changes: Any) -> None:
    """Approve by hand."""
    approval = {
        "state": "approved",
        "approved_by": world.controller.code,
        "approved_at": clock.now(),
        "approved_sha256": period.shown_sha256,
    }
    _set(period, **(approval | changes))


def test_period_people_hold_their_duty(case: World) -> None:
    period = case.settled_period()
    for person in (case.controller, case.treasurer, case.auditor, case.stranger):
        with refused("period_people_hold_their_duty"):
            services.compute_shares(period=period, preparer=person.code, at=clock.now())
    with refused("period_people_hold_their_duty"):
        services.compute_shares(period=period, preparer="P-NOBODY", at=clock.now())
    period = services.compute_shares(period=period, preparer=case.admin.code, at=clock.now())
    for person in (case.admin, case.treasurer, case.auditor, case.stranger):
        with refused("period_people_hold_their_duty"):
            _approve(case, period, approved_by=person.code)


def test_period_people_hold_their_duty_in_this_pool_and_still(case: World) -> None:
    other = World.founded(code="other-pool", members=0)
    period = case.computed_period()
    with refused("period_people_hold_their_duty"):
        _approve(case, period, approved_by=other.controller.code)
    lay_down_all(case.controller)
    with refused("period_people_hold_their_duty"):
        _approve(case, period)


def test_period_approver_is_not_preparer_in_the_service(case: World) -> None:
    period = case.computed_period()
    sha256 = period.shown_sha256 or ""
    with pytest.raises(SamePersonError):
        services.approve_period(period=period, approver=case.admin.code, shown_sha256=sha256, at=clock.now())


def test_approval_is_of_what_was_shown(case: World) -> None:
    period = case.computed_period()
    for sha256 in ("0" * 64, "", hashlib.sha256(b"other figures").hexdigest()):
        with refused("approval_is_of_what_was_shown"):
            _approve(case, period, approved_sha256=sha256)
        with pytest.raises(FiguresChangedError):
            services.approve_period(
                period=period, approver=case.controller.code, shown_sha256=sha256, at=clock.now()
            )


def test_period_figures_follow_their_sources_up_to_the_announcement(case: World) -> None:
    """What is booked between the announcement and the look, or the look and the click, waits for the next period."""
    _book_interest(case, 70)
    announced = case.announced_period()
    _book_interest(case, 7_00)
    shown = case.computed_period(announced)
    assert (shown.carry_in_fen, shown.other_income_fen) == (70, 70)
    later = {"books_upto_no": shown.books_upto_no + 1, "carry_in_fen": 7_70, "other_income_fen": 7_70}
    with refused("period_figures_follow_their_sources"):
        _set(shown, **later, need_fen=shown.need_fen - 7_00, carry_out_fen=shown.carry_out_fen + 7_00)
    _book_interest(case, 700_00)
    again = services.compute_shares(period=shown, preparer=case.admin.code, at=clock.now())
    assert again.shown_sha256 == shown.shown_sha256
    services.approve_period(
        period=again, approver=case.controller.code, shown_sha256=shown.shown_sha256 or "", at=clock.now()
    )
    run_jobs()
    set_clock(clock.start_of_day(shown.next_opening_date, case.pool.time_zone))
    following = case.announced_period()
    bill = compute_bill(following)
    assert (bill.carry_in_fen, bill.other_income_fen) == (707_00 + shown.carry_out_fen, 707_00)


def test_period_figures_follow_their_sources_and_the_provisional_share_is_the_final_one(case: World) -> None:
    announced = case.announced_period()
    provisional = logged(announced)["provisional"]
    _book_interest(case, 70)
    services.openbooks.post_logged_entry(
        book=services.book_of(case.pool),
        key="bank_charge/1",
        kind="bank_charge",
        lines=[services.debit("120", 9_00), services.credit("101", 9_00)],
        entry_date=dt.date(2026, 1, 10),
        at=clock.now(),
        description="Bank charge",
        source="test",
        maker="service",
    )
    period = case.computed_period(announced)
    assert provisional == [[row["class_no"], row["share_fen"]] for row in period.classes]


def logged(period: Period) -> dict[str, Any]:
    """Return what the log says of the announcement of a period."""
    entry = LogEntry.objects.get(log__code=period.pool.code, type="period.announce", key=str(period.number))
    body: dict[str, Any] = json.loads(bytes(entry.data))["body"]
    assert body["books_upto"] == period.announced_books_no
    return body


def _book_interest(world: World, fen: int) -> None:
    services.openbooks.post_logged_entry(
        book=services.book_of(world.pool),
        key=f"interest/{fen}",
        kind="interest",
        lines=[services.debit("101", fen), services.credit("240", fen)],
        entry_date=dt.date(2026, 1, 10),
        at=clock.now(),
        description="Interest",
        source="test",
        maker="service",
    )


def test_shown_hash_is_of_the_figures_and_nobody_else_writes_it(case: World) -> None:
    period = case.computed_period()
    text = shown_text(period)
    assert period.shown_sha256 == hashlib.sha256(text.encode()).hexdigest()
    # pool, number, plan version, the two dates, then the figures of the worked example V02
    assert text.split("|")[1] == "1"
    assert text.split("|")[3:17] == [
        "2026-01-07",
        "2026-01-14",
        "7",
        "1",
        "10000000",
        "800000",
        "0",
        "0",
        "0",
        "0",
        "0",
        "0",
        "6",
        "10800000",
    ]
    with not_permitted():
        run("UPDATE ledger_period SET shown_sha256 = %s", "0" * 64)


@pytest.mark.parametrize("style", ["German", "SQL, DMY", "Postgres, MDY"])
def test_shown_hash_is_of_the_figures_however_the_session_writes_dates(case: World, style: str) -> None:
    period = case.computed_period()
    run(f"SET LOCAL DateStyle = '{style}'")
    run("UPDATE ledger_period SET classes = classes WHERE id = %s", period.pk)
    stored = value("SELECT shown_sha256 FROM ledger_period WHERE id = %s", period.pk)
    run("SET LOCAL DateStyle = 'ISO'")
    assert stored == period.shown_sha256


FORGED = {
    "approved_at": None,
    "classes": "[]",
    "prepared_by": None,
    "approved_by": None,
    "approved_sha256": None,
    **dict.fromkeys(FIGURES, 77),
}


def test_approved_figures_are_fixed(case: World) -> None:
    period = case.approved_period()
    for column, forged in FORGED.items():
        with about(column), refused("approved_figures_are_fixed"):
            _set(period, **{column: forged})


def test_posted_period_is_permanent(case: World) -> None:
    case.posted_period()
    set_clock(clock.now() + dt.timedelta(days=1))
    for change in ("posted_at = now()", "computations = 9", "entry_id = NULL", "prepared_at = now()"):
        with about(change), refused("posted_period_is_permanent"):
            run(f"UPDATE ledger_period SET {change}")


def test_periods_are_posted_in_order(case: World) -> None:
    first = case.computed_period()
    case.award(500, "C-2")
    second = _settled_next(case, first)
    with pytest.raises(WrongStateError):
        services.compute_shares(period=second, preparer=case.admin.code, at=clock.now())
    with refused("periods_are_posted_in_order"):
        _set(
            second,
            **dict.fromkeys(FIGURES, 0) | {"aid_fen": 500, "awarded_fen": 500, "cases": 1, "fee_fen": 40},
            classes="[]",
            prepared_by=case.admin.code,
            prepared_at=clock.now(),
            state="computed",
        )


def _settled_next(world: World, last: Period) -> Period:
    set_clock(clock.start_of_day(last.next_opening_date, world.pool.time_zone))
    return world.settled_period()


def test_posted_period_has_its_entry_with_its_own_amounts(case: World) -> None:
    """An entry in the period's name that books other amounts, or by other people, is not the period's entry."""
    period = case.approved_period()
    lines = services.period_lines(period)
    forged = {
        "other amounts": ("period/1", [*_pair("110", "240", 5), *_pair("501", "401", 5)], {}),
        "other key": ("period/2", lines, {}),
        "other maker": ("period/1", lines, {"maker": "P-X"}),
        "no checker": ("period/1", lines, {"checker": ""}),
    }
    run("UPDATE ledger_period SET state = 'posting' WHERE id = %s", period.pk)
    services.call("open_charge_shelf", period.pk)
    services.call("write_charge_shard", period.manifest.get().pk)
    services.call("close_charge_shelf", period.pk)
    for key, entry_lines, people in forged.values():
        with refused("posted_period_has_its_entry"):
            entry = _book_period(case, period, key, entry_lines, **people)
            _set(period, state="posted", posted_at=clock.now(), entry_id=entry)
    with refused("posted_period_has_its_entry"):
        _set(period, state="posted", posted_at=clock.now())
    entry = _book_period(case, period, "period/1", lines)
    with refused("only_a_posted_period_has_its_entry"):
        _set(period, entry_id=entry)
    _set(period, state="posted", posted_at=clock.now(), entry_id=entry)


def _pair(debited: str, credited: str, fen: int) -> list[services.Line]:
    return [services.debit(debited, fen), services.credit(credited, fen)]


def _book_period(world: World, period: Period, key: str, lines: list[services.Line], **people: str) -> int:
    people = {"maker": period.prepared_by or "", "checker": period.approved_by or "", **people}
    return services.openbooks.post_logged_entry(
        book=services.book_of(world.pool),
        key=key,
        kind="period",
        lines=lines,
        entry_date=dt.date(2026, 1, 14),
        at=clock.now(),
        description="by hand",
        source="by hand",
        **people,
    ).pk


# Behind the guards stand plain constraints. To reach them the guards are taken away, as only the owner can.
BEHIND = {
    "period_identity_holds": "carry_out_fen = carry_out_fen + 1",
    "period_figures_not_negative": "fee_fen = -1, aid_fen = aid_fen + fee_fen + 1",
    "computed_period_has_figures": "cases = NULL",
    "period_approver_is_not_preparer": "approved_by = prepared_by",
    "approval_is_of_what_was_shown": "approved_sha256 = '0'",
    "posting_needs_an_approval": "state = 'approved'",
    "posted_charges_equal_assessed": "state = 'posted', approved_by = 'P-X', approved_at = now(),"
    " approved_sha256 = shown_sha256, posted_at = now()",
    "only_a_posting_is_paused": "posting_paused_at = now(), posting_paused_by = 'P-X'",
    "only_a_posted_period_has_its_entry": "entry_id = (SELECT min(id) FROM ledger_journalentry)",
    "frozen_period_has_a_headcount": "headcount = NULL",
    "announced_period_says_when": "announced_at = NULL",
    "period_dates_in_order": "charge_date = publicity_date",
}


def test_plain_constraint_stands_behind_the_guards_of_a_period(own_owner: psycopg.Connection) -> None:
    world = World.founded()
    world.award(10_000_000)
    world.computed_period()
    own_owner.execute("ALTER TABLE ledger_period DISABLE TRIGGER USER")
    for name, change in BEHIND.items():
        with about(name), refused_to_owner(own_owner, name):
            own_owner.execute(f"UPDATE ledger_period SET {change}")


def test_plain_constraint_leaves_no_figure_out(own_owner: psycopg.Connection) -> None:
    """A comparison with a missing figure is unknown, and a CHECK takes unknown for true."""
    world = World.founded()
    world.award(10_000_000)
    world.computed_period()
    own_owner.execute("ALTER TABLE ledger_period DISABLE TRIGGER USER")
    for figure in FIGURES:
        with about(figure), refused_to_owner(own_owner, "computed_period_has_figures"):
            own_owner.execute(f"UPDATE ledger_period SET {figure} = NULL")


@pytest.mark.parametrize(
    ("name", "number", "opening"),
    [("one_period_per_number", 1, "2026-02-01"), ("periods_do_not_overlap", 2, "2026-01-31")],
)
def test_plain_constraint_stands_behind_the_order_of_periods(
    own_owner: psycopg.Connection, name: str, number: int, opening: str
) -> None:
    world = World.founded()
    services.open_period(pool=world.pool, at=clock.now())
    own_owner.execute("ALTER TABLE ledger_period DISABLE TRIGGER USER")
    with refused_to_owner(own_owner, name):
        own_owner.execute(
            """INSERT INTO ledger_period (pool_id, number, state, plan_version_id, opening_date,
                   next_opening_date, publicity_date, publicity_end_date, charge_date, computations)
               SELECT pool_id, %s, state, plan_version_id, %s, '2026-03-01', '2026-02-07', '2026-02-10',
                      '2026-02-14', 0 FROM ledger_period""",
            [number, opening],
        )
