"""The jobs of disclosure: telling people what they owe."""

from typing import Any

from aidplatform.work import jobs
from ledger.disclosure import services


@jobs.handles(services.TELL)
def tell_charges(lease: jobs.Lease) -> dict[str, Any]:
    """Tell each member, or whoever is told for them, once."""
    return services.tell_charges(lease)
