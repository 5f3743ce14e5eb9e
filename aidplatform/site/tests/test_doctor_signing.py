"""The doctor looks at the signer of the logs and at their witnesses."""

import datetime as dt
import time
from pathlib import Path

import pytest

from aidplatform.lib import clock
from aidplatform.site.doctor import CHECKS
from aidplatform.testing.signing import TestSigner
from aidplatform.testing.witnesses import name_witnesses, running_witness
from aidplatform.testing.world import World, set_clock
from ledger.openbooks.checkpoint_models import LogKey
from ledger.openbooks.services import append
from ledger.openbooks.witnesses import ask_witnesses


@pytest.fixture
def world(committed_db: tuple[str, str]) -> World:
    return World.founded()


@pytest.fixture
def signer(world: World, tmp_path: Path) -> TestSigner:
    made = TestSigner(tmp_path / "signer" / "state")
    made.sign()
    return made


def faults(name: str) -> list[str]:
    """Return what a check finds wrong."""
    return [fault.sentence for fault in CHECKS[name][1]()]


def later(**time: int) -> None:
    set_clock(clock.now() + dt.timedelta(**time))


def test_log_whose_entries_wait_for_a_signature_is_named(world: World, signer: TestSigner) -> None:
    append(code=world.pool.code, entry_type="stats", key="a", body={"n": 1}, at=clock.now())
    assert faults("signer") == []
    later(minutes=11)
    assert faults("signer") == ["1 entries of the log of test-pool wait for a signature longer than 0:10:00."]
    signer.sign()
    assert faults("signer") == []


def test_signer_that_says_nothing_for_a_day_is_named(world: World, signer: TestSigner) -> None:
    later(hours=26)
    (said,) = faults("signer")
    assert said.startswith("The signer of the log of test-pool has not been heard of for ")


def test_witnesses_that_do_not_sign_are_named(world: World, signer: TestSigner, tmp_path: Path) -> None:
    assert faults("witnesses") == []
    with running_witness(tmp_path / "one", "one.example/aid") as one:
        one.add(LogKey.objects.get().vkey)
        name_witnesses(world, [one], needed=1)
        signer.sign()
        assert faults("witnesses") == []
        later(hours=26)
        (said,) = faults("witnesses")
        assert said.startswith("Too few witnesses have signed the log of test-pool")
        ask_witnesses(now=int(time.time()))
    assert faults("witnesses") == []
