"""Reads of wallets: what a member has, where it came from and went, and what becomes of the membership."""

import datetime as dt
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from django.db import connection
from django.utils.translation import gettext_lazy as _

from aidplatform.lib import clock
from aidplatform.lib.errors import NotFoundError
from ledger.books import chart
from ledger.books.models import Book
from ledger.books.selectors import balance_fen as booked_fen
from ledger.custody.wallet_models import Suspension, WalletEntry
from ledger.sharing.selectors import NO_PERIOD
from members.joining.end_models import MembershipEnd
from members.joining.models import AwaitedCover, Membership, MembershipSpan
from members.joining.selectors import end_of
from members.joining.transfer_triggers import rules_on_sql
from members.pools.models import Pool
from members.pools.plan_terms import FundingTerms
from members.pools.selectors import funding_in_force

MOST_SHOWN = 200
# A period that is frozen and not announced yet reserves all there is: nothing is known of its share.
_UNKNOWN_FEN = 2**53 - 1


@dataclass(frozen=True)
class Movement:
    """A line of a wallet: what came or went (fen), and what was in it afterwards.

    kind: of the entry, or `share`. period_no: of a share. gap_fen: what the wallet lacked of it.
    """

    at: dt.datetime
    kind: str
    amount_fen: int
    balance_fen: int
    period_no: int | None = None
    gap_fen: int = 0

    @property
    def name(self) -> object:
        """Return what happened, in the reader's language."""
        if self.kind == "share":
            return _("share of period %(number)s") % {"number": self.period_no}
        return WalletEntry.Kind(self.kind).label


@dataclass(frozen=True)
class Wallet:
    """A member's wallet: what is in it, its lines, newest first, and what has become of the membership.

    next_fen: what the next charge takes: announced, or else as much as the last one; None before there was one.
    awaited_until: the last day for the first payment. standing: the newest suspension that is not over. end: why the
    membership is over for good.
    """

    funding: FundingTerms
    balance_fen: int
    movements: tuple[Movement, ...]
    next_fen: int | None
    is_next_announced: bool
    awaited_until: dt.date | None
    standing: Suspension | None
    end: MembershipEnd | None
    today: dt.date

    @property
    def is_low(self) -> bool:
        """Tell whether it is below the warning level, or does not cover the next charge."""
        return self.balance_fen < max(self.funding.warn_below_fen, self.next_fen or 0)

    @property
    def has_lapsed(self) -> bool:
        """Tell whether no payment makes the membership count any more."""
        if self.end is not None:
            return True
        if self.standing is not None:
            return self.standing.state != Suspension.State.SUSPENDED
        return self.awaited_until is not None and self.awaited_until < self.today

    @property
    def asked_fen(self) -> int:
        """Return what to transfer at least: to begin, to go on, or to stay above warning level and next charge."""
        if self.awaited_until is not None:
            level = self.funding.join_fen
        elif self.standing is not None:
            level = self.funding.restores_from_fen
        else:
            level = max(self.funding.warn_below_fen, self.next_fen or 0)
        return max(0, level - self.balance_fen)


@dataclass(frozen=True)
class WalletRow:
    """One wallet in the treasurer's list (fen). state: covered, awaited, suspended, lapsed or ended."""

    number: int
    membership_id: int
    balance_fen: int
    state: str
    until_date: dt.date | None

    @property
    def state_name(self) -> object:
        """Return the state in the reader's language."""
        return _STATES[self.state]


_STATES: dict[str, object] = {
    "covered": _("covered"),
    "awaited": _("first payment awaited"),
    "suspended": _("suspended"),
    "lapsed": _("lapsed"),
    "ended": _("ended"),
}


@dataclass(frozen=True)
class Wallets:
    """All wallets of a pool: how many, their sum and what the control account says (fen), and how many are low."""

    members: int
    held_fen: int
    booked_fen: int
    low: int
    suspended: int

    @property
    def agrees(self) -> bool:
        """Tell whether wallets and books say the same."""
        return self.held_fen == self.booked_fen


def balance_fen(*, pool: Pool, membership_id: int) -> int:
    """Return what is in a member's wallet (fen)."""
    return _figure("SELECT wallet_balance(%s, %s)", pool.pk, membership_id)


def free_fen(*, pool: Pool, membership_id: int) -> int:
    """Return what of a wallet can be paid back now: what no period that is under way may take (fen)."""
    reserved = _figure("SELECT wallet_reserved(%s, %s)", pool.pk, membership_id)
    return max(0, balance_fen(pool=pool, membership_id=membership_id) - reserved)


def _figure(sql: str, *parameters: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, list(parameters))
        fen: int = cursor.fetchone()[0]
    return fen


def wallet_of(membership: Membership, today: dt.date) -> Wallet | None:
    """Return a member's wallet; None where members pay afterwards. A fixed number of queries."""
    pool = membership.pool
    funding = funding_in_force(pool, today)
    if funding is None:
        return None
    movements = _movements(membership)
    reserved = _figure("SELECT wallet_reserved(%s, %s)", pool.pk, membership.pk)
    is_announced = 0 < reserved < _UNKNOWN_FEN
    last_share = next((-one.amount_fen + one.gap_fen for one in movements if one.kind == "share"), None)
    awaited = AwaitedCover.objects.filter(membership=membership).first()
    has_begun = MembershipSpan.objects.filter(pool_id=pool.pk, membership_id=membership.pk).exists()
    newest = (
        Suspension.objects.filter(pool_id=pool.pk, membership_id=membership.pk).order_by("-period_no").first()
    )
    return Wallet(
        funding=funding,
        balance_fen=movements[0].balance_fen if movements else 0,
        movements=tuple(movements[:MOST_SHOWN]),
        next_fen=reserved if is_announced else last_share,
        is_next_announced=is_announced,
        awaited_until=awaited.until_date if awaited and not has_begun else None,
        standing=newest if newest and newest.state != Suspension.State.RESTORED else None,
        end=end_of(membership),
        today=today,
    )


_MOVEMENTS = """
    SELECT e.at, e.kind, e.amount_fen, NULL::int, 0, e.id FROM ledger_walletentry e
     WHERE e.pool_id = %(pool)s AND e.membership_id = %(member)s AND e.kind <> 'gap'
     UNION ALL
    SELECT p.posted_at, 'share', coalesce(g.amount_fen, 0) - c.share_fen, c.period_no, coalesce(g.amount_fen, 0), 0
      FROM charges_of_membership(%(pool)s, %(member)s, %(all)s, %(all)s) c
      JOIN ledger_period p ON p.pool_id = %(pool)s AND p.number = c.period_no
      LEFT JOIN ledger_walletentry g ON g.pool_id = %(pool)s AND g.membership_id = %(member)s
                                    AND g.kind = 'gap' AND g.period_no = c.period_no
     ORDER BY 1, 6"""


def _movements(membership: Membership) -> list[Movement]:
    """Return the lines of a wallet, newest first, each with what was in it afterwards."""
    with connection.cursor() as cursor:
        cursor.execute(_MOVEMENTS, {"pool": membership.pool_id, "member": membership.pk, "all": NO_PERIOD})
        rows = cursor.fetchall()
    lines: list[Movement] = []
    balance = 0
    for at, kind, fen, period_no, gap, _id in rows:
        balance += fen
        lines.append(Movement(at, kind, fen, balance, period_no, gap))
    return lines[::-1]


_FUNDING_TODAY = rules_on_sql("u.pool", "(aid_now() AT TIME ZONE p.time_zone)::date", "v.terms->'funding'")


def low_wallets(memberships: Collection[Membership]) -> list[tuple[Membership, int]]:
    """Return which of these members' wallets are below the warning level of the rules of the day, with what is in them.

    One query, of none that is paid afterwards.
    """
    if not memberships:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT u.id, b.fen FROM unnest(%(pools)s::bigint[], %(members)s::bigint[]) u (pool, id)
                 JOIN members_pool p ON p.id = u.pool AND p.state = 'open'
                CROSS JOIN LATERAL (SELECT {_FUNDING_TODAY} AS funding) f
                CROSS JOIN LATERAL (SELECT wallet_balance(u.pool, u.id)::bigint AS fen) b
                WHERE f.funding IS NOT NULL AND b.fen < (f.funding->>'warn_below_fen')::bigint""",
            {"pools": [one.pool_id for one in memberships], "members": [one.pk for one in memberships]},
        )
        low: dict[int, int] = dict(cursor.fetchall())
    return [(one, low[one.pk]) for one in memberships if one.pk in low]


_ROWS = """
    SELECT m.number, m.id, coalesce(e.fen, 0) - coalesce(c.fen, 0),
           CASE WHEN s.state IN ('suspended', 'lapsed', 'ended') THEN s.state WHEN span.is_covered THEN 'covered'
                WHEN span.is_covered IS NULL AND a.membership_id IS NOT NULL
                  AND x.membership_id IS NULL THEN CASE WHEN a.until_date < %(today)s THEN 'lapsed' ELSE 'awaited' END
                ELSE 'ended' END,
           CASE WHEN s.state IN ('suspended', 'lapsed') THEN s.until_date
                WHEN span.is_covered IS NULL THEN a.until_date END
      FROM members_membership m
      LEFT JOIN (SELECT membership_id, sum(amount_fen)::bigint AS fen FROM ledger_walletentry
                  WHERE pool_id = %(pool)s GROUP BY 1) e ON e.membership_id = m.id
      LEFT JOIN (SELECT membership_id, sum(share_fen)::bigint AS fen FROM ledger_charge
                  WHERE pool_id = %(pool)s GROUP BY 1) c ON c.membership_id = m.id
      LEFT JOIN (SELECT membership_id, bool_or(to_at IS NULL OR to_at > %(now)s) AS is_covered FROM members_span
                  WHERE pool_id = %(pool)s GROUP BY 1) span ON span.membership_id = m.id
      LEFT JOIN (SELECT DISTINCT ON (membership_id) membership_id, state, until_date FROM ledger_suspension
                  WHERE pool_id = %(pool)s ORDER BY membership_id, period_no DESC) s ON s.membership_id = m.id
      LEFT JOIN members_awaitedcover a ON a.membership_id = m.id
      LEFT JOIN members_membershipend x ON x.membership_id = m.id
     WHERE m.pool_id = %(pool)s"""
# Below the warning level, or out of cover with money to be paid back.
_CONCERNING = f"""
    SELECT * FROM ({_ROWS}) w (number, id, fen, state, until_date)
     WHERE state = 'suspended' OR state = 'covered' AND fen < %(level)s OR state IN ('lapsed', 'ended') AND fen > 0
     ORDER BY state DESC, fen, number LIMIT %(most)s"""


def _parameters(pool: Pool) -> dict[str, int | dt.datetime | dt.date]:
    return {"pool": pool.pk, "now": clock.now(), "today": clock.today(pool.time_zone)}


def wallet_rows(pool: Pool) -> Iterator[WalletRow]:
    """Yield every wallet of the pool in the order of the members' numbers."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(f"{_ROWS} ORDER BY m.number", _parameters(pool))
        while rows := cursor.fetchmany(5000):
            yield from (WalletRow(*row) for row in rows)


def concerning_wallets(pool: Pool, funding: FundingTerms) -> list[WalletRow]:
    """Return the wallets somebody should look at: low, suspended, and what is to be paid back."""
    with connection.cursor() as cursor:
        parameters = _parameters(pool) | {"level": funding.warn_below_fen, "most": MOST_SHOWN}
        cursor.execute(_CONCERNING, parameters)
        return [WalletRow(*row) for row in cursor.fetchall()]


def wallets_to_pay_back(pool: Pool) -> int:
    """Return how many memberships are over for good with money in the wallet that no period under way may take."""
    return _figure(
        """SELECT count(*) FROM members_membershipend e JOIN members_membership m ON m.id = e.membership_id
            WHERE m.pool_id = %s AND wallet_balance(m.pool_id, m.id) > wallet_reserved(m.pool_id, m.id)""",
        pool.pk,
    )


def wallets_of(pool: Pool, funding: FundingTerms) -> Wallets:
    """Return the sums of a pool's wallets beside the control account."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT count(*), coalesce(sum(fen), 0)::bigint,
                       count(*) FILTER (WHERE state = 'covered' AND fen < %(level)s),
                       count(*) FILTER (WHERE state = 'suspended')
                  FROM ({_ROWS}) w (number, id, fen, state, until_date)""",
            _parameters(pool) | {"level": funding.warn_below_fen},
        )
        members, held, low, suspended = cursor.fetchone()
    booked = booked_fen(Book.objects.get(code=pool.code), chart.PREPAID)
    return Wallets(members, held, booked, low, suspended)


def access_wallet(*, pool: Pool, number: int) -> Membership:
    """Return the membership whose wallet is asked for. Raises: NotFoundError."""
    membership = Membership.objects.filter(pool=pool, number=number).select_related("pool", "end").first()
    if membership is None or funding_in_force(pool, clock.today(pool.time_zone)) is None:
        raise NotFoundError(_("This pool has no such wallet."))
    return membership
