"""Two people undo a wrong match of a receipt, for tests."""

from aidplatform.lib import clock
from aidplatform.testing.bank import membership
from aidplatform.testing.world import World
from ledger.custody import undoings
from ledger.custody.models import StatementLine
from ledger.custody.undoing_models import MatchUndoing
from members.people.models import User

FOUND = "the payer has shown the receipt of their bank"


def newest_receipt(world: World) -> StatementLine:
    """Return the last receipt that the bank has told about."""
    found = StatementLine.objects.select_related("statement", "account__pool")
    return found.filter(account__pool=world.pool, direction="in").latest("pk")


def propose_undoing(
    world: World, receipt: StatementLine, number: int, by: User | None = None, reason: str = FOUND
) -> MatchUndoing:
    """Propose as the treasurer that a receipt is not the money of that member."""
    return undoings.propose_undoing(
        receipt=receipt,
        membership=membership(world, number),
        reason=reason,
        proposer=(by or world.treasurer).code,
        at=clock.now(),
    )


def agree_to_undoing(world: World, one: MatchUndoing, by: User | None = None) -> MatchUndoing:
    """Agree to it as the controller."""
    return undoings.agree_to_undoing(undoing=one, person=(by or world.controller).code, at=clock.now())


def undone_by_two(world: World, receipt: StatementLine, number: int) -> MatchUndoing:
    """Undo the match of a receipt with that member."""
    return agree_to_undoing(world, propose_undoing(world, receipt, number))
