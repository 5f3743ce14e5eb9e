"""Which charges are owed again when a bank takes a transfer back.

A chargeback tells whose transfer it was and how much. Where a receipt of just that amount stands, everything that it
paid is owed again, the charges of others as well; otherwise what the payer's money paid last, newest period first.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection as SomeOf
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.db import connection

from ledger.custody.models import BankStatement
from members.pools.models import Pool

Charge = tuple[int, int]  # membership, period
Parts = dict[Charge, int]


@dataclass
class PayerMoney:
    """What stands of one payer's money: per charge, and per receipt with its amount, oldest first (fen)."""

    payer: int
    standing: Parts = field(default_factory=lambda: defaultdict(int))
    receipts: dict[int, tuple[int, Parts]] = field(default_factory=dict)

    def add(self, line: int, amount_fen: int, charge: Charge, fen: int) -> None:
        """Note that a line paid that much of a charge; below zero it took that much back."""
        self.standing[charge] += fen
        if fen > 0:
            self.receipts.setdefault(line, (amount_fen, {}))[1][charge] = fen

    def take_back(self, fen: int) -> Parts | None:
        """Return what of each charge is owed again after a chargeback (fen); None where not that much stands."""
        parts = next(self._whole_receipts(fen), None) or self._newest(fen)
        for charge, part in (parts or {}).items():
            self.standing[charge] -= part
        return parts

    def _whole_receipts(self, fen: int) -> Iterator[Parts]:
        """Yield what receipts of exactly that much paid, newest first, where all of it stands."""
        for amount_fen, parts in reversed(self.receipts.values()):
            is_whole = amount_fen == fen == sum(parts.values())
            if is_whole and all(self.standing[charge] >= part for charge, part in parts.items()):
                yield parts

    def _newest(self, fen: int) -> Parts | None:
        if sum(self.standing.values()) < fen:
            return None
        parts: Parts = {}
        for charge in sorted(self.standing, key=self._age, reverse=True):
            part = min(fen, self.standing[charge])
            if part > 0:
                parts[charge] = part
                fen -= part
        return parts

    def _age(self, charge: Charge) -> tuple[int, bool, int]:
        """Order charges as they were filled: by period, the payer's own first, then the others."""
        membership, period = charge
        return period, membership != self.payer, membership


def money_of(pool: Pool, payers: SomeOf[int]) -> dict[int, PayerMoney]:
    """Return what stands of the money of these memberships, by one query."""
    found = {payer: PayerMoney(payer) for payer in payers}
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT coalesce(k.payer_id, k.membership_id), k.line_id, l.amount_fen, k.membership_id, k.period_no,
                      sum(k.amount_fen)::bigint
                 FROM ledger_collection k JOIN ledger_statementline l ON l.id = k.line_id
                WHERE k.pool_id = %(pool)s
                  AND (k.membership_id = ANY(%(payers)s) AND k.payer_id IS NULL OR k.payer_id = ANY(%(payers)s))
                GROUP BY 1, 2, 3, 4, 5 HAVING sum(k.amount_fen) <> 0
                ORDER BY k.line_id, min(k.id)""",
            {"pool": pool.pk, "payers": list(found)},
        )
        for payer, line, amount_fen, membership, period, fen in cursor.fetchall():
            found[payer].add(line, amount_fen, (membership, period), fen)
    return found


@dataclass(frozen=True)
class Back:
    """What a chargeback puts in arrears again: the number of its line, the payer, and the parts."""

    line_no: int
    payer: int
    parts: Parts


def record(*, pool: Pool, statement: BankStatement, backs: list[Back], by: str, at: dt.datetime) -> None:
    """Put the charges of all chargebacks of a statement in arrears again, by one statement of SQL."""
    rows = [
        (back.line_no, membership, period, -fen, None if membership == back.payer else back.payer)
        for back in backs
        for (membership, period), fen in back.parts.items()
    ]
    if not rows:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO ledger_collection (line_id, membership_id, pool_id, period_no, amount_fen, payer_id,
                      recorded_by, at)
               SELECT l.id, r.membership, %(pool)s, r.period, r.fen, r.payer, %(by)s, %(at)s
                 FROM unnest(%(lines)s::int[], %(members)s::bigint[], %(periods)s::int[], %(fens)s::bigint[],
                             %(payers)s::bigint[]) r (line_no, membership, period, fen, payer)
                 JOIN ledger_statementline l ON l.statement_id = %(statement)s AND l.line_no = r.line_no
                ORDER BY l.id, r.period, r.membership""",
            {
                "pool": pool.pk,
                "statement": statement.pk,
                "by": by,
                "at": at,
                **dict(
                    zip(
                        ("lines", "members", "periods", "fens", "payers"),
                        map(list, zip(*rows, strict=True)),
                        strict=True,
                    )
                ),
            },
        )
