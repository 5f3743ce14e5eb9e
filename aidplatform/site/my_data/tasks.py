"""The jobs of exports and erasures: putting one together, deleting those whose day is over, erasing who has asked."""

from typing import Any

from celery import shared_task

from aidplatform.lib import clock
from aidplatform.site.my_data import erasing, services
from aidplatform.work import jobs


@shared_task(name="site.delete_exports")
def delete_exports() -> None:
    """Delete exports that were kept long enough."""
    services.delete_due_exports(clock.now())


@jobs.handles(services.MAKE)
def make_export(lease: jobs.Lease) -> dict[str, Any]:
    """Put an ordered export together."""
    return services.make_export(lease)


@shared_task(name="site.order_erasures")
def order_erasures() -> None:
    """Order the erasures whose day has come."""
    erasing.order_due_erasures(clock.now())


@jobs.handles(erasing.ERASE)
def erase(lease: jobs.Lease) -> dict[str, Any]:
    """Erase whoever has asked for it."""
    return erasing.erase(lease)
