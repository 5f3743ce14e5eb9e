"""One case from its draft to the aid, with SIGKILL at named points: money and log are as if nothing happened.

The people of the case are a process that is killed like any other: in the middle of filing's decisions, of an import,
of a release. `make test` lands one of each kind in one run; `make soak` lands every victim at every point.
"""

import os
import random
import re
from collections.abc import Iterator

import pytest

from aidplatform.testing.crash_journey import START, found_town
from aidplatform.testing.crash_runs import (
    BROKER,
    CHILD,
    POSTGRES,
    WORKER,
    Arm,
    Ground,
    Outcome,
    prepared_ground,
)
from aidplatform.testing.stack import ROOT

pytestmark = [pytest.mark.crash, pytest.mark.timeout(900)]
SEED = int(os.environ.get("AID_SEED", "20260101"))
PATIENCE = 240.0
# Points of the way that this case does not take: members of its pool do not pay ahead, its rules suspend nobody for an
# unpaid share, nobody is debited, no share is written off, the pool does not end, nobody appeals, nobody from outside
# looks into it, its payments go to the bank by hand and show their numbers, and nobody asked for a digest or a text.
ELSEWHERE = {
    "claims.appealed",
    "claims.arbiter_decided",
    "claims.investigation_ordered",
    "claims.investigation_reported",
    "claims.jury_drawn",
    "claims.jury_tallied",
    "custody.arrears_followed",
    "custody.arrears_told",
    "custody.charge_file_hashed",
    "custody.charge_file_made",
    "custody.cost_posted",
    "custody.debit_explained",
    "custody.award_revoked",
    "custody.entry_reversed",
    "custody.debits_announced",
    "custody.pause_granted",
    "custody.month_closed",
    "custody.payment_file_made",
    "custody.reminded",
    "custody.results_imported",
    "custody.results_told",
    "custody.results_written",
    "custody.suspended",
    "custody.wallets_opened",
    "custody.wallets_announced",
    "custody.wallets_told",
    "custody.write_off_posted",
    "custody.settlement_approved",
    "custody.undoing_posted",
    "people.digests_written",
    "people.text_sent",
}


@pytest.fixture(scope="module")
def ground(django_db_blocker: pytest.FixtureRequest) -> Iterator[Ground]:
    with django_db_blocker.unblock(), prepared_ground(found=found_town, client=START) as made:
        yield made


@pytest.fixture(scope="module")
def undisturbed(ground: Ground) -> Outcome:
    return ground.run(patience=PATIENCE)


def points_in_the_code() -> set[str]:
    """Return the name of every failpoint of claims, custody and what is told to people."""
    names: set[str] = set()
    for app in ("members", "ledger", "claims"):
        for path in (ROOT / app).rglob("*.py"):
            if "tests" not in path.parts:
                names |= set(re.findall(r'failpoint\("([^"]+)"\)', path.read_text()))
    return {name for name in names if name.split(".")[0] in {"claims", "custody", "disclosure", "people"}}


def test_undisturbed_journey_passes_every_point(undisturbed: Outcome) -> None:
    """So that no step of a case is left untried below."""
    assert points_in_the_code() - set(undisturbed.passages) == ELSEWHERE
    assert undisturbed.landed == []
    lines = {digest.table: digest.lines for digest in undisturbed.digests}
    assert (lines["ledger_award"], lines["ledger_paymentorder"]) == (1, 1)


def test_kills_along_the_way_leave_the_same_money_and_log(ground: Ground, undisturbed: Outcome) -> None:
    arms = (
        Arm("claims.recommended", 1, CHILD),
        Arm("claims.announced", 1, WORKER),
        Arm("claims.objected", 1, POSTGRES),
        Arm("custody.lines_written", 1, CHILD),
        Arm("custody.release_posted", 1, POSTGRES),
        Arm("custody.released", 1, BROKER),
    )
    outcome = ground.run(*arms, patience=PATIENCE)
    assert {line.split()[0] for line in outcome.landed} == {arm.point for arm in arms}
    assert outcome.digests == undisturbed.digests


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_every_victim_at_every_point_of_the_way(
    ground: Ground, undisturbed: Outcome, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two kills to a run, of different victims at different points, drawn by the seed."""
    chance = random.Random(SEED)
    waiting = [(p, v) for p in sorted(undisturbed.passages) for v in (CHILD, WORKER, BROKER, POSTGRES)]
    chance.shuffle(waiting)
    landed = 0
    while waiting:
        first = waiting.pop()
        other = next((w for w in waiting if w[0] != first[0] and w[1] != first[1]), None)
        chosen = [first] if other is None else [first, other]
        waiting = [w for w in waiting if w != other]
        arms = [Arm(point, 1, victim) for point, victim in chosen]
        outcome = ground.run(*arms, patience=PATIENCE)
        assert outcome.digests == undisturbed.digests, arms
        landed += len(outcome.landed)
    with capsys.disabled():
        print(f"\n{landed} kills along the way of a case, seed {SEED}")
    assert landed >= 50
