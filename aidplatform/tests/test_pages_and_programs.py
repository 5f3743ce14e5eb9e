"""What a page of a claim refuses, programs are refused; what is not theirs answers them like what is not there."""

from collections.abc import Callable

import pytest
from django.core.cache import cache

from aidplatform.testing.claim_cases import ClaimCases
from aidplatform.testing.prepared import prepared
from aidplatform.tests.pages_helpers import client_of
from claims.filing.models import Claim
from claims.filing.selectors import papers_of
from members.people.models import User

STORY = "A lump was found at the yearly check."


@prepared
def cases() -> ClaimCases:
    """Return a pool with reviewers and two members who have accounts."""
    return ClaimCases.founded()


@pytest.fixture(autouse=True)
def no_limits(monkeypatch: pytest.MonkeyPatch, db: None) -> None:
    """Let the many requests of a walk through: limits have tests of their own."""
    from rest_framework.views import APIView

    cache.clear()
    monkeypatch.setattr(APIView, "throttle_classes", [])


def people_of(cases: ClaimCases) -> dict[str, User | None]:
    """Return somebody for every role; the third person is a second reviewer as well."""
    world = cases.world
    return {
        "claimant": cases.claimant,
        "member": cases.neighbor,
        "reviewer": cases.reviewer,
        "second_reviewer": cases.second,
        "pool_admin": world.admin,
        "controller": world.controller,
        "auditor": world.auditor,
        "treasurer": world.treasurer,
        "stranger": world.stranger,
        "visitor": None,
    }


def objected(cases: ClaimCases) -> Claim:
    return cases.objected()[0]


STATES: list[Callable[[ClaimCases], Claim]] = [ClaimCases.under_review, ClaimCases.recommended, objected]


# A page and what programs have in its place: what one refuses, the other does.
PAIRS = [
    ("/claims/{claim}/", "me/claims/{claim}/"),
    ("/pools/{pool}/review/", "pools/{pool}/desk/"),
    ("/pools/{pool}/review/{claim}/", "pools/{pool}/desk/{claim}/"),
    ("/pools/{pool}/review/{claim}/", "pools/{pool}/desk/{claim}/workspace/"),
    ("/pools/{pool}/review/{claim}/papers/{paper}/", "pools/{pool}/desk/{claim}/papers/"),
    ("/pools/{pool}/outside-reviews/{claim}/", "pools/{pool}/outside-reviews/{claim}/"),
    ("/pools/{pool}/review-times/", "pools/{pool}/review-times/"),
    ("/outside-reviews/R-NONE/", "me/outside-reviews/R-NONE/"),
    ("/investigations/I-NONE/", "me/investigations/I-NONE/"),
    ("/arbitrations/A-NONE/", "me/arbitrations/A-NONE/"),
]


@pytest.mark.parametrize("state", STATES)
def test_what_a_page_refuses_programs_are_refused_and_what_is_absent_answers_alike(
    cases: ClaimCases, state: Callable[[ClaimCases], Claim]
) -> None:
    claim = state(cases)
    pool, paper = claim.pool.code, papers_of(claim)[0].code
    wrong, told_to = [], set()
    for role, person in people_of(cases).items():
        client = client_of(person)
        for page, api in PAIRS:
            given = {"pool": pool, "claim": claim.code, "paper": paper}
            shown = client.get(page.format(**given))
            told = client.get("/api/v1/" + api.format(**given))
            refused = shown.status_code != 200
            if refused and told.status_code < 400:
                wrong.append(f"{role}: {page} {shown.status_code}, {api} {told.status_code}")
            if STORY not in shown.content.decode() and STORY in told.content.decode():
                wrong.append(f"{role}: {api} tells what {page} does not")
            told_to |= {role} if STORY in told.content.decode() else set()
            # Not theirs, and not there: nobody learns which.
            none = client.get("/api/v1/" + api.format(**given | {"claim": "CL-2222222222"}))
            if told.status_code == 404 and (none.status_code, none.content) != (404, told.content):
                wrong.append(f"{role}: {api} is absent otherwise than what there is not")
    assert wrong == []
    # The walk comes by where it is told, or it would prove nothing.
    assert told_to >= {"reviewer"}
