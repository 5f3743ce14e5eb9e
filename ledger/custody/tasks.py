"""The jobs of custody: what wallets and unpaid shares do to memberships, and telling members."""

from typing import Any

from celery import shared_task

from aidplatform.lib import clock
from aidplatform.work import jobs
from ledger.custody import (
    arrears_life,
    charge_files,
    charge_results,
    collecting,
    reconciled_days,
    wallet_life,
    wallet_openings,
)


@shared_task(name="custody.remind_due")
def remind_due() -> None:
    """Look where a day has begun on which unpaid shares are asked for again."""
    arrears_life.remind_due(clock.now())


@shared_task(name="custody.reconcile_due")
def reconcile_due() -> None:
    """Look where a day has begun on which bank, orders and books are compared."""
    reconciled_days.reconcile_due(clock.now())


@jobs.handles(reconciled_days.RECONCILE)
def reconcile(lease: jobs.Lease) -> dict[str, Any]:
    """Hold a pool's bank account against the rules of the cash book and keep the day's answer."""
    return reconciled_days.reconcile(lease)


@jobs.handles(arrears_life.REMIND)
def remind(lease: jobs.Lease) -> dict[str, Any]:
    """Ask again for what is not paid, each share once for each day of the rules."""
    return arrears_life.remind(lease)


@jobs.handles(arrears_life.FOLLOW)
def follow_arrears(lease: jobs.Lease) -> dict[str, Any]:
    """Suspend whoever has not paid by the end of a grace of which the bank has told."""
    return arrears_life.follow_statement(lease)


@jobs.handles(arrears_life.TELL)
def tell_arrears(lease: jobs.Lease) -> dict[str, Any]:
    """Tell members of their suspensions, each thing once."""
    return arrears_life.tell_arrears(lease)


@jobs.handles(collecting.CLOSE)
def close_collections(lease: jobs.Lease) -> dict[str, Any]:
    """State the collections in the log of whose last day the bank has told."""
    return collecting.close_collections(lease)


@jobs.handles(wallet_life.FOLLOW)
def follow_wallets(lease: jobs.Lease) -> dict[str, Any]:
    """Suspend the memberships whose wallets a posted period ran short."""
    return wallet_life.follow_period(lease)


@jobs.handles(wallet_life.ANNOUNCE)
def announce_to_wallets(lease: jobs.Lease) -> dict[str, Any]:
    """Tell members what a period may take from their wallets, before it does."""
    return wallet_life.announce(lease)


@jobs.handles(wallet_openings.OPEN_WALLETS)
def open_wallets(lease: jobs.Lease) -> dict[str, Any]:
    """Put the balance of who has confirmed into their wallet."""
    return wallet_openings.follow_confirmation(lease)


@jobs.handles(wallet_life.TELL)
def tell_wallets(lease: jobs.Lease) -> dict[str, Any]:
    """Tell members of their wallets, each thing once."""
    return wallet_life.tell_wallets(lease)


@jobs.handles(charge_files.MAKE_FILES)
def make_charge_files(lease: jobs.Lease) -> dict[str, Any]:
    """Make the charge files of whatever is due of a period."""
    return charge_files.make_files(lease)


@jobs.handles(charge_files.ANNOUNCE)
def announce_debits(lease: jobs.Lease) -> dict[str, Any]:
    """Tell who is debited by a file, each once."""
    return charge_files.announce(lease)


@jobs.handles(charge_results.TELL)
def tell_debits(lease: jobs.Lease) -> dict[str, Any]:
    """Tell whose debits failed or were taken back, each once."""
    return charge_results.tell_results(lease)
