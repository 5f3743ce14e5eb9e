"""Orders of one's own data: taken, put together by a job, handed out, deleted after a day."""

import datetime as dt
from collections.abc import Iterator

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from aidplatform.lib import clock, crypto
from aidplatform.lib.errors import ConflictError, NotFoundError
from aidplatform.lib.failpoints import failpoint
from aidplatform.site.my_data.archive import Pieces, steps, write_archive
from aidplatform.site.my_data.models import KEPT, DataExport, ExportPart
from aidplatform.work import audit, jobs
from members.people.models import User

MAKE = "site.make_export"
SERVICE = "service"


class ExportRunningError(ConflictError):
    """An export of the person is being put together already."""

    code = "export_running"


def exports_of(person: User) -> QuerySet[DataExport]:
    """Return a person's exports, newest first."""
    return DataExport.objects.filter(person=person).order_by("-number")


def order_export(*, person: User, at: dt.datetime) -> DataExport:
    """Order everything stored about the person. Raises: ExportRunningError."""
    with transaction.atomic():
        locked = User.objects.select_for_update().get(pk=person.pk)
        newest = exports_of(locked).first()
        if newest is not None and newest.state == DataExport.State.ORDERED:
            raise ExportRunningError(
                _("Your data are being put together already. Wait until they are ready.")
            )
        export = DataExport.objects.create(
            person=locked,
            number=newest.number + 1 if newest else 1,
            steps_all=steps(),
            ordered_at=at,
        )
        jobs.enqueue(kind=MAKE, key=export.job_key, payload={"export": export.pk}, actor=person.code)
        audit.record(actor=person.code, action="order_export", subject=person.code, export=export.number)
    return export


def make_export(lease: jobs.Lease) -> dict[str, int]:
    """Put an ordered export together, piece by piece; whatever an earlier attempt has left is written anew."""
    export = DataExport.objects.select_related("person").get(pk=lease.payload["export"])
    if export.state != DataExport.State.ORDERED:
        return {"size": export.size}
    with lease.transaction():
        ExportPart.objects.filter(export=export).delete()
    count = 0

    def keep(piece: bytes) -> None:
        nonlocal count
        sealed = crypto.seal(piece, _context(export, count))
        with lease.transaction():
            ExportPart.objects.create(export=export, number=count, sealed=sealed)
        count += 1

    pieces = Pieces(keep)
    for done in write_archive(export, pieces):
        with lease.transaction():
            DataExport.objects.filter(pk=export.pk).update(steps_done=done)
    failpoint("site.export_written")
    now = clock.now()
    with lease.transaction():
        DataExport.objects.filter(pk=export.pk).update(
            state=DataExport.State.READY, parts=count, size=pieces.size, ready_at=now, until_at=now + KEPT
        )
    return {"size": pieces.size}


def access_ready_export(*, person: User, number: int, at: dt.datetime) -> DataExport:
    """Return an export of the person's own that can be downloaded. Raises: NotFoundError."""
    found = exports_of(person).filter(number=number, state=DataExport.State.READY, until_at__gt=at)
    export = found.select_related("person").first()
    if export is None:
        raise NotFoundError(_("There is no such page, or it is not yours to see."))
    return export


def note_download(*, export: DataExport) -> None:
    """Put a download into the audit trail."""
    code = export.person.code
    audit.record(actor=code, action="download_export", subject=code, export=export.number)


def content_of(export: DataExport) -> Iterator[bytes]:
    """Yield the ZIP, unsealed, one piece in memory at a time."""
    for number in range(export.parts):
        part = ExportPart.objects.get(export=export, number=number)
        yield crypto.unseal(bytes(part.sealed), _context(export, number))


def delete_due_exports(at: dt.datetime) -> int:
    """Delete the content of every export whose day is over; return how many."""
    due = DataExport.objects.filter(state=DataExport.State.READY, until_at__lte=at).values_list(
        "pk", flat=True
    )
    return sum(_delete(pk) for pk in list(due))


def _delete(pk: int) -> bool:
    with transaction.atomic():
        found = DataExport.objects.select_for_update(of=("self",)).select_related("person")
        export = found.filter(pk=pk, state=DataExport.State.READY).first()
        if export is None:
            return False
        ExportPart.objects.filter(export=export).delete()
        DataExport.objects.filter(pk=pk).update(state=DataExport.State.DELETED)
        audit.record(actor=SERVICE, action="delete_export", subject=export.person.code, export=export.number)
    return True


def _context(export: DataExport, number: int) -> str:
    return f"site.export:{export.person.code}:{export.number}:{number}"
