"""The jobs of a pool's end: telling members."""

from typing import Any

from aidplatform.work import jobs
from members.ending import news, services


@jobs.handles(services.TELL)
def tell_step(lease: jobs.Lease) -> dict[str, Any]:
    """Tell each member with an account, once for each step."""
    return news.tell_step(lease)
