"""bench measures on an installation of its own, whatever it is started in."""

import json
import os

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from aidplatform.embedded.scratch import PREFIX
from aidplatform.testing.operator import run_manage
from aidplatform.testing.plugin import test_services


def test_bench_refuses_any_database_but_its_own(db):
    with pytest.raises(CommandError, match="runs on a scratch database only"):
        call_command("bench", "apportion", "--members", "10")


def test_bench_needs_nothing_but_the_checkout():
    """No variable of an installation is set, no server runs: real workers post two periods all the same."""
    nothing = {name: "" for name in os.environ if name.startswith("AID_")}
    done = run_manage(
        "bench",
        *("apportion", "--members", "2000", "--runs", "2", "--classes", "3", "--json"),
        environment=nothing | {"DJANGO_SETTINGS_MODULE": "aidplatform.settings"},
        seconds=120,
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert (answer["members"], answer["classes"], answer["runs"]) == (2000, 3, 2)
    assert len(answer["each_post_seconds"]) == len(answer["each_floor_seconds"]) == 2
    assert answer["ratio"] == pytest.approx(answer["job_seconds"] / answer["floor_seconds"], rel=0.1)
    assert answer["job_wal_bytes"] > 2000 * 52
    assert answer["worker_peak_bytes"] > answer["worker_idle_bytes"] > 10_000_000
    assert set(answer["stages_of_last_run_seconds"]) >= {
        "compute",
        "start_posting",
        "write_shard",
        "close_posting",
    }


def test_bench_uses_the_server_of_the_administrator_and_leaves_nothing_there(db):
    services = test_services()
    environment = {
        "AID_DATABASE_ADMIN_URL": services.admin_conninfo,
        "AID_DATABASE_OWNER_URL": services.owner_url,
        "AID_DATABASE_URL": services.app_url,
    }
    done = run_manage(
        "bench", "preview", "--members", "3000", "--runs", "1", environment=environment, seconds=120
    )
    assert done.returncode == 0, done.stderr
    lines = dict(line.rsplit("  ", 1) for line in done.stdout.splitlines())
    assert lines["members        "] == "3,000"
    assert float(lines["preview seconds"]) > 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_database WHERE starts_with(datname, %s)", [PREFIX])
        assert cursor.fetchone() == (0,)


def test_bench_says_what_it_can_not_do():
    environment = {
        "AID_DATABASE_ADMIN_URL": "postgresql://nobody@/x",
        "AID_DATABASE_URL": "",
        "AID_DATABASE_OWNER_URL": "",
    }
    done = run_manage("bench", "apportion", "--members", "10", environment=environment)
    assert done.returncode == 2
    assert "AID_DATABASE_URL" in done.stderr
    assert "Traceback" not in done.stderr
