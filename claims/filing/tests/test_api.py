"""My claims as a program reads them: mine, where they stand, and nothing of my health."""

import json

from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from aidplatform.lib import clock
from aidplatform.testing.claim_cases import ClaimCases
from aidplatform.tests.pages_helpers import client_of
from claims.filing import services as filing

MINE = "/api/v1/me/claims/"


def test_claimant_reads_where_a_claim_stands(cases: ClaimCases) -> None:
    cache.clear()
    claim = cases.filed()
    answer = client_of(cases.claimant).get(MINE)
    assert answer.status_code == 200
    (row,) = answer.json()["results"]
    assert (row["code"], row["pool"], row["state"]) == (claim.code, "test-pool", "filed")
    assert (row["holder"], row["due_date"]) == ("reviewer", "2026-05-25")
    assert "thyroid" not in json.dumps(row)


def test_nobody_else_finds_it_among_theirs(cases: ClaimCases) -> None:
    cache.clear()
    cases.filed()
    for person in (cases.neighbor, cases.reviewer, cases.world.stranger):
        assert client_of(person).get(MINE).json()["results"] == []
    assert client_of(None).get(MINE).status_code == 401


def test_list_costs_the_same_for_one_and_three(cases: ClaimCases) -> None:
    cache.clear()
    cases.filed()
    client = client_of(cases.claimant)
    client.get(MINE)
    with CaptureQueriesContext(connection) as one:
        client.get(MINE)
    for _number in range(2):
        claim = cases.draft()
        _benefit, face = filing.preview(claim, clock.now())
        filing.file_claim(claim=claim, claimant=cases.claimant.code, shown_face=face, at=clock.now())
    with CaptureQueriesContext(connection) as three:
        assert len(client.get(MINE).json()["results"]) == 3
    assert len(three) == len(one)
