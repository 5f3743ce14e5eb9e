"""Fix what is told of the cases of a period, just before they are announced."""

import datetime as dt
from bisect import bisect_left
from dataclasses import asdict
from itertools import accumulate
from typing import Any

from django.db import connection
from django.db.models import Count, F

from aidplatform.lib import clock
from aidplatform.lib.db import whole_tables
from ledger.openbooks import services as openbooks
from ledger.sharing.face_models import CaseFace
from ledger.sharing.layers import PUBLIC, Members, Told, generalise
from ledger.sharing.models import Award, Period
from members.joining.correction_sql import born_sql, known_before_sql, trait_sql
from members.joining.selectors import SMALLEST_PUBLIC_POOL

# One pass over the headcount, whatever the number of cases; what comes back grows with the months, not the members.
_GROUPS = f"""
    SELECT CASE WHEN band IS NULL THEN '' ELSE band || '-' || band + 9 END, sex, region,
           to_char(make_date(month / 12, month %% 12 + 1, 1), 'YYYY-MM'), members
      FROM (SELECT date_part('year', age(%(day)s::timestamp, ({born_sql("m")})::timestamp))::int / 10 * 10 AS band,
                   {trait_sql("m", "sex")} AS sex, {trait_sql("m", "region")} AS region,
                   (extract(year FROM m.joined_date) * 12 + extract(month FROM m.joined_date) - 1)::int AS month,
                   count(*) AS members
              FROM members_headcount(%(pool)s, %(as_of)s, %(recorded)s, 0, 9223372036854775807) h
              JOIN members_membership m ON m.id = h.membership_id
              {known_before_sql("m", "%(day)s")}
             WHERE m.pool_id = %(pool)s GROUP BY 1, 2, 3, 4) groups"""  # noqa: S608 - fixed names


def fix_faces(period: Period, at: dt.datetime) -> list[CaseFace]:
    """Write what is told of each case of a frozen period that was never announced before, and state it in the log.

    A case that is announced again, or that an appeal brings back, is told as it was: two ways of telling the same
    person could be held against each other.
    """
    before = CaseFace.objects.filter(pool=period.pool).values("claim_code")
    announced = period.awards.filter(state=Award.State.ANNOUNCED, rest_of=None)
    told = {award.claim_code: award for award in announced.exclude(claim_code__in=before).order_by("code")}
    if not told:
        return []
    members, helped = members_of(period), _Helped(period)
    is_public = (period.headcount or 0) >= SMALLEST_PUBLIC_POOL
    faces = []
    for code, award in told.items():
        shown = generalise(Told.of(award.masked), members)
        faces.append(
            CaseFace(
                pool=period.pool,
                claim_code=code,
                period=period,
                helped=helped.since(shown.joined),
                is_public=is_public,
                **asdict(shown),
            )
        )
    with whole_tables():
        CaseFace.objects.bulk_create(faces)
    for award, face in zip(told.values(), faces, strict=True):
        _log(award, face, at)
    return faces


def members_of(period: Period) -> Members:
    """Return the people of a period's headcount, counted by what is known of them. One look at them."""
    assert period.as_of is not None
    day = clock.day_of(period.as_of, period.pool.time_zone)
    with whole_tables(), connection.cursor() as cursor:
        cursor.execute(
            _GROUPS,
            {
                "pool": period.pool_id,
                "as_of": period.as_of,
                "recorded": period.headcount_recorded_at,
                "day": day,
            },
        )
        return Members(((age, sex, region, joined), count) for age, sex, region, joined, count in cursor)


class _Helped:
    """How many people a pool has helped since a day: cases of posted periods, by their publicity date."""

    def __init__(self, period: Period) -> None:
        rows = (
            Award.objects.filter(pool=period.pool, state=Award.State.SHARED, rest_of=None)
            .exclude(lowered_fen__gt=0, lowered_fen=F("shared_fen"))
            .values("period__publicity_date")
            .annotate(cases=Count("pk"))
            .order_by("period__publicity_date")
        )
        self._days: list[str] = [row["period__publicity_date"].isoformat() for row in rows]
        self._before: list[int] = [0, *accumulate(row["cases"] for row in rows)]

    def since(self, joined: str) -> int:
        """Return the cases since the first day of a month, quarter or year; of none: all."""
        place = bisect_left(self._days, _first_day(joined)) if joined else 0
        return self._before[-1] - self._before[place]


def _first_day(span: str) -> str:
    year, _dash, part = span.partition("-")
    month = int(part[1:]) * 3 - 2 if part.startswith("Q") else int(part or 1)
    return f"{year}-{month:02d}-01"


def _log(award: Award, face: CaseFace, at: dt.datetime) -> None:
    """State what everyone is told of a case; of a very small pool only that there is one."""
    body: dict[str, Any] = {"case": award.code, "step": face.step, "members": face.members}
    if face.is_public:
        body |= face.told_to(PUBLIC)
    openbooks.append(
        code=award.pool.code,
        entry_type="case.face",
        key=award.code,
        body=body,
        at=at,
    )
