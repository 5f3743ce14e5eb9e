"""Explaining debits that came unexplained: a treasurer finds out, a controller agrees; and what there is to read."""

import datetime as dt
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.expressions import RawSQL
from django.utils.translation import gettext_lazy as _

from aidplatform.lib import clock
from aidplatform.lib.errors import NotFoundError
from aidplatform.lib.failpoints import failpoint
from aidplatform.work import audit
from ledger.books import chart
from ledger.books.services import credit, debit
from ledger.custody import two_people
from ledger.custody.explanation_models import DebitExplanation
from ledger.custody.explanation_triggers import ACCOUNTS
from ledger.custody.models import BankAccount, PaymentOrder, StatementLine
from ledger.custody.proposal_models import Proposal
from ledger.custody.services import confirm_payment
from ledger.custody.triggers import USED
from ledger.openbooks import services as openbooks
from ledger.sharing.selectors import book_of
from members.pools.models import Pool

Cause, State = DebitExplanation.Cause, Proposal.State


@transaction.atomic
def propose_explanation(
    *,
    line: StatementLine,
    cause: str,
    note: str,
    proposer: str,
    at: dt.datetime,
    order: PaymentOrder | None = None,
    receipt: StatementLine | None = None,
) -> DebitExplanation:
    """Say what a debit was; nothing is booked before a controller agrees.

    order: of a payment; receipt: of a mistake that came back. Raises: IntegrityError
    only_debits_to_explain_are_explained, explanation_fits_its_papers, explanation_names_its_papers,
    debit_is_explained_once, payment_explains_one_debit, receipt_gives_back_one_debit,
    explanation_people_hold_their_duty.
    """
    # The guard locks the bank account; whoever imports has locked the pool before that.
    pool = Pool.objects.select_for_update().get(pk=line.account.pool_id)
    made = DebitExplanation.objects.create(
        pool=pool,
        number=0,  # number, amount and instants are the database's own
        line=line,
        cause=cause,
        order=order,
        receipt=receipt,
        note=note,
        amount_fen=0,
        proposed_by=proposer,
        proposed_at=at,
    )
    made.refresh_from_db(fields=["number", "amount_fen", "proposed_at"])
    audit.record(actor=proposer, action="propose_explanation", subject=str(made), line=line.code, cause=cause)
    return made


@transaction.atomic
def agree_to_explanation(*, explanation: DebitExplanation, person: str, at: dt.datetime) -> DebitExplanation:
    """Book what the debit was. A payment counts as paid by it from now on.

    Raises: MovedOnError, SamePersonError; IntegrityError explanation_fits_its_papers when the payment was
    called off or the receipt used since, explanation_people_hold_their_duty.
    """
    locked = _locked(explanation)
    two_people.demand_another(locked, person, "explanation_needs_two_people")
    locked.entry = openbooks.post_logged_entry(
        book=book_of(locked.pool),
        key=f"debit_explained/{locked.number}",
        kind="debit_explained",
        lines=[
            debit(ACCOUNTS[locked.cause], locked.amount_fen),
            credit(chart.UNEXPLAINED_DEBITS, locked.amount_fen),
        ],
        entry_date=clock.day_of(at, locked.pool.time_zone),
        at=at,
        description=f"Debit {locked.line.code} explained",
        source=f"statement {locked.pool.code}/{locked.line.statement.number}",
        maker=locked.proposed_by,
        checker=person,
    )
    failpoint("custody.debit_explained")
    done = _decided(locked, State.AGREED, person, at)
    if done.order is not None:
        confirm_payment(done.order, done.line, person)
    return done


@transaction.atomic
def withdraw_explanation(*, explanation: DebitExplanation, person: str, at: dt.datetime) -> DebitExplanation:
    """Take an explanation back, or turn it down; the debit stays to be explained.

    Raises: MovedOnError; IntegrityError explanation_people_hold_their_duty.
    """
    return _decided(_locked(explanation), State.WITHDRAWN, person, at)


def _locked(explanation: DebitExplanation) -> DebitExplanation:
    return two_people.locked(explanation, "explanation_is_decided_once", "line__statement", "order")


def _decided(locked: DebitExplanation, state: str, person: str, at: dt.datetime) -> DebitExplanation:
    two_people.decide(locked, state, person, at, "entry")
    audit.record(actor=person, action=f"explanation_{state}", subject=str(locked))
    return locked


def debits_to_explain(pool: Pool) -> QuerySet[StatementLine]:
    """Return the debits that nobody has explained or proposed to, oldest first."""
    lines = _to_explain(StatementLine.objects.filter(account__pool=pool))
    return lines.select_related("statement", "account__pool").order_by("booking_date", "pk")


def with_debits_to_explain(pools: Collection[int]) -> QuerySet[Pool]:
    """Return those of the pools (by id) in which a debit waits to be explained."""
    waiting = _to_explain(StatementLine.objects.filter(account__pool=OuterRef("pk")))
    return Pool.objects.filter(Exists(waiting), pk__in=pools).order_by("code")


def _to_explain(lines: QuerySet[StatementLine]) -> QuerySet[StatementLine]:
    told = DebitExplanation.objects.filter(line=OuterRef("pk")).exclude(state=State.WITHDRAWN)
    return lines.filter(~Exists(told), kind=StatementLine.Kind.UNEXPLAINED)


def explanations(pool: Pool) -> QuerySet[DebitExplanation]:
    """Return what was proposed of a pool's debits, newest first."""
    found = DebitExplanation.objects.filter(pool=pool)
    return found.select_related("line__statement", "receipt__statement", "order", "entry").order_by("-number")


def access_explanation(*, pool: Pool, number: int) -> DebitExplanation:
    """Return an explanation of the pool. Raises: NotFoundError."""
    found = explanations(pool).filter(number=number).first()
    if found is None:
        raise NotFoundError(_("This pool has no such explanation."))
    return found


def access_debit(*, pool: Pool, statement_no: int, line_no: int) -> StatementLine:
    """Return a debit to explain of the pool by its code. Raises: NotFoundError."""
    found = StatementLine.objects.select_related("statement", "account__pool").filter(
        account__pool=pool,
        kind=StatementLine.Kind.UNEXPLAINED,
        statement__number=statement_no,
        line_no=line_no,
    )
    line = found.first()
    if line is None:
        raise NotFoundError(_("This pool has no such debit to explain."))
    return line


@dataclass(frozen=True)
class Papers:
    """On what the explanation of a debit could rest: payments and receipts of its amount."""

    orders: tuple[PaymentOrder, ...]
    receipts: tuple[StatementLine, ...]


def papers_like(account: BankAccount, lines: Sequence[StatementLine]) -> dict[int, Papers]:
    """Return it by debit: released payments, and later receipts of which nothing is used. Two queries."""
    fen = {line.amount_fen for line in lines}
    released = PaymentOrder.objects.filter(
        pool=account.pool_id, state=PaymentOrder.State.RELEASED, amount_fen__in=fen
    )
    orders = list(released.order_by("number"))
    taken = DebitExplanation.objects.filter(receipt=OuterRef("pk")).exclude(state=State.WITHDRAWN)
    free = StatementLine.objects.filter(
        ~Exists(taken), account=account, kind=StatementLine.Kind.UNIDENTIFIED, amount_fen__in=fen
    )
    used = RawSQL(USED.format(line="ledger_statementline.id"), [])  # noqa: S611 - fixed names
    free = free.annotate(used=used).filter(used=0)
    receipts = list(free.select_related("statement").order_by("booking_date", "pk"))
    return {
        line.pk: Papers(
            tuple(one for one in orders if one.amount_fen == line.amount_fen),
            tuple(
                one
                for one in receipts
                if one.amount_fen == line.amount_fen and one.booking_date >= line.booking_date
            ),
        )
        for line in lines
    }


def decision_of(deed: str, *, pool: Pool, number: int) -> Callable[[str, dt.datetime], dict[str, Any]]:
    """Return what agrees to an explanation, or takes it back: agree_explanation, withdraw_… Raises: NotFoundError."""
    found = access_explanation(pool=pool, number=number)
    decide = agree_to_explanation if deed == "agree_explanation" else withdraw_explanation
    return lambda by, at: {"state": decide(explanation=found, person=by, at=at).state}
