"""Gathers the rooms' tasks, because Celery's discovery looks only at the app."""

from claims.publicity import tasks as publicity

__all__ = ["publicity"]
