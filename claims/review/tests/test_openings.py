"""Openings of papers: by whom, for what, for how long, marked, and told to the claimant."""

import datetime as dt
import io
import uuid
from typing import Any

import pikepdf
import pytest
from django.test import Client
from django.urls import reverse
from PIL import Image
from pytest_django import DjangoAssertNumQueries

from aidplatform.lib import clock
from aidplatform.testing.claim_cases import AppealCases, ClaimCases
from aidplatform.testing.refusals import not_permitted, refused, run
from aidplatform.testing.world import set_clock
from aidplatform.tests.pages_helpers import client_of
from aidplatform.work.models import AuditEntry
from claims.filing import services as filing
from claims.filing.models import Claim, Evidence
from claims.filing.selectors import ErasedError, read_paper
from claims.filing.tests.hostile import pdf
from claims.my_data import EXPORTER
from claims.review import openings
from claims.review.opening_models import PaperOpening
from members.people.models import User

API = "/api/v1/pools/test-pool/desk/"


def _paper(claim: Claim) -> Evidence:
    return claim.papers.filter(removed_at=None).order_by("pk")[0]


def _address(claim: Claim, paper: Evidence | None = None) -> str:
    return reverse("review_paper", args=["test-pool", claim.code, (paper or _paper(claim)).code])


def _told(**more: str) -> dict[str, str]:
    return {"purpose": "genuine", "note": "", "key": str(uuid.uuid4()), **more}


def _open(claim: Claim, person: User, **more: str) -> PaperOpening:
    told = {"purpose": "illness", "note": "", **more}
    return openings.open_paper(
        claim=claim, code=_paper(claim).code, opener=person.code, at=clock.now(), **told
    )


def _insert(claim: Claim, person: User, duty: str = "reviewer", **columns: object) -> None:
    row = {"paper_id": _paper(claim).pk, "opener": person.code, "duty": duty, "purpose": "illness", **columns}
    names, places = ", ".join(row), ", ".join(["%s"] * len(row))
    run(
        f"INSERT INTO claims_paperopening ({names}, opened_at) VALUES ({places}, '2020-01-01')", *row.values()
    )


def test_paper_opens_for_a_purpose_and_is_told_to_the_claimant(cases: ClaimCases) -> None:
    claim = cases.under_review()
    client, address = client_of(cases.reviewer), _address(claim)
    assert "What you look for" in client.get(address).content.decode()
    assert not PaperOpening.objects.exists()
    told = _told(purpose="other", note="The stamp looks odd <b>")
    first, again = (client.post(address, told) for _click in range(2))
    assert (first.status_code, first["Location"]) == (302, again["Location"])
    opening = PaperOpening.objects.get()
    assert (opening.opener, opening.duty, opening.purpose) == (cases.reviewer.code, "reviewer", "other")
    assert b"stamp" not in bytes(opening.note_sealed or b"")
    page = client.get(first["Location"]).content.decode()
    assert "The stamp looks odd &lt;b&gt;" in page
    assert reverse("review_opening_file", args=["test-pool", claim.code, opening.pk]) in page
    mine = client_of(cases.claimant).get(f"/claims/{claim.code}/").content.decode()
    for said in (
        "The stamp looks odd &lt;b&gt;",
        cases.reviewer.code,
        "in my own words",
        "Identity document",
    ):
        assert said in mine, said
    assert "@" not in mine.split("Who opened your file")[1].split("</ul>")[0]
    rows = {table.name: list(table.rows(cases.claimant)) for table in EXPORTER.tables}
    assert rows["paper_openings"] == [
        {
            "claim": claim.code, "paper": _paper(claim).code, "by": cases.reviewer.code,
            "opened_at": opening.opened_at, "duty": "reviewer", "purpose": "other", "note": "The stamp looks odd <b>",
        }
    ]  # fmt: skip
    line = AuditEntry.objects.get(action="open_evidence", subject=claim.code)
    assert "stamp" not in str(line.detail)


@pytest.mark.parametrize(
    "bad",
    [
        {"purpose": ""},
        {"purpose": "curiosity"},
        {"purpose": "other", "note": ""},
        {"key": "x"},
        {"note": "x" * 301},
    ],
)
def test_opening_without_a_purpose_is_refused_and_keeps_the_form(
    cases: ClaimCases, bad: dict[str, str]
) -> None:
    claim = cases.under_review()
    told = _told(**{"note": "My words", **bad})
    answer = client_of(cases.reviewer).post(_address(claim), told)
    assert answer.status_code == 422
    assert told["note"] in answer.content.decode()
    assert not PaperOpening.objects.exists()


def test_served_paper_is_marked_and_the_kept_one_is_not(cases: ClaimCases) -> None:
    claim = cases.under_review()
    client = client_of(cases.reviewer)
    page = client.post(_address(claim), _told())["Location"]
    answer = client.get(f"{page}file/")
    kept = read_paper(Evidence.objects.get(pk=_paper(claim).pk))
    assert answer.content != kept
    with Image.open(io.BytesIO(answer.content)) as marked, Image.open(io.BytesIO(kept)) as plain:
        assert marked.size == plain.size
    assert answer["Content-Disposition"].startswith("attachment; ")
    assert answer["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "no-store" in answer["Cache-Control"]
    assert answer["Content-Type"] == "image/jpeg"


def test_pdf_is_a_download_that_names_its_reader_on_every_page(cases: ClaimCases) -> None:
    claim = cases.draft()
    filing.add_evidence(claim=claim, claimant=cases.claimant.code, kind="other", data=pdf(2), at=clock.now())
    claim = cases.file(claim)
    client = client_of(cases.reviewer)
    client.post(reverse("review_assign", args=["test-pool", claim.code]))
    paper = claim.papers.get(media_type="application/pdf")
    page = client.post(_address(claim, paper), _told())["Location"]
    assert "<img" not in client.get(page).content.decode().split("<main")[1]
    answer = client.get(f"{page}file/")
    assert answer["Content-Disposition"].endswith('.pdf"')
    with pikepdf.open(io.BytesIO(answer.content)) as marked:
        for one in marked.pages:
            assert cases.reviewer.code.encode() in one.Contents.read_bytes()
            assert claim.code.encode() in one.Contents.read_bytes()


def test_opening_is_over_after_a_quarter_of_an_hour(cases: ClaimCases) -> None:
    claim = cases.under_review()
    client = client_of(cases.reviewer)
    page = client.post(_address(claim), _told())["Location"]
    set_clock(clock.now() + dt.timedelta(minutes=openings.MINUTES_OPEN))
    assert client.get(f"{page}file/").status_code == 409
    assert "This opening is over." in client.get(page).content.decode()


def test_opening_is_the_openers_alone_and_ends_with_the_case_in_hand(cases: ClaimCases) -> None:
    claim = cases.under_review()
    client = client_of(cases.reviewer)
    page = client.post(_address(claim), _told())["Location"]
    other = User.objects.create_user("other@test-pool.example.org", name="Other")
    cases.world.grant(other, "reviewer")
    for tail in ("", "file/"):
        assert client_of(other).get(page + tail).status_code == 404
        assert client_of(cases.claimant).get(page + tail).status_code == 404
        assert client_of(cases.world.treasurer).get(page + tail).status_code == 403
        assert client.get(page.replace("/openings/", "/openings/9") + tail).status_code == 404
    assert client_of(other).post(reverse("review_assign", args=["test-pool", claim.code])).status_code == 302
    assert client.get(f"{page}file/").status_code == 403


def test_who_has_the_claim_not_in_hand_opens_nothing(cases: ClaimCases) -> None:
    claim = cases.under_review()
    for person, status in (
        (cases.second, 403), (cases.world.admin, 403), (cases.world.stranger, 404), (cases.claimant, 404),
    ):  # fmt: skip
        client = client_of(person)
        assert client.get(_address(claim)).status_code == status
        assert client.post(_address(claim), _told()).status_code == status
    assert not PaperOpening.objects.exists()


def test_papers_are_opened_by_who_judges_them(cases: ClaimCases) -> None:
    claim = cases.under_review()
    _insert(claim, cases.reviewer)
    assert PaperOpening.objects.get().opened_at == clock.now()
    for person, duty in (
        (cases.second, "second_reviewer"), (cases.second, "reviewer"), (cases.claimant, "reviewer"),
        (cases.reviewer, "second_reviewer"), (cases.world.admin, "pool_admin"), (cases.neighbor, "reviewer"),
    ):  # fmt: skip
        with refused("papers_are_opened_by_who_judges_them"):
            _insert(claim, person, duty)


def test_second_reviewer_opens_while_there_is_something_to_decide(cases: ClaimCases) -> None:
    claim = cases.recommended()
    assert _open(claim, cases.second).duty == "second_reviewer"
    cases.decide(claim)
    claim.refresh_from_db()
    with pytest.raises(openings.NotInHandError):
        _open(claim, cases.second)
    with refused("papers_are_opened_by_who_judges_them"):
        _insert(claim, cases.second, "second_reviewer")


def test_refused_claim_is_in_nobodys_hands(cases: ClaimCases) -> None:
    claim = cases.decided("rejected")
    with pytest.raises(openings.NotInHandError):
        _open(claim, cases.reviewer)
    with refused("papers_are_opened_by_who_judges_them"):
        _insert(claim, cases.reviewer)


def test_who_judged_before_an_appeal_opens_nothing_of_it(db: None) -> None:
    cases = AppealCases.founded(appeal_days=30)
    claim = cases.appealed()
    cases.recommend(claim, "rejected")
    assert _open(claim, cases.third).duty == "second_reviewer"
    with pytest.raises(openings.NotInHandError):
        _open(claim, cases.second)
    with refused("papers_are_opened_by_who_judges_them"):
        _insert(claim, cases.second, "second_reviewer")


def test_paper_that_was_taken_out_or_erased_does_not_open(cases: ClaimCases) -> None:
    claim = cases.draft()
    out = _paper(claim)
    extra = filing.add_evidence(
        claim=claim, claimant=cases.claimant.code, kind="identity", data=pdf(), at=clock.now()
    )
    filing.remove_evidence(claim=claim, claimant=cases.claimant.code, code=out.code, at=clock.now())
    claim = cases.file(claim)
    client = client_of(cases.reviewer)
    client.post(reverse("review_assign", args=["test-pool", claim.code]))
    assert client.get(_address(claim, out)).status_code == 404
    with refused("papers_are_opened_by_who_judges_them"):
        _insert(claim, cases.reviewer, paper_id=out.pk)
    extra.key_id = extra.key_wrapped = None
    with pytest.raises(ErasedError):
        read_paper(extra)


def test_opening_says_what_for(cases: ClaimCases) -> None:
    claim = cases.under_review()
    for bad in ("other", "curiosity"):
        with refused("opening_says_what_for"):
            _insert(claim, cases.reviewer, purpose=bad)


def test_paper_opening_is_permanent(cases: ClaimCases) -> None:
    claim = cases.under_review()
    _open(claim, cases.reviewer)
    for statement in ("UPDATE claims_paperopening SET opener = 'x'", "DELETE FROM claims_paperopening"):
        with not_permitted():
            run(statement)


def test_claim_page_counts_its_queries_whatever_was_opened(
    cases: ClaimCases, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    claim = cases.under_review()
    client = client_of(cases.claimant)
    counts = []
    for _time in range(2):
        _open(claim, cases.reviewer)
        with django_assert_max_num_queries(60) as found:
            client.get(f"/claims/{claim.code}/")
        counts.append(len(found))
        _open(claim, cases.reviewer)
    assert counts[0] == counts[1]


# --- by programs ----------------------------------------------------------------------------------------------------


def _post(client: Client, address: str, key: str | None = "key-00000001", **told: str) -> Any:
    headers = {"Idempotency-Key": key} if key else {}
    return client.post(address, told, content_type="application/json", headers=headers)


def test_reviewers_program_opens_for_a_purpose(cases: ClaimCases) -> None:
    claim = cases.under_review()
    client, base = client_of(cases.reviewer), f"{API}{claim.code}/papers/"
    listed = client.get(base).json()
    assert [row["kind"] for row in listed] == ["identity", "diagnosis", "pathology"]
    assert not PaperOpening.objects.exists()
    address = f"{base}{listed[0]['code']}/opening/"
    assert _post(client, address, key=None, purpose="bills").status_code == 400
    assert _post(client, address).status_code == 400
    other = _post(client, address, key="key-00000002", purpose="other")
    assert (other.status_code, other.json()["type"]) == (422, "urn:aid:opening_says_what_for")
    first, again = (_post(client, address, purpose="bills") for _time in range(2))
    assert (first.status_code, first.json()) == (201, again.json())
    assert PaperOpening.objects.count() == 1
    file = client.get(first.json()["file"])
    assert file["Content-Disposition"].startswith("attachment")
    assert "no-store" in file["Cache-Control"]
    set_clock(clock.now() + dt.timedelta(hours=1))
    over = client.get(first.json()["file"])
    assert (over.status_code, over.json()["type"]) == (409, "urn:aid:opening_is_over")
    mine = client_of(cases.claimant).get(f"/api/v1/me/claims/{claim.code}/").json()["readers"]
    assert [(row["by"], row["kind"], row["purpose"]) for row in mine] == [
        (cases.reviewer.code, "identity", "bills")
    ]


def test_other_programs_open_nothing(cases: ClaimCases) -> None:
    claim = cases.under_review()
    base = f"{API}{claim.code}/papers/"
    address = f"{base}{_paper(claim).code}/opening/"
    for person, status in ((cases.second, 403), (cases.world.admin, 403), (cases.claimant, 404), (None, 401)):
        client = client_of(person)
        assert client.get(base).status_code == status
        assert _post(client, address, purpose="bills").status_code == status
    assert not PaperOpening.objects.exists()
