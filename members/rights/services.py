"""Writes of complaints: filed, answered by somebody else, judged by whoever complained, answered once more."""

import datetime as dt

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from aidplatform.lib import clock
from aidplatform.lib.crypto import seal_text
from aidplatform.lib.errors import ConflictError, ForbiddenError
from aidplatform.work import audit
from members.people import notices
from members.people.models import User
from members.people.rights_words import (
    COMPLAINT_ANSWERED,
    COMPLAINT_FILED,
    COMPLAINT_LATE,
    COMPLAINT_PASSED_ON,
)
from members.pools.models import Pool
from members.rights.models import Complaint
from members.rights.selectors import answerers, is_late, may_answer

State = Complaint.State
SERVICE = "service"
# What of a complaint may change, in services as in the grants; the guards say when.
_CHANGEABLE = (
    "state", "answer_sealed", "answered_by", "answered_at", "judged_at", "remark_sealed", "second_due_date",
    "second_sealed", "second_by", "second_at",
)  # fmt: skip


class ComplaintMovedOnError(ConflictError):
    """The complaint is further than that."""

    code = "complaint_state_follows_order"


class NotAskedError(ForbiddenError):
    """Somebody else is to answer: another duty, or nobody who has a part in it."""

    code = "complaint_is_answered_by_another"


@transaction.atomic
def file_complaint(
    *, pool: Pool, person: User, about: str, reference: str, text: str, at: dt.datetime
) -> Complaint:
    """File a complaint; it gets the next number of the year and a day by which it is to be answered.

    Raises: IntegrityError complaint_is_by_somebody_of_the_pool, complaint_is_about_ones_own.
    """
    pool = Pool.objects.select_for_update(no_key=True).get(pk=pool.pk)
    today = clock.day_of(at, pool.time_zone)
    complaint = Complaint(
        pool=pool,
        year=today.year,
        number=1 + Complaint.objects.filter(pool=pool, year=today.year).count(),
        person=person,
        about=about,
        reference=reference.strip().upper(),
        filed_at=at,
        due_date=_due(today),
    )
    complaint.text_sealed = seal_text(text, complaint.place_of("text"))
    complaint.save()
    audit.record(actor=person.code, action="file_complaint", subject=_subject(complaint), about=about)
    _tell_answerers(complaint, COMPLAINT_FILED)
    return complaint


@transaction.atomic
def answer_complaint(*, complaint: Complaint, answerer: User, text: str, at: dt.datetime) -> Complaint:
    """Answer as the person it waits for: the first time, or as a second person. The complainant is told.

    Raises: ComplaintMovedOnError, NotAskedError.
    """
    complaint = _locked(complaint)
    if complaint.state not in Complaint.WAITING:
        raise _moved_on(complaint)
    if not may_answer(complaint, answerer):
        raise NotAskedError(_("Somebody else is to answer this: nobody answers what they have a part in."))
    asked = answerers(complaint)
    if complaint.state == State.FILED:
        complaint.state, complaint.answered_by, complaint.answered_at = State.ANSWERED, answerer.code, at
        complaint.answer_sealed = seal_text(text, complaint.place_of("answer"))
    else:
        complaint.state, complaint.second_by, complaint.second_at = State.CLOSED, answerer.code, at
        complaint.second_sealed = seal_text(text, complaint.place_of("second"))
    complaint.save(update_fields=_CHANGEABLE)
    audit.record(actor=answerer.code, action="answer_complaint", subject=_subject(complaint))
    notices.put_away(
        people=asked,
        kinds=[COMPLAINT_FILED, COMPLAINT_PASSED_ON, COMPLAINT_LATE],
        subject=_key(complaint),
        at=at,
    )
    link = reverse("my_complaint", args=[complaint.pool.code, complaint.year, complaint.number])
    params = _params(complaint)
    news = notices.News(
        complaint.person, COMPLAINT_ANSWERED, f"{_key(complaint)}/{complaint.state}", params, link
    )
    notices.tell([news], batch=f"complaint/{_key(complaint)}/{complaint.state}", actor=answerer.code)
    return complaint


@transaction.atomic
def settle_complaint(*, complaint: Complaint, person: User, at: dt.datetime) -> Complaint:
    """Say, as whoever complained, that the answer settles it. Raises: ComplaintMovedOnError."""
    complaint = _judged(complaint, at)
    complaint.state = State.SETTLED
    complaint.save(update_fields=_CHANGEABLE)
    audit.record(actor=person.code, action="settle_complaint", subject=_subject(complaint))
    return complaint


@transaction.atomic
def pass_on(*, complaint: Complaint, person: User, remark: str, at: dt.datetime) -> Complaint:
    """Ask, as whoever complained and once, that a second person looks at it. Raises: ComplaintMovedOnError."""
    complaint = _judged(complaint, at)
    complaint.state = State.PASSED_ON
    complaint.remark_sealed = seal_text(remark, complaint.place_of("remark"))
    complaint.second_due_date = _due(clock.day_of(at, complaint.pool.time_zone))
    complaint.save(update_fields=_CHANGEABLE)
    audit.record(actor=person.code, action="pass_complaint_on", subject=_subject(complaint))
    _tell_answerers(complaint, COMPLAINT_PASSED_ON)
    return complaint


def tell_late(at: dt.datetime) -> int:
    """Tell whoever is to answer, once, of each complaint that waits beyond its day; return how many were told."""
    waiting = Complaint.objects.filter(state__in=Complaint.WAITING).select_related("pool", "person")
    return sum(_tell_answerers(one, COMPLAINT_LATE) for one in waiting.order_by("pk") if is_late(one, at))


def _due(today: dt.date) -> dt.date:
    return today + dt.timedelta(days=settings.COMPLAINT_DAYS)


def _tell_answerers(complaint: Complaint, kind: str) -> int:
    link = reverse("complaint", args=[complaint.pool.code, complaint.year, complaint.number])
    params = _params(complaint) | {"until": complaint.until_date.isoformat()}
    key = f"{_key(complaint)}/{complaint.state}"
    news = [notices.News(person, kind, key, params, link) for person in answerers(complaint)]
    return notices.tell(news, batch=f"complaint/{key}/{kind}", actor=SERVICE)


def _params(complaint: Complaint) -> dict[str, str]:
    pool = complaint.pool
    return {"pool_en": pool.name_en, "pool_zh": pool.name_zh, "complaint": str(complaint)}


def _key(complaint: Complaint) -> str:
    return f"{complaint.pool.code}-{complaint.year}-{complaint.number}"


def _subject(complaint: Complaint) -> str:
    return f"{complaint.pool.code} complaint {complaint}"


def _judged(complaint: Complaint, at: dt.datetime) -> Complaint:
    complaint = _locked(complaint)
    if complaint.state != State.ANSWERED:
        raise _moved_on(complaint)
    complaint.judged_at = at
    return complaint


def _moved_on(complaint: Complaint) -> ComplaintMovedOnError:
    return ComplaintMovedOnError(
        _("This complaint has moved on: it is “%(state)s”. Reload the page.")
        % {"state": complaint.get_state_display()}
    )


def _locked(complaint: Complaint) -> Complaint:
    """Lock pool, then complaint."""
    Pool.objects.select_for_update(no_key=True).get(pk=complaint.pool_id)
    locked = Complaint.objects.select_for_update(no_key=True, of=("self",)).select_related("pool", "person")
    return locked.get(pk=complaint.pk)
