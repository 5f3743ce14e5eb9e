"""Fixtures of custody."""

from aidplatform.testing.bank import Bank, charged_world
from aidplatform.testing.prepared import prepared
from aidplatform.testing.world import World
from ledger.sharing.models import Period


@prepared
def charged() -> tuple[World, Bank, Period]:
    """Give the test a pool of seven that shares 1,000.00 and 500.00 of aid, posted and announced, with its bank."""
    return charged_world(100_000, 50_000)
