"""A running installation for one test: its own database, a real worker, beat and web server as processes."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from django.db import connections
from psycopg.conninfo import conninfo_to_dict

from aidplatform.site.catalogues import compile_catalogues

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Stack:
    """Addresses of one installation and the processes started on it."""

    app_url: str
    owner_url: str
    redis_url: str
    folder: Path
    extra: dict[str, str] = field(default_factory=dict)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        """Return what the processes see. Leases and sweeps are short, so that recovery takes seconds."""
        return {
            **os.environ,
            "AID_DEMO": "1",
            "AID_DATABASE_URL": self.app_url,
            "AID_DATABASE_OWNER_URL": self.owner_url,
            "AID_REDIS_URL": self.redis_url,
            "AID_STATE_DIR": str(self.folder),
            "AID_LEASE_SECONDS": "2",
            "AID_SWEEP_SECONDS": "1",
            "DJANGO_SETTINGS_MODULE": "aidplatform.settings_test",
            **self.extra,
        }

    def prepare(self) -> None:
        """Bring the database up to this version, as aid_owner."""
        subprocess.run(
            [sys.executable, "manage.py", "prepare", "--database-only"],
            cwd=ROOT,
            env=self.environment() | {"AID_DATABASE_ROLE": "owner"},
            check=True,
        )

    def start(self, name: str, *command: str) -> subprocess.Popen[bytes]:
        """Start a module as a process of its own group; its output goes to <folder>/<name>.log."""
        return self._start(name, "-m", *command)

    def start_code(self, name: str, code: str, *arguments: str) -> subprocess.Popen[bytes]:
        """Start a piece of Python in the same way."""
        return self._start(name, "-c", code, *arguments)

    def _start(self, name: str, *command: str) -> subprocess.Popen[bytes]:
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, *command],
                cwd=ROOT,
                env=self.environment(),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.processes[name] = process
        return process

    def start_worker(self, name: str = "worker", concurrency: int = 2) -> subprocess.Popen[bytes]:
        """Start a Celery worker that knows the probes as well."""
        return self.start(
            name,
            "celery",
            "-A",
            "aidplatform",
            "worker",
            f"--concurrency={concurrency}",
            f"--hostname={name}@{os.getpid()}",
            "--loglevel=INFO",
            "--without-gossip",
            "--without-mingle",
            "--include=aidplatform.testing.probes",
        )

    def start_beat(self, name: str = "beat") -> subprocess.Popen[bytes]:
        """Start a scheduler."""
        return self.start(
            name, "celery", "-A", "aidplatform", "beat", f"--schedule={self.folder / name}.db", "--pidfile="
        )

    def start_web(self) -> str:
        """Start the web server on a free port and return its address once it answers."""
        compile_catalogues(self.folder / "locale")
        port = free_port()
        self.extra["AID_PORT"] = str(port)
        self.start(
            "web",
            "gunicorn",
            "aidplatform.wsgi:application",
            f"--bind=127.0.0.1:{port}",
            "--threads=4",
            "--no-control-socket",
            "--access-logfile=-",
        )
        url = f"http://localhost:{port}"
        wait_until(lambda: _answers(url + "/health"), seconds=120, what="the web server")
        return url

    def log_of(self, name: str) -> str:
        """Return what a process has printed so far; nothing of one that was not started."""
        log = self.folder / f"{name}.log"
        return log.read_text(errors="replace") if log.exists() else ""

    def kill(self, name: str) -> None:
        """Kill a process and its children at once, as a crash would."""
        process = self.processes.pop(name)
        kill_group(process)

    def stop(self) -> None:
        """End everything that was started."""
        for process in self.processes.values():
            kill_group(process)
        self.processes.clear()

    @contextmanager
    def connection(self) -> Iterator[psycopg.Connection]:
        """Open a connection as aid_app."""
        with psycopg.connect(self.app_url, autocommit=True) as connection:
            yield connection


@contextmanager
def connected_to(url: str) -> Iterator[None]:
    """Let Django's connections of this process, all threads, lead to another database meanwhile."""
    settings = connections["default"].settings_dict
    address = conninfo_to_dict(url)
    names = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host", "PORT": "port"}
    before = {name: settings[name] for name in names}
    connections.close_all()
    settings.update({name: str(address.get(part) or "") for name, part in names.items()})
    try:
        yield
    finally:
        connections.close_all()
        settings.update(before)


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL a process group and wait for its leader."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(timeout=10)


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(condition: Callable[[], bool], *, seconds: float, what: str) -> None:
    """Wait for a condition. Raises: TimeoutError naming what did not come."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"{what} did not come within {seconds} s")
        time.sleep(0.1)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            return bool(response.status == 200)
    except OSError:
        return False
