"""What a guardian sees of whom they have added: place, class and what is open, in a fixed number of queries."""

import datetime as dt
from dataclasses import dataclass

from ledger.custody.selectors import open_fen_by_member, payment_reference
from members.joining.family import Relative, family_of
from members.joining.models import Membership
from members.pools.selectors import pays_ahead


@dataclass(frozen=True)
class FamilyRow:
    """A family member with the shares announced and not paid (fen); reference: theirs, where members pay ahead."""

    relative: Relative
    open_fen: int
    reference: str | None

    @property
    def standing(self) -> str:
        """Return how they stand: ended, unpaid (nothing counts yet), suspended, waiting or eligible."""
        cover = self.relative.cover
        if hasattr(self.relative.membership, "end"):
            return "ended"
        if cover is None:
            return "unpaid"
        if cover.has_ended:
            return "suspended"
        return "waiting" if cover.is_waiting else "eligible"


def family_rows(guardian: Membership, now: dt.datetime) -> list[FamilyRow]:
    """Return a row for each family member, in joining order."""
    relatives = family_of(guardian, now)
    pool = guardian.pool
    is_ahead = bool(relatives) and pays_ahead(pool)
    owed = open_fen_by_member(pool, [one.membership.pk for one in relatives]) if relatives else {}
    return [
        FamilyRow(
            one,
            owed.get(one.membership.pk, (0, 0))[0],
            payment_reference(one.membership) if is_ahead else None,
        )
        for one in relatives
    ]
