"""What a guardian sees of whom they have added: place, class and what is open, in a fixed number of queries."""

import datetime as dt
from dataclasses import dataclass

from ledger.custody.owed import open_fen_by_member
from ledger.custody.references import spaced
from ledger.custody.selectors import payment_reference
from ledger.custody.wallet_models import Suspension
from members.joining.family import Relative, family_of
from members.joining.models import Membership
from members.joining.payers import payer_numbers
from members.pools.plan_terms import ClassTerms
from members.pools.selectors import pays_ahead


@dataclass(frozen=True)
class FamilyRow:
    """A family member with the shares announced and not paid (fen).

    reference: what a transfer for them names, where each pays ahead or nobody else pays for them any more. payer_no:
    the number of who pays. suspension: the open one, with the last day on which money restores the membership.
    """

    relative: Relative
    open_fen: int
    reference: str | None
    payer_no: int | None
    suspension: Suspension | None

    @property
    def next_place(self) -> ClassTerms | None:
        """Return the class of a birthday to come, where classes go by age."""
        cover = self.relative.cover
        return cover.next_place[1] if cover and cover.next_place else None

    @property
    def next_place_date(self) -> dt.date | None:
        """Return from which day on that class holds."""
        cover = self.relative.cover
        return cover.next_place[0] if cover and cover.next_place else None

    @property
    def standing(self) -> str:
        """Return how they stand: ended, unpaid (nothing counts yet), suspended, waiting or eligible."""
        cover = self.relative.cover
        if hasattr(self.relative.membership, "end"):
            return "ended"
        return "unpaid" if cover is None else cover.state


def family_rows(guardian: Membership, now: dt.datetime) -> list[FamilyRow]:
    """Return a row for each family member, in joining order."""
    relatives, pool = family_of(guardian, now), guardian.pool
    if not relatives:
        return []
    ids, is_ahead = [one.membership.pk for one in relatives], pays_ahead(pool)
    owed, payers = open_fen_by_member(pool, ids), payer_numbers(ids)
    suspended = Suspension.objects.filter(
        pool_id=pool.pk, membership_id__in=ids, state=Suspension.State.SUSPENDED
    )
    suspensions = {one.membership_id: one for one in suspended}
    return [
        FamilyRow(
            one,
            sum(owed[one.membership.pk]),
            spaced(payment_reference(one.membership))
            if is_ahead or one.membership.pk not in payers
            else None,
            payers.get(one.membership.pk),
            suspensions.get(one.membership.pk),
        )
        for one in relatives
    ]
