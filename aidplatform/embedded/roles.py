"""Create the three database roles and the database: the only place that knows how.

Used by the supervisor, by `manage.py create_roles` and by the tests. Roles belong to the whole server, so no
migration makes them.
"""

from typing import LiteralString

import psycopg
from psycopg import sql

OWNER = "aid_owner"
APP = "aid_app"
SIGNER = "aid_signer"
DATABASE = "aidplatform"
#: Held while roles are made, so that two callers at once don't both try to create one ("aidroles").
_LOCK = 0x616964726F6C6573
_DANGEROUS: LiteralString = (
    "SELECT rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls, NOT rolcanlogin "
    "FROM pg_roles WHERE rolname = %s"
)
_HARMLESS: LiteralString = (
    "ALTER ROLE {role} NOSUPERUSER NOCREATEROLE NOCREATEDB NOREPLICATION NOBYPASSRLS LOGIN"
)


def create_roles(
    admin_conninfo: str,
    *,
    owner_password: str,
    app_password: str,
    database: str,
    signer_password: str | None = None,
) -> None:
    """Make `aid_owner`, `aid_app`, `aid_signer` and the database, or put right what differs; safe to run again.

    Afterwards aid_owner owns the database, and with it may create in its schema `public`; the others may only
    connect: each table grants them what they need. None has any right over the server. Passwords travel as
    SCRAM verifiers, so that none can reach the server's log. Without a password of its own the signer's role
    is there, so that rights can be granted, and nobody can sign in as it.
    """
    with psycopg.connect(admin_conninfo, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        _ensure_role(connection, OWNER, owner_password)
        _ensure_role(connection, APP, app_password)
        _ensure_role(connection, SIGNER, signer_password)
        ensure_database(connection, database)


def ensure_database(connection: psycopg.Connection, database: str, template: str | None = None) -> None:
    """Create the database unless it exists, from the template if one is named, and set who may connect."""
    exists = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone()
    names = {
        "database": sql.Identifier(database),
        "owner": sql.Identifier(OWNER),
        "app": sql.Identifier(APP),
        "signer": sql.Identifier(SIGNER),
    }
    if not exists:
        source = _copied_from(connection, template) if template else sql.SQL("")
        create = sql.SQL("CREATE DATABASE {database} OWNER {owner} {source}")
        connection.execute(create.format(source=source, **names))
    connection.execute(sql.SQL("ALTER DATABASE {database} OWNER TO {owner}").format(**names))
    connection.execute(sql.SQL("REVOKE ALL ON DATABASE {database} FROM PUBLIC").format(**names))
    connection.execute(sql.SQL("GRANT CONNECT ON DATABASE {database} TO {app}, {signer}").format(**names))


def _copied_from(connection: psycopg.Connection, template: str) -> sql.Composable:
    """Copy files where the server can be told to: by its log, block after block, it takes three times as long."""
    strategy = sql.SQL(" STRATEGY file_copy" if connection.info.server_version >= 15_00_00 else "")
    return sql.SQL("TEMPLATE {}{}").format(sql.Identifier(template), strategy)


def _ensure_role(connection: psycopg.Connection, role: str, password: str | None) -> None:
    name = {"role": sql.Identifier(role)}
    if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone():
        connection.execute(sql.SQL("CREATE ROLE {role} LOGIN").format(**name))
    # Only on a difference: a managed server lets nobody but its own superuser even mention SUPERUSER.
    if any(connection.execute(_DANGEROUS, [role]).fetchone() or ()):
        connection.execute(sql.SQL(_HARMLESS).format(**name))
    if password is None:
        return
    verifier = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256")
    connection.execute(
        sql.SQL("ALTER ROLE {role} PASSWORD {verifier}").format(
            verifier=sql.Literal(verifier.decode()), **name
        )
    )
    if role == OWNER:
        _let_admin_give_to(connection, role)


def _let_admin_give_to(connection: psycopg.Connection, role: str) -> None:
    """Let an administrator who is no superuser give databases to the owner: that takes membership."""
    row = connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
    if row and not row[0]:
        connection.execute(sql.SQL("GRANT {role} TO CURRENT_USER").format(role=sql.Identifier(role)))
