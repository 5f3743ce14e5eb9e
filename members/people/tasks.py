"""The jobs of people: sending mails."""

from typing import Any

from aidplatform.work import jobs
from members.people import mails


@jobs.handles(mails.SEND)
def send_mails(lease: jobs.Lease) -> dict[str, Any]:
    """Send what has not left yet."""
    return mails.send_mails(lease)
