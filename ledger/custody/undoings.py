"""Undoing a wrong match: a treasurer proposes it with a reason, a controller agrees, and the receipt is nobody's again.

Its old day and its age are the receipt's own. What it had paid is asked for again, with the days to pay counted from
the undoing; of a wallet no more is taken than is in it.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.db.models import OuterRef, QuerySet, Subquery
from django.utils.translation import gettext_lazy as _

from aidplatform.lib import clock
from aidplatform.lib.errors import NotFoundError
from aidplatform.lib.failpoints import failpoint
from aidplatform.work import audit
from ledger.books import chart
from ledger.books.models import JournalEntry
from ledger.books.services import Line, credit, debit
from ledger.custody import two_people, wallet_life
from ledger.custody.models import StatementLine
from ledger.custody.proposal_models import Proposal
from ledger.custody.recoveries import COST
from ledger.custody.undoing_models import MatchUndoing
from ledger.custody.undoing_triggers import KIND, RECOVERED_KEY, UNDONE_KEY
from ledger.custody.wallet_models import WalletEntry
from ledger.openbooks import services as openbooks
from ledger.sharing.selectors import book_of
from members.joining.models import Membership
from members.joining.told import told_of
from members.people import notices
from members.pools.models import Pool
from members.pools.selectors import pays_ahead

State = Proposal.State


@transaction.atomic
def propose_undoing(
    *, receipt: StatementLine, membership: Membership, reason: str, proposer: str, at: dt.datetime
) -> MatchUndoing:
    """Propose that a receipt was not that membership's money; until a controller agrees everything stays as it is.

    Raises: IntegrityError only_a_standing_match_is_undone, undone_money_is_still_there,
    undoing_comes_before_the_settlement, receipt_has_one_open_undoing, undoing_says_why,
    undoing_people_hold_their_duty.
    """
    pool = Pool.objects.select_for_update().get(pk=membership.pool_id)
    made = MatchUndoing.objects.create(
        pool=pool,
        number=0,  # number, figures and instants are the database's own
        receipt=receipt,
        membership_id=membership.pk,
        reason=reason,
        amount_fen=0,
        recovered_fen=0,
        proposed_by=proposer,
        proposed_at=at,
    )
    made.refresh_from_db(fields=["number", "amount_fen", "recovered_fen", "proposed_at"])
    audit.record(
        actor=proposer,
        action="propose_undoing",
        subject=str(made),
        receipt=receipt.code,
        membership=membership.number,
        fen=made.amount_fen,
    )
    return made


@transaction.atomic
def agree_to_undoing(*, undoing: MatchUndoing, person: str, at: dt.datetime) -> MatchUndoing:
    """Book it today (entry i, mirrored), take back what the receipt had paid, and tell the member.

    Raises: MovedOnError, SamePersonError; IntegrityError undoing_is_of_the_books when the figures have changed since,
    only_a_standing_match_is_undone, undone_money_is_still_there, undoing_comes_before_the_settlement,
    custody_people_hold_their_duty, undoing_people_hold_their_duty.
    """
    locked = _locked(undoing)
    two_people.demand_another(locked, person, "agreed_undoing_needs_two_people")
    is_wallet = pays_ahead(locked.pool)
    locked.entry = _post(locked, chart.PREPAID if is_wallet else chart.RECEIVABLE, person, at)
    failpoint("custody.undoing_posted")
    _decided(locked, State.AGREED, person, at)
    locked.refresh_from_db(fields=["decided_at"])
    decided_at = locked.decided_at or at  # the database's own
    if is_wallet:
        _take_from_wallet(locked, decided_at)
        wallet_life.order_news(locked.pool, f"undoing/{locked.number}", person)
    else:
        _take_from_shares(locked, decided_at)
    _tell(locked, notices.WALLET_MATCH_UNDONE if is_wallet else notices.MATCH_UNDONE)
    return locked


@transaction.atomic
def withdraw_undoing(*, undoing: MatchUndoing, person: str, at: dt.datetime) -> MatchUndoing:
    """Take a proposal back, or turn it down; the match stands.

    Raises: MovedOnError; IntegrityError undoing_people_hold_their_duty.
    """
    locked = _locked(undoing)
    _decided(locked, State.WITHDRAWN, person, at)
    return locked


def _locked(undoing: MatchUndoing) -> MatchUndoing:
    return two_people.locked(undoing, "undoing_is_decided_once", "receipt__statement")


def _decided(locked: MatchUndoing, state: State, person: str, at: dt.datetime) -> None:
    two_people.decide(locked, state, person, at, "entry")
    audit.record(actor=person, action="decide_undoing", subject=str(locked), state=state.value)


def _post(one: MatchUndoing, paid: str, person: str, at: dt.datetime) -> JournalEntry:
    """Post what is nobody's again, and what of it the members bear again; return the first entry. paid: an account."""
    told = f"Match of receipt {one.receipt.code} undone"
    parts = [
        (UNDONE_KEY, KIND, paid, one.amount_fen - one.recovered_fen),
        (RECOVERED_KEY, COST, chart.TO_BE_SHARED, one.recovered_fen),
    ]
    posted = [
        openbooks.post_logged_entry(
            book=book_of(one.pool),
            key=f"{key}/{one.number}",
            kind=kind,
            lines=_lines(account, fen),
            entry_date=clock.day_of(at, one.pool.time_zone),
            at=at,
            description=told,
            source=f"statement {one.pool.code}/{one.receipt.statement.number}",
            maker=one.proposed_by,
            checker=person,
        )
        for key, kind, account, fen in parts
        if fen
    ]
    return posted[0]


def _lines(account: str, fen: int) -> list[Line]:
    return [debit(account, fen), credit(chart.UNIDENTIFIED, fen)]


def _take_from_shares(one: MatchUndoing, at: dt.datetime) -> None:
    """Take back what the receipt had paid of each share, also of those whom the member pays for."""
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO ledger_collection (line_id, membership_id, pool_id, period_no, amount_fen, payer_id,
                      recorded_by, at, turn)
               SELECT line_id, membership_id, pool_id, period_no, -sum(amount_fen), payer_id, %(by)s, %(at)s,
                      -%(number)s
                 FROM ledger_collection
                WHERE line_id = %(line)s AND coalesce(payer_id, membership_id) = %(payer)s
                GROUP BY line_id, membership_id, pool_id, period_no, payer_id HAVING sum(amount_fen) > 0
                ORDER BY period_no, membership_id""",
            {
                "line": one.receipt_id,
                "payer": one.membership_id,
                "by": one.proposed_by,
                "at": at,
                "number": one.number,
            },
        )


def _take_from_wallet(one: MatchUndoing, at: dt.datetime) -> None:
    WalletEntry.objects.create(
        pool_id=one.pool_id,
        membership_id=one.membership_id,
        kind=WalletEntry.Kind.UNDONE,
        amount_fen=-one.amount_fen,
        line=one.receipt,
        turn=-one.number,
        recorded_by=one.proposed_by,
        at=at,
    )


def _tell(one: MatchUndoing, kind: str) -> None:
    pool = one.pool
    told = {
        "pool_en": pool.name_en,
        "pool_zh": pool.name_zh,
        "currency": pool.currency,
        "fen": one.amount_fen,
    }
    listeners = told_of(Membership.objects.get(pk=one.membership_id), money=True)
    news = [listener.news(kind, str(one), told, pool=pool.code) for listener in listeners]
    notices.tell(news, batch=f"undoing/{one}", actor=one.decided_by or "")


# --- reading ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Match:
    """For whom a receipt counts, by number of membership, and with how much (fen)."""

    member: int
    fen: int


def matches_of(receipt: StatementLine) -> list[Match]:
    """Return for whom a receipt counts now, by number. One query."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT m.number, sum(paid.fen)::bigint FROM (
                   SELECT coalesce(payer_id, membership_id) AS member, amount_fen AS fen FROM ledger_collection
                    WHERE line_id = %(line)s
                    UNION ALL SELECT membership_id, amount_fen FROM ledger_walletentry WHERE line_id = %(line)s) paid
                 JOIN members_membership m ON m.id = paid.member
                GROUP BY 1 HAVING sum(paid.fen) > 0 ORDER BY 1""",
            {"line": receipt.pk},
        )
        return [Match(*row) for row in cursor.fetchall()]


def undoings(pool: Pool) -> QuerySet[MatchUndoing]:
    """Return the matches of a pool that were undone or are proposed to be, newest first; `member`: whose it was."""
    found = MatchUndoing.objects.filter(pool=pool).select_related("pool", "receipt__statement", "entry")
    member = Subquery(Membership.objects.filter(pk=OuterRef("membership_id")).values("number"))
    return found.annotate(member=member).order_by("-number")


def access_undoing(*, pool: Pool, number: int) -> MatchUndoing:
    """Return one of the pool. Raises: NotFoundError."""
    found = undoings(pool).filter(number=number).first()
    if found is None:
        raise NotFoundError(_("This pool has no such undoing of a match."))
    return found


def decision_of(deed: str, *, pool: Pool, number: int) -> Callable[[str, dt.datetime], dict[str, Any]]:
    """Return what decides: agree_undoing or withdraw_undoing. Raises: NotFoundError."""
    undoing = access_undoing(pool=pool, number=number)
    decide = agree_to_undoing if deed == "agree_undoing" else withdraw_undoing
    return lambda by, at: {"state": decide(undoing=undoing, person=by, at=at).state}
