"""Postings that are paused, cancelled and gone on with, with SIGKILL in the middle of it: the money is the same."""

import re
from collections.abc import Iterator

import pytest

from aidplatform.testing import crash_client, crash_steering
from aidplatform.testing.crash_runs import CHILD, POSTGRES, WORKER, Arm, Ground, Outcome, prepared_ground
from aidplatform.testing.stack import ROOT
from ledger.digest import TableDigest

pytestmark = [pytest.mark.crash, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def ground(django_db_blocker: pytest.FixtureRequest) -> Iterator[Ground]:
    with django_db_blocker.unblock(), prepared_ground() as made:
        yield made


@pytest.fixture(scope="module")
def plain(ground: Ground) -> Outcome:
    """Return what comes of the same pools where nobody pauses anything."""
    ground.client = crash_client.START
    return ground.run()


def _money(outcome: Outcome) -> list[TableDigest]:
    """Return the digests without the trail, which tells of every pause."""
    return [digest for digest in outcome.digests if digest.table != "work_auditentry"]


def test_steered_postings_come_to_the_same_money(ground: Ground, plain: Outcome) -> None:
    ground.client = crash_steering.START
    outcome = ground.run()
    points = re.findall(r'failpoint\("([^"]+)"\)', (ROOT / "ledger/sharing/posting.py").read_text())
    assert len(points) == 3
    assert set(points) <= set(outcome.passages)
    assert _money(outcome) == _money(plain)


def test_kills_while_people_steer_leave_the_same_money(ground: Ground, plain: Outcome) -> None:
    ground.client = crash_steering.START
    arms = (
        Arm("posting.paused", 1, POSTGRES),
        Arm("posting.cancelled", 1, CHILD),
        Arm("posting.resumed", 2, WORKER),
    )
    outcome = ground.run(*arms)
    assert {line.split()[0] for line in outcome.landed} == {arm.point for arm in arms}
    assert _money(outcome) == _money(plain)
