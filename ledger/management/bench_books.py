"""The books of a pool whose members have paid by transfer: statements imported line by line, pages read of them.

Every member owes each period; a bank's file a period brings what they transferred, one in a thousand of them without a
reference and one too much. The file is imported by the service, guards and all. Then the treasurer asks the real web
server for the pages of the ledger and of custody, one after another.
"""

import datetime as dt
import statistics
import time
from collections.abc import Iterator
from typing import Any

from django.core.management import call_command
from django.db import connection
from django.urls import reverse

from aidplatform.lib import clock
from aidplatform.lib.csv_files import plain_fen
from ledger.books import chart
from ledger.books.models import JournalEntry
from ledger.custody.models import BankAccount, BankStatement, StatementLine
from ledger.custody.references import MEMBERSHIP, make_reference
from ledger.custody.services import import_statement
from ledger.custody.statement_files import write_csv
from ledger.custody.statement_parts import CSV, IN, MOST_LINES, FileLine, FileStatement
from ledger.management.bench_kinds import Options, demand, posting_workers, session_of, web_server
from ledger.management.bench_pages import Reader
from ledger.management.benchmark import OPENED, Benchmark

BOOKS_BARS = {"lines_per_second": "≥ 20,000", "slowest_p95_ms": "< 100"}
#: Of so many members one pays without a reference, and the next one fen too much.
ODD = 1000
EACH = 25


def books(bench: Benchmark, options: Options) -> dict[str, Any]:
    """Post the periods, import what members transferred for the first `runs` of them, and read the pages."""
    call_command("collectstatic", interactive=False, verbosity=0)
    with posting_workers(bench):
        for run in range(1, options.periods + 1):
            bench.measure_job(bench.frozen_period(run))
            _until_told(bench, run)
    lines, seconds = 0, 0.0
    for period_no in range(1, options.runs + 1):
        for data, count in _files(bench, period_no):
            began = time.perf_counter()
            import_statement(
                account=BankAccount.objects.select_related("pool").get(pool=bench.pool), data=data,
                filename="bench.csv", importer=bench.treasurer.code, at=clock.now(),
            )  # fmt: skip
            seconds += time.perf_counter() - began
            lines += count
            bench.say(f"  {lines:,} lines at {int(lines / seconds):,} a second")
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
        "lines": lines,
        "import_seconds": round(seconds, 3),
        "lines_per_second": int(lines / seconds),
        "nobodys": StatementLine.objects.filter(kind=StatementLine.Kind.UNIDENTIFIED).count(),
        "slowest_page": slowest,
        "slowest_p95_ms": pages[slowest],
        "each_page_p95_ms": pages,
    }


def _until_told(bench: Benchmark, number: int) -> None:
    """Wait until the charges of a period are announced: before that no money pays them."""
    while bench.period(number).charges_notified_at is None:
        time.sleep(0.1)


def _files(bench: Benchmark, period_no: int) -> Iterator[tuple[bytes, int]]:
    """Yield what members transfer for a period as files of a day each, and how many bookings each holds."""
    account = BankAccount.objects.get(pool=bench.pool)
    share_fen = bench.period(period_no).assessed_fen or 0
    share_fen = share_fen // bench.figures.members
    for first in range(1, bench.figures.members + 1, MOST_LINES):
        last = BankStatement.objects.filter(account=account).order_by("-number").first()
        day, opening_fen = (last.to_date, last.closing_fen) if last else (OPENED, 0)
        numbers = range(first, min(first + MOST_LINES, bench.figures.members + 1))
        lines = tuple(_transfer(bench.pool.code, number, share_fen, day) for number in numbers)
        yield (
            write_csv(
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
            ),
            len(lines),
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
    with web_server() as (_process, port):
        reader = Reader(port, session_of(bench.treasurer))
        for name, address in addresses.items():
            times = reader.ask(address, lambda asked: asked < EACH)
            found[name] = round(statistics.quantiles(times, n=20)[-1], 1)
    return found
