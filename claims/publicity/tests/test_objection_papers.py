"""Papers beside an objection, who reads them and when, and the claimant's reply."""

import datetime as dt
import io
import json
import uuid

import psycopg
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from PIL import Image
from pytest_django import DjangoAssertNumQueries

from aidplatform.lib import clock
from aidplatform.lib.errors import NotFoundError
from aidplatform.testing.claim_cases import ClaimCases, photograph
from aidplatform.testing.refusals import refused, refused_to_owner, run
from aidplatform.testing.world import run_jobs, set_clock
from aidplatform.tests.pages_helpers import client_of
from aidplatform.work.models import AuditEntry
from claims.filing import selectors as filing
from claims.filing.keys import erase_papers
from claims.filing.models import Claim, Evidence
from claims.filing.papers import PaperRefusedError
from claims.my_data import EXPORTER
from claims.publicity import services
from claims.publicity.models import Objection, ObjectionPaper
from claims.publicity.objection_papers import (
    ObjectionOverError,
    PaperThereError,
    TooManyPapersError,
    add_to_objection,
)
from claims.publicity.objection_selectors import upheld_from
from claims.publicity.tests.test_publicity import _answer
from claims.publicity.triggers import DAYS_FOR_TWO, DAYS_TO_REPLY
from claims.review import openings
from claims.review.opening_models import PaperOpening
from members.joining.services import admit_member
from members.people.models import User

API = "/api/v1"


def _add(cases: ClaimCases, objection: Objection, shade: int = 90) -> ObjectionPaper:
    return add_to_objection(
        objection=objection, member=cases.neighbor.code, data=photograph(shade), at=clock.now()
    )


def _with_a_paper(cases: ClaimCases) -> tuple[Claim, Objection, ObjectionPaper]:
    claim, objection = cases.objected()
    return claim, objection, _add(cases, objection)


def _open(claim: Claim, paper: ObjectionPaper, person: User) -> PaperOpening:
    return openings.open_paper(
        claim=claim, code=paper.paper.code, opener=person.code, purpose="objection", note="", at=clock.now()
    )


def _another_member(cases: ClaimCases, name: str = "other") -> User:
    person = User.objects.create_user(f"{name}@test-pool.example.org")
    admit_member(
        pool=cases.world.pool, person=person, class_no=0, from_at=clock.now(), joined_date=dt.date(2026, 1, 1),
        actor="test",
    )  # fmt: skip
    return person


def _object_too(cases: ClaimCases, claim: Claim, name: str = "other") -> None:
    services.object_to_case(
        claim=claim, member=_another_member(cases, name).code, reason="Too.", at=clock.now()
    )


def _dismiss(cases: ClaimCases, objection: Objection) -> None:
    services.answer_objection(
        objection=objection, answerer=cases.third.code, upheld=False, answer="No.", at=clock.now()
    )


def _days_on(days: float) -> None:
    set_clock(clock.now() + dt.timedelta(days=days))


def _file(claim: Claim, paper: ObjectionPaper, client: Client) -> int:
    address = reverse("told_paper", args=[claim.code, paper.objection.number, paper.paper.code])
    return client.get(address).status_code


def _insert_evidence(claim: Claim, kind: str = "objection") -> None:
    run(
        """INSERT INTO claims_evidence (claim_id, code, kind, media_type, size, sha256, sealed, key_id, key_wrapped,
                                        added_at)
           VALUES (%s, %s, %s, 'image/png', 1, %s, 'x', 'k', 'x', aid_now())""",
        claim.pk,
        uuid.uuid4().hex[:24],
        kind,
        uuid.uuid4().hex * 2,
    )


def test_paper_comes_with_the_objection_and_is_kept_like_every_paper(cases: ClaimCases) -> None:
    claim = cases.published()
    address = reverse("object_to_case", args=["test-pool", cases.award(claim).code])
    told = {
        "reason": "See the photograph.",
        "key": str(uuid.uuid4()),
        "file": SimpleUploadedFile("../a.jpg", photograph()),
    }
    assert client_of(cases.neighbor).post(address, told).status_code == 302
    paper = ObjectionPaper.objects.get().paper
    assert (paper.kind, paper.claim, paper.media_type) == ("objection", claim, "image/jpeg")
    assert paper.wrapped is not None
    assert b"\xff\xd8\xff" not in bytes(paper.sealed)
    with Image.open(io.BytesIO(filing.read_paper(paper))) as picture:
        assert not picture.getexif()
    # It is no paper of the claimant's: neither cited nor counted nor listed with them.
    assert paper.code not in filing.paper_codes(claim)


def test_hostile_paper_is_refused_and_nothing_is_objected(cases: ClaimCases) -> None:
    claim = cases.published()
    with pytest.raises(PaperRefusedError):
        services.object_to_case(
            claim=claim,
            member=cases.neighbor.code,
            reason="See it.",
            at=clock.now(),
            data=b"MZ this is no paper",
        )
    assert not Objection.objects.exists()
    page = client_of(cases.neighbor).post(
        reverse("object_to_case", args=["test-pool", cases.award(claim).code]),
        {
            "reason": "See <it>.",
            "key": str(uuid.uuid4()),
            "file": SimpleUploadedFile("a.pdf", b"%PDF-1.7 and nothing else"),
        },
    )
    assert page.status_code == 422
    # What was written is kept.
    assert "See &lt;it&gt;." in page.content.decode()


def test_three_papers_at_most_by_who_objected_while_it_is_open(cases: ClaimCases) -> None:
    _claim, objection, first = _with_a_paper(cases)
    assert _add(cases, objection) == first
    with pytest.raises(NotFoundError):
        add_to_objection(
            objection=objection, member=cases.world.stranger.code, data=photograph(), at=clock.now()
        )
    _add(cases, objection, 120)
    _add(cases, objection, 150)
    with pytest.raises(TooManyPapersError):
        _add(cases, objection, 180)
    objection.refresh_from_db()
    _dismiss(cases, objection)
    with pytest.raises(ObjectionOverError):
        _add(cases, objection, 230)


def test_paper_that_the_case_has_from_somebody_else_is_refused(cases: ClaimCases) -> None:
    _claim, objection = cases.objected()
    with pytest.raises(PaperThereError):
        _add(cases, objection, 10)


def test_papers_of_objections_take_nothing_of_the_claims_own_room(cases: ClaimCases) -> None:
    claim, _objection, _paper = _with_a_paper(cases)
    _insert_evidence(claim)
    _insert_evidence(claim)
    with refused("evidence_has_a_limit"):
        _insert_evidence(claim)


def test_evidence_of_an_objection_is_its_own(cases: ClaimCases) -> None:
    claim, objection, paper = _with_a_paper(cases)
    with refused("evidence_of_an_objection_is_its_own"):
        run("UPDATE claims_evidence SET removed_at = now() WHERE id = %s", paper.paper_id)
    with refused("evidence_joins_before_review"):
        _insert_evidence(claim, "other")
    _dismiss(cases, objection)
    with refused("evidence_of_an_objection_is_its_own"):
        _insert_evidence(claim)


def test_objection_paper_comes_while_it_is_open(cases: ClaimCases) -> None:
    claim, objection, _paper = _with_a_paper(cases)
    insert = "INSERT INTO claims_objectionpaper (objection_id, paper_id) VALUES (%s, %s)"
    own = claim.papers.filter(kind="identity").get()
    with refused("objection_paper_comes_while_it_is_open"):
        run(insert, objection.pk, own.pk)
    _insert_evidence(claim)
    loose = claim.papers.filter(kind="objection", objection_paper=None).get()
    _dismiss(cases, objection)
    with refused("objection_paper_comes_while_it_is_open"):
        run(insert, objection.pk, loose.pk)


def test_paper_that_comes_late_has_its_days(cases: ClaimCases) -> None:
    _claim, objection = cases.objected()
    set_clock(objection.raised_at + dt.timedelta(days=4))
    _add(cases, objection)
    begin = clock.now() + dt.timedelta(days=DAYS_TO_REPLY)
    assert upheld_from(objection, clock.now()) == begin
    set_clock(begin - dt.timedelta(seconds=1))
    with refused("claimant_is_heard_before_it_is_upheld"):
        _answer(objection, cases.third.code, "upheld")
    with pytest.raises(services.NotHeardError):
        services.answer_objection(
            objection=objection, answerer=cases.third.code, upheld=True, answer="So it is.", at=clock.now()
        )
    set_clock(begin)
    assert upheld_from(objection, clock.now()) is None
    _answer(objection, cases.third.code, "upheld")


def test_after_the_reply_no_paper_is_added(cases: ClaimCases) -> None:
    claim, objection = cases.objected()
    set_clock(objection.raised_at + dt.timedelta(days=DAYS_FOR_TWO))
    services.reply_to_objection(
        objection=objection, claimant=cases.claimant.code, text="I fell ill in May.", at=clock.now()
    )
    with pytest.raises(ObjectionOverError):
        _add(cases, objection)
    _insert_evidence(claim)
    loose = claim.papers.filter(kind="objection", objection_paper=None).get()
    with refused("objection_paper_comes_while_it_is_open"):
        run(
            "INSERT INTO claims_objectionpaper (objection_id, paper_id) VALUES (%s, %s)",
            objection.pk,
            loose.pk,
        )


def test_objection_papers_have_a_limit(cases: ClaimCases) -> None:
    claim, objection, _paper = _with_a_paper(cases)
    _object_too(cases, claim)
    for shade in (120, 150):
        _add(cases, objection, shade)
    _insert_evidence(claim)
    loose = claim.papers.filter(kind="objection", objection_paper=None).get()
    with refused("objection_papers_have_a_limit"):
        run(
            "INSERT INTO claims_objectionpaper (objection_id, paper_id) VALUES (%s, %s)",
            objection.pk,
            loose.pk,
        )


@pytest.mark.parametrize(
    "statement", ["UPDATE claims_objectionpaper SET paper_id = paper_id", "DELETE FROM claims_objectionpaper"]
)
def test_objection_paper_is_permanent(owner: psycopg.Connection, db: None, statement: str) -> None:
    with refused_to_owner(owner, "objection_paper_is_permanent"):
        owner.execute(statement)


def test_who_answers_opens_it_for_a_purpose_and_the_claimant_sees_that(cases: ClaimCases) -> None:
    claim, _objection, paper = _with_a_paper(cases)
    case = client_of(cases.third).get(reverse("case", args=["test-pool", cases.award(claim).code]))
    address = reverse("review_paper", args=["test-pool", claim.code, paper.paper.code])
    assert address in case.content.decode()
    client = client_of(cases.third)
    opened = client.post(address, {"purpose": "objection", "note": "", "key": str(uuid.uuid4())})
    assert opened.status_code == 302
    opening = PaperOpening.objects.get()
    marked = openings.marked_paper(claim=claim, opening=opening, person=cases.third, at=clock.now())
    assert marked.data != filing.read_paper(paper.paper)
    mine = client_of(cases.claimant).get(f"/claims/{claim.code}/").content.decode()
    assert "Paper of an objection" in mine
    assert "to answer an objection" in mine
    assert cases.third.code in mine


def test_papers_of_an_objection_are_opened_by_who_answers(cases: ClaimCases) -> None:
    claim, objection, paper = _with_a_paper(cases)
    for person in (cases.reviewer, cases.second):
        with pytest.raises(openings.NotAnsweringError):
            _open(claim, paper, person)
        duty = "reviewer" if person == cases.reviewer else "second_reviewer"
        with refused("papers_of_an_objection_are_opened_by_who_answers"):
            run(
                """INSERT INTO claims_paperopening (paper_id, opener, duty, purpose, opened_at)
                   VALUES (%s, %s, %s, 'objection', now())""",
                paper.paper_id,
                person.code,
                duty,
            )
    # Another objection stays open, so that second reviewers still read the claim's own papers.
    _object_too(cases, claim)
    opening = _open(claim, paper, cases.third)
    _dismiss(cases, objection)
    with pytest.raises(openings.NotAnsweringError):
        openings.marked_paper(claim=claim, opening=opening, person=cases.third, at=clock.now())


def test_other_members_learn_nothing_of_it(cases: ClaimCases) -> None:
    claim, _objection, paper = _with_a_paper(cases)
    address = reverse("case", args=["test-pool", cases.award(claim).code])
    client = client_of(_another_member(cases))
    page = client.get(address).content.decode()
    assert "I saw her ill" not in page
    assert paper.paper.code not in page
    rows = client.get(f"{API}/pools/test-pool/cases/{cases.award(claim).code}/objections/").json()
    assert [(row["reason"], row["reply"], row["answer"]) for row in rows] == [("", "", "")]
    assert _file(claim, paper, client) == 404


def test_claimant_reads_it_after_the_days_for_two_and_replies(cases: ClaimCases) -> None:
    claim, objection, paper = _with_a_paper(cases)
    client = client_of(cases.claimant)
    page = client.get(f"/claims/{claim.code}/").content.decode()
    assert "You read it, and can reply, from:" in page
    assert "I saw her ill" not in page
    assert _file(claim, paper, client) == 404
    assert client.get(reverse("own_paper", args=[claim.code, paper.paper.code])).status_code == 404
    _days_on(2)
    page = client.get(f"/claims/{claim.code}/").content.decode()
    assert "I saw her ill in 2024." in page
    assert _file(claim, paper, client) == 200
    assert AuditEntry.objects.filter(action="open_evidence", actor=cases.claimant.code).exists()
    reply = reverse("reply_to_objection", args=[claim.code, objection.number])
    empty = client.post(reply, {"text": ""})
    assert empty.status_code == 422
    assert client.post(reply, {"text": "That was my sister <b>"}).status_code == 302
    case = reverse("case", args=["test-pool", cases.award(claim).code])
    assert "That was my sister &lt;b&gt;" in client_of(cases.third).get(case).content.decode()
    # Who objected reads how it is answered, and not what the claimant tells of their illness.
    assert "That was my sister" not in client_of(cases.neighbor).get(case).content.decode()
    objection.refresh_from_db()
    assert b"sister" not in bytes(objection.reply_sealed or b"")
    assert client.post(reply, {"text": "Again"}).status_code == 302
    objection.refresh_from_db()
    _dismiss(cases, objection)


def test_objection_is_replied_to_by_its_claimant(cases: ClaimCases) -> None:
    _claim, objection = cases.objected()
    write = (
        "UPDATE claims_objection SET reply_sealed = 'x', replied_by = %s, replied_at = now() WHERE id = %s"
    )
    for person in (cases.neighbor, cases.third, cases.world.stranger):
        with refused("objection_is_replied_to_by_its_claimant"):
            run(write, person.code, objection.pk)
    with pytest.raises(NotFoundError):
        services.reply_to_objection(
            objection=objection, claimant=cases.neighbor.code, text="I", at=clock.now()
        )
    services.reply_to_objection(objection=objection, claimant=cases.claimant.code, text="No.", at=clock.now())
    with pytest.raises(services.RepliedBeforeError):
        services.reply_to_objection(
            objection=objection, claimant=cases.claimant.code, text="No!", at=clock.now()
        )
    with refused("objection_is_replied_to_by_its_claimant"):
        run(write, cases.claimant.code, objection.pk)
    _dismiss(cases, objection)
    with refused("objection_is_permanent"):
        run(write, cases.claimant.code, objection.pk)


def test_half_a_reply_is_none(cases: ClaimCases) -> None:
    _claim, objection = cases.objected()
    with refused("objection_is_replied_to_whole"):
        run(
            "UPDATE claims_objection SET replied_by = %s, replied_at = now() WHERE id = %s",
            cases.claimant.code,
            objection.pk,
        )


def test_whole_exchange_by_programs(cases: ClaimCases) -> None:
    claim, _objection = cases.objected()
    case = f"{API}/pools/test-pool/cases/{cases.award(claim).code}/objections/"
    neighbor, claimant = client_of(cases.neighbor), client_of(cases.claimant)
    file = SimpleUploadedFile("a.jpg", photograph(95))
    added = neighbor.post(f"{case}1/papers/", {"file": file})
    assert added.status_code == 201
    assert [paper["state"] for paper in added.json()["papers"]] == ["open"]
    mine = f"{API}/me/claims/{claim.code}/objections/"
    (row,) = claimant.get(mine).json()
    assert (row["reason"], [paper["state"] for paper in row["papers"]]) == ("", ["waits"])
    _days_on(2)
    (row,) = claimant.get(mine).json()
    assert row["reason"] == "I saw her ill in 2024."
    code = row["papers"][0]["code"]
    assert claimant.get(f"{mine}1/papers/{code}/file/").headers["Content-Type"] == "image/jpeg"
    (row,) = claimant.post(f"{mine}1/reply/", {"text": "Not me."}, content_type="application/json").json()
    assert row["reply"] == "Not me."
    answered = client_of(cases.third).post(
        f"{case}1/answer/", {"upheld": False, "answer": "No."}, content_type="application/json"
    )
    assert answered.json()["written"]["answer"] == "No."
    (row,) = neighbor.get(case).json()
    assert (row["reason"], row["reply"], row["answer"]) == ("I saw her ill in 2024.", "", "No.")


def test_data_handed_out_hold_what_is_told(cases: ClaimCases) -> None:
    _claim, _objection, paper = _with_a_paper(cases)

    def rows(person: User, name: str) -> list[dict[str, object]]:
        table = next(table for table in EXPORTER.tables if table.name == name)
        return json.loads(json.dumps(list(table.rows(person)), default=str))

    assert paper.paper.code not in json.dumps(rows(cases.claimant, "papers"))
    assert rows(cases.claimant, "objections")[0]["reason"] == ""
    assert rows(cases.neighbor, "objections_raised")[0]["reason"] == "I saw her ill in 2024."
    _days_on(2)
    assert paper.paper.code in json.dumps(rows(cases.claimant, "papers"))
    assert rows(cases.claimant, "objections")[0]["reason"] == "I saw her ill in 2024."


def test_paper_is_erased_with_the_others(cases: ClaimCases) -> None:
    claim, _objection, paper = _with_a_paper(cases)
    services.withdraw_claim(claim=claim, claimant=cases.claimant.code, at=clock.now())
    run_jobs()
    erase_papers(claim=claim, actor="test", reason="Needed no more.")
    kept = Evidence.objects.get(pk=paper.paper_id)
    assert kept.wrapped is None
    _days_on(2)
    page = client_of(cases.claimant).get(f"/claims/{claim.code}/").content.decode()
    assert "erased" in page
    assert _file(claim, paper, client_of(cases.claimant)) == 404


def test_case_page_asks_as_much_for_three_objections_as_for_one(
    cases: ClaimCases, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    claim, _objection, _paper = _with_a_paper(cases)
    address = reverse("case", args=["test-pool", cases.award(claim).code])
    client = client_of(cases.third)
    client.get(address)
    with CaptureQueriesContext(connection) as one:
        client.get(address)
    for name in ("other", "third-objector"):
        _object_too(cases, claim, name)
    with django_assert_num_queries(len(one)):
        client.get(address)
