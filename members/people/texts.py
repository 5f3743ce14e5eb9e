"""Text messages to confirmed numbers: written with the deed they tell of, sent by a job, once per key.

A message says that there is something to read and where, never what: phones show messages to whoever looks at them,
and gateways keep them. So no name, figure or word about health is ever in one.
"""

import datetime as dt
import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import structlog
from django.conf import settings
from django.db.models import Q
from django.db.models.functions import Now
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, override

from aidplatform.lib import crypto
from aidplatform.lib.failpoints import failpoint
from aidplatform.work import jobs
from members.people.models import NoticeHours, User
from members.people.text_gateway import gateway
from members.people.text_models import Phone, TextChoice, TextMessage

log = structlog.get_logger(__name__)
SEND = "people.send_texts"


@dataclass(frozen=True)
class Text:
    """What is to be written to one person. hours: whose quiet hours it respects; None: it leaves at once."""

    key: str
    person: User
    number: str
    words: str
    is_code: bool = False
    hours: NoticeHours | None = None


def numbers_of(people: Iterable[User]) -> dict[int, str]:
    """Return the confirmed number of each who has one, by the person's id; none where no gateway is set. One query."""
    wanted = {person.pk: person for person in people}
    if gateway() is None or not wanted:
        return {}
    found = Phone.objects.filter(person__in=wanted, confirmed_at__isnull=False)
    return {one.person_id: opened_number(wanted[one.person_id], bytes(one.number_sealed)) for one in found}


def wanted_by(people: Iterable[User]) -> dict[int, set[str]]:
    """Return the categories and names of events of which each wants a text message, by the person's id. One query."""
    wanted: dict[int, set[str]] = defaultdict(set)
    for row in TextChoice.objects.filter(person__in=[person.pk for person in people]):
        wanted[row.person_id].add(row.name)
    return wanted


def opened_number(person: User, sealed: bytes) -> str:
    """Open a number."""
    return crypto.unseal_text(sealed, f"members.phone:{person.code}")


def sealed_number(person: User, number: str) -> bytes:
    """Seal a number for its person."""
    return crypto.seal_text(number, f"members.phone:{person.code}")


def words_for(person: User, count: int = 1) -> str:
    """Say in the person's language that there is something to read, and where."""
    with override(person.language):
        says = ngettext(
            "%(site)s: there is a notice for you. Read it after signing in: %(link)s",
            "%(site)s: there are %(count)s notices for you. Read them after signing in: %(link)s",
            count,
        )
        return says % {
            "site": settings.SITE_NAME, "count": count, "link": settings.PUBLIC_URL + reverse("notices"),
        }  # fmt: skip


def code_words(person: User, code: str) -> str:
    """Say in the person's language which code confirms the number."""
    with override(person.language):
        return _("%(site)s: %(code)s confirms your phone number. Nobody will ask you for it.") % {
            "site": settings.SITE_NAME, "code": code,
        }  # fmt: skip


def write_texts(texts: Iterable[Text], *, batch: str, actor: str) -> None:
    """Write messages into the caller's transaction and have a worker send them; a key that exists is left alone.

    batch: what makes this set of messages unique.
    """
    now = timezone.now()
    rows = [
        TextMessage(
            key=one.key,
            person=one.person,
            sealed=crypto.seal_text(json.dumps([one.number, one.words]), _context(one.key)),
            is_code=one.is_code,
            written_at=now,
            not_before_at=one.hours.quiet_until(now) if one.hours else None,
        )
        for one in texts
    ]
    TextMessage.objects.bulk_create(rows, ignore_conflicts=True)
    due: dict[dt.datetime | None, list[str]] = defaultdict(list)
    for row in rows:
        due[row.not_before_at].append(row.key)
    for at, keys in due.items():
        name = f"{batch}/{at:%m%dT%H%M}" if at else batch
        jobs.enqueue(kind=SEND, key=name, payload={"keys": keys}, actor=actor, due_at=at)


def send_texts(lease: jobs.Lease) -> dict[str, int]:
    """Send the messages of a batch that have not left yet, each in a transaction of its own.

    One that is refused does not keep the others back; the job fails after them and is tried again.
    """
    failed: OSError | None = None
    sent = 0
    for key in lease.payload["keys"]:
        try:
            sent += _send(lease, key)
        except OSError as error:
            log.warning("text_not_sent", key=key, error=type(error).__name__)
            failed = error
    if failed is not None:
        raise failed
    return {"sent": sent}


def _send(lease: jobs.Lease, key: str) -> int:
    """Send one message and mark it; 0: it had left, or its quiet hours are not over, or nobody takes any more."""
    taker = gateway()
    with lease.transaction():
        waiting = TextMessage.objects.select_for_update().filter(key=key, sent_at=None)
        text = waiting.filter(Q(not_before_at=None) | Q(not_before_at__lte=Now())).first()
        if text is None or taker is None:
            return 0
        number, words = opened_text(text)
        taker.send(key=key, number=number, text=words)
        failpoint("people.text_sent")
        text.sent_at = timezone.now()
        text.save(update_fields=["sent_at"])
    return 1


def opened_text(text: TextMessage) -> tuple[str, str]:
    """Open the number and the words of a message."""
    number, words = json.loads(crypto.unseal_text(bytes(text.sealed), _context(text.key)))
    return number, words


def _context(key: str) -> str:
    return f"members.text:{key}"
