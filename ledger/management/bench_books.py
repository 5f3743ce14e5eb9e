"""The books of a pool whose members have paid by transfer: statements imported line by line, pages read of them.

Every member owes each period; a bank's file a period brings what they transferred, one in a thousand of them without a
reference and one too much. The file is imported by the service, guards and all. The same rows go once more by a bare
COPY into a table of the same columns and indexes, without guards: what no way of writing them could avoid. Then the
treasurer asks the real web server for the pages of the ledger and of custody, one after another, on a day on which the
daily reconciliation has run: its page shows what that kept, and judges anew only when it is asked to.
"""

import datetime as dt
import os
import resource
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.db import connection
from django.urls import reverse
from psycopg import sql

from aidplatform.lib import clock
from aidplatform.lib.csv_files import plain_fen
from ledger.books import chart
from ledger.books.models import JournalEntry
from ledger.custody.models import BankAccount, BankStatement, StatementLine
from ledger.custody.reconciled_days import keep_day
from ledger.custody.references import MEMBERSHIP, make_reference
from ledger.custody.services import import_statement
from ledger.custody.statement_files import write_csv
from ledger.custody.statement_parts import CSV, IN, FileLine, FileStatement
from ledger.management.bench_kinds import Options, demand, posting_workers, session_of, web_server
from ledger.management.bench_pages import Reader
from ledger.management.benchmark import OPENED, Benchmark

BOOKS_BARS = {"lines_per_second": "≥ 20,000", "slowest_p95_ms": "< 100"}
#: Of so many members one pays without a reference, and the next one fen too much.
ODD = 1000
EACH = 25
_COPIED = "COPY bench_lines FROM STDIN (FORMAT binary)"


@dataclass
class Import:
    """What importing took: seconds of the clock, and of a processor's work in this process and in the database's."""

    lines: int = 0
    seconds: float = 0.0
    python_seconds: float = 0.0
    server_seconds: float = 0.0
    copy_seconds: float = 0.0
    load: list[float] = field(default_factory=list)

    @property
    def lines_per_second(self) -> int:
        """Return how many bookings a second were imported."""
        return int(self.lines / self.seconds)

    def figures(self) -> dict[str, Any]:
        """Return what is printed. server_cpu_seconds: 0 where the server is another machine."""
        return {
            "lines": self.lines,
            "import_seconds": round(self.seconds, 3),
            "lines_per_second": self.lines_per_second,
            "python_cpu_seconds": round(self.python_seconds, 2),
            "server_cpu_seconds": round(self.server_seconds, 2),
            "copy_seconds": round(self.copy_seconds, 3),
            "copy_ratio": round(self.seconds / self.copy_seconds, 2),
            "most_load": round(max(self.load), 2),
        }


def books(bench: Benchmark, options: Options) -> dict[str, Any]:
    """Post the periods, import what members transferred for the first `runs` of them, and read the pages."""
    call_command("collectstatic", interactive=False, verbosity=0)
    with posting_workers(bench):
        for run in range(1, options.periods + 1):
            bench.measure_job(bench.frozen_period(run))
            _until_told(bench, run)
    imported = Import()
    bench.owner.execute(
        "CREATE TABLE bench_lines (LIKE ledger_statementline INCLUDING DEFAULTS INCLUDING INDEXES)"
    )
    for period_no in range(1, options.runs + 1):
        for data in _files(bench, period_no, options.lines):
            _import(bench, data, imported)
            bench.say(f"  {imported.lines:,} lines at {imported.lines_per_second:,} a second")
    bench.owner.execute("ANALYZE")  # as autovacuum does meanwhile
    pages = _pages(bench)
    slowest = max(pages, key=lambda name: pages[name])
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM ledger_charge WHERE pool_id = %s", [bench.pool.pk])
        charges = cursor.fetchone()[0]
    demand(charges, bench.figures.members * options.periods, "charges")
    return {
        "charges": charges,
        "periods": options.periods,
        **imported.figures(),
        "nobodys": StatementLine.objects.filter(kind=StatementLine.Kind.UNIDENTIFIED).count(),
        "slowest_page": slowest,
        "slowest_p95_ms": pages[slowest],
        "each_page_p95_ms": pages,
    }


def _until_told(bench: Benchmark, number: int) -> None:
    """Wait until the charges of a period are announced: before that no money pays them."""
    while bench.period(number).charges_notified_at is None:
        time.sleep(0.1)


def _import(bench: Benchmark, data: bytes, imported: Import) -> None:
    """Import a file, and write its rows once more by a bare COPY; add up what both took."""
    account = BankAccount.objects.select_related("pool").get(pool=bench.pool)
    server = _server_seconds()
    began, used = time.perf_counter(), _python_seconds()
    result = import_statement(
        account=account, data=data, filename="bench.csv", importer=bench.treasurer.code, at=clock.now()
    )
    imported.seconds += time.perf_counter() - began
    imported.python_seconds += _python_seconds() - used
    imported.server_seconds += _server_seconds() - server
    imported.lines += result.line_count
    imported.copy_seconds += _copy(bench, result.statement)
    imported.load.append(os.getloadavg()[0])


def _python_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _server_seconds() -> float:
    """Return the processor's work of this connection's server process; 0 where it is not on this machine."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        place = Path(f"/proc/{cursor.fetchone()[0]}")
    try:
        if (place / "comm").read_text().strip() != "postgres":
            return 0.0
        fields = (place / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _copy(bench: Benchmark, statement: BankStatement) -> float:
    """Write the rows of a statement by a bare COPY; return how many seconds that took."""
    rows = "COPY (SELECT * FROM ledger_statementline WHERE statement_id = {}) TO STDOUT (FORMAT binary)"
    with bench.owner.cursor() as cursor:
        with cursor.copy(sql.SQL(rows).format(statement.pk)) as read:
            data = [bytes(part) for part in read]
        began = time.perf_counter()
        with cursor.copy(_COPIED) as written:
            for part in data:
                written.write(part)
    return time.perf_counter() - began


def _files(bench: Benchmark, period_no: int, most: int) -> Iterator[bytes]:
    """Yield what members transfer for a period as files of a day each, of so many bookings at most."""
    account = BankAccount.objects.get(pool=bench.pool)
    share_fen = bench.period(period_no).assessed_fen or 0
    share_fen = share_fen // bench.figures.members
    for first in range(1, bench.figures.members + 1, most):
        last = BankStatement.objects.filter(account=account).order_by("-number").first()
        day, opening_fen = (last.to_date, last.closing_fen) if last else (OPENED, 0)
        numbers = range(first, min(first + most, bench.figures.members + 1))
        lines = tuple(_transfer(bench.pool.code, number, share_fen, day) for number in numbers)
        yield write_csv(
            FileStatement(
                format=CSV,
                account_number=account.number,
                currency="CNY",
                bank_number=f"{period_no}-{first}",
                from_date=day,
                to_date=day + dt.timedelta(days=1),
                opening_fen=opening_fen,
                closing_fen=opening_fen + sum(line.amount_fen for line in lines),
                lines=lines,
            )
        )


def _transfer(code: str, number: int, share_fen: int, day: dt.date) -> FileLine:
    return FileLine(
        booking_date=day,
        direction=IN,
        amount_fen=share_fen + (number % ODD == 1),
        bank_reference=f"{day:%y%m%d}{number:09d}",
        counterparty=f"Member {number}",
        text="for mutual aid" if number % ODD == 0 else make_reference(code, MEMBERSHIP, number),
    )


def _pages(bench: Benchmark) -> dict[str, float]:
    """Ask for each page as the treasurer, again and again; return the 95th percentile of its answers in ms."""
    code, found = bench.pool.code, {}
    newest = JournalEntry.objects.filter(book__code=code).order_by("-number").values_list("number", flat=True)
    last = BankStatement.objects.order_by("-number").first()
    assert last is not None
    last_fen = last.lines.order_by("-line_no").values_list("amount_fen", flat=True)[0]
    addresses = {
        "chart": reverse("accounts", args=[code]),
        "trial balance": reverse("trial_balance", args=[code]),
        "account": reverse("account", args=[code, chart.CUSTODY]),
        "figures": reverse("figures", args=[code]),
        "entries": reverse("entries", args=[code]),
        "entry": reverse("entry", args=[code, newest[0]]),
        "custody": reverse("custody", args=[code]),
        "statements": reverse("custody_statements", args=[code]),
        "statement": reverse("custody_statement", args=[code, last.number]),
        "end of a statement": f"{reverse('custody_statement', args=[code, last.number])}?after={last.line_count - 9}",
        "receipts that are nobody's": reverse("custody_unidentified", args=[code]),
        "payments": reverse("custody_payments", args=[code]),
        "arrears": reverse("custody_arrears", args=[code]),
        "months": reverse("custody_months", args=[code]),
        "reconciliation": reverse("custody_reconciliation", args=[code]),
        "search for an amount": f"{reverse('search')}?q={plain_fen(last_fen)}",
    }
    keep_day(bench.pool, clock.now())
    with web_server() as (_process, port):
        reader = Reader(port, session_of(bench.treasurer))
        for name, address in addresses.items():
            times = reader.ask(address, lambda asked: asked < EACH)
            found[name] = round(statistics.quantiles(times, n=20)[-1], 1)
    return found
