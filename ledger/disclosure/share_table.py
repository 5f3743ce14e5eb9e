"""Every share of a member as a table for spreadsheets: the bill of each period, the own parts, and its year's cap."""

from collections.abc import Iterator, Sequence

from aidplatform.lib import clock
from aidplatform.lib.csv_files import plain_fen
from ledger.custody.selectors import OwedCharge
from ledger.custody.selectors import charges_of as owed_of
from ledger.disclosure.selectors import (
    EVERY_PERIOD,
    MyCharge,
    charged_before_fen,
    charges_of,
    in_force,
    plans_of,
)
from ledger.leaving.again import stays_of
from ledger.sharing.figures import SHARE_PARTS
from members.joining.models import Membership


def shares_table(membership: Membership) -> tuple[Sequence[str], Iterator[Sequence[object]]]:
    """Return header and rows, newest first: amounts of the bill, then `my_…`, which add up to the share exactly.

    year_cap: the most that the rules of the charge day let that calendar year ask; empty: without end. year_to_date:
    what counts against it up to this period, with what an earlier membership was charged in that year. As many queries
    for one period as for many.
    """
    currency = membership.pool.currency
    money = ("aid", "fee", "carried_in", "share", *(f"my_{part}" for part in SHARE_PARTS), "collected", "open",
             "written_off", "year_to_date", "year_cap")  # fmt: skip
    header = (
        "period",
        "charge_date",
        "class",
        "weight",
        "members",
        *(f"{name}_{currency}" for name in money),
    )
    return header, _rows(membership)


def _rows(membership: Membership) -> Iterator[Sequence[object]]:
    charges = charges_of(membership, limit=EVERY_PERIOD)
    owed = {one.period_no: one for one in owed_of(pool=membership.pool, membership_id=membership.pk)}
    stays = stays_of(membership, clock.now())
    before = {
        year: charged_before_fen(membership, stays, year)
        for year in {charge.period.charge_date.year for charge in charges}
    }
    plans, years = plans_of(membership.pool), _years_to_date(charges, before)
    for charge in charges:
        rules = in_force(plans, charge.period.charge_date)
        cap_fen = rules.year_cap_fen if rules else None
        yield (
            charge.period.number,
            charge.period.charge_date.isoformat(),
            charge.row.class_no if charge.row else "",
            charge.row.weight if charge.row else "",
            charge.period.headcount,
            plain_fen(charge.period.aid_fen or 0),
            plain_fen(charge.period.fee_fen or 0),
            plain_fen(charge.period.carry_in_fen or 0),
            plain_fen(charge.share_fen),
            *_parts(charge),
            *_paid(owed[charge.period.number]),
            plain_fen(years[charge.period.number]),
            "" if cap_fen is None else plain_fen(cap_fen),
        )


def _parts(charge: MyCharge) -> Iterator[str]:
    """Yield each part in currency units with four decimals; nothing where the share follows from no row of the bill."""
    amounts = {part.code: part.signed for part in charge.parts}
    for code in SHARE_PARTS:
        yield _plain_parts(amounts.get(code, 0)) if amounts or not charge.share_fen else ""


def _paid(owed: OwedCharge) -> Iterator[str]:
    yield from map(plain_fen, (owed.collected_fen, owed.open_fen, owed.written_off_fen))


def _plain_parts(amount: int) -> str:
    """Return hundredths of a fen as 0.1234 for machines."""
    whole, rest = divmod(abs(amount), 10_000)
    return f"{'-' if amount < 0 else ''}{whole}.{rest:04d}"


def _years_to_date(charges: Sequence[MyCharge], before: dict[int, int]) -> dict[int, int]:
    """Return by the number of each period what its calendar year had charged up to it (fen).

    charges: newest first. before: what had been charged in a year before the first of them.
    """
    sums = dict(before)
    found = {}
    for charge in reversed(charges):
        year = charge.period.charge_date.year
        found[charge.period.number] = sums[year] = sums[year] + charge.share_fen
    return found
