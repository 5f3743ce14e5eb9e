"""Reads of custody: the account, statements, orders, payees, arrears, what can be paid."""

import datetime as dt
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from django.db import connection
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from aidplatform.lib import crypto
from aidplatform.lib.csv_files import plain_fen
from aidplatform.lib.db import texts_of
from aidplatform.lib.errors import ConflictError, DomainError, NotFoundError
from ledger.custody.charge_selectors import on_the_way_fen
from ledger.custody.models import BankAccount, BankStatement, PaymentOrder, StatementLine
from ledger.custody.opening_debts import BEFORE_PERIODS, owed_sql
from ledger.custody.owed import open_fen_by_member
from ledger.custody.references import MEMBERSHIP, ORDER, make_reference, spaced
from ledger.custody.transfer_codes import Transfer, transfer_code
from ledger.custody.triggers import SET_ASIDE, collected_sql, fee_lowered_sql, free_money_sql, shown_sql
from ledger.sharing.models import Award, Period
from ledger.sharing.payees import Payee
from ledger.sharing.selectors import NO_PERIOD
from members.joining.models import Membership
from members.joining.payers import covered_in_force, masked_names
from members.pools.models import Pool
from members.pools.selectors import pays_ahead


@dataclass(frozen=True)
class OwedBy:
    """What somebody else owes for whom a member pays (fen)."""

    membership: Membership
    open_fen: int


@dataclass(frozen=True)
class HowToPay:
    """Where a member pays, with which reference, and how much is owed of what was announced (fen).

    before_fen: what of the own debt is from before the pool moved in. others: for whom the member pays, in the order in
    which a transfer fills what they owe. names: theirs, by membership, as others see them. debited_fen: what of all of
    it is debited by itself, so that whoever transferred it would pay twice.
    """

    account: BankAccount
    reference: str
    open_fen: int
    before_fen: int
    others: tuple[OwedBy, ...]
    names: dict[int, str]
    debited_fen: int

    @property
    def total_fen(self) -> int:
        """Return what everybody owes together."""
        return self.open_fen + sum(other.open_fen for other in self.others)

    @property
    def to_transfer_fen(self) -> int:
        """Return what one transfer pays for everybody: what is owed and not debited."""
        return max(self.total_fen - self.debited_fen, 0)

    @property
    def code(self) -> str | None:
        """Return what the QR code of a transfer of it says; None while there is nothing to transfer."""
        return self._code(self.to_transfer_fen) if self.to_transfer_fen else None

    @property
    def code_of_any_amount(self) -> str:
        """Return what the QR code of a transfer says of which the payer chooses the amount."""
        return self._code(None)

    def _code(self, fen: int | None) -> str:
        currency, reference = self.account.pool.currency, self.reference.replace(" ", "")
        return transfer_code(
            Transfer(self.account.holder_name, self.account.number, currency, fen, reference)
        )


@dataclass(frozen=True)
class PeriodArrears:
    """What a period charged, what came in, what is written off, and how many memberships still owe (fen).

    recovered_fen: what came in of what is written off.
    """

    number: int
    charge_date: dt.date
    charged_fen: int
    collected_fen: int
    owing_members: int
    written_off_fen: int
    recovered_fen: int

    @property
    def open_fen(self) -> int:
        """Return what is still owed."""
        return self.charged_fen - self.collected_fen - self.written_off_fen + self.recovered_fen


@dataclass(frozen=True)
class Payable:
    """An award, what of it is ordered, and what can be ordered now (fen)."""

    award: Award
    ordered_fen: int
    payable_fen: int

    @property
    def lacking_fen(self) -> int:
        """Return what is not ordered yet."""
        return self.award.payable_fen - self.ordered_fen

    @property
    def is_ready(self) -> bool:
        """Tell whether it can be ordered as it stands: there is money for it, and a named payee."""
        return self.payable_fen > 0 and self.award.payee_hash is not None

    @property
    def plain_payable(self) -> str:
        """Return what can be ordered as a form takes it."""
        return plain_fen(self.payable_fen)


@dataclass(frozen=True)
class OwedCharge:
    """One charge of a membership: what it is, what was paid, what was written off (fen)."""

    period_no: int
    share_fen: int
    collected_fen: int
    written_off_fen: int

    @property
    def open_fen(self) -> int:
        """Return what is still owed."""
        return 0 if self.written_off_fen else self.share_fen - self.collected_fen


def account_of(pool: Pool) -> BankAccount | None:
    """Return the pool's custody account, or None before it is named."""
    return BankAccount.objects.filter(pool=pool).select_related("pool").first()


def access_account(*, pool: Pool) -> BankAccount:
    """Return the pool's custody account. Raises: NotFoundError."""
    account = account_of(pool)
    if account is None:
        raise NotFoundError(_("This pool has no bank account yet."))
    return account


def access_statement(*, pool: Pool, number: int) -> BankStatement:
    """Return a statement of the pool. Raises: NotFoundError."""
    found = (
        BankStatement.objects.filter(account__pool=pool, number=number)
        .select_related("account", "account__pool")
        .first()
    )
    if found is None:
        raise NotFoundError(_("This pool has no such statement."))
    return found


def access_receipt(*, pool: Pool, statement_no: int, line_no: int) -> StatementLine:
    """Return a receipt of the pool by its code. Raises: NotFoundError."""
    found = (
        StatementLine.objects.filter(
            account__pool=pool,
            statement__number=statement_no,
            line_no=line_no,
            direction=StatementLine.Direction.IN,
        )
        .select_related("statement", "account", "account__pool")
        .first()
    )
    if found is None:
        raise NotFoundError(_("This pool has no such receipt."))
    return found


class NoSuchMembershipError(DomainError):
    """The pool has no membership of that number."""

    code = "no_such_membership"


def access_membership_no(*, pool: Pool, number: int) -> Membership:
    """Return a membership of the pool by its number. Raises: NoSuchMembershipError."""
    found = Membership.objects.filter(pool=pool, number=number).select_related("pool").first()
    if found is None:
        raise NoSuchMembershipError(
            _("This pool has no membership %(number)s.") % {"number": number}, number=number
        )
    return found


def access_order(*, pool: Pool, number: int) -> PaymentOrder:
    """Return a payment order of the pool. Raises: NotFoundError."""
    found = orders(pool).filter(number=number).first()
    if found is None:
        raise NotFoundError(_("This pool has no such payment order."))
    return found


def statements(account: BankAccount) -> QuerySet[BankStatement]:
    """Return the statements, newest first."""
    return account.statements.select_related("account", "account__pool").order_by("-number")


def lines_of(statement: BankStatement) -> QuerySet[StatementLine]:
    """Return the bookings of a statement in their order."""
    return statement.lines.select_related("statement").order_by("line_no")


def orders(pool: Pool) -> QuerySet[PaymentOrder]:
    """Return the payment orders of a pool, newest first."""
    found = pool.payment_orders.select_related("pool", "award", "period", "receipt__statement")
    return found.select_related("debit__instruction", "listed__member_import", "cost").order_by("-number")


def find_orders(number: int, *, pools: Collection[Pool]) -> QuerySet[PaymentOrder]:
    """Return the payment orders of that number in these pools."""
    return _told(PaymentOrder.objects.filter(pool__in=pools, number=number)).order_by("pool__code")


def find_orders_of(fen: int, *, pools: Collection[Pool]) -> QuerySet[PaymentOrder]:
    """Return the payment orders of exactly that amount (fen) in these pools, newest first."""
    return _told(PaymentOrder.objects.filter(pool__in=pools, amount_fen=fen)).order_by("-pk")


def find_lines_of(fen: int, *, pools: Collection[Pool]) -> QuerySet[StatementLine]:
    """Return the bookings of exactly that amount (fen) on the accounts of these pools, newest first."""
    # Accounts by their ids, so that the index of accounts and amounts is read from its end.
    accounts = list(BankAccount.objects.filter(pool__in=pools).values_list("pk", flat=True))
    found = StatementLine.objects.filter(account__in=accounts, amount_fen=fen)
    return found.select_related("statement", "account__pool").order_by("-pk")


def _told(found: QuerySet[PaymentOrder]) -> QuerySet[PaymentOrder]:
    """Have read along what tells what an order is for."""
    found = found.select_related("pool", "award", "period", "receipt__statement", "listed__member_import")
    return found.select_related("cost")


def counterparty(line: StatementLine) -> str:
    """Return who stands on the other side of a booking, unsealed."""
    if not bytes(line.counterparty):
        return ""
    return crypto.unseal_text(bytes(line.counterparty), line_context(line.account.pool.code, line.code))


def line_context(pool_code: str, line_code: str) -> str:
    """Return what a booking's counterparty is sealed for."""
    return f"custody.line:{pool_code}:{line_code}"


def payee_context(pool_code: str, part: str) -> str:
    """Return what a part of a payee is sealed for."""
    return f"custody.payee.{part}:{pool_code}"


class PayeeUnreadableError(ConflictError):
    """What is sealed as an order's payee is not what its hash says: somebody has written past the services."""

    code = "payee_unreadable"


def payee_of(order: PaymentOrder) -> Payee:
    """Return the payee, unsealed, for people who order, release or send the payment.

    The hash is what the database has judged and what was released: sealed text that says something else was never
    released to anybody. Raises: PayeeUnreadableError.
    """
    try:
        payee = Payee(
            crypto.unseal_text(bytes(order.payee_name), payee_context(order.pool.code, "name")),
            crypto.unseal_text(bytes(order.payee_account), payee_context(order.pool.code, "account")),
        )
    except crypto.UnreadableError:
        payee = None
    if payee is None or payee.index != bytes(order.payee_hash):
        raise PayeeUnreadableError(
            _(
                "The payee of payment %(number)s is not the one that was ordered. Cancel it, and tell the auditor."
            )
            % {"number": order.number},
            number=order.number,
        )
    return payee


def payment_reference(membership: Membership) -> str:
    """Return what a member writes on a transfer (ISO 11649)."""
    return make_reference(membership.pool.code, MEMBERSHIP, membership.number)


def how_to_pay(membership: Membership, *, is_debited: bool = True) -> HowToPay | None:
    """Return where and with which reference a member pays; None while the pool has no bank account.

    is_debited: whether a mandate may be in force; where the caller knows of none, no debits are looked for.
    """
    account = account_of(membership.pool)
    if account is None:
        return None
    others = covered_in_force(membership)
    open_fen = open_fen_by_member(membership.pool, [membership.pk, *(other.pk for other in others)])
    return HowToPay(
        account,
        spaced(payment_reference(membership)),
        sum(open_fen[membership.pk]),
        open_fen[membership.pk][0],
        tuple(OwedBy(other, sum(open_fen[other.pk])) for other in others),
        masked_names(others),
        on_the_way_fen(membership) if is_debited and any(map(sum, open_fen.values())) else 0,
    )


def order_reference(order: PaymentOrder) -> str:
    """Return what a payment carries, by which the statement confirms it."""
    return make_reference(order.pool.code, ORDER, order.number)


def charges_of(*, pool: Pool, membership_id: int) -> list[OwedCharge]:
    """Return a membership's charges with what was paid of each, newest first. Two queries.

    Where members pay ahead nothing is owed once a period is posted: what a wallet lacked the next period shares.
    """
    settled = "c.share_fen" if pays_ahead(pool) else "coalesce(sum(k.amount_fen), 0)::bigint"
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT c.period_no, c.share_fen, {settled}, coalesce(max(w.amount_fen), 0)
                  FROM charges_of_membership(%(pool)s, %(member)s, %(all)s, %(all)s) c LEFT JOIN ledger_collection k
                    ON k.pool_id = %(pool)s AND k.membership_id = %(member)s AND k.period_no = c.period_no
                  LEFT JOIN ledger_writtenoffcharge w
                    ON w.pool_id = %(pool)s AND w.membership_id = %(member)s AND w.period_no = c.period_no
                 GROUP BY c.period_no, c.share_fen ORDER BY c.period_no DESC""",  # noqa: S608 - fixed names
            {"pool": pool.pk, "member": membership_id, "all": NO_PERIOD},
        )
        return [OwedCharge(*row) for row in cursor.fetchall()]


def arrears(pool: Pool) -> list[PeriodArrears]:
    """Return per posted period what was charged and what came in, newest first; none where members pay ahead."""
    if pays_ahead(pool):
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT p.number, p.charge_date, p.charged_fen, coalesce(k.fen, 0)::bigint,
                      coalesce(p.charged_members, 0) - coalesce(k.settled, 0) - coalesce(w.settled, 0)
                          - coalesce(z.nothing, 0), coalesce(w.fen, 0)::bigint, coalesce(w.recovered, 0)::bigint
                 FROM ledger_period p
                 LEFT JOIN (SELECT period_no, sum(paid) AS fen, count(*) FILTER (WHERE paid = share_fen) AS settled
                              FROM (SELECT c.period_no, c.share_fen, sum(k.amount_fen) AS paid
                                      FROM ledger_collection k
                                      JOIN ledger_charge c USING (pool_id, membership_id, period_no)
                                     WHERE k.pool_id = %(pool)s AND c.pool_id = %(pool)s
                                     GROUP BY c.membership_id, c.period_no, c.share_fen) paid
                             GROUP BY 1) k ON k.period_no = p.number
                 LEFT JOIN (SELECT w.period_no, sum(w.amount_fen) AS fen,
                                   sum(coalesce(k.paid, 0) + w.amount_fen - c.share_fen) AS recovered,
                                   count(*) FILTER (WHERE coalesce(k.paid, 0) < c.share_fen) AS settled
                              FROM ledger_writtenoffcharge w
                              JOIN ledger_charge c USING (pool_id, membership_id, period_no)
                              LEFT JOIN LATERAL (SELECT sum(n.amount_fen) AS paid FROM ledger_collection n
                                     WHERE n.pool_id = w.pool_id AND n.membership_id = w.membership_id
                                       AND n.period_no = w.period_no) k ON true
                             WHERE w.pool_id = %(pool)s GROUP BY 1) w ON w.period_no = p.number
                 LEFT JOIN LATERAL (SELECT sum((c->>'members')::bigint) AS nothing
                              FROM jsonb_array_elements(p.classes) c WHERE (c->>'share_fen')::bigint = 0) z ON true
                WHERE p.pool_id = %(pool)s AND p.state = 'posted' ORDER BY p.number DESC""",
            {"pool": pool.pk},
        )
        return [PeriodArrears(*row) for row in cursor.fetchall()]


def collected_fen(period: Period) -> int:
    """Return what has come in for a period, by payments or from wallets, less what was charged back (fen)."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {collected_sql('d')}::bigint FROM ledger_period d WHERE id = %s",  # noqa: S608 - fixed names
            [period.pk],
        )
        fen: int = cursor.fetchone()[0]
    return fen


def arrears_rows(pool: Pool) -> Iterator[tuple[int, int, int, int, int]]:
    """Yield (membership number, period, share, collected, still owed) of every charge that is not settled (fen).

    Period 0 stands for what is owed from before the pool moved in.
    """
    if pays_ahead(pool):
        return
    with connection.chunked_cursor() as cursor:
        cursor.execute(
            f"""SELECT m.number, c.period_no, c.share_fen, coalesce(sum(k.amount_fen), 0)::bigint,
                      (c.share_fen - coalesce(sum(k.amount_fen), 0))::bigint
                 FROM (SELECT h.membership_id, h.period_no, h.share_fen FROM ledger_charge h
                        WHERE h.pool_id = %(pool)s
                          AND NOT EXISTS (SELECT 1 FROM ledger_writtenoffcharge w WHERE w.pool_id = h.pool_id
                                             AND w.membership_id = h.membership_id AND w.period_no = h.period_no)
                        UNION ALL SELECT membership_id, {BEFORE_PERIODS}, fen FROM ({owed_sql("%(pool)s")}) debt) c
                 JOIN members_membership m ON m.id = c.membership_id
                 LEFT JOIN ledger_collection k ON k.pool_id = %(pool)s AND k.membership_id = c.membership_id
                                              AND k.period_no = c.period_no
                GROUP BY m.number, c.membership_id, c.period_no, c.share_fen
               HAVING c.share_fen > coalesce(sum(k.amount_fen), 0)
                ORDER BY m.number, c.period_no""",  # noqa: S608 - fixed names
            {"pool": pool.pk},
        )
        while rows := cursor.fetchmany(5000):
            yield from rows


def payable_now(period: Period) -> list[Payable]:
    """Return per award of a posted period what can be ordered now: aid is paid as collected.

    Every case gets the same proportion; the oldest period comes first. The database refuses more.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT award_id, ordered_fen, payable_fen FROM custody_payable(%s) WHERE period_id = %s",
            [period.pool_id, period.pk],
        )
        found = {award: (ordered, payable) for award, ordered, payable in cursor.fetchall()}
    awards = Award.objects.filter(pk__in=found).order_by("code")
    return [Payable(award, *found[award.pk]) for award in awards]


def payable_awards(pool: Pool) -> list[Payable]:
    """Return every shared award that is not ordered in full, oldest period first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT award_id, ordered_fen, payable_fen FROM custody_payable(%s) WHERE ordered_fen < aid_fen",
            [pool.pk],
        )
        found = {award: (ordered, payable) for award, ordered, payable in cursor.fetchall()}
    awards = Award.objects.filter(pk__in=found).select_related("pool", "period")
    awards = awards.order_by("period__number", "code")
    return [Payable(award, *found[award.pk]) for award in awards]


def payable_fee_fen(period: Period) -> int:
    """Return what of a period's fee can be ordered now (fen)."""
    return payable_fees([period.pk])[period.pk]


def payable_fees(periods: Collection[int]) -> dict[int, int]:
    """Return what of each period's fee can be ordered now (fen): earned by the cash, not taken, and there to be spent.

    Earned is floor(Φ × collected / S), once the period's aid is ordered in full. What orders that wait for their
    release will take is not there any more. One query.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT d.id, CASE WHEN d.state <> 'posted' OR a.ordered < d.aid_fen - a.lowered THEN 0
                        ELSE greatest(0, least(m.free, least(d.fee_fen - {fee_lowered_sql("d")},
                        CASE WHEN d.assessed_fen = 0 THEN d.fee_fen
                             ELSE div(d.fee_fen::numeric * k.fen, d.assessed_fen) END) - f.taken)) END::bigint
                 FROM ledger_period d,
                      LATERAL (SELECT {collected_sql("d")} AS fen) k,
                      LATERAL (SELECT coalesce(sum(o.amount_fen), 0) AS ordered,
                                      coalesce((SELECT sum(w.lowered_fen) FROM ledger_award w
                                                 WHERE w.period_id = d.id), 0) AS lowered
                                 FROM ledger_paymentorder o JOIN ledger_award w ON w.id = o.award_id
                                WHERE w.period_id = d.id AND o.state NOT IN ('cancelled', 'returned')) a,
                      LATERAL (SELECT coalesce(sum(amount_fen), 0) AS taken FROM ledger_paymentorder
                                WHERE period_id = d.id AND state NOT IN ('cancelled', 'returned')) f,
                      LATERAL (SELECT {free_money_sql("d.pool_id")}
                                      - coalesce(sum(amount_fen)
                                                 FILTER (WHERE kind NOT IN {SET_ASIDE}), 0) AS free
                                 FROM ledger_paymentorder
                                WHERE pool_id = d.pool_id AND state = 'ordered') m
                WHERE d.id = ANY(%s)""",  # noqa: S608 - fixed names
            [list(periods)],
        )
        return dict(cursor.fetchall())


def paid_fen(award: Award) -> int:
    """Return what the bank has confirmed as paid of an award (fen)."""
    paid = award.payment_orders.filter(state=PaymentOrder.State.CONFIRMED).values_list(
        "amount_fen", flat=True
    )
    return sum(paid)


def shown_text(order: PaymentOrder) -> str:
    """Return the text whose SHA-256 a release names."""
    return texts_of(PaymentOrder, shown_sql("o"), "o", [order.pk])[order.pk]
