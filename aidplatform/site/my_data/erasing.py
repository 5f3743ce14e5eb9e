"""Erasure of an account: asked for, thought over, done by a job in one transaction, or held up by what is open."""

import datetime as dt
import hashlib
from collections.abc import Iterator

from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from aidplatform.lib import clock
from aidplatform.lib.errors import ConflictError
from aidplatform.lib.failpoints import failpoint
from aidplatform.lib.my_data import Eraser, Hindrance
from aidplatform.site.my_data.models import DataExport, ExportPart
from aidplatform.work import audit, jobs
from claims.erasing import ERASER as CLAIMS
from ledger.erasing import ERASER as LEDGER
from ledger.openbooks import services as openbooks
from members.erasing import ERASER as MEMBERS
from members.joining.kin import spoken_for
from members.joining.models import Membership
from members.people import notices
from members.people.erasure_models import Erasure
from members.people.models import User
from members.people.rights_words import ERASURE_ASKED
from members.pools.models import Pool

ERASE = "site.erase"
SERVICE = "service"
# Claims and ledger know a person by their memberships, so that these let go last.
ERASERS: tuple[Eraser, ...] = (CLAIMS, LEDGER, MEMBERS)


class ErasureHinderedError(ConflictError):
    """Something of the person is open."""

    code = "erasure_waits_for_what_is_open"


class ErasureAskedError(ConflictError):
    """The person has asked already."""

    code = "one_erasure_per_person"


class NoErasureError(ConflictError):
    """Nothing is asked that could be taken back."""

    code = "erasure_is_not_asked_for"


def erasures_of(person: User) -> QuerySet[Erasure]:
    """Return a person's requests, newest first."""
    return Erasure.objects.filter(person=person).order_by("-number")


def open_erasure(person: User) -> Erasure | None:
    """Return the request that waits for its day."""
    return erasures_of(person).filter(state=Erasure.State.ASKED).first()


def hindrances_of(person: User, at: dt.datetime) -> list[Hindrance]:
    """Return everything that is open and has to end first, of all apps."""
    return [one for eraser in reversed(ERASERS) for one in eraser.hindrances(person, at)] + list(_own(person))


def _own(person: User) -> Iterator[Hindrance]:
    if DataExport.objects.filter(person=person, state=DataExport.State.ORDERED).exists():
        sentence = _("Your data are being put together. Wait until they are ready.")
        yield Hindrance("export_running", sentence, reverse("my_data"))


@transaction.atomic
def ask_erasure(*, person: User, at: dt.datetime) -> Erasure:
    """Ask that everything is erased which may be; it is done after some days, in which it can be taken back.

    Raises: ErasureAskedError, ErasureHinderedError.
    """
    locked = User.objects.select_for_update(no_key=True).get(pk=person.pk)
    if open_erasure(locked) is not None:
        raise ErasureAskedError(_("You have asked for it already. The page says when it is done."))
    _nothing_open(locked, at)
    erasure = Erasure.objects.create(
        person=locked,
        number=erasures_of(locked).count() + 1,
        asked_at=at,
        due_at=at + dt.timedelta(days=settings.ERASURE_DAYS),
    )
    erasure.refresh_from_db()
    audit.record(actor=person.code, action="ask_erasure", subject=person.code, number=erasure.number)
    day = erasure.due_at.date().isoformat()
    news = notices.News(locked, ERASURE_ASKED, str(erasure.number), {"day": day}, reverse("erase_my_data"))
    notices.tell([news], batch=f"erasure/{erasure}", actor=person.code)
    return erasure


@transaction.atomic
def cancel_erasure(*, person: User, at: dt.datetime) -> Erasure:
    """Take one's request back, until it is done. Raises: NoErasureError."""
    User.objects.select_for_update(no_key=True).get(pk=person.pk)
    erasure = open_erasure(person)
    if erasure is None:
        raise NoErasureError(_("Nothing waits that could be taken back."))
    erasure.state, erasure.ended_at = Erasure.State.CANCELLED, at
    erasure.save(update_fields=["state", "ended_at"])
    audit.record(actor=person.code, action="cancel_erasure", subject=person.code, number=erasure.number)
    return erasure


def order_due_erasures(at: dt.datetime) -> int:
    """Order the erasures whose day has come and of whose people nothing is open; return how many.

    What was open meanwhile holds the erasure up; it is looked at again with every tick.
    """
    due = Erasure.objects.filter(state=Erasure.State.ASKED, due_at__lte=at).select_related("person")
    ordered = 0
    for erasure in due.order_by("pk"):
        if not hindrances_of(erasure.person, at):
            key = f"{erasure.pk}/{at.date().isoformat()}"
            jobs.enqueue(kind=ERASE, key=key, payload={"erasure": erasure.pk}, actor=SERVICE)
            ordered += 1
    return ordered


def erase(lease: jobs.Lease) -> dict[str, int]:
    """Destroy everything that may be destroyed of who has asked for it: all of it, or nothing.

    A request that was taken back, or is held up by something that has opened meanwhile, is left as it is.
    """
    with lease.transaction():
        erasure = _locked(lease.payload["erasure"])
        at = clock.now()
        if erasure.state != Erasure.State.ASKED or erasure.due_at > at or hindrances_of(erasure.person, at):
            return {"rows": 0}
        person = erasure.person
        memberships = Membership.objects.filter(pk__in=spoken_for(person)).select_related("pool")
        by_pool = {one.pool.code: one.pool for one in memberships}
        for eraser in ERASERS:
            if eraser.withdraw is not None:
                eraser.withdraw(person, at)
        Erasure.objects.filter(pk=erasure.pk).update(state=Erasure.State.ERASING)
        rows = _delete_exports(person) + sum(_call(eraser.function, erasure) for eraser in ERASERS)
        failpoint("site.erased")
        audit.record(actor=SERVICE, action="erase", subject=person.code, number=erasure.number, rows=rows)
        # The log says that somebody was erased and never who; nothing in it leads from one pool to another.
        for code in sorted(by_pool):
            ref = hashlib.sha256(f"site.erasure:{person.code}:{code}".encode()).hexdigest()[:16]
            openbooks.append(code=code, entry_type="doc.purge", key=ref, body={"people": 1}, at=at)
        Erasure.objects.filter(pk=erasure.pk).update(state=Erasure.State.DONE, rows=rows, ended_at=at)
    return {"rows": rows}


def _nothing_open(person: User, at: dt.datetime) -> None:
    found = hindrances_of(person, at)
    if found:
        raise ErasureHinderedError(
            _("Something is still open. The page says what, and where it ends."),
            reason=", ".join(sorted({one.code for one in found})),
        )


def _locked(pk: int) -> Erasure:
    """Lock the pools of the person as everything else does, the person, then the request."""
    found = Erasure.objects.select_related("person").get(pk=pk)
    mine = Membership.objects.filter(pk__in=spoken_for(found.person)).values("pool")
    list(Pool.objects.select_for_update(no_key=True).filter(pk__in=mine).order_by("pk"))
    User.objects.select_for_update(no_key=True).get(pk=found.person_id)
    return Erasure.objects.select_for_update(no_key=True, of=("self",)).select_related("person").get(pk=pk)


def _delete_exports(person: User) -> int:
    """Delete what is still kept of exports, as at the end of their day."""
    ready = DataExport.objects.filter(person=person, state=DataExport.State.READY)
    parts, _of_each = ExportPart.objects.filter(export__in=ready).delete()
    return parts + ready.update(state=DataExport.State.DELETED)


def _call(function: str, erasure: Erasure) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s)", [erasure.pk])
        row = cursor.fetchone()
    return int(row[0])
