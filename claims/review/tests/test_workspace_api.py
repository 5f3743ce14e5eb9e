"""The workspace of a claim for programs: what its page shows, what is done there, and what is refused like there."""

import json
import uuid
from typing import Any

import pytest
from django.core.cache import cache

from aidplatform.testing.claim_cases import ClaimCases
from aidplatform.testing.world import run_jobs
from aidplatform.tests.pages_helpers import client_of
from claims.filing.models import Claim
from claims.review.desk import read_note
from claims.review.services import NotYoursError
from members.people.models import User

DESK = "/api/v1/pools/test-pool/desk/"


@pytest.fixture(autouse=True)
def no_counts_left_over(db: None) -> None:
    """Begin with empty throttle counts: the table is rolled back, but the clock of a window is not."""
    cache.clear()


def program(person: User | None, address: str, key: str = "", **given: object) -> Any:
    headers = {"Idempotency-Key": key or str(uuid.uuid4())}
    return client_of(person).post(DESK + address, given, "application/json", headers=headers)


def test_workspace_is_read_by_who_has_the_claim_in_hand(cases: ClaimCases) -> None:
    claim = cases.under_review()
    run_jobs()
    answer = client_of(cases.reviewer).get(f"{DESK}{claim.code}/workspace/")
    assert answer.status_code == 200, answer.content
    row = answer.json()
    assert row["claim"]["story"] == "A lump was found at the yearly check."
    assert {one["kind"]: one["is_held"] for one in row["checklist"]} == {
        "identity": True, "diagnosis": True, "pathology": True,
    }  # fmt: skip
    assert [one["clause"] for one in row["clauses"]][:2] == ["aid", "cover"]
    assert row["clauses"][0]["text"]
    assert (row["notes"], row["similar"], row["request_text"], row["lacks"]) == ([], [], "", "")
    assert "identity" in row["request_texts"]
    assert (
        "Your own words were read" in client_of(cases.claimant).get(f"/claims/{claim.code}/").content.decode()
    )
    for person, status in ((cases.second, 403), (cases.world.treasurer, 403), (cases.neighbor, 404)):
        refused = client_of(person).get(f"{DESK}{claim.code}/workspace/")
        assert refused.status_code == status
        assert "lump" not in refused.content.decode()
    none = client_of(cases.reviewer).get(f"{DESK}CL-NOTHINGHERE/workspace/")
    assert none.status_code == 404


def test_earlier_decisions_are_told_without_whose_they_were(cases: ClaimCases) -> None:
    before = cases.decided()
    claim = cases.under_review()
    (one,) = client_of(cases.reviewer).get(f"{DESK}{claim.code}/workspace/").json()["similar"]
    assert (one["outcome"], one["aid_fen"]) == ("approved", 5_000_000)
    assert before.code not in json.dumps(one)


def test_claim_is_taken_up_and_handed_on_by_programs(cases: ClaimCases) -> None:
    claim = cases.filed()
    taken = program(cases.reviewer, f"{claim.code}/assignment/")
    assert (taken.status_code, taken.json()["reviewer"]) == (200, cases.reviewer.code)
    assert program(cases.reviewer, f"{claim.code}/assignment/").json()["reviewer"] == cases.reviewer.code
    other = User.objects.create_user("other@test-pool.example.org", name="Other")
    assert program(cases.reviewer, f"{claim.code}/hand-over/", to="nobody").status_code == 404
    assert program(cases.reviewer, f"{claim.code}/hand-over/", to=other.code).status_code == 403
    cases.world.grant(other, "reviewer")
    handed = program(cases.reviewer, f"{claim.code}/hand-over/", to=other.code)
    assert handed.json()["reviewer"] == other.code
    late = program(cases.reviewer, f"{claim.code}/hand-over/", to=cases.reviewer.code)
    assert (late.status_code, late.json()["type"]) == (409, f"urn:aid:{NotYoursError.code}")
    assert program(cases.second, f"{claim.code}/assignment/").status_code == 403
    assert program(cases.neighbor, f"{claim.code}/assignment/").status_code == 404


def test_notes_are_written_once_and_by_the_reviewers_of_the_case(cases: ClaimCases) -> None:
    claim = cases.under_review()
    key = str(uuid.uuid4())
    for _again in range(2):
        made = program(cases.reviewer, f"{claim.code}/notes/", key, text="Call the hospital.")
        assert (made.status_code, made.json()) == (201, {"number": 1})
    assert [read_note(note) for note in claim.review_notes.all()] == ["Call the hospital."]
    (note,) = client_of(cases.reviewer).get(f"{DESK}{claim.code}/workspace/").json()["notes"]
    assert (note["author"], note["text"]) == (cases.reviewer.code, "Call the hospital.")
    assert program(cases.reviewer, f"{claim.code}/notes/", text="").status_code == 400
    assert program(cases.world.auditor, f"{claim.code}/notes/", text="x").status_code == 403
    bare = client_of(cases.reviewer).post(f"{DESK}{claim.code}/notes/", {"text": "x"}, "application/json")
    assert bare.status_code == 400


def test_papers_are_asked_for_by_the_reviewer_in_charge(cases: ClaimCases) -> None:
    claim = cases.under_review()
    asked = {"kinds": ["bill"], "message": "Please send the bill."}
    assert (
        program(cases.reviewer, f"{claim.code}/paper-requests/", kinds=["x"], message="m").status_code == 400
    )
    assert program(cases.second, f"{claim.code}/paper-requests/", **asked).status_code == 403
    made = program(cases.reviewer, f"{claim.code}/paper-requests/", **asked)
    assert (made.status_code, made.json()) == (201, {"number": 1})
    assert Claim.objects.get().state == "papers_requested"
    again = program(cases.reviewer, f"{claim.code}/paper-requests/", **asked)
    assert again.status_code == 409
    row = client_of(cases.reviewer).get(f"{DESK}{claim.code}/workspace/").json()
    assert row["request_text"] == "Please send the bill."
