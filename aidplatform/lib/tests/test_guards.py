"""Guards as an insider meets them: no setting, shadow or right of aid_app takes one away."""

from collections.abc import Iterator

import psycopg
import pytest
from django.db import transaction
from psycopg import errors, sql

from aidplatform.lib.guards import Guard, follows_order, refuse
from aidplatform.testing.ledgers import balances
from aidplatform.testing.refusals import not_permitted, refused, run, value
from aidplatform.testing.world import World
from ledger.books.models import Book
from ledger.books.services import open_book
from ledger.books.tests.insider import post_raw
from ledger.openbooks.services import open_log
from members.pools.models import Pool

AWARD = (("120", "D", 500), ("201", "C", 500))


@pytest.fixture
def book(db: None) -> Book:
    open_log(code="guarded")
    return open_book(code="guarded", currency="CNY")


def test_setting_pgtrigger_ignore_switches_nothing_off(book: Book) -> None:
    """The switch that django-pgtrigger builds into its own triggers, for whoever knows its name."""
    uris = "{ledger_posting:*,ledger_period:*,*:*,public.ledger_posting:*}"
    run("SELECT set_config('pgtrigger.ignore', %s, true)", uris)
    assert value("SELECT current_setting('pgtrigger.ignore')") == uris
    with refused("journal_entry_balances"):
        post_raw(book, "odd", ("120", "D", 500), ("201", "C", 499))


def test_no_function_of_the_database_looks_at_pgtrigger_ignore(db: None) -> None:
    assert run("SELECT proname FROM pg_proc WHERE prosrc LIKE '%%pgtrigger.ignore%%'") == []


@pytest.mark.parametrize(
    "statement",
    [
        "SET session_replication_role = 'replica'",
        "SET ROLE aid_owner",
        "SET SESSION AUTHORIZATION aid_owner",
        "ALTER ROLE aid_app SUPERUSER",
        "GRANT aid_owner TO aid_app",
        "ALTER TABLE ledger_posting DISABLE TRIGGER USER",
        "ALTER TABLE ledger_posting OWNER TO aid_app",
        "ALTER TABLE ledger_posting DROP CONSTRAINT posting_amount_above_zero",
        "ALTER FUNCTION take_headcount(bigint, bigint) RESET ALL",
        "CREATE RULE r AS ON INSERT TO ledger_posting DO INSTEAD NOTHING",
        "CREATE TRIGGER t BEFORE INSERT ON ledger_posting FOR EACH ROW"
        " EXECUTE FUNCTION suppress_redundant_updates_trigger()",
        "COPY ledger_posting TO PROGRAM 'cat'",
        "CREATE EXTENSION dblink",
        "LOCK TABLE ledger_posting IN ACCESS EXCLUSIVE MODE",
        "SELECT setval('ledger_posting_id_seq', 1)",
    ],
)
def test_application_may_not_take_guards_away(db: None, statement: str) -> None:
    with not_permitted():
        run(statement)


def test_setting_all_constraints_immediate_lets_nothing_through(book: Book) -> None:
    with refused("every_entry_is_logged"):
        run("SET CONSTRAINTS ALL IMMEDIATE")
        post_raw(book, "whole", *AWARD)
    with refused("journal_entry_is_permanent"):
        entry = post_raw(book, "whole", *AWARD)
        run("SET CONSTRAINTS ALL IMMEDIATE")
        run(
            """INSERT INTO ledger_posting (entry_id, account_id, side, amount_fen)
               SELECT %s, id, CASE code WHEN '101' THEN 'D' ELSE 'C' END, 9 FROM ledger_account
                WHERE book_id = %s AND code IN ('101', '250')""",
            entry,
            book.pk,
        )


def test_search_path_of_the_session_fools_no_guard(book: Book) -> None:
    run("SET LOCAL search_path = pg_temp, pg_catalog")
    with refused("account_never_negative"):
        run(
            """WITH entry AS (INSERT INTO public.ledger_journalentry (book_id, number, key, kind, entry_date, at,
                                  description, source, maker, checker)
                              VALUES (%s, 0, 'x', 'x', '2026-01-01', now(), 'x', 'x', 'x', '') RETURNING id)
               INSERT INTO public.ledger_posting (entry_id, account_id, side, amount_fen)
               SELECT e.id, a.id, CASE a.code WHEN '120' THEN 'C' ELSE 'D' END, 5
                 FROM entry e, public.ledger_account a WHERE a.book_id = %s AND a.code IN ('120', '101')""",
            book.pk,
            book.pk,
        )


SHADOWED = (
    "ledger_account",
    "ledger_accountbalance",
    "ledger_award",
    "ledger_book",
    "ledger_charge",
    "ledger_journalentry",
    "ledger_log",
    "ledger_logentry",
    "ledger_manifestline",
    "ledger_period",
    "ledger_posting",
    "members_dutygrant",
    "members_membership",
    "members_planversion",
    "members_pool",
    "members_span",
    "members_user",
    "work_installation",
)


@pytest.fixture
def may_make_temp_tables(committed_db: tuple[str, str]) -> Iterator[None]:
    """Give aid_app a right it never has, so that temporary tables can be tried at all."""
    with psycopg.connect(committed_db[0], autocommit=True) as owner:
        name = owner.info.dbname
        owner.execute(sql.SQL("GRANT TEMP ON DATABASE {} TO aid_app").format(sql.Identifier(name)))
        yield


def _shadow() -> None:
    """Put an empty temporary table, of no constraints, before every table that guards read."""
    for table in SHADOWED:
        run(f"CREATE TEMP TABLE {table} (LIKE public.{table})")
    for function in ("aid_now() RETURNS timestamptz", "div(numeric, numeric) RETURNS numeric"):
        run(f"CREATE FUNCTION pg_temp.{function} LANGUAGE sql AS 'SELECT NULL::{function.split()[-1]}'")


def test_shadowing_tables_fools_no_guard(may_make_temp_tables: None) -> None:
    open_log(code="guarded")
    book = open_book(code="guarded", currency="CNY")
    pool = Pool.objects.create(code="guarded", name_en="x", name_zh="x")
    _shadow()
    assert value("SELECT count(*) FROM ledger_account") == 0
    run("SET search_path = public, pg_temp")
    with refused("journal_entry_balances"):
        post_raw(book, "odd", ("120", "D", 500), ("201", "C", 499))
    with refused("account_never_negative"):
        post_raw(book, "below", ("120", "C", 500), ("201", "D", 500))
    with refused("duty_needs_two_people"):
        run(
            """INSERT INTO members_dutygrant (pool_id, person_id, duty, is_founding, granted_at)
               VALUES (%s, 1, 'controller', false, now())""",
            pool.pk,
        )
    with transaction.atomic():
        post_raw(book, "true", *AWARD)
    assert balances(book) == {"120": 500, "201": -500}


@pytest.mark.parametrize("large", [False, True], ids=["one table", "a table per period"])
def test_shadowing_tables_fools_no_function(may_make_temp_tables: None, large: bool) -> None:
    """Charges go to the true table, also where a temporary one of the same name was there before it."""
    world = World.founded(large=large)
    world.award(10_000_000)
    period = world.approved_period()
    names = [f"ledger_charge_{world.pool.pk}", f"ledger_charge_{world.pool.pk}_1"]
    for name in names:
        run(f"CREATE TEMP TABLE {name} (LIKE public.ledger_charge)")
    _shadow()
    run("UPDATE public.ledger_period SET state = 'posting'")
    for function, argument in (
        ("open_charge_shelf", period.pk),
        ("write_charge_shard", value("SELECT id FROM public.ledger_manifestline")),
        ("close_charge_shelf", period.pk),
    ):
        run(f"SELECT * FROM public.{function}(%s)", argument)
    assert value("SELECT sum(share_fen) FROM public.ledger_charge") == 10_800_006
    assert [value(f"SELECT count(*) FROM pg_temp.{name}") for name in names] == [0, 0]


def test_guard_functions_cannot_be_called_or_used_by_others(may_make_temp_tables: None) -> None:
    run("CREATE TEMP TABLE mine (id int)")
    guard = value("SELECT proname FROM pg_proc WHERE proname LIKE 'pgtrigger_journal_entry_balances%%'")
    with not_permitted():
        run(f"CREATE TRIGGER t BEFORE INSERT ON mine FOR EACH ROW EXECUTE FUNCTION public.{guard}()")


def test_refuse_writes_a_statement_that_names_the_guarantee(db: None) -> None:
    statement = refuse("some_guarantee", "it's %s", "5")
    with refused("some_guarantee"):
        run(f"DO $do$ BEGIN {statement} END $do$")


def test_refuse_gives_the_code_of_a_check_violation(committed_db: tuple[str, str]) -> None:
    with psycopg.connect(committed_db[1]) as connection, pytest.raises(errors.CheckViolation, match="it's 5"):
        connection.execute(sql.SQL("DO $do$ BEGIN {} END $do$").format(sql.SQL(refuse("x", "it's %s", "5"))))


def test_guard_compiles_without_a_look_at_any_session_setting() -> None:
    guard = follows_order("x_follows_order", "state", {"draft": ("open",), "open": ()}, first="draft")
    compiled = str(guard.compile(Pool).install_sql)
    assert isinstance(guard, Guard)
    assert "SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp" in compiled
    assert "REVOKE ALL ON FUNCTION" in compiled
    assert "pgtrigger.ignore" not in compiled
