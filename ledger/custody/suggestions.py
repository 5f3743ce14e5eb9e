"""Whose a receipt could be that bears no reference that holds: suggestions, of which a person confirms one."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db import connection
from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from ledger.custody.owed import to_transfer_fen
from ledger.custody.reconciliation import Receipt
from ledger.custody.references import near_memberships
from members.joining.models import Membership
from members.pools.models import Pool
from members.pools.selectors import pays_ahead

MOST = 3
# In a larger pool too many owe the same amount for it to tell anything, and to look at all of them takes long.
AMOUNT_TELLS_UP_TO = 500


class Reason(TextChoices):
    """Why a receipt could be a membership's, the most telling first."""

    REFERENCE = "reference", _("its reference, but for one slip")
    PAYER = "payer", _("this other side has paid for it before")
    AMOUNT = "amount", _("owes exactly this")


@dataclass(frozen=True)
class Suggestion:
    """A membership whose money a receipt could be, and why. owes_fen: for itself and whom it pays for."""

    membership: Membership
    reasons: tuple[Reason, ...]
    owes_fen: int

    @property
    def is_owing_otherwise(self) -> bool:
        """Tell whether it owes something, and not exactly what came."""
        return bool(self.owes_fen) and Reason.AMOUNT not in self.reasons


def suggestions(pool: Pool, receipts: Sequence[Receipt]) -> dict[int, list[Suggestion]]:
    """Return for each line (by id) up to three memberships, the likeliest first. At most seven queries.

    A receipt whose reference holds has none: what is left of it was paid too much. In a pool of more than a few hundred
    an amount only supports what else speaks for a membership; where members pay ahead nothing is owed.
    """
    told: dict[int, dict[int, set[Reason]]] = defaultdict(lambda: defaultdict(set))
    lines = {receipt.line.pk: receipt for receipt in receipts if receipt.line.membership_id is None}
    for reason, found in (
        (Reason.REFERENCE, _by_reference(pool, lines.values())),
        (Reason.PAYER, _by_payer(lines)),
    ):
        for line, member in found:
            told[line][member].add(reason)
    named = {member for members in told.values() for member in members}
    known = _memberships(pool, named) if lines else {}
    owes = {} if pays_ahead(pool) else to_transfer_fen(known.values())
    for line, receipt in lines.items():
        for member, fen in owes.items():
            if fen == receipt.open_fen and (member in told[line] or len(known) > len(named)):
                told[line][member].add(Reason.AMOUNT)
    return {
        line: _likeliest(
            {known[member]: reasons for member, reasons in members.items() if member in known}, owes
        )
        for line, members in told.items()
        if members
    }


def _by_reference(pool: Pool, receipts: Iterable[Receipt]) -> Iterable[tuple[int, int]]:
    """Return (line, membership) where the text is one slip away from the membership's reference. One query."""
    near = {receipt.line.pk: near_memberships(pool.code, receipt.line.text) for receipt in receipts}
    numbers = set().union(*near.values())
    if not numbers:
        return []
    ids = dict(Membership.objects.filter(pool=pool, number__in=numbers).values_list("number", "pk"))
    return [(line, ids[number]) for line, found in near.items() for number in sorted(found & set(ids))]


def _by_payer(lines: Collection[int]) -> Iterable[tuple[int, int]]:
    """Return (line, membership) where money of the same other side was the membership's. One query."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT DISTINCT l.id, paid.member FROM ledger_statementline l
                 JOIN ledger_statementline b
                   ON b.account_id = l.account_id AND b.counterparty_index = l.counterparty_index
                  AND b.kind IN ('unidentified', 'collection', 'top_up') AND b.counterparty_index <> ''
                 JOIN LATERAL (
                      SELECT b.membership_id AS member WHERE b.membership_id IS NOT NULL
                       UNION SELECT coalesce(k.payer_id, k.membership_id) FROM ledger_collection k
                              WHERE k.line_id = b.id
                       UNION SELECT e.membership_id FROM ledger_walletentry e WHERE e.line_id = b.id) paid ON true
                WHERE l.id = ANY(%s) AND l.counterparty_index <> '' AND NOT EXISTS (
                      SELECT 1 FROM ledger_matchundoing u WHERE u.receipt_id IN (b.id, l.id)
                         AND u.membership_id = paid.member AND u.state = 'agreed') ORDER BY 1, 2""",
            [list(lines)],
        )
        found: list[tuple[int, int]] = cursor.fetchall()
        return found


def _memberships(pool: Pool, named: Collection[int]) -> dict[int, Membership]:
    """Return these memberships by id; those of the whole pool where it is so small that an amount tells whose it is."""
    everybody = Membership.objects.filter(pool=pool).order_by("number")
    some = list(everybody[: AMOUNT_TELLS_UP_TO + 1])
    found = some if len(some) <= AMOUNT_TELLS_UP_TO else everybody.filter(pk__in=named)
    return {membership.pk: membership for membership in found}


def _likeliest(members: Mapping[Membership, set[Reason]], owes: Mapping[int, int]) -> list[Suggestion]:
    """Return the memberships for which the most telling reasons speak; none where only amounts do, and of too many."""
    found = [
        Suggestion(member, tuple(reason for reason in Reason if reason in reasons), owes.get(member.pk, 0))
        for member, reasons in members.items()
    ]
    if len(found) > MOST and all(one.reasons == (Reason.AMOUNT,) for one in found):
        return []
    return sorted(found, key=_rank)[:MOST]


def _rank(one: Suggestion) -> tuple[bool, bool, bool, int]:
    missing = [reason not in one.reasons for reason in Reason]
    return (missing[0], missing[1], missing[2], one.membership.number)
