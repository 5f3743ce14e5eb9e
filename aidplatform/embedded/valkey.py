"""The embedded broker: Valkey on a Unix socket, keeping what it was told."""

import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from aidplatform.embedded.accounts import environment_for
from aidplatform.embedded.errors import EmbeddedError
from aidplatform.embedded.layout import Layout, log_tail
from aidplatform.embedded.processes import Answer, spawn, start_patiently
from aidplatform.embedded.resolve import ValkeyServer

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

    def start(self, pause: Callable[[float], None] = time.sleep) -> subprocess.Popen[bytes]:
        """Start the broker and wait until it answers; `pause` may raise to give up.

        Raises:
            EmbeddedError: it doesn't start.
        """
        child = start_patiently(self.spawn, self._ask, stop_steps=STOP_STEPS, pause=pause)
        if child is None:
            tail = log_tail(self.layout, "valkey")
            raise EmbeddedError(f"Valkey doesn't start. The end of its log:\n{tail}")
        return child

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

    def _ask(self) -> Answer:
        """Ask for a sign of life by hand: the client library costs more to import than the broker to start.

        Reading a long append-only file takes a while, and Valkey says so.
        """
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(5)
                connection.connect(str(self.layout.valkey_socket))
                connection.sendall(b"PING\r\n")
                reply = connection.recv(64)
        except OSError:
            return Answer.SILENT
        if reply.startswith(b"+PONG"):
            return Answer.READY
        return Answer.RECOVERING if reply.startswith(b"-LOADING") else Answer.SILENT
