"""Time stamps of checkpoints by a throw-away authority: asked for once a day, verified, kept, and for everyone."""

import datetime as dt
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from aidplatform.lib import clock
from aidplatform.site.doctor import signing
from aidplatform.testing.authorities import Authority, running_authority
from aidplatform.testing.refusals import not_permitted, refused, run, value
from aidplatform.testing.signing import TestSigner
from aidplatform.testing.world import World
from aidplatform.tests.pages_helpers import public_world
from ledger.openbooks.checkpoint_models import Checkpoint
from ledger.openbooks.services import append
from ledger.openbooks.stamp_models import TimeStamp
from ledger.openbooks.stamps import StampError, request_stamp, stamp_checkpoints

DAY = dt.timedelta(days=1)
FILES, PAGE = "/t/test-pool/", "/pools/test-pool/open-books/"
API = "/api/v1/pools/test-pool/log/time-stamps/"


@pytest.fixture
def world(committed_db: tuple[str, str]) -> World:
    return public_world()


@pytest.fixture
def signer(world: World, tmp_path: Path) -> TestSigner:
    made = TestSigner(tmp_path / "signer" / "state")
    made.sign()
    return made


@pytest.fixture
def authority(tmp_path: Path, settings: Any) -> Iterator[Authority]:
    """Give the site one authority of time whose root it trusts."""
    with running_authority(tmp_path / "authority") as (made, url):
        settings.TIME_STAMP_URLS, settings.TIME_STAMP_ROOTS = (url,), made.root
        yield made


def stamp(days: int = 0) -> int:
    return stamp_checkpoints(now=clock.machine_now() + days * DAY)


def grow(signer: TestSigner, words: str) -> None:
    append(code="test-pool", entry_type="stats", key=words, body={"words": words}, at=clock.now())
    signer.sign()


def judged(folder: Path, data: bytes, answer: bytes, root: Path) -> int:
    """Let openssl verify an answer as a reader does; return how it ended."""
    (folder / "data").write_bytes(data)
    (folder / "answer").write_bytes(answer)
    words = ["ts", "-verify", "-data", folder / "data", "-in", folder / "answer", "-CAfile", root]
    return subprocess.run(["openssl", *words], capture_output=True, check=False).returncode


def test_everyone_checks_a_stamp_with_a_program_of_others(
    signer: TestSigner, authority: Authority, tmp_path: Path
) -> None:
    assert stamp() == 1
    size, visitor = Checkpoint.objects.get().size, Client()
    data = visitor.get(f"{FILES}tsr/{size}/checkpoint")
    answer = visitor.get(f"{FILES}tsr/{size}/127.0.0.1.tsr")
    assert (data.status_code, answer.status_code, answer["Content-Type"]) == (
        200,
        200,
        "application/timestamp-reply",
    )
    assert "immutable" in answer["Cache-Control"]
    assert data.content.decode() == visitor.get(f"{FILES}checkpoint").content.decode()
    assert judged(tmp_path, data.content, answer.content, authority.root) == 0
    assert judged(tmp_path, data.content + b" ", answer.content, authority.root) == 1
    assert abs(TimeStamp.objects.get().stamped_at - clock.machine_now()) < dt.timedelta(minutes=5)
    assert "127.0.0.1" in visitor.get(PAGE).content.decode()
    (row,) = visitor.get(API).json()["results"]
    assert [row["authority"], row["size"]] == ["127.0.0.1", size]
    assert visitor.get(f"{FILES}{row['stamp']}").content == answer.content


def test_each_authority_stamps_once_a_day_and_nothing_twice(signer: TestSigner, authority: Authority) -> None:
    assert [stamp(), stamp(), stamp(days=2)] == [1, 0, 0]
    grow(signer, "a")
    assert [stamp(), stamp(days=2), stamp(days=2)] == [0, 1, 0]
    assert (authority.asked, TimeStamp.objects.count()) == (2, 2)


def test_stamp_of_another_checkpoint_is_not_taken(
    signer: TestSigner, authority: Authority, tmp_path: Path
) -> None:
    """An answer of before, played again: it is no answer to this question, and it is over something else."""
    assert stamp() == 1
    grow(signer, "a")
    authority.replays = bytes(TimeStamp.objects.get().response)
    assert stamp(days=2) == 0
    last = Checkpoint.objects.order_by("-size")[0]
    assert judged(tmp_path, last.note.encode(), authority.replays, authority.root) == 1
    with refused("time_stamp_is_of_its_checkpoint"):
        TimeStamp.objects.create(
            checkpoint=last, authority="other", response=authority.replays, stamped_at=clock.now()
        )
    assert TimeStamp.objects.count() == 1


def test_stamp_of_somebody_unknown_is_not_taken(
    signer: TestSigner, authority: Authority, tmp_path: Path, settings: Any
) -> None:
    with (
        running_authority(tmp_path / "unknown") as (_made, url),
        pytest.raises(StampError, match="certificates"),
    ):
        request_stamp(url, b"something")
    settings.TIME_STAMP_URLS = (url,)
    assert stamp() == 0


def test_what_is_no_answer_is_not_taken(signer: TestSigner, authority: Authority) -> None:
    for reply in (b"", b"no answer", b"\x30\x80" * 50, bytes(200_000)):
        authority.replays = reply
        assert stamp() == 0
    authority.replays, authority.kind = None, "text/html"
    assert [stamp(), TimeStamp.objects.count()] == [0, 0]


def test_silent_authority_stops_no_other_and_the_doctor_names_it(
    signer: TestSigner, authority: Authority, settings: Any
) -> None:
    settings.TIME_STAMP_URLS = ("http://localhost:1/", *settings.TIME_STAMP_URLS)
    assert stamp() == 1
    (fault,) = signing.stamps()
    assert "localhost has stamped no checkpoint of the log of test-pool" in fault.sentence
    settings.TIME_STAMP_URLS = ()
    assert [stamp(), list(signing.stamps())] == [0, []]


def test_time_stamp_is_permanent(
    signer: TestSigner, authority: Authority, committed_db: tuple[str, str]
) -> None:
    stamp()
    with not_permitted():
        run("UPDATE ledger_timestamp SET authority = 'another'")
    with not_permitted():
        run("DELETE FROM ledger_timestamp")
    with (
        psycopg.connect(committed_db[0]) as owner,
        pytest.raises(psycopg.errors.CheckViolation, match="facts") as told,
    ):
        owner.execute("DELETE FROM ledger_timestamp")
    assert told.value.diag.constraint_name == "time_stamp_is_permanent"


def test_what_nobody_has_stamped_is_not_there(signer: TestSigner) -> None:
    visitor, size = Client(), Checkpoint.objects.get().size
    for path in (f"tsr/{size}/checkpoint", f"tsr/{size}/127.0.0.1.tsr", f"tsr/{2**70}/checkpoint"):
        assert visitor.get(FILES + path).status_code == 404
    assert visitor.get(API).json()["results"] == []
    assert "No authority of time stamps these checkpoints." in visitor.get(PAGE).content.decode()


def test_page_asks_as_much_for_many_stamps(signer: TestSigner, authority: Authority, settings: Any) -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as told:
            assert Client().get(PAGE).status_code == 200
        return len(told)

    stamp()
    few = asked()
    for number in range(3):
        grow(signer, f"more {number}")
        last = Checkpoint.objects.order_by("-size")[0]
        response, at = request_stamp(settings.TIME_STAMP_URLS[0], last.note.encode())
        TimeStamp.objects.create(checkpoint=last, authority="127.0.0.1", response=response, stamped_at=at)
    assert asked() == few
    assert value("SELECT count(*) FROM ledger_timestamp") == 4
