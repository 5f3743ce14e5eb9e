"""The jobs of exports: putting one together, deleting those whose day is over."""

from typing import Any

from celery import shared_task

from aidplatform.lib import clock
from aidplatform.site.my_data import services
from aidplatform.work import jobs


@shared_task(name="site.delete_exports")
def delete_exports() -> None:
    """Delete exports that were kept long enough."""
    services.delete_due_exports(clock.now())


@jobs.handles(services.MAKE)
def make_export(lease: jobs.Lease) -> dict[str, Any]:
    """Put an ordered export together."""
    return services.make_export(lease)
