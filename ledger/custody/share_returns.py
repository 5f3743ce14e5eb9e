"""Reads of shares that go back: which wait to be paid, to whom, and who had paid them."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.errors import NotFoundError
from ledger.custody.share_return_models import SharesReturn
from ledger.sharing.payees import Payee
from members.pools.models import Pool


@dataclass(frozen=True)
class Returning:
    """Shares that go back, and how far: amounts in fen. payers: numbers of others who had paid some of them."""

    made: SharesReturn
    membership_no: int
    ordered_fen: int
    payers: tuple[int, ...]

    @property
    def left_fen(self) -> int:
        """Return what is not ordered yet."""
        return self.made.paid_fen - self.ordered_fen


_WHERE_THEY_STAND = """
    SELECT r.id, m.number,
           (SELECT coalesce(sum(o.amount_fen), 0)::bigint FROM ledger_paymentorder o
             WHERE o.pool_id = r.pool_id AND o.kind = 'shares' AND o.membership_id = r.membership_id
               AND o.state NOT IN ('cancelled', 'returned')),
           (SELECT coalesce(array_agg(DISTINCT payer.number), '{}') FROM ledger_collection k
              JOIN members_membership payer ON payer.id = k.payer_id
             WHERE k.pool_id = r.pool_id AND k.membership_id = r.membership_id)
      FROM ledger_sharesreturn r JOIN members_membership m ON m.id = r.membership_id
     WHERE r.id = ANY(%s) ORDER BY r.number DESC"""


def shares_returns(pool: Pool) -> QuerySet[SharesReturn]:
    """Return the shares of a pool that went back, newest first."""
    return pool.shares_returns.select_related("pool", "entry").order_by("-number")


def standing(found: Sequence[SharesReturn]) -> list[Returning]:
    """Return how far each has come, in that order. One query."""
    rows = {made.pk: made for made in found}
    with connection.cursor() as cursor:
        cursor.execute(_WHERE_THEY_STAND, [list(rows)])
        return [
            Returning(rows[pk], number, fen, tuple(payers)) for pk, number, fen, payers in cursor.fetchall()
        ]


def waiting(pool: Pool) -> list[Returning]:
    """Return what is not paid back in full yet. Two queries."""
    found = shares_returns(pool).filter(paid_fen__gt=0)
    return [one for one in standing(list(found)) if one.left_fen > 0]


def access_return(*, pool: Pool, number: int) -> Returning:
    """Return the shares that went back under that number. Raises: NotFoundError."""
    found = shares_returns(pool).filter(number=number).first()
    if found is None:
        raise NotFoundError(_("No shares of this number went back."))
    return standing([found])[0]


def payee_of_return(made: SharesReturn) -> Payee:
    """Return the account that the claim names, unsealed."""
    return Payee.unsealed(bytes(made.payee_sealed), made.payee_place)
