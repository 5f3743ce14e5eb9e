"""Reversing single entries: a treasurer proposes it with a reason, a controller agrees; and what cannot be reversed."""

import datetime as dt
from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from aidplatform.lib import clock
from aidplatform.lib.errors import NotFoundError
from aidplatform.lib.failpoints import failpoint
from aidplatform.work import audit
from ledger.books.models import JournalEntry
from ledger.custody import two_people
from ledger.custody.proposal_models import Proposal
from ledger.custody.reversal_models import EntryReversal
from ledger.custody.reversal_triggers import ALONE, stands_alone_sql
from ledger.openbooks import services as openbooks
from members.pools.models import Pool

State = Proposal.State
# Kinds of entry that may stand alone; whether one does, its own rows say.
FREE = ("opening", *ALONE)


@transaction.atomic
def propose_reversal(*, entry: JournalEntry, reason: str, proposer: str, at: dt.datetime) -> EntryReversal:
    """Propose to take an entry back; nothing is booked before a controller agrees.

    Raises: IntegrityError only_what_stands_alone_is_reversed, one_reversal_per_entry, entry_has_one_open_reversal,
    reversal_says_why, reversal_people_hold_their_duty.
    """
    pool = Pool.objects.select_for_update().get(code=entry.book.code)
    made = EntryReversal.objects.create(
        pool=pool,
        number=0,  # number and instants are the database's own
        entry=entry,
        reason=reason,
        proposed_by=proposer,
        proposed_at=at,
    )
    made.refresh_from_db(fields=["number", "proposed_at"])
    audit.record(actor=proposer, action="propose_reversal", subject=str(made), entry=entry.number)
    return made


@transaction.atomic
def agree_to_reversal(*, reversal: EntryReversal, person: str, at: dt.datetime) -> EntryReversal:
    """Book the mirror, today, and state it in the log with its reason.

    Raises: MovedOnError, SamePersonError; IntegrityError only_what_stands_alone_is_reversed when a bill
    or a statement has come since, reversal_people_hold_their_duty, and whatever the books refuse.
    """
    locked = _locked(reversal)
    two_people.demand_another(locked, person, "agreed_reversal_needs_two_people")
    entry = locked.entry
    locked.reversal = openbooks.reverse_logged_entry(
        entry=entry,
        reason=locked.reason,
        entry_date=clock.day_of(at, locked.pool.time_zone),
        at=at,
        maker=locked.proposed_by,
        checker=person,
    )
    failpoint("custody.entry_reversed")
    body = {"entry": entry.number, "reversal": locked.reversal.number, "reason": locked.reason}
    openbooks.append(
        code=locked.pool.code, entry_type="correction", key=f"reversal/{entry.number}", body=body, at=at
    )
    return _decided(locked, State.AGREED, person, at)


@transaction.atomic
def withdraw_reversal(*, reversal: EntryReversal, person: str, at: dt.datetime) -> EntryReversal:
    """Take a proposal back, or turn it down; the entry stands.

    Raises: MovedOnError; IntegrityError reversal_people_hold_their_duty.
    """
    return _decided(_locked(reversal), State.WITHDRAWN, person, at)


def _locked(reversal: EntryReversal) -> EntryReversal:
    return two_people.locked(reversal, "reversal_is_decided_once", "entry__book")


def _decided(locked: EntryReversal, state: State, person: str, at: dt.datetime) -> EntryReversal:
    two_people.decide(locked, state, person, at, "reversal")
    audit.record(actor=person, action="decide_reversal", subject=str(locked), state=state.value)
    return locked


# --- reading ----------------------------------------------------------------------------------------------------

_BANK = _("The bank's own statement shows this booking: the books follow the bank, and nobody takes it back.")
_ORDER = _(
    "A payment order moved this money. Cancel the order on its page; once the money has left, only the bank brings it"
    " back."
)
_DECIDED = _(
    "Two people have decided this, and members or bills rest on it. Money that comes after all is booked as a recovery."
)
_MATCHED = _(
    "Shares count as paid by this receipt, or a wallet holds it. If it was somebody else's money, the page of the"
    " receipt undoes the match; what is too much is paid back by an order."
)
_DEBITS = _("The agent's answer about debits says this. What it takes back comes with its next answer.")
# Why an entry of a kind is not reversed by itself, and what is done instead.
WHY_NOT: dict[str, Promise] = {
    "award_revoked": _DECIDED,
    "award": _(
        "A case stands behind this: members have had their say in its publicity. An upheld objection takes it out."
    ),
    "aid_lowered": _("It belongs to the posting of its period."),
    "period": _("Every member's charge rests on it. What was wrong is set right with the next period."),
    "opening": _(
        "The bank has shown this custody, or the pool has opened: members rely on it. It is set right by what comes"
        " after."
    ),
    "wallets_opened": _("The members' wallets hold this. What is too much is paid back by an order."),
    "reversal": _("A reversal is not reversed. Book anew what was right."),
    "identified": _MATCHED,
    "match_undone": _("Two people have decided this. On the page of the receipt it is matched anew."),
    **dict.fromkeys(
        ("write_off", "recovery", "settlement", "waiting_refund", "investigation", "debit_explained"), _DECIDED
    ),
    **dict.fromkeys(
        (
            "payment_released", "payment_confirmed", "payment_returned", "payment_cancelled", "refund_due",
            "refund_undone",
        ),
        _ORDER,
    ),
    **dict.fromkeys(("debit_collected", "debit_returned", "debits_settled", "debits_taken_back"), _DEBITS),
    **dict.fromkeys(
        ("collection", "top_up", "unidentified", "chargeback", "bank_fee", "bank_debit", "sponsor_paid"), _BANK
    ),
}  # fmt: skip
# What people said of a booking; the rest that names a statement is the bank's own word.
_BY_PEOPLE = ("identified", "match_undone", "debit_explained")
_SHARED = _(
    "A bill that members were told has taken this in. What was wrong is set right by a booking of its own."
)


def why_not(entry: JournalEntry) -> Promise:
    """Return why an entry that does not stand alone is not reversed, and what is done instead."""
    is_the_banks = entry.source.startswith("statement ") and entry.kind not in _BY_PEOPLE
    return _BANK if is_the_banks else WHY_NOT.get(entry.kind, _SHARED)


def stands_alone(entry: JournalEntry) -> bool:
    """Tell whether nothing else rests on an entry. One query."""
    alone = RawSQL(  # noqa: S611 - no parameters, fixed text
        f"""(SELECT coalesce(bool_or({stands_alone_sql("e", "p")}), false) FROM ledger_journalentry e
               JOIN ledger_book b ON b.id = e.book_id JOIN members_pool p ON p.code = b.code
              WHERE e.id = ledger_journalentry.id)""",  # noqa: S608 - fixed texts
        [],
    )
    found: bool = JournalEntry.objects.filter(pk=entry.pk).values_list(alone, flat=True).get()
    return found


def reversals(pool: Pool) -> QuerySet[EntryReversal]:
    """Return the reversals of a pool, newest first."""
    found = EntryReversal.objects.filter(pool=pool).select_related("pool", "entry", "reversal")
    return found.order_by("-number")


def access_reversal(*, pool: Pool, number: int) -> EntryReversal:
    """Return a reversal of the pool. Raises: NotFoundError."""
    found = reversals(pool).filter(number=number).first()
    if found is None:
        raise NotFoundError(_("This pool has no such reversal."))
    return found


def decision_of(deed: str, *, pool: Pool, number: int) -> Callable[[str, dt.datetime], dict[str, Any]]:
    """Return what decides: agree_reversal or withdraw_reversal. Raises: NotFoundError."""
    reversal = access_reversal(pool=pool, number=number)
    decide = agree_to_reversal if deed == "agree_reversal" else withdraw_reversal
    return lambda by, at: {"state": decide(reversal=reversal, person=by, at=at).state}
