"""Reversals in tests, the way that a pool makes them: a treasurer proposes, a controller agrees."""

from aidplatform.lib import clock
from aidplatform.testing.world import World
from ledger.books.models import JournalEntry
from ledger.custody import reversals


def reversed_by_two(world: World, entry: JournalEntry, reason: str = "was wrong") -> JournalEntry:
    """Take an entry back; return its mirror."""
    made = reversals.propose_reversal(
        entry=entry, reason=reason, proposer=world.treasurer.code, at=clock.now()
    )
    done = reversals.agree_to_reversal(reversal=made, person=world.controller.code, at=clock.now())
    assert done.reversal is not None
    return done.reversal
