"""bench measures on an installation of its own, whatever it is started in."""

import json
import os
from typing import Any

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


def measured(what: str, *arguments: str) -> dict[str, Any]:
    """Run a measurement on an installation of its own; return its figures."""
    nothing = {name: "" for name in os.environ if name.startswith("AID_")}
    done = run_manage(
        "bench",
        *(what, "--json", "--runs", "2", *arguments),
        environment=nothing | {"DJANGO_SETTINGS_MODULE": "aidplatform.settings"},
        seconds=180,
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    assert set(answer["bars"]) <= set(answer)
    return answer


def test_bench_verify_holds_the_posted_period_in_both_ways() -> None:
    answer = measured("verify", "--members", "3000", "--classes", "2")
    assert answer["runs"] == 2
    assert answer["verify_ratio"] == pytest.approx(
        answer["verify_seconds"] / answer["floor_seconds"], rel=0.2
    )
    assert answer["recount_seconds"] > 0


def test_bench_naive_writes_its_samples_and_says_that_it_extrapolates() -> None:
    answer = measured("naive", "--members", "3000", "--sample", "2000")
    assert (answer["bulk_create_sample"], answer["save_sample"]) == (2000, 200)
    for style in ("bulk_create", "save"):
        ratio = answer[f"{style}_extrapolated_seconds"] / answer["job_seconds"]
        assert answer[f"{style}_ratio"] == pytest.approx(ratio, abs=0.2)


def test_bench_statement_reads_every_period_in_a_constant_number_of_queries() -> None:
    few, more = (measured("statement", "--members", "2000", "--periods", n) for n in ("1", "4"))
    assert (few["asked"], few["periods"], more["asked"], more["periods"]) == (300, 1, 300, 4)
    assert few["all_queries"] == more["all_queries"] == more["latest_queries"]


def test_bench_export_downloads_every_charge_to_the_fen_and_twice_the_same() -> None:
    """The command itself compares rows and fen with the charges, and the files with each other."""
    answer = measured("export", "--members", "4000", "--classes", "2")
    assert (answer["file_rows"], answer["identical_files"]) == (4000, 2)
    # Aid and fee of 324,000.00, rounded up to the fen by everybody.
    assert 32_400_000 <= answer["file_fen"] < 32_400_000 + 4000
    assert answer["file_bytes"] > 4000 * len("1,1.00\r\n")
    assert len(answer["file_sha256"]) == 64


def test_bench_books_imports_every_transfer_and_reads_the_pages_after_it() -> None:
    """Two periods of three are paid; the command itself holds every status and the number of charges."""
    answer = measured("books", "--members", "3000", "--periods", "3", "--lines", "2000")
    assert (answer["charges"], answer["lines"], answer["nobodys"]) == (9000, 6000, 6)
    assert answer["copy_ratio"] == pytest.approx(answer["import_seconds"] / answer["copy_seconds"], rel=0.1)
    assert min(answer["python_cpu_seconds"], answer["server_cpu_seconds"]) > 0
    assert answer["slowest_p95_ms"] == max(answer["each_page_p95_ms"].values()) > 0
    assert len(answer["each_page_p95_ms"]) >= 14


def test_bench_pages_answers_eight_members_at_once_and_one_during_a_posting() -> None:
    """The command itself holds every status, and that everybody's answer takes as many queries."""
    answer = measured("pages", "--members", "1000", "--periods", "2")
    assert (answer["periods"], answer["connections"], answer["asked"]) == (2, 8, 200)
    assert 0 < answer["json_queries"] < answer["page_queries"] <= 29
    assert answer["busy_ratio"] == pytest.approx(answer["busy_p95_ms"] / answer["alone_p95_ms"], abs=0.01)


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


def test_bench_proofs_makes_signs_serves_and_checks_the_rolls() -> None:
    answer = measured("proofs", "--members", "3000", "--classes", "8")
    assert answer["frozen_roll_seconds"] > 0
    assert answer["closed_roll_seconds"] > 0
    assert 2_000 < answer["proof_size"] <= 8_000
    assert answer["proof_p95_ms"] >= answer["proof_p50_ms"] > 0
    assert answer["roll_check_peak_bytes"] > 5_000_000
    assert answer["kept_bytes_per_member_and_period"] > 33
