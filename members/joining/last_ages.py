"""Who reaches the last age of a pool in the next months, and who of them has signed to go on elsewhere."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from members.joining.eligibility import age_window, birthday
from members.joining.models import Membership
from members.joining.transfer_models import AgeTransfer
from members.joining.transfer_offers import rules_on
from members.pools.models import Pool

# So far ahead whoever runs a pool sees who leaves it by age, so many at a time.
AHEAD = dt.timedelta(days=365)
PAGE = 100


@dataclass(frozen=True)
class Leaver:
    """A membership that ends by age, by its number. last_date: its first day without cover.

    has_account: whether somebody of their own can sign. signed_at: when they have signed to go on; None: not yet.
    """

    number: int
    last_date: dt.date
    has_account: bool
    signed_at: dt.datetime | None

    @property
    def position(self) -> str:
        """Return where a list goes on behind this row."""
        return f"{self.last_date}.{self.number}"


def last_age(pool: Pool, today: dt.date) -> int | None:
    """Return the age at which the rules of today end; None before there are any."""
    version = rules_on(pool, today)
    return None if version is None else age_window(version.plan()).before


def leavers(pool: Pool, today: dt.date, *, after: str = "", limit: int | None = PAGE + 1) -> Iterator[Leaver]:
    """Yield who reaches the last age within AHEAD, the next one first. Three queries, however many there are.

    after: the position of the last row of the page before; what is none begins anew.
    """
    age = last_age(pool, today)
    if age is None:
        return
    behind = _position(after)
    # One day wider on both sides, for birthdays on 29 February; the day itself decides.
    born = (_years_before(today, age), _years_before(today + AHEAD + dt.timedelta(days=2), age))
    found = Membership.objects.filter(pool=pool, end=None, birth_date__range=born)
    signed = AgeTransfer.objects.filter(membership__pool=pool, state=AgeTransfer.State.SIGNED)
    signed_at = dict(signed.values_list("membership_id", "signed_at"))
    dated = sorted(
        (birthday(birth_date, age), number, pk, person)
        for pk, number, birth_date, person in found.values_list("pk", "number", "birth_date", "person_id")
        if birth_date is not None
    )
    listed = (
        Leaver(number, day, person is not None, signed_at.get(pk))
        for day, number, pk, person in dated
        if today < day <= today + AHEAD and (behind is None or (day, number) > behind)
    )
    yield from islice(listed, limit)


def _years_before(day: dt.date, years: int) -> dt.date:
    """Return a day so many years before; where there is no such day, the one before it."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)


def _position(text: str) -> tuple[dt.date, int] | None:
    """Return the day and number that a position names."""
    day, _dot, number = text.partition(".")
    try:
        return dt.date.fromisoformat(day), int(number[:18])
    except ValueError:
        return None
