"""Ends that members do not bring about themselves: a death, a removal. One person reports, another confirms."""

import datetime as dt
from dataclasses import dataclass

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from aidplatform.lib import clock
from aidplatform.lib.db import texts_of
from aidplatform.lib.errors import ConflictError, NotFoundError
from aidplatform.work import audit
from ledger.custody.suspensions import end_suspension
from ledger.leaving.selectors import operator_on, parting_of
from members.joining.deputies import tell_of_death
from members.joining.end_models import MembershipEnd, ReportedEnd
from members.joining.end_triggers import report_shown_sql
from members.joining.models import Membership
from members.joining.services import end_cover
from members.joining.told import told_of
from members.people import notices
from members.pools.models import Pool


class ReportMovedOnError(ConflictError):
    """It is decided already."""

    code = "reported_end_is_decided_once"


class SamePersonError(ConflictError):
    """Reporting and confirming need two people."""

    code = "reported_end_needs_two_people"


class ShownChangedError(ConflictError):
    """The confirmer saw something else than what is stored."""

    code = "reported_end_is_decided_as_shown"


def report_end(
    *,
    membership: Membership,
    reason: str,
    event_date: dt.date | None,
    reference: str,
    statement: str,
    reporter: str,
    at: dt.datetime,
) -> ReportedEnd:
    """Report that a member has died, with the day and the paper, or is to be removed, with clause and statement.

    Raises: IntegrityError reported_end_begins_open, death_is_not_to_come, reported_end_says_why,
    one_open_reported_end_per_membership, reported_end_people_hold_their_duty.
    """
    with transaction.atomic():
        Pool.objects.select_for_update().get(pk=membership.pool_id)
        made = ReportedEnd.objects.create(
            pool=membership.pool,
            number=0,  # number, hash and instant are the database's own
            membership=membership,
            reason=reason,
            event_date=event_date,
            reference=reference,
            statement=statement,
            reported_by=reporter,
            reported_at=at,
        )
        made.refresh_from_db()
        audit.record(
            actor=reporter,
            action="report_end",
            subject=str(made),
            membership=membership.number,
            reason=reason,
        )
    return made


def confirm_end(*, report: ReportedEnd, confirmer: str, shown_sha256: str, at: dt.datetime) -> MembershipEnd:
    """End the membership exactly as it was reported.

    Who has died is not covered from the day after on, whenever it is recorded, and their account is told nothing more;
    whoever may act for them is. Who is removed is covered to the end of this day and told why, what is owed, and to
    whom to object.

    Raises: ReportMovedOnError, SamePersonError, ShownChangedError; IntegrityError reported_end_people_hold_their_duty,
    or as the membership has ended meanwhile.
    """
    with transaction.atomic():
        locked = _locked(report)
        if confirmer == locked.reported_by:
            raise SamePersonError(_("The person who reported it cannot confirm it. Ask a controller."))
        if shown_sha256 != locked.shown_sha256:
            raise ShownChangedError(
                _("This is not what was shown. Look at the report again, then confirm it.")
            )
        membership, pool = locked.membership, locked.pool
        if MembershipEnd.objects.filter(membership=membership).exists():
            raise ReportMovedOnError(_("This membership is over already. Take the report back."))
        _decide(locked, ReportedEnd.State.CONFIRMED, confirmer, at)
        last_day = locked.event_date or clock.day_of(at, pool.time_zone)
        end_date = last_day + dt.timedelta(days=1)
        figures = parting_of(membership, at).figures
        end_suspension(membership=membership, on=end_date, actor=confirmer)
        ended = end_cover(
            membership=membership,
            at=clock.start_of_day(end_date, pool.time_zone),
            reason=locked.reason,
            actor=confirmer,
            reference=locked.reference,
        )
        if locked.reason == MembershipEnd.Reason.DECEASED:
            tell_of_death(membership=membership, end_date=end_date, actor=confirmer)
        if locked.reason == MembershipEnd.Reason.REMOVED:
            operator = operator_on(pool, clock.day_of(at, pool.time_zone))
            params = {
                "pool_en": pool.name_en,
                "pool_zh": pool.name_zh,
                "currency": pool.currency,
                "clause": locked.reference,
                "statement": locked.statement,
                "contact": operator.contact if operator else "–",
                **figures,
            }
            listeners = told_of(membership)
            news = [one.news(notices.REMOVED, str(membership), params, pool=pool.code) for one in listeners]
            notices.tell(news, batch=f"removed/{membership}", actor=confirmer)
    return ended


def withdraw_report(*, report: ReportedEnd, withdrawer: str, at: dt.datetime) -> ReportedEnd:
    """Take a report back, or turn it down; the membership goes on.

    Raises: ReportMovedOnError; IntegrityError reported_end_people_hold_their_duty.
    """
    with transaction.atomic():
        locked = _locked(report)
        _decide(locked, ReportedEnd.State.WITHDRAWN, withdrawer, at)
    return locked


def _decide(locked: ReportedEnd, state: str, decider: str, at: dt.datetime) -> None:
    locked.state, locked.decided_by, locked.decided_at = state, decider, at
    locked.save(update_fields=["state", "decided_by", "decided_at"])
    audit.record(actor=decider, action=f"reported_end_{state}", subject=str(locked))


def _locked(report: ReportedEnd) -> ReportedEnd:
    """Lock pool, then report, and demand that it waits. Raises: ReportMovedOnError."""
    Pool.objects.select_for_update().get(pk=report.pool_id)
    found = ReportedEnd.objects.select_for_update(of=["self"])
    locked = found.select_related("pool", "membership__pool", "membership__person").get(pk=report.pk)
    if locked.state != ReportedEnd.State.OPEN:
        raise ReportMovedOnError(
            _("The report is already “%(state)s”. Reload the page to see where it is.")
            % {"state": locked.get_state_display()}
        )
    return locked


# --- reads ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Shown:
    """A report with the text whose SHA-256 a confirmation names."""

    report: ReportedEnd
    text: str


def reports_of(pool: Pool) -> QuerySet[ReportedEnd]:
    """Return the reports of a pool, newest first."""
    return pool.reported_ends.select_related("pool", "membership").order_by("-number")


def access_report(*, pool: Pool, number: int) -> ReportedEnd:
    """Return a report of the pool. Raises: NotFoundError."""
    found = reports_of(pool).filter(number=number).first()
    if found is None:
        raise NotFoundError(_("This pool has no such report."))
    return found


def with_texts(reports: list[ReportedEnd]) -> list[Shown]:
    """Return them with the texts that were hashed. One query."""
    texts = texts_of(ReportedEnd, report_shown_sql("r"), "r", [report.pk for report in reports])
    return [Shown(report, texts[report.pk]) for report in reports]
