"""Gathers the jobs of the site, because Celery's discovery looks for this name."""

from aidplatform.site.demo import pools
from aidplatform.site.my_data import tasks as my_data

__all__ = ["my_data", "pools"]
