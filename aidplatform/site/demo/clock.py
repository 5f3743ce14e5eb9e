"""The business day of a demonstration: moved by hand, day by day, so that every calendar keeps its dates.

While the history is made the clock stands still at one instant after another; afterwards it runs on from there.
"""

import datetime as dt
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection, transaction
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from aidplatform.lib import clock
from aidplatform.lib.errors import DomainError, NotFoundError
from aidplatform.work import audit
from aidplatform.work.models import AuditEntry, Job
from ledger.sharing import services as sharing
from members.people.mails import SEND

ZONE = "Asia/Shanghai"
MOST_DAYS = 366
PATIENCE = 60.0
# Deeds of the calendar and of the worker that a moved clock brings about.
HAPPENINGS: dict[str, object] = {
    "open_period": _("Period opened"),
    "freeze_headcount": _("Headcount frozen"),
    "announce_period": _("Cases and provisional share announced to everyone"),
    "settle_period": _("Publicity ended; awards that nobody objects to are final"),
    "publish_case": _("Case handed on for publicity"),
    "post_period": _("Charges posted"),
    "notify_charges": _("Every exact charge announced"),
    "claim_awarded": _("Aid of a claim is final"),
    "claim_shared": _("Aid of a claim shared by all"),
    "claim_paid": _("Aid of a claim paid"),
    "claim_revoked": _("Unpaid aid of a claim taken back"),
}


class NotADemoError(NotFoundError):
    """The page or command exists in a demonstration only."""

    code = "not_a_demo"


class WorkerSilentError(DomainError):
    """The worker did not do its part in time."""

    code = "worker_silent"


def require_demo() -> None:
    """Refuse outside a demonstration, as if the thing did not exist. Raises: NotADemoError."""
    if not settings.DEMO:
        raise NotADemoError(_("There is no such page, or it is not yours to see."))


def stop_clock_at(at: dt.datetime) -> None:
    """Let the business clock stand still at an instant."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE work_installation SET clock_at = %s", [at])


def let_clock_run_from(at: dt.datetime) -> None:
    """Let the business clock run on from an instant."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE work_installation SET clock_at = NULL, clock_offset = %s - now()", [at])


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Let one visitor after the other move the clock or take a step; the worker's commits are seen meanwhile."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtext('site.demo'))")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(hashtext('site.demo'))")


def move_clock(*, days: int, actor: str, patience: float = PATIENCE) -> int:
    """Move the business clock on day by day; each day every pool's calendar follows before the next one comes.

    Never back: what has been posted would lie in the future. Returns the number of the last line of the trail
    before, after which `happened_since` tells what came of it.

    Raises: DomainError for other numbers of days; WorkerSilentError.
    """
    require_demo()
    if not 1 <= days <= MOST_DAYS:
        raise DomainError(_("The clock moves on by 1 to 366 days."), code="bad_days", days=days)
    with transaction.atomic():
        before = AuditEntry.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        audit.record(actor=actor, action="move_clock", subject="clock", days=days)
    for _day in range(days):
        with connection.cursor() as cursor:
            cursor.execute(
                """UPDATE work_installation SET clock_at = clock_at + interval '1 day',
                          clock_offset = coalesce(clock_offset, interval '0') + interval '1 day'"""
            )
        if sharing.advance_due(at=clock.now()):
            wait_for_worker(patience)
    return before


def move_clock_to(day: dt.date, *, actor: str) -> None:
    """Move on to a date, if it lies ahead. Raises: WorkerSilentError."""
    days = (day - clock.today(ZONE)).days
    if days > 0:
        move_clock(days=days, actor=actor)


def wait_for_worker(patience: float = PATIENCE) -> None:
    """Wait until no job is left to be done but to send mails, which leave in their own time.

    Raises: WorkerSilentError naming the error of a job that is stuck.
    """
    end = time.monotonic() + patience
    waiting = Job.objects.filter(state__in=[Job.State.QUEUED, Job.State.RUNNING]).exclude(kind=SEND)
    while waiting.exists():
        if time.monotonic() > end:
            failed = Job.objects.exclude(last_error="").exclude(state=Job.State.DONE).first()
            raise WorkerSilentError(
                _("The worker has not done its part in time. Is it running? %(error)s")
                % {"error": failed.last_error if failed else ""}
            )
        time.sleep(0.02)


@dataclass(frozen=True)
class Happening:
    """What calendar or worker has done: its line of the trail, its words, and its page where it has one."""

    entry: AuditEntry
    text: object
    address: str


def happened_since(line: int, limit: int = 60) -> list[Happening]:
    """Return what calendar and worker have done since a line of the trail, oldest first."""
    found = AuditEntry.objects.filter(pk__gt=line, action__in=HAPPENINGS).order_by("pk")[:limit]
    return [Happening(entry, HAPPENINGS[entry.action], _page_of(entry.subject)) for entry in found]


def _page_of(subject: str) -> str:
    """Return the page of a period, named like town/15; claims are their people's alone."""
    code, _slash, number = subject.partition("/")
    return reverse("period", args=[code, number]) if number.isdecimal() else ""


def morning_of(day: dt.date) -> dt.datetime:
    """Return nine o'clock of a day of the demonstration."""
    return dt.datetime.combine(day, dt.time(9), tzinfo=ZoneInfo(ZONE))
