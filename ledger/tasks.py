"""Gathers the rooms' tasks, because Celery's discovery looks only at the app."""

from ledger.sharing import tasks as sharing

__all__ = ["sharing"]
