"""Filters that every template has: figures in the habit of the language."""

import pytest
from django.utils.translation import override

from aidplatform.lib.templating import listed_words
from aidplatform.work.templatetags.aid import percent, short_fen, time_left


@pytest.mark.parametrize(
    ("language", "amount", "text"),
    [
        ("en", 1, "0.01"),
        ("en", 1_250, "12.50"),
        ("en", 8_000, "80"),
        ("en", 120_000, "1,200"),
        ("en", 1_000_000, "10 k"),
        ("zh-hans", 1_000_000, "1万"),
        ("zh-hans", 100_000_000, "100万"),
    ],
)
def test_amounts_on_axes_are_short(language: str, amount: int, text: str) -> None:
    with override(language):
        assert short_fen(amount) == text


@pytest.mark.parametrize(("language", "text"), [("en", "65 %"), ("zh-hans", "65%")])
def test_percent_stands_as_the_language_writes_it(language: str, text: str) -> None:
    with override(language):
        assert percent(65) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(1, "about 1 second left"), (119, "about 119 seconds left"), (121, "about 3 minutes left")],
)
def test_time_left_is_told_in_the_unit_that_fits(seconds: int, text: str) -> None:
    assert time_left(seconds) == text


@pytest.mark.parametrize(
    ("language", "text"), [("en", "reviewer, treasurer"), ("zh-hans", "reviewer、treasurer")]
)
def test_words_are_listed_as_the_language_does(language: str, text: str) -> None:
    with override(language):
        assert listed_words(["reviewer", "treasurer"]) == text
