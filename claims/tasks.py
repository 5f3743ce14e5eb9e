"""Gathers the rooms' tasks, because Celery's discovery looks only at the app."""

from claims.jury import tasks as jury
from claims.publicity import tasks as publicity
from claims.review import tasks as review

__all__ = ["publicity", "review"]
__all__ = ["jury", "publicity"]
