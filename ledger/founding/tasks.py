"""The jobs of a pool's beginning."""

from typing import Any

from aidplatform.work import jobs
from ledger.founding import moving_in


@jobs.handles(moving_in.LOG_IMPORT)
def log_import(lease: jobs.Lease) -> dict[str, Any]:
    """State an approved import in the log."""
    return moving_in.log_import(lease)
