"""The operator's interests and income: told by a pool admin, confirmed by a controller; and what is read of them."""

import datetime as dt
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.errors import ConflictError, NotFoundError
from aidplatform.work import audit
from ledger.custody.interest_models import IncomeReport, OperatorInterest, State
from ledger.custody.interest_sql import BOOKED, REPORTED
from ledger.openbooks import services as openbooks
from ledger.sharing.models import Period
from members.pools.models import Pool

T = TypeVar("T", OperatorInterest, IncomeReport)
Found = TypeVar("Found")


class InterestMovedOnError(ConflictError):
    """What was proposed is decided already."""

    code = "interest_is_decided_once"


class SamePersonError(ConflictError):
    """Telling and confirming need two people."""

    code = "interest_needs_two_people"


@transaction.atomic
def propose_interest(
    *,
    pool: Pool,
    kind: str,
    partner: str,
    relation: str,
    since_date: dt.date,
    until_date: dt.date | None,
    replaces: int | None,
    proposer: str,
    at: dt.datetime,
) -> OperatorInterest:
    """Propose an interest for the register; it stands there once a controller has confirmed it.

    replaces: the number of the confirmed one whose place it takes. Raises: IntegrityError
    interest_people_hold_their_duty, interest_replaces_a_confirmed_one, interest_ends_after_it_began.
    """
    made = OperatorInterest.objects.create(
        pool=pool,
        number=0,  # number and instants are the database's own
        kind=kind,
        partner=partner,
        relation=relation,
        since_date=since_date,
        until_date=until_date,
        replaces=replaces,
        proposed_by=proposer,
        proposed_at=at,
    )
    made.refresh_from_db(fields=["number", "proposed_at"])
    audit.record(actor=proposer, action="propose_interest", subject=str(made))
    return made


@transaction.atomic
def report_income(
    *, period: Period, referral_fen: int, sponsor_fen: int, note: str, proposer: str, at: dt.datetime
) -> IncomeReport:
    """Report the operator's income of a posted period; it holds once a controller has confirmed it.

    Raises: IntegrityError income_report_people_hold_their_duty, income_report_is_of_a_posted_period,
    one_waiting_income_report_per_period.
    """
    made = IncomeReport.objects.create(
        pool=period.pool,
        number=0,  # number and instants are the database's own
        period=period,
        referral_fen=referral_fen,
        sponsor_fen=sponsor_fen,
        note=note,
        proposed_by=proposer,
        proposed_at=at,
    )
    made.refresh_from_db(fields=["number", "proposed_at"])
    audit.record(
        actor=proposer, action="report_income", subject=str(made), referral=referral_fen, sponsor=sponsor_fen
    )
    return made


@transaction.atomic
def confirm_interest(*, interest: OperatorInterest, confirmer: str, at: dt.datetime) -> OperatorInterest:
    """Put an interest into the register and its hash into the log. Raises: InterestMovedOnError, SamePersonError."""
    locked = _locked(interest, confirmer)
    body: dict[str, Any] = {"interest": locked.number, "kind": locked.kind, "since": str(locked.since_date)}
    if locked.until_date is not None:
        body["until"] = str(locked.until_date)
    if locked.replaces is not None:
        body["replaces"] = locked.replaces
    body["sha256"] = text_hash(locked)
    return _confirmed(locked, f"interest/{locked.number}", body, confirmer, at)


@transaction.atomic
def confirm_income(*, report: IncomeReport, confirmer: str, at: dt.datetime) -> IncomeReport:
    """Let a report hold and state it in the log. Raises: InterestMovedOnError, SamePersonError."""
    locked = _locked(report, confirmer)
    body = {
        "income": locked.number,
        "period": locked.period.number,
        "referral_fen": locked.referral_fen,
        "sponsor_fen": locked.sponsor_fen,
    }
    return _confirmed(locked, f"income/{locked.number}", body, confirmer, at)


def _confirmed(locked: T, key: str, body: dict[str, Any], confirmer: str, at: dt.datetime) -> T:
    openbooks.append(code=locked.pool.code, entry_type="stats", key=key, body=body, at=at)
    return _decided(locked, State.CONFIRMED, confirmer, at)


@transaction.atomic
def withdraw(*, told: T, person: str, at: dt.datetime) -> T:
    """Take back what waits. Raises: InterestMovedOnError."""
    return _decided(_locked(told, ""), State.WITHDRAWN, person, at)


def _decided(locked: T, state: str, person: str, at: dt.datetime) -> T:
    locked.state, locked.decided_by, locked.decided_at = state, person, at
    locked.save(update_fields=["state", "decided_by", "decided_at"])
    audit.record(actor=person, action=f"interest_{state}", subject=str(locked))
    return locked


def _locked(told: T, confirmer: str) -> T:
    """Lock pool, then row; demand that it waits for somebody else. Raises: InterestMovedOnError, SamePersonError."""
    Pool.objects.select_for_update().get(pk=told.pool_id)
    locked = type(told)._default_manager.select_for_update(of=["self"]).select_related("pool").get(pk=told.pk)
    if locked.state != State.PROPOSED:
        raise InterestMovedOnError(
            _("This is already “%(state)s”. Reload the page to see where it is.")
            % {"state": State(locked.state).label},
            state=locked.state,
        )
    if confirmer == locked.proposed_by:
        raise SamePersonError(_("Whoever proposed it cannot confirm it. Ask a controller."))
    return locked


def text_hash(interest: OperatorInterest) -> str:
    """Return the SHA-256 of partner and relation, as the log states it."""
    return hashlib.sha256(f"{interest.partner}\n{interest.relation}".encode()).hexdigest()


# --- reads ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PeriodIncome:
    """A posted period: what was reported of it, None where nothing was, what was booked, and the gap so far (fen).

    gap_*: all reports up to here less all that was booked up to here; beyond the last report there is none.
    """

    number: int
    referral_fen: int | None
    sponsor_fen: int | None
    booked_referral_fen: int
    booked_sponsor_fen: int
    gap_referral_fen: int
    gap_sponsor_fen: int

    @property
    def is_stated(self) -> bool:
        """Tell whether the operator has stated its income of the period."""
        return self.referral_fen is not None

    @property
    def has_gap(self) -> bool:
        """Tell whether reports and books differ up to here."""
        return bool(self.gap_referral_fen or self.gap_sponsor_fen)


def interests(pool: Pool) -> QuerySet[OperatorInterest]:
    """Return all interests of a pool, also waiting and withdrawn ones, newest first."""
    return OperatorInterest.objects.filter(pool=pool).select_related("pool").order_by("-number")


def register(pool: Pool) -> QuerySet[OperatorInterest]:
    """Return the register: what is confirmed and has not been replaced."""
    confirmed = OperatorInterest.objects.filter(pool=pool, state=State.CONFIRMED)
    replaced = confirmed.filter(replaces__isnull=False).values("replaces")
    return confirmed.exclude(number__in=replaced).order_by("-number")


def reports(pool: Pool) -> QuerySet[IncomeReport]:
    """Return all reports of income, newest first."""
    return IncomeReport.objects.filter(pool=pool).select_related("pool", "period").order_by("-number")


def income_by_period(pool: Pool) -> list[PeriodIncome]:
    """Return every posted period with what was reported and booked, newest first. One query."""
    query = f"""SELECT b.number, r.referral_fen, r.sponsor_fen, b.referral_fen, b.sponsor_fen
                  FROM ({BOOKED}) b LEFT JOIN ({REPORTED}) r ON r.number = b.number ORDER BY b.number"""
    with connection.cursor() as cursor:
        cursor.execute(query, {"pool": pool.pk, "code": pool.code})
        rows = cursor.fetchall()
    last = max((number for number, referral, *_rest in rows if referral is not None), default=0)
    found, gaps = [], (0, 0)
    for number, referral, sponsor, booked_referral, booked_sponsor in rows:
        gaps = (
            gaps[0] + (referral or 0) - booked_referral,
            gaps[1] + (sponsor or 0) - booked_sponsor,
        )
        shown = gaps if number <= last else (0, 0)
        found.append(PeriodIncome(number, referral, sponsor, booked_referral, booked_sponsor, *shown))
    return found[::-1]


def access_interest(*, pool: Pool, number: int) -> OperatorInterest:
    """Return an interest of the pool by its number. Raises: NotFoundError."""
    return _access(interests(pool).filter(number=number).first, number)


def access_report(*, pool: Pool, number: int) -> IncomeReport:
    """Return a report of the pool by its number. Raises: NotFoundError."""
    return _access(reports(pool).filter(number=number).first, number)


def _access(find: Callable[[], Found | None], number: int) -> Found:
    found = find() if number < 2**31 else None
    if found is None:
        raise NotFoundError(_("Nothing of that number is in this register."))
    return found


def decision_of(deed: str, *, pool: Pool, number: int) -> Callable[[str, dt.datetime], dict[str, Any]]:
    """Return what decides about a row: confirm_interest, confirm_income, withdraw_… Raises: NotFoundError."""
    if deed == "confirm_interest":
        interest = access_interest(pool=pool, number=number)
        return lambda by, at: {"state": confirm_interest(interest=interest, confirmer=by, at=at).state}
    if deed == "confirm_income":
        told = access_report(pool=pool, number=number)
        return lambda by, at: {"state": confirm_income(report=told, confirmer=by, at=at).state}
    if deed == "withdraw_interest":
        waiting = access_interest(pool=pool, number=number)
        return lambda by, at: {"state": withdraw(told=waiting, person=by, at=at).state}
    taken_back = access_report(pool=pool, number=number)
    return lambda by, at: {"state": withdraw(told=taken_back, person=by, at=at).state}
