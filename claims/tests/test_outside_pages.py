"""An outside reviewer by the pages and by programs: who may, what is shown, what is refused."""

import uuid
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from aidplatform.site.todo import todos_of
from aidplatform.testing.claim_cases import ClaimCases
from aidplatform.testing.prepared import prepared
from aidplatform.testing.world import run_jobs
from aidplatform.tests.pages_helpers import client_of
from claims.filing.models import Claim
from claims.filing.selectors import paper_codes
from claims.review.outside_models import OutsideReview
from claims.review.selectors import shown_sha256
from claims.review.tests.test_outside import (
    NAME,
    WHY,
    appointed,
    end_duty,
    outsider,
    proposed,
    running,
    token_of,
    waiting,
)
from members.people.models import User

POOL, API = "/pools/test-pool/", "/api/v1/pools/test-pool/"
MINE, MY_API = "/outside-reviews/", "/api/v1/me/outside-reviews/"
REASON = "The pathology report establishes it."


@pytest.fixture(autouse=True)
def no_counts_left_over(db: None) -> None:
    """Begin with empty throttle counts: the table is rolled back, but the clock of a window is not."""
    cache.clear()


@prepared
def cases() -> ClaimCases:
    """Return a pool with one reviewer and two second reviewers."""
    return ClaimCases.founded()


def read(person: User | None, address: str, status: int = 200) -> str:
    answer = client_of(person).get(address)
    assert answer.status_code == status, answer.content[:400]
    return str(answer.content.decode())


def post(person: User | None, address: str, **given: object) -> Any:
    return client_of(person).post(address, given)


def program(person: User | None, address: str, **given: object) -> Any:
    key = {"Idempotency-Key": str(uuid.uuid4())}
    return client_of(person).post(address, given, "application/json", headers=key)


def page_of(claim: Claim) -> str:
    return f"{POOL}outside-reviews/{claim.code}/"


def links_of(person: User) -> set[str]:
    return {todo.address for todo in todos_of(person)}


def written(claim: Claim, **given: object) -> dict[str, object]:
    told = {"outcome": "approved", "clause": "aid", "papers": paper_codes(claim), "reason": REASON}
    return told | {"key": str(uuid.uuid4())} | given


def test_two_people_appoint_and_the_claimant_reads_why(cases: ClaimCases) -> None:
    claim = waiting(cases)
    page, admin, controller = page_of(claim), cases.world.admin, cases.world.controller
    assert "Nobody of the pool may look at your claim" in read(cases.claimant, f"/claims/{claim.code}/")
    assert page in links_of(admin)
    assert "Whoever could act as reviewer" in read(admin, page)
    assert post(admin, f"{page}propose/", name="", reason=WHY).status_code == 422
    assert post(admin, f"{page}propose/", name=NAME, reason=WHY).status_code == 302
    assert post(admin, f"{page}propose/", name=NAME, reason=WHY).status_code == 409
    assert page in links_of(controller)
    assert NAME in read(controller, page)
    assert NAME not in read(cases.claimant, f"/claims/{claim.code}/")
    assert post(admin, f"{page}agree/", agree="yes").status_code == 403
    assert post(controller, f"{page}agree/", agree="yes").status_code == 302
    told = read(cases.claimant, f"/claims/{claim.code}/")
    assert NAME in told
    assert WHY in told
    made = post(admin, f"{page}link/", instead_of="")
    assert "/outside-reviews/by/" in made.content.decode()
    again = post(admin, f"{page}link/", instead_of="")
    assert again.status_code == 409


def test_page_of_an_appointment_is_absent_for_everybody_else(cases: ClaimCases) -> None:
    plain = cases.filed()
    told = "There is no such claim, or it is not yours to see."
    assert told in read(cases.world.admin, f"{POOL}outside-reviews/CL-NOTHINGHERE/", 404)
    assert told in read(cases.world.admin, page_of(plain), 404)
    claim = plain
    end_duty("reviewer")
    read(cases.world.admin, page_of(claim))
    for person, status in ((cases.claimant, 404), (cases.neighbor, 404), (cases.second, 403)):
        read(person, page_of(claim), status)
        refused = program(person, f"{API}outside-reviews/{claim.code}/proposal/", name="a", reason="b")
        assert refused.status_code == status
    assert client_of(None).get(page_of(claim)).status_code == 302


def test_outside_reviewer_reads_one_claim_opens_papers_and_recommends(cases: ClaimCases) -> None:
    claim = waiting(cases)
    token = token_of(cases, appointed(cases, claim))
    person = outsider()
    offer = read(person, f"{MINE}by/{token}/")
    assert claim.code not in offer
    assert "10 days" in offer
    taken = post(person, f"{MINE}by/{token}/")
    assert taken.status_code == 302
    one = OutsideReview.objects.get(state="running")
    address = taken["Location"]
    assert address == f"{MINE}{one.code}/"
    assert address in links_of(person)
    read(person, f"{MINE}by/{token}/", 410)
    shown = read(person, address)
    assert "A lump was found at the yearly check." in shown
    assert "Checklist" in shown
    assert WHY in shown
    code = paper_codes(claim)[0]
    asked = f"{address}papers/{code}/"
    assert "open" in read(person, asked).lower()
    opened = post(person, asked, purpose="illness", note="", key=str(uuid.uuid4()))
    assert opened.status_code == 302
    assert client_of(person).get(opened["Location"] + "file/").status_code == 200
    told = read(cases.claimant, f"/claims/{claim.code}/")
    assert "outside reviewer" in told
    # Nothing of the pool's desk is theirs.
    read(person, f"{POOL}review/{claim.code}/", 404)
    read(cases.second, address, 404)
    given = written(claim, aid="50000")
    assert post(person, f"{address}recommend/", **given | {"reason": ""}).status_code == 422
    answer = post(person, f"{address}recommend/", **given)
    assert answer.status_code == 200, answer.content
    assert "Your word is taken" in answer.content.decode()
    assert post(person, f"{address}recommend/", **given).status_code == 200
    read(person, address, 404)
    assert client_of(person).get(opened["Location"] + "file/").status_code == 404
    told = read(cases.claimant, f"/claims/{claim.code}/")
    assert "Recommended by an outside reviewer" in told
    claim.refresh_from_db()
    cases.decide(claim)
    run_jobs()
    assert "In 1 claim somebody from outside" in read(None, f"{POOL}review-times/")
    table = b"".join(client_of(None).get(f"{POOL}review-times.csv")).decode()
    assert table.splitlines()[-1] == "judged_from_outside,outside_reviewer,1,,"


def test_outside_reviewer_decides_by_the_page_and_gives_back(cases: ClaimCases) -> None:
    claim = waiting(cases, "second_reviewer")
    one = running(cases, claim)
    address = f"{MINE}{one.code}/"
    assert "The pathology report of 4 May establishes it." in read(outsider(), address)
    assert post(outsider(), f"{address}decline/").status_code == 302
    read(outsider(), address, 404)
    one = running(cases, claim)
    address = f"{MINE}{one.code}/"
    stale = post(outsider(), f"{address}decide/", **written(claim, shown_sha256="0" * 64))
    assert stale.status_code == 409
    assert REASON in stale.content.decode()
    answer = post(outsider(), f"{address}decide/", **written(claim, shown_sha256=shown_sha256(claim)))
    assert answer.status_code == 200, answer.content
    claim.refresh_from_db()
    assert claim.state == "approved"
    assert "Decided by an outside reviewer" in read(cases.claimant, f"/claims/{claim.code}/")


def test_programs_do_the_same(cases: ClaimCases) -> None:
    claim = waiting(cases)
    admin, controller, person = cases.world.admin, cases.world.controller, outsider()
    base = f"{API}outside-reviews/{claim.code}/"
    shown = client_of(admin).get(base).json()
    assert (shown["lacks"], shown["rights"], shown["review"]) == ("reviewer", ["propose"], None)
    made = program(admin, f"{base}proposal/", name=NAME, reason=WHY)
    assert (made.status_code, made.json()["review"]["state"]) == (201, "proposed")
    assert program(admin, f"{base}proposal/", name=NAME, reason=WHY).status_code == 409
    assert program(admin, f"{base}agreement/", agrees=True).status_code == 403
    assert program(controller, f"{base}agreement/", agrees=True).json()["review"]["state"] == "appointed"
    link = program(admin, f"{base}link/").json()["link"]
    token = link.rstrip("/").rpartition("/")[2]
    assert program(cases.neighbor, f"{MY_API}acceptance/", token=token).status_code == 403
    taken = program(person, f"{MY_API}acceptance/", token=token)
    assert taken.status_code == 201
    code = taken.json()["code"]
    assert program(admin, f"{base}end/").status_code == 409
    row = client_of(person).get(f"{MY_API}{code}/").json()
    assert row["claim"]["story"] == "A lump was found at the yearly check."
    assert client_of(cases.second).get(f"{MY_API}{code}/").status_code == 404
    papers = client_of(person).get(f"{MY_API}{code}/papers/").json()
    opened = program(person, f"{MY_API}{code}/papers/{papers[0]['code']}/opening/", purpose="illness")
    assert opened.status_code == 201, opened.content
    assert client_of(person).get(opened.json()["file"]).status_code == 200
    word = {"outcome": "approved", "clause": "aid", "papers": paper_codes(claim), "reason": REASON}
    wrong = program(person, f"{MY_API}{code}/decision/", **word, shown_sha256="0" * 64)
    assert wrong.status_code == 409
    told = program(person, f"{MY_API}{code}/recommendation/", **word, aid_fen=5_000_000)
    assert (told.status_code, told.json()) == (201, {"outcome": "approved", "is_decided": False})
    assert client_of(person).get(f"{MY_API}{code}/").status_code == 404
    assert client_of(person).get(MY_API).json() == []
    (mine,) = client_of(cases.claimant).get(f"/api/v1/me/claims/{claim.code}/outside-reviews/").json()
    assert (mine["name"], mine["reason"], mine["state"]) == (NAME, WHY, "done")
    assert client_of(None).get(f"{API}review-times/").json()["judged_from_outside"] == 1


def test_todos_ask_once_however_many_claims_wait(cases: ClaimCases) -> None:
    claim = cases.filed()
    with CaptureQueriesContext(connection) as before:
        assert page_of(claim) not in links_of(cases.world.admin)
    end_duty("reviewer")
    with CaptureQueriesContext(connection) as after:
        assert page_of(claim) in links_of(cases.world.admin)
    # Besides what tells of each claim that the admin may appoint for it.
    assert len(after) <= len(before) + 8
    proposed(cases, claim)
    assert page_of(claim) not in links_of(cases.world.admin)
