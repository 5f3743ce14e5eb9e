"""What the timetable does for people's rights."""

from typing import Any

from celery import shared_task

from aidplatform.lib import clock
from aidplatform.work import jobs
from members.rights import contacts, services


@shared_task(name="rights.tell_late_complaints")
def tell_late_complaints() -> None:
    """Tell of complaints that wait beyond their day."""
    services.tell_late(clock.now())


@shared_task(name="rights.delete_contact_files")
def delete_contact_files() -> None:
    """Delete files of contact data that nobody took within their day."""
    contacts.delete_due(clock.now())


@jobs.handles(contacts.MAKE)
def make_contact_export(lease: jobs.Lease) -> dict[str, Any]:
    """Make the file to which a second person has agreed."""
    return contacts.make_export(lease)
