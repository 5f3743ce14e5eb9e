"""Run PostgreSQL and the broker alone, for tests and benchmarks, and make scratch databases."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from aidplatform.embedded import postgres, valkey
from aidplatform.embedded.accounts import Account, service_account
from aidplatform.embedded.errors import EmbeddedError
from aidplatform.embedded.layout import Layout, locked, prepare_layout, rotate_logs
from aidplatform.embedded.postgres import Postgres
from aidplatform.embedded.processes import forget_children, stop, stop_leftovers
from aidplatform.embedded.resolve import (
    ExternalBroker,
    ExternalPostgres,
    resolve_broker,
    resolve_postgres,
)
from aidplatform.embedded.roles import APP, DATABASE, OWNER, SIGNER, create_roles, ensure_database
from aidplatform.embedded.secret_files import secret
from aidplatform.embedded.valkey import Valkey


@dataclass(frozen=True)
class Services:
    """Addresses of running services. Plain text and numbers, so it can be handed to other processes."""

    admin_conninfo: str
    owner_url: str
    app_url: str
    redis_url: str
    pids: dict[str, int]
    signer_url: str = ""

    def create_database(self, name: str, template: str | None = None) -> tuple[str, str]:
        """Create a database of aid_owner, copied from the template if one is named.

        Returns the addresses for aid_owner and aid_app. One of that name is dropped first, so that a test run
        broken off earlier leaves nothing behind.
        """
        with psycopg.connect(self._admin(), autocommit=True) as connection:
            _drop(connection, name)
            if template:
                _disconnect(connection, template)
            ensure_database(connection, name, template)
        return in_database(self.owner_url, name), in_database(self.app_url, name)

    def drop_database(self, name: str) -> None:
        """Drop a database, ending its connections."""
        with psycopg.connect(self._admin(), autocommit=True) as connection:
            _drop(connection, name)

    @contextmanager
    def database(self, name: str, template: str | None = None) -> Iterator[tuple[str, str]]:
        """Create a database as `create_database` does, and drop it afterwards."""
        addresses = self.create_database(name, template)
        try:
            yield addresses
        finally:
            self.drop_database(name)

    def _admin(self) -> str:
        if not self.admin_conninfo:
            raise EmbeddedError("AID_DATABASE_ADMIN_URL is not set; scratch databases need an administrator.")
        return self.admin_conninfo


@contextmanager
def running_services(
    state_dir: Path | None = None, *, fast: bool = False, environ: Mapping[str, str] | None = None
) -> Iterator[Services]:
    """Start PostgreSQL and the broker, or use those the environment names, and stop them afterwards.

    Without `state_dir` everything lives in a folder made for this call and removed after it. With `fast`,
    nothing written is promised to survive a crash. Call it from the main thread: the services end with the
    thread that started them.

    Raises:
        EmbeddedError: what stands in the way, and what to do.
    """
    variables = os.environ if environ is None else environ
    account = service_account()
    with ExitStack() as stack:
        place = state_dir if state_dir is not None else stack.enter_context(_scratch_folder(account))
        layout = prepare_layout(place, account)
        stack.enter_context(locked(layout))
        stop_leftovers(layout)
        stack.callback(forget_children, layout)
        rotate_logs(layout)
        pids: dict[str, int] = {}
        redis_url = _broker(stack, layout, variables, pids)
        admin, owner, app, signer = _database(stack, layout, variables, pids, fast=fast)
        yield Services(admin, owner, app, redis_url, pids, signer)


def in_database(url: str, name: str) -> str:
    """Return the same address with another database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def _broker(stack: ExitStack, layout: Layout, environ: Mapping[str, str], pids: dict[str, int]) -> str:
    found = resolve_broker(environ, layout)
    if isinstance(found, ExternalBroker):
        return found.url
    broker = Valkey(found, layout, environ)
    child = broker.start()
    stack.callback(stop, child, valkey.STOP_STEPS)
    pids["valkey"] = child.pid
    return broker.url


def _database(
    stack: ExitStack, layout: Layout, environ: Mapping[str, str], pids: dict[str, int], *, fast: bool
) -> tuple[str, str, str, str]:
    found = resolve_postgres(environ, layout)
    if isinstance(found, ExternalPostgres):
        return found.admin_url or "", found.owner_url, found.app_url, found.signer_url
    server = Postgres(found, layout, environ, fast)
    server.initialize()
    child: subprocess.Popen[bytes] = server.start()
    stack.callback(stop, child, postgres.STOP_STEPS)
    pids["postgres"] = child.pid
    create_roles(
        server.admin_url,
        owner_password=secret(layout, OWNER),
        app_password=secret(layout, APP),
        signer_password=secret(layout, SIGNER),
        database=DATABASE,
    )
    return server.admin_url, server.owner_url, server.app_url, server.signer_url


@contextmanager
def _scratch_folder(account: Account) -> Iterator[Path]:
    """Make a folder that the account can reach and remove it afterwards; TMPDIR may be closed to it."""
    folder = Path(tempfile.mkdtemp(prefix="aid-", dir="/tmp" if account.dropped else None))  # noqa: S108
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _drop(connection: psycopg.Connection, name: str) -> None:
    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _disconnect(connection: psycopg.Connection, name: str) -> None:
    """End the template's connections: a database in use can't be copied."""
    connection.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
        "WHERE datname = %s AND pid <> pg_backend_pid()",
        [name],
    )
