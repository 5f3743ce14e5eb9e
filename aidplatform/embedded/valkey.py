"""The embedded broker: Valkey on a Unix socket, keeping what it was told."""

import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from aidplatform.embedded.accounts import environment_for
from aidplatform.embedded.errors import EmbeddedError
from aidplatform.embedded.layout import Layout, log_tail
from aidplatform.embedded.processes import spawn
from aidplatform.embedded.resolve import ValkeyServer

ANSWER_SECONDS = 30.0
RETRY_SECONDS = 5.0
STOP_STEPS = ((signal.SIGTERM, 10.0),)


@dataclass(frozen=True)
class Valkey:
    """One embedded broker."""

    server: ValkeyServer
    layout: Layout
    environ: Mapping[str, str]

    @property
    def url(self) -> str:
        """The broker's address, as AID_REDIS_URL holds it."""
        return f"unix://{quote(str(self.layout.valkey_socket))}?db=0"

    def command(self) -> list[str]:
        """Return the command line of the broker.

        `noeviction`, because a queue from which old work falls out is worse than one that says it is full;
        the append-only file, because snapshots lose minutes; no port, so that nobody else on the machine can
        reach it.
        """
        return [
            str(self.server.binary),
            *("--port", "0"),
            *("--unixsocket", str(self.layout.valkey_socket), "--unixsocketperm", "700"),
            *("--dir", str(self.layout.valkey_data)),
            *("--appendonly", "yes", "--appendfsync", "everysec", "--save", ""),
            *("--maxmemory-policy", "noeviction"),
            *("--daemonize", "no", "--logfile", "", "--pidfile", ""),
        ]

    def start(self) -> subprocess.Popen[bytes]:
        """Start the broker and wait until it answers.

        Raises:
            EmbeddedError: it stops again and again for RETRY_SECONDS, or never answers.
        """
        deadline = time.monotonic() + RETRY_SECONDS
        while True:
            child = self.spawn()
            if self._answers(child):
                return child
            if time.monotonic() >= deadline:
                raise EmbeddedError(
                    f"Valkey doesn't start. The end of its log:\n{log_tail(self.layout, 'valkey')}"
                )
            time.sleep(0.2)

    def spawn(self) -> subprocess.Popen[bytes]:
        """Start the broker without waiting."""
        kept = environment_for(self.layout.account, self.environ, self.layout.run)
        return spawn(
            self.layout,
            "valkey",
            self.command(),
            environment={name: value for name, value in kept.items() if not name.startswith("AID_")},
            account=self.layout.account,
            death_signal=signal.SIGTERM,
        )

    def _answers(self, child: subprocess.Popen[bytes]) -> bool:
        """Wait for an answer; False when the process ended first.

        "Loading" counts as an answer still to come: a long append-only file takes a while to read.
        """
        client = redis.Redis(unix_socket_path=str(self.layout.valkey_socket), retry=Retry(NoBackoff(), 0))
        deadline = time.monotonic() + ANSWER_SECONDS
        while time.monotonic() < deadline:
            if child.poll() is not None:
                return False
            try:
                client.ping()
            except redis.exceptions.BusyLoadingError:
                deadline = time.monotonic() + ANSWER_SECONDS
            except redis.exceptions.RedisError:
                pass
            else:
                client.close()
                return True
            time.sleep(0.03)
        raise EmbeddedError(f"Valkey didn't answer within {ANSWER_SECONDS:.0f} s.")
