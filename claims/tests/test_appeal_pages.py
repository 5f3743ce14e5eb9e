"""Appeals by the pages and by programs: who may, what is shown, and whom they wait for."""

import uuid
from typing import Any

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from aidplatform.lib import clock
from aidplatform.site.todo import todos_of
from aidplatform.testing.claim_cases import AppealCases, photograph
from aidplatform.testing.prepared import prepared
from aidplatform.testing.world import lay_down_all
from aidplatform.tests.pages_helpers import client_of
from claims.filing.models import Claim
from claims.my_data import EXPORTER
from claims.review import services
from claims.review.models import Appeal
from members.people.models import User

WORDS = "The second report names it."
DESK = "/api/v1/pools/test-pool/desk/"


@pytest.fixture(autouse=True)
def no_counts_left_over(db: None) -> None:
    """Begin with empty throttle counts: the table is rolled back, but the clock of a window is not."""
    cache.clear()


@prepared
def cases() -> AppealCases:
    """Return a pool whose plan knows an appeal, with two people more who hear it."""
    return AppealCases.founded(appeal_days=30)


def _sent(**given: object) -> dict[str, Any]:
    return {"reason": WORDS, "kind": "other", "key": str(uuid.uuid4()), **given}


def _read(person: User, claim: Claim) -> str:
    return str(client_of(person).get(reverse("claim", args=[claim.code])).content.decode())


def _work(person: User, claim: Claim) -> str:
    page = client_of(person).get(reverse("review_claim", args=[claim.pool.code, claim.code]))
    return str(page.content.decode())


def _api(
    person: User | None, claim: Claim, key: str = "0b6c6a1e-7c54-4b5e-8a27-6f1c2f9d0001", reason: str = WORDS
) -> Any:
    client: Client = client_of(person)
    return client.post(
        f"/api/v1/me/claims/{claim.code}/appeal/", {"reason": reason}, "application/json",
        headers={"Idempotency-Key": key},
    )  # fmt: skip


def test_refused_claimant_reads_why_and_how_to_appeal(cases: AppealCases) -> None:
    claim = cases.decided("rejected")
    page = _read(cases.claimant, claim)
    for said in (
        "Aid for a listed illness",
        "I agree.",
        "You can appeal until",
        'datetime="2026-06-19"',
    ):
        assert said in page, said
    assert "You can appeal until" in client_of(cases.claimant).get("/claims/").content.decode()
    assert f"/claims/{claim.code}/appeal/" in page


def test_claimant_appeals_by_the_page_with_a_paper(cases: AppealCases) -> None:
    claim = cases.decided("rejected")
    client = client_of(cases.claimant)
    body = _sent(file=SimpleUploadedFile("x.jpg", photograph(150)))
    assert client.post(f"/claims/{claim.code}/appeal/", body).status_code == 302
    again = body | {"file": SimpleUploadedFile("x.jpg", photograph(150))}
    assert client.post(f"/claims/{claim.code}/appeal/", again).status_code == 302
    claim.refresh_from_db()
    assert (claim.state, Appeal.objects.count(), claim.papers.count()) == ("appealed", 1, 4)
    assert client.post(f"/claims/{claim.code}/appeal/", _sent()).status_code == 409
    page = _read(cases.claimant, claim)
    for said in (
        WORDS,
        "Your appeal",
        "The first decision",
        "Now with a reviewer, until",
        'datetime="2026-05-25"',
        "Appeal made",
    ):
        assert said in page, said
    more = {"kind": "other", "file": SimpleUploadedFile("y.jpg", photograph(200))}
    assert client.post(f"/claims/{claim.code}/appeal/papers/", more).status_code == 302
    assert claim.papers.count() == 5
    services.assign_claim(claim=claim, reviewer=cases.other_reviewer.code, at=clock.now())
    late = {"kind": "other", "file": SimpleUploadedFile("z.jpg", photograph(90))}
    assert client.post(f"/claims/{claim.code}/appeal/papers/", late).status_code == 409


@pytest.mark.parametrize("bad", [{"reason": ""}, {"reason": "x" * 4001}, {"kind": "poem"}, {"key": "k"}])
def test_bad_appeal_keeps_the_form(cases: AppealCases, bad: dict[str, str]) -> None:
    claim = cases.decided("rejected")
    answer = client_of(cases.claimant).post(f"/claims/{claim.code}/appeal/", _sent(**bad))
    assert answer.status_code == 422
    assert "appeal_claim" not in answer.content.decode()
    claim.refresh_from_db()
    assert claim.state == "rejected"


def test_refused_paper_is_said_in_words_and_nothing_is_appealed(cases: AppealCases) -> None:
    claim = cases.decided("rejected")
    body = _sent(file=SimpleUploadedFile("x.jpg", b"no picture"))
    answer = client_of(cases.claimant).post(f"/claims/{claim.code}/appeal/", body)
    assert answer.status_code == 422 or answer.status_code == 400
    page = answer.content.decode()
    assert "Only photographs (JPEG, PNG) and PDF files are taken." in page
    assert WORDS in page
    assert not Appeal.objects.exists()
    bad = client_of(cases.claimant).post(f"/claims/{claim.code}/appeal/papers/", {"kind": "other"})
    assert bad.status_code == 422


@pytest.mark.parametrize("address", ["appeal/", "appeal/papers/"])
def test_nobody_else_appeals(cases: AppealCases, address: str) -> None:
    claim = cases.decided("rejected")
    for person in (cases.neighbor, cases.reviewer, cases.world.admin):
        client = client_of(person)
        here = client.post(f"/claims/{claim.code}/{address}", _sent())
        none = client.post(f"/claims/CL-NONE/{address}", _sent())
        assert (here.status_code, none.status_code) == (404, 404)
        assert _api(person, claim).status_code == 404
    assert client_of(None).post(f"/claims/{claim.code}/{address}", _sent()).status_code == 302
    assert _api(None, claim).status_code == 401


def test_program_appeals_once(cases: AppealCases) -> None:
    claim = cases.decided("rejected")
    row = client_of(cases.claimant).get(f"/api/v1/me/claims/{claim.code}/").json()
    assert (row["claim"]["appeal_until"], row["claim"]["is_appeal"], row["appeal"]) == (
        "2026-06-19",
        False,
        None,
    )
    first, again = _api(cases.claimant, claim), _api(cases.claimant, claim)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json()["appeal"]["reason"] == WORDS
    assert first.json()["claim"]["state"] == "appealed"
    assert (first.json()["claim"]["is_appeal"], first.json()["claim"]["appeal_until"]) == (True, None)
    other = _api(cases.claimant, claim, key="0b6c6a1e-7c54-4b5e-8a27-6f1c2f9d0002")
    assert (other.status_code, other.json()["type"]) == (409, "urn:aid:one_appeal_per_claim")
    assert (
        _api(cases.claimant, claim, key="0b6c6a1e-7c54-4b5e-8a27-6f1c2f9d0003", reason="").status_code == 400
    )
    assert Appeal.objects.count() == 1


def test_program_reads_both_decisions(cases: AppealCases) -> None:
    claim = cases.heard(cases.appealed(), "rejected")
    row = client_of(cases.claimant).get(f"/api/v1/me/claims/{claim.code}/").json()
    assert (row["claim"]["state"], row["decision"]["outcome"]) == ("refused_finally", "rejected")
    assert row["first_decision"]["outcome"] == "rejected"
    assert "final" in _read(cases.claimant, claim)


def test_who_upheld_is_told_by_answer_alone(cases: AppealCases) -> None:
    claim = cases.overturned()
    page = _read(cases.claimant, claim)
    assert "It is so." in page
    assert "You can appeal until" in page
    row = client_of(cases.claimant).get(f"/api/v1/me/claims/{claim.code}/").json()
    assert row["upheld"]["answer"] == "It is so."
    cases.appeal(claim)
    services.assign_claim(claim=claim, reviewer=cases.other_reviewer.code, at=clock.now())
    claim.refresh_from_db()
    assert "It is so." in _work(cases.other_reviewer, claim)


def test_desk_marks_appeals_and_shows_the_first_decision(cases: AppealCases) -> None:
    claim = cases.appealed()
    queue = client_of(cases.other_reviewer).get("/pools/test-pool/review/").content.decode()
    assert queue.count("appealed</span>") == 1
    (row,) = client_of(cases.other_reviewer).get(DESK + "?state=appealed").json()["results"]
    assert (row["code"], row["is_appeal"], row["holder"]) == (claim.code, True, "reviewer")
    saved = client_of(cases.other_reviewer).get("/pools/test-pool/review/claims.csv").getvalue().decode()
    assert saved.splitlines()[1].endswith(",yes")
    page = _work(cases.other_reviewer, claim)
    assert "The first decision" in page
    assert "Take it up" in page
    assert WORDS not in page
    address = reverse("review_assign", args=["test-pool", claim.code])
    assert client_of(cases.other_reviewer).post(address).status_code == 302
    claim.refresh_from_db()
    page = _work(cases.other_reviewer, claim)
    for said in ("The second pathology report names it.", "I agree.", "The pathology report of 4 May"):
        assert said in page, said
    queue = client_of(cases.other_reviewer).get("/pools/test-pool/review/").content.decode()
    assert queue.count("appeal</span>") == 1


def test_who_judged_before_reads_and_does_nothing_more(cases: AppealCases) -> None:
    claim = cases.appealed()
    page = _work(cases.reviewer, claim)
    assert "You had a part in this case before the appeal." in page
    assert "Take it up" not in page
    address = reverse("review_assign", args=["test-pool", claim.code])
    assert client_of(cases.reviewer).post(address).status_code == 409
    cases.recommend(claim, "rejected")
    page = _work(cases.second, claim)
    assert "Decide as the second person" not in page
    assert "A lump was found" not in page
    paper = claim.papers.all()[0]
    here = reverse("review_paper", args=["test-pool", claim.code, paper.code])
    assert client_of(cases.second).get(here).status_code == 403
    assert client_of(cases.third).get(here).status_code == 200
    assert "Decide as the second person" in _work(cases.third, claim)


def test_undecided_appeal_tells_the_claimant_no_recommendation(cases: AppealCases) -> None:
    claim = cases.appealed()
    cases.recommend(claim, "approved")
    page = _read(cases.claimant, claim)
    assert "I have read the new report." not in page
    assert "The first decision" in page
    assert "The decision on your appeal" not in page
    cases.decide(claim, "approved", cases.third)
    claim.refresh_from_db()
    assert "The decision on your appeal" in _read(cases.claimant, claim)


def test_pool_without_other_people_says_so_to_all(cases: AppealCases) -> None:
    claim = cases.appealed()
    others = User.objects.filter(duty_grants__duty="second_reviewer", duty_grants__ended_at=None)
    assert not any("heard by nobody" in todo.text for todo in todos_of(cases.world.admin))
    for person in others.exclude(pk=cases.second.pk):
        lay_down_all(person)
    assert "Nobody is left in this pool" in _read(cases.claimant, claim)
    assert "Now with the pool administrator." in _read(cases.claimant, claim)
    assert "Nobody is left in this pool" in _work(cases.other_reviewer, claim)
    (todo,) = [todo for todo in todos_of(cases.world.admin) if "heard by nobody" in todo.text]
    assert "second reviewer" in todo.text.lower()


def test_own_part_in_a_case_is_no_appeal_to_take_up(cases: AppealCases) -> None:
    cases.appealed()
    for person, waits in ((cases.other_reviewer, 1), (cases.reviewer, 0)):
        assert sum("Appeals of" in todo.text for todo in todos_of(person)) == waits


def test_appeals_are_taken_along(cases: AppealCases) -> None:
    claim = cases.appealed()
    (rows,) = [list(table.rows(cases.claimant)) for table in EXPORTER.tables if table.name == "appeals"]
    assert [(row["claim"], row["reason"]) for row in rows] == [
        (claim.code, "The second pathology report names it.")
    ]


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_every_step_of_an_appeal_has_its_page(cases: AppealCases, language: str) -> None:
    claim = cases.decided("rejected")

    def opens() -> None:
        claim.refresh_from_db()
        for person, page in (
            (cases.claimant, reverse("claim", args=[claim.code])),
            (cases.claimant, reverse("my_claims")),
            (cases.third, reverse("review_claim", args=["test-pool", claim.code])),
            (cases.third, reverse("review_queue", args=["test-pool"])),
        ):
            client = client_of(person)
            client.cookies["django_language"] = language
            assert client.get(page).status_code == 200

    opens()
    cases.appeal(claim)
    opens()
    claim.refresh_from_db()
    cases.recommend(claim, "rejected")
    opens()
    cases.decide(claim, "rejected", cases.third)
    opens()
