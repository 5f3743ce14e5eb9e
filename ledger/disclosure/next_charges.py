"""When memberships are charged next and what is known of how much: of many at once, in a fixed number of queries."""

import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from django.db import connection

from aidplatform.lib import clock
from ledger.sharing.models import Period
from members.ending.models import PoolEnding
from members.ending.selectors import was_covered
from members.joining.models import Membership, MembershipSpan
from members.pools.models import PlanVersion
from members.pools.plan_terms import PlanTerms

#: A pool has this many periods at most that are open or not charged yet: two a month, each charged before the next
#: but one begins.
_LATEST = 4


@dataclass(frozen=True)
class NextDates:
    """The next days of a pool's calendar that matter to a member.

    charge_date: of the first period that counts the membership, or will by its cover as it is known today, if any.
    share_fen: what that charges, at most unless is_exact; None while its cases are not public.
    """

    publicity_date: dt.date
    charge_date: dt.date | None
    share_fen: int | None = None
    is_exact: bool = False


@dataclass(frozen=True)
class _Counted:
    """A period whose headcount has found a membership: when it charges what (fen)."""

    charge_date: dt.date
    share_fen: int | None
    is_exact: bool


@dataclass(frozen=True)
class _Known:
    """What is known of the memberships, each part by its pool or membership."""

    periods: dict[int, list[Period]]
    spans: dict[int, list[MembershipSpan]]
    endings: dict[int, PoolEnding]
    counted: dict[int, list[_Counted]]


def next_dates(
    membership: Membership, rules: PlanTerms | None, today: dt.date, ending: PoolEnding | None
) -> NextDates | None:
    """Return the next publicity day, by the calendar of the rules in force, and charge day; None without rules.

    Periods that are open say for themselves when they are charged: later than planned after a late announcement. One
    whose headcount did not find the membership charges it nothing, so that its charge day is no day of theirs.
    ending: the notice that stands of the pool.
    """
    pool_id = membership.pool_id
    endings = [ending] if ending is not None else []
    return _dates_of([membership], {pool_id: rules}, {pool_id: today}, endings).get(membership.pk)


def next_dates_of(memberships: Collection[Membership], now: dt.datetime) -> dict[int, NextDates]:
    """Return it by membership, without those whose pool has no rules yet. Five queries, however many there are."""
    days = {one.pool_id: clock.day_of(now, one.pool.time_zone) for one in memberships}
    rules: dict[int, PlanTerms | None] = dict.fromkeys(days)
    versions = PlanVersion.objects.filter(pool__in=days).only("pool", "effective_date", "terms")
    for version in versions.order_by("effective_date"):
        if version.effective_date <= days[version.pool_id]:
            rules[version.pool_id] = version.plan()
    return _dates_of(memberships, rules, days, PoolEnding.objects.filter(pool__in=days, cancelled_at=None))


def _dates_of(
    memberships: Collection[Membership],
    rules: Mapping[int, PlanTerms | None],
    days: Mapping[int, dt.date],
    endings: Iterable[PoolEnding],
) -> dict[int, NextDates]:
    ruled = {one: plan for one in memberships if (plan := rules[one.pool_id]) is not None}
    known = _known_of(ruled, min(days.values()), endings) if ruled else None
    if known is None:
        return {}
    return {one.pk: _dates(one, plan, days[one.pool_id], known) for one, plan in ruled.items()}


def _dates(membership: Membership, rules: PlanTerms, today: dt.date, known: _Known) -> NextDates:
    calendar = rules.calendar
    # A charge day can lie in the month after its period, so the period before may still be ahead.
    coming = [calendar.period_dates(today, later) for later in (-1, 0, 1, 2)]
    opened = known.periods.get(membership.pool_id, [])
    opens_date = opened[0].next_opening_date if opened else dt.date.min
    uncounted = [(d.publicity_date, d.charge_date) for d in coming if d.opening_date >= opens_date]
    uncounted += [(d.publicity_date, d.charge_date) for d in opened if d.state == Period.State.OPENED]
    found = [
        _Counted(charge_date, None, is_exact=False)
        for publicity_date, charge_date in uncounted
        if _will_count(membership, publicity_date, known)
    ]
    ahead = [one for one in (*known.counted.get(membership.pk, []), *found) if one.charge_date >= today]
    first = min(ahead, key=lambda one: one.charge_date, default=_Counted(dt.date.max, None, is_exact=False))
    return NextDates(
        publicity_date=min(d.publicity_date for d in coming if d.publicity_date >= today),
        charge_date=first.charge_date if ahead else None,
        share_fen=first.share_fen,
        is_exact=first.is_exact,
    )


def _will_count(membership: Membership, publicity_date: dt.date, known: _Known) -> bool:
    """Tell whether a headcount as of that day finds the membership; that of a pool that ends is as of its notice."""
    spans = known.spans.get(membership.pk, [])
    ending = known.endings.get(membership.pool_id)
    if ending is not None:
        return was_covered(spans, as_of=ending.as_of, recorded_at=ending.recorded_at)
    as_of = clock.start_of_day(publicity_date, membership.pool.time_zone)
    return any(span.from_at <= as_of and (span.to_at is None or span.to_at > as_of) for span in spans)


def _known_of(memberships: Collection[Membership], since: dt.date, endings: Iterable[PoolEnding]) -> _Known:
    """Read it. since: what was charged before that day is of no interest. Three queries."""
    pools = {one.pool_id for one in memberships}
    known = _Known({}, {}, {one.pool_id: one for one in endings}, _counted(memberships, since))
    latest = Period.objects.raw(
        """SELECT p.id, p.pool_id, p.number, p.state, p.publicity_date, p.charge_date, p.next_opening_date
             FROM unnest(%s::bigint[]) u (pool)
            CROSS JOIN LATERAL (SELECT * FROM ledger_period d WHERE d.pool_id = u.pool
                                 ORDER BY d.number DESC LIMIT %s) p
            ORDER BY p.pool_id, p.number DESC""",
        [list(pools), _LATEST],
    )
    for period in latest:
        known.periods.setdefault(period.pool_id, []).append(period)
    ids = [one.pk for one in memberships]
    for span in MembershipSpan.objects.filter(pool_id__in=pools, membership_id__in=ids):
        known.spans.setdefault(span.membership_id, []).append(span)
    return known


def _counted(memberships: Collection[Membership], since: dt.date) -> dict[int, list[_Counted]]:
    """Return the periods that have counted these memberships and are not charged before that day. One query."""
    found: dict[int, list[_Counted]] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT u.member, p.charge_date, f.share_fen, p.state IN ('approved', 'posting', 'posted')
                 FROM unnest(%(pools)s::bigint[], %(members)s::bigint[]) u (pool, member)
                CROSS JOIN LATERAL (
                     SELECT m.period_id, m.share_fen FROM most_charged(u.pool, u.member) m
                     UNION ALL
                     SELECT d.id, c.share_fen FROM ledger_period d
                      CROSS JOIN LATERAL charges_of_membership(u.pool, u.member, d.number + 1, 1) c
                      WHERE d.pool_id = u.pool AND d.state = 'posted' AND d.charge_date >= %(since)s
                        AND c.period_no = d.number) f
                 JOIN ledger_period p ON p.id = f.period_id
                ORDER BY u.member, p.number""",
            {
                "pools": [one.pool_id for one in memberships],
                "members": [one.pk for one in memberships],
                "since": since,
            },
        )
        for member, *row in cursor.fetchall():
            found.setdefault(member, []).append(_Counted(*row))
    return found
