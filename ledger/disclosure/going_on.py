"""What going on in another pool costs: its last shares of the class that the member would be in."""

import datetime as dt
from dataclasses import dataclass

from ledger.disclosure.selectors import past_shares
from ledger.sharing.figures import class_figures
from ledger.sharing.selectors import is_large_enough
from members.joining.transfer_offers import Offer
from members.pools.plan_terms import ClassTerms

#: So many of its last periods are told.
TOLD = 6


@dataclass(frozen=True)
class Cost:
    """What one member of the class shared in one period of the other pool (fen)."""

    number: int
    charge_date: dt.date
    headcount: int
    share_fen: int


def place_there(offer: Offer) -> ClassTerms:
    """Return the class of the other pool in which the member would share."""
    class_no = offer.plan.class_at(offer.age)
    return next(row for row in offer.plan.classes if row.class_no == class_no)


def costs_of(offer: Offer) -> list[Cost]:
    """Return the last shares of that class, newest first; of a very small pool none, as for every stranger."""
    class_no = place_there(offer).class_no
    told = []
    for period in reversed(past_shares(offer.pool)):
        shares = {row.class_no: row.share_fen for row in class_figures(period.classes or [])}
        if class_no in shares and is_large_enough(period):
            told.append(Cost(period.number, period.charge_date, period.headcount or 0, shares[class_no]))
    return told[:TOLD]
