"""The jobs of sharing, and the tick that looks for what is due."""

from typing import Any

from celery import shared_task

from aidplatform.lib import clock
from aidplatform.work import jobs
from ledger.sharing import roll_services, services
from ledger.sharing.models import Period


@shared_task(name="sharing.open_due")
def open_due() -> None:
    """Look at every pool's calendar; doubled, late or lost ticks change nothing."""
    services.advance_due(at=clock.now())


@jobs.handles(services.ADVANCE)
def advance(lease: jobs.Lease) -> dict[str, Any]:
    """Open, freeze, announce, settle: as far as the calendar allows."""
    return services.advance(lease)


@jobs.handles(services.LOG_RULES)
def log_rules(lease: jobs.Lease) -> dict[str, Any]:
    """State what was published in the log."""
    return services.log_rules(lease)


@jobs.handles(services.COMPUTE)
def compute(lease: jobs.Lease) -> dict[str, Any] | None:
    """Compute shares for the person who asked; computed already by an earlier attempt: nothing."""
    with lease.transaction():
        period = Period.objects.select_for_update().get(pk=lease.payload["period"])
        if period.computations >= lease.payload["computation"]:
            return None
        computed = services.compute_shares(period=period, preparer=lease.actor, at=clock.now())
    return {"sha256": computed.shown_sha256}


@jobs.handles(services.START)
def start_posting(lease: jobs.Lease) -> None:
    """Open the shelf, hand out the shards."""
    services.start_posting(lease)


@jobs.handles(services.SHARD)
def write_shard(lease: jobs.Lease) -> dict[str, int]:
    """Charge one shard."""
    return services.write_shard(lease)


@jobs.handles(services.CLOSE)
def close_posting(lease: jobs.Lease) -> None:
    """Prove, book and log the period."""
    services.close_posting(lease)


@jobs.handles(roll_services.CLOSE_ROLL)
def close_roll(lease: jobs.Lease) -> dict[str, int]:
    """Make the roll of a posted period and state it."""
    return roll_services.close_roll(lease)


@jobs.handles(services.NOTIFY)
def notify_charges(lease: jobs.Lease) -> None:
    """Announce the exact charges."""
    services.notify_charges(lease)
