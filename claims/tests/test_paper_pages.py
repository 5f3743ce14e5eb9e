"""Papers of a draft as they are sent, several at once, by page and program; words kept while they are written."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from aidplatform.lib import clock
from aidplatform.testing.claim_cases import ClaimCases, photograph
from aidplatform.tests.pages_helpers import client_of
from aidplatform.work.models import AuditEntry
from claims.filing import selectors, services
from claims.filing.models import LARGEST_PAPER, Claim, Evidence
from claims.filing.uploading import shown_name
from claims.tests.test_pages import WHAT


def _file(data: bytes, name: str = "paper.jpg") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data, content_type="image/jpeg")


def _begun(cases: ClaimCases) -> Claim:
    return services.start_claim(membership=cases.membership, claimant=cases.claimant.code, at=clock.now())


def _papers(claim: Claim) -> str:
    return f"/claims/{claim.code}/edit/papers/"


def test_several_papers_come_in_one_go_and_by_the_camera(cases: ClaimCases) -> None:
    claim, client = _begun(cases), client_of(cases.claimant)
    answer = client.post(
        _papers(claim),
        {
            "kind": "bill",
            "file": [_file(photograph(1)), _file(photograph(70))],
            "photo": _file(photograph(140)),
        },
    )
    assert (answer.status_code, answer["Location"]) == (302, _papers(claim))
    assert list(claim.papers.values_list("kind", flat=True)) == ["bill"] * 3
    page = client.get(_papers(claim)).content.decode()
    assert 'capture="environment"' in page
    assert page.count("multiple") == 2


def test_good_papers_are_kept_and_each_refused_one_is_named(cases: ClaimCases) -> None:
    claim, client = _begun(cases), client_of(cases.claimant)
    answer = client.post(
        _papers(claim),
        {
            "kind": "bill",
            "file": [
                _file(photograph(1), "first.jpg"),
                _file(b"<svg onload=alert(1)>", "scan\u202egpj.svg"),
                _file(b"", "nothing.jpg"),
                _file(b"\0\0\0\x18ftypheic" + b"\0" * 40, "IMG_0001.HEIC"),
                _file(b"\xff\xd8\xff" + b"\0" * LARGEST_PAPER, "huge.jpg"),
                _file(photograph(70), "<b>last.jpg"),
            ],
        },
    )
    assert answer.status_code == 422
    page = answer.content.decode()
    assert claim.papers.count() == 2
    for said in (
        "scangpj.svg", "Only photographs", "nothing.jpg", "empty", "IMG_0001.HEIC", "Most Compatible", "huge.jpg",
        "too large", "&lt;b&gt;last.jpg",
    ):  # fmt: skip
        assert said in page, said
    assert "\u202e" not in page
    assert "last" not in client.get(_papers(claim)).content.decode()


def test_program_of_the_page_hears_of_each_file(cases: ClaimCases) -> None:
    claim, client = _begun(cases), client_of(cases.claimant)
    accept = {"Accept": "application/json"}
    kept = client.post(_papers(claim), {"kind": "bill", "file": _file(photograph(1))}, headers=accept)
    assert (kept.status_code, kept.json()) == (200, {"kept": ["paper.jpg"], "refused": []})
    refused = client.post(_papers(claim), {"kind": "bill", "file": _file(b"x")}, headers=accept)
    assert refused.status_code == 422
    assert refused.json()["refused"][0]["says"].startswith("Only photographs")
    none = client.post(_papers(claim), {"kind": "bill"}, headers=accept)
    assert (none.status_code, none.json()["kept"]) == (422, [])
    assert "at least one file" in none.json()["refused"][0]["says"]


def test_more_than_ten_at_once_are_told_to_come_later(cases: ClaimCases) -> None:
    claim, client = _begun(cases), client_of(cases.claimant)
    files = [_file(photograph(number * 20), f"{number}.jpg") for number in range(12)]
    page = client.post(_papers(claim), {"kind": "bill", "file": files})
    assert page.status_code == 422
    assert claim.papers.count() == 10
    assert page.content.decode().count("At most 10 files") == 2


def test_papers_of_a_claim_that_moved_on_are_refused_in_words(cases: ClaimCases) -> None:
    claim = cases.filed()
    answer = client_of(cases.claimant).post(_papers(claim), {"kind": "bill", "file": _file(photograph(1))})
    assert (answer.status_code, answer["Location"]) == (302, f"/claims/{claim.code}/")
    assert claim.papers.count() == 3


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("scan.jpg", "scan.jpg"),
        ("../../etc/passwd", "../../etc/passwd"),
        ("a\0b\r\nc.jpg", "abc.jpg"),
        ("\u202egpj.exe", "gpj.exe"),
        (" ", "a file without a name"),
        (None, "a file without a name"),
        ("x" * 300 + ".jpg", "x" * 30 + "…" + "x" * 26 + ".jpg"),
    ],
)
def test_name_of_a_file_is_shown_in_one_plain_line(name: str | None, shown: str) -> None:
    assert shown_name(name) == shown


def test_checklist_says_what_is_missing_and_where_it_goes(cases: ClaimCases) -> None:
    claim, client = _begun(cases), client_of(cases.claimant)
    for address in (f"/claims/{claim.code}/", _papers(claim)):
        page = client.get(address).content.decode()
        for where in ("edit/what/#id_illness", "edit/what/#id_story", "edit/payee/#id_payee_name"):
            assert f"/claims/{claim.code}/{where}" in page, where
    client.post(f"/claims/{claim.code}/edit/what/", WHAT)
    page = client.get(_papers(claim)).content.decode()
    assert f"{_papers(claim)}?kind=pathology#id_file" in page
    assert "#id_story" not in page
    wanted = client.get(f"{_papers(claim)}?kind=pathology").content.decode()
    assert '<option value="pathology" selected>' in wanted
    assert '<option value="identity" selected>' in client.get(f"{_papers(claim)}?kind=evil").content.decode()
    full = cases.draft()
    assert "still missing" not in client.get(_papers(full)).content.decode()
    assert "What the claim takes" not in client.get(f"/claims/{cases.file(full).code}/").content.decode()


# --- words ----------------------------------------------------------------------------------------------------------


def _save(client: Client, claim: Claim, **told: str) -> dict[str, object]:
    answer = client.post(f"/claims/{claim.code}/words/", told, headers={"Accept": "application/json"})
    assert answer.status_code == 200, answer.content
    return dict(answer.json())


def test_words_are_kept_while_they_are_written(cases: ClaimCases) -> None:
    claim, client = _begun(cases), client_of(cases.claimant)
    told = _save(client, claim, illness="thyroid_cancer", story="A lump", sex="f", region="")
    assert told == {"saved_at": "10:00", "refused": {}}
    claim.refresh_from_db()
    assert (claim.illness, selectors.read_story(claim), claim.sex, claim.event_date) == (
        "thyroid_cancer", "A lump", "f", None,
    )  # fmt: skip
    written = AuditEntry.objects.filter(action="save_draft").count()
    _save(client, claim, illness="thyroid_cancer", story="A lump", sex="f", region="")
    assert AuditEntry.objects.filter(action="save_draft").count() == written
    page = client.get(f"/claims/{claim.code}/edit/what/").content.decode()
    assert "A lump" in page
    assert f'data-draft="/claims/{claim.code}/words/"' in page


def test_what_cannot_be_kept_is_named_and_the_rest_is_kept(cases: ClaimCases) -> None:
    claim, client = _begun(cases), client_of(cases.claimant)
    told = _save(client, claim, illness="cold", story="A lump", event_date="2027-01-01", birth_date="1990-0")
    assert set(told["refused"]) == {"illness", "event_date", "birth_date"}  # type: ignore[call-overload]
    claim.refresh_from_db()
    assert (claim.illness, selectors.read_story(claim), claim.event_date) == ("", "A lump", None)
    _save(client, claim, story="")
    claim.refresh_from_db()
    assert selectors.read_story(claim) == "A lump"


def test_words_of_others_and_of_filed_claims_are_not_kept(cases: ClaimCases) -> None:
    claim = cases.filed()
    told, address = {"story": "Other words"}, f"/claims/{claim.code}/words/"
    accept = {"Accept": "application/json"}
    moved = client_of(cases.claimant).post(address, told, headers=accept)
    assert (moved.status_code, moved.json()["type"]) == (409, "urn:aid:claim_moved_on")
    for person in (cases.neighbor, cases.reviewer):
        assert client_of(person).post(address, told).status_code == 404
    assert client_of(cases.claimant).get(address).status_code == 405
    assert selectors.read_story(claim).startswith("A lump was found")


# --- by programs ----------------------------------------------------------------------------------------------------


def test_program_adds_lists_and_takes_out_with_the_refusals_of_the_page(cases: ClaimCases) -> None:
    claim, client = _begun(cases), client_of(cases.claimant)
    base = f"/api/v1/me/claims/{claim.code}/papers/"
    added = client.post(base, {"kind": "diagnosis", "file": _file(photograph(1), "Li-Na.jpg")})
    assert added.status_code == 201
    assert set(added.json()) == {"code", "kind", "media_type", "size", "sha256", "added_at", "is_erased"}
    again = client.post(base, {"kind": "diagnosis", "file": _file(photograph(1))})
    assert again.json() == added.json()
    assert client.get(base).json() == [added.json()]
    for data, says in (
        (b"", "empty"),
        (b"x", "Only photographs"),
        (b"\xff\xd8\xff" + b"\0" * LARGEST_PAPER, "large"),
    ):
        refused = client.post(base, {"kind": "bill", "file": _file(data)})
        assert (refused.status_code, refused.json()["type"]) == (422, "urn:aid:paper_refused")
        assert says in refused.json()["title"]
    assert client.post(base, {"kind": "selfie", "file": _file(photograph(70))}).status_code == 400
    assert client.post(base, {"kind": "bill"}, content_type="application/json").status_code == 415
    one = f"{base}{added.json()['code']}/"
    for person, status in ((cases.neighbor, 404), (cases.reviewer, 404), (None, 401)):
        other = client_of(person)
        assert other.get(base).status_code == status
        assert other.delete(one).status_code == status
        assert other.post(base, {"kind": "bill", "file": _file(photograph(140))}).status_code == status
    assert [client.delete(one).status_code for _time in range(2)] == [204, 204]
    assert client.get(base).json() == []
    assert Evidence.objects.get().removed_at is not None
    assert client.delete(f"{base}E-ABSENT/").status_code == 404
    filed = cases.filed()
    paper = filed.papers.order_by("pk")[1].code
    moved = client.delete(f"/api/v1/me/claims/{filed.code}/papers/{paper}/")
    assert (moved.status_code, moved.json()["type"]) == (409, "urn:aid:claim_moved_on")
