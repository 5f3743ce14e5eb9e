"""When quiet hours end, on ordinary days and on those on which clocks change."""

import datetime as dt

import pytest

from members.people.quiet import quiet_ends_at

BERLIN, SHANGHAI = "Europe/Berlin", "Asia/Shanghai"


# Instants are UTC, written as day and time; none: mail may come.
@pytest.mark.parametrize(
    ("zone", "hours", "at", "end"),
    [
        (SHANGHAI, (22, 7), "2026-01-10 14:00", "2026-01-10 23:00"),  # 22:00, until 7:00 of the next day
        (SHANGHAI, (22, 7), "2026-01-10 22:59", "2026-01-10 23:00"),  # 6:59
        (SHANGHAI, (22, 7), "2026-01-10 23:00", None),  # 7:00
        (SHANGHAI, (22, 7), "2026-01-10 13:59", None),  # 21:59
        (SHANGHAI, (12, 14), "2026-01-10 04:30", "2026-01-10 06:00"),
        (SHANGHAI, (12, 14), "2026-01-10 06:00", None),
        (SHANGHAI, (20, 0), "2026-01-10 15:59", "2026-01-10 16:00"),  # until midnight
        # Spring: at 1:00 UTC it becomes 3:00 of summer time; 7:00 comes an hour sooner.
        (BERLIN, (22, 7), "2026-03-28 21:00", "2026-03-29 05:00"),
        (BERLIN, (22, 7), "2026-03-27 21:00", "2026-03-28 06:00"),
        (BERLIN, (22, 2), "2026-03-29 00:30", "2026-03-29 01:00"),  # 2:00 is skipped: the change ends them
        (BERLIN, (22, 2), "2026-03-29 01:00", None),
        (BERLIN, (1, 3), "2026-03-29 00:59", "2026-03-29 01:00"),
        # Autumn: at 1:00 UTC it is 2:00 for the second time; 7:00 comes an hour later.
        (BERLIN, (22, 7), "2026-10-24 20:00", "2026-10-25 06:00"),
        (BERLIN, (22, 3), "2026-10-25 00:30", "2026-10-25 02:00"),  # the first 2:30
        (BERLIN, (22, 3), "2026-10-25 01:30", "2026-10-25 02:00"),  # the second
        (BERLIN, (22, 2), "2026-10-24 23:30", "2026-10-25 00:00"),  # the first 2:00 ends them
        (BERLIN, (22, 2), "2026-10-25 01:30", None),
    ],
)
def test_quiet_hours_end_on_the_clock_of_the_zone(
    zone: str, hours: tuple[int, int], at: str, end: str | None
) -> None:
    instant = dt.datetime.fromisoformat(f"{at}+00:00")
    assert quiet_ends_at(instant, zone, *hours) == (
        dt.datetime.fromisoformat(f"{end}+00:00") if end else None
    )
