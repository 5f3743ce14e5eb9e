"""Start the whole platform in order, and stop it in order.

Starting: PostgreSQL and the broker, roles, the one process that migrates, then beat, worker and web.
Stopping: web, worker, beat, broker, PostgreSQL, so that nothing loses what it stands on.
"""

import compileall
import http.client
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import psycopg

from aidplatform.embedded import commands, postgres, valkey
from aidplatform.embedded.accounts import Account, service_account
from aidplatform.embedded.configuration import (
    CHECKOUT,
    Configuration,
    read_configuration,
    require_free_port,
    state_directory,
)
from aidplatform.embedded.environment import (
    Addresses,
    ChildEnvironment,
    can_run_the_platform,
    starting_account,
)
from aidplatform.embedded.errors import EmbeddedError
from aidplatform.embedded.fingerprint import fingerprint, record, recorded
from aidplatform.embedded.layout import (
    Layout,
    locked,
    log_tail,
    prepare_layout,
    require_own_entries,
    rotate_logs,
)
from aidplatform.embedded.postgres import Postgres
from aidplatform.embedded.processes import Steps, spawn, stop_leftovers
from aidplatform.embedded.resolve import (
    ExternalBroker,
    ExternalPostgres,
    PostgresServer,
    resolve_broker,
    resolve_postgres,
)
from aidplatform.embedded.roles import APP, DATABASE, OWNER, SIGNER, create_roles
from aidplatform.embedded.secret_files import secret
from aidplatform.embedded.supervisor import TICK_SECONDS, Start, Stopped, Supervisor
from aidplatform.embedded.valkey import Valkey

READY_SECONDS = 60.0


class StartAll(Protocol):
    """Starts what a supervisor is to look after, knowing whether the run before ended in a crash."""

    def __call__(self, supervisor: Supervisor, *, crashed: bool) -> None: ...


WEB_STEPS: Steps = ((signal.SIGTERM, 12.0), (signal.SIGINT, 3.0))
#: SIGTERM lets the worker finish its jobs; SIGQUIT gives them up, and their leases pass to the next start.
WORKER_STEPS: Steps = ((signal.SIGTERM, 30.0), (signal.SIGQUIT, 15.0))
BEAT_STEPS: Steps = ((signal.SIGTERM, 5.0),)
SIGNER_STEPS: Steps = ((signal.SIGTERM, 10.0),)


@dataclass(frozen=True)
class Platform:
    """What one run consists of: the services, and how the platform's processes are started on them."""

    layout: Layout
    configuration: Configuration
    environment: ChildEnvironment

    def child(self, name: str, command: Sequence[str], death_signal: signal.Signals) -> Start:
        """Return how to start one of web, worker and beat."""
        return self._start(name, command, self.environment.for_app(), death_signal)

    def signer(self) -> Start:
        """Return how to start the signer, the only process that has the key of the logs."""
        return self._start("signer", commands.signer(), self.environment.for_signer(), signal.SIGKILL)

    def prepare(self) -> Start:
        """Return how to start the process that migrates."""
        return self._start("prepare", commands.prepare(), self.environment.for_owner(), signal.SIGKILL)

    def first_start(self) -> Start:
        """Return how to start the process that fills an empty installation; what it prints is for people."""
        environment = self.environment.for_app()
        return self._start("first_start", commands.first_start(), environment, signal.SIGKILL, show=True)

    def demo_history(self) -> Start:
        """Return how to start the process that plays the demonstration's history behind the open page."""
        environment = self.environment.for_app()
        return self._start("demo_history", commands.demo_history(), environment, signal.SIGKILL, show=True)

    def _start(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        death_signal: signal.Signals,
        *,
        show: bool = False,
    ) -> Start:
        return partial(
            spawn,
            self.layout,
            name,
            [sys.executable, *command],
            environment=environment,
            account=self.environment.account,
            death_signal=death_signal,
            cwd=CHECKOUT,
            show_output=show,
        )


def run(environ: Mapping[str, str], say: Callable[[str], None]) -> None:
    """Run the platform until somebody asks to stop.

    Raises:
        EmbeddedError: what stands in the way, and what to do.
    """
    configuration = read_configuration(environ)

    def start(supervisor: Supervisor, *, crashed: bool) -> None:
        _require_port(configuration, patient=crashed)
        _start_all(supervisor, configuration, environ)

    _supervise(environ, say, start)


def run_services(environ: Mapping[str, str], say: Callable[[str], None]) -> None:
    """Run PostgreSQL and the broker only, until somebody asks to stop.

    Raises:
        EmbeddedError: what stands in the way, and what to do.
    """

    def start(supervisor: Supervisor, *, crashed: bool) -> None:
        start_services(supervisor, environ)
        say("PostgreSQL and the broker run; `python -m aidplatform.embedded manage` uses them")

    _supervise(environ, say, start)


def _supervise(environ: Mapping[str, str], say: Callable[[str], None], start: StartAll) -> None:
    """Take the state directory, start, look after what was started, and stop it in order."""
    account = service_account()
    layout = prepare_layout(state_directory(environ, account), account)
    with locked(layout):
        crashed = stop_leftovers(layout)
        rotate_logs(layout)
        supervisor = Supervisor(layout, say)
        supervisor.listen()
        try:
            start(supervisor, crashed=crashed)
            while True:
                supervisor.attend(3600)
        except Stopped:
            say("stopping")
        finally:
            supervisor.stop_all()
    say("stopped")


def _start_all(supervisor: Supervisor, configuration: Configuration, environ: Mapping[str, str]) -> None:
    layout, say = supervisor.layout, supervisor.say
    addresses = start_services(supervisor, environ)
    account = _platform_account(layout, say)
    environment = ChildEnvironment(layout, account, configuration, addresses, environ)
    platform = Platform(layout, configuration, environment)
    _prepare(supervisor, platform)
    if addresses.signer_url:
        supervisor.add("signer", platform.signer(), SIGNER_STEPS)
    else:
        say("warning: AID_DATABASE_SIGNER_URL is not set: nobody signs the logs")
    # Jobs killed with us are taken over at the next start, so the worker needs no farewell.
    supervisor.add(
        "beat",
        platform.child("beat", commands.beat(layout.run / "beat-schedule"), signal.SIGTERM),
        BEAT_STEPS,
    )
    supervisor.add("worker", platform.child("worker", commands.worker(), signal.SIGKILL), WORKER_STEPS)
    web = commands.web(configuration.host, configuration.port)
    supervisor.add("web", platform.child("web", web, signal.SIGINT), WEB_STEPS)
    supervisor.run_command("first_start", platform.first_start())
    _wait_for_web(supervisor, configuration)
    say(f"ready; the state is in {layout.root}; stop with Ctrl-C")
    with suppress(OSError):
        print(configuration.url, flush=True)
    try:
        supervisor.run_command("demo_history", platform.demo_history())
    except EmbeddedError as error:
        say(f"warning: {error}")


def _prepare(supervisor: Supervisor, platform: Platform) -> None:
    """Migrate, grant and gather files, unless all is as the last preparation left it."""

    def now() -> str:
        return fingerprint(platform.layout, platform.configuration, platform.environment.addresses.owner_url)

    if recorded(platform.layout) == now():
        return
    supervisor.run_command("prepare", platform.prepare())
    record(platform.layout, now())


def start_services(supervisor: Supervisor, environ: Mapping[str, str]) -> Addresses:
    """Start what no address was given for, create the roles there, and return where everything is."""
    layout = supervisor.layout
    found_database = resolve_postgres(environ, layout)
    found_broker = resolve_broker(environ, layout)
    owner_url, app_url, signer_url = _start_database(supervisor, found_database, environ)
    if isinstance(found_broker, ExternalBroker):
        return Addresses(app_url, owner_url, found_broker.url, signer_url)
    broker = Valkey(found_broker, layout, environ)
    supervisor.add("valkey", broker.spawn, valkey.STOP_STEPS, partial(broker.start, supervisor.attend))
    return Addresses(app_url, owner_url, broker.url, signer_url)


def _start_database(
    supervisor: Supervisor, found: ExternalPostgres | PostgresServer, environ: Mapping[str, str]
) -> tuple[str, str, str]:
    if isinstance(found, ExternalPostgres):
        _require_answer("AID_DATABASE_OWNER_URL", found.owner_url)
        _require_answer("AID_DATABASE_URL", found.app_url)
        return found.owner_url, found.app_url, found.signer_url
    layout = supervisor.layout
    server = Postgres(found, layout, environ)
    if server.initialize():
        supervisor.say(
            f"made a new database with PostgreSQL {found.major}; the first start takes a little longer"
        )
    supervisor.add("postgres", server.spawn, postgres.STOP_STEPS, partial(server.start, supervisor.attend))
    create_roles(
        server.admin_url,
        owner_password=secret(layout, OWNER),
        app_password=secret(layout, APP),
        signer_password=secret(layout, SIGNER),
        database=DATABASE,
    )
    return server.owner_url, server.app_url, server.signer_url


def _require_answer(variable: str, url: str) -> None:
    try:
        psycopg.connect(url, connect_timeout=10).close()
    except psycopg.Error as error:
        raise EmbeddedError(
            f"{variable} leads to no usable database: {str(error).strip()}\n"
            "On a new server an administrator first runs:  AID_DATABASE_ADMIN_URL=... manage.py create_roles"
        ) from None


def _platform_account(layout: Layout, say: Callable[[str], None]) -> Account:
    if can_run_the_platform(layout.account, layout):
        require_own_entries(layout)
        _compile_for(layout.account)
        return layout.account
    say(
        f"warning: the account {layout.account.name} can't read {sys.executable} or {CHECKOUT}, so web, "
        "worker and beat run as root; move both to places open to all to run them without root's rights"
    )
    return starting_account()


def _compile_for(account: Account) -> None:
    """Compile the sources as whoever started us, where the account that runs them may not write beside them.

    Without this each of its processes would compile them anew.
    """
    if account.dropped:
        for name in ("aidplatform", "members", "claims", "ledger"):
            compileall.compile_dir(CHECKOUT / name, quiet=2)


def _require_port(configuration: Configuration, *, patient: bool) -> None:
    """Check the port; after a crash an old web process may take a moment to let go of it."""
    deadline = time.monotonic() + (5 if patient else 0)
    while True:
        try:
            require_free_port(configuration)
        except EmbeddedError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(TICK_SECONDS)
        else:
            return


def _wait_for_web(supervisor: Supervisor, configuration: Configuration) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not _web_answers(configuration):
        if time.monotonic() >= deadline:
            tail = log_tail(supervisor.layout, "web")
            raise EmbeddedError(f"The web server doesn't answer. The end of its log:\n{tail}")
        supervisor.attend(TICK_SECONDS)


def _web_answers(configuration: Configuration) -> bool:
    """Ask for the health page; any answer counts, for what it reports is the doctor's business."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(configuration.host, configuration.host)  # noqa: S104
    connection = http.client.HTTPConnection(host, configuration.port, timeout=5)
    try:
        connection.request("GET", "/health", headers={"Host": f"localhost:{configuration.port}"})
        connection.getresponse()
    except OSError:
        return False
    finally:
        connection.close()
    return True
