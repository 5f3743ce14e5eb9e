"""Two connections that meet: one does something in a thread while the other holds what it needs."""

import threading
import time
from collections.abc import Callable
from typing import Any

import psycopg
from django.db import connection


class Meanwhile:
    """Run `act` on a Django connection of its own thread; `outcome()` waits and gives its result or error."""

    def __init__(self, act: Callable[[], Any]) -> None:
        self._act = act
        self._result: Any = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._result = self._act()
        except BaseException as error:
            self._error = error
        finally:
            connection.close()

    def outcome(self) -> Any:
        """Return what `act` returned, or raise what it raised."""
        self._thread.join(timeout=30)
        assert not self._thread.is_alive(), "still waiting"
        if self._error is not None:
            raise self._error
        return self._result


def wait_for_a_waiter(holder: psycopg.Connection) -> None:
    """Wait until another connection waits for a lock that this one holds."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        row = holder.execute(
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
        ).fetchone()
        if row and row[0]:
            return
        time.sleep(0.02)
    raise AssertionError("nobody waits for a lock")


def wait_for_waiters(holder: psycopg.Connection, count: int) -> None:
    """Wait until so many connections of this database stand in line for a lock, also behind one another."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        # Within one transaction the activity is what it was at the first look.
        holder.execute("SELECT pg_stat_clear_snapshot()")
        row = holder.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        ).fetchone()
        if row and row[0] >= count:
            return
        time.sleep(0.02)
    raise AssertionError(f"fewer than {count} wait for a lock")
