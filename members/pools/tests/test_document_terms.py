"""Which identity documents a plan may take, how it says so, and that the database can read it."""

import json
from typing import Any

import pytest

from aidplatform.testing.world import TERMS
from members.pools.document_kinds import DocumentsForm, document_words
from members.pools.document_terms import UNSAID, DocumentTerms
from members.pools.plan_terms import PlanTerms, TermsError

OTHER = {
    "kinds": ["resident_id", "other"],
    "other_en": "Residence permit",
    "other_zh": "居住证",
    "other_country": "CN",
}


def test_documents_are_read_and_told_alike() -> None:
    assert DocumentTerms.from_json(OTHER).to_json() == OTHER
    in_another_order = DocumentTerms.from_json({"kinds": ["passport", "resident_id"]})
    assert in_another_order.to_json() == {"kinds": ["resident_id", "passport"]}
    plan = PlanTerms.from_json(TERMS | {"documents": OTHER})
    assert (plan.to_json()["documents"], plan.taken_documents.other_zh) == (OTHER, "居住证")


def test_rules_that_say_nothing_keep_their_hash_and_take_card_and_passport() -> None:
    silent = PlanTerms.from_json(TERMS)
    assert silent.taken_documents == UNSAID
    assert "documents" not in json.loads(silent.canonical_json)


@pytest.mark.parametrize(
    ("given", "field", "code"),
    [
        ({"kinds": []}, "documents.kinds", "empty"),
        ({"kinds": ["library_card"]}, "documents.kinds", "unknown_choice"),
        ({"kinds": "passport"}, "documents.kinds", "wrong_type"),
        ({"kinds": ["passport"], "other_en": "Permit"}, "documents.other_en", "other_document_not_taken"),
        (OTHER | {"other_zh": ""}, "documents.other_zh", "bad_text"),
        (OTHER | {"other_country": "ZZ"}, "documents.other_country", "bad_country"),
        (OTHER | {"other_country": None}, "documents.other_country", "bad_country"),
        ({}, "documents.kinds", "missing_field"),
    ],
)
def test_documents_that_make_no_sense_are_refused(given: dict[str, Any], field: str, code: str) -> None:
    with pytest.raises(TermsError) as refusal:
        PlanTerms.from_json(TERMS | {"documents": given})
    assert (refusal.value.field, refusal.value.code) == (field, code)


def test_words_name_what_is_taken_and_what_cannot_be_noticed() -> None:
    both = " ".join(document_words(PlanTerms.from_json(TERMS)))
    assert "Chinese resident identity card" in both
    assert "not recognized by the second one" in both
    cards = " ".join(document_words(PlanTerms.from_json(TERMS | {"documents": {"kinds": ["resident_id"]}})))
    assert "one number for life" in cards
    assert "Passport" not in cards
    named = " ".join(document_words(PlanTerms.from_json(TERMS | {"documents": OTHER})))
    assert "Residence permit / 居住证 (issued by CN)" in named


@pytest.mark.parametrize(
    ("sent", "terms"),
    [
        ({"resident_id": "on", "passport": "on"}, None),
        ({"resident_id": "on"}, {"kinds": ["resident_id"]}),
        (
            {
                "resident_id": "on",
                "other": "on",
                "other_en": "Residence permit",
                "other_zh": "居住证",
                "other_country": "cn",
            },
            OTHER,
        ),
    ],
)
def test_form_gives_back_terms(sent: dict[str, str], terms: dict[str, Any] | None) -> None:
    form = DocumentsForm(sent)
    assert form.is_valid(), form.errors
    assert form.terms() == terms
    filled = DocumentsForm(DocumentsForm.entries(PlanTerms.from_json(TERMS | {"documents": terms})))
    assert filled.is_valid()
    assert filled.terms() == terms


@pytest.mark.parametrize("sent", [{}, {"other": "on", "other_en": "Permit"}])
def test_form_refuses_no_kind_and_half_another_document(db: None, sent: dict[str, str]) -> None:
    assert not DocumentsForm(sent).is_valid()
