"""Which debits a plan may offer."""

from typing import Any

import pytest

from aidplatform.testing.world import TERMS
from members.pools.debit import debit_words
from members.pools.debit_terms import DebitTerms
from members.pools.plan_terms import PlanTerms, TermsError

GOOD = {
    "scheme": "sepa",
    "creditor_id": "DE98ZZZ09999999999",
    "first_notice_days": 5,
    "later_notice_days": 2,
    "refund_days": 56,
}


def test_debits_are_read_and_told_alike() -> None:
    debit = DebitTerms.from_json(GOOD)
    assert debit.to_json() == GOOD
    assert "refund_days" not in DebitTerms.from_json(GOOD | {"refund_days": 0}).to_json()
    assert PlanTerms.from_json(TERMS | {"debit": GOOD}).to_json()["debit"] == GOOD


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"scheme": "cheque"}, "debit.scheme", "unknown_choice"),
        ({"creditor_id": ""}, "debit.creditor_id", "bad_text"),
        ({"creditor_id": "DE99ZZZ09999999999"}, "debit.creditor_id", "bad_creditor_id"),
        ({"creditor_id": "DE98 ZZZ0 9999 9999 99"}, "debit.creditor_id", "bad_creditor_id"),
        ({"creditor_id": "7" * 36, "scheme": "card"}, "debit.creditor_id", "bad_text"),
        ({"first_notice_days": 0}, "debit.first_notice_days", "out_of_range"),
        ({"later_notice_days": 61}, "debit.later_notice_days", "out_of_range"),
        ({"later_notice_days": "2"}, "debit.later_notice_days", "wrong_type"),
        ({"refund_days": -1}, "debit.refund_days", "out_of_range"),
        ({"creditor_id": None}, "debit.creditor_id", "missing_field"),
    ],
)
def test_debits_that_make_no_sense_are_refused(changes: dict[str, Any], field: str, code: str) -> None:
    with pytest.raises(TermsError) as refusal:
        PlanTerms.from_json(TERMS | {"debit": GOOD | changes})
    assert (refusal.value.field, refusal.value.code) == (field, code)


def test_who_pays_ahead_is_not_debited() -> None:
    funding = {"join_fen": 1_000, "warn_below_fen": 500, "top_up_days": 30}
    with pytest.raises(TermsError) as refusal:
        PlanTerms.from_json(TERMS | {"debit": GOOD, "funding": funding})
    assert refusal.value.code == "debits_of_wallets"


def test_words_say_notice_and_refund() -> None:
    says = " ".join(debit_words(DebitTerms.from_json(GOOD)))
    assert "5 days ahead, every later one 2" in says
    assert "For 56 days" in says
    assert "Nothing is debited" in debit_words(None)[0]
