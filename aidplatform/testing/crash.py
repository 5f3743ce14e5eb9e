"""What crash tests need: servers of their own, which they may fill up, cut off and kill."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis
from celery import current_app

from aidplatform.embedded.accounts import Identity, service_account
from aidplatform.embedded.configuration import CHECKOUT
from aidplatform.embedded.environment import can_run_the_platform
from aidplatform.embedded.layout import Layout, prepare_layout
from aidplatform.embedded.operator_commands import installed_addresses
from aidplatform.embedded.resolve import ExternalBroker, resolve_broker
from aidplatform.embedded.services import Services
from aidplatform.embedded.valkey import Valkey
from aidplatform.lib.redis_urls import celery_broker_url
from aidplatform.testing.stack import wait_until

#: The environment of a newcomer: none of our variables, none of libpq's.
#: Nothing of this process's addresses, keys and settings module.
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith(("AID_", "PG", "DJANGO_"))}


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Make a folder that the account of the services can reach too, and remove it afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="aid-crash-", dir="/tmp" if service_account().dropped else None))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Broker:
    """A broker of one test."""

    def __init__(self, folder: Path) -> None:
        layout = prepare_layout(folder, service_account())
        server = resolve_broker({}, layout)
        assert not isinstance(server, ExternalBroker)
        self._valkey = Valkey(server, layout, os.environ)
        self._process: subprocess.Popen[bytes] | None = None
        self.url = self._valkey.url

    def start(self) -> None:
        """Start it, with what its append-only file remembers."""
        self._process = self._valkey.start()

    def kill(self) -> None:
        """End it by SIGKILL."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(timeout=10)
            self._process = None

    def pause(self) -> None:
        """Let it hang: it holds its connections and answers nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def client(self) -> redis.Redis:
        """Return a connection to it."""
        return redis.Redis.from_url(self.url)

    def waiting(self) -> int:
        """Return how many messages wait in its queue."""
        return int(self.client().llen("celery"))


@contextmanager
def own_broker() -> Iterator[Broker]:
    """Give this process a broker of its own; what is sent meanwhile goes there."""
    with scratch_folder() as folder:
        broker = Broker(folder / "state")
        broker.start()
        before = current_app.conf.broker_url
        try:
            _send_to(celery_broker_url(broker.url))
            yield broker
        finally:
            _send_to(before)
            broker.kill()


def _send_to(url: str) -> None:
    """Let this process send its messages to another broker: Celery keeps its connections in two pools."""
    current_app.conf.broker_url = url  # type: ignore[misc]
    current_app._pool = None  # type: ignore[attr-defined]
    current_app.amqp._producer_pool = None  # type: ignore[attr-defined]


class Installation:
    """A state directory and what runs on it: the supervisor with the servers alone, or with everything."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.layout: Layout = prepare_layout(state, service_account())
        self.process: subprocess.Popen[bytes] | None = None

    def services(self) -> Services:
        """Return the addresses of the servers of this place."""
        addresses, admin = installed_addresses(CLEAN, self.layout)
        return Services(admin or "", addresses.owner_url, addresses.app_url, addresses.redis_url, {})

    def start(self, command: str = "services", **variables: str) -> subprocess.Popen[bytes]:
        """Start the supervisor; where it may, as the account of the services, so that these may kill it."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "aidplatform.embedded", command],
                cwd=CHECKOUT,
                env={**CLEAN, "HOME": str(self.state), "AID_STATE_DIR": str(self.state), **variables},
                stdout=log,
                stderr=subprocess.STDOUT,
                **self._identity(),
            )
        return self.process

    def start_services(self) -> None:
        """Start the servers, unless they run, and wait for them."""
        if self.process is not None and self.process.poll() is None:
            return
        said = len(self.said())
        self.start()
        wait_until(lambda: "broker run" in self.said()[said:], seconds=180, what="PostgreSQL and the broker")

    def stop(self) -> None:
        """Stop in order."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(timeout=60)

    def said(self) -> str:
        """Return what the supervisor has printed."""
        return self.log.read_text() if self.log.exists() else ""

    @property
    def log(self) -> Path:
        """Where the supervisor's output goes."""
        return self.state.with_name(self.state.name + ".log")

    def pid(self, name: str) -> int:
        """Return the process of one of the supervisor's children."""
        children = json.loads((self.layout.run / "children.json").read_text())
        return int(children[name][0])

    def _identity(self) -> Identity:
        account = self.layout.account
        if not can_run_the_platform(account, self.layout):
            return {}
        os.chown(self.log, account.uid, account.gid)
        return account.identity()
