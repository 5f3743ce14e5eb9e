"""Trap 6: two roles without rights over the server, made in one place, safe to make again."""

import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from aidplatform.embedded.roles import create_roles
from aidplatform.embedded.services import Services, in_database, running_services
from aidplatform.embedded.tests.helpers import CLEAN


@pytest.fixture(scope="module")
def services() -> Iterator[Services]:
    with running_services(fast=True, environ=CLEAN) as running:
        yield running


def test_roles_have_no_right_over_the_server(services: Services) -> None:
    found = _rows(
        services.admin_conninfo,
        "SELECT rolname, rolcanlogin, rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls "
        "FROM pg_roles WHERE rolname LIKE 'aid\\_%' AND rolname <> 'aid_admin' ORDER BY 1",
    )

    nothing = (True, False, False, False, False, False)
    assert found == [("aid_app", *nothing), ("aid_owner", *nothing), ("aid_signer", *nothing)]


def test_owner_may_create_tables_and_the_app_may_not(services: Services) -> None:
    with services.database("roles_scratch") as (owner_url, app_url):
        with psycopg.connect(owner_url) as connection:
            connection.execute("CREATE TABLE entry (id int)")
        with psycopg.connect(app_url) as connection:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute("CREATE TABLE mine (id int)")
            connection.rollback()
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute("SELECT * FROM entry")
            connection.rollback()
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute("CREATE TEMPORARY TABLE mine (id int)")


def test_another_role_cannot_even_connect(services: Services) -> None:
    _rows(services.admin_conninfo, "CREATE ROLE stranger LOGIN PASSWORD 'x'")
    url = services.app_url.replace(services.app_url.split("@")[0], "postgresql://stranger:x")

    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        psycopg.connect(url)


def test_running_again_changes_passwords_and_repairs_what_differs(services: Services) -> None:
    with services.database("roles_again") as (owner_url, app_url):
        _rows(services.admin_conninfo, "ALTER ROLE aid_app CREATEDB")
        _rows(services.admin_conninfo, "ALTER DATABASE roles_again OWNER TO aid_admin")
        old_owner, old_app = _password(owner_url), _password(app_url)

        create_roles(
            services.admin_conninfo, owner_password="new", app_password="newer", database="roles_again"
        )
        try:
            with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
                psycopg.connect(app_url)
            accepted = _rows(app_url.replace(old_app, "newer"), "SELECT current_user")
        finally:
            create_roles(
                services.admin_conninfo,
                owner_password=old_owner,
                app_password=old_app,
                database="roles_again",
            )
        repaired = _rows(
            services.admin_conninfo,
            "SELECT rolcreatedb, datdba::regrole::text FROM pg_roles, pg_database "
            "WHERE rolname = 'aid_app' AND datname = 'roles_again'",
        )

    assert accepted == [("aid_app",)]
    assert repaired == [(False, "aid_owner")]


def test_signer_without_a_password_is_there_and_cannot_sign_in(services: Services) -> None:
    """An installation of before gets the role, so that rights can be granted, and signs once it has an address."""
    with running_services(fast=True, environ=CLEAN) as fresh:
        _rows(fresh.admin_conninfo, "ALTER ROLE aid_signer PASSWORD NULL")
        create_roles(fresh.admin_conninfo, owner_password="o", app_password="a", database="aid")
        url = in_database(fresh.signer_url, "aid")
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(url)
        create_roles(
            fresh.admin_conninfo,
            owner_password="o",
            app_password="a",
            signer_password=_password(url),
            database="aid",
        )
        found = _rows(url, "SELECT current_user, has_schema_privilege('public', 'CREATE')")

    assert found == [("aid_signer", False)]


def test_two_callers_at_once_both_succeed(services: Services) -> None:
    """Two starts of one external server may meet here; the second finds everything made."""
    errors: list[BaseException] = []
    passwords = {"owner_password": _password(services.owner_url), "app_password": _password(services.app_url)}

    def create() -> None:
        try:
            create_roles(services.admin_conninfo, database="roles_race", **passwords)
        except psycopg.Error as error:
            errors.append(error)

    callers = [threading.Thread(target=create) for _ in range(6)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    owners = _rows(
        services.admin_conninfo,
        "SELECT datdba::regrole::text FROM pg_database WHERE datname = 'roles_race'",
    )
    services.drop_database("roles_race")

    assert errors == []
    assert owners == [("aid_owner",)]


def test_administrator_who_is_no_superuser_can_make_them(services: Services) -> None:
    """Managed servers give their customers CREATEROLE and CREATEDB, never SUPERUSER."""
    with running_services(fast=True, environ=CLEAN) as fresh:
        _rows(fresh.admin_conninfo, "DROP DATABASE aidplatform")
        _rows(fresh.admin_conninfo, "DROP ROLE aid_owner, aid_app, aid_signer")
        _rows(fresh.admin_conninfo, "CREATE ROLE customer LOGIN CREATEROLE CREATEDB PASSWORD 'c'")
        customer = fresh.admin_conninfo.replace(fresh.admin_conninfo.split("@")[0], "postgresql://customer:c")

        create_roles(customer, owner_password="o", app_password="a", database="aid")
        create_roles(customer, owner_password="o", app_password="a", database="aid")
        owner = in_database(fresh.owner_url.replace(_password(fresh.owner_url), "o"), "aid")
        found = _rows(owner, "SELECT current_user, has_schema_privilege('public', 'CREATE')")

    assert found == [("aid_owner", True)]


def test_scratch_database_is_a_copy_even_of_a_template_in_use(services: Services) -> None:
    owner_url, _ = services.create_database("template_in_use")
    with psycopg.connect(owner_url, autocommit=True) as holder:
        holder.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        copy_owner, copy_app = services.create_database("copy_of_it", template="template_in_use")
        copied = _rows(copy_owner, "SELECT answer FROM kept")
        connected = _rows(copy_app, "SELECT current_database(), current_user")
    for name in ("copy_of_it", "template_in_use"):
        services.drop_database(name)
    left = _rows(services.admin_conninfo, "SELECT count(*) FROM pg_database WHERE datname LIKE '%\\_it'")

    assert copied == [(42,)]
    assert connected == [("copy_of_it", "aid_app")]
    assert left == [(0,)]


def test_state_of_the_services_is_kept_between_two_runs(place: Path) -> None:
    with running_services(place / "state", environ=CLEAN) as first:
        _rows(first.owner_url, "CREATE TABLE kept AS SELECT 7 AS seven")
    with running_services(place / "state", environ=CLEAN) as second:
        kept = _rows(second.owner_url, "SELECT seven FROM kept")

    assert kept == [(7,)]
    assert first.owner_url == second.owner_url


def _password(url: str) -> str:
    return url.split("@")[0].rpartition(":")[2]


def _rows(url: str, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement)  # type: ignore[call-overload]
        return cursor.fetchall() if cursor.description else []
