"""The papers of joining: complete, with nothing of the answers and half of a name, one's own only, alike each time."""

import datetime as dt
import hashlib
import io
import json

import pypdf
import pytest
from django.conf import settings
from django.core import mail
from django.test import Client

import members.tasks  # noqa: F401  registers the handlers of jobs
from aidplatform.lib import clock
from aidplatform.testing.world import World, run_jobs
from aidplatform.tests.pages_helpers import client_of
from members.joining import applications
from members.joining.certificates import (
    CERTIFICATE,
    answers_hash,
    paper_file,
    receipt_files,
    signature_of,
)
from members.joining.models import CovenantSignature, Membership
from members.joining.tests.papers import filled, paper
from members.people.identity import Paper
from members.people.models import User

PAPERS = "/pools/test-pool/me/papers/"


def words(content: bytes) -> str:
    """Return the text of all pages without their feet and without spaces."""
    pages = pypdf.PdfReader(io.BytesIO(content)).pages
    return "".join("".join("".join(page.extract_text().splitlines()[:-1]).split()) for page in pages)


def joined(world: World, language: str = "en", email: str = "newcomer@example.org") -> Membership:
    person = User.objects.create_user(email, language=language)
    application = filled(world.pool, person, chronic=True)
    return applications.sign_covenant(
        application=application,
        signer=person,
        shown_sha256=application.plan_version.covenant_sha256,
        language=language,
        at=clock.now(),
    )


def signed(membership: Membership) -> CovenantSignature:
    signature = signature_of(membership)
    assert signature is not None
    return signature


@pytest.mark.parametrize(("language", "other"), [("en", "zh-hans"), ("zh-hans", "en")])
def test_receipt_carries_covenant_in_both_languages_and_certificate(
    world: World, language: str, other: str
) -> None:
    joined(world, language)
    run_jobs()
    (letter,) = mail.outbox
    assert [(name, kind) for name, _content, kind in letter.attachments] == [
        (f"test-pool-covenant-{language}.pdf", "application/pdf"),
        (f"test-pool-covenant-{other}.pdf", "application/pdf"),
        (f"test-pool-certificate-{language}.pdf", "application/pdf"),
    ]
    assert all(content.startswith(b"%PDF-") for _name, content, _kind in letter.attachments)


def test_covenant_says_what_was_signed_when_and_by_whom(world: World) -> None:
    membership = joined(world, "zh-hans")
    signature = signed(membership)
    chinese, english, _certificate = (words(file.content) for file in receipt_files(signature.pk))
    for found in (chinese, english):
        for said in (
            signature.covenant_sha256,
            signature.declaration_sha256,
            signature.signature_sha256,
            answers_hash(signature),
            "林**",
            str(membership.number),
        ):
            assert said in found
    assert "Isthisinsurance?No:nobodypromisesasum." in english
    assert "简体中文" in english
    version = signature.plan_version
    for text, found in ((version.covenant_en, english), (version.covenant_zh, chinese)):
        for line in text.splitlines():
            assert "".join(line.lstrip("#").replace("**", "").split()) in found


def test_no_paper_tells_answers_or_the_whole_name(world: World) -> None:
    signature = signed(joined(world))
    for file in receipt_files(signature.pk):
        found = words(file.content)
        assert "林小雨" not in found
        assert paper().number not in found
        assert "chronic" not in found


def test_hash_of_answers_cannot_be_tried_out(world: World) -> None:
    """A few answers with yes or no have few hashes: without the key none of them is this one."""
    signature = signed(joined(world))
    questions = signature.plan_version.questions()
    tried = set()
    for bits in range(2 ** len(questions)):
        answers = {question.code: bool(bits >> place & 1) for place, question in enumerate(questions)}
        tried.add(hashlib.sha256(json.dumps(answers).encode()).hexdigest())
    assert answers_hash(signature) not in tried
    assert answers_hash(signature) != answers_hash(signed(joined_elsewhere(signature)))


def joined_elsewhere(signature: CovenantSignature) -> Membership:
    """Return another membership, signed with the same answers."""
    other = World.founded(code="other")
    person = User.objects.create_user("second@example.org")
    number = "XX7654321"
    application = filled(
        other.pool, person, Paper("Ana Example", dt.date(1990, 5, 15), "passport", "XX", number), chronic=True
    )
    return applications.sign_covenant(
        application=application,
        signer=person,
        shown_sha256=application.plan_version.covenant_sha256,
        language="en",
        at=clock.now(),
    )


def test_certificate_says_number_cover_and_end_of_waiting(world: World) -> None:
    membership = joined(world)
    found = words(receipt_files(signed(membership).pk)[2].content)
    for said in (
        "Certificateofjoining",
        f"Member{membership.number}",
        "Yousharefrom2Jan2026,00:00Asia/Shanghai",
        "illnessesfrom2Apr2026,00:00Asia/Shanghai",
        f"{settings.PUBLIC_URL}/pools/test-pool/",
    ):
        assert said in found
    chinese = words(paper_file(signed(membership), CERTIFICATE, "zh-hans").content)
    for said in ("2026年1月2日00:00Asia/Shanghai", "2026年4月2日00:00Asia/Shanghai"):
        assert said in chinese


def test_papers_come_again_from_the_own_page_byte_for_byte(world: World) -> None:
    membership = joined(world)
    run_jobs()
    client = client_of(membership.person)
    page = client.get("/pools/test-pool/me/").content.decode()
    for name, content, _kind in mail.outbox[0].attachments:
        kind, _hyphen, language = name.removeprefix("test-pool-").removesuffix(".pdf").partition("-")
        address = f"{PAPERS}{kind}/{language}.pdf"
        assert address in page
        response = client.get(address)
        assert response.content == content
        assert response["Content-Disposition"] == f'attachment; filename="{name}"'
        assert "no-store" in response["Cache-Control"]


def test_absent_and_not_yours_look_alike(world: World) -> None:
    membership = joined(world)
    client = client_of(membership.person)
    assert client.get(f"{PAPERS}covenant/fr.pdf").status_code == 404
    assert client.get(f"{PAPERS}health/en.pdf").status_code == 404
    stranger = client_of(world.stranger)
    nobodys = stranger.get(f"{PAPERS}covenant/en.pdf")
    nowhere = stranger.get("/pools/no-such/me/papers/covenant/en.pdf")
    assert (nobodys.status_code, nowhere.status_code) == (404, 404)
    assert Client().get(f"{PAPERS}covenant/en.pdf").status_code == 302


def test_member_who_signed_nothing_has_no_papers(world: World) -> None:
    membership = Membership.objects.filter(pool=world.pool).earliest("number")
    person = User.objects.create_user("moved@example.org")
    Membership.objects.filter(pk=membership.pk).update(person=person)
    client = client_of(person)
    assert client.get(f"{PAPERS}covenant/en.pdf").status_code == 404
    assert "My papers" not in client.get("/pools/test-pool/me/").content.decode()


@pytest.mark.parametrize(("name", "masked"), [("王小明", "王**"), ("Wei Li", "W** L**"), ("  Ana ", "A**")])
def test_masked_name(name: str, masked: str) -> None:
    assert Paper(name, dt.date(1990, 5, 15), "passport", "XX", "XX000000").masked_name == masked
