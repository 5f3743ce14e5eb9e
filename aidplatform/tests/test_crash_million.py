"""A large pool's period while worker and PostgreSQL are killed again and again: rows, totals and journal are the same.

`make test` kills a few times in a pool of some thousand. `make soak` kills AID_KILLS times (200) in runs of AID_MEMBERS
members (a million), each on a copy of one settled period. Where, when and whom is drawn by chance, from AID_SEED.
"""

import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from django.db import connection
from django.test import override_settings

from aidplatform.testing.crash_runs import CHILD, POSTGRES, WORKER, Arm, Ground, Outcome, Run, prepared_ground
from aidplatform.testing.world import World
from aidplatform.work.models import Job
from ledger.sharing import services

pytestmark = [pytest.mark.crash, pytest.mark.timeout(900)]
SEED = int(os.environ.get("AID_SEED") or random.randrange(10**6))
KILLS = int(os.environ.get("AID_KILLS", "200"))
MEMBERS = int(os.environ.get("AID_MEMBERS", "1000000"))
SHARDS = 16
KILLS_A_RUN = 10
VICTIMS = (CHILD, WORKER, POSTGRES)
PATIENCE = 900


@contextmanager
def settled_ground(members: int) -> Iterator[Ground]:
    """Make a ground whose one pool has that many members, in about SHARDS shards, and a period ready to compute."""

    def settle() -> None:
        with override_settings(SHARD_MEMBERS=-(-members // SHARDS)):
            world = World.founded(code="large", members=members, large=True)
            world.award(30_000_000)
            world.settled_period()

    with prepared_ground(found=settle) as ground:
        with psycopg.connect(ground.installation.services().owner_url, autocommit=True) as owner:
            owner.execute("VACUUM ANALYZE")
        yield ground


def arms_by_chance(undisturbed: Outcome, chance: random.Random, kills: int) -> list[Arm]:
    """Draw so many passages of the run's points, each with a victim.

    A passage that a kill before it has made unnecessary does not come; what counts is what has landed. The client
    passes one point alone; it is left to those who look at the page again.
    """
    passages = [
        (point, nth)
        for point, passed in sorted(undisturbed.passages.items())
        for nth in range(1, passed + 1)
        if point != "sharing.approved"
    ]
    drawn = chance.sample(passages, min(kills, len(passages)))
    return [Arm(point, nth, chance.choice(VICTIMS)) for point, nth in drawn]


def order_again(run: Run) -> None:
    """Queue every job of the posted period once more, and wait: each is done, and finds nothing to do."""
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO work_job (kind, key, payload, state, attempt, failures, takeovers, due_at, last_error,
                                     actor, created_at)
               SELECT kind, key || '#again', payload, 'queued', 0, 0, 0, clock_timestamp(), '', actor, clock_timestamp()
                 FROM work_job WHERE kind = ANY(%s)""",
            [[services.COMPUTE, services.START, services.SHARD, services.CLOSE, services.NOTIFY]],
        )
    again = Job.objects.filter(key__endswith="#again")
    run.wait_until(
        lambda: not again.exclude(state=Job.State.DONE).exists(), seconds=PATIENCE, what="the second run"
    )
    shards = again.filter(kind=services.SHARD)
    assert shards.count() >= SHARDS
    assert {shard.result["written"] for shard in shards} == {0}


def kill_by_chance(ground: Ground, undisturbed: Outcome, kills: int) -> tuple[Counter[str], list[float]]:
    """Kill until so many have landed; every run must come to what the undisturbed one came to."""
    chance, landed, seconds = random.Random(SEED), Counter[str](), []
    while landed.total() < kills:
        arms = arms_by_chance(undisturbed, chance, min(KILLS_A_RUN, kills - landed.total()))
        outcome = ground.run(*arms, patience=PATIENCE, afterwards=order_again)
        where = f"AID_SEED={SEED}, run {len(seconds) + 1}: {outcome.landed}"
        assert outcome.landed, where
        assert outcome.digests == undisturbed.digests, where
        victims = {(arm.point, str(arm.nth)): arm.victim for arm in arms}
        landed += Counter(victims[point, nth] for point, nth, *_ in (line.split() for line in outcome.landed))
        seconds.append(outcome.seconds)
    return landed, seconds


def test_kills_by_chance_leave_the_money_of_some_thousand_members(
    django_db_blocker: pytest.FixtureRequest,
) -> None:
    with django_db_blocker.unblock(), settled_ground(4_000) as ground:
        undisturbed = ground.run()
        assert {digest.table: digest.lines for digest in undisturbed.digests}["ledger_charge"] == 1
        assert undisturbed.passages["sharing.shard_inserted"] >= SHARDS
        landed, _seconds = kill_by_chance(ground, undisturbed, 4)
        assert landed.total() == 4


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_kills_by_chance_leave_the_money_of_a_million(
    django_db_blocker: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    began = time.monotonic()
    with django_db_blocker.unblock(), settled_ground(MEMBERS) as ground:
        undisturbed = ground.run(patience=PATIENCE)
        landed, seconds = kill_by_chance(ground, undisturbed, KILLS)
    with capsys.disabled():
        print(
            f"\nAID_SEED={SEED}: {landed.total()} kills ({dict(landed)}) in {len(seconds)} runs of {MEMBERS:,} members,"
            f" {time.monotonic() - began:.0f} s; a run took {undisturbed.seconds:.0f} s undisturbed,"
            f" {max(seconds):.0f} s at most"
        )
    assert landed.total() >= KILLS
