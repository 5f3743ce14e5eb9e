"""The jobs of custody: what wallets do to their memberships, and telling members."""

from typing import Any

from aidplatform.work import jobs
from ledger.custody import wallet_life, wallet_openings


@jobs.handles(wallet_life.FOLLOW)
def follow_wallets(lease: jobs.Lease) -> dict[str, Any]:
    """Suspend the memberships whose wallets a posted period ran short."""
    return wallet_life.follow_period(lease)


@jobs.handles(wallet_openings.OPEN_WALLETS)
def open_wallets(lease: jobs.Lease) -> dict[str, Any]:
    """Put the balance of who has confirmed into their wallet."""
    return wallet_openings.follow_confirmation(lease)


@jobs.handles(wallet_life.TELL)
def tell_wallets(lease: jobs.Lease) -> dict[str, Any]:
    """Tell members of their wallets, each thing once."""
    return wallet_life.tell_wallets(lease)
