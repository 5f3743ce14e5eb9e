"""Cash before release: does what the bank held at its last closing pay every order, and all that is owed?

Money is given in this order: what was released is gone; what belongs to others (prepaid, unidentified, reserve, what is
set aside to be paid back, costs) is theirs; aid comes before the fee. The guard of a release asks the books once more.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from django.db import connection
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from ledger.books import chart
from ledger.custody.models import BankAccount, BankStatement
from ledger.custody.selectors import account_of, statements
from members.pools.models import Pool

REFUND, COST, AID, FEE = "refund", "cost", "aid", "fee"
NAMES: dict[str, Promise] = {
    REFUND: _("refunds"),
    COST: _("costs of investigations"),
    AID: _("aid"),
    FEE: _("management fee"),
}
# In the order in which money covers them: what it is for, where it is owed, and the kinds of its orders.
_PARTS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (REFUND, chart.REFUNDS_PAYABLE, ("refund", "wallet", "balance", "shares")),
    (COST, chart.COSTS_PAYABLE, ("cost",)),
    (AID, chart.AID_PAYABLE, ("aid",)),
    (FEE, chart.FEE_PAYABLE, ("fee",)),
)
_OTHERS = (chart.PREPAID, chart.UNIDENTIFIED, chart.RESERVE)


@dataclass(frozen=True)
class CashPart:
    """What is owed of a kind, what of it is ordered and not released, what is on its way, and what is lacking (fen).

    left_fen: what is there for it, once what comes before is paid; orders_lack_fen, owed_lacks_fen: what of the orders,
    and of all that is owed, the money does not pay.
    """

    kind: str
    owed_fen: int
    ordered_fen: int
    ordered_count: int
    released_fen: int
    left_fen: int
    orders_lack_fen: int
    owed_lacks_fen: int

    @property
    def name(self) -> Promise:
        """Return what it is called."""
        return NAMES[self.kind]


@dataclass(frozen=True)
class Cash:
    """What the bank held at its last closing, what is on its way, what is others', and who is paid of the rest."""

    account: BankAccount
    last: BankStatement | None
    released_fen: int
    others_fen: int
    parts: tuple[CashPart, ...]

    @property
    def bank_fen(self) -> int:
        """Return the bank's last closing balance; nothing before the first statement."""
        return self.last.closing_fen if self.last else 0

    @property
    def orders_lack_fen(self) -> int:
        """Return what of all orders the money does not pay."""
        return sum(part.orders_lack_fen for part in self.parts)

    @property
    def owed_lacks_fen(self) -> int:
        """Return what of all that is owed the money does not pay."""
        return sum(part.owed_lacks_fen for part in self.parts)

    @property
    def ordered_fen(self) -> int:
        """Return what is ordered and not released."""
        return sum(part.ordered_fen for part in self.parts)


def cash_of(pool: Pool) -> Cash | None:
    """Return a pool's cash before release; None without a bank account. Four queries."""
    account = account_of(pool)
    if account is None:
        return None
    last = statements(account).first()
    owed, (ordered, released) = _owed(pool), _orders(pool)
    others_fen = sum(owed.get(code, 0) for code in _OTHERS)
    released_fen = sum(fen for _count, fen in released.values())
    left_fen = left_of_owed_fen = (last.closing_fen if last else 0) - released_fen - others_fen
    parts = []
    for kind, code, kinds in _PARTS:
        count = sum(ordered.get(one, (0, 0))[0] for one in kinds)
        fen = sum(ordered.get(one, (0, 0))[1] for one in kinds)
        owed_fen = owed.get(code, 0)
        parts.append(
            CashPart(
                kind=kind,
                owed_fen=owed_fen,
                ordered_fen=fen,
                ordered_count=count,
                released_fen=sum(released.get(one, (0, 0))[1] for one in kinds),
                left_fen=left_fen,
                orders_lack_fen=lacking_fen(fen, left_fen),
                owed_lacks_fen=lacking_fen(owed_fen, left_of_owed_fen),
            )
        )
        # What is owed for refunds and costs is theirs whether it is ordered or not; aid waits for its order.
        left_fen -= owed_fen if kind in {REFUND, COST} else fen
        left_of_owed_fen -= owed_fen
    return Cash(account, last, released_fen, others_fen, tuple(parts))


def lacking_fen(asked_fen: int, there_fen: int) -> int:
    """Return what of the asked money is not there; a deficit of before takes nothing more than what is asked."""
    return min(asked_fen, max(0, asked_fen - there_fen))


def _owed(pool: Pool) -> dict[str, int]:
    codes = [*(code for _kind, code, _kinds in _PARTS), *_OTHERS]
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT a.code, (b.credit_fen - b.debit_fen)::bigint
                 FROM ledger_accountbalance b JOIN ledger_account a ON a.id = b.account_id
                 JOIN ledger_book k ON k.id = a.book_id WHERE k.code = %s AND a.code = ANY(%s)""",
            [pool.code, codes],
        )
        return dict(cursor.fetchall())


def _orders(pool: Pool) -> tuple[Mapping[str, tuple[int, int]], Mapping[str, tuple[int, int]]]:
    """Return how many orders of each kind, and of how much, wait for their release, and are on their way."""
    found: dict[str, dict[str, tuple[int, int]]] = {"ordered": {}, "released": {}}
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT state, kind, count(*), sum(amount_fen)::bigint FROM ledger_paymentorder
                WHERE pool_id = %s AND state IN ('ordered', 'released') GROUP BY 1, 2""",
            [pool.pk],
        )
        for state, kind, count, fen in cursor.fetchall():
            found[state][kind] = (count, fen)
    return found["ordered"], found["released"]
