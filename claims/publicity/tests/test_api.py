"""One's own claim in full, taking it back, confirming the aid, and objecting, as programs do it."""

import json
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from aidplatform.lib import clock
from aidplatform.testing.claim_cases import ClaimCases
from aidplatform.tests.pages_helpers import client_of
from claims.filing.models import Claim
from claims.publicity import services
from claims.publicity.models import Objection
from claims.review import services as review

API = "/api/v1/"


@pytest.fixture(autouse=True)
def no_counts_left_over(db: None) -> None:
    """Begin with empty throttle counts: the table is rolled back, but the clock of a window is not."""
    cache.clear()


def mine(claim: Claim, tail: str = "") -> str:
    return f"{API}me/claims/{claim.code}/{tail}"


def read(cases: ClaimCases, claim: Claim) -> Any:
    answer = client_of(cases.claimant).get(mine(claim))
    assert answer.status_code == 200, answer.content
    return answer.json()


def object_to(client: Client, case: str, reason: str, key: str | None = "key-00000001") -> Any:
    return client.post(
        f"{API}pools/test-pool/cases/{case}/objections/",
        json.dumps({"reason": reason}),
        content_type="application/json",
        headers={"Idempotency-Key": key} if key else {},
    )


def test_draft_says_what_is_missing(cases: ClaimCases) -> None:
    claim = cases.draft()
    assert read(cases, claim)["missing"] == []
    claim.papers.filter(kind="pathology").update(removed_at=clock.now())
    row = read(cases, claim)
    assert (row["missing"], row["claim"]["holder"]) == (["pathology"], "claimant")
    assert (row["aid_fen"], row["award"], row["decision"], row["asked"]) == (None, None, None, None)


def test_claim_is_shown_with_request_decision_and_award(cases: ClaimCases) -> None:
    claim = cases.under_review()
    review.request_papers(
        claim=claim, reviewer=cases.reviewer.code, kinds=["other"], message="Page 2, please.", at=clock.now()
    )
    row = read(cases, claim)
    assert row["asked"] == {"kinds": ["other"], "message": "Page 2, please."}
    assert [deed["deed"] for deed in row["timeline"]] == [
        "start_claim", "file_claim", "assign_claim", "request_papers",
    ]  # fmt: skip


def test_published_claim_shows_its_award_and_its_readers(cases: ClaimCases) -> None:
    claim = cases.published()
    client_of(cases.third).get(f"/pools/test-pool/review/{claim.code}/")
    client_of(cases.reviewer).get(f"/pools/test-pool/review/{claim.code}/")
    row = read(cases, claim)
    assert (row["claim"]["state"], row["illness"], row["event_date"]) == (
        "in_publicity",
        "thyroid_cancer",
        "2026-05-04",
    )
    assert (row["decision"]["outcome"], row["decision"]["reason"]) == ("approved", "I agree.")
    award = cases.award(claim)
    assert row["award"] == {
        "case": award.code, "period": award.period and award.period.number, "aid_fen": 5_000_000,
        "shared_fen": None, "state": "announced",
    }  # fmt: skip
    assert row["rests"] == []
    assert [(line["deed"], line["purpose"]) for line in row["readers"]] == [("open_claim", "review")]
    told = json.dumps(row)
    for kept in ("lump", "Li Na", "6222", *claim.papers.values_list("code", flat=True)):
        assert kept not in told


def test_nobody_else_opens_it(cases: ClaimCases) -> None:
    claim = cases.filed()
    for person in (cases.neighbor, cases.reviewer, cases.world.admin, cases.world.stranger):
        client = client_of(person)
        for tail in ("", "withdrawal/", "receipt/"):
            for method in (client.get, client.post):
                here, none = method(mine(claim, tail)), method(f"{API}me/claims/CL-NONE/{tail}")
                assert (here.status_code, here.content) == (none.status_code, none.content)
                assert here.status_code in {404, 405}
    assert client_of(None).get(mine(claim)).status_code == 401
    claim.refresh_from_db()
    assert claim.state == "filed"


def test_claim_costs_the_same_however_much_has_happened(cases: ClaimCases) -> None:
    claim = cases.recommended()
    client = client_of(cases.claimant)
    client.get(mine(claim))
    with CaptureQueriesContext(connection) as before:
        client.get(mine(claim))
    for _visit in range(3):
        client_of(cases.second).get(f"/pools/test-pool/review/{claim.code}/")
    with CaptureQueriesContext(connection) as after:
        assert len(client.get(mine(claim)).json()["readers"]) == 3
    assert len(after) == len(before)


def test_claim_is_taken_back_once_and_stays_so(cases: ClaimCases) -> None:
    claim = cases.filed()
    client = client_of(cases.claimant)
    assert client.post(mine(claim, "receipt/")).json()["type"] == "urn:aid:claim_moved_on"
    for _repeat in range(2):
        answer = client.post(mine(claim, "withdrawal/"))
        assert (answer.status_code, answer.json()["claim"]["state"]) == (200, "withdrawn")
    deeds = [deed["deed"] for deed in answer.json()["timeline"]]
    assert deeds.count("withdraw_claim") == 1


def test_aid_is_confirmed_once(cases: ClaimCases) -> None:
    claim = cases.published()
    cases.end_publicity()
    cases.post()
    services.follow_awards(awards=[cases.award(claim).pk], state="paid", at=clock.now())
    client = client_of(cases.claimant)
    for _repeat in range(2):
        answer = client.post(mine(claim, "receipt/"))
        assert (answer.status_code, answer.json()["claim"]["state"]) == (200, "closed")
    assert client.post(mine(claim, "withdrawal/")).status_code == 409


def test_member_objects_once_per_key(cases: ClaimCases) -> None:
    claim = cases.published()
    case, client = cases.award(claim).code, client_of(cases.neighbor)
    assert object_to(client, case, "I saw her.", None).json()["type"] == "urn:aid:idempotency_key_missing"
    for bad in ("", "x" * 2001):
        assert object_to(client, case, bad).status_code == 400
    for _repeat in range(2):
        answer = object_to(client, case, "I saw her ill in 2024.")
        assert (answer.status_code, answer.json()) == (201, {"number": 1})
    assert object_to(client, case, "Another.").json()["type"] == "urn:aid:idempotency_key_reused"
    second = object_to(client, case, "Another.", "key-00000002")
    assert (second.status_code, second.json()["type"]) == (409, "urn:aid:one_open_objection_per_member")
    assert Objection.objects.get().member == cases.neighbor.code
    claim.refresh_from_db()
    assert claim.state == "objected"


def test_who_may_not_object_is_told_so(cases: ClaimCases) -> None:
    claim = cases.published()
    case = cases.award(claim).code
    assert object_to(client_of(cases.claimant), case, "Mine.").status_code == 403
    assert object_to(client_of(cases.reviewer), case, "No member.").status_code == 404
    assert object_to(client_of(cases.neighbor), "2026-9999", "Which?").status_code == 404
    assert object_to(client_of(None), case, "Who?").status_code == 401
    cases.end_publicity()
    late = object_to(client_of(cases.neighbor), case, "Too late.")
    assert (late.status_code, late.json()["type"]) == (409, "urn:aid:objections_come_in_publicity")
    assert not Objection.objects.exists()


def test_stranger_cannot_tell_a_case_from_none(cases: ClaimCases) -> None:
    case = cases.award(cases.published()).code
    client = client_of(cases.world.stranger)
    here = object_to(client, case, "I know.")
    none = client.post(f"{API}pools/no-such/cases/{case}/objections/")
    assert (here.status_code, here.content) == (none.status_code, none.content) == (404, here.content)
