"""A pool to measure on: the main job against the least that any way of charging a million members must do.

The *floor* inserts the same number of rows of a constant share from the same spans into a table of its own, builds
the same key and attaches it. The *job* is the real one: real worker processes take a period from the request
to compute it, and from its approval, to posted. Both alternate on one server, so that their ratio says more than
the seconds do.
"""

import datetime as dt
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from celery import current_app
from django.db import connection

from aidplatform.lib import clock
from ledger.books.findings import Report
from ledger.custody.services import open_bank_account
from ledger.sharing import services as sharing
from ledger.sharing.headcount import COUNT
from ledger.sharing.models import Period
from ledger.sharing.selectors import compute_bill
from ledger.sharing.verify import headcount
from ledger.sharing.verify.one_period import SENTENCES, verify_one_period
from ledger.sharing.verify.rows import PoolRow, periods
from ledger.verification.reading import one_snapshot
from members.joining.services import admit_group
from members.people.models import User
from members.pools import services as pools
from members.pools.triggers import NEEDED_DUTIES

ROOT = Path(__file__).resolve().parents[2]
ZONE = "Asia/Shanghai"
OPENED = dt.date(2026, 1, 1)
AID_FEN = 300_000_00
PATIENCE = 3600.0
ADMITTED_BY_SERVICE = 1_000_000
STAGES = (sharing.COMPUTE, sharing.START, sharing.SHARD, sharing.CLOSE)


@dataclass
class Figures:
    """What was measured: seconds, bytes of WAL and of tables, memory of the workers."""

    members: int
    workers: int
    classes: int
    floor_seconds: list[float] = field(default_factory=list)
    freeze_seconds: list[float] = field(default_factory=list)
    compute_seconds: list[float] = field(default_factory=list)
    post_seconds: list[float] = field(default_factory=list)
    preview_seconds: list[float] = field(default_factory=list)
    verify_seconds: list[float] = field(default_factory=list)
    recount_seconds: list[float] = field(default_factory=list)
    floor_wal_bytes: list[int] = field(default_factory=list)
    job_wal_bytes: list[int] = field(default_factory=list)
    charge_rows_bytes: int = 0
    charge_key_bytes: int = 0
    database_bytes: int = 0
    wal_directory_bytes: int = 0
    worker_idle_bytes: int = 0
    worker_peak_bytes: int = 0
    stages: dict[str, float] = field(default_factory=dict)

    @property
    def floor(self) -> float:
        """Return the median floor in seconds."""
        return statistics.median(self.floor_seconds)

    @property
    def job(self) -> float:
        """Return the median of computing and posting in seconds."""
        pairs = zip(self.compute_seconds, self.post_seconds, strict=True)
        return statistics.median(one + other for one, other in pairs)

    @property
    def preview(self) -> float:
        """Return the median of a dry run in seconds."""
        return statistics.median(self.preview_seconds)

    @property
    def ratio(self) -> float:
        """Return how many floors the job takes."""
        return self.job / self.floor


class Benchmark:
    """One pool of that many members on the scratch database, and its periods one after another."""

    def __init__(self, figures: Figures, owner_url: str, admin_url: str, say: Callable[[str], None]) -> None:
        self.figures = figures
        self.say = say
        self.owner = psycopg.connect(owner_url, autocommit=True)
        # Only for checkpoints: each measurement begins with nothing left to write by the one before.
        self.admin_dsn = admin_url
        self.admin = psycopg.connect(admin_url, autocommit=True)
        self.owner.execute("SET maintenance_work_mem = '1GB'")
        self.owner.execute("SET max_parallel_maintenance_workers = 2")

    def set_up(self) -> None:
        """Found the pool and admit everyone."""
        began = time.monotonic()
        _stop_clock_at(dt.datetime.combine(OPENED, dt.time(2), tzinfo=dt.UTC))
        self.pool = pools.found_pool(
            code="bench",
            name_en="Bench",
            name_zh="基准",
            currency="CNY",
            time_zone=ZONE,
            expected_members=self.figures.members,
            founder="bench",
        )
        sharing.open_pool_books(pool=self.pool)
        people = {duty: self._person(duty) for duty in NEEDED_DUTIES}
        self.admin_person, self.controller = people["pool_admin"], people["controller"]
        self.treasurer = people["treasurer"]
        open_bank_account(
            pool=self.pool,
            bank_name="Bench",
            holder_name="Members",
            number="6222000000000000",
            opener=self.controller.code,
            at=clock.now(),
        )
        pools.publish_plan(
            pool=self.pool,
            terms=_terms(self.figures.classes),
            effective_date=OPENED,
            publisher="bench",
            at=clock.now(),
        )
        self._admit()
        self.pool = pools.open_pool(pool=self.pool, opener="bench", on=OPENED)
        self.owner.execute(
            """CREATE TABLE bench_floor (LIKE ledger_charge INCLUDING DEFAULTS,
               PRIMARY KEY (membership_id, pool_id, period_no)) PARTITION BY LIST (period_no)"""
        )
        self.say(f"{self.figures.members:,} members admitted in {time.monotonic() - began:.1f} s")

    def _person(self, duty: str) -> User:
        person = User.objects.create_user(f"{duty}@bench.invalid")
        pools.grant_founding_duty(pool=self.pool, person=person, duty=duty, at=clock.now())
        return person

    def _admit(self) -> None:
        """Admit the members class by class, and let the planner know them.

        The first million of each class come by the service. Those beyond are rows like theirs, written with the guards
        asleep: what joining costs is not measured here, and for a hundred million it would take an hour.
        """
        each, rest = divmod(self.figures.members, self.figures.classes)
        for class_no in range(self.figures.classes):
            count = each + (1 if class_no < rest else 0)
            admit_group(
                pool=self.pool,
                count=min(ADMITTED_BY_SERVICE, count),
                class_no=class_no,
                from_at=clock.start_of_day(OPENED, ZONE),
                joined_date=OPENED,
                actor="bench",
            )
            if count > ADMITTED_BY_SERVICE:
                self._multiply(count - ADMITTED_BY_SERVICE, class_no)
        self.owner.execute("VACUUM (ANALYZE) members_span, members_membership")

    def _multiply(self, count: int, class_no: int) -> None:
        """Write so many more members of a class, as the server's administrator, whom guards let pass on request."""
        with psycopg.connect(self.admin_dsn, autocommit=True) as admin:
            admin.execute("SET session_replication_role = replica")
            admin.execute(
                """INSERT INTO members_membership (pool_id, number, joined_date)
                   SELECT %s::bigint, last.number + n, %s::date
                     FROM (SELECT max(number) AS number FROM members_membership WHERE pool_id = %s) last,
                          generate_series(1, %s) n""",
                [self.pool.pk, OPENED, self.pool.pk, count],
            )
            admin.execute(
                """INSERT INTO members_span (pool_id, membership_id, class_no, from_at, recorded_at)
                   SELECT m.pool_id, m.id, %s::smallint, %s, clock_timestamp() FROM members_membership m
                    WHERE m.pool_id = %s AND m.id > (SELECT max(membership_id) FROM members_span)""",
                [class_no, clock.start_of_day(OPENED, ZONE), self.pool.pk],
            )

    def measure_floor(self, run: int) -> None:
        """Write constant charges of the same people: what no way of charging them can avoid."""
        with self._measured(self.figures.floor_seconds, self.figures.floor_wal_bytes):
            self.owner.execute(
                f"""CREATE TABLE bench_leaf (LIKE ledger_charge INCLUDING DEFAULTS,
                    CHECK (pool_id = {self.pool.pk} AND period_no = {run})) WITH (autovacuum_enabled = false)"""
            )
            self.owner.execute(
                """INSERT INTO bench_leaf (membership_id, share_fen, pool_id, period_no)
                   SELECT membership_id, 486, %s::int, %s::int FROM members_span WHERE pool_id = %s""",
                [self.pool.pk, run, self.pool.pk],
            )
            self.owner.execute("ALTER TABLE bench_leaf ADD PRIMARY KEY (membership_id, pool_id, period_no)")
            self.owner.execute(f"ALTER TABLE bench_floor ATTACH PARTITION bench_leaf FOR VALUES IN ({run})")
        # Its disk is needed for what follows.
        self.owner.execute("DROP TABLE bench_leaf")

    @contextmanager
    def _measured(self, seconds: list[float], wal: list[int]) -> Iterator[None]:
        self.admin.execute("CHECKPOINT")
        start = self._wal_position()
        began = time.perf_counter()
        yield
        seconds.append(time.perf_counter() - began)
        wal.append(self._wal_position() - start)

    def _wal_position(self) -> int:
        row = self.admin.execute("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn").fetchone()
        assert row is not None
        return int(row[0])

    def frozen_period(self, run: int) -> Period:
        """Take the next period up to its headcount."""
        self.admin.execute("CHECKPOINT")
        opening = _month(run)
        _stop_clock_at(clock.start_of_day(opening, ZONE))
        period = sharing.open_period(pool=self.pool, at=clock.now())
        sharing.announce_award(
            pool=self.pool,
            code=f"B-{run}",
            claim_code=f"bench-{run}",
            masked={"age_band": "30-39", "sex": "f", "region": "zhejiang", "disease": "cancer_severe"},
            aid_fen=AID_FEN,
            announcer="bench",
            at=clock.now(),
        )
        _stop_clock_at(clock.start_of_day(period.publicity_date, ZONE))
        began = time.perf_counter()
        period = sharing.freeze_headcount(period=period, at=clock.now())
        self.figures.freeze_seconds.append(time.perf_counter() - began)
        return period

    def measure_preview(self, period: Period) -> None:
        """Count the covered people and compute their bill, writing nothing."""
        began = time.perf_counter()
        with connection.cursor() as cursor:
            cursor.execute(
                COUNT.format(width="%(width)s", pool="%(pool)s", as_of="%(as_of)s", recorded="%(recorded)s"),
                {
                    "width": 1_000_000,
                    "pool": self.pool.pk,
                    "as_of": period.as_of,
                    "recorded": period.headcount_recorded_at,
                },
            )
            counted = sum(row[2] for row in cursor.fetchall())
        compute_bill(period)
        self.figures.preview_seconds.append(time.perf_counter() - began)
        if counted != self.figures.members:
            raise AssertionError(f"{counted} counted, {self.figures.members} admitted")

    def measure_job(self, period: Period) -> None:
        """Let the workers compute the period and, once approved, post it."""
        period = sharing.announce_period(period=period, at=clock.now())
        _stop_clock_at(clock.start_of_day(period.publicity_end_date, ZONE))
        period = sharing.settle_period(period=period, at=clock.now())
        self.admin.execute("CHECKPOINT")
        start = self._wal_position()
        sharing.request_computation(period=period, preparer=self.admin_person.code)
        self._wait_for(period, Period.State.COMPUTED)
        sharing.approve_period(
            period=period,
            approver=self.controller.code,
            shown_sha256=period.shown_sha256 or "",
            at=clock.now(),
        )
        self._wait_for(period, Period.State.POSTED)
        self.figures.job_wal_bytes.append(self._wal_position() - start)
        self._wait_until_idle()
        self._take_times(period)

    def period(self, number: int) -> Period:
        """Return a period of the pool."""
        return Period.objects.get(pool=self.pool, number=number)

    def _wait_for(self, period: Period, state: str) -> None:
        """Look until the workers have got there. Raises: RuntimeError with the error of a job that is stuck."""
        end = time.monotonic() + PATIENCE
        while True:
            period.refresh_from_db()
            if period.state == state:
                return
            row = self.owner.execute(
                "SELECT kind, last_error FROM work_job WHERE last_error <> '' ORDER BY id DESC LIMIT 1"
            ).fetchone()
            if row is not None or time.monotonic() > end:
                raise RuntimeError(f"period {period.code} stays {period.state}: {row}")
            # Seldom, because looking costs what is measured; the times are taken from the job rows.
            time.sleep(0.1)

    def _wait_until_idle(self) -> None:
        """Wait until the workers have done what follows from posting too: it must not run into the next floor."""
        note = "SELECT 1 FROM work_job WHERE state IN ('queued', 'running') LIMIT 1"
        while self.owner.execute(note).fetchone() is not None:
            time.sleep(0.1)

    def _take_times(self, period: Period) -> None:
        """Read from the job rows, by the database's clock, when each stage was asked for, begun and finished."""
        rows = self.owner.execute(
            """SELECT kind, extract(epoch FROM min(created_at))::float8, extract(epoch FROM max(finished_at))::float8,
                      extract(epoch FROM sum(finished_at - started_at))::float8
                 FROM work_job WHERE (key = %(code)s OR key LIKE %(code)s || '#%%') AND kind = ANY(%(kinds)s)
                GROUP BY kind""",
            {"code": period.code, "kinds": list(STAGES)},
        )
        times = {kind.removeprefix("sharing."): (asked, done, worked) for kind, asked, done, worked in rows}
        self.figures.compute_seconds.append(times["compute"][1] - times["compute"][0])
        self.figures.post_seconds.append(times["close_posting"][1] - times["start_posting"][0])
        self.figures.stages = {kind: round(worked, 3) for kind, (_asked, _done, worked) in times.items()}

    def measure_verify(self) -> None:
        """Verify the last period: once by numbers and sums of its shards, once as verify_books does, by everyone."""
        row = self.owner.execute(
            "SELECT b.id, g.id FROM ledger_book b JOIN ledger_log g ON g.code = b.code WHERE b.code = 'bench'"
        ).fetchone()
        assert row is not None
        pool = PoolRow(self.pool.pk, "bench", ZONE, *row)
        last = periods(pool)[-1]
        with _true(SENTENCES, self.figures.verify_seconds) as report:
            verify_one_period(report, pool, last.number, by_sums=True)
        with _true(headcount.SENTENCES, self.figures.recount_seconds) as report:
            headcount.verify_headcount(report, last)

    def measure_sizes(self, run: int) -> None:
        """Read the sizes of the last period's charges."""
        row = self.owner.execute(
            """SELECT pg_relation_size(oid), pg_indexes_size(oid) FROM pg_class
                WHERE oid = to_regclass(%(leaf)s::text)""",
            {"leaf": f"ledger_charge_{self.pool.pk}_{run}"},
        ).fetchone()
        self.figures.charge_rows_bytes, self.figures.charge_key_bytes = row or (0, 0)
        row = self.admin.execute(
            "SELECT pg_database_size(current_database()), (SELECT sum(size)::bigint FROM pg_ls_waldir())"
        ).fetchone()
        self.figures.database_bytes, self.figures.wal_directory_bytes = row or (0, 0)

    def close(self) -> None:
        """Close the connections."""
        self.owner.close()
        self.admin.close()


@contextmanager
def _true(sentences: Mapping[str, str], seconds: list[float]) -> Iterator[Report]:
    """Time a verification. Raises: AssertionError where a statement is false; a measured period must be true."""
    report = Report.of(sentences)
    began = time.perf_counter()
    with one_snapshot():
        yield report
    seconds.append(time.perf_counter() - began)
    if report.is_false:
        raise AssertionError(f"the measured period is wrong: {report.statements}")


@contextmanager
def workers(count: int, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run that many Celery worker processes until the end, and wait for their first sign of life."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "aidplatform.worker", f"--concurrency={count}", "--loglevel=WARNING"],
            cwd=ROOT,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    with stopped_at_end(process):
        end = time.monotonic() + 60
        while not current_app.control.ping(timeout=0.5):
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"no worker came up:\n{log.read_text()[-2000:]}")
        yield process


@contextmanager
def stopped_at_end(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """End a process of a group of its own in order, its children by force when it takes too long."""
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


def peak_memory(process: subprocess.Popen[bytes]) -> int:
    """Return the most bytes that a process or one of its children has held; 0 where the system does not tell."""
    peak = 0
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            facts = dict(line.split(":\t", 1) for line in status.read_text().splitlines() if ":\t" in line)
        except OSError:
            continue
        if process.pid in {int(facts["Pid"]), int(facts["PPid"])} and "VmHWM" in facts:
            peak = max(peak, int(facts["VmHWM"].split()[0]) * 1024)
    return peak


def _terms(classes: int) -> dict[str, Any]:
    """Return plan terms with that many classes, of weights 1, 2, 3 …"""
    return {
        "fee": {"rate": "8/100"},
        "calendar": {
            "publicity_days": 3,
            "periods": [{"opening_day": 1, "publicity_day": 7, "charge_day": 14}],
        },
        "classes": [
            {
                "class_no": number,
                "weight": number + 1,
                "name_en": f"Class {number}",
                "name_zh": f"第{number}类",
            }
            for number in range(classes)
        ],
        "aid": [{"severity": "severe", "age_from": 0, "age_before": 60, "max_aid_fen": AID_FEN}],
        "on_cap": "redistribute",
        "on_infeasible": "sponsor",
        "waiting_days": 90,
        "minimum_members": 1,
        "notice_days": 7,
        "operator": {
            "name": "Bench",
            "registration": "0",
            "legal_basis_en": "None: a measurement",
            "legal_basis_zh": "无：仅供测量",
            "contact": "bench.invalid",
        },
        "wind_down": {"payer": "Bench", "run_off_days": 0},
        "debit": {
            "scheme": "card",
            "creditor_id": "Bench",
            "first_notice_days": 1,
            "later_notice_days": 1,
        },
    }


def _month(run: int) -> dt.date:
    """Return the opening date of the run's period; runs count from 1."""
    years, month = divmod(run - 1, 12)
    return OPENED.replace(year=OPENED.year + years, month=month + 1)


def _stop_clock_at(at: dt.datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE work_installation SET clock_at = %s", [at])
