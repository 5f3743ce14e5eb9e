"""The job that verifies."""

from typing import Any

from aidplatform.work import jobs
from ledger.verification import services


@jobs.handles(services.VERIFY)
def verify_books(lease: jobs.Lease) -> dict[str, Any]:
    """Hold everything about a pool against its rows."""
    return services.run_verification(lease)
