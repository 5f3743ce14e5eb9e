"""Writes of wallets: money that comes in for a member who pays ahead, and what is paid back of it.

Callers hold the lock of the pool and post the control account; what a period takes is written where its charges are
closed (`ledger.sharing.wallet_guards`).
"""

import datetime as dt

from django.db import connection

from ledger.custody.filling import Recorded, last_undoing
from ledger.custody.models import BankStatement, PaymentOrder, StatementLine
from ledger.custody.wallet_models import WalletEntry
from members.joining.models import Membership
from members.pools.models import Pool

Kind = WalletEntry.Kind

_TOP_UP = """
    INSERT INTO ledger_walletentry (pool_id, membership_id, kind, amount_fen, line_id, recorded_by, at)
    SELECT %(pool)s, membership_id, 'top_up', amount_fen, id, %(by)s, %(at)s
      FROM ledger_statementline WHERE statement_id = %(statement)s AND kind = 'top_up' ORDER BY line_no"""


def top_up(*, statement: BankStatement, pool: Pool, importer: str, at: dt.datetime) -> None:
    """Put a statement's receipts with a member's reference into the wallets, by one statement."""
    with connection.cursor() as cursor:
        cursor.execute(_TOP_UP, {"pool": pool.pk, "statement": statement.pk, "by": importer, "at": at})


def top_up_by_receipt(
    *, pool: Pool, receipt: StatementLine, fen: int, membership: Membership, recorded: Recorded
) -> int:
    """Put what is left (fen) of an identified receipt into a wallet; return how much that was."""
    if fen:
        WalletEntry.objects.create(
            pool_id=pool.pk,
            membership_id=membership.pk,
            kind=Kind.TOP_UP,
            amount_fen=fen,
            line=receipt,
            turn=last_undoing(receipt),
            recorded_by=recorded.by,
            at=recorded.at,
        )
    return fen


def set_aside(order: PaymentOrder, orderer: str, at: dt.datetime) -> None:
    """Take what an order pays back out of its wallet; an order that is not of a wallet takes nothing."""
    if order.kind == PaymentOrder.Kind.WALLET:
        _move(order, Kind.REFUND, -order.amount_fen, orderer, at)


def take_back(order: PaymentOrder, who: str, at: dt.datetime) -> None:
    """Put back what an order took that was cancelled or returned by the bank."""
    if order.kind == PaymentOrder.Kind.WALLET:
        _move(order, Kind.REFUND_UNDONE, order.amount_fen, who, at)


def _move(order: PaymentOrder, kind: str, fen: int, who: str, at: dt.datetime) -> None:
    assert order.membership_id is not None
    WalletEntry.objects.create(
        pool_id=order.pool_id,
        membership_id=order.membership_id,
        kind=kind,
        amount_fen=fen,
        order=order,
        recorded_by=who,
        at=at,
    )
