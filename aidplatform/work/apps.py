"""Infrastructure with tables of its own: jobs, outbox, idempotency keys, audit trail, the business clock."""

from django.apps import AppConfig


class WorkConfig(AppConfig):
    """The app of the room."""

    name = "aidplatform.work"
    label = "work"
    verbose_name = "Work"
