"""Gathers the rooms' tasks, because Celery's discovery looks only at the app."""

from members.people import tasks as people

__all__ = ["people"]
