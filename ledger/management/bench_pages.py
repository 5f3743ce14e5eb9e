"""What members meet: their latest charge as JSON and their home as a page, from the real web server.

Eight connections ask at once, each as a member of its own, as fast as they are answered; then one asks alone, and goes
on asking while the workers post a period.
"""

import http.client
import statistics
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.test import Client

from ledger.management.bench_kinds import Options, demand, posting_workers, session_of, web_server
from ledger.management.benchmark import Benchmark
from members.joining.models import Membership
from members.people.models import User

PAGES_BARS = {
    "json_p95_ms": "≤ 10",
    "page_p95_ms": "≤ 25",
    "busy_ratio": "≤ 5",
}
CONNECTIONS = 8
#: Answers to each of them; a few hundred a minute are all that the API gives to one person.
EACH = 25
#: The first answers of a connection find every cache cold; they are not counted.
WARMING = 5


@dataclass(frozen=True)
class Reader:
    """One member with a session: the key of its cookie."""

    port: int
    session: str

    def ask(self, address: str, more: Callable[[int], bool]) -> list[float]:
        """Ask again and again over one connection while there is more to ask; return the ms of each answer."""
        web = http.client.HTTPConnection("localhost", self.port, timeout=60)
        cookie = {"Cookie": f"{settings.SESSION_COOKIE_NAME}={self.session}"}
        times: list[float] = []
        while more(len(times)):
            began = time.perf_counter()
            web.request("GET", address, headers=cookie)
            answer = web.getresponse()
            answer.read()
            times.append((time.perf_counter() - began) * 1000)
            demand(answer.status, 200, f"status of {address}")
        web.close()
        return times[WARMING:]


def pages(bench: Benchmark, options: Options) -> dict[str, Any]:
    """Post the periods, then ask for both: at once, alone, and alone while one more period is posted."""
    latest, home = f"/api/v1/pools/{bench.pool.code}/my-charges/?limit=1", f"/pools/{bench.pool.code}/me/"
    call_command("collectstatic", interactive=False, verbosity=0)
    with posting_workers(bench):
        for run in range(1, options.periods + 1):
            bench.measure_job(bench.frozen_period(run))
        sessions = [session_of(person) for person in _people(bench)]
        queries = {
            name: _queries_of(sessions, address) for name, address in (("json", latest), ("page", home))
        }
        with web_server() as (_process, port):
            readers = [Reader(port, session) for session in sessions]
            found = {name: _at_once(readers, address) for name, address in (("json", latest), ("page", home))}
            alone = latencies(readers[0].ask(home, lambda asked: asked < EACH + WARMING))
            busy = latencies(_while_posting(bench, readers[0], home, options.periods + 1))
    return {
        "periods": options.periods,
        "connections": CONNECTIONS,
        "asked": EACH * CONNECTIONS,
        **{f"{name}_{figure}": value for name, figures in found.items() for figure, value in figures.items()},
        **{f"{name}_queries": count for name, count in queries.items()},
        **{f"alone_{figure}": value for figure, value in alone.items()},
        **{f"busy_{figure}": value for figure, value in busy.items()},
        "busy_ratio": round(busy["p95_ms"] / alone["p95_ms"], 2),
    }


def _people(bench: Benchmark) -> list[User]:
    """Give accounts to as many members as there are connections."""
    people = []
    numbers = range(1, bench.figures.members + 1, max(1, bench.figures.members // CONNECTIONS))
    for membership in Membership.objects.filter(pool=bench.pool, number__in=list(numbers)[:CONNECTIONS]):
        membership.person = User.objects.create_user(f"reader{membership.number}@bench.invalid")
        membership.save(update_fields=["person"])
        people.append(membership.person)
    return people


def _queries_of(sessions: list[str], address: str) -> int:
    """Return how many statements an answer takes. Raises: AssertionError unless it is the same for everybody."""
    counts = set()
    for session in sessions:
        client = Client(HTTP_HOST="localhost")
        client.cookies[settings.SESSION_COOKIE_NAME] = session
        # The first answer finds caches cold, that of the throttle among them.
        client.get(address)
        statements: list[str] = []

        def counted(execute: Any, sql: str, *arguments: Any, statements: list[str] = statements) -> Any:
            statements.append(sql)
            return execute(sql, *arguments)

        with connection.execute_wrapper(counted):
            demand(client.get(address).status_code, 200, f"status of {address}")
        counts.add(len(statements))
    demand(len(counts), 1, f"numbers of queries that {address} takes")
    return counts.pop()


def _at_once(readers: list[Reader], address: str) -> dict[str, float]:
    with ThreadPoolExecutor(len(readers)) as threads:
        asking = [
            threads.submit(reader.ask, address, lambda asked: asked < EACH + WARMING) for reader in readers
        ]
        return latencies([ms for one in asking for ms in one.result()])


def _while_posting(bench: Benchmark, reader: Reader, address: str, run: int) -> list[float]:
    """Ask alone from the request to compute a period until it is posted."""
    period = bench.frozen_period(run)
    is_posted = threading.Event()
    with ThreadPoolExecutor(1) as threads:
        # Two more at least, so that there is something to take a percentile of.
        asking = threads.submit(
            reader.ask, address, lambda asked: asked < WARMING + 2 or not is_posted.is_set()
        )
        try:
            bench.measure_job(period)
        finally:
            is_posted.set()
        return asking.result()


def latencies(times: list[float]) -> dict[str, float]:
    """Return p50 and p95 of answers in ms."""
    return {
        "p50_ms": round(statistics.median(times), 2),
        "p95_ms": round(statistics.quantiles(times, n=20)[-1], 2),
    }
