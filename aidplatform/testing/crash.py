"""What crash tests need: servers of their own, which they may fill up, cut off and kill."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis
from celery import current_app

from aidplatform.embedded.accounts import service_account
from aidplatform.embedded.layout import prepare_layout
from aidplatform.embedded.resolve import ExternalBroker, resolve_broker
from aidplatform.embedded.valkey import Valkey
from aidplatform.lib.redis_urls import celery_broker_url


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
