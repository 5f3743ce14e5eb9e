"""The work of the log beside the requests: asking its witnesses."""

from celery import shared_task

from aidplatform.lib import clock
from ledger.openbooks import witnesses


@shared_task(name="openbooks.ask_witnesses")
def ask_witnesses() -> None:
    """Ask every witness that has not signed the last checkpoint.

    Twice at once harms nothing: a witness answers both, and its first signature is kept. Its times are real ones.
    """
    witnesses.ask_witnesses(now=int(clock.machine_now().timestamp()))
