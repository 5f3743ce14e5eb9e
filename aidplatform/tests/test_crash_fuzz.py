"""Several pools over several periods, with trouble by chance all the time: at the end all money is the same."""

import os
import random
import time
from collections import Counter
from collections.abc import Iterator

import pytest

from aidplatform.testing.crash_runs import Ground, prepared_ground
from aidplatform.testing.crash_trouble import Chaos

pytestmark = [pytest.mark.crash, pytest.mark.soak, pytest.mark.timeout(7200)]
SEED = int(os.environ.get("AID_SEED") or random.randrange(10**6))
MINUTES = float(os.environ.get("AID_SOAK_MINUTES", "5"))
PERIODS = 3
#: How long a round is troubled; a round that takes longer may then end in peace.
TROUBLED_SECONDS = 60.0


@pytest.fixture(scope="module")
def ground(django_db_blocker: pytest.FixtureRequest) -> Iterator[Ground]:
    with django_db_blocker.unblock(), prepared_ground(pools=2) as made:
        yield made


def test_trouble_by_chance_leaves_the_same_money(ground: Ground, capsys: pytest.CaptureFixture[str]) -> None:
    chance, done, began, seconds = random.Random(SEED), Counter[str](), time.monotonic(), []
    undisturbed = ground.run(periods=PERIODS, patience=300)
    while time.monotonic() - began < MINUTES * 60 or not seconds:
        chaos = Chaos(random.Random(chance.random()), ground.installation, TROUBLED_SECONDS)
        try:
            outcome = ground.run(periods=PERIODS, patience=300, trouble=chaos)
        finally:
            chaos.let_all_go_on()
        assert outcome.digests == undisturbed.digests, f"seed {SEED}, round {len(seconds) + 1}"
        done += chaos.done
        seconds.append(outcome.seconds)
    with capsys.disabled():
        print(
            f"\nseed {SEED}: {len(seconds)} rounds of 4 pools and {PERIODS} periods, {sum(done.values())} troubles"
        )
        print(f"  {dict(sorted(done.items()))}")
        print(f"  seconds per round: undisturbed {undisturbed.seconds:.0f}, longest {max(seconds):.0f}")
    assert sum(done.values()) >= 10
