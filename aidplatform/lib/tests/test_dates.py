"""Dates as readers of either language write them."""

import datetime as dt

import pytest
from django.utils.translation import override

from aidplatform.lib.dates import format_day, format_instant, spoken_day
from aidplatform.lib.templating import day_html, instant_html

DAY = dt.date(2026, 2, 3)
AT = dt.datetime(2026, 12, 31, 16, 5, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("language", "day", "instant"),
    [("en", "3 Feb 2026", "1 Jan 2027, 00:05"), ("zh-hans", "2026年2月3日", "2027年1月1日 00:05")],
)
def test_day_and_instant_are_written_as_the_language_does(language: str, day: str, instant: str) -> None:
    with override(language):
        assert format_day(DAY) == spoken_day("2026-02-03") == day
        assert format_instant(AT, "Asia/Shanghai") == instant
        assert day_html(DAY) == f'<time class="nowrap" datetime="2026-02-03">{day}</time>'
        assert (
            instant_html(AT, "Asia/Shanghai")
            == f'<time class="nowrap" datetime="2026-12-31T16:05:00Z">{instant}</time>'
        )


@pytest.mark.parametrize("value", ["2026-02", "CL-2026-02-03", "2026-02-03 10:00", 7, None])
def test_what_is_no_date_is_said_as_it_is(value: object) -> None:
    assert spoken_day(value) == value
