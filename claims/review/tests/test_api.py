"""The desk as a reviewer's program reads it: the rows of the page's queue."""

import json
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from aidplatform.lib import clock
from aidplatform.testing.claim_cases import ClaimCases
from aidplatform.tests.pages_helpers import client_of
from claims.filing import services as filing
from claims.filing.models import Claim

DESK = "/api/v1/pools/test-pool/desk/"


@pytest.fixture(autouse=True)
def no_counts_left_over(db: None) -> None:
    """Begin with empty throttle counts: the table is rolled back, but the clock of a window is not."""
    cache.clear()


def rows(cases: ClaimCases, query: str = "") -> list[dict[str, Any]]:
    answer = client_of(cases.reviewer).get(DESK + query)
    assert answer.status_code == 200, answer.content
    return list(answer.json()["results"])


def file_another(cases: ClaimCases) -> Claim:
    claim = cases.draft()
    _benefit, face = filing.preview(claim, clock.now())
    return filing.file_claim(claim=claim, claimant=cases.claimant.code, shown_face=face, at=clock.now())


def test_reviewers_read_the_desk(cases: ClaimCases) -> None:
    claim = cases.under_review()
    (row,) = rows(cases)
    assert row == client_of(cases.second).get(DESK).json()["results"][0]
    assert (row["code"], row["state"], row["holder"]) == (claim.code, "under_review", "reviewer")
    assert (row["illness"], row["aid_fen"], row["reviewer"]) == (
        "thyroid_cancer",
        5_000_000,
        cases.reviewer.code,
    )
    assert "lump" not in json.dumps(row)


def test_draft_is_on_no_desk(cases: ClaimCases) -> None:
    cases.draft()
    assert rows(cases) == []


def test_desk_is_filtered_as_on_the_page(cases: ClaimCases) -> None:
    claim = cases.under_review()
    other = file_another(cases)
    both = [other.code, claim.code]  # a filed claim is due sooner than one under review
    assert [row["code"] for row in rows(cases)] == both
    assert [row["code"] for row in rows(cases, "?state=filed")] == [other.code]
    assert [row["code"] for row in rows(cases, "?mine=true")] == [claim.code]
    assert [row["code"] for row in rows(cases, f"?text={claim.code[3:]}")] == [claim.code]
    for bad in ("?state=paid", "?mine=perhaps", f"?text={'x' * 21}"):
        assert client_of(cases.reviewer).get(DESK + bad).status_code == 400


def test_desk_is_for_reviewers_of_the_pool(cases: ClaimCases) -> None:
    cases.filed()
    for person in (cases.world.treasurer, cases.world.auditor):
        assert client_of(person).get(DESK).status_code == 403
    weak = client_of(cases.reviewer, second_factor=False).get(DESK)
    assert weak.json()["type"] == "urn:aid:second_factor_missing"
    for person in (cases.claimant, cases.world.stranger):
        here = client_of(person).get(DESK)
        none = client_of(person).get("/api/v1/pools/no-such/desk/")
        assert (here.status_code, here.content) == (none.status_code, none.content) == (404, here.content)


def test_desk_follows_its_cursor_and_costs_the_same_for_any_number(cases: ClaimCases) -> None:
    cases.under_review()
    client = client_of(cases.reviewer)
    client.get(DESK)
    with CaptureQueriesContext(connection) as one:
        client.get(DESK)
    for _number in range(2):
        file_another(cases)
    with CaptureQueriesContext(connection) as three:
        whole = [row["code"] for row in client.get(DESK).json()["results"]]
    assert len(three) == len(one)
    address, seen = f"{DESK}?limit=1", []
    while address:
        page = client.get(address).json()
        seen += [row["code"] for row in page["results"]]
        address = page["next"]
    assert seen == whole
    assert len(seen) == 3
