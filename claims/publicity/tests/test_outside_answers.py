"""An objection that nobody of the pool may answer: somebody from outside answers it, and it never waits for nobody."""

import datetime as dt
import uuid

import pytest

from aidplatform.lib import clock
from aidplatform.lib.errors import NotFoundError
from aidplatform.site.todo import todos_of
from aidplatform.testing.claim_cases import AppealCases, ClaimCases, photograph
from aidplatform.testing.prepared import prepared
from aidplatform.testing.refusals import refused, run
from aidplatform.testing.world import lay_down_all, run_jobs, set_clock
from aidplatform.tests.pages_helpers import client_of
from claims.filing.models import Claim
from claims.publicity import services
from claims.publicity.models import Objection
from claims.publicity.news import follow_overdue_due
from claims.publicity.objection_papers import add_to_objection
from claims.publicity.outside_answers import answer_from_outside
from claims.publicity.tests.test_publicity import second_objection
from claims.review import openings, outside_reviews
from claims.review.appeals import nobody_left
from claims.review.opening_models import PaperOpening
from claims.review.outside_models import OutsideReview
from claims.review.outside_selectors import running_reviews
from claims.review.tests.test_outside import change, kinds, outsider, proposed, running, turned_down
from members.joining.services import admit_member
from members.people.models import Notice, User

WORDS = "The scan of 2024 is of another illness."


@prepared
def cases() -> ClaimCases:
    """Return a pool of whose second reviewers only the one is left who decides on the case."""
    found = ClaimCases.founded()
    others = User.objects.filter(duty_grants__duty="second_reviewer").exclude(pk=found.second.pk)
    for person in others:
        lay_down_all(person)
    return found


def answered(
    one: OutsideReview, person: User | None = None, number: int = 1, upheld: bool = False
) -> Objection:
    return answer_from_outside(
        review=one, person=person or outsider(), number=number, upheld=upheld, answer=WORDS, at=clock.now()
    )


def links_of(person: User) -> set[str]:
    return {todo.address for todo in todos_of(person)}


def test_objection_without_anybody_goes_to_somebody_from_outside(cases: ClaimCases) -> None:
    claim, objection = cases.objected()
    run_jobs()
    assert nobody_left(claim) == "objection"
    assert "outside_wanted" in kinds(cases.world.admin)
    assert f"/pools/test-pool/outside-reviews/{claim.code}/" in links_of(cases.world.admin)
    with pytest.raises(services.ConcernedError):
        services.answer_objection(
            objection=objection, answerer=cases.second.code, upheld=False, answer="No", at=clock.now()
        )
    one = running(cases, claim)
    claim.refresh_from_db()
    assert (one.stage, claim.due_date, claim.state) == ("objection", one.until_date, "objected")
    made = answered(one)
    one.refresh_from_db()
    claim.refresh_from_db()
    assert (made.state, made.answered_by, one.state) == ("dismissed", outsider().code, "done")
    assert (claim.state, cases.award(claim).is_held, running_reviews(outsider())) == (
        "in_publicity",
        False,
        [],
    )


def test_it_is_told_when_it_is_late(cases: ClaimCases) -> None:
    claim, _objection = cases.objected()
    run_jobs()
    assert claim.due_date is not None
    set_clock(clock.start_of_day(claim.due_date + dt.timedelta(days=1), "Asia/Shanghai"))
    follow_overdue_due(clock.now())
    run_jobs()
    told = Notice.objects.get(person=cases.world.admin, kind="claim_overdue")
    assert told.link == f"/pools/test-pool/outside-reviews/{claim.code}/"


def test_nobody_from_outside_where_the_pool_has_somebody(cases: ClaimCases) -> None:
    claim, _objection = cases.objected()
    cases.world.grant(cases.third, "second_reviewer")
    assert nobody_left(claim) == ""
    with turned_down("outside_review_where_nobody_is_left"):
        proposed(cases, claim)
    # Of two objections nobody may answer one: who wrote it holds the duty.
    services.object_to_case(
        claim=claim, member=_joins(cases, cases.third).code, reason="I too.", at=clock.now()
    )
    assert nobody_left(claim) == "objection"
    one = running(cases, claim)
    answered(one, number=2)
    one.refresh_from_db()
    assert one.state == "running"
    services.answer_objection(
        objection=Objection.objects.get(number=1),
        answerer=cases.third.code,
        upheld=False,
        answer="No.",
        at=clock.now(),
    )
    claim.refresh_from_db()
    assert claim.state == "in_publicity"
    assert running_reviews(outsider()) == []


def _joins(cases: ClaimCases, person: User) -> User:
    admit_member(
        pool=cases.world.pool,
        person=person,
        class_no=0,
        from_at=clock.now(),
        joined_date=clock.today("Asia/Shanghai"),
        actor="founding",
    )
    return person


def test_one_from_outside_answers_all_that_are_open(cases: ClaimCases) -> None:
    claim, _objection = cases.objected()
    second_objection(cases, claim)
    one = running(cases, claim)
    answered(one)
    one.refresh_from_db()
    assert one.state == "running"
    with refused("outside_review_is_done_by_its_word"):
        change(one, "state = 'done', ended_by = %s, ended_at = now()", outsider().code)
    answered(one, number=2)
    one.refresh_from_db()
    claim.refresh_from_db()
    assert (one.state, claim.state) == ("done", "in_publicity")
    with pytest.raises(NotFoundError):
        answered(one)


def test_whoever_has_answered_one_from_outside_opens_papers_of_the_next(db: None) -> None:
    """After an appeal as before it: who answered one objection had no part in the case when it was refused."""
    cases = AppealCases.founded(appeal_days=30)
    claim = cases.heard(cases.appealed(), "approved")
    for person in User.objects.filter(duty_grants__duty="second_reviewer").exclude(pk=cases.third.pk):
        lay_down_all(person)
    cases.to_publicity()
    services.object_to_case(claim=claim, member=cases.neighbor.code, reason="I saw her.", at=clock.now())
    second_objection(cases, claim)
    one = running(cases, Claim.objects.get(pk=claim.pk))
    paper = claim.papers.first()
    assert paper is not None

    def open_it() -> PaperOpening:
        return openings.open_paper(
            claim=claim, code=paper.code, opener=outsider().code, purpose="objection", note="", at=clock.now()
        )

    open_it()
    set_clock(clock.now() + dt.timedelta(hours=1))
    answered(one)
    assert open_it().duty == "outside_reviewer"
    answered(one, number=2)
    with pytest.raises(openings.NotInHandError):
        open_it()


def test_who_answers_from_outside_has_no_part_and_keeps_to_the_rules(cases: ClaimCases) -> None:
    claim, objection = cases.objected()
    outside = outsider()
    by_hand = """UPDATE claims_objection SET state = 'dismissed', answered_by = %s, answered_at = now(),
                 answer_sealed = 'x' WHERE id = %s"""
    with refused("reviewers_hold_their_duty"):
        run(by_hand, outside.code, objection.pk)
    one = running(cases, claim)
    with turned_down("claimant_is_heard_before_it_is_upheld"):
        answered(one, upheld=True)
    with turned_down("outside_review_state_follows_order"):
        outside_reviews.recommend(
            review=one,
            person=outside,
            outcome="approved",
            aid_fen=1,
            clause="aid",
            papers=[],
            reason="x",
            at=clock.now(),
        )
    assert one.until_date is not None
    set_clock(clock.start_of_day(one.until_date + dt.timedelta(days=1), "Asia/Shanghai"))
    with refused("reviewers_hold_their_duty"):
        run(by_hand, outside.code, objection.pk)
    with pytest.raises(NotFoundError):
        answered(one)
    outside_reviews.end(review=one, admin=cases.world.admin.code, at=clock.now())
    one = running(cases, claim, outsider("wu"))
    assert answered(one, outsider("wu"), upheld=True).state == "upheld"
    claim.refresh_from_db()
    assert claim.state == "overturned"


def test_page_of_who_answers_from_outside(cases: ClaimCases) -> None:
    claim, objection = cases.objected()
    add_to_objection(objection=objection, member=cases.neighbor.code, data=photograph(), at=clock.now())
    one = running(cases, claim)
    browser, address = client_of(outsider()), f"/outside-reviews/{one.code}/"
    assert browser.get(address).headers["Location"] == f"{address}objections/"
    page = browser.get(f"{address}objections/").content.decode()
    assert "I saw her ill in 2024." in page
    assert "You answer what members hold against it." in page
    paper = objection.papers.get().paper.code
    assert f"{address}papers/{paper}/" in page
    given = {"purpose": "illness", "note": "", "key": str(uuid.uuid4())}
    opened = browser.post(f"{address}papers/{paper}/", given)
    assert opened.status_code == 302
    assert browser.get(opened["Location"] + "file/").status_code == 200
    assert browser.post(f"{address}objections/1/", {"upheld": "no", "answer": ""}).status_code == 422
    refusal = browser.post(f"{address}objections/1/", {"upheld": "yes", "answer": WORDS})
    assert refusal.status_code == 422 or WORDS in refusal.content.decode()
    for _click in range(2):
        done = browser.post(f"{address}objections/1/", {"upheld": "no", "answer": WORDS})
        assert done.status_code == 200
        assert "Your word is taken" in done.content.decode()
    assert browser.get(address).status_code == 404
    told = client_of(cases.claimant).get(f"/claims/{claim.code}/").content.decode()
    assert "Objections answered by an outside reviewer" in told
    assert WORDS in told
    assert client_of(cases.second).get(f"{address}objections/").status_code == 404


def test_page_gives_back_what_was_written_too_late(cases: ClaimCases) -> None:
    claim, objection = cases.objected()
    second_objection(cases, claim)
    one = running(cases, claim)
    cases.world.grant(cases.third, "second_reviewer")
    services.answer_objection(
        objection=objection, answerer=cases.third.code, upheld=False, answer="No.", at=clock.now()
    )
    late = client_of(outsider()).post(
        f"/outside-reviews/{one.code}/objections/1/", {"upheld": "no", "answer": WORDS}
    )
    assert late.status_code == 409
    said = late.content.decode()
    assert f"{cases.third.name} answered this objection first" in said
    assert WORDS in said


def test_programs_answer_from_outside(cases: ClaimCases) -> None:
    claim, _objection = cases.objected()
    one = running(cases, claim)
    base = f"/api/v1/me/outside-reviews/{one.code}/objections/"
    browser = client_of(outsider())
    (row,) = browser.get(base).json()
    assert (row["number"], row["reason"], row["state"]) == (1, "I saw her ill in 2024.", "open")
    content = {"upheld": False, "answer": WORDS}
    assert client_of(cases.second).post(f"{base}1/answer/", content, "application/json").status_code == 404
    made = browser.post(f"{base}1/answer/", content, "application/json")
    assert (made.status_code, made.json()["state"]) == (200, "dismissed")
    assert browser.get(base).status_code == 404
