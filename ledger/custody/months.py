"""Closing months: a treasurer proposes it, a controller agrees; what must be so before, and what there is to read."""

import datetime as dt
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.errors import ConflictError, NotFoundError
from aidplatform.lib.failpoints import failpoint
from aidplatform.work import audit
from ledger.books import chart
from ledger.custody.month_models import MonthClose, MonthReopening, MonthState
from ledger.custody.month_sql import CONDITIONS, FIGURES, NEXT
from ledger.openbooks import services as openbooks
from members.pools.models import Pool

Row = TypeVar("Row", MonthClose, MonthReopening)


class MonthMovedOnError(ConflictError):
    """It is decided already."""

    code = "month_close_is_decided_once"


class MonthSamePersonError(ConflictError):
    """Closing a month, and opening it again, need two people."""

    code = "month_close_needs_two_people"


@transaction.atomic
def propose_close(*, pool: Pool, month_date: dt.date, proposer: str, at: dt.datetime) -> MonthClose:
    """Propose to close a month, whose first day month_date is; entries of it are taken until a controller agrees.

    Raises: IntegrityError bearing the name of the condition that does not hold (month_sql.CONDITIONS),
    month_begins_on_its_first_day, one_waiting_month_close_per_pool, month_close_people_hold_their_duty.
    """
    Pool.objects.select_for_update().get(pk=pool.pk)
    made = MonthClose.objects.create(
        pool=pool,
        number=0,  # number, figures, digest and instants are the database's own
        month_date=month_date,
        balances=[],
        entries=0,
        bank_fen=0,
        later_fen=0,
        sha256="",
        proposed_by=proposer,
        proposed_at=at,
    )
    made.refresh_from_db()
    audit.record(actor=proposer, action="propose_month_close", subject=str(made), sha256=made.sha256)
    return made


@transaction.atomic
def agree_to_close(*, close: MonthClose, person: str, at: dt.datetime) -> MonthClose:
    """Close the month: no entry of it, nor of one before, is taken any more.

    Raises: MonthMovedOnError, MonthSamePersonError; IntegrityError month_is_closed_as_counted when an entry has come
    since, the name of a condition that does not hold any more, month_close_people_hold_their_duty.
    """
    locked = _locked(MonthClose.objects, close)
    _another_than(locked.proposed_by, person)
    done = _decided(locked, MonthState.AGREED, person, at)
    failpoint("custody.month_closed")
    body = {
        "month": f"{locked.month_date:%Y-%m}",
        "close": locked.number,
        "entries": locked.entries,
        "custody": locked.custody_fen,
        "bank": locked.bank_fen,
        "sha256": locked.sha256,
    }
    _log(locked.pool, f"month/{locked.number}", body, at)
    return done


@transaction.atomic
def withdraw_close(*, close: MonthClose, person: str, at: dt.datetime) -> MonthClose:
    """Take a proposed close back, or turn it down. Raises: MonthMovedOnError."""
    return _decided(_locked(MonthClose.objects, close), MonthState.WITHDRAWN, person, at)


@transaction.atomic
def propose_reopening(*, close: MonthClose, reason: str, proposer: str, at: dt.datetime) -> MonthReopening:
    """Propose that the last closed month takes entries again.

    Raises: IntegrityError only_the_last_closed_month_reopens, month_is_reopened_once, month_reopening_says_why,
    month_reopening_people_hold_their_duty.
    """
    Pool.objects.select_for_update().get(pk=close.pool_id)
    made = MonthReopening.objects.create(
        pool=close.pool, close=close, reason=reason, proposed_by=proposer, proposed_at=at
    )
    audit.record(actor=proposer, action="propose_month_reopening", subject=str(made))
    return made


@transaction.atomic
def agree_to_reopening(*, reopening: MonthReopening, person: str, at: dt.datetime) -> MonthReopening:
    """Open a closed month again. Raises: MonthMovedOnError, MonthSamePersonError; IntegrityError
    only_the_last_closed_month_reopens, month_reopening_people_hold_their_duty.
    """
    locked = _locked(MonthReopening.objects.select_related("close"), reopening)
    _another_than(locked.proposed_by, person)
    done = _decided(locked, MonthState.AGREED, person, at)
    body = {
        "month": f"{locked.close.month_date:%Y-%m}",
        "close": locked.close.number,
        "reason": locked.reason,
    }
    _log(locked.pool, f"month-reopened/{locked.close.number}", body, at)
    return done


@transaction.atomic
def withdraw_reopening(*, reopening: MonthReopening, person: str, at: dt.datetime) -> MonthReopening:
    """Leave the month closed. Raises: MonthMovedOnError."""
    found = MonthReopening.objects.select_related("close")
    return _decided(_locked(found, reopening), MonthState.WITHDRAWN, person, at)


def _locked(found: Any, row: Row) -> Row:
    """Lock pool, then row, and demand that it waits. Raises: MonthMovedOnError."""
    Pool.objects.select_for_update().get(pk=row.pool_id)
    locked: Row = found.select_for_update(of=["self"]).select_related("pool").get(pk=row.pk)
    if locked.state != MonthState.PROPOSED:
        raise MonthMovedOnError(
            _("This is decided already. Reload the page to see where it is."), state=locked.state
        )
    return locked


def _another_than(proposer: str, person: str) -> None:
    if person == proposer:
        raise MonthSamePersonError(
            _("Whoever proposed it cannot agree to it. Ask a controller."), person=person
        )


def _decided(locked: Row, state: str, person: str, at: dt.datetime) -> Row:
    locked.state, locked.decided_by, locked.decided_at = state, person, at
    locked.save(update_fields=["state", "decided_by", "decided_at"])
    audit.record(actor=person, action=f"month_{state}", subject=str(locked))
    return locked


def _log(pool: Pool, key: str, body: dict[str, Any], at: dt.datetime) -> None:
    openbooks.append(code=pool.code, entry_type="stats", key=key, body=body, at=at)


# --- reading ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Condition:
    """What must be so before a month is closed: its guarantee, in words, whether it is, and where to look."""

    name: str
    title: object
    holds: bool
    address: str


@dataclass(frozen=True)
class NextMonth:
    """The month that is closed next: custody in the books and at the bank at its end (fen), and what must be so.

    later_fen: what of the bank's was booked here with a statement that ends after the month.
    """

    month_date: dt.date
    ledger_fen: int
    bank_fen: int
    later_fen: int
    conditions: tuple[Condition, ...]

    @property
    def is_ready(self) -> bool:
        """Tell whether it can be proposed."""
        return all(one.holds for one in self.conditions)

    @property
    def is_over(self) -> bool:
        """Tell whether the month has passed."""
        return next(one.holds for one in self.conditions if one.name == "closed_month_is_over")


NOTHING_BOOKED = _("Nothing is booked yet: there is no month to close.")
_WORDS: dict[str, tuple[object, str]] = {
    "closed_month_is_over": (_("The month is over"), ""),
    "closed_month_has_its_statements": (
        _("The bank's statements of all its days are in"),
        "custody_statements",
    ),
    "closed_month_agrees_with_its_bank": (
        _("Bank = ledger at its end, to the last cent"),
        "custody_reconciliation",
    ),
    "closed_month_is_reconciled": (
        _("The newest daily check, made after its end, found every rule kept: nothing is nobody's for long"),
        "custody_reconciliation",
    ),
    "closed_month_has_its_awards": (_("Every award whose publicity ended in it is booked"), "periods"),
}


def next_month(pool: Pool) -> NextMonth | None:
    """Return the month that is closed next; None while nothing is booked. One query."""
    sql = {name: text.format(pool="%(pool)s", month="n.month") for name, text in CONDITIONS.items()}
    holds = ", ".join(f"({sql[name]})" for name in _WORDS)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT n.month, f.ledger_fen, f.bank_fen, f.later_fen, {holds}
                  FROM (SELECT {NEXT.format(pool="%(pool)s")} AS month) n,
                       LATERAL ({FIGURES.format(pool="%(pool)s", month="n.month")}) f
                 WHERE n.month IS NOT NULL""",  # noqa: S608 - fixed texts
            {"pool": pool.pk},
        )
        row = cursor.fetchone()
    if row is None:
        return None
    conditions = tuple(
        Condition(name, title, held, reverse(page, args=[pool.code]) if page else "")
        for (name, (title, page)), held in zip(_WORDS.items(), row[4:], strict=True)
    )
    return NextMonth(row[0], row[1], row[2], row[3], conditions)


def in_force(found: QuerySet[MonthClose]) -> QuerySet[MonthClose]:
    """Return those of the closes that hold: agreed to, and not opened again."""
    opened = MonthReopening.objects.filter(close=OuterRef("pk"), state=MonthState.AGREED)
    return found.filter(~Exists(opened), state=MonthState.AGREED)


def closes(pool: Pool) -> QuerySet[MonthClose]:
    """Return the closes of a pool, newest first, each with what was proposed to open it again."""
    found = MonthClose.objects.filter(pool=pool).prefetch_related("reopenings")
    return found.select_related("pool").order_by("-number")


def public_closes(pool: Pool) -> QuerySet[MonthClose]:
    """Return the closes that were agreed to, those opened again among them, newest first."""
    return closes(pool).filter(state=MonthState.AGREED)


def last_closed(pool: Pool) -> MonthClose | None:
    """Return the close of the last month that is closed."""
    return in_force(MonthClose.objects.filter(pool=pool)).order_by("-month_date").first()


def access_close(*, pool: Pool, number: int) -> MonthClose:
    """Return a close of the pool. Raises: NotFoundError."""
    found = closes(pool).filter(number=number).first()
    if found is None:
        raise NotFoundError(_("This pool has no such close of a month."))
    return found


@dataclass(frozen=True)
class ClosingBalance:
    """An account at the end of a closed month (fen), its balance on its normal side."""

    code: str
    name: object
    debit_fen: int
    credit_fen: int
    balance_fen: int


def closing_balances(close: MonthClose) -> list[ClosingBalance]:
    """Return the recorded balances, in the order of the chart."""
    rows = []
    for code, debit_fen, credit_fen in close.balances:
        line = chart.BY_CODE[code]
        net = debit_fen - credit_fen
        rows.append(
            ClosingBalance(code, line.name, debit_fen, credit_fen, net if line.normal_side == "D" else -net)
        )
    return rows


def ready_to_close(pools: Collection[int]) -> list[tuple[Pool, dt.date]]:
    """Return those of the pools (by id) of which a month is over and can be closed, and the month."""
    waiting = MonthClose.objects.filter(pool=OuterRef("pk"), state=MonthState.PROPOSED)
    free = Pool.objects.filter(~Exists(waiting), pk__in=pools).order_by("code")
    found = ((pool, next_month(pool)) for pool in free)
    return [(pool, month.month_date) for pool, month in found if month is not None and month.is_ready]


def decision_of(deed: str, *, pool: Pool, number: int) -> Callable[[str, dt.datetime], dict[str, Any]]:
    """Return what decides about a close, or about its opening: agree_close, withdraw_close, agree_reopening, …

    number: of the close. Raises: NotFoundError.
    """
    close = access_close(pool=pool, number=number)
    verb, _sep, noun = deed.partition("_")
    if noun == "close":
        decide_close = agree_to_close if verb == "agree" else withdraw_close
        return lambda by, at: {"state": decide_close(close=close, person=by, at=at).state}
    reopening = close.reopenings.order_by("-pk").first()
    if reopening is None:
        raise NotFoundError(_("Nobody has proposed to open this month again."))
    decide = agree_to_reopening if verb == "agree" else withdraw_reopening
    return lambda by, at: {"state": decide(reopening=reopening, person=by, at=at).state}
