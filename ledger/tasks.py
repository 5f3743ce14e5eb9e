"""Gathers the rooms' tasks, because Celery's discovery looks only at the app."""

from ledger.custody import tasks as custody
from ledger.disclosure import tasks as disclosure
from ledger.sharing import replay
from ledger.sharing import tasks as sharing

__all__ = ["custody", "disclosure", "replay", "sharing"]
