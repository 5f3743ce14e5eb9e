"""Going on in another pool while both pools count at once, and while whoever takes them over is killed half-way."""

import signal
from pathlib import Path

import pytest
from django.db import transaction

from aidplatform.testing.kills import killed_at
from aidplatform.testing.races import raised, together
from aidplatform.testing.refusals import run, value
from aidplatform.testing.world import World
from members.joining import ages
from members.joining.headcounts import fix_headcount
from members.joining.tests.going_on import signed_ahead
from members.joining.tests.papers import filled, passport
from members.joining.tests.test_signing import _sign as sign
from members.joining.tests.test_transfers import BORN, LAST, Two, at
from members.people.models import User

COMERS = 5
ONE_OF_BOTH = """
    SELECT count(*) FROM members_agetransfer t JOIN members_membershipend e ON e.membership_id = t.membership_id
      JOIN members_span a ON a.membership_id = t.membership_id JOIN members_span b ON b.membership_id = t.begun_id
     WHERE t.state = 'begun' AND e.reason = 'aged_out' AND a.to_at = b.from_at AND b.to_at IS NULL"""


def arrivals() -> Two:
    """Return two pools and five who have signed ahead, on the day on which they go over."""
    two = Two()
    two.sign()
    for number in range(1, COMERS):
        person = User.objects.create_user(f"comer{number}@people.example.org", name=f"Comer {number}")
        signed_ahead(sign(filled(two.old.pool, person, passport(f"XX000000{number}", BORN))))
    at(LAST)
    return two


def begun() -> int:
    return int(value("SELECT count(*) FROM members_agetransfer WHERE state = 'begun'"))


@pytest.mark.parametrize("passage", [1, 3, COMERS])
def test_killed_half_way_nobody_has_gone_over_and_then_all_have(
    committed_db: tuple[str, str], tmp_path: Path, passage: int
) -> None:
    two = arrivals()
    ended = killed_at("joining.taken_over", passage, tmp_path, lambda: ages.follow_ages(pool=two.new.pool))
    assert ended == -signal.SIGKILL
    assert [begun(), value("SELECT count(*) FROM members_membershipend")] == [0, 0]
    assert ages.follow_ages(pool=two.new.pool) == COMERS
    assert [begun(), value(ONE_OF_BOTH)] == [COMERS, COMERS]
    assert ages.follow_ages(pool=two.new.pool) == 0


def test_both_pools_count_at_once_and_each_person_once(committed_db: tuple[str, str]) -> None:
    """Headcounts and the daily look of both pools, all at one instant: one of the pools counts them, without a gap."""
    two = arrivals()

    def count(world: World) -> None:
        with transaction.atomic():
            fix_headcount(pool=world.pool)

    both = (two.old, two.new)
    counts = [lambda world=world: count(world) for world in both]
    looks = [lambda world=world: ages.follow_ages(pool=world.pool) for world in both]
    answers = together([*counts, *looks, *looks])
    assert raised(answers) == []
    assert [begun(), value(ONE_OF_BOTH)] == [COMERS, COMERS]
    counted = run(
        """SELECT p.code, count(*) FROM members_span s JOIN members_pool p ON p.id = s.pool_id
            WHERE s.from_at <= aid_now() AND s.to_at IS NULL GROUP BY 1 ORDER BY 1"""
    )
    assert counted == [("senior", 4 + COMERS), ("test-pool", 4)]


def test_signing_ahead_while_the_other_pool_counts_waits_and_stands(committed_db: tuple[str, str]) -> None:
    """Both take the pool that takes over first: neither stops the other for good, whichever pool was there before."""
    two = Two()
    acts = [
        two.sign,
        lambda: ages.follow_ages(pool=two.new.pool),
        lambda: ages.follow_ages(pool=two.old.pool),
    ]
    assert raised(together(acts * 3)) == []
    assert value("SELECT count(*) FROM members_agetransfer WHERE state = 'signed'") == 1
