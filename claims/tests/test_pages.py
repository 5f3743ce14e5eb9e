"""The pages of claims: they work, strangers see nothing, wrong duties are refused, bad input keeps the form."""

import io
import uuid

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from PIL import Image
from pytest_django import DjangoAssertNumQueries

from aidplatform.lib import clock
from aidplatform.testing.claim_cases import ClaimCases, all_papers, photograph
from aidplatform.testing.world import run_jobs
from aidplatform.work.models import AuditEntry
from claims.filing import services as filing
from claims.filing.models import Claim
from claims.filing.views import STEP_NAMES as STEPS
from claims.publicity.models import Objection
from claims.review import selectors as review
from claims.review.models import Decision, Recommendation
from members.people.models import User


def browser(person: User | None = None) -> Client:
    """Return a browser in which that person is signed in with a second factor."""
    client = Client()
    if person is not None:
        client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
        session = client.session
        session["aid_demo_mfa"] = True
        session.save()
    return client


def _upload(data: bytes, name: str = "paper.jpg") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data, content_type="image/jpeg")


WHAT = {
    "illness": "thyroid_cancer",
    "event_date": "2026-05-04",
    "birth_date": "1990-02-28",
    "sex": "f",
    "region": "zhejiang",
    "story": "A lump was found.",
}


def test_claimant_files_by_the_pages_alone(cases: ClaimCases) -> None:
    client = browser(cases.claimant)
    pool = cases.world.pool.code
    assert client.get(f"/claims/new/?pool={pool}").status_code == 200
    first = client.post("/claims/new/", {"pool": pool})
    again = client.post("/claims/new/", {"pool": pool})
    assert first["Location"] == again["Location"]
    code = Claim.objects.get().code
    assert client.get(f"/claims/{code}/edit/public/")["Location"].endswith("/edit/what/")
    assert client.post(f"/claims/{code}/edit/what/", WHAT)["Location"].endswith("/edit/papers/")
    for shade, kind in enumerate(("identity", "diagnosis", "pathology")):
        answer = client.post(
            f"/claims/{code}/edit/papers/", {"kind": kind, "file": _upload(photograph(shade * 60))}
        )
        assert answer["Location"].endswith("/edit/papers/")
    payee = {"payee_name": "Li Na", "payee_account": "6222 0000 1111 2222"}
    assert client.post(f"/claims/{code}/edit/payee/", payee)["Location"].endswith("/edit/public/")
    page = client.get(f"/claims/{code}/edit/public/")
    shown = page.context["form"].initial["shown"]
    assert "50,000.00" in page.content.decode()
    filed = client.post(f"/claims/{code}/edit/public/", {"shown": shown, "agreed": "on"})
    assert filed.status_code == 302, filed.context["form"].errors
    twice = client.post(f"/claims/{code}/edit/public/", {"shown": shown, "agreed": "on"})
    assert filed["Location"] == twice["Location"] == f"/claims/{code}/"
    text = client.get(f"/claims/{code}/").content.decode()
    assert "2222" in text
    assert "6222000011112222" not in text
    assert Claim.objects.get().state == "filed"
    assert AuditEntry.objects.filter(action="file_claim").count() == 1


def test_draft_shows_the_last_day_to_file(db: None) -> None:
    cases = ClaimCases.founded(report_days=180)
    claim = cases.draft()
    client = browser(cases.claimant)
    for address in (f"/claims/{claim.code}/", *(f"/claims/{claim.code}/edit/{step}/" for step in STEPS)):
        page = client.get(address).content.decode()
        assert "Last day to file: " in page, address
        assert "2026-10-31" in page, address
    _benefit, face = filing.preview(claim, clock.now())
    filing.file_claim(claim=claim, claimant=cases.claimant.code, shown_face=face, at=clock.now())
    page = client.get(f"/claims/{claim.code}/").content.decode()
    assert "Last day to file: " not in page
    assert "filed 20 May 2026, last day 31 Oct 2026 (180 days)" in page


def test_draft_without_a_limit_names_no_last_day(cases: ClaimCases) -> None:
    claim = cases.draft()
    assert "Last day to file" not in browser(cases.claimant).get(f"/claims/{claim.code}/").content.decode()


@pytest.mark.parametrize(
    ("step", "bad", "keeps"),
    [
        ("what", WHAT | {"event_date": "2027-01-01"}, "A lump was found."),
        ("what", WHAT | {"event_date": "1980-01-01"}, "A lump was found."),
        ("what", WHAT | {"illness": "cold"}, "A lump was found."),
        ("what", WHAT | {"birth_date": "yesterday"}, "yesterday"),
        ("payee", {"payee_name": "Li Na", "payee_account": "12"}, "Li Na"),
        ("payee", {"payee_name": "Li Na", "payee_account": "<script>"}, "Li Na"),
        ("public", {"shown": "{}"}, "agree"),
        ("public", {"shown": "not json", "agreed": "on"}, "agree"),
        ("public", {"shown": "[]", "agreed": "on"}, "agree"),
        ("papers", {"kind": "selfie"}, "diagnosis"),
    ],
)
def test_bad_input_keeps_the_form(cases: ClaimCases, step: str, bad: dict[str, str], keeps: str) -> None:
    claim = cases.draft()
    answer = browser(cases.claimant).post(f"/claims/{claim.code}/edit/{step}/", bad)
    assert answer.status_code in {409, 422}
    assert keeps in answer.content.decode()
    claim.refresh_from_db()
    assert claim.state == "draft"


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("../../etc/passwd", b"root:x:0:0"),
        ("scan.pdf.exe", b"MZ" * 100),
        ("invoice\u202egpj.exe", b"MZ" * 100),
        ("photo.jpg", b"<svg onload=alert(1)>"),
        ("a" * 300 + ".jpg", b"x"),
        ("NUL.jpg", b"\0" * 40),
    ],
)
def test_hostile_name_or_content_is_refused_in_words(cases: ClaimCases, name: str, data: bytes) -> None:
    claim = cases.draft()
    answer = browser(cases.claimant).post(
        f"/claims/{claim.code}/edit/papers/", {"kind": "other", "file": _upload(data, name)}
    )
    assert answer.status_code == 422
    assert claim.papers.count() == 3


def test_name_of_a_file_is_not_kept(cases: ClaimCases) -> None:
    claim = cases.draft()
    client = browser(cases.claimant)
    path = f"/claims/{claim.code}/edit/papers/"
    client.post(path, {"kind": "other", "file": _upload(photograph(9), "Li-Na-ward-7.jpg")})
    assert claim.papers.count() == 4
    assert "ward-7" not in client.get(path).content.decode()


def test_paper_is_served_so_that_it_can_do_nothing(cases: ClaimCases) -> None:
    claim = cases.draft()
    paper = claim.papers.order_by("pk")[0]
    answer = browser(cases.claimant).get(f"/claims/{claim.code}/papers/{paper.code}/")
    assert Image.open(io.BytesIO(answer.content)).size == (40, 30)
    assert answer["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "no-store" in answer["Cache-Control"]
    assert answer["Content-Disposition"] == f'attachment; filename="{paper.code}.jpg"'
    assert AuditEntry.objects.filter(action="open_evidence", subject=claim.code).count() == 1


def test_others_see_no_claim(cases: ClaimCases) -> None:
    claim = cases.draft()
    paper = claim.papers.order_by("pk")[0].code
    pages = [
        f"/claims/{claim.code}/",
        f"/claims/{claim.code}/edit/what/",
        f"/claims/{claim.code}/papers/{paper}/",
    ]
    for person in (cases.neighbor, cases.world.admin, cases.reviewer, cases.second, cases.world.auditor):
        client = browser(person)
        for page in pages:
            theirs = client.get(page)
            absent = client.get(page.replace(claim.code, "CL-ABSENT"))
            assert (theirs.status_code, absent.status_code) == (404, 404)
        for deed in ("withdraw", "receipt"):
            assert client.post(f"/claims/{claim.code}/{deed}/").status_code == 404
        assert client.post(f"/claims/{claim.code}/edit/what/", WHAT).status_code == 404
    for page in pages:
        assert "/accounts/login/" in browser().get(page)["Location"]
    claim.refresh_from_db()
    assert claim.state == "draft"


def test_reviewers_pages_are_for_reviewers(cases: ClaimCases) -> None:
    claim = cases.filed()
    pool = cases.world.pool.code
    pages = [
        f"/pools/{pool}/review/",
        f"/pools/{pool}/review/claims.csv",
        f"/pools/{pool}/review/{claim.code}/",
    ]
    expected = {
        cases.world.stranger: 404,
        cases.neighbor: 404,
        cases.claimant: 404,
        cases.world.admin: 403,
        cases.world.treasurer: 403,
        cases.world.auditor: 403,
        cases.reviewer: 200,
        cases.second: 200,
    }
    for person, status in expected.items():
        assert [browser(person).get(page).status_code for page in pages] == [status] * 3, person
    assert browser(cases.reviewer).get(f"/pools/{pool}/review/CL-ABSENT/").status_code == 404


def test_draft_is_not_on_the_desk(cases: ClaimCases) -> None:
    claim = cases.draft()
    pool = cases.world.pool.code
    assert claim.code not in browser(cases.reviewer).get(f"/pools/{pool}/review/").content.decode()
    assert browser(cases.reviewer).get(f"/pools/{pool}/review/{claim.code}/").status_code == 404


def test_only_who_is_in_charge_reads_the_file(cases: ClaimCases) -> None:
    claim = cases.filed()
    pool = cases.world.pool.code
    page = f"/pools/{pool}/review/{claim.code}/"
    paper = f"{page}papers/{claim.papers.order_by('pk')[0].code}/"
    client = browser(cases.reviewer)
    assert "A lump" not in client.get(page).content.decode()
    assert client.get(paper).status_code == 403
    assert client.post(f"{page}assign/").status_code == 302
    assert "A lump" in client.get(page).content.decode()
    assert client.get(paper).status_code == 200
    opened = client.post(paper, {"purpose": "illness", "key": str(uuid.uuid4())})
    assert client.get(opened["Location"]).status_code == 200
    second = browser(cases.second)
    assert "A lump" not in second.get(page).content.decode()
    assert second.get(paper).status_code == 403
    timeline = browser(cases.claimant).get(f"/claims/{claim.code}/").context["readers"]
    assert len(timeline) == 2


def _recommendation(**more: object) -> dict[str, object]:
    return {
        "outcome": "approved",
        "aid": "50,000.00",
        "clause": "aid",
        "reason": "Established on 4 May.",
        "key": str(uuid.uuid4()),
        **more,
    }


def test_two_reviewers_decide_by_the_pages(cases: ClaimCases) -> None:
    claim = cases.under_review()
    page = f"/pools/{cases.world.pool.code}/review/{claim.code}/"
    first, second = browser(cases.reviewer), browser(cases.second)
    told = _recommendation(papers=all_papers(claim))
    for _click in range(2):
        assert first.post(f"{page}recommend/", told).status_code == 302
    assert Recommendation.objects.count() == 1
    assert "decide_form" not in first.get(page).context
    form = second.get(page).context["decide_form"]
    decision = {
        "outcome": "approved",
        "clause": "aid",
        "papers": form.initial["papers"],
        "reason": "I agree.",
        "shown_sha256": form.initial["shown_sha256"],
        "key": str(form.initial["key"]),
    }
    for _click in range(2):
        assert second.post(f"{page}decide/", decision).status_code == 302
    late = browser(cases.third).post(f"{page}decide/", decision | {"key": str(uuid.uuid4())})
    assert late.status_code == 409
    assert Decision.objects.count() == 1
    run_jobs()
    claim.refresh_from_db()
    assert claim.state == "in_publicity"
    assert second.get(page).status_code == 200


@pytest.mark.parametrize(
    "bad",
    [
        {"reason": ""},
        {"aid": "a lot"},
        {"aid": "50,000.01"},
        {"clause": "mercy"},
        {"outcome": "returned"},
        {"papers": []},
        {"papers": ["E-NONE"]},
    ],
)
def test_bad_recommendation_keeps_the_form(cases: ClaimCases, bad: dict[str, object]) -> None:
    claim = cases.under_review()
    page = f"/pools/{cases.world.pool.code}/review/{claim.code}/recommend/"
    answer = browser(cases.reviewer).post(page, _recommendation(**{"papers": all_papers(claim)} | bad))
    assert answer.status_code == 422
    assert bad.get("reason", "Established on 4 May.") in answer.content.decode()
    assert not Recommendation.objects.exists()


def test_decision_over_an_old_hash_is_refused(cases: ClaimCases) -> None:
    claim = cases.recommended()
    answer = browser(cases.second).post(
        f"/pools/{cases.world.pool.code}/review/{claim.code}/decide/",
        {
            "outcome": "approved",
            "clause": "aid",
            "papers": all_papers(claim),
            "reason": "Yes",
            "shown_sha256": "0" * 64,
            "key": str(uuid.uuid4()),
        },
    )
    assert answer.status_code == 409
    assert "Look at it again" in answer.content.decode()


def test_papers_are_asked_for_and_sent(cases: ClaimCases) -> None:
    claim = cases.under_review()
    page = f"/pools/{cases.world.pool.code}/review/{claim.code}/request-papers/"
    client = browser(cases.reviewer)
    assert client.post(page, {"kinds": ["other"], "message": ""}).status_code == 422
    assert client.post(page, {"kinds": ["other"], "message": "Page 2, please."}).status_code == 302
    mine = browser(cases.claimant)
    assert "Page 2, please." in mine.get(f"/claims/{claim.code}/").content.decode()
    shown = mine.get(f"/claims/{claim.code}/edit/public/").context["form"].initial["shown"]
    mine.post(f"/claims/{claim.code}/edit/public/", {"shown": shown, "agreed": "on"})
    claim.refresh_from_db()
    assert claim.state == "filed"


def test_queue_filters_by_its_address_and_downloads_the_same(cases: ClaimCases) -> None:
    claim = cases.under_review()
    pool = cases.world.pool.code
    client = browser(cases.reviewer)
    for query, found in (
        ("", True),
        ("?state=under_review", True),
        ("?state=filed", False),
        ("?mine=on", True),
        (f"?text={claim.code[:6]}", True),
        ("?text=XYZ", False),
        ("?state=nonsense", True),
    ):
        assert (claim.code in client.get(f"/pools/{pool}/review/{query}").content.decode()) is found, query
        csv = b"".join(client.get(f"/pools/{pool}/review/claims.csv{query}").streaming_content).decode()
        assert (claim.code in csv) is found, query


def test_queue_asks_as_much_for_three_as_for_one(
    cases: ClaimCases, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    cases.under_review()
    client = browser(cases.reviewer)
    address = f"/pools/{cases.world.pool.code}/review/"
    client.get(address)
    with django_assert_max_num_queries(40) as one:
        client.get(address)
    for _number in range(2):
        claim = cases.draft()
        _benefit, face = filing.preview(claim, clock.now())
        filing.file_claim(claim=claim, claimant=cases.claimant.code, shown_face=face, at=clock.now())
    with django_assert_max_num_queries(len(one)):
        client.get(address)


def test_members_object_on_the_notice_board(cases: ClaimCases) -> None:
    claim = cases.published()
    pool, case = cases.world.pool.code, cases.award(claim).code
    board, page = f"/pools/{pool}/notices/", f"/pools/{pool}/notices/{case}/"
    client = browser(cases.neighbor)
    assert case in client.get(board).content.decode()
    assert claim.code not in client.get(page).content.decode()
    told = {"reason": "I saw her ill in 2024.", "key": str(uuid.uuid4())}
    assert client.post(f"{page}object/", {"reason": "", "key": told["key"]}).status_code == 422
    for _click in range(2):
        assert client.post(f"{page}object/", told).status_code == 302
    assert client.post(f"{page}object/", told | {"key": str(uuid.uuid4())}).status_code == 409
    assert Objection.objects.count() == 1
    assert "ill in 2024" in client.get(page).content.decode()
    for person in (cases.claimant, cases.world.admin, cases.second):
        assert "ill in 2024" not in browser(person).get(page).content.decode()
    third = browser(cases.third)
    assert "ill in 2024" in third.get(page).content.decode()
    answer = f"{page}objections/1/answer/"
    assert third.post(answer, {"upheld": "no", "answer": ""}).status_code == 422
    assert browser(cases.second).post(answer, {"upheld": "no", "answer": "No"}).status_code == 403
    assert 'value="yes"' not in third.get(page).content.decode()
    early = third.post(answer, {"upheld": "yes", "answer": "It is so."})
    assert (early.status_code, Objection.objects.get().state) == (409, "open")
    assert "It is so." in early.content.decode()
    assert "the claimant can still read" in early.content.decode().lower()
    assert third.post(answer, {"upheld": "no", "answer": "Somebody else's record."}).status_code == 302
    assert third.post(answer, {"upheld": "yes", "answer": "After all."}).status_code == 409
    claim.refresh_from_db()
    assert claim.state == "in_publicity"


def test_notices_are_for_the_people_of_the_pool(cases: ClaimCases) -> None:
    claim = cases.published()
    pool, case = cases.world.pool.code, cases.award(claim).code
    stranger = browser(cases.world.stranger)
    for page in (f"/pools/{pool}/notices/", f"/pools/{pool}/notices/{case}/", "/pools/absent/notices/"):
        assert stranger.get(page).status_code == 404
    assert stranger.post(f"/pools/{pool}/notices/{case}/object/", {"reason": "x"}).status_code == 404
    assert browser(cases.neighbor).get(f"/pools/{pool}/notices/2026-9999/").status_code == 404


def test_claimant_takes_back_and_confirms(cases: ClaimCases) -> None:
    claim = cases.filed()
    client = browser(cases.claimant)
    assert client.post(f"/claims/{claim.code}/receipt/").status_code == 409
    for _click in range(2):
        assert client.post(f"/claims/{claim.code}/withdraw/").status_code == 302
    claim.refresh_from_db()
    assert claim.state == "withdrawn"
    assert client.get("/claims/").status_code == 200


def test_every_state_has_its_page(cases: ClaimCases) -> None:
    """The claimant's page and the workspace open at every step, in both languages."""
    claim = cases.decided()
    cases.to_publicity()
    cases.end_publicity()
    cases.post()
    for language in ("en", "zh-hans"):
        for person, page in (
            (cases.claimant, reverse("claim", args=[claim.code])),
            (cases.second, reverse("review_claim", args=[cases.world.pool.code, claim.code])),
        ):
            client = browser(person)
            client.cookies["django_language"] = language
            assert client.get(page).status_code == 200
    assert review.decision_of(claim) is not None
