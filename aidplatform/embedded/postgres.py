"""The embedded PostgreSQL: made once, run in the foreground as a direct child, waited for."""

import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg

from aidplatform.embedded.accounts import acting_as, environment_for
from aidplatform.embedded.errors import EmbeddedError
from aidplatform.embedded.layout import Layout, log_tail, write_private
from aidplatform.embedded.processes import PRIVATE, Answer, dies_with, spawn, start_patiently, wait_until
from aidplatform.embedded.resolve import PostgresServer
from aidplatform.embedded.roles import APP, DATABASE, OWNER, SIGNER
from aidplatform.embedded.secret_files import secret

ADMIN = "aid_admin"
PORT = 5432
STARTING_UP = "57P03"

STOP_STEPS = ((signal.SIGINT, 30.0), (signal.SIGQUIT, 10.0))

_SETTINGS: dict[str, str] = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "port": str(PORT),
    "max_connections": "60",
    "shared_buffers": "256MB",
    "work_mem": "32MB",
    "maintenance_work_mem": "256MB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "fsync": "on",
    "password_encryption": "scram-sha-256",
    "log_min_duration_statement": "2s",
    # Statements in error and the rows they touched would carry people's data into a log file.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_parameter_max_length": "0",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
#: For tests that don't pull the plug: nothing is promised to survive, and many may come at once.
_FAST: dict[str, str] = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "max_connections": "200",
}


@dataclass(frozen=True)
class Postgres:
    """One embedded server and its cluster."""

    server: PostgresServer
    layout: Layout
    environ: Mapping[str, str]
    fast: bool = False

    def address(self, role: str, database: str) -> str:
        """Return the URL by which the role reaches the database; it holds the role's password."""
        return (
            f"postgresql://{role}:{secret(self.layout, role)}@/{database}"
            f"?host={quote(str(self.layout.run), safe='/')}&port={PORT}"
        )

    @property
    def admin_url(self) -> str:
        """The superuser's address; for making roles and scratch databases only."""
        return self.address(ADMIN, "postgres")

    @property
    def owner_url(self) -> str:
        """The address of the role that owns the tables."""
        return self.address(OWNER, DATABASE)

    @property
    def app_url(self) -> str:
        """The address of the role that web, worker and beat use."""
        return self.address(APP, DATABASE)

    @property
    def signer_url(self) -> str:
        """The address of the role that signs the logs."""
        return self.address(SIGNER, DATABASE)

    def command(self) -> list[str]:
        """Return the command line of the server."""
        settings = _SETTINGS | {"unix_socket_directories": f'"{self.layout.run}"'}
        if self.fast:
            settings |= _FAST
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [str(self.server.bin_dir / "postgres"), "-D", str(self.layout.postgres_data), *options]

    def initialize(self) -> bool:
        """Make the cluster unless there is one, and return whether it was made now.

        It is made beside its place and renamed last, so that one broken off halfway is thrown away, not used.
        """
        if (self.layout.postgres_data / "PG_VERSION").exists():
            return False
        for left in self.layout.root.glob("postgres.half-*"):
            self._remove(left)
        # A name of its own, because an earlier initdb may not have noticed yet that it lost its starter.
        half = self.layout.root / f"postgres.half-{secrets.token_hex(4)}"
        password_file = self.layout.run / f"initdb-{secrets.token_hex(4)}"
        write_private(password_file, secret(self.layout, ADMIN) + "\n", self.layout.account)
        try:
            done = subprocess.run(
                self._initdb(half, password_file),
                cwd="/",
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
                start_new_session=True,
                umask=PRIVATE,
                preexec_fn=dies_with(os.getpid(), signal.SIGKILL),
                **self.layout.account.identity(),
            )
        finally:
            with acting_as(self.layout.account):
                password_file.unlink()
        if done.returncode != 0:
            raise EmbeddedError(f"PostgreSQL could not make its database:\n{done.stdout}{done.stderr}")
        with acting_as(self.layout.account):
            half.rename(self.layout.postgres_data)
        return True

    def start(self, pause: Callable[[float], None] = time.sleep) -> subprocess.Popen[bytes]:
        """Start the server and wait until it answers; `pause` may raise to give up.

        Raises:
            EmbeddedError: it doesn't start, or another server holds the cluster.
        """
        child = start_patiently(self.spawn, self._ask, stop_steps=STOP_STEPS, pause=pause)
        if child is None:
            tail = log_tail(self.layout, "postgres")
            raise EmbeddedError(f"PostgreSQL doesn't start. The end of its log:\n{tail}")
        return child

    def spawn(self) -> subprocess.Popen[bytes]:
        """Start the server without waiting, after making sure that the cluster is free."""
        clear_cluster(self.layout)
        return spawn(
            self.layout,
            "postgres",
            self.command(),
            environment=self._environment(),
            account=self.layout.account,
            death_signal=signal.SIGINT,
        )

    def _ask(self) -> Answer:
        try:
            psycopg.connect(self.admin_url, connect_timeout=5).close()
        except psycopg.OperationalError as error:
            return Answer.RECOVERING if error.sqlstate == STARTING_UP else Answer.SILENT
        return Answer.READY

    def _initdb(self, folder: Path, password_file: Path) -> list[str]:
        builtin = self.server.major >= 17
        locale = (
            ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
            if builtin
            else ["--locale=C.UTF-8"]
        )
        return [
            str(self.server.bin_dir / "initdb"),
            *("-D", str(folder), "-U", ADMIN, "--pwfile", str(password_file)),
            *("-A", "scram-sha-256", "-E", "UTF8", *locale, "--data-checksums"),
            *(["--no-sync"] if self.fast else []),
        ]

    def _environment(self) -> dict[str, str]:
        kept = environment_for(self.layout.account, self.environ, self.layout.run)
        # The server needs no secrets of ours; its messages, read by our own code, stay in English.
        return {name: value for name, value in kept.items() if not name.startswith("AID_")} | {"LC_ALL": "C"}

    def _remove(self, folder: Path) -> None:
        with acting_as(self.layout.account):
            shutil.rmtree(folder, ignore_errors=True)


def clear_cluster(layout: Layout) -> None:
    """Make sure that no server holds the cluster.

    What an earlier start recorded has been ended before. A server we did not record was started by hand, so
    it is refused rather than adopted: a server that is not our child could not be watched, restarted or
    stopped in order. Orphans, backends whose server was killed, are ended, because a long statement would
    keep one, and with it the shared memory, for minutes.

    Raises:
        EmbeddedError: a server runs there that is not ours.
    """
    leader = _recorded_leader(layout.postgres_data)
    holders = _processes_in(layout.postgres_data)
    if leader in holders:
        raise EmbeddedError(
            f"A PostgreSQL that was not started by this program (process {leader}) uses "
            f"{layout.postgres_data}. Stop it first:  kill -INT {leader}"
        )
    if holders:
        _end_orphans(layout, holders)
    if leader is not None and sys.platform == "linux" and Path(f"/proc/{leader}").exists():
        # After a reboot the number may belong to any process, for which PostgreSQL would wait in vain.
        with acting_as(layout.account):
            (layout.postgres_data / "postmaster.pid").unlink(missing_ok=True)


def _recorded_leader(data: Path) -> int | None:
    try:
        return int((data / "postmaster.pid").read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return None


def _processes_in(data: Path) -> list[int]:
    """Return the living processes whose working folder is the cluster: PostgreSQL's, each of them.

    Empty where the system has no /proc; PostgreSQL's own lock file must then do.
    """
    found = []
    real = data.resolve()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if (entry / "cwd").readlink() == real:
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def _end_orphans(layout: Layout, orphans: list[int]) -> None:
    wait_until(lambda: not _processes_in(layout.postgres_data), 0.5)
    for number, seconds in ((signal.SIGQUIT, 2.0), (signal.SIGKILL, 2.0)):
        for pid in _processes_in(layout.postgres_data):
            if pid in orphans:
                try:
                    os.kill(pid, number)
                except ProcessLookupError:
                    continue
        if wait_until(lambda: not _processes_in(layout.postgres_data), seconds):
            return
