"""The work of the log beside the requests: asking its witnesses, and authorities of time."""

from celery import shared_task

from aidplatform.lib import clock
from ledger.openbooks import services, stamps, witnesses


@shared_task(name="openbooks.ask_witnesses")
def ask_witnesses() -> None:
    """Ask every witness that has not signed the last checkpoint.

    Twice at once harms nothing: a witness answers both, and its first signature is kept. Its times are real ones.
    """
    witnesses.ask_witnesses(now=int(clock.machine_now().timestamp()))


@shared_task(name="openbooks.state_changes_of_keys")
def state_changes_of_keys() -> None:
    """State in the logs which new keys their old ones have signed for; twice at once states each once."""
    services.state_changes_of_keys()


@shared_task(name="openbooks.stamp_checkpoints")
def stamp_checkpoints() -> None:
    """Have the last checkpoints stamped where a day has gone by.

    Twice at once harms nothing: of each authority one stamp of a checkpoint is kept. Its times are real ones.
    """
    stamps.stamp_checkpoints(now=clock.machine_now())
