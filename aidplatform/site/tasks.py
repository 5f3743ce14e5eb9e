"""Gathers the jobs of the site, because Celery's discovery looks for this name."""

from aidplatform.site import demo

__all__ = ["demo"]
