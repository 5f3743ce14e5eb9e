"""Pages that need all apps, and the wiring of Celery into web processes."""

from django.apps import AppConfig


class SiteConfig(AppConfig):
    """The app of the room."""

    name = "aidplatform.site"
    label = "site"
    verbose_name = "Site"

    def ready(self) -> None:
        """Make our Celery app the current one, so that the relay can send by name."""
        from aidplatform import celery  # noqa: F401
