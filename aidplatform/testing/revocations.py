"""Two people take back what is unpaid of an award, for tests."""

from aidplatform.lib import clock
from aidplatform.testing.world import World
from ledger.custody import revocations
from ledger.custody.revocation_models import AwardRevocation
from ledger.sharing.models import Award
from members.people.models import User

FOUND = "the report was of somebody else"


def second_reviewer(world: World) -> User:
    """Return who proposes it in a pool of tests."""
    return User.objects.get(email=f"founding-second_reviewer@{world.pool.code}.example.org")


def propose_revocation(
    world: World, award: Award, by: User | None = None, reason: str = FOUND
) -> AwardRevocation:
    """Propose it as the second reviewer."""
    return revocations.propose_revocation(
        award=award, reason=reason, proposer=(by or second_reviewer(world)).code, at=clock.now()
    )


def agree_to_revocation(world: World, one: AwardRevocation, by: User | None = None) -> AwardRevocation:
    """Agree to it as the controller."""
    return revocations.agree_to_revocation(
        revocation=one, person=(by or world.controller).code, at=clock.now()
    )


def revoked_by_two(world: World, award: Award) -> AwardRevocation:
    """Take back what is unpaid of an award."""
    return agree_to_revocation(world, propose_revocation(world, award))
