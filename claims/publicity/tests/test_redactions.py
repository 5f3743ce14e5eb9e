"""What two people take out of an objection before its claimant reads it, and that nobody else and nobody alone does."""

import datetime as dt

import psycopg
import pytest
from django.urls import reverse

from aidplatform.lib import clock
from aidplatform.testing.claim_cases import ClaimCases, photograph
from aidplatform.testing.refusals import not_permitted, refused, refused_to_owner, run
from aidplatform.testing.world import set_clock
from aidplatform.tests.pages_helpers import client_of
from aidplatform.work.models import AuditEntry
from claims.filing.models import Claim
from claims.publicity import redactions, services
from claims.publicity.models import Objection, Redaction
from claims.publicity.objection_papers import add_to_objection
from claims.publicity.triggers import DAYS_FOR_TWO
from members.joining.services import admit_member
from members.people.models import User

WRITTEN = "She lies, the cow. I saw her ill in 2024.\nHer son Li Ming has HIV."
LEFT = "She lies▇▇▇. I saw her ill in 2024.\nHer son ▇▇▇."


@pytest.fixture
def insulted(cases: ClaimCases) -> tuple[ClaimCases, Claim, Objection]:
    """Give the test an objection with an insult and words about somebody else."""
    claim = cases.published()
    objection = services.object_to_case(
        claim=claim, member=cases.neighbor.code, reason=WRITTEN, at=clock.now()
    )
    claim.refresh_from_db()
    return cases, claim, objection


def _propose(objection: Objection, person: User, *words: str) -> Redaction:
    return redactions.propose_words(
        objection=objection,
        proposer=person.code,
        ground="insult",
        words=words or (", the cow", "Li Ming has HIV"),
        at=clock.now(),
    )


def _decide(one: Redaction, person: User, *, takes_out: bool = True) -> Redaction:
    return redactions.decide_redaction(
        redaction=one, decider=person.code, takes_out=takes_out, at=clock.now()
    )


def _mine(cases: ClaimCases, claim: Claim) -> str:
    return client_of(cases.claimant).get(f"/claims/{claim.code}/").content.decode()


def _insert(objection: Objection, by: User, **more: object) -> None:
    row = {
        "objection_id": objection.pk,
        "number": 9,
        "ground": "insult",
        "shown_sealed": b"x",
        "state": "proposed",
        "proposed_by": by.code,
        "proposed_at": clock.now(),
    } | more
    names, places = ", ".join(row), ", ".join(["%s"] * len(row))
    run(f"INSERT INTO claims_redaction ({names}) VALUES ({places})", *row.values())


def _write_decision(one: Redaction, by: User, state: str = "taken_out") -> None:
    run(
        "UPDATE claims_redaction SET state = %s, decided_by = %s, decided_at = now() WHERE id = %s",
        state,
        by.code,
        one.pk,
    )


def test_two_people_take_words_out_and_that_stays_visible(
    insulted: tuple[ClaimCases, Claim, Objection],
) -> None:
    cases, claim, objection = insulted
    one = _propose(objection, cases.third)
    _decide(one, cases.world.controller)
    set_clock(clock.now() + dt.timedelta(days=DAYS_FOR_TWO))
    page = _mine(cases, claim)
    assert LEFT.replace("\n", "<br>") in page
    assert "Li Ming" not in page
    assert "Two people took words out of what the claimant reads: it insults</p>" in " ".join(page.split())
    # Members read no words of it, and see that something was taken out, and why.
    case = reverse("case", args=["test-pool", cases.award(claim).code])
    public = client_of(cases.world.admin).get(case).content.decode()
    assert "it insults" in public
    assert "I saw her ill" not in public
    # Who wrote it and who answers it read all of it.
    for person in (cases.neighbor, cases.third):
        assert "Li Ming has HIV" in client_of(person).get(case).content.decode()


def test_who_may_decide_finds_it_on_the_own_page(insulted: tuple[ClaimCases, Claim, Objection]) -> None:
    cases, claim, objection = insulted
    one = _propose(objection, cases.third)
    reminder = "Something is to be taken out of an objection"
    address = reverse("objection", args=["test-pool", cases.award(claim).code, objection.number])
    home = client_of(cases.world.controller).get("/").content.decode()
    assert reminder in home
    assert f'href="{address}"' in home
    assert client_of(cases.world.controller).get(address).status_code == 200
    for person in (cases.third, cases.neighbor, cases.claimant, cases.world.treasurer):
        assert reminder not in client_of(person).get("/").content.decode()
    _decide(one, cases.world.controller)
    assert reminder not in client_of(cases.world.controller).get("/").content.decode()


def test_objection_counts_and_is_answered_all_the_same(
    insulted: tuple[ClaimCases, Claim, Objection],
) -> None:
    cases, claim, objection = insulted
    _decide(_propose(objection, cases.third), cases.world.controller)
    assert cases.award(claim).is_held
    cases.end_publicity()
    assert cases.award(claim).period is None
    services.answer_objection(
        objection=objection, answerer=cases.third.code, upheld=False, answer="No.", at=clock.now()
    )
    claim.refresh_from_db()
    assert claim.state == "in_publicity"
    # Nor does it give the member another one.
    with pytest.raises((services.ObjectedOnceError, services.PublicityOverError)):
        services.object_to_case(claim=claim, member=cases.neighbor.code, reason="Again", at=clock.now())


def test_one_person_alone_holds_nothing_back(insulted: tuple[ClaimCases, Claim, Objection]) -> None:
    cases, claim, objection = insulted
    one = _propose(objection, cases.third)
    with pytest.raises(redactions.SecondPersonError):
        _decide(one, cases.third)
    with refused("redaction_takes_two_people"):
        _write_decision(one, cases.third)
    set_clock(clock.now() + dt.timedelta(days=DAYS_FOR_TWO))
    assert "Li Ming has HIV" in _mine(cases, claim)


def test_left_as_it_was_written_it_is_read_as_it_was_written(
    insulted: tuple[ClaimCases, Claim, Objection],
) -> None:
    cases, claim, objection = insulted
    _decide(_propose(objection, cases.third), cases.world.controller, takes_out=False)
    set_clock(clock.now() + dt.timedelta(days=DAYS_FOR_TWO))
    page = _mine(cases, claim)
    assert "Li Ming has HIV" in page
    assert "took words out" not in page


def test_redaction_is_by_people_apart(insulted: tuple[ClaimCases, Claim, Objection]) -> None:
    cases, _claim, objection = insulted
    # Who decided, who reviewed, whose case it is, who wrote it, and somebody without the duty.
    for person in (cases.second, cases.reviewer, cases.claimant, cases.neighbor, cases.world.controller):
        with pytest.raises(redactions.NotApartError):
            _propose(objection, person)
        with refused("redaction_is_by_people_apart"):
            _insert(objection, person)
    one = _propose(objection, cases.third)
    for person in (cases.second, cases.reviewer, cases.claimant, cases.neighbor, cases.world.admin):
        with pytest.raises(redactions.NotApartError):
            _decide(one, person)
        with refused("redaction_is_by_people_apart"):
            _write_decision(one, person)


def test_only_words_that_are_there_are_taken_out(insulted: tuple[ClaimCases, Claim, Objection]) -> None:
    cases, _claim, objection = insulted
    with pytest.raises(redactions.NoSuchWordsError):
        _propose(objection, cases.third, "the pig")
    assert not Redaction.objects.exists()


def test_redaction_is_decided_as_shown(insulted: tuple[ClaimCases, Claim, Objection]) -> None:
    cases, _claim, objection = insulted
    one = _propose(objection, cases.third)
    assert b"saw her ill" not in bytes(one.shown_sealed or b"")
    with not_permitted():
        run("UPDATE claims_redaction SET shown_sealed = 'y' WHERE id = %s", one.pk)
    _decide(one, cases.world.controller)
    with pytest.raises(redactions.RedactionDecidedError):
        _decide(one, cases.world.controller, takes_out=False)
    for state in ("left", "taken_out"):
        with refused("redaction_is_decided_as_shown"):
            _write_decision(one, cases.world.controller, state)
    with refused("redaction_state_follows_order"):
        _insert(objection, cases.third, state="left")


def test_one_redaction_waits_at_a_time_and_none_comes_twice(
    insulted: tuple[ClaimCases, Claim, Objection],
) -> None:
    cases, _claim, objection = insulted
    one = _propose(objection, cases.third)
    with pytest.raises(redactions.RedactionWaitsError):
        _propose(objection, cases.third)
    with refused("one_open_redaction_per_objection"):
        _insert(objection, cases.third)
    _decide(one, cases.world.controller)
    with pytest.raises(redactions.RedactionWaitsError):
        _propose(objection, cases.third)
    with refused("one_redaction_per_number"):
        _insert(objection, cases.third, number=1)
    _insert(objection, cases.third)
    with refused("nothing_is_taken_out_twice"):
        _write_decision(Redaction.objects.get(number=9), cases.world.controller)


def test_redaction_is_of_words_or_a_paper(insulted: tuple[ClaimCases, Claim, Objection]) -> None:
    cases, _claim, objection = insulted
    with refused("redaction_is_of_words_or_a_paper"):
        _insert(objection, cases.third, shown_sealed=None)
    with refused("redaction_is_of_words_or_a_paper"):
        _insert(objection, cases.third, ground="truth")


@pytest.mark.parametrize("statement", ["DELETE FROM claims_redaction", "TRUNCATE claims_redaction"])
def test_redactions_are_kept(owner: psycopg.Connection, db: None, statement: str) -> None:
    with not_permitted():
        run(statement)
    with refused_to_owner(owner, "redactions_are_kept"):
        owner.execute(statement)


def test_paper_about_others_is_withheld_by_two_second_reviewers(cases: ClaimCases) -> None:
    claim, objection = cases.objected()
    paper = add_to_objection(
        objection=objection, member=cases.neighbor.code, data=photograph(120), at=clock.now()
    )
    fourth = User.objects.create_user("fourth@example.org")
    cases.world.grant(fourth, "second_reviewer")
    one = redactions.propose_paper(paper=paper, proposer=cases.third.code, at=clock.now())
    # A controller opens no papers, and so cannot tell what one is about.
    with pytest.raises(redactions.NotApartError):
        _decide(one, cases.world.controller)
    with refused("redaction_is_by_people_apart"):
        _write_decision(one, cases.world.controller)
    _decide(one, fourth)
    set_clock(clock.now() + dt.timedelta(days=DAYS_FOR_TWO))
    page = _mine(cases, claim)
    assert "withheld: it is about other people" in page
    address = reverse("told_paper", args=[claim.code, 1, paper.paper.code])
    assert address not in page
    assert client_of(cases.claimant).get(address).status_code == 404


def test_redaction_is_of_its_objection(cases: ClaimCases) -> None:
    claim, objection = cases.objected()
    paper = add_to_objection(
        objection=objection, member=cases.neighbor.code, data=photograph(120), at=clock.now()
    )
    other = Objection.objects.create(
        claim=claim, number=2, member=_other_member(cases), reason_sealed=b"x", raised_at=clock.now()
    )
    with refused("redaction_is_of_its_objection"):
        _insert(other, cases.third, paper_id=paper.pk, shown_sealed=None, ground="others")


def _other_member(cases: ClaimCases) -> str:
    person = User.objects.create_user("other@example.org")
    admit_member(
        pool=cases.world.pool,
        person=person,
        class_no=0,
        from_at=clock.now(),
        joined_date=dt.date(2026, 1, 1),
        actor="test",
    )
    return person.code


def test_pages_lead_through_it_and_the_auditor_reads_the_original(
    insulted: tuple[ClaimCases, Claim, Objection],
) -> None:
    cases, claim, _objection = insulted
    case = cases.award(claim).code
    address = reverse("objection", args=["test-pool", case, 1])
    third = client_of(cases.third)
    assert address in third.get(reverse("case", args=["test-pool", case])).content.decode()
    propose = reverse("take_words_out", args=["test-pool", case, 1])
    wrong = third.post(propose, {"ground": "insult", "words": "the <pig>"})
    assert wrong.status_code == 422
    # What was written is kept beside the refusal.
    assert wrong.content.decode().count("the &lt;pig&gt;") == 2
    assert third.post(propose, {"ground": "insult", "words": "the cow\nLi Ming"}).status_code == 302
    decide = reverse("decide_redaction", args=["test-pool", case, 1, 1])
    assert third.post(decide, {"take_out": "yes"}).status_code == 403
    controller = client_of(cases.world.controller)
    assert decide in controller.get(address).content.decode()
    assert controller.post(decide, {"take_out": "yes"}).status_code == 302
    auditor = client_of(cases.world.auditor)
    page = auditor.get(address).content.decode()
    assert "Li Ming has HIV" in page
    assert cases.third.code in page
    assert cases.world.controller.code in page
    assert AuditEntry.objects.filter(
        action="open_objection", actor=cases.world.auditor.code, subject=claim.code
    ).exists()
    assert auditor.post(decide, {"take_out": "yes"}).status_code == 403
    # Whoever decided the case reads nothing of it here.
    assert client_of(cases.second).get(address).status_code == 403


def test_programs_do_the_same(insulted: tuple[ClaimCases, Claim, Objection]) -> None:
    cases, claim, _objection = insulted
    base = f"/api/v1/pools/test-pool/cases/{cases.award(claim).code}/objections/1/"
    json = "application/json"
    made = client_of(cases.third).post(
        f"{base}redactions/", {"ground": "private", "words": ["Li Ming"]}, content_type=json
    )
    assert made.status_code == 201
    assert [row["state"] for row in made.json()["proposals"]] == ["proposed"]
    done = client_of(cases.world.controller).post(
        f"{base}redactions/1/decision/", {"takes_out": True}, content_type=json
    )
    assert done.json()["read"]["taken_out"] == ["private"]
    set_clock(clock.now() + dt.timedelta(days=DAYS_FOR_TWO))
    (row,) = client_of(cases.claimant).get(f"/api/v1/me/claims/{claim.code}/objections/").json()
    assert "Li Ming" not in row["reason"]
    assert row["taken_out"] == ["private"]
    assert "Li Ming" in client_of(cases.world.auditor).get(base).json()["written"]["reason"]
    assert client_of(cases.second).get(base).status_code == 403
