"""The jobs of people: sending mails, and one digest a day."""

from typing import Any

from celery import shared_task

from aidplatform.lib import clock
from aidplatform.work import jobs
from members.people import digests, mails, texts


@jobs.handles(mails.SEND)
def send_mails(lease: jobs.Lease) -> dict[str, Any]:
    """Send what has not left yet."""
    return mails.send_mails(lease)


@jobs.handles(texts.SEND)
def send_texts(lease: jobs.Lease) -> dict[str, Any]:
    """Send the text messages that have not left yet."""
    return texts.send_texts(lease)


@shared_task(name="people.order_digests")
def order_digests() -> None:
    """Look whose hour of the digest has come."""
    digests.order_due(clock.now())


@jobs.handles(digests.WRITE)
def write_digests(lease: jobs.Lease) -> dict[str, Any]:
    """Write the digests that are due, one a day for each person."""
    return digests.write_digests(lease)
