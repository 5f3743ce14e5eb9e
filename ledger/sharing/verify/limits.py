"""What members could still be charged, where caps count earlier charges: reckoned anew from plan and charges."""

from dataclasses import dataclass
from typing import Any

from ledger.books.findings import fetch, figure
from ledger.sharing.recompute import Room
from ledger.sharing.verify.rows import PeriodRow, read_json

# What each membership was charged in the periods that the caps count; who has joined again with what they were charged
# before, step by step along what each membership follows.
EARLIER = """
    WITH RECURSIVE again (id, before) AS (
        SELECT id, follows_id FROM members_membership WHERE pool_id = %(pool)s AND follows_id IS NOT NULL
        UNION ALL
        SELECT a.id, m.follows_id FROM again a JOIN members_membership m ON m.id = a.before
         WHERE m.follows_id IS NOT NULL),
    charged AS (
        SELECT membership_id, period_no, share_fen FROM ledger_charge
         WHERE pool_id = %(pool)s AND period_no = ANY(%(earlier)s)
        UNION ALL
        SELECT a.id, k.period_no, k.share_fen FROM again a JOIN ledger_charge k ON k.membership_id = a.before
         WHERE k.pool_id = %(pool)s AND k.period_no = ANY(%(earlier)s))
    SELECT membership_id, coalesce(sum(share_fen) FILTER (WHERE period_no = ANY(%(of_year)s)), 0)::bigint AS of_year,
           coalesce(sum(share_fen) FILTER (WHERE period_no = ANY(%(of_run_off)s)), 0)::bigint AS of_run_off
      FROM charged GROUP BY 1"""


@dataclass(frozen=True)
class Limits:
    """The caps of a period whose caps count earlier charges (fen), and the numbers of the periods that they count."""

    period_cap: int | None
    year_cap: int | None
    run_off_cap: int | None
    of_year: list[int]
    of_run_off: list[int]

    def room(self, of_year: int, of_run_off: int) -> int:
        """Return what a member who was charged so much may still be charged."""
        caps = (
            self.period_cap,
            None if self.year_cap is None else max(0, self.year_cap - of_year),
            None if self.run_off_cap is None else max(0, self.run_off_cap - of_run_off),
        )
        return min(cap for cap in caps if cap is not None)

    @property
    def sql(self) -> str:
        """Return SQL for that, of a row `e` of EARLIER."""
        parts = [str(self.period_cap)] if self.period_cap is not None else []
        for cap, column in ((self.year_cap, "of_year"), (self.run_off_cap, "of_run_off")):
            if cap is not None:
                parts.append(f"greatest(0, {cap} - coalesce(e.{column}, 0))")
        return f"least({', '.join(parts)})"

    @property
    def parameters(self) -> dict[str, Any]:
        """Return what EARLIER needs besides the pool."""
        both = sorted({*self.of_year, *self.of_run_off})
        return {"of_year": self.of_year, "of_run_off": self.of_run_off, "earlier": both}


def limits_of(period: PeriodRow) -> Limits | None:
    """Return the caps of a period; None where none of them counts earlier charges."""
    terms = read_json(
        figure("SELECT terms FROM members_planversion WHERE id = %(plan)s", {"plan": period.plan_version_id})
    )
    ending = fetch(
        """SELECT run_off_cap_fen, after_period_no FROM members_poolending
            WHERE pool_id = %(pool)s AND after_period_no < %(number)s
              AND (cancelled_period_no IS NULL OR cancelled_period_no > %(number)s)""",
        period.parameters,
    )
    run_off_cap, after_no = ending[0] if ending else (None, None)
    if terms.get("year_cap_fen") is None and run_off_cap is None:
        return None
    earlier = fetch(
        """SELECT number, date_part('year', charge_date) = date_part('year', %(charged)s::date) FROM ledger_period
            WHERE pool_id = %(pool)s AND number < %(number)s ORDER BY number""",
        period.parameters | {"charged": period.charge_date},
    )
    return Limits(
        terms.get("period_cap_fen"),
        terms.get("year_cap_fen"),
        run_off_cap,
        [number for number, same_year in earlier if same_year],
        [number for number, _same_year in earlier if after_no is not None and number > after_no],
    )


def rooms_of(period: PeriodRow, limits: Limits | None) -> list[Room] | None:
    """Return what the manifest says its members may still be charged, all shards together; None without such caps."""
    if limits is None:
        return None
    rooms: dict[tuple[int, int], int] = {}
    for (line,) in fetch(
        "SELECT rooms FROM ledger_manifestline WHERE period_id = %(period)s", period.parameters
    ):
        for class_no, room, members in read_json(line) or []:
            rooms[class_no, room] = rooms.get((class_no, room), 0) + members
    return [(class_no, room, members) for (class_no, room), members in sorted(rooms.items())]
