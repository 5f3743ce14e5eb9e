"""Exports of contact data: the only way in which addresses of many leave the pages, by two people and counted."""

import csv
import datetime as dt
import io
from collections.abc import Iterator, Sequence

from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from aidplatform.lib import clock, crypto
from aidplatform.lib.csv_files import safe_text
from aidplatform.lib.errors import ConflictError, ForbiddenError, NotFoundError
from aidplatform.work import audit, jobs
from members.joining.models import Membership
from members.people import notices
from members.people.identity import names_of
from members.people.models import User
from members.people.rights_words import CONTACTS_HANDED_OUT
from members.pools.models import Pool
from members.rights.contact_models import ContactExport, ContactPart
from members.rights.contact_triggers import shown_sql

MAKE = "rights.make_contact_export"
SERVICE = "service"
State = ContactExport.State
BATCH = 1000


class ExportMovedOnError(ConflictError):
    """The export is further than that, was taken, or its day is over."""

    code = "contact_export_follows_order"


class OtherPersonError(ForbiddenError):
    """Whoever asks does not agree, and whoever agrees does not take."""

    code = "export_needs_two_people"


class ShownChangedError(ConflictError):
    """What was agreed to is not what was shown."""

    code = "contact_export_is_as_shown"


def exports_of(pool: Pool) -> QuerySet[ContactExport]:
    """Return the exports of a pool, newest first."""
    return ContactExport.objects.filter(pool=pool).select_related("pool").order_by("-number")


def handed_out(pool: Pool) -> tuple[list[ContactExport], int]:
    """Return what everybody sees: the exports that were made, and the people in them together. One query."""
    made = list(exports_of(pool).filter(people__isnull=False))
    return made, sum(one.people or 0 for one in made)


def access_export(*, pool: Pool, number: int) -> ContactExport:
    """Return an export of the pool. Raises: NotFoundError."""
    found = exports_of(pool).filter(number=number).first() if number < 2**31 else None
    if found is None:
        raise NotFoundError(_("This pool has no such export."))
    return found


def shown_text(export: ContactExport) -> str:
    """Return the text that an agreement is hashed over, as the database writes it."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {shown_sql('e')} FROM members_contactexport e WHERE e.id = %s",  # noqa: S608 - fixed columns
            [export.pk],
        )
        return str(cursor.fetchone()[0])


@transaction.atomic
def ask_export(
    *,
    pool: Pool,
    purpose: str,
    basis: str,
    fields: Sequence[str],
    people_of: str,
    asker: User,
    at: dt.datetime,
) -> ContactExport:
    """Ask, as a pool admin, for contact data; nothing is made before somebody else agrees.

    Raises: IntegrityError one_contact_export_at_a_time, contact_export_people_hold_their_duty.
    """
    pool = Pool.objects.select_for_update(no_key=True).get(pk=pool.pk)
    wanted = [field for field in ContactExport.Field.values if field in fields]
    export = ContactExport.objects.create(
        pool=pool, number=0, purpose=purpose, basis=basis, fields=wanted, people_of=people_of,
        asked_by=asker.code, asked_at=at,
    )  # fmt: skip
    export.refresh_from_db()
    audit.record(
        actor=asker.code, action="ask_contact_export", subject=str(export), fields=wanted, people_of=people_of
    )
    return export


@transaction.atomic
def agree_to_export(
    *, export: ContactExport, agreer: User, shown_sha256: str, at: dt.datetime
) -> ContactExport:
    """Agree, as controller or auditor, over the hash of what was shown; a job makes the file.

    Raises: ExportMovedOnError, OtherPersonError, ShownChangedError.
    """
    export = _locked(export, State.ASKED)
    if export.asked_by == agreer.code:
        raise OtherPersonError(_("Whoever asked cannot agree. Ask a controller or an auditor."))
    if export.shown_sha256 != shown_sha256:
        raise ShownChangedError(_("This is not what was shown. Look at it again."))
    export.state, export.agreed_sha256, export.decided_by = State.AGREED, shown_sha256, agreer.code
    export.decided_at = at
    export.save(update_fields=["state", "agreed_sha256", "decided_by", "decided_at"])
    jobs.enqueue(kind=MAKE, key=str(export.pk), payload={"export": export.pk}, actor=agreer.code)
    audit.record(actor=agreer.code, action="agree_to_contact_export", subject=str(export))
    return export


@transaction.atomic
def drop_export(*, export: ContactExport, dropper: User, at: dt.datetime) -> ContactExport:
    """Take it back, or turn it down. Raises: ExportMovedOnError."""
    export = _locked(export, State.ASKED)
    export.state, export.decided_by, export.decided_at = State.DROPPED, dropper.code, at
    export.save(update_fields=["state", "decided_by", "decided_at"])
    audit.record(actor=dropper.code, action="drop_contact_export", subject=str(export))
    return export


def make_export(lease: jobs.Lease) -> dict[str, int]:
    """Write the sealed file and tell everybody in it, in one transaction: no file without its notices."""
    with lease.transaction():
        export = ContactExport.objects.select_related("pool").get(pk=lease.payload["export"])
        if export.state != State.AGREED:
            return {"people": export.people or 0}
        people = parts = size = 0
        for piece in _pieces(export):
            data = _lines(piece, export.fields, with_header=parts == 0)
            sealed = crypto.seal(data, _place(export, parts))
            ContactPart.objects.create(export=export, number=parts, sealed=sealed)
            _tell(export, piece)
            people, parts, size = people + len(piece), parts + 1, size + len(data)
        now = clock.now()
        ContactExport.objects.filter(pk=export.pk).update(
            state=State.READY, people=people, parts=parts, size=size, ready_at=now,
            until_at=now + dt.timedelta(hours=24),
        )  # fmt: skip
        audit.record(actor=SERVICE, action="make_contact_export", subject=str(export), people=people)
    return {"people": people}


@transaction.atomic
def take_file(*, export: ContactExport, taker: User, at: dt.datetime) -> bytes:
    """Hand the file to whoever asked for it, once; nothing of it is kept here.

    Raises: ExportMovedOnError, OtherPersonError.
    """
    export = _locked(export, State.READY)
    if export.asked_by != taker.code:
        raise OtherPersonError(_("Only whoever asked for the file takes it."))
    if not export.can_be_taken(taker.code, at):
        raise ExportMovedOnError(_("The day of this file is over: it is gone."))
    pieces = ContactPart.objects.filter(export=export).order_by("number")
    data = b"".join(crypto.unseal(bytes(one.sealed), _place(export, one.number)) for one in pieces)
    ContactPart.objects.filter(export=export).delete()
    export.state, export.taken_at = State.TAKEN, at
    export.save(update_fields=["state", "taken_at"])
    audit.record(actor=taker.code, action="take_contact_export", subject=str(export), people=export.people)
    return data


def delete_due(at: dt.datetime) -> int:
    """Delete the files that nobody took within their day; return how many."""
    due = ContactExport.objects.filter(state=State.READY, until_at__lte=at).values_list("pk", flat=True)
    return sum(_delete(pk) for pk in list(due))


@transaction.atomic
def _delete(pk: int) -> bool:
    export = ContactExport.objects.select_for_update(of=("self",)).select_related("pool").get(pk=pk)
    if export.state != State.READY:
        return False
    ContactPart.objects.filter(export=export).delete()
    ContactExport.objects.filter(pk=pk).update(state=State.DELETED)
    audit.record(actor=SERVICE, action="delete_contact_export", subject=str(export))
    return True


def _people(export: ContactExport) -> QuerySet[Membership]:
    """Return whose data the export holds: people with an account, nobody who was erased."""
    found = Membership.objects.filter(pool=export.pool, person__isnull=False, person__erased_at=None)
    if export.people_of == ContactExport.PeopleOf.MEMBERS:
        found = found.filter(end=None)
    if export.people_of == ContactExport.PeopleOf.FORMER:
        found = found.filter(~Q(end=None))
    return found.select_related("person").order_by("pk")


def _pieces(export: ContactExport) -> Iterator[list[Membership]]:
    """Yield them some at a time; at least once, so that a file of nobody has its header."""
    after, is_first = 0, True
    while (rows := list(_people(export).filter(pk__gt=after)[:BATCH])) or is_first:
        yield rows
        is_first = False
        if not rows:
            return
        after = rows[-1].pk


def _lines(rows: list[Membership], fields: list[str], *, with_header: bool) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out)
    if with_header:
        out.write("\ufeff")
        writer.writerow(fields)
    names = names_of(one.person for one in rows if one.person)
    for one in rows:
        assert one.person is not None
        known = {"number": str(one.number), "name": names[one.person.pk], "email": one.person.email}
        writer.writerow([safe_text(known[field]) for field in fields])
    return out.getvalue().encode()


def _tell(export: ContactExport, rows: list[Membership]) -> None:
    pool = export.pool
    params = {
        "pool_en": pool.name_en,
        "pool_zh": pool.name_zh,
        "purpose_code": export.purpose,
        "basis": export.basis,
    }
    link = reverse("pool", args=[pool.code])
    news = [
        notices.News(one.person, CONTACTS_HANDED_OUT, str(export), params, link)
        for one in rows
        if one.person is not None
    ]
    if news:
        notices.tell(news, batch=f"contacts/{export}/{rows[0].pk}", actor=SERVICE)


def _place(export: ContactExport, number: int) -> str:
    return f"members.contacts:{export.pk}:{number}"


def _locked(export: ContactExport, wanted: str) -> ContactExport:
    """Lock pool, then export, and demand its state. Raises: ExportMovedOnError."""
    Pool.objects.select_for_update(no_key=True).get(pk=export.pool_id)
    found = ContactExport.objects.select_for_update(of=("self",)).select_related("pool").get(pk=export.pk)
    if found.state != wanted:
        raise ExportMovedOnError(
            _("This export has moved on: it is “%(state)s”. Reload the page.")
            % {"state": found.get_state_display()}
        )
    return found
