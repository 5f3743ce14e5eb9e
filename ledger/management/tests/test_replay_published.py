"""The published periods are computed by a real worker in another process."""

import json
from io import StringIO

import pytest
from celery import current_app
from django.core.management import call_command
from django.db import connection

from aidplatform.testing.stack import Stack, wait_until
from aidplatform.work import jobs
from aidplatform.work.models import Job
from ledger.management.commands import replay_published
from ledger.sharing import replay
from ledger.sharing.published import Kind, Range, judge, published_rows


def run(*arguments: str) -> tuple[int, str, str]:
    """Run the command; return exit code, answer and complaints."""
    out, err = StringIO(), StringIO()
    with pytest.raises(SystemExit) as left:
        call_command("replay_published", *arguments, stdout=out, stderr=err)
    return left.value.code, out.getvalue(), err.getvalue()


def sessions_so_far() -> int:
    """Return how often anybody has signed in to this database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT sessions FROM pg_stat_database WHERE datname = current_database()")
        return cursor.fetchone()[0]


def test_a_worker_replays_every_published_row(stack: Stack):
    stack.start_worker(concurrency=1)
    wait_until(lambda: bool(current_app.control.ping(timeout=0.5)), seconds=120, what="the worker")
    sessions = sessions_so_far()
    code, said, _complaints = run("--json", "--patience", "40")
    answer = json.loads(said)
    rows = {row["label"]: row for row in answer["rows"]}

    assert code == 0
    assert len(rows) == len(published_rows())
    assert sum(answer["counts"].values()) == len(rows)
    first, second, third = (rows[label] for label in replay.REQUIRED)
    assert (first["published_share_fen"], first["computed_low_fen"], first["computed_high_fen"]) == (3, 3, 3)
    assert (second["published_share_fen"], second["computed_low_fen"]) == (1, 1)
    assert (first["verdict"], second["verdict"], third["verdict"]) == ("agrees", "agrees", "contradicts")
    assert "implies" in third["reason"]
    done = Job.objects.filter(kind=replay.REPLAY, state="done").order_by("pk")
    assert done.count() == len(rows)
    # A worker keeps its connection from job to job: signing in anew would cost a small job most of its time.
    assert sessions_so_far() - sessions < len(rows) / 4

    out = StringIO()
    replay_published.Command(stdout=out)._print(replay.verdicts(done), [])
    lines = out.getvalue().splitlines()
    line = next(number for number, text in enumerate(lines) if text.startswith("2019-01-2:critical"))
    assert lines[line].split() == ["2019-01-2:critical", "0.03", "0.03", "agrees"]
    assert lines[line + 1].strip() == "648,000.00 over 23,000,000 members is 0.03 each, as published."
    assert lines[-1].startswith(f"agrees {answer['counts']['agrees']}, consistent interval ")


def test_without_a_worker_nothing_is_claimed(committed_db, monkeypatch):
    monkeypatch.setattr(replay_published, "PING_SECONDS", 0.2)
    code, said, complaints = run()
    assert (code, said) == (2, "")
    assert complaints.startswith("No worker answers, and without one nothing is replayed.")
    assert not Job.objects.exists()


def test_a_worker_that_goes_silent_is_told(committed_db, monkeypatch):
    monkeypatch.setattr(replay_published, "_require_worker", lambda: None)
    code, _said, complaints = run("--patience", "0.3")
    assert code == 2
    assert f"0 of {len(published_rows())} rows were computed within 0 s" in complaints


def test_another_verdict_on_a_row_that_must_agree_is_a_failure():
    rows = {row.label: row for row in published_rows()}
    good = [(rows[label], judge(rows[label])) for label in replay.REQUIRED]
    assert replay.broken_promises(good) == []
    wrong = judge(rows["2019-01-2:critical"], computed_fen=Range(4, 4))
    assert replay.broken_promises([(rows["2019-01-2:critical"], wrong), *good[1:]]) == [
        f"2019-01-2:critical must come out as agrees, and is {wrong.kind.value}"
    ]
    assert wrong.kind is not Kind.AGREES
    assert replay.broken_promises(good[1:]) == ["2019-01-2:critical must come out as agrees, and is missing"]


def test_a_row_that_is_gone_fails_its_job(db):
    lease = jobs.Lease(job_id=1, attempt=1, payload={"row": "1999-01-1"}, actor="t")
    with pytest.raises(replay.UnknownRowError, match="1999-01-1"):
        replay.replay_row(lease)
