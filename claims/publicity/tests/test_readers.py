"""Who opened my file, in one list: every claim of the person, nobody else's, on the page, as CSV and by the API."""

import csv
import io
import re

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from aidplatform.lib import clock
from aidplatform.testing.claim_cases import ClaimCases
from aidplatform.testing.prepared import prepared
from aidplatform.tests.pages_helpers import PageClient, client_of, program_of
from claims.filing.models import Claim
from claims.review import openings
from claims.review.file_readers import file_readers_of

PAGE, CSV, API = "/my-data/readers/", "/my-data/readers.csv", "/api/v1/me/readers/"


@pytest.fixture(autouse=True)
def no_counts_left_over(db: None) -> None:
    """Begin with empty counts of requests."""
    cache.clear()


@prepared
def cases() -> ClaimCases:
    """Give the test a pool with people for every step of a claim, and empty throttle counts."""
    return ClaimCases.founded()


def opened(cases: ClaimCases, claim: Claim, purpose: str = "illness", note: str = "") -> None:
    paper = claim.papers.filter(removed_at=None).order_by("pk")[0]
    openings.open_paper(
        claim=claim,
        code=paper.code,
        opener=cases.reviewer.code,
        purpose=purpose,
        note=note,
        at=clock.now(),
    )


def words(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def test_all_openings_stand_in_one_list_newest_first(cases: ClaimCases) -> None:
    claim = cases.under_review()
    opened(cases, claim)
    opened(cases, claim, "other", "=the stamp <b>")
    rows = program_of(cases.claimant).get(API).json()
    assert rows["next"] is None
    told = [(row["claim"], row["deed"], row["by"], row["purpose"], row["note"]) for row in rows["results"]]
    assert told[:2] == [
        (claim.code, "open_evidence", cases.reviewer.code, "other", "=the stamp <b>"),
        (claim.code, "open_evidence", cases.reviewer.code, "illness", ""),
    ]
    page = client_of(cases.claimant).get(PAGE).content.decode()
    assert "“=the stamp &lt;b&gt;”" in page
    assert f"reviewer {cases.reviewer.code}" in words(page)
    assert page.index("in my own words") < page.index("whether it establishes the illness")
    content = b"".join(client_of(cases.claimant).get(CSV).streaming_content).decode("utf-8-sig")
    table = list(csv.DictReader(io.StringIO(content)))
    assert [row["purpose"] for row in table] == [row["purpose"] for row in rows["results"]]
    assert table[0]["note"] == "'=the stamp <b>"
    assert f"{PAGE}" in client_of(cases.claimant).get("/my-data/").content.decode()
    assert f"{PAGE}" in client_of(cases.claimant).get(f"/claims/{claim.code}/").content.decode()


def test_list_is_of_ones_own_claims_alone(cases: ClaimCases) -> None:
    claim = cases.under_review()
    opened(cases, claim)
    for other in (cases.neighbor, cases.reviewer, cases.second):
        assert program_of(other).get(API).json() == {"next": None, "results": []}
        page = client_of(other).get(PAGE).content.decode()
        assert "Nobody has opened anything of yours" in page
        assert claim.code not in page
        content = b"".join(client_of(other).get(CSV).streaming_content).decode()
        assert claim.code not in content
    assert PageClient().get(API).status_code == 401
    assert client_of(None).get(PAGE).headers["Location"].startswith("/accounts/login/")


def test_list_has_the_readers_of_every_claim_as_its_page_has_them(cases: ClaimCases) -> None:
    claims = [cases.under_review(), cases.under_review()]
    for claim in claims:
        opened(cases, claim)
        opened(cases, claim, "bills")
    program = program_of(cases.claimant)
    of_all = program.get(API).json()["results"]
    for claim in claims:
        of_claim = program.get(f"/api/v1/me/claims/{claim.code}/").json()["readers"]
        mine = [row for row in of_all if row["claim"] == claim.code][::-1]
        assert [{name: row[name] for name in of_claim[0]} for row in mine] == of_claim
        assert len(of_claim) >= 2
    assert {row["claim"] for row in of_all} == {claim.code for claim in claims}
    with CaptureQueriesContext(connection) as two:
        assert len(file_readers_of(cases.claimant)) == len(of_all)
    assert len(two) == 4


def test_pages_of_readers_neither_skip_nor_repeat(cases: ClaimCases) -> None:
    claim = cases.under_review()
    for _time in range(5):
        opened(cases, claim)
    program = program_of(cases.claimant)
    whole = program.get(API).json()["results"]
    seen, skip = [], 0
    while skip is not None:
        answer = program.get(f"{API}?limit=2&skip={skip}").json()
        seen += answer["results"]
        skip = answer["next"]
    assert seen == whole
    assert len(whole) >= 5
    for nonsense in ("limit=0", "limit=201", "skip=-1", "skip=x"):
        assert program.get(f"{API}?{nonsense}").status_code == 400


def test_list_takes_as_many_statements_for_one_as_for_ten(cases: ClaimCases) -> None:
    claim = cases.under_review()
    opened(cases, claim)
    client = client_of(cases.claimant)
    client.get(PAGE)
    with CaptureQueriesContext(connection) as one:
        client.get(PAGE)
    for _time in range(9):
        opened(cases, claim)
    with CaptureQueriesContext(connection) as ten:
        client.get(PAGE)
    assert len(one) == len(ten)
