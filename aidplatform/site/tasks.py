"""Gathers the jobs of the site, because Celery's discovery looks for this name."""

from aidplatform.site.demo import pools

__all__ = ["pools"]
