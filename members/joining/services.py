"""Writes of memberships: admit people, end their cover, fix a headcount."""

import datetime as dt
from collections.abc import Collection, Sequence

from django.db import connection, transaction

from aidplatform.lib import clock
from aidplatform.work import audit
from members.joining.documents import NO_TRAITS, Traits
from members.joining.end_models import MembershipEnd
from members.joining.models import AwaitedCover, Membership, MembershipSpan
from members.joining.payer_news import tell_of_end
from members.joining.told import told_of
from members.people import notices
from members.people.models import User
from members.pools.models import Pool


def admit_member(
    *,
    pool: Pool,
    person: User | None,
    class_no: int,
    from_at: dt.datetime,
    joined_date: dt.date,
    actor: str,
    birth_date: dt.date | None = None,
    traits: Traits = NO_TRAITS,
    waiting_since_date: dt.date | None = None,
    pays_until: dt.date | None = None,
    follows: Membership | None = None,
) -> Membership:
    """Admit one person, covered from that instant; person: None where a guardian signs for a child.

    class_no: theirs unless ages decide; by the birth date they are in the class of the day on which cover begins.
    waiting_since_date: since when they have waited in a pool that moved in, by an approved import.
    pays_until: where members pay ahead, the last day for the first payment; nothing counts before it has come.
    follows: their earlier membership, which is over, where they join again.

    Raises: IntegrityError membership_follows_one_that_is_over, removed_stay_out, earlier_shares_come_first.
    """
    with transaction.atomic():
        Pool.objects.select_for_update().get(pk=pool.pk)
        last = pool.memberships.order_by("-number").values_list("number", flat=True).first() or 0
        membership = Membership.objects.create(
            pool=pool,
            number=last + 1,
            person=person,
            joined_date=joined_date,
            waiting_since_date=waiting_since_date,
            birth_date=birth_date,
            sex=traits.sex,
            region=traits.region,
            follows=follows,
        )
        if pays_until is None:
            _cover(pool, membership.pk, membership.pk, class_no, from_at)
        else:
            AwaitedCover.objects.create(membership=membership, class_no=class_no, until_date=pays_until)
        audit.record(actor=actor, action="admit_member", subject=str(membership))
    return membership


def admit_group(
    *,
    pool: Pool,
    count: int,
    class_no: int,
    from_at: dt.datetime,
    joined_date: dt.date,
    actor: str,
    known: Sequence[tuple[dt.date | None, Traits]] = ((None, NO_TRAITS),),
) -> int:
    """Admit `count` memberships without accounts at once, set-based; return the last number given.

    For pools that move in with a member list, and for demonstrations. known: birth dates and traits, which the members
    have in turn.
    """
    with transaction.atomic():
        Pool.objects.select_for_update().get(pk=pool.pk)
        last = pool.memberships.order_by("-number").values_list("number", flat=True).first() or 0
        with connection.cursor() as cursor:
            cursor.execute(
                """WITH admitted AS (
                       INSERT INTO members_membership (pool_id, number, joined_date, birth_date, sex, region)
                       SELECT %s, %s + n, %s, k.born, k.sex, k.region
                         FROM generate_series(1, %s) n
                         JOIN unnest(%s::date[], %s::text[], %s::text[]) WITH ORDINALITY AS k (born, sex, region, place)
                           ON k.place = 1 + n %% %s RETURNING id)
                   SELECT min(id), max(id) FROM admitted""",
                [
                    pool.pk,
                    last,
                    joined_date,
                    count,
                    [born for born, _traits in known],
                    [traits.sex for _born, traits in known],
                    [traits.region for _born, traits in known],
                    len(known),
                ],
            )
            first_id, last_id = cursor.fetchone()
        _cover(pool, first_id, last_id, class_no, from_at)
        audit.record(actor=actor, action="admit_group", subject=pool.code, count=count)
    return int(last + count)


def _cover(pool: Pool, first_id: int, last_id: int, class_no: int, from_at: dt.datetime) -> None:
    """Open a span for each new membership of the pool in the id range."""
    with connection.cursor() as cursor:
        # recorded_at is overwritten by the guard span_recording_is_real
        cursor.execute(
            """INSERT INTO members_span (pool_id, membership_id, class_no, from_at, recorded_at)
               SELECT pool_id, id, coalesce(members_class_at(pool_id, birth_date, %s), %s), %s, clock_timestamp()
                 FROM members_membership WHERE pool_id = %s AND id BETWEEN %s AND %s""",
            [clock.day_of(from_at, pool.time_zone), class_no, from_at, pool.pk, first_id, last_id],
        )


def cover_members(*, pool: Pool, rows: Sequence[tuple[int, int]], from_at: dt.datetime) -> None:
    """Cover memberships from that instant on; rows: membership, and class unless ages decide; the pool is locked."""
    if not rows:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO members_span (pool_id, membership_id, class_no, from_at, recorded_at)
               SELECT m.pool_id, m.id, coalesce(members_class_at(m.pool_id, m.birth_date, %s), r.class_no), %s,
                      clock_timestamp()
                 FROM unnest(%s::bigint[], %s::smallint[]) AS r (membership_id, class_no)
                 JOIN members_membership m ON m.id = r.membership_id AND m.pool_id = %s""",
            [
                clock.day_of(from_at, pool.time_zone),
                from_at,
                [row[0] for row in rows],
                [row[1] for row in rows],
                pool.pk,
            ],
        )


def end_covers(*, pool: Pool, membership_ids: Sequence[int], at: dt.datetime) -> None:
    """End the open spans of memberships that may go on later. The caller has locked the pool, and says why."""
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE members_span SET to_at = %s
                WHERE pool_id = %s AND membership_id = ANY(%s) AND to_at IS NULL""",
            [at, pool.pk, list(membership_ids)],
        )


def end_cover(
    *,
    membership: Membership,
    at: dt.datetime,
    reason: str,
    actor: str,
    reference: str = "",
    asked: Collection[int] = (),
) -> MembershipEnd:
    """End a membership for good at that instant, and say why; its earlier charges stand.

    A span that would have begun later ends where it begins. For whom the member paid, and who paid for them, are
    told. reference: what shows the reason. asked: the ids of the memberships of adults whom the member
    asks to leave as well.

    Raises: IntegrityError when it has ended before, members_leave_themselves, leaving_ends_with_the_day.
    """
    zone = membership.pool.time_zone
    day = clock.day_of(at, zone)
    with transaction.atomic():
        ended = MembershipEnd.objects.create(
            membership=membership,
            reason=reason,
            end_date=day if at == clock.start_of_day(day, zone) else day + dt.timedelta(days=1),
            reference=reference,
            recorded_by=actor,
            recorded_at=clock.now(),
        )
        with connection.cursor() as cursor:
            cursor.execute(
                """UPDATE members_span SET to_at = greatest(%s, from_at)
                    WHERE pool_id = %s AND membership_id = %s AND to_at IS NULL""",
                [at, membership.pool_id, membership.pk],
            )
        tell_of_end(ended=membership, end_date=ended.end_date, actor=actor, asked=asked)
        audit.record(
            actor=actor, action="end_cover", subject=str(membership), reason=reason, reference=reference
        )
    return ended


def end_cover_after_aid(
    *, membership: Membership, case: str, period: int, until: dt.date, was_suspended: bool, actor: str
) -> bool:
    """End the membership of who was granted aid at the start of that day, and tell of it; ended already: nothing.

    was_suspended: it was without cover and could have gone on, so that there is no cover to end and yet news.
    Returns whether it was ended now. The caller's transaction has locked the pool.
    """
    pool = membership.pool
    at = clock.start_of_day(until, pool.time_zone)
    spans = MembershipSpan.objects.filter(pool_id=pool.pk, membership_id=membership.pk)
    is_covered = spans.filter(to_at=None, from_at__lte=at).exists()
    if not (is_covered or was_suspended):
        return False
    end_cover(membership=membership, at=at, reason=MembershipEnd.Reason.AIDED, actor=actor, reference=case)
    params = {
        "pool_en": pool.name_en,
        "pool_zh": pool.name_zh,
        "case": case,
        "number": period,
        "until": until.isoformat(),
    }
    news = [one.news(notices.ENDED, str(membership), params, pool=pool.code) for one in told_of(membership)]
    notices.tell(news, batch=f"ended/{membership}", actor=actor)
    return True
