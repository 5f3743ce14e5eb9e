"""The jobs of disclosure: telling people which cases are public, and what they owe."""

from typing import Any

from aidplatform.work import jobs
from ledger.disclosure import case_news, services


@jobs.handles(services.TELL)
def tell_charges(lease: jobs.Lease) -> dict[str, Any]:
    """Tell each member, or whoever is told for them, once."""
    return services.tell_charges(lease)


@jobs.handles(case_news.TELL_CASES)
def tell_cases(lease: jobs.Lease) -> dict[str, Any]:
    """Tell each member of a period's cases, once."""
    return case_news.tell_cases(lease)
