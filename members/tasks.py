"""Gathers the rooms' tasks, because Celery's discovery looks only at the app."""

from members.ending import tasks as ending
from members.joining import tasks as joining
from members.people import tasks as people
from members.rights import tasks as rights

__all__ = ["ending", "joining", "people", "rights"]
