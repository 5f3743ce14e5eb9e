"""Is the database there, of the right kind and version, migrated, and are its rights those of the list?"""

import os
from collections.abc import Iterator

import psycopg
from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.utils import OperationalError

from aidplatform.site.doctor.fault import Fault, rows
from aidplatform.tables import APP_FUNCTIONS, TABLES

OLDEST_MAJOR = 15
APP, OWNER = "aid_app", "aid_owner"
PREPARE = (
    "Run prepare as the owner: AID_DATABASE_ROLE=owner python manage.py prepare (make run does it itself)."
)


def answers() -> Iterator[Fault]:
    """Connect with the settings' address."""
    try:
        connection.ensure_connection()
    except OperationalError as error:
        yield Fault(
            f"PostgreSQL does not answer: {_first_line(error)}",
            "Start it (make run starts the embedded one), or correct AID_DATABASE_URL.",
        )
        return
    major = int(rows("SELECT current_setting('server_version_num')::int / 10000")[0][0])
    if major < OLDEST_MAJOR:
        yield Fault(
            f"PostgreSQL is version {major}; {OLDEST_MAJOR} is the oldest supported.",
            "Upgrade the server.",
        )
    user = rows("SELECT current_user")[0][0]
    wanted = OWNER if os.environ.get("AID_DATABASE_ROLE") == "owner" else APP
    if user != wanted:
        yield Fault(
            f"AID_DATABASE_URL signs in as {user}, not as {wanted}.",
            "Web, worker and beat must not own the tables they write. Run create_roles and use its role.",
        )


def owner_answers() -> Iterator[Fault]:
    """Connect as the owner of the tables, if its address is in the environment."""
    url = os.environ.get("AID_DATABASE_OWNER_URL")
    if not url:
        return
    try:
        with psycopg.connect(url, connect_timeout=5) as owner:
            row = owner.execute("SELECT current_user").fetchone()
    except psycopg.Error as error:
        yield Fault(
            f"PostgreSQL does not answer as the owner: {_first_line(error)}",
            "Correct AID_DATABASE_OWNER_URL; create_roles puts the role's password right.",
        )
        return
    if row is None or row[0] != OWNER:
        yield Fault(
            f"AID_DATABASE_OWNER_URL signs in as {row and row[0]}, not as {OWNER}.",
            f"Migrations must run as {OWNER}, or what they make belongs to somebody else.",
        )


def same_kind() -> Iterator[Fault]:
    """Compare AID_DEMO with what the database was prepared as."""
    found = rows("SELECT demo FROM work_installation")
    if not found:
        yield Fault("The database has not been prepared.", PREPARE)
    elif found[0][0] != settings.DEMO:
        is_demo = found[0][0]
        yield Fault(
            f"The database is a {'demonstration' if is_demo else 'real one'}, AID_DEMO is {int(settings.DEMO)}.",
            f"Start with AID_DEMO={int(is_demo)}, or on another database: one never becomes the other.",
        )


def migrated() -> Iterator[Fault]:
    """Compare the migrations on disk with those applied."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    for migration, _backwards in plan:
        yield Fault(f"The migration {migration} is not applied.", PREPARE)
    known = set(executor.loader.disk_migrations)
    apps = {app for app, _name in known}
    for app, name in sorted(set(executor.loader.applied_migrations) - known):
        if app in apps:
            yield Fault(
                f"The database has a migration that this version does not know: {app}.{name}.",
                "This program is older than the database. Install the version that made it.",
            )


def roles() -> Iterator[Fault]:
    """Look at what aid_app may do to the server."""
    yield from role_faults(APP)
    is_member = rows(
        "SELECT 1 FROM pg_roles r WHERE r.rolname = %s AND pg_has_role(r.oid, %s, 'MEMBER')", [APP, OWNER]
    )
    if is_member:
        yield Fault(
            f"{APP} is a member of {OWNER}: it could switch every guard off.",
            f"As the server's administrator: REVOKE {OWNER} FROM {APP};",
        )


def role_faults(role: str) -> Iterator[Fault]:
    """Look for attributes of a role that the platform never needs."""
    found = rows(
        """SELECT rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls FROM pg_roles
            WHERE rolname = %s""",
        [role],
    )
    if not found:
        yield Fault(f"There is no role {role}.", "Run create_roles.")
        return
    names = ("SUPERUSER", "CREATEROLE", "CREATEDB", "REPLICATION", "BYPASSRLS")
    for name, has_it in zip(names, found[0], strict=True):
        if has_it:
            yield Fault(f"{role} has {name}.", f"Run create_roles, or: ALTER ROLE {role} NO{name};")


def grants() -> Iterator[Fault]:
    """Compare the rights in the catalogue with the written list, in both directions."""
    wanted, held = _wanted_rights(), _held_rights()
    for thing in sorted(wanted.keys() | held.keys()):
        missing = wanted.get(thing, set()) - held.get(thing, set())
        extra = held.get(thing, set()) - wanted.get(thing, set())
        if missing:
            yield Fault(f"{APP} lacks {', '.join(sorted(missing))} on {thing}.", PREPARE)
        if extra:
            yield Fault(
                f"{APP} has {', '.join(sorted(extra))} on {thing}, which the list does not give it.",
                f"Ask who granted it, then as the owner: {_take_back(thing, sorted(extra))}",
            )


def _take_back(thing: str, rights: list[str]) -> str:
    """Return the statement that takes rights back; what everybody has, aid_app has."""
    kind, _, name = thing.partition(" ")
    if kind == "column":
        name, _, column = name.partition(".")
        return f"REVOKE {', '.join(f'{right} ({column})' for right in rights)} ON {name} FROM {APP}, PUBLIC;"
    return f"REVOKE {', '.join(rights)} ON {kind.upper()} {name} FROM {APP}, PUBLIC;"


def _wanted_rights() -> dict[str, set[str]]:
    """Return the list's rights by table, column and function."""
    wanted: dict[str, set[str]] = {"schema public": {"USAGE"}}
    for table, kind in TABLES.items():
        rights = {"SELECT"} | ({"INSERT"} if kind.insert else set())
        rights |= ({"UPDATE"} if kind.update else set()) | ({"DELETE"} if kind.delete else set())
        wanted[f"table {table}"] = rights
        for column in kind.columns:
            wanted[f"column {table}.{column}"] = {"UPDATE"}
    functions = rows(
        "SELECT oid::regprocedure::text FROM unnest(%s::regprocedure[]) oid", [list(APP_FUNCTIONS)]
    )
    return wanted | {f"function {name}": {"EXECUTE"} for (name,) in functions}


def _held_rights() -> dict[str, set[str]]:
    """Return what aid_app and everybody (PUBLIC) have been granted on our schema."""
    held: dict[str, set[str]] = {}
    for thing, right in rows(_HELD, {"role": APP}):
        held.setdefault(thing, set()).add(right)
    return held


# Rights of members of a trusted extension are the extension's business.
_HELD = """
    WITH us AS (SELECT oid FROM pg_roles WHERE rolname = %(role)s UNION SELECT 0),
         schema AS (SELECT 'public'::regnamespace AS oid)
    SELECT 'schema public', a.privilege_type FROM pg_namespace n, aclexplode(n.nspacl) a, schema
     WHERE n.oid = schema.oid AND a.grantee IN (SELECT oid FROM us)
     UNION
    SELECT 'table ' || c.relname, a.privilege_type FROM pg_class c, aclexplode(c.relacl) a, schema
     WHERE c.relnamespace = schema.oid AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND a.grantee IN (SELECT oid FROM us)
     UNION
    SELECT format('column %%s.%%s', c.relname, t.attname), a.privilege_type
      FROM pg_class c JOIN pg_attribute t ON t.attrelid = c.oid, aclexplode(t.attacl) a, schema
     WHERE c.relnamespace = schema.oid AND a.grantee IN (SELECT oid FROM us)
     UNION
    SELECT 'function ' || f.oid::regprocedure, a.privilege_type
      FROM pg_proc f, aclexplode(coalesce(f.proacl, acldefault('f', f.proowner))) a, schema
     WHERE f.pronamespace = schema.oid AND a.grantee IN (SELECT oid FROM us)
       AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = f.oid AND d.deptype = 'e')"""


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
