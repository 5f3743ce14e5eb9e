"""A period from opening to posted, with SIGKILL at named points: afterwards all money is as if nothing happened.

Two pools run at once, one for each way charges are stored, over several shards each. Victims are the process
that passes the point, the whole worker, the broker, PostgreSQL, and the supervisor with everything it runs.
`make test` lands one of each in one run; `make soak` lands one of every victim at every point.
"""

import os
import random
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from aidplatform.testing.crash_runs import (
    BROKER,
    CHILD,
    POSTGRES,
    SUPERVISOR,
    WORKER,
    Arm,
    Ground,
    Outcome,
    prepared_ground,
)
from aidplatform.testing.stack import ROOT

pytestmark = [pytest.mark.crash, pytest.mark.timeout(900)]
RECOVERY_SECONDS = 30
SEED = int(os.environ.get("AID_SEED", "20260101"))
POOLS = 2
STEPS = ("open", "freeze", "announce", "settle")


@pytest.fixture(scope="module")
def ground(django_db_blocker: pytest.FixtureRequest) -> Iterator[Ground]:
    with django_db_blocker.unblock(), prepared_ground() as made:
        yield made


@pytest.fixture(scope="module")
def undisturbed(ground: Ground) -> Outcome:
    return ground.run()


def _points_in_the_code() -> set[str]:
    """Return the name of every failpoint of the main job and of what carries it."""
    names: set[str] = set()
    for app in ("aidplatform", "members", "ledger"):
        for path in (ROOT / app).rglob("*.py"):
            names |= set(re.findall(r'(?<!def )failpoint\(f?"([^"]+)"\)', _without_tests(path)))
    assert "sharing.{name}" in names
    names = names - {"sharing.{name}"} | {f"sharing.{step}" for step in STEPS}
    return {name for name in names if name.split(".")[0] in {"job", "outbox", "sharing"}}


def _without_tests(path: Path) -> str:
    return "" if {"tests", "testing"} & set(path.parts) else path.read_text()


def _arm(point: str, victim: str, undisturbed: Outcome, chance: random.Random) -> Arm:
    """Choose the passage by chance, among those that come whatever else is killed.

    Stages inside a transaction come once per pool at least. The passage behind a commit that a kill has cut
    off does not come again, and two shards ended at once both pass as the last: hence half of what was seen.
    """
    passages = undisturbed.passages[point]
    surely = 1 if point == "sharing.approved" else max(POOLS, passages // 2)
    return Arm(point, chance.randint(1, surely), victim)


def _require_same(outcome: Outcome, undisturbed: Outcome, *arms: Arm) -> None:
    assert {tuple(line.split()[:2]) for line in outcome.landed} == {(arm.point, str(arm.nth)) for arm in arms}
    assert outcome.digests == undisturbed.digests
    # On a machine that is busy with other things a start of processes takes as long as everything else.
    assert outcome.seconds < 2 * undisturbed.seconds + RECOVERY_SECONDS


def test_undisturbed_run_passes_every_point(undisturbed: Outcome) -> None:
    """So that no stage of the job is left untried below."""
    assert set(undisturbed.passages) >= _points_in_the_code()
    assert undisturbed.landed == []
    assert {digest.table: digest.lines for digest in undisturbed.digests}["ledger_charge"] == 2


def test_a_kill_of_everything_in_one_run_leaves_the_same_money(ground: Ground, undisturbed: Outcome) -> None:
    """As `make run` has it: the supervisor starts again what is killed, and the init system the supervisor."""
    chance = random.Random(SEED)
    arms = (
        _arm("sharing.freeze", BROKER, undisturbed, chance),
        _arm("sharing.settle", POSTGRES, undisturbed, chance),
        _arm("sharing.approved", CHILD, undisturbed, chance),
        _arm("sharing.shard_inserted", WORKER, undisturbed, chance),
        _arm("sharing.entry_posted", SUPERVISOR, undisturbed, chance),
    )
    outcome = ground.run_supervised(*arms)
    assert len(outcome.landed) == 5
    assert {line.split()[0] for line in outcome.landed} == {arm.point for arm in arms}
    assert outcome.digests == undisturbed.digests
    assert outcome.restarts == 2, "the client and the supervisor; all else the supervisor has started again"


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_every_victim_at_every_point(
    ground: Ground, undisturbed: Outcome, capsys: pytest.CaptureFixture[str]
) -> None:
    """Pairs of kills in one run, of different victims at different points; the supervisor in runs of its own."""
    chance, began = random.Random(SEED), time.monotonic()
    lost: dict[tuple[str, str], float] = {}
    for arms in _pairs(sorted(undisturbed.passages), undisturbed, chance):
        outcome = ground.run(*arms)
        _require_same(outcome, undisturbed, *arms)
        lost |= {(arm.point, arm.victim): outcome.seconds - undisturbed.seconds for arm in arms}
    supervised = ground.run_supervised()
    assert supervised.digests == undisturbed.digests
    for point in chance.sample(sorted(undisturbed.passages), 6):
        arm = _arm(point, SUPERVISOR, undisturbed, chance)
        outcome = ground.run_supervised(arm)
        _require_same(outcome, undisturbed, arm)
        lost[point, SUPERVISOR] = outcome.seconds - supervised.seconds
    with capsys.disabled():
        _print_table(lost, time.monotonic() - began)
    assert len(lost) >= 50
    assert {point for point, _ in lost} >= _points_in_the_code()
    assert {victim for _, victim in lost} == {CHILD, WORKER, BROKER, POSTGRES, SUPERVISOR}


def _pairs(points: list[str], undisturbed: Outcome, chance: random.Random) -> Iterator[tuple[Arm, ...]]:
    """Pair every victim with every point, two to a run."""
    waiting = [(point, victim) for point in points for victim in (CHILD, WORKER, BROKER, POSTGRES)]
    chance.shuffle(waiting)
    while waiting:
        first = waiting.pop()
        other = next((w for w in waiting if w[0] != first[0] and w[1] != first[1]), None)
        chosen = [first] if other is None else [first, other]
        waiting = [w for w in waiting if w != other]
        yield tuple(_arm(point, victim, undisturbed, chance) for point, victim in chosen)


def _print_table(lost: dict[tuple[str, str], float], seconds: float) -> None:
    victims = (CHILD, WORKER, BROKER, POSTGRES, SUPERVISOR)
    print(
        f"\n{len(lost)} kills, seed {SEED}, in {seconds:.0f} s; seconds each run took longer than undisturbed"
    )
    print(f"{'point':<24}" + "".join(f"{victim:>12}" for victim in victims))
    for point in sorted({point for point, _ in lost}):
        cells = (f"{lost[point, victim]:.1f}" if (point, victim) in lost else "-" for victim in victims)
        print(f"{point:<24}" + "".join(f"{cell:>12}" for cell in cells))
    print(
        f"{'longest':<24}"
        + "".join(f"{max(s for (_, v), s in lost.items() if v == w):>12.1f}" for w in victims)
    )
