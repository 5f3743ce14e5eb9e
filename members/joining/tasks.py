"""The jobs of joining: telling members that their rules change."""

from typing import Any

from aidplatform.work import jobs
from members.joining import news


@jobs.handles(news.TELL_RULES)
def tell_rules(lease: jobs.Lease) -> dict[str, Any]:
    """Tell each member with an account, once."""
    return news.tell_rules(lease)
