"""Gathers the rooms' tasks, because Celery's discovery looks only at the app."""

from claims.jury import tasks as jury
from claims.publicity import tasks as publicity

__all__ = ["jury", "publicity"]
