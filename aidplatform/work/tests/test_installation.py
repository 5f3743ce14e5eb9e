"""What a database is, a demonstration or a real installation, it stays; a real one has no movable clock."""

import datetime as dt
import os
import subprocess
import sys

import psycopg
import pytest

from aidplatform.testing.plugin import ROOT
from aidplatform.testing.refusals import not_permitted, refused, refused_to_owner, run, value


@pytest.fixture
def real(committed_db: tuple[str, str]) -> tuple[str, str]:
    """Turn this test's own database into a real installation, as nobody can whose triggers are on."""
    with psycopg.connect(committed_db[0], autocommit=True) as owner:
        owner.execute("ALTER TABLE work_installation DISABLE TRIGGER USER")
        owner.execute("UPDATE work_installation SET demo = false")
        owner.execute("ALTER TABLE work_installation ENABLE TRIGGER USER")
    return committed_db


@pytest.mark.parametrize(
    "change", ["clock_at = now()", "clock_offset = interval '1 day'", "demo_ready = true"]
)
def test_real_clock_is_not_moved(real: tuple[str, str], change: str) -> None:
    with refused("real_clock_is_not_moved"):
        run(f"UPDATE work_installation SET {change}")
    assert value("SELECT aid_now() = now()")


def test_real_clock_is_not_moved_by_the_owner_either(real: tuple[str, str]) -> None:
    with psycopg.connect(real[0]) as owner, refused_to_owner(owner, "real_clock_is_not_moved"):
        owner.execute("UPDATE work_installation SET clock_at = now()")


def test_demo_stays_demo(committed_db: tuple[str, str]) -> None:
    with not_permitted():
        run("UPDATE work_installation SET demo = false")
    with psycopg.connect(committed_db[0], autocommit=True) as owner:
        for statement in ("UPDATE work_installation SET demo = false", "DELETE FROM work_installation"):
            with refused_to_owner(owner, "demo_stays_demo"):
                owner.execute(statement)


def test_demo_stays_demo_and_real_stays_real(real: tuple[str, str]) -> None:
    with psycopg.connect(real[0]) as owner, refused_to_owner(owner, "demo_stays_demo"):
        owner.execute("UPDATE work_installation SET demo = true")


@pytest.mark.parametrize(
    ("demo", "sentence"),
    [("1", "This is a real database; it never becomes"), ("0", "This is a demonstration database; it never")],
)
def test_prepare_refuses_to_start_a_database_as_the_other_kind(
    committed_db: tuple[str, str], demo: str, sentence: str, request: pytest.FixtureRequest
) -> None:
    if demo == "1":
        request.getfixturevalue("real")
    environment = {
        **os.environ,
        "AID_DATABASE_OWNER_URL": committed_db[0],
        "AID_DATABASE_URL": committed_db[1],
        "AID_DATABASE_ROLE": "owner",
        "AID_DEMO": demo,
        "AID_PUBLIC_URL": "https://aid.example.org",
    }
    done = subprocess.run(
        [sys.executable, "manage.py", "prepare", "--database-only"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert sentence in done.stderr
    assert value("SELECT demo FROM work_installation") is (demo == "0")


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO work_installation (id, demo, demo_ready) VALUES (2, true, false)",
        "DELETE FROM work_installation",
        "TRUNCATE work_installation",
        "UPDATE work_installation SET id = 2",
    ],
)
def test_installation_gives_the_application_no_second_row(db: None, statement: str) -> None:
    with not_permitted():
        run(statement)


def test_one_installation_row(owner: psycopg.Connection) -> None:
    with refused_to_owner(owner, "one_installation_row"):
        owner.execute("INSERT INTO work_installation (id, demo, demo_ready) VALUES (2, true, false)")


def test_demo_clock_moves_for_everybody(db: None) -> None:
    at = dt.datetime(2026, 1, 7, tzinfo=dt.UTC)
    run("UPDATE work_installation SET clock_at = %s", at)
    assert value("SELECT aid_now()") == at
