"""The pages and addresses of investigations: for reviewers, for who investigates one case, for its claimant."""

import re
import uuid
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from aidplatform.lib import clock
from aidplatform.testing.claim_cases import ClaimCases, photograph
from aidplatform.testing.investigation_cases import InvestigationCases
from aidplatform.testing.prepared import prepared
from aidplatform.tests.pages_helpers import client_of
from aidplatform.work.models import AuditEntry
from claims.filing.models import Claim
from claims.review import investigations
from claims.review.investigation_models import Investigation
from claims.review.tests.test_near import pay_for_the_claimant
from ledger.custody.cost_models import OutsideCost
from members.people.models import User

API = "/api/v1/"
DESK = "/pools/test-pool/review/"
ORDER = {
    "question": "Was she treated there in <b>March</b>?",
    "reason": "The stamp is not readable.",
    "name": "Wang Fang",
    "most": "400.00",
}


@prepared
def cases() -> InvestigationCases:
    """Give the test a pool whose plan knows investigations."""
    return InvestigationCases.founded()


def with_key(told: dict[str, Any]) -> dict[str, Any]:
    return {"key": str(uuid.uuid4()), **told}


def order(cases: InvestigationCases, claim: Claim, **more: str) -> Any:
    address = reverse("review_order_investigation", args=["test-pool", claim.code])
    return client_of(cases.reviewer).post(address, with_key({**ORDER, **more}))


def call(client: Client, method: str, address: str, data: Any = None, **headers: str) -> Any:
    sent = {"content_type": "application/json"} if method == "post" else {}
    return getattr(client, method)(f"{API}{address}", data, headers=headers, **sent)


def test_reviewer_orders_one_from_the_workspace(cases: InvestigationCases) -> None:
    claim = cases.under_review()
    client = client_of(cases.reviewer)
    address = reverse("review_order_investigation", args=["test-pool", claim.code])
    assert address in client.get(f"{DESK}{claim.code}/").content.decode()
    shown = client.get(address).content.decode()
    assert "all members, with the next bill" in shown
    told = with_key(ORDER)
    first, again = client.post(address, told), client.post(address, told)
    assert (first.status_code, first["Location"]) == (302, again["Location"])
    assert Investigation.objects.count() == 1
    page = client.get(first["Location"]).content.decode()
    assert "Was she treated there in &lt;b&gt;March&lt;/b&gt;?" in page
    made = client.post(f"{first['Location']}link/").content.decode()
    assert "/investigations/by/" in made
    assert "/investigations/by/" not in client.get(first["Location"]).content.decode()
    assert "Investigation 1" in client.get(f"{DESK}{claim.code}/").content.decode()


def test_page_loaded_again_makes_no_other_link(cases: InvestigationCases) -> None:
    one = cases.ordered()
    client = client_of(cases.reviewer)
    page = reverse("review_investigation", args=["test-pool", one.claim.code, 1])

    def asked() -> dict[str, str]:
        [mark] = re.findall(r'name="instead_of" value="([0-9a-f]*)"', client.get(page).content.decode())
        return {"instead_of": mark}

    def kept() -> str | None:
        return Investigation.objects.get().token_sha256

    assert kept() is None
    first = asked()
    assert "/investigations/by/" in client.post(f"{page}link/", first).content.decode()
    made = kept()
    again = client.post(f"{page}link/", first)
    assert (again.status_code, kept()) == (409, made)
    assert "/investigations/by/" not in again.content.decode()
    client.get(page)
    assert kept() == made
    assert "/investigations/by/" in client.post(f"{page}link/", asked()).content.decode()
    assert kept() != made


@pytest.mark.parametrize(
    "bad", [{"question": ""}, {"reason": ""}, {"name": ""}, {"most": "x"}, {"most": "3000.01"}, {"key": "x"}]
)
def test_bad_order_keeps_what_was_written(cases: InvestigationCases, bad: dict[str, str]) -> None:
    claim = cases.under_review()
    answer = order(cases, claim, **bad)
    assert answer.status_code == 422
    assert ("Wang Fang" if "name" not in bad else "The stamp is not readable.") in answer.content.decode()
    assert not Investigation.objects.exists()


def test_plan_without_investigations_says_so(db: None) -> None:
    plain = ClaimCases.founded()
    claim = plain.under_review()
    client = client_of(plain.reviewer)
    address = reverse("review_order_investigation", args=["test-pool", claim.code])
    assert address not in client.get(f"{DESK}{claim.code}/").content.decode()
    assert "nobody from outside" in client.get(address).content.decode()


def test_second_reviewer_agrees_and_others_do_not(cases: InvestigationCases) -> None:
    claim = cases.under_review()
    page = order(cases, claim, most="600.00")["Location"]
    second, home = client_of(cases.second), client_of(cases.second).get("/").content.decode()
    assert page in home
    assert "Agree to it" in second.get(page).content.decode()
    assert "Agree to it" not in client_of(cases.reviewer).get(page).content.decode()
    for person, status in ((cases.reviewer, 403), (cases.world.stranger, 404), (cases.world.treasurer, 403)):
        assert client_of(person).post(f"{page}decide/", {"agree": "yes"}).status_code == status
    assert second.post(f"{page}decide/", {"agree": "yes"}).status_code == 302
    assert Investigation.objects.get().state == "ordered"
    assert second.post(f"{page}decide/", {"agree": "yes"}).status_code == 409


def test_people_who_have_nothing_to_do_with_it_see_nothing(cases: InvestigationCases) -> None:
    one = cases.running()
    page = reverse("review_investigation", args=["test-pool", one.claim.code, 1])
    for person, status in (
        (cases.world.stranger, 404),
        (cases.claimant, 404),
        (cases.outsider, 404),
        (cases.world.treasurer, 403),
    ):
        assert client_of(person).get(page).status_code == status
    admin = client_of(cases.world.admin).get(page).content.decode()
    assert "stamp of the hospital" not in admin
    assert "End it" in admin
    assert client_of(cases.world.admin).post(f"{page}revoke/").status_code == 302
    assert Investigation.objects.get().state == "revoked"


def test_investigator_sees_one_case_and_everything_else_is_absent(cases: InvestigationCases) -> None:
    one = cases.ordered()
    link = reverse("investigation_link", args=[cases.token(one)])
    visitor = client_of(None).get(link)
    assert visitor.status_code == 302
    assert "/accounts/login/" in visitor["Location"]
    client = client_of(cases.outsider)
    shown = client.get(link).content.decode()
    assert "Test pool" in shown
    assert one.claim.code not in shown
    assert "treated" not in shown
    accepted = client.post(link)
    assert accepted["Location"] == f"/investigations/{one.code}/"
    assert client.get(link).status_code == 410
    assert client.post(link).status_code == 409
    page = client.get(accepted["Location"]).content.decode()
    for said in ("Was she treated there in March?", "A lump was found", "Claimant", "Identity document"):
        assert said in page, said
    assert "6222 0000 1111 2222" not in page
    assert "2222" not in page
    line = AuditEntry.objects.filter(action="open_claim", actor=cases.outsider.code).get()
    assert line.detail["purpose"] == "investigation"
    mine = client_of(cases.claimant).get(f"/claims/{one.claim.code}/").content.decode()
    assert cases.outsider.code in mine
    assert "Was she treated there in March?" in mine
    assert one.code in client.get("/").content.decode()
    for address in (
        f"/claims/{one.claim.code}/",
        DESK,
        f"{DESK}{one.claim.code}/",
        "/pools/test-pool/notices/",
        "/investigations/I-ANOTHER000/",
    ):
        assert client.get(address).status_code == 404, address
    weak = client_of(cases.outsider, second_factor=False)
    assert weak.get(accepted["Location"]).status_code == 302
    assert client_of(cases.neighbor).get(accepted["Location"]).status_code == 404


def test_somebody_with_a_part_in_the_pool_is_told_why_not(cases: InvestigationCases) -> None:
    link = reverse("investigation_link", args=[cases.token(cases.ordered())])
    answer = client_of(cases.second).post(link)
    assert answer.status_code == 403
    assert "Somebody from outside investigates it." in answer.content.decode()


def test_investigator_opens_a_paper_for_a_purpose(cases: InvestigationCases) -> None:
    one = cases.running()
    paper = one.claim.papers.order_by("pk")[0]
    client = client_of(cases.outsider)
    address = reverse("investigation_paper", args=[one.code, paper.code])
    told = with_key({"purpose": "genuine", "note": ""})
    first, again = client.post(address, told), client.post(address, told)
    assert first["Location"] == again["Location"]
    assert client.post(address, with_key({"purpose": "", "note": ""})).status_code == 422
    assert client.get(first["Location"]).status_code == 200
    file = client.get(f"{first['Location']}file/")
    assert file["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert file.content != photograph(10)
    assert client_of(cases.reviewer).get(first["Location"]).status_code == 404


def test_investigator_adds_findings_and_reports(cases: InvestigationCases) -> None:
    one = cases.running()
    client = client_of(cases.outsider)
    address = f"/investigations/{one.code}/"
    bad = client.post(f"{address}findings/", {"file": SimpleUploadedFile("x.txt", b"no picture")})
    assert bad.status_code == 422
    kept = client.post(f"{address}findings/", {"file": SimpleUploadedFile("x.jpg", photograph(90))})
    assert kept.status_code == 302
    words = {"text": "The archive has her file.", "bill": "300.00", "payee_name": "", "payee_account": ""}
    for told in (words, words | {"bill": "400.01", "payee_name": "W", "payee_account": "62220000"}):
        refused = client.post(f"{address}report/", with_key(told))
        assert refused.status_code == 422
        assert "The archive has her file." in refused.content.decode()
    told = with_key(words | {"payee_name": "Wang Fang", "payee_account": "6222 1111"})
    first, again = client.post(f"{address}report/", told), client.post(f"{address}report/", told)
    assert (first.status_code, again.status_code) == (200, 200)
    for click in (first, again):
        assert "A controller of the pool looks at your bill" in click.content.decode()
    assert OutsideCost.objects.count() == 1
    assert client.get(address).status_code == 404


def test_claimant_reads_and_answers_once(cases: InvestigationCases) -> None:
    one = cases.running()
    address = reverse("claim_findings", args=[one.claim.code, 1])
    client = client_of(cases.claimant)
    assert "Nothing. The cost is never the claimant" in client.get(address).content.decode()
    cases.reported(one)
    page = client.get(address).content.decode()
    assert "The archive of the hospital has her file." in page
    assert address in client.get("/").content.decode()
    assert address in client.get(f"/claims/{one.claim.code}/").content.decode()
    assert client.post(address, with_key({"text": "x" * 4001})).status_code == 422
    told = with_key({"text": "That is my sister's file."})
    assert [client.post(address, told).status_code for _click in range(2)] == [302, 302]
    assert "That is my sister" in client.get(address).content.decode()
    late = client.post(address, with_key({"text": "And more"}))
    assert late.status_code == 409
    assert "That is my sister" in client_of(cases.reviewer).get(f"{DESK}{one.claim.code}/").content.decode()
    for person in (cases.neighbor, cases.outsider):
        assert client_of(person).get(address).status_code == 404
    assert client.get(reverse("claim_findings", args=[one.claim.code, 2])).status_code == 404


def test_claimant_is_not_told_of_what_nobody_agreed_to(cases: InvestigationCases) -> None:
    one = cases.ordered(most_fen=60_000)
    page = client_of(cases.claimant).get(f"/claims/{one.claim.code}/").content.decode()
    assert "Was she treated" not in page
    assert (
        client_of(cases.claimant).get(reverse("claim_findings", args=[one.claim.code, 1])).status_code == 404
    )


def test_pages_in_chinese(cases: InvestigationCases) -> None:
    one = cases.reported()
    page = client_of(cases.claimant, language="zh-hans").get(
        reverse("claim_findings", args=[one.claim.code, 1])
    )
    assert "调查" in page.content.decode()


def test_workspace_asks_as_often_with_three_investigations(cases: InvestigationCases) -> None:
    one = cases.ordered()
    counts = []
    for more in (0, 2):
        for _index in range(more):
            investigations.revoke_investigation(investigation=one, actor=cases.reviewer.code, at=clock.now())
            one = cases.ordered(one.claim)
        client = client_of(cases.reviewer)
        client.get(f"{DESK}{one.claim.code}/")
        with CaptureQueriesContext(connection) as counted:
            client.get(f"{DESK}{one.claim.code}/")
        counts.append(len(counted))
    assert counts[0] == counts[1]


def test_programs_do_the_same(cases: InvestigationCases) -> None:
    claim = cases.under_review()
    reviewer, second = client_of(cases.reviewer), client_of(cases.second)
    desk = f"pools/test-pool/desk/{claim.code}/investigations/"
    told = {"question": "When?", "reason": "It is open.", "name": "Wang Fang", "most_fen": 60_000}
    made = call(reviewer, "post", desk, told, **{"Idempotency-Key": "order-one"})
    assert (made.status_code, made.json()["state"]) == (201, "asked")
    assert call(reviewer, "post", desk, told).status_code == 400
    assert call(second, "post", f"{desk}1/agreement/", {"agrees": True}).json()["state"] == "ordered"
    assert call(second, "post", f"{desk}1/link/").status_code == 403
    link = call(reviewer, "post", f"{desk}1/link/").json()["link"]
    token = link.rstrip("/").rpartition("/")[2]
    outsider = client_of(cases.outsider)
    accepted = call(outsider, "post", "me/investigations/acceptance/", {"token": token})
    assert accepted.status_code == 201, accepted.content
    code = accepted.json()["code"]
    assert [row["code"] for row in call(outsider, "get", "me/investigations/").json()] == [code]
    case = f"me/investigations/{code}/"
    assert call(outsider, "get", case).json()["illness"] == "thyroid_cancer"
    assert call(client_of(cases.neighbor), "get", case).status_code == 404
    assert call(client_of(cases.outsider, second_factor=False), "get", case).status_code == 403
    papers = call(outsider, "get", f"{case}papers/").json()
    opened = call(
        outsider,
        "post",
        f"{case}papers/{papers[0]['code']}/openings/",
        {"purpose": "genuine"},
        **{"Idempotency-Key": "open-the-first"},
    )
    assert opened.status_code == 201, opened.content
    assert outsider.get(opened.json()["file"]).status_code == 200
    sent = outsider.post(f"{API}{case}papers/", {"file": SimpleUploadedFile("x.jpg", photograph(91))})
    assert (sent.status_code, sent.json()["kind"]) == (201, "investigation")
    assert call(reviewer, "post", f"{desk}1/extension/").status_code == 200
    report = {"text": "Found.", "bill_fen": 100, "payee_name": "Wang Fang", "payee_account": "62221111"}
    assert call(outsider, "post", f"{case}report/", report).status_code == 204
    assert call(outsider, "get", case).status_code == 404
    mine = client_of(cases.claimant)
    own = f"me/claims/{claim.code}/investigations/"
    assert call(mine, "get", own).json()[0]["report"] == "Found."
    assert call(mine, "post", f"{own}1/answer/", {"text": ""}).json()["answer_open"] is False
    rows = call(reviewer, "get", desk).json()
    assert (rows[0]["state"], rows[0]["bill_fen"]) == ("reported", 100)
    another = cases.ordered(Claim.objects.get(pk=claim.pk))
    assert (
        call(client_of(cases.world.admin), "post", f"{desk}{another.number}/revocation/").status_code == 204
    )


def test_person_who_is_near_does_not_read_what_is_asked(cases: InvestigationCases) -> None:
    one = cases.ordered(most_fen=60_000)
    near = User.objects.get(pk=cases.neighbor.pk)
    cases.world.grant(near, "second_reviewer")
    page = reverse("review_investigation", args=["test-pool", one.claim.code, 1])
    assert client_of(near).get(page).status_code == 200
    pay_for_the_claimant(cases)
    assert client_of(near).get(page).status_code == 404
