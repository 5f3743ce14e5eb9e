"""Trouble by chance: every second or so something is killed, cut off, flushed, paused or said five times."""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import redis
from celery import current_app
from kombu.exceptions import OperationalError as BrokerError
from redis.exceptions import RedisError

from aidplatform.lib.redis_urls import celery_broker_url
from aidplatform.testing.crash import Installation
from aidplatform.testing.crash_runs import Run
from aidplatform.work.jobs import RUN_TASK

MEAN_PAUSE_SECONDS = 1.2
#: Longer than a lease.
STOPPED_SECONDS = 3.0
#: What a deed meets when its victim has just died of another.
_EXPECTED = (OSError, KeyError, IndexError, psycopg.Error, RedisError, BrokerError)


@dataclass
class Chaos:
    """Called at every look at a run; acts at times and in ways drawn by chance, until its time is over."""

    chance: random.Random
    installation: Installation
    seconds: float
    done: Counter[str] = field(default_factory=Counter)
    began: float = field(default_factory=time.monotonic)
    due: float = 0.0
    stopped: dict[int, float] = field(default_factory=dict)

    def __call__(self, run: Run) -> None:
        """Do the next bad thing, if it is time."""
        now = time.monotonic()
        self._let_go_on(now)
        if now < self.due or now > self.began + self.seconds:
            return
        self.due = now + self.chance.expovariate(1 / MEAN_PAUSE_SECONDS)
        deed = self.chance.choice(self._deeds())
        with suppress(*_EXPECTED):
            deed(run)
            self.done[deed.__name__.removeprefix("_")] += 1

    def _deeds(self) -> list[Callable[[Run], None]]:
        return [
            self._kill_child,
            self._kill_child,
            self._kill_worker,
            self._kill_client,
            self._kill_beat,
            self._kill_broker,
            self._kill_postgres,
            self._flush_broker,
            self._hang_broker,
            self._cut_connections,
            self._cut_connections,
            self._stop_child,
            self._say_five_times,
        ]

    def _kill_child(self, run: Run) -> None:
        os.kill(self._child(run), signal.SIGKILL)

    def _stop_child(self, run: Run) -> None:
        self._stop(self._child(run))

    def _kill_worker(self, run: Run) -> None:
        os.killpg(run.processes["worker"].pid, signal.SIGKILL)

    def _kill_client(self, run: Run) -> None:
        os.killpg(run.processes["client"].pid, signal.SIGKILL)

    def _kill_beat(self, run: Run) -> None:
        os.killpg(run.processes["beat"].pid, signal.SIGKILL)

    def _kill_broker(self, run: Run) -> None:
        os.kill(self.installation.pid("valkey"), signal.SIGKILL)

    def _kill_postgres(self, run: Run) -> None:
        os.kill(self.installation.pid("postgres"), signal.SIGKILL)

    def _hang_broker(self, run: Run) -> None:
        self._stop(self.installation.pid("valkey"))

    def _flush_broker(self, run: Run) -> None:
        url = self.installation.services().redis_url
        redis.Redis.from_url(url, socket_timeout=1).flushall()

    def _cut_connections(self, run: Run) -> None:
        with psycopg.connect(run.app_url, autocommit=True, connect_timeout=2) as connection:
            connection.execute(
                """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                    WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()"""
            )

    def _say_five_times(self, run: Run) -> None:
        """Deliver messages of jobs again, done ones and running ones alike."""
        with psycopg.connect(run.app_url, connect_timeout=2) as connection:
            jobs = [row[0] for row in connection.execute("SELECT id FROM work_job ORDER BY id DESC LIMIT 6")]
        with current_app.connection(celery_broker_url(self.installation.services().redis_url)) as broker:
            for job in jobs * 5:
                current_app.send_task(RUN_TASK, args=[job], connection=broker, retry=False)

    def _child(self, run: Run) -> int:
        """Choose one of the worker's own processes."""
        worker = run.processes["worker"].pid
        children = Path(f"/proc/{worker}/task/{worker}/children").read_text().split()
        return int(self.chance.choice(children))

    def _stop(self, pid: int) -> None:
        os.kill(pid, signal.SIGSTOP)
        self.stopped[pid] = time.monotonic() + STOPPED_SECONDS

    def _let_go_on(self, now: float) -> None:
        for pid in [pid for pid, until in self.stopped.items() if now > until]:
            del self.stopped[pid]
            with suppress(OSError):
                os.kill(pid, signal.SIGCONT)

    def let_all_go_on(self) -> None:
        """Let every process go on that is stopped."""
        self._let_go_on(float("inf"))
