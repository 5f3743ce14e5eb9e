"""The jury in words and in the form: a threshold leaves no doubt about a tie, and a form gives back what it shows."""

import pytest

from members.pools.jury import JuryForm, jury_words, threshold_words
from members.pools.jury_terms import JuryTerms
from members.pools.tests.test_plan_terms import JURY


def jury(**terms: object) -> JuryTerms:
    return JuryTerms.from_json(JURY | terms)


@pytest.mark.parametrize(
    ("permille", "inclusive", "says"),
    [
        (500, True, "at least half of the votes"),
        (500, False, "more than half of the votes"),
        (667, True, "at least 66.7 % of the votes"),
        (600, False, "more than 60 % of the votes"),
        (1000, True, "all of the votes"),
    ],
)
def test_threshold_is_said_in_words(permille: int, inclusive: bool, says: str) -> None:
    one = jury(threshold_permille=permille, inclusive=inclusive)
    assert threshold_words(one) == says
    assert any(says in sentence for sentence in jury_words(one))


def test_plan_without_a_jury_says_so() -> None:
    assert "There is no jury" in jury_words(None)[0]


@pytest.mark.parametrize(
    "terms", [{}, {"threshold_permille": 667, "inclusive": False}, {"quorum_permille": 5}]
)
def test_form_gives_back_what_it_shows(terms: dict[str, object]) -> None:
    one = jury(**terms)
    form = JuryForm({name: str(value) for name, value in JuryForm.entries(one).items()})
    assert form.is_valid(), form.errors
    given = form.terms()
    assert given is not None
    assert JuryTerms.from_json(given) == one


def test_half_a_jury_is_refused_and_none_is_none() -> None:
    form = JuryForm({"seats": "9"})
    assert not form.is_valid()
    assert {"threshold", "threshold_percent", "quorum", "voting_hours", "take_days"} <= set(form.errors)
    empty = JuryForm({})
    assert empty.is_valid()
    assert empty.terms() is None
    assert JuryForm.entries(None) == {}
