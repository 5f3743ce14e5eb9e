"""Charges come from an approved period alone: what an insider and even the owner may not do to them."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from aidplatform.lib import clock
from aidplatform.testing.ledgers import assert_books_true
from aidplatform.testing.refusals import not_permitted, refused, refused_to_owner, run, value
from aidplatform.testing.world import World, run_jobs, set_clock
from aidplatform.work.models import Job
from ledger.sharing import services
from ledger.sharing.models import Charge, Period
from ledger.sharing.services import SnapshotChangedError

LAYOUTS = pytest.mark.parametrize("large", [False, True], ids=["one table", "a table per period"])


@pytest.fixture
def unguarded(committed_db: tuple[str, str]) -> Iterator[psycopg.Connection]:
    """Give the test its own database and a connection as aid_owner there."""
    with psycopg.connect(committed_db[0], autocommit=True) as owner:
        yield owner


def _founded(large: bool, members: int = 7) -> World:
    world = World.founded(code="shelf-pool", members=members, large=large)
    world.award(10_000_000)
    return world


def _posting(world: World) -> Period:
    """Run until the shelf is open and no charge is written."""
    period = world.approved_period()
    job = Job.objects.get(kind=services.START)
    lease = services.jobs.claim(job.pk)
    assert lease is not None
    services.start_posting(lease)
    services.jobs._finish(lease, None)
    period.refresh_from_db()
    assert period.state == "posting"
    return period


def _tables(world: World) -> list[str]:
    """Return every table of charges of this pool, the common parent first."""
    found = run(
        "SELECT relname FROM pg_class WHERE relname ~ %s AND relkind IN ('r', 'p') ORDER BY 1",
        rf"^ledger_charge(_{world.pool.pk}(_\d+)?)?$",
    )
    return [row[0] for row in found]


@LAYOUTS
def test_charges_are_written_for_every_member_once(db: None, large: bool) -> None:
    world = _founded(large)
    period = world.posted_period()
    charges = Charge.objects.filter(pool_id=world.pool.pk)
    assert sorted(charges.values_list("membership_id", flat=True)) == sorted(
        world.pool.memberships.values_list("pk", flat=True)
    )
    assert set(charges.values_list("share_fen", "period_no")) == {(1_542_858, 1)}
    assert (period.charged_members, period.charged_fen) == (7, 10_800_006)
    expected = ["ledger_charge", f"ledger_charge_{world.pool.pk}"]
    assert _tables(world) == expected + [f"{expected[1]}_1"] * large
    assert_books_true(world.pool)


@LAYOUTS
def test_charges_give_the_application_no_right_to_write(db: None, large: bool) -> None:
    world = _founded(large)
    _posting(world)
    for table in _tables(world):
        for statement in (
            f"INSERT INTO {table} VALUES (1, 1, {world.pool.pk}, 1)",
            f"UPDATE {table} SET share_fen = 0",
            f"DELETE FROM {table}",
            f"TRUNCATE {table}",
            f"DROP TABLE {table}",
            f"ALTER TABLE {table} DISABLE TRIGGER ALL",
            f"CREATE INDEX ON {table} (share_fen)",
        ):
            with not_permitted():
                run(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE public.mine (x int)",
        "CREATE TABLE mine PARTITION OF ledger_charge FOR VALUES IN (77)",
        "CREATE TEMP TABLE mine (x int)",
        "CREATE SCHEMA mine",
        "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE VIEW mine AS SELECT 1",
        "SELECT keep_charges_of('ledger_charge')",
    ],
)
def test_application_creates_nothing(db: None, statement: str) -> None:
    with not_permitted():
        run(statement)


@LAYOUTS
def test_charge_is_permanent_for_the_owner_too(unguarded: psycopg.Connection, large: bool) -> None:
    world = _founded(large)
    world.posted_period()
    for table in _tables(world):
        for statement in ("UPDATE {} SET share_fen = 0", "DELETE FROM {}", "TRUNCATE {}"):
            with refused_to_owner(unguarded, "charge_is_permanent"):
                unguarded.execute(sql.SQL(statement).format(sql.Identifier(table)))
    assert value("SELECT sum(share_fen) FROM ledger_charge WHERE pool_id = %s", world.pool.pk) == 10_800_006


@LAYOUTS
def test_charges_only_while_posting(db: None, large: bool) -> None:
    world = _founded(large)
    period = services.open_period(pool=world.pool, at=clock.now())
    _no_shelf(period)
    set_clock(clock.start_of_day(period.publicity_date, world.pool.time_zone))
    services.freeze_headcount(period=period, at=clock.now())
    _no_shelf(period)
    services.announce_period(period=period, at=clock.now())
    set_clock(clock.start_of_day(period.publicity_end_date, world.pool.time_zone))
    services.settle_period(period=period, at=clock.now())
    _no_shelf(period)
    computed = services.compute_shares(period=period, preparer=world.admin.code, at=clock.now())
    _no_shelf(period)
    sha256 = computed.shown_sha256 or ""
    services.approve_period(
        period=period, approver=world.controller.code, shown_sha256=sha256, at=clock.now()
    )
    _no_shelf(period)
    run_jobs()
    _no_shelf(period)
    assert Charge.objects.filter(pool_id=world.pool.pk).count() == 7


def _no_shelf(period: Period) -> None:
    """Ask each function for this period, as an insider would."""
    asked = [("open_charge_shelf", period.pk), ("close_charge_shelf", period.pk)]
    lines = period.manifest.filter(written_at=None).values_list("pk", flat=True)
    for function, argument in [*asked, *(("write_charge_shard", pk) for pk in lines)]:
        with refused("charges_only_while_posting"):
            run(f"SELECT * FROM {function}(%s)", argument)


def test_shard_that_is_written_is_not_written_again(world: World) -> None:
    world.award(10_000_000)
    line = _posting(world).manifest.get()
    assert value("SELECT write_charge_shard(%s)", line.pk) == 7
    assert value("SELECT write_charge_shard(%s)", line.pk) == 0
    assert not Charge.objects.filter(pool_id=world.pool.pk).exists(), "nobody's before it is closed"
    assert run("SELECT * FROM close_charge_shelf(%s)", line.period_id) == [(7, 10_800_006)]
    assert Charge.objects.filter(pool_id=world.pool.pk).count() == 7


def test_one_charge_per_membership_and_period_in_one_table(unguarded: psycopg.Connection) -> None:
    world = _founded(large=False)
    period = _posting(world)
    unguarded.execute(
        "INSERT INTO ledger_charge SELECT min(id), 5, %s, 1 FROM members_membership", [world.pool.pk]
    )
    run("SELECT write_charge_shard(%s)", period.manifest.get().pk)
    with refused("one_charge_per_membership_and_period"):
        run("SELECT * FROM close_charge_shelf(%s)", period.pk)


def test_shard_matches_manifest_where_somebody_else_is_charged_already(unguarded: psycopg.Connection) -> None:
    world = _founded(large=False)
    period = _posting(world)
    unguarded.execute(
        "INSERT INTO ledger_charge SELECT max(id) + 1, 5, %s, 1 FROM members_membership", [world.pool.pk]
    )
    run("SELECT write_charge_shard(%s)", period.manifest.get().pk)
    with refused("shard_matches_manifest"):
        run("SELECT * FROM close_charge_shelf(%s)", period.pk)


def test_one_charge_per_membership_and_period_is_proven_when_a_table_is_closed(
    unguarded: psycopg.Connection,
) -> None:
    """One member charged twice and another not at all: count and sum agree, the key does not."""
    world = _founded(large=True)
    period = _posting(world)
    run("SELECT write_charge_shard(%s)", period.manifest.get().pk)
    table = _tables(world)[-1]
    unguarded.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
    unguarded.execute(f"UPDATE {table} SET membership_id = (SELECT min(membership_id) FROM {table})")
    with refused("one_charge_per_membership_and_period"):
        run("SELECT * FROM close_charge_shelf(%s)", period.pk)


def _tamper(owner: psycopg.Connection, table: str, statement: str) -> None:
    """Do as aid_owner what every guard forbids."""
    owner.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
    owner.execute(statement)
    owner.execute(f"ALTER TABLE {table} ENABLE TRIGGER ALL")


@LAYOUTS
@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM {0} WHERE membership_id = (SELECT min(membership_id) FROM {0})",
        "UPDATE {0} SET share_fen = share_fen + 1 WHERE membership_id = (SELECT min(membership_id) FROM {0})",
        "INSERT INTO {0} SELECT max(membership_id) + 1, 0, max(pool_id), 1 FROM {0}",
        "INSERT INTO {0} SELECT max(membership_id) + 5000000, 7, max(pool_id), 1 FROM {0}",
    ],
)
def test_shard_matches_manifest_when_the_shelf_closes(
    unguarded: psycopg.Connection, large: bool, statement: str
) -> None:
    world = _founded(large)
    period = _posting(world)
    run("SELECT write_charge_shard(%s)", period.manifest.get().pk)
    table = _tables(world)[-1]
    _tamper(unguarded, table, statement.format(table))
    with refused("shard_matches_manifest"):
        run("SELECT * FROM close_charge_shelf(%s)", period.pk)


SPANS = {
    "ended behind": "UPDATE members_span SET to_at = '2026-01-02', ended_recorded_at = recorded_at"
    " WHERE membership_id = (SELECT min(membership_id) FROM members_span)",
    "added behind": "INSERT INTO members_span SELECT pool_id, max(membership_id) + 1, 0, min(from_at), NULL,"
    " min(recorded_at), NULL FROM members_span GROUP BY 1",
}


@pytest.mark.parametrize("statement", SPANS.values(), ids=SPANS)
def test_shard_matches_manifest_when_spans_were_changed_behind_the_headcount(
    unguarded: psycopg.Connection, statement: str
) -> None:
    world = _founded(large=False)
    period = _posting(world)
    _tamper(unguarded, "members_span", statement)
    with refused("shard_matches_manifest"):
        run("SELECT write_charge_shard(%s)", period.manifest.get().pk)
    assert not Charge.objects.filter(pool_id=world.pool.pk).exists()


@pytest.mark.parametrize(
    "statement",
    [
        *SPANS.values(),
        "UPDATE members_span SET class_no = 1 WHERE membership_id = (SELECT min(membership_id) FROM members_span)",
    ],
    ids=[*SPANS, "class changed"],
)
def test_compute_recounts_the_frozen_members(unguarded: psycopg.Connection, statement: str) -> None:
    world = _founded(large=False)
    period = world.settled_period()
    _tamper(unguarded, "members_span", statement)
    with pytest.raises(SnapshotChangedError):
        services.compute_shares(period=period, preparer=world.admin.code, at=clock.now())
    period.refresh_from_db()
    assert period.state == "settled"


@LAYOUTS
def test_posted_charges_equal_assessed_even_if_the_close_is_left_out(db: None, large: bool) -> None:
    """Without the closing function nobody has counted, and a large pool has no key."""
    world = _founded(large)
    period = _posting(world)
    with refused("posted_charges_equal_assessed"):
        run("SELECT * FROM close_charge_shelf(%s)", period.pk)
    with refused("posted_charges_equal_assessed"):
        _mark_posted(world, period)
    run("SELECT write_charge_shard(%s)", period.manifest.get().pk)
    with refused("posted_charges_equal_assessed"):
        _mark_posted(world, period)


def _mark_posted(world: World, period: Period) -> None:
    """Book the period properly and call it posted, without having closed its shelf."""
    entry = services.openbooks.post_logged_entry(
        book=services.book_of(world.pool),
        key=f"period/{period.number}",
        kind="period",
        lines=services.period_lines(period),
        entry_date=clock.today(world.pool.time_zone),
        at=clock.now(),
        description="by hand",
        source="by hand",
        maker=period.prepared_by or "",
        checker=period.approved_by or "",
    )
    run(
        "UPDATE ledger_period SET state = 'posted', posted_at = now(), entry_id = %s WHERE id = %s",
        entry.pk,
        period.pk,
    )


@pytest.mark.parametrize("column", ["charged_members", "charged_fen"])
def test_charged_figures_are_written_by_the_shelf_alone(world: World, column: str) -> None:
    with not_permitted():
        run(f"UPDATE ledger_period SET {column} = 1")


MANIFEST = ("period_id", "shard_no", "first_id", "end_id", "members", "counts", "ids_hash", "written_at")


def test_manifest_is_written_by_the_headcount_alone(world: World) -> None:
    world.settled_period()
    for statement in (
        "INSERT INTO ledger_manifestline (period_id, shard_no) VALUES (1, 1)",
        "DELETE FROM ledger_manifestline",
        "TRUNCATE ledger_manifestline",
        *(f"UPDATE ledger_manifestline SET {column} = {column}" for column in MANIFEST),
    ):
        with not_permitted():
            run(statement)


def test_manifest_keeps_its_counts_from_the_owner_too(unguarded: psycopg.Connection) -> None:
    world = _founded(large=False)
    world.settled_period()
    for column in (
        "members = members + 1",
        "counts = '{}'",
        "end_id = end_id + 1",
        "ids_hash = 0",
        "shard_no = 9",
    ):
        with refused_to_owner(unguarded, "manifest_keeps_its_counts"):
            unguarded.execute(f"UPDATE ledger_manifestline SET {column}")
    with refused_to_owner(unguarded, "manifest_is_kept"):
        unguarded.execute("DELETE FROM ledger_manifestline")
    with refused_to_owner(unguarded, "manifest_is_kept"):
        unguarded.execute("TRUNCATE ledger_manifestline")


def test_manifest_keeps_its_sums_once_they_are_approved(world: World) -> None:
    world.award(10_000_000)
    period = world.computed_period()
    run("UPDATE ledger_manifestline SET want_fen = want_fen")
    services.approve_period(
        period=period, approver=world.controller.code, shown_sha256=period.shown_sha256 or "", at=clock.now()
    )
    with refused("manifest_keeps_its_counts"):
        run("UPDATE ledger_manifestline SET want_fen = want_fen - 1")
    run_jobs()
    with refused("manifest_keeps_its_counts"):
        run("UPDATE ledger_manifestline SET want_fen = want_fen")


def test_manifest_has_one_line_per_shard_and_no_empty_range(owner: psycopg.Connection) -> None:
    columns = "(period_id, shard_no, first_id, end_id, members, counts, ids_hash)"
    with refused_to_owner(owner, "shard_range_is_not_empty"):
        owner.execute(f"INSERT INTO ledger_manifestline {columns} VALUES (1, 1, 5, 5, 0, '{{}}', 0)")
    found = owner.execute(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'one_manifest_line_per_shard'"
    ).fetchone()
    assert found == ("UNIQUE (period_id, shard_no)",)


def test_headcount_is_taken_by_the_database_alone(world: World) -> None:
    services.open_period(pool=world.pool, at=clock.now())
    for column in ("as_of", "headcount_recorded_at", "headcount"):
        with not_permitted():
            run(f"UPDATE ledger_period SET {column} = NULL")
    with refused("frozen_period_has_a_headcount"):
        run("UPDATE ledger_period SET state = 'frozen'")


def test_headcount_waits_for_publicity(world: World) -> None:
    period = services.open_period(pool=world.pool, at=clock.now())
    run("UPDATE members_pool SET headcount_recorded_at = now()")
    with refused("headcount_waits_for_publicity"):
        run("SELECT take_headcount(%s, 1000)", period.pk)


def test_headcount_is_of_now_so_that_nobody_who_joined_since_is_left_out(
    committed_db: tuple[str, str],
) -> None:
    world = World.founded()
    period = services.open_period(pool=world.pool, at=clock.now())
    set_clock(clock.start_of_day(period.publicity_date, world.pool.time_zone))
    with refused("headcount_is_of_now"):
        run("SELECT take_headcount(%s, 1000)", period.pk)
    run("UPDATE members_pool SET headcount_recorded_at = now()")
    with refused("headcount_is_of_now"):
        run("SELECT take_headcount(%s, 1000)", period.pk)
    assert services.freeze_headcount(period=period, at=clock.now()).headcount == 7


def test_headcount_is_frozen(world: World) -> None:
    period = world.settled_period()
    run("UPDATE members_pool SET headcount_recorded_at = now()")
    with refused("headcount_is_frozen"):
        run("SELECT take_headcount(%s, 1000)", period.pk)


def test_headcount_is_frozen_for_the_owner_too(unguarded: psycopg.Connection) -> None:
    world = _founded(large=False)
    world.settled_period()
    for change in ("headcount = 8", "as_of = now()", "headcount_recorded_at = now()"):
        with refused_to_owner(unguarded, "headcount_is_frozen"):
            unguarded.execute(f"UPDATE ledger_period SET {change}")


@pytest.mark.parametrize("width", [1, 3, 1000])
def test_headcount_is_the_same_however_it_is_sharded(world: World, width: int, settings: object) -> None:
    settings.SHARD_MEMBERS = width  # type: ignore[attr-defined]
    world.award(10_000_000)
    period = world.posted_period()
    lines = list(period.manifest.order_by("first_id"))
    assert sum(line.members for line in lines) == period.headcount == 7
    assert all(line.end_id - line.first_id == width for line in lines)
    assert sum(line.want_fen or 0 for line in lines) == period.charged_fen == 10_800_006
    assert_books_true(world.pool)
