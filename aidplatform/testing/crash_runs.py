"""Runs of the main job in which processes are killed at named points, and what must hold afterwards.

A run takes the pools of a prepared database from opening to posted, with a real worker, beat and servers. It
watches its processes as an init system does: what has ended is started again. The kills themselves are done
by the failpoints inside the processes, so each lands exactly where it was meant to.
"""

import io
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import Popen

import psycopg
import redis
from django.core.management import call_command

from aidplatform.embedded.roles import DATABASE
from aidplatform.testing.crash import Installation, scratch_folder
from aidplatform.testing.crash_client import START
from aidplatform.testing.stack import Stack, connected_to, free_port, wait_until
from aidplatform.testing.world import World
from aidplatform.work import models
from ledger.digest import TableDigest, money_digest

CHILD, WORKER, BROKER, POSTGRES, SUPERVISOR = "child", "worker", "broker", "postgres", "supervisor"
#: Several shards per pool; short leases, sweeps and ticks, so that recovery takes seconds.
VARIABLES = {
    "AID_SHARD_MEMBERS": "16",
    "AID_TICK_SECONDS": "1",
    "AID_SWEEP_SECONDS": "1",
    "AID_LEASE_SECONDS": "2",
}
PATIENCE = 180.0


@dataclass(frozen=True)
class Arm:
    """One kill to be: at the nth passage of the point, this victim."""

    point: str
    nth: int
    victim: str


@dataclass(frozen=True)
class Outcome:
    """What a run came to."""

    digests: list[TableDigest]
    seconds: float
    passages: dict[str, int]
    landed: list[str]
    restarts: int


#: What is done to a run at every look at it, twenty times a second.
Trouble = Callable[["Run"], None]


@dataclass
class Run:
    """One run: its failpoints, its processes, the watch over them."""

    folder: Path
    starts: dict[str, Callable[[], Popen[bytes]]]
    victims: dict[str, Callable[[], str]]
    arms: tuple[Arm, ...] = ()
    trouble: Trouble | None = None
    patience: float = PATIENCE
    afterwards: Callable[["Run"], None] | None = None
    app_url: str = ""
    processes: dict[str, Popen[bytes]] = field(default_factory=dict)
    written: dict[str, str] = field(default_factory=dict)
    restarts: int = 0

    @property
    def points(self) -> Path:
        """The folder of the failpoints."""
        return self.folder / "points"

    def outcome(self, app_url: str) -> Outcome:
        """Run to the end, demand what must always hold, and say what it came to."""
        self.app_url = app_url
        self._prepare()
        began = time.monotonic()
        if not self._ends():
            raise TimeoutError(
                f"not posted within {self.patience:.0f} s; {self.landed()}:\n{self._remains(app_url)}"
            )
        seconds = time.monotonic() - began
        self._disarm()
        wait_until(lambda: _answers(app_url), seconds=180, what="PostgreSQL")
        with connected_to(app_url):
            require_sound(app_url)
            if self.afterwards is not None:
                self.afterwards(self)
            return Outcome(money_digest(), seconds, self.passages(), self.landed(), self.restarts)

    def _prepare(self) -> None:
        """Make the folder of the failpoints, open to every account that takes part."""
        self.points.mkdir(parents=True)
        self.points.chmod(0o777)
        (self.points / "hits.log").touch()
        (self.points / "hits.log").chmod(0o666)

    def _ends(self) -> bool:
        """Start everything, arm, and watch until the client is content; False when that takes too long."""
        self.processes = {name: start() for name, start in self.starts.items()}
        deadline = time.monotonic() + self.patience
        while self.processes["client"].poll() != 0:
            if time.monotonic() > deadline:
                return False
            self._start_again()
            self._arm()
            if self.trouble is not None:
                self.trouble(self)
            time.sleep(0.05)
        return True

    def landed(self) -> list[str]:
        """Return the lines of the kills that happened: point, passage, process, victim."""
        return [line for line in self._hits() if line.split()[3] != "-"]

    def passages(self) -> dict[str, int]:
        """Return how often each point was passed."""
        counts: dict[str, int] = {}
        for line in self._hits():
            counts[line.split()[0]] = counts.get(line.split()[0], 0) + 1
        return counts

    def _hits(self) -> list[str]:
        return (self.points / "hits.log").read_text().splitlines()

    def _arm(self) -> None:
        """Write the arms that have not fired, with the victims of the moment; some may not have started yet."""
        landed = {tuple(line.split()[:2]) for line in self.landed()}
        texts: dict[str, str] = {}
        for arm in self.arms:
            if (arm.point, str(arm.nth)) in landed:
                continue
            try:
                texts[arm.point] = texts.get(arm.point, "") + f"{arm.nth} {self.victims[arm.victim]()}\n"
            except (FileNotFoundError, KeyError):
                continue
        for point, text in texts.items():
            if self.written.get(point) != text:
                self.written[point] = text
                self._write(point, text)

    def _write(self, point: str, arms: str) -> None:
        """Write what is armed at a point in one move, since processes read it at any moment."""
        fresh = self.folder / f"{point}.new"
        fresh.write_text(arms)
        fresh.chmod(0o666)
        fresh.replace(self.points / point)

    def _disarm(self) -> None:
        """Take back the arms that have not fired: they were meant for the run, not for what is tried on its end."""
        for point in self.written:
            self._write(point, "")

    def wait_until(self, condition: Callable[[], bool], *, seconds: float, what: str) -> None:
        """Wait for a condition while what has ended is started again. Raises: TimeoutError naming what did not come.

        The last kill of a run may take the worker in the moment in which the client is content.
        """

        def come() -> bool:
            self._start_again()
            return condition()

        wait_until(come, seconds=seconds, what=what)

    def _start_again(self) -> None:
        """Start what has ended."""
        for name in [name for name, process in self.processes.items() if process.poll() not in {None, 0}]:
            self.restarts += 1
            self.processes[name] = self.starts[name]()

    def _remains(self, app_url: str) -> str:
        """Return what tells why a run doesn't end: the jobs that wait, and the ends of the logs."""
        with psycopg.connect(app_url) as connection:
            jobs = connection.execute(
                """SELECT clock_timestamp(), kind, key, state, attempt, failures, lease_until, due_at, last_error
                     FROM work_job WHERE state <> 'done' ORDER BY id"""
            ).fetchall()
        tails = [f"== {path}\n{path.read_text()[-3000:]}" for path in sorted(self.folder.glob("*.log"))]
        return "\n".join([*map(str, jobs), *tails])


def found_pools(count: int = 1) -> None:
    """Found that many small and as many large pools, each with a case, in the database Django is connected to."""
    for number in range(count):
        for code, large in ((f"small-{number}", False), (f"large-{number}", True)):
            world = World.founded(code=code, members=41 + 7 * number, large=large)
            world.award(1_234_567 + number)


@dataclass
class Ground:
    """Where runs take place: servers with a prepared database to copy, and the same as files, stopped."""

    folder: Path
    installation: Installation
    beat: Stack
    client: str = START
    runs: int = 0

    def run(
        self,
        *arms: Arm,
        periods: int = 1,
        trouble: Trouble | None = None,
        patience: float = PATIENCE,
        afterwards: Callable[[Run], None] | None = None,
    ) -> Outcome:
        """Run on a copy of the database: worker and client of this run, servers and beat of the ground.

        afterwards: what is tried on the sound end, before it is digested.
        """
        self.installation.start_services()
        services, folder = self.installation.services(), self._next_folder()
        wait_until(lambda: _answers(services.admin_conninfo), seconds=180, what="PostgreSQL")
        wait_until(lambda: _broker_answers(services.redis_url), seconds=180, what="the broker")
        redis.Redis.from_url(services.redis_url).flushall()
        with services.database(f"run_{self.runs}", DATABASE) as (owner_url, app_url):
            _checkpoint(services.admin_conninfo)
            stack = Stack(app_url, owner_url, services.redis_url, folder)
            starts = {
                "worker": stack.start_worker,
                "beat": self._beat,
                "client": self._client(stack, periods),
            }
            run = Run(folder, starts, _victims(stack, self.installation), arms, trouble, patience, afterwards)
            stack.extra.update(VARIABLES, AID_FAILPOINTS=str(run.points))
            try:
                return run.outcome(app_url)
            finally:
                stack.stop()

    def run_supervised(self, *arms: Arm, periods: int = 1) -> Outcome:
        """Run on a copy of the state directory, everything under the supervisor as `make run` has it."""
        folder = self._next_folder()
        _copy(self._pristine(), folder / "state")
        installation = Installation(folder / "state")
        services = installation.services()
        stack = Stack(services.app_url, services.owner_url, services.redis_url, folder)
        victims = _victims(stack, installation)
        run = Run(folder, {}, victims, arms)
        variables = {**VARIABLES, "AID_FAILPOINTS": str(run.points), "AID_PORT": str(free_port())}
        stack.extra.update(variables)
        run.starts["supervisor"] = lambda: installation.start("run", **variables)
        run.starts["client"] = self._client(stack, periods)
        victims |= {
            WORKER: lambda: f"-{installation.pid('worker')}",
            SUPERVISOR: lambda: str(run.processes["supervisor"].pid),
        }
        try:
            return run.outcome(services.app_url)
        finally:
            stack.stop()
            installation.stop()
            shutil.rmtree(folder / "state")

    def _client(self, stack: Stack, periods: int) -> Callable[[], Popen[bytes]]:
        """Return how to start the people of a run."""
        return lambda: stack.start_code("client", self.client, str(periods))

    def _pristine(self) -> Path:
        """Return the state directory as files. The runs before have used copies of its database only."""
        pristine = self.folder / "pristine"
        if not pristine.exists():
            self.installation.stop()
            _copy(self.installation.state, pristine)
        return pristine

    def _next_folder(self) -> Path:
        self.runs += 1
        folder = self.folder / f"run-{self.runs}"
        folder.mkdir()
        return folder

    def _beat(self) -> Popen[bytes]:
        """Return the ground's beat, started again should it have ended. It knows no database."""
        process = self.beat.processes.get("beat")
        return process if process is not None and process.poll() is None else self.beat.start_beat()


@contextmanager
def prepared_ground(
    pools: int = 1, *, found: Callable[[], None] | None = None, client: str = START
) -> Iterator[Ground]:
    """Make a state directory with so many founded pools of each kind, or with what `found` makes.

    client: the code of the people of its runs. Its demonstration counts as made, so that a supervised start goes
    straight to work.
    """
    with scratch_folder() as folder:
        installation = Installation(folder / "state")
        services = installation.services()
        stack = Stack(services.app_url, services.owner_url, services.redis_url, folder, dict(VARIABLES))
        try:
            installation.start_services()
            stack.prepare()
            with connected_to(services.app_url):
                found() if found else found_pools(pools)
                models.Installation.objects.update(demo_ready=True)
            yield Ground(folder, installation, stack, client)
        finally:
            stack.stop()
            installation.stop()


def _checkpoint(admin_conninfo: str) -> None:
    """Write a checkpoint between copying a database and killing its server.

    Without one PostgreSQL (18.6, tried) hands out the numbers of a copied database's sequences again after the
    crash: the copy holds the count of numbers its original had logged ahead, and logs none of its own.
    """
    with psycopg.connect(admin_conninfo, autocommit=True) as connection:
        connection.execute("CHECKPOINT")


def _answers(conninfo: str) -> bool:
    try:
        psycopg.connect(conninfo, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def _broker_answers(url: str) -> bool:
    try:
        return bool(redis.Redis.from_url(url, socket_timeout=2).ping())
    except redis.exceptions.RedisError:
        return False


def _victims(stack: Stack, installation: Installation) -> dict[str, Callable[[], str]]:
    """Return how each victim is named to a failpoint: itself, a process group with a minus sign, a process."""
    return {
        CHILD: lambda: "self",
        WORKER: lambda: f"-{stack.processes['worker'].pid}",
        BROKER: lambda: str(installation.pid("valkey")),
        POSTGRES: lambda: str(installation.pid("postgres")),
    }


def require_sound(app_url: str) -> None:
    """Assert what must hold whatever happened: nobody is charged twice, all books are true, nothing is left."""
    with psycopg.connect(app_url) as connection:
        rows = connection.execute(
            """SELECT count(*), count(DISTINCT (pool_id, period_no, membership_id)),
                      (SELECT sum(headcount) FROM ledger_period WHERE state = 'posted') FROM ledger_charge"""
        ).fetchone()
        assert rows is not None
        assert rows[0] == rows[1] == rows[2], f"charges, distinct ones, members: {rows}"
        blamed = connection.execute(
            "SELECT kind, key, state, failures, last_error FROM work_job WHERE failures > 0 OR state = 'stuck'"
        ).fetchall()
        assert blamed == [], f"jobs that were blamed for the death of processes: {blamed}"
        twice = connection.execute(
            """SELECT subject, action, count(*) FROM work_auditentry a
                WHERE action IN ('open_period', 'freeze_headcount', 'announce_period', 'settle_period',
                                 'approve_period', 'post_period')
                GROUP BY 1, 2 HAVING count(*) <> 1 + (
                    SELECT count(*) FROM work_auditentry c WHERE c.subject = a.subject
                       AND c.action = 'cancel_posting' AND a.action = 'approve_period')"""
        ).fetchall()
        assert twice == [], twice
    said = io.StringIO()
    code: object = None
    try:
        call_command("verify_books", stdout=said)
    except SystemExit as ended:
        code = ended.code
    assert code == 0, said.getvalue()


def _copy(source: Path, target: Path) -> None:
    """Copy a folder; copying alone would make root the owner of everything."""
    shutil.copytree(source, target, symlinks=True)
    for original in [source, *source.rglob("*")]:
        status = original.lstat()
        os.chown(target / original.relative_to(source), status.st_uid, status.st_gid, follow_symlinks=False)
