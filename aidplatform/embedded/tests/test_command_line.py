"""The real command line: one holder per state, children that die with it, state that survives kills."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
import redis

from aidplatform.embedded.configuration import CHECKOUT
from aidplatform.embedded.tests.helpers import CLEAN, addresses_of, alive, cli, layout_in, until
from aidplatform.lib.redis_urls import redis_client_url

RUNNING = "PostgreSQL and the broker run"

pytestmark = pytest.mark.crash


def test_of_two_starts_at_once_one_runs_and_the_other_says_why(place: Path) -> None:
    """Trap 3: without the lock both would find no server and start one on the same cluster."""
    with cli(place) as first, cli(place) as second, cli(place) as third:
        starts = [first, second, third]
        assert until(lambda: sum(start.process.poll() is not None for start in starts) == 2, 20)
        winner = next(start for start in starts if start.process.poll() is None)
        winner.wait_for(RUNNING)
        losers = [start for start in starts if start is not winner]
        texts = [start.text() for start in losers]
        codes = [start.process.returncode for start in losers]
        servers = sorted(winner.children().values())

    assert codes == [1, 1]
    assert all("Already running: process" in text and "AID_STATE_DIR" in text for text in texts)
    assert servers == ["postgres", "valkey-server"]


def test_killed_supervisor_takes_everything_with_it_and_the_next_start_works_at_once(place: Path) -> None:
    """Trap 4, and the state of database and broker survives (trap 10)."""
    layout = layout_in(place)
    with cli(place) as first:
        first.wait_for(RUNNING)
        addresses, admin = addresses_of(layout)
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 'before the kill' AS told")
        with redis.Redis.from_url(redis_client_url(addresses.redis_url)) as client:
            client.set("kept", "too")
            client.execute_command("WAITAOF", 1, 0, 5000)
        children = first.children()
        first.process.kill()
        first.process.wait()
        gone = until(lambda: not any(alive(pid) for pid in children), 5)
        with cli(place) as second:
            second.wait_for(RUNNING, 10)
            with psycopg.connect(admin) as connection:
                told = connection.execute("SELECT told FROM kept").fetchone()
            with redis.Redis.from_url(redis_client_url(addresses.redis_url)) as client:
                broker_told = client.get("kept")

    assert len(children) == 2
    assert gone
    assert told == ("before the kill",)
    assert broker_told == b"too"


@pytest.mark.parametrize("victim", ["postgres", "valkey-server"])
def test_killed_server_is_back_within_seconds_with_all_it_held(place: Path, victim: str) -> None:
    layout = layout_in(place)
    with cli(place) as started:
        started.wait_for(RUNNING)
        addresses, admin = addresses_of(layout)
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
        with redis.Redis.from_url(redis_client_url(addresses.redis_url)) as client:
            client.set("kept", "1")
            client.execute_command("WAITAOF", 1, 0, 5000)
        pid = next(pid for pid, name in started.children().items() if name == victim)
        os.kill(pid, signal.SIGKILL)

        healed = until(lambda: _all_kept(admin, addresses.redis_url), 10)
        text = started.text()
        still_up = started.process.poll() is None

    assert healed
    assert still_up
    assert "was ended by SIGKILL; starting it again" in text


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stop_is_orderly_although_a_background_shell_handed_down_an_ignored_interrupt(
    place: Path, number: signal.Signals
) -> None:
    with cli(place, ignore_interrupt=True) as started:
        started.wait_for(RUNNING)
        children = started.children()
        started.process.send_signal(number)
        started.process.wait(20)
        text = started.text()
        left = [pid for pid in children if alive(pid)]
        log = (place / "state" / "log" / "postgres.log").read_text()

    assert started.process.returncode == 0
    assert left == []
    assert text.splitlines()[-1].endswith("stopped")
    assert "database system is shut down" in log
    assert not (place / "state" / "run" / "children.json").exists()


def test_stop_command_stops_from_another_terminal_and_waits(place: Path) -> None:
    with cli(place) as started:
        started.wait_for(RUNNING)
        with cli(place, "stop") as stopper:
            stopper.process.wait(30)
            answer = stopper.text()
        ended = started.process.wait(5)
        with cli(place, "stop") as again:
            again.process.wait(10)
            nothing = again.text()

    assert (stopper.process.returncode, ended) == (0, 0)
    assert answer.endswith("stopped\n")
    assert nothing.endswith("nothing runs there\n")


@pytest.mark.parametrize(
    ("role", "addresses"),
    [
        ("app", ["AID_DATABASE_URL"]),
        (
            "admin",
            ["AID_DATABASE_ADMIN_URL", "AID_DATABASE_OWNER_URL", "AID_DATABASE_ROLE", "AID_DATABASE_URL"],
        ),
    ],
)
def test_management_command_gets_the_addresses_of_its_role(
    place: Path, role: str, addresses: list[str]
) -> None:
    code = "import os; print(sorted(name for name in os.environ if name.startswith('AID_DATABASE')))"
    done = subprocess.run(
        [sys.executable, "-m", "aidplatform.embedded", "manage", *("--role", role), "shell", "-c", code],
        cwd=CHECKOUT,
        env=CLEAN | {"AID_STATE_DIR": str(place / "state")},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stdout.splitlines()[-1:] == [str(addresses)], done.stderr


def test_message_for_people_comes_without_a_trace(place: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "aidplatform.embedded", "run"],
        cwd=CHECKOUT,
        env=CLEAN | {"AID_STATE_DIR": str(place / "state"), "AID_HOST": "0.0.0.0"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "AID_HOST=0.0.0.0" in done.stderr
    assert "Traceback" not in done.stderr


def _all_kept(admin: str, redis_url: str) -> bool:
    try:
        with psycopg.connect(admin, connect_timeout=2) as connection:
            row = connection.execute("SELECT one FROM kept").fetchone()
        with redis.Redis.from_url(redis_client_url(redis_url)) as client:
            return row == (1,) and client.get("kept") == b"1"
    except (psycopg.OperationalError, redis.exceptions.RedisError):
        return False
