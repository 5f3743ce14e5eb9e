"""Gathers the rooms' tasks, because Celery's discovery looks only at the app."""

from ledger.custody import tasks as custody
from ledger.disclosure import tasks as disclosure
from ledger.founding import tasks as founding
from ledger.openbooks import tasks as openbooks
from ledger.sharing import replay
from ledger.sharing import tasks as sharing
from ledger.verification import tasks as verification

__all__ = ["custody", "disclosure", "founding", "openbooks", "replay", "sharing", "verification"]
