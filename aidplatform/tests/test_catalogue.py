"""The database as it is against the lists as they are written: rights, tables, functions, guards, migrations."""

import re
from collections import Counter
from typing import Any

import psycopg
import pytest
from django.apps import apps
from django.core.management import call_command
from django.db.models import Model
from pgtrigger import registered

from aidplatform.lib.guards import Guard
from aidplatform.tables import APP_FUNCTIONS, SIGNER_ADDS, SIGNER_READS, TABLES, Kind
from aidplatform.testing.refusals import not_permitted, refused_to_owner, run, value

LEAF = re.compile(r"^ledger_charge_\d+(_\d+)?$")
OWN = "n.nspname = 'public' AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = {}.oid AND d.deptype = 'e')"


def _rows(owner: psycopg.Connection, query: str) -> list[tuple[Any, ...]]:
    return owner.execute(query).fetchall()  # type: ignore[arg-type]


def _tables(owner: psycopg.Connection) -> set[str]:
    """Return every table of the schema, the leaves of the charge table left out."""
    found = _rows(
        owner,
        f"""SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND {OWN.format("c")}""",
    )
    return {name for (name,) in found if not LEAF.match(name)}


def test_every_table_is_in_the_list_and_every_listed_table_exists(owner: psycopg.Connection) -> None:
    assert _tables(owner) == set(TABLES)


def test_every_model_has_its_table_in_the_list() -> None:
    tables = {model._meta.db_table for model in apps.get_models(include_auto_created=True)}
    # Django's migration recorder and its cache are tables without a model.
    assert set(TABLES) - tables == {"django_migrations", "work_cache"}
    assert tables - set(TABLES) == set()


def test_only_the_counts_of_requests_may_be_lost_with_the_database_server(owner: psycopg.Connection) -> None:
    lost = _rows(owner, "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND relpersistence = 'u'")
    assert lost == [("work_cache",)]


def _expected_rights(kind: Kind) -> set[str]:
    asked = {"INSERT": kind.insert, "UPDATE": kind.update, "DELETE": kind.delete}
    return {"SELECT", *(right for right, given in asked.items() if given)}


@pytest.mark.parametrize("table", TABLES)
def test_application_has_exactly_the_listed_rights_on_a_table(owner: psycopg.Connection, table: str) -> None:
    rights = _rows(
        owner,
        f"""SELECT privilege_type FROM information_schema.role_table_grants
             WHERE grantee IN ('aid_app', 'PUBLIC') AND table_schema = 'public' AND table_name = '{table}'""",
    )
    kind = TABLES[table]
    assert {right for (right,) in rights} == _expected_rights(kind)
    columns = _rows(
        owner,
        f"""SELECT a.attname, x.privilege_type FROM pg_attribute a, aclexplode(a.attacl) x
             WHERE a.attrelid = 'public.{table}'::regclass
               AND x.grantee IN (0, (SELECT oid FROM pg_roles WHERE rolname = 'aid_app'))""",
    )
    assert set(columns) == {(column, "UPDATE") for column in kind.columns}


@pytest.mark.parametrize("table", [name for name, kind in TABLES.items() if kind.name == "fact"])
def test_fact_gives_neither_change_nor_removal(table: str) -> None:
    kind = TABLES[table]
    assert (kind.update, kind.delete, kind.columns) == (False, False, ())


def test_fact_is_guarded_against_the_owner_too(owner: psycopg.Connection) -> None:
    """Books and logs are the heads of their facts: rows that guards count up."""
    heads = {"ledger_book", "ledger_log"}
    facts = {name for name, kind in TABLES.items() if kind.name == "fact"} - heads
    guarded = _rows(
        owner,
        """SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger
            WHERE NOT tgisinternal AND tgtype & 2 = 2 AND tgtype & 1 = 0 AND tgtype & 56 > 0""",
    )
    assert facts <= {table for (table,) in guarded}


def test_leaves_of_the_charge_table_give_nothing(db: None) -> None:
    from aidplatform.testing.world import World

    world = World.founded(large=True)
    world.posted_period()
    leaves = run(
        "SELECT relname, relacl FROM pg_class WHERE relname ~ '^ledger_charge_[0-9]' AND relkind IN ('r', 'p')"
    )
    assert len(leaves) == 2
    assert all(acl is None for _name, acl in leaves)


def _signature(name: str, arguments: str) -> str:
    short = {"timestamp with time zone": "timestamptz"}
    for long, brief in short.items():
        arguments = arguments.replace(long, brief)
    return f"{name}({arguments})"


def test_application_may_call_exactly_the_listed_functions(owner: psycopg.Connection) -> None:
    found = _rows(
        owner,
        f"""SELECT p.proname, pg_get_function_identity_arguments(p.oid), oidvectortypes(p.proargtypes)
              FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
             WHERE {OWN.format("p")} AND has_function_privilege('aid_app', p.oid, 'EXECUTE')""",
    )
    assert {_signature(name, types) for name, _arguments, types in found} == set(APP_FUNCTIONS)


def test_nobody_else_may_call_any_function_of_ours(owner: psycopg.Connection) -> None:
    found = _rows(
        owner,
        f"""SELECT p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
             WHERE {OWN.format("p")} AND (p.proacl IS NULL OR EXISTS (
                   SELECT 1 FROM aclexplode(p.proacl) x WHERE x.grantee = 0))""",
    )
    assert found == []


def test_definer_functions_have_a_fixed_search_path_that_ends_with_temporary_tables(
    owner: psycopg.Connection,
) -> None:
    found = _rows(
        owner,
        f"""SELECT p.proname, p.prosecdef, p.proconfig, p.prorettype = 'trigger'::regtype
              FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE {OWN.format("p")}""",
    )
    guards = {name for name, _definer, _config, is_trigger in found if is_trigger}
    assert len(guards) > 40
    for name, definer, config, is_trigger in found:
        if is_trigger or definer:
            paths = [setting for setting in config or [] if setting.startswith("search_path=")]
            assert definer, name
            assert paths, name
            assert paths[0] in {"search_path=pg_catalog, public, pg_temp", "search_path=public, pg_temp"}, (
                name
            )


def test_every_guard_of_the_models_is_installed_enabled_and_current(owner: psycopg.Connection) -> None:
    installed = {
        (table, name): (enabled, comment)
        for table, name, enabled, comment in _rows(
            owner,
            """SELECT t.tgrelid::regclass::text, t.tgname, t.tgenabled::text, obj_description(t.oid, 'pg_trigger')
                 FROM pg_trigger t WHERE NOT t.tgisinternal AND t.tgname LIKE 'pgtrigger_%'""",
        )
    }
    wanted = {}
    for model, trigger in registered():
        assert isinstance(trigger, Guard), f"{model} has a trigger that any role can switch off: {trigger}"
        compiled = trigger.compile(model)
        wanted[model._meta.db_table, trigger.get_pgid(model)] = ("O", compiled.hash)
    assert installed == wanted


def test_no_trigger_stands_outside_the_models_but_the_charges_own(owner: psycopg.Connection) -> None:
    found = _rows(
        owner,
        """SELECT tgrelid::regclass::text, tgname FROM pg_trigger
            WHERE NOT tgisinternal AND tgname NOT LIKE 'pgtrigger_%'""",
    )
    assert found == [("ledger_charge", "charge_is_permanent")]


def test_roles_have_no_right_over_the_server(owner: psycopg.Connection) -> None:
    roles = {
        name: flags
        for name, *flags in _rows(
            owner,
            """SELECT rolname, rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls
                 FROM pg_roles WHERE rolname IN ('aid_app', 'aid_owner', 'aid_signer')""",
        )
    }
    assert roles == {"aid_app": [False] * 5, "aid_owner": [False] * 5, "aid_signer": [False] * 5}
    members = """SELECT count(*) FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.member
                  WHERE r.rolname IN ('aid_app', 'aid_signer')"""
    assert _rows(owner, members) == [(0,)]


def test_application_creates_nothing_anywhere(db: None) -> None:
    assert value("SELECT current_user") == "aid_app"
    assert value("SELECT has_schema_privilege('public', 'CREATE')") is False
    for right in ("CREATE", "TEMP"):
        assert value("SELECT has_database_privilege(current_database(), %s)", right) is False
    assert value("SELECT count(*) FROM pg_class WHERE pg_get_userbyid(relowner) = 'aid_app'") == 0


def test_application_only_draws_numbers_from_sequences(owner: psycopg.Connection) -> None:
    found = _rows(
        owner,
        """SELECT DISTINCT x.privilege_type FROM pg_class c, aclexplode(c.relacl) x
            WHERE c.relkind = 'S' AND x.grantee IN (0, (SELECT oid FROM pg_roles WHERE rolname = 'aid_app'))""",
    )
    assert found == [("USAGE",)]


def test_signer_reads_the_log_and_adds_checkpoints_and_may_nothing_else(owner: psycopg.Connection) -> None:
    of_signer = "grantee = (SELECT oid FROM pg_roles WHERE rolname = 'aid_signer')"
    found = _rows(
        owner,
        f"""SELECT c.relkind::text, c.relname, x.privilege_type FROM pg_class c, aclexplode(c.relacl) x
             WHERE x.{of_signer}
             UNION ALL SELECT 'column', a.attname, x.privilege_type FROM pg_attribute a, aclexplode(a.attacl) x
                        WHERE x.{of_signer}""",
    )
    assert set(found) == {
        *(("r", table, "SELECT") for table in SIGNER_READS),
        *(("r", table, "INSERT") for table in SIGNER_ADDS),
        *(("S", f"{table}_id_seq", "USAGE") for table in SIGNER_ADDS),
    }
    functions = _rows(owner, f"SELECT p.proname FROM pg_proc p, aclexplode(p.proacl) x WHERE x.{of_signer}")
    assert functions == [("aid_now",)]
    assert all(not TABLES[table].insert for table in SIGNER_ADDS)


def constraint_names() -> list[tuple[type[Model], str]]:
    """Return every named constraint of our own models."""
    return [
        (model, constraint.name)
        for model in apps.get_models()
        if model.__module__.split(".")[0] in {"aidplatform", "members", "claims", "ledger"}
        for constraint in model._meta.constraints
    ]


def test_names_of_guarantees_are_unique_across_the_project() -> None:
    names = [name for _model, name in constraint_names()]
    names += [trigger.name for _model, trigger in registered()]
    assert [name for name, count in Counter(names).items() if count > 1] == []


def test_every_constraint_of_the_models_is_in_the_database(owner: psycopg.Connection) -> None:
    found = _rows(owner, "SELECT conname FROM pg_constraint WHERE convalidated")
    found += _rows(
        owner,
        """SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
            WHERE i.indisunique AND i.indisvalid""",
    )
    assert {name for _model, name in constraint_names()} <= {name for (name,) in found}


PERMANENT = sorted(
    {
        (model._meta.db_table, trigger.name.removesuffix("_whole"))
        for model, trigger in registered()
        if trigger.name.endswith("_whole")
    }
)


@pytest.mark.parametrize(("table", "name"), PERMANENT)
def test_permanent_rows_are_refused_to_the_owner(owner: psycopg.Connection, table: str, name: str) -> None:
    """Statement guards speak before a row is looked at: an empty table will do."""
    column = _rows(
        owner, f"SELECT attname FROM pg_attribute WHERE attrelid = '{table}'::regclass AND attnum = 1"
    )
    for statement in (
        f"UPDATE {table} SET {column[0][0]} = DEFAULT",
        f"DELETE FROM {table}",
        f"TRUNCATE {table} CASCADE",
    ):
        with refused_to_owner(owner, name):
            owner.execute(statement)


@pytest.mark.parametrize("table", [table for table, _name in PERMANENT])
def test_permanent_rows_give_the_application_no_right_to_change(db: None, table: str) -> None:
    for statement in (f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE"):
        with not_permitted():
            run(statement)
    assert "UPDATE" not in _expected_rights(TABLES[table])


def test_migrations_are_complete(db: None) -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)
