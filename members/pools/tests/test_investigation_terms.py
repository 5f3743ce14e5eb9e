"""Investigations of a plan: read, refused, in words and in the form."""

from typing import Any

import pytest

from members.pools.investigation import BEARERS, InvestigationForm, investigation_words
from members.pools.investigation_terms import InvestigationTerms
from members.pools.plan_terms import PlanTerms, TermsError
from members.pools.tests.test_plan_terms import changed

GIVEN: dict[str, Any] = {
    "days": 14,
    "agreed_above_fen": 50_000,
    "most_fen": 300_000,
    "borne_by": "operator",
    "answer_days": 7,
}
RESERVE = {"reserve": {"contribution_fen": 5_000, "target_fen": 100_000}, "period_cap_fen": 100_000}


def terms(**part: Any) -> InvestigationTerms:
    return InvestigationTerms.from_json(GIVEN | part)


def test_terms_are_told_back_and_left_out_where_there_are_none() -> None:
    told = PlanTerms.from_json(changed("investigation", GIVEN))
    assert told.to_json()["investigation"] == GIVEN
    assert "investigation" not in PlanTerms.from_json(changed("investigation", None)).to_json()


@pytest.mark.parametrize(
    ("part", "field", "code"),
    [
        ({"days": 2}, "investigation.days", "out_of_range"),
        ({"days": 91}, "investigation.days", "out_of_range"),
        ({"days": "14"}, "investigation.days", "wrong_type"),
        ({"answer_days": 2}, "investigation.answer_days", "out_of_range"),
        ({"agreed_above_fen": -1}, "investigation.agreed_above_fen", "out_of_range"),
        ({"most_fen": 49_999}, "investigation.most_fen", "out_of_range"),
        ({"agreed_above_fen": 0, "most_fen": 0}, "investigation.most_fen", "out_of_range"),
        ({"borne_by": "claimant"}, "investigation.borne_by", "unknown_choice"),
        ({"borne_by": "reserve"}, "investigation.borne_by", "investigation_without_reserve"),
        ({"days": None}, "investigation.days", "missing_field"),
        ({"fee": 1}, "investigation.fee", "unknown_field"),
    ],
)
def test_investigation_that_cannot_be_is_refused(part: dict[str, object], field: str, code: str) -> None:
    with pytest.raises(TermsError) as refused:
        PlanTerms.from_json(changed("investigation", GIVEN | part))
    assert (refused.value.field, refused.value.code) == (field, code)


def test_reserve_bears_it_where_there_is_one() -> None:
    given = changed("investigation", GIVEN | {"borne_by": "reserve"}) | RESERVE
    read = PlanTerms.from_json(given).investigation
    assert read is not None
    assert read.borne_by == "reserve"


def test_words_name_days_sums_and_bearer() -> None:
    order, cost, answer = investigation_words(terms(), "CNY")
    assert "14 days" in order
    for said in ("3,000.00", "500.00", "who runs the pool", "never by the claimant"):
        assert said in cost
    assert "7 days" in answer
    assert investigation_words(None, "CNY") == ("Nobody from outside looks into a claim.",)
    assert set(BEARERS) == {"shared", "operator", "reserve"}


def test_form_gives_back_what_it_shows() -> None:
    one = terms(agreed_above_fen=0)
    form = InvestigationForm(InvestigationForm.entries(one))
    assert form.is_valid(), form.errors
    given = form.terms()
    assert given is not None
    assert InvestigationTerms.from_json(given) == one


def test_half_of_it_is_refused_and_none_is_none() -> None:
    form = InvestigationForm({"days": "9"})
    assert not form.is_valid()
    assert set(form.errors) == {"borne_by", "answer_days", "agreed_above", "most"}
    empty = InvestigationForm({})
    assert empty.is_valid()
    assert empty.terms() is None
    assert InvestigationForm.entries(None) == {}
