"""E-mails to people: written with the deed they tell of, sent by a job, once per key.

A mail that left while its worker died is sent again with the same Message-ID, which mailbox programs show once.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from email.utils import parseaddr

import structlog
from anymail.exceptions import AnymailError
from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from aidplatform.lib.failpoints import failpoint
from aidplatform.work import jobs
from members.people.models import Mail, NoticeHours, User

log = structlog.get_logger(__name__)
SEND = "people.send_mails"
KEY_HEADER = "X-Aid-Key"


@dataclass(frozen=True)
class Letter:
    """What is to be written to one person. person: None where the address has no account; address: else theirs.

    papers: what it carries, as `kind:id` of a kind that somebody makes, see `makes_papers`.
    hours: whose quiet hours it respects; None: it leaves at once.
    """

    key: str
    person: User | None
    subject: str
    body: str
    address: str = ""
    papers: str = ""
    hours: NoticeHours | None = None


@dataclass(frozen=True)
class File:
    """A file that a mail carries."""

    name: str
    content: bytes
    content_type: str


Maker = Callable[[int], list[File]]
_makers: dict[str, Maker] = {}


def makes_papers(kind: str) -> Callable[[Maker], Maker]:
    """Declare who makes the files of a kind of papers, from the id of the row that they are of."""

    def declare(maker: Maker) -> Maker:
        _makers[kind] = maker
        return maker

    return declare


def files_of(papers: str) -> list[File]:
    """Return the files that a mail carries: made anew each time, so that nothing of them is kept beside the facts."""
    if not papers:
        return []
    kind, _colon, row = papers.partition(":")
    return _makers[kind](int(row))


def write_mails(letters: Iterable[Letter], *, batch: str, actor: str) -> int:
    """Write mails into the caller's transaction and have a worker send them; a key that exists is left alone.

    batch: what makes this set of letters unique. Returns how many were new. People of a demonstration whose
    address leads nowhere are written to all the same: their mails can be read on a page.
    """
    now = timezone.now()
    rows = [
        Mail(
            key=letter.key,
            person=letter.person,
            to_address=letter.address or (letter.person.email if letter.person else ""),
            subject=letter.subject,
            body=letter.body,
            papers=letter.papers,
            written_at=now,
            not_before_at=letter.hours.quiet_until(now) if letter.hours else None,
        )
        for letter in letters
    ]
    before = set(Mail.objects.filter(key__in=[row.key for row in rows]).values_list("key", flat=True))
    Mail.objects.bulk_create(rows, ignore_conflicts=True)
    due: dict[dt.datetime | None, list[str]] = defaultdict(list)
    for row in rows:
        due[row.not_before_at].append(row.key)
    for at, keys in due.items():
        name = f"{batch}/{at:%m%dT%H%M}" if at else batch
        jobs.enqueue(kind=SEND, key=name, payload={"keys": keys}, actor=actor, due_at=at)
    return len(rows) - len(before)


def send_mails(lease: jobs.Lease) -> dict[str, int]:
    """Send the mails of a batch that have not left yet, each in a transaction of its own.

    One that is refused does not keep the others back; the job fails after them and is tried again.
    """
    failed: Exception | None = None
    sent = 0
    for key in lease.payload["keys"]:
        try:
            sent += _send(lease, key)
        except (
            OSError,
            ValueError,
            AnymailError,
        ) as error:  # it is refused, or a header of it makes no sense
            log.warning("mail_not_sent", key=key, error=type(error).__name__)
            failed = error
    if failed is not None:
        raise failed
    return {"sent": sent}


def _send(lease: jobs.Lease, key: str) -> int:
    """Send one mail and mark it; 0: it had left, or another job sends it when the quiet hours are over."""
    with lease.transaction():
        waiting = Mail.objects.select_for_update().filter(key=key, sent_at=None)
        mail = waiting.filter(Q(not_before_at=None) | Q(not_before_at__lte=Now())).first()
        if mail is None:
            return 0
        domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2]
        message = EmailMessage(
            subject=mail.subject,
            body=mail.body,
            to=[mail.to_address],
            headers={"Message-ID": f"<{mail.key.replace('/', '.')}@{domain}>", KEY_HEADER: mail.key},
            connection=get_connection(),
        )
        if not isinstance(message.connection, TableBackend):
            for file in files_of(mail.papers):
                message.attach(file.name, file.content, file.content_type)
        message.send()
        failpoint("people.mail_sent")
        mail.sent_at = timezone.now()
        mail.save(update_fields=["sent_at"])
    return 1


class TableBackend(BaseEmailBackend):
    """The mail server of a demonstration: keeps every mail in the table that its page shows, sends nothing.

    It has no use for files, so that none are made for it: those of everybody who joins in the history took more time
    than all the rest of it.
    """

    def send_messages(self, email_messages: Iterable[EmailMessage]) -> int:
        """Keep what the framework sends by itself; our own mails are rows already."""
        count = 0
        for message in email_messages:
            count += 1
            if KEY_HEADER in message.extra_headers:
                continue
            now = timezone.now()
            for address in message.recipients():
                Mail.objects.create(
                    key=f"framework/{now.timestamp():.6f}/{address}"[:120],
                    person=User.objects.filter(email__iexact=address).first(),
                    to_address=address,
                    subject=str(message.subject)[:200],
                    body=str(message.body),
                    written_at=now,
                    sent_at=now,
                )
        return count
