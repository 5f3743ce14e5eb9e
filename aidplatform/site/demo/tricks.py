"""Attempts to take a fen, made for real against the demonstration's database and always undone.

Each is what somebody in that position could send with the application's own password: past every page and service.
What comes back is the database's refusal, by the name of the guarantee. An attempt that were not refused would say
so in red.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import psycopg
from django.db import DatabaseError, connection, transaction
from django.utils.translation import gettext_lazy as _
from psycopg import errors

from aidplatform.lib import clock
from aidplatform.lib.errors import GUARANTEES, ConflictError
from aidplatform.site.demo import deeds
from aidplatform.site.demo.history import ASSOCIATION, TOWN
from aidplatform.site.demo.people import cast_member
from claims.filing.models import Claim
from claims.review.selectors import shown_sha256
from ledger.books import chart
from ledger.books.models import Account, Book
from ledger.custody.models import PaymentOrder
from ledger.custody.selectors import payable_awards
from ledger.custody.services import order_payment
from ledger.sharing.models import Award, Period
from ledger.sharing.services import compute_shares
from members.pools.models import Pool

INSIDER = "insider"
THIEF = ("A friend of mine", "6222 7777 0000 0000 77")


class NothingToTryOnError(ConflictError):
    """The demonstration has moved on so far that nothing is left that this trick could be tried on."""

    code = "nothing_to_try_on"


@dataclass
class Hand:
    """What one attempt has sent, statement by statement, for the page to show."""

    sent: list[str] = field(default_factory=list)

    def send(self, sql: str, **parameters: Any) -> list[tuple[Any, ...]]:
        """Send a statement as the application's role; return its rows."""
        with connection.cursor() as cursor:
            text = " ".join(sql.split())
            shown = {
                name: f"'{value}'" if isinstance(value, str) else value for name, value in parameters.items()
            }
            self.sent.append(text % shown)
            cursor.execute(sql, parameters)
            return list(cursor.fetchall()) if cursor.description else []


@dataclass(frozen=True)
class Trick:
    """One attempt: who tries it, what it is, and how."""

    code: str
    role: str
    text: object
    attempt: Callable[[Hand], object]


@dataclass(frozen=True)
class Refusal:
    """What came of an attempt. guarantee: its name; empty where the role has no such right, or nothing refused it.

    was_tried: False where the demonstration holds nothing to try it on. said: the database's own words. sent: the
    statements.
    """

    trick: Trick
    was_tried: bool
    was_refused: bool
    guarantee: str
    said: str
    sent: tuple[str, ...]

    @property
    def sentence(self) -> object:
        """Return what the guarantee means in words."""
        return GUARANTEES.get(self.guarantee, "")


def attempt(code: str) -> Refusal:
    """Try a trick and undo it. Raises: KeyError for a trick there is not."""
    trick = TRICKS[code]
    hand = Hand()
    try:
        with transaction.atomic():
            trick.attempt(hand)
            hand.send("SET CONSTRAINTS ALL IMMEDIATE")  # what the commit would judge is judged now
            transaction.set_rollback(True)
    except NothingToTryOnError as error:
        return Refusal(trick, False, False, "", str(error), ())
    except DatabaseError as error:
        cause = error.__cause__
        if not isinstance(cause, psycopg.Error) or not _is_refusal(cause):
            raise
        return Refusal(trick, True, True, cause.diag.constraint_name or "", _words(cause), tuple(hand.sent))
    return Refusal(trick, True, False, "", "", tuple(hand.sent))


def _is_refusal(error: psycopg.Error) -> bool:
    return isinstance(error, errors.IntegrityError | errors.InsufficientPrivilege)


def _words(error: psycopg.Error) -> str:
    return error.diag.message_primary or str(error)


# --- what the tricks are tried on -------------------------------------------------------------------------------


def _town() -> Pool:
    return Pool.objects.get(code=TOWN)


def _award(*states: str) -> Award:
    """Return an award of the town in one of the states. Raises: NothingToTryOnError."""
    found = (
        Award.objects.filter(pool__code=TOWN, state__in=states)
        .select_related("period")
        .order_by("-pk")
        .first()
    )
    if found is None:
        raise _nothing_left()
    return found


def _waiting_order() -> PaymentOrder:
    """Return an order of one fen of the fee or of aid that the treasurer has just made, in this transaction only."""
    pool = _town()
    for payable in payable_awards(pool):
        if payable.payable_fen:
            order = deeds.order_aid(pool, payable)
            order.refresh_from_db()
            return order
    raise _nothing_left()


def _computed_period() -> Period:
    """Return a period with figures that the pool admin has just computed, in this transaction only."""
    found = Period.objects.filter(pool__code__in=[ASSOCIATION, TOWN], state__in=["settled", "computed"])
    period = found.select_related("pool").order_by("pk").first()
    if period is None:
        raise _nothing_left()
    return compute_shares(period=period, preparer=deeds.code_of("pool_admin"), at=clock.now())


def _nothing_left() -> NothingToTryOnError:
    return NothingToTryOnError(
        _("There is nothing left that this could be tried on. Begin another case above, then try again.")
    )


# --- the tricks -------------------------------------------------------------------------------------------------


def _release_own(hand: Hand) -> None:
    order = _waiting_order()
    _release(hand, order, order.ordered_by)


def _past_the_books(hand: Hand) -> None:
    _release(hand, _waiting_order(), deeds.code_of("controller"))


def _release(hand: Hand, order: PaymentOrder, me: str) -> None:
    """Release an order by its row alone, without the journal entry that a release has."""
    hand.send(
        """UPDATE ledger_paymentorder SET state = 'released', released_by = %(me)s, released_at = now(),
                  released_sha256 = shown_sha256 WHERE id = %(order)s""",
        me=me,
        order=order.pk,
    )


def _one_fen_more(hand: Hand) -> None:
    award = Award.objects.filter(pool__code=TOWN, payment_orders__state="confirmed").order_by("-pk").first()
    if award is None:
        raise _nothing_left()
    _order(hand, award, 1)


def _before_it_is_shared(hand: Hand) -> None:
    _order(hand, _award("announced", "final"), 1)


def _to_a_friend(hand: Hand) -> None:
    """Order what may be paid, but to somebody else."""
    payable = next((one for one in payable_awards(_town()) if one.payable_fen), None)
    if payable is None:
        raise _nothing_left()
    _order(hand, payable.award, payable.payable_fen, *THIEF)


def _order(hand: Hand, award: Award, fen: int, name: str = "", account: str = "") -> None:
    """Order aid by the service, to whom the award names or to somebody else: its INSERT is what the guards judge."""
    hand.sent.append(f"order_payment(award='{award.code}', amount_fen={fen}, payee='{name} {account}')")
    order_payment(
        pool=_town(),
        kind=PaymentOrder.Kind.AID,
        award=award,
        amount_fen=fen,
        orderer=deeds.code_of("treasurer"),
        at=clock.now(),
        payee_name=name,
        payee_account=account,
    )


def _fee_ahead_of_cash(hand: Hand) -> None:
    period = _town().periods.filter(state="posted", fee_fen__gt=0).order_by("number").first()
    if period is None:
        raise _nothing_left()
    hand.sent.append(f"order_payment(kind='fee', period={period.number}, amount_fen={period.fee_fen})")
    order_payment(
        pool=_town(),
        kind=PaymentOrder.Kind.FEE,
        period=period,
        amount_fen=period.fee_fen or 0,
        payee_name=deeds.OPERATOR[0],
        payee_account=deeds.OPERATOR[1],
        orderer=deeds.code_of("treasurer"),
        at=clock.now(),
    )


def _other_payee(hand: Hand) -> None:
    order = _waiting_order()
    hand.send(
        "UPDATE ledger_paymentorder SET payee_account = %(account)s::bytea WHERE id = %(order)s",
        account=THIEF[1],
        order=order.pk,
    )


def _approve_own(hand: Hand) -> None:
    period = _computed_period()
    hand.send(
        """UPDATE ledger_period SET state = 'approved', approved_by = %(me)s, approved_at = now(),
                  approved_sha256 = shown_sha256 WHERE id = %(period)s""",
        me=deeds.code_of("pool_admin"),
        period=period.pk,
    )


def _higher_share(hand: Hand) -> None:
    period = _computed_period()
    hand.send(
        """UPDATE ledger_period SET assessed_fen = assessed_fen + headcount, carry_out_fen = carry_out_fen + headcount,
                  classes = (SELECT jsonb_agg(c || jsonb_build_object('share_fen', (c->>'share_fen')::bigint + 1))
                               FROM jsonb_array_elements(classes) c) WHERE id = %(period)s""",
        period=period.pk,
    )


def _grant_myself(hand: Hand) -> None:
    me = cast_member("pool_admin")
    hand.send(
        """INSERT INTO members_dutygrant (pool_id, person_id, duty, is_founding, proposed_by_id, confirmed_by_id,
                                          granted_at)
           VALUES (%(pool)s, %(me)s, 'treasurer', false, %(me)s, %(me)s, now())""",
        pool=_town().pk,
        me=me.pk,
    )


def _decide_alone(hand: Hand) -> None:
    claim = Claim.objects.filter(pool__code=TOWN, state="recommended").order_by("-pk").first()
    if claim is None:
        raise _nothing_left()
    hand.send(
        """INSERT INTO claims_decision (claim_id, round, decider, outcome, aid_fen, clause, papers,
                                        reason_sealed, shown_sha256, decided_at)
           VALUES (%(claim)s, %(round)s, %(me)s, 'approved', %(aid)s, 'aid', '[]', '\\x00', %(hash)s, now())""",
        claim=claim.pk,
        round=claim.round,
        me=deeds.code_of("reviewer"),
        aid=claim.aid_fen,
        hash=shown_sha256(claim),
    )


def _entry(hand: Hand) -> int:
    """Insert a journal entry by hand and return its id."""
    book = Book.objects.get(code=TOWN)
    rows = hand.send(
        """INSERT INTO ledger_journalentry (book_id, number, key, kind, entry_date, at, description, source,
                                            maker, checker)
           VALUES (%(book)s, 0, 'by hand', 'adjustment', current_date, now(), 'one fen', 'nowhere', %(me)s, '')
           RETURNING id""",
        book=book.pk,
        me=INSIDER,
    )
    return int(rows[0][0])


def _account(code: str) -> int:
    return int(Account.objects.values_list("pk", flat=True).get(book__code=TOWN, code=code))


def _one_sided(hand: Hand) -> None:
    hand.send(
        """INSERT INTO ledger_posting (entry_id, account_id, side, amount_fen)
           VALUES (%(entry)s, %(custody)s, 'C', 1)""",
        entry=_entry(hand),
        custody=_account(chart.CUSTODY),
    )


def _triggers_off(hand: Hand) -> None:
    hand.send("SET LOCAL pgtrigger.ignore = '{ledger_posting:journal_entry_balances}'")
    _one_sided(hand)


def _book_a_profit(hand: Hand) -> None:
    hand.send(
        """INSERT INTO ledger_posting (entry_id, account_id, side, amount_fen)
           VALUES (%(entry)s, %(fee)s, 'D', 1), (%(entry)s, %(custody)s, 'C', 1)""",
        entry=_entry(hand),
        fee=_account(chart.MANAGEMENT_FEE),
        custody=_account(chart.CUSTODY),
    )


def _edit_posting(hand: Hand) -> None:
    hand.send("UPDATE ledger_posting SET amount_fen = amount_fen - 1 WHERE side = 'D'")


def _charge_more(hand: Hand) -> None:
    pool = _town()
    hand.send(
        """INSERT INTO ledger_charge (membership_id, pool_id, period_no, share_fen)
           SELECT id, pool_id, 1, 1 FROM members_membership WHERE pool_id = %(pool)s LIMIT 1""",
        pool=pool.pk,
    )


def _forget(hand: Hand) -> None:
    hand.send("DELETE FROM ledger_logentry WHERE seq = 1")


def _double_the_fee(hand: Hand) -> None:
    hand.send(
        """INSERT INTO members_planversion (pool_id, number, terms, terms_sha256, covenant_en, covenant_zh,
                                            declaration, effective_date, published_at, published_by)
           SELECT pool_id, number + 1, jsonb_set(terms, '{fee,rate}', '"16/100"'), terms_sha256, covenant_en,
                  covenant_zh, declaration, effective_date + 1, now(), %(me)s
             FROM members_planversion WHERE pool_id = %(pool)s ORDER BY number DESC LIMIT 1""",
        me=deeds.code_of("pool_admin"),
        pool=_town().pk,
    )


_ALL = (
    Trick("friend", "treasurer", _("Pay the aid to a friend instead"), _to_a_friend),
    Trick("one-fen-more", "treasurer", _("Pay one fen more than a case was granted"), _one_fen_more),
    Trick(
        "not-shared",
        "treasurer",
        _("Pay one fen for a case whose members have not shared it yet"),
        _before_it_is_shared,
    ),
    Trick("own-release", "treasurer", _("Release a payment I ordered myself"), _release_own),
    Trick(
        "fee-ahead", "treasurer", _("Take the whole fee before all shares have come in"), _fee_ahead_of_cash
    ),
    Trick("other-payee", "controller", _("Let an order pay into another account"), _other_payee),
    Trick("past-the-books", "controller", _("Release a payment that the books do not show"), _past_the_books),
    Trick("own-approval", "pool_admin", _("Approve the figures I prepared myself"), _approve_own),
    Trick("higher-share", "pool_admin", _("Charge everyone one fen more than the bill"), _higher_share),
    Trick("self-grant", "pool_admin", _("Make myself treasurer"), _grant_myself),
    Trick("new-rules", "pool_admin", _("Double the fee from tomorrow on, by myself"), _double_the_fee),
    Trick("decide-alone", "reviewer", _("Recommend and decide the same claim"), _decide_alone),
    Trick("one-sided", INSIDER, _("Book one fen out of the bank, to nowhere"), _one_sided),
    Trick("triggers-off", INSIDER, _("The same, after switching the triggers off"), _triggers_off),
    Trick("profit", INSIDER, _("Book one fen out of the bank as a fee"), _book_a_profit),
    Trick("edit", INSIDER, _("Lower what has been booked by a fen"), _edit_posting),
    Trick("charge", INSIDER, _("Charge one member one fen"), _charge_more),
    Trick("forget", INSIDER, _("Delete a line of the public log"), _forget),
)
TRICKS = {trick.code: trick for trick in _ALL}
