"""Reads of arrears: what a member has not paid and until when nothing comes of it, and the list of the pool."""

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import dataclass

from django.db import connection
from django.utils.translation import gettext_lazy as _

from aidplatform.lib import clock
from ledger.custody.arrears_models import HardshipPause
from ledger.custody.arrears_sql import open_shares_sql
from ledger.custody.wallet_models import Suspension
from members.joining.end_models import MembershipEnd
from members.joining.models import Membership
from members.joining.selectors import end_of
from members.pools.models import Pool

MOST_SHOWN = 200


@dataclass(frozen=True)
class OpenShare:
    """A share that is not paid (fen): since when it is asked for, and the last day of its grace.

    last_date: None where the rules of its period suspend nobody. free_days: how many a pause may still add.
    """

    period_no: int
    open_fen: int
    asked_date: dt.date
    last_date: dt.date | None
    paused_days: int
    free_days: int


@dataclass(frozen=True)
class Standing:
    """What a member has not paid, and what has become of the membership by it.

    suspension: the newest that followed an unpaid share, unless it is over by a payment. pause: the newest that was
    asked for. end: why the membership is over for good.
    """

    shares: tuple[OpenShare, ...]
    suspension: Suspension | None
    pause: HardshipPause | None
    end: MembershipEnd | None
    today: dt.date

    @property
    def open_fen(self) -> int:
        """Return everything that is open."""
        return sum(share.open_fen for share in self.shares)

    @property
    def is_suspended(self) -> bool:
        """Tell whether a payment of everything open brings the membership back."""
        return (
            self.end is None
            and self.suspension is not None
            and self.suspension.state == Suspension.State.SUSPENDED
        )

    @property
    def last_date(self) -> dt.date | None:
        """Return the first day after which something comes of it; None: nothing does."""
        return min((share.last_date for share in self.shares if share.last_date), default=None)

    @property
    def is_in_grace(self) -> bool:
        """Tell whether shares are open that have a grace, and the membership goes on."""
        return self.end is None and not self.is_suspended and self.last_date is not None

    @property
    def is_unheard(self) -> bool:
        """Tell whether the grace is over and only the bank has not been heard."""
        return self.is_in_grace and self.last_date is not None and self.last_date < self.today

    @property
    def free_days(self) -> int:
        """Return how many days a pause may still add to the grace of all that is open."""
        if not self.is_in_grace:
            return 0
        return min(share.free_days for share in self.shares if share.last_date)

    @property
    def pause_waits(self) -> bool:
        """Tell whether a pause was asked for that nobody has decided."""
        return self.pause is not None and self.pause.state in {
            HardshipPause.State.ASKED,
            HardshipPause.State.PROPOSED,
        }

    @property
    def is_paused(self) -> bool:
        """Tell whether a pause is part of the grace."""
        return self.is_in_grace and any(share.paused_days for share in self.shares)

    @property
    def may_ask(self) -> bool:
        """Tell whether the member can ask for a pause now."""
        return self.free_days > 0 and not self.pause_waits


def standing_of(membership: Membership, today: dt.date) -> Standing:
    """Return how a member stands who pays afterwards. A fixed number of queries."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT period_no, open_fen, asked_date, last_date, paused_days,
                       greatest(coalesce((arrears->>'hardship_days')::int, 0) - paused_days, 0)
                  FROM ({open_shares_sql("%(pool)s", "%(member)s")}) o ORDER BY period_no""",
            {"pool": membership.pool_id, "member": membership.pk},
        )
        shares = tuple(OpenShare(*row) for row in cursor.fetchall())
    newest = Suspension.objects.filter(pool_id=membership.pool_id, membership_id=membership.pk)
    suspension = newest.order_by("-pk").first()
    if suspension is not None and (
        suspension.cause != Suspension.Cause.UNPAID or suspension.state == Suspension.State.RESTORED
    ):
        suspension = None
    pause = HardshipPause.objects.filter(membership=membership).order_by("-number").first()
    return Standing(shares, suspension, pause, end_of(membership), today)


@dataclass(frozen=True)
class ArrearsRow:
    """A member with open shares (fen). state: grace, unheard, suspended, over or open.

    since_date: since when the oldest is asked for. until_date: the last day of grace, or of the days to make up.
    pause: the state of the newest pause.
    """

    number: int
    state: str
    shares: int
    open_fen: int
    oldest_no: int
    since_date: dt.date
    until_date: dt.date | None
    paused_days: int
    pause: str | None
    days: int

    @property
    def state_name(self) -> object:
        """Return the state in the reader's language."""
        return STATES[self.state]

    @property
    def look(self) -> str:
        """Return by which state the badge looks: “open” is something good of a pool, and nothing good of a share."""
        return "unpaid" if self.state == "open" else self.state


STATES: dict[str, object] = {
    "grace": _("in grace"),
    "unheard": _("grace over, bank not heard"),
    "suspended": _("suspended"),
    "over": _("membership over"),
    "open": _("not paid, no term runs"),
}

_ROWS = f"""
    SELECT m.number,
           CASE WHEN e.membership_id IS NOT NULL THEN 'over' WHEN s.id IS NOT NULL THEN 'suspended'
                WHEN o.last_date IS NULL THEN 'open' WHEN o.last_date < %(today)s THEN 'unheard'
                ELSE 'grace' END AS state,
           o.shares, o.open_fen, o.oldest_no, o.since_date,
           CASE WHEN e.membership_id IS NOT NULL THEN NULL WHEN s.id IS NOT NULL THEN s.until_date ELSE o.last_date END,
           o.paused_days, h.state, %(today)s - o.since_date
      FROM (SELECT membership_id, count(*)::int AS shares, sum(open_fen)::bigint AS open_fen,
                   min(period_no) AS oldest_no, min(asked_date) AS since_date, min(last_date) AS last_date,
                   max(paused_days) AS paused_days
              FROM ({open_shares_sql("%(pool)s")}) share GROUP BY 1) o
      JOIN members_membership m ON m.id = o.membership_id
      LEFT JOIN members_membershipend e ON e.membership_id = m.id
      LEFT JOIN ledger_suspension s ON s.pool_id = %(pool)s AND s.membership_id = m.id AND s.state = 'suspended'
      LEFT JOIN ledger_hardshippause h ON h.membership_id = m.id AND h.state IN ('asked', 'proposed')"""


def _parameters(pool: Pool) -> dict[str, int | dt.date]:
    return {"pool": pool.pk, "today": clock.today(pool.time_zone)}


def arrears_members(pool: Pool) -> Iterator[ArrearsRow]:
    """Yield every member with open shares, in the order of their numbers."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(f"{_ROWS} ORDER BY m.number", _parameters(pool))
        while rows := cursor.fetchmany(5000):
            yield from (ArrearsRow(*row) for row in rows)


_COLUMNS = "(number, state, shares, fen, oldest, since, until, paused, pause, days)"


def late_members(pool: Pool, state: str = "") -> list[ArrearsRow]:
    """Return the members with open shares of whom something is to come soonest; state: only those."""
    return arrears_of(pool, state)[1]


def arrears_of(pool: Pool, state: str = "") -> tuple[dict[str, tuple[int, int]], list[ArrearsRow]]:
    """Return how many members stand how and what they owe together (fen), by state, and `late_members`.

    One query, and one pass over what is open: in a large pool that is what takes its time.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"""WITH r {_COLUMNS} AS MATERIALIZED ({_ROWS})
                SELECT sums.told, soonest.*
                  FROM (SELECT coalesce(jsonb_object_agg(state, jsonb_build_array(members, fen)), '{{}}')::text AS told
                          FROM (SELECT state, count(*) AS members, sum(fen)::bigint AS fen
                                  FROM r GROUP BY 1) by_state) sums
                  LEFT JOIN LATERAL (SELECT * FROM r WHERE %(state)s IN ('', state)
                                      ORDER BY until NULLS LAST, number LIMIT %(most)s) soonest ON true
                 ORDER BY soonest.until NULLS LAST, soonest.number""",
            _parameters(pool) | {"state": state, "most": MOST_SHOWN},
        )
        found = cursor.fetchall()
    told = json.loads(found[0][0])
    sums = {name: (told[name][0], told[name][1]) if name in told else (0, 0) for name in STATES}
    return sums, [ArrearsRow(*row[1:]) for row in found if row[1] is not None]
