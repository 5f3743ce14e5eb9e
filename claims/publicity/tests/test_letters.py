"""The letter of a decision: for its claimant, in both languages, the same bytes each time, and naming nobody."""

import io

import pypdf
import pytest
from django.core.cache import cache

from aidplatform.lib import clock
from aidplatform.testing.claim_cases import AppealCases, ClaimCases
from aidplatform.testing.prepared import prepared
from aidplatform.testing.world import run_jobs
from aidplatform.tests.pages_helpers import client_of
from claims.filing.models import Claim
from claims.publicity.letters import access_decision, letter_pdf
from claims.publicity.services import withdraw_claim
from members.people.models import Notice


@pytest.fixture(autouse=True)
def no_counts_left_over(db: None) -> None:
    cache.clear()


@prepared
def cases() -> AppealCases:
    return AppealCases.founded(appeal_days=30)


def text_of(pdf: bytes) -> str:
    """Return the text of a PDF without line breaks."""
    pages = pypdf.PdfReader(io.BytesIO(pdf)).pages
    return "".join("".join(page.extract_text() for page in pages).split())


def pdf_of(claim: Claim, language: str, round_no: int = 1) -> bytes:
    return letter_pdf(access_decision(claim=claim, round_no=round_no), language)


def test_letter_says_what_was_decided_why_and_what_can_be_done(cases: AppealCases) -> None:
    claim = cases.decided("rejected")
    page = client_of(cases.claimant).get(f"/claims/{claim.code}/letters/1/").content.decode()
    for said in (
        claim.code, "Thyroid cancer", "rejected", "¥0.00", "A member whose waiting period has ended",
        "The pathology report of 4 May establishes it.", "I agree.", "Pathology report, 2026-05-20, SHA-256",
        "You can appeal until 19 Jun 2026", "The courts stay open to you.", "Does the plan grant aid",
    ):  # fmt: skip
        assert said in page, said
    told = text_of(pdf_of(claim, "en"))
    for said in ("Youcanappealuntil19Jun2026", "Thepathologyreportof4May", claim.code, "Iagree."):
        assert said in told, said


def test_letter_is_in_chinese_as_well(cases: AppealCases) -> None:
    claim = cases.decided()
    page = (
        client_of(cases.claimant, language="zh-hans").get(f"/claims/{claim.code}/letters/1/").content.decode()
    )
    for said in ("关于申请", "互助金最高可达", "您现在可以做什么", "病理报告", "已批准"):
        assert said in page, said
    assert "最高可达" in text_of(pdf_of(claim, "zh-hans"))


def test_letter_has_the_same_bytes_whenever_it_is_made(cases: AppealCases) -> None:
    claim = cases.decided("rejected")
    before = {language: pdf_of(claim, language) for language in ("en", "zh-hans")}
    cases.appeal(claim)
    claim = cases.heard(Claim.objects.get(pk=claim.pk), "approved")
    assert claim.state == "in_publicity"
    for language, made in before.items():
        assert pdf_of(claim, language) == made
    assert pdf_of(claim, "en", 2) != before["en"]


def test_letter_names_nobody_who_judged(cases: AppealCases) -> None:
    claim = cases.decided()
    page = client_of(cases.claimant).get(f"/claims/{claim.code}/letters/1/").content.decode()
    told = page.split("<main", 1)[1] + text_of(pdf_of(claim, "en"))
    for person in (cases.reviewer, cases.second):
        assert person.code not in told
        assert person.email not in told


def test_letter_on_an_appeal_says_that_it_is_final(cases: AppealCases) -> None:
    claim = cases.heard(cases.appealed(), "rejected")
    page = client_of(cases.claimant).get(f"/claims/{claim.code}/letters/2/").content.decode()
    assert "Inside the pool it is final." in page
    assert "You can appeal until" not in page


def test_letter_without_an_appeal_in_the_plan_says_so(db: None) -> None:
    cases = ClaimCases.founded()
    claim = cases.decided("rejected")
    page = client_of(cases.claimant).get(f"/claims/{claim.code}/letters/1/").content.decode()
    assert "The rules of this case know no appeal." in page


def test_letter_is_its_claimants_alone(cases: AppealCases) -> None:
    claim = cases.decided()
    for address in ("letters/1/", "letters/1/en.pdf"):
        for person in (cases.neighbor, cases.reviewer, cases.world.admin):
            assert client_of(person).get(f"/claims/{claim.code}/{address}").status_code == 404
        assert client_of(None).get(f"/claims/{claim.code}/{address}").status_code == 302
    mine = client_of(cases.claimant)
    file = mine.get(f"/claims/{claim.code}/letters/1/en.pdf")
    assert (file.status_code, file["Content-Type"]) == (200, "application/pdf")
    for address in ("letters/2/", "letters/2/en.pdf", "letters/1/fr.pdf"):
        assert mine.get(f"/claims/{claim.code}/{address}").status_code == 404
    waiting = cases.recommended()
    assert mine.get(f"/claims/{waiting.code}/letters/1/").status_code == 404


def test_returned_claim_has_no_letter_of_its_return(cases: AppealCases) -> None:
    claim = cases.recommended()
    cases.decide(claim, "returned")
    assert client_of(cases.claimant).get(f"/claims/{claim.code}/letters/1/").status_code == 404


def test_program_downloads_the_letter(cases: AppealCases) -> None:
    claim = cases.decided()
    mine = client_of(cases.claimant)
    row = mine.get(f"/api/v1/me/claims/{claim.code}/").json()["decision"]
    address = f"/api/v1/me/claims/{claim.code}/letters/{row['round']}/"
    assert mine.get(f"{address}en/").content == pdf_of(claim, "en")
    assert mine.get(f"{address}fr/").status_code == 404
    assert client_of(cases.neighbor).get(f"{address}en/").status_code == 404
    assert client_of(None).get(f"{address}en/").status_code == 401


def test_notice_and_claim_lead_to_the_letter(cases: AppealCases) -> None:
    claim = cases.decided("rejected")
    run_jobs()
    notice = Notice.objects.get(person=cases.claimant, kind="claim_rejected")
    assert notice.link == f"/claims/{claim.code}/letters/1/"
    assert notice.link in client_of(cases.claimant).get(f"/claims/{claim.code}/").content.decode()


def test_letter_stays_when_the_claim_is_taken_back(cases: AppealCases) -> None:
    claim = cases.decided()
    withdraw_claim(claim=claim, claimant=cases.claimant.code, at=clock.now())
    assert client_of(cases.claimant).get(f"/claims/{claim.code}/letters/1/").status_code == 200
