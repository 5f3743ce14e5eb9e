"""Blind reviews and statistics: who may, what is not shown, how alike people judge, how long it takes."""

import datetime as dt
import json
import uuid

import pytest
from django.conf import LazySettings
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from aidplatform.lib import clock
from aidplatform.lib.errors import ForbiddenError
from aidplatform.testing.claim_cases import AppealCases, ClaimCases, all_papers
from aidplatform.testing.refusals import refused, run
from aidplatform.testing.world import run_jobs, set_clock
from aidplatform.tests.pages_helpers import client_of
from claims.filing.models import Claim
from claims.filing.services import ClaimMovedOnError
from claims.review import blind, desk, services, statistics
from claims.review.appeals import HeardBeforeError
from claims.review.models import BlindReview
from claims.review.selectors import shown_sha256
from members.people.models import User

DESK = "/pools/test-pool/review/"
TIMES = "/pools/test-pool/review-times"


@pytest.fixture(autouse=True)
def every_claim_is_chosen(settings: LazySettings, db: None) -> None:
    cache.clear()
    settings.BLIND_REVIEW_PER_MILLE = 1000


def judge(claim: Claim, person: User, outcome: str = "approved", aid_fen: int = 5_000_000) -> BlindReview:
    return desk.review_blindly(
        claim=claim, reviewer=person.code, outcome=outcome, aid_fen=aid_fen, clause="aid", papers=all_papers(claim),
        reason="As I see it.", at=clock.now(),
    )  # fmt: skip


def test_chosen_by_a_hash_of_its_number(cases: ClaimCases, settings: LazySettings) -> None:
    claim = cases.decided()
    assert blind.is_chosen(claim)
    settings.BLIND_REVIEW_PER_MILLE = 0
    assert not blind.is_chosen(claim)
    assert blind.waiting_claims(cases.world.pool, cases.third) == []
    settings.BLIND_REVIEW_PER_MILLE = 100
    codes = [Claim(code=f"CL-{number:010d}") for number in range(2000)]
    assert 140 < sum(blind.is_chosen(one) for one in codes) < 260


def test_whoever_had_no_part_judges_without_seeing_how_it_was_judged(cases: ClaimCases) -> None:
    claim = cases.decided()
    client = client_of(cases.third)
    assert client.get(f"{DESK}{claim.code}/")["Location"] == f"{DESK}{claim.code}/blind/"
    # Nor is it shown to whoever asks for something that cannot be any more.
    refused_late = client.post(f"{DESK}{claim.code}/decide/", {})
    assert refused_late["Location"] == f"{DESK}{claim.code}/blind/"
    assert claim.code in client.get(f"{DESK}blind/").content.decode()
    page = client.get(f"{DESK}{claim.code}/blind/").content.decode()
    assert "A lump was found" in page
    for hidden in ("The pathology report of 4 May", "I agree.", "in publicity", "second review", "2026-0001"):
        assert hidden not in page, hidden
    assert client.get(f"{DESK}{claim.code}/papers/{all_papers(claim)[0]}/").status_code == 200
    sent = {
        "outcome": "rejected", "aid": "", "clause": "waiting", "papers": [], "reason": "It began before.",
        "key": str(uuid.uuid4()),
    }  # fmt: skip
    assert client.post(f"{DESK}{claim.code}/blind/", sent | {"reason": ""}).status_code == 422
    assert client.post(f"{DESK}{claim.code}/blind/", sent | {"outcome": "approved"}).status_code in {
        400,
        409,
        422,
    }
    for _click in range(2):
        assert client.post(f"{DESK}{claim.code}/blind/", sent)["Location"] == f"{DESK}blind/"
    assert BlindReview.objects.get().outcome == "rejected"
    claim.refresh_from_db()
    assert claim.state == "in_publicity"
    assert client.get(f"{DESK}{claim.code}/").status_code == 200
    assert client.get(f"{DESK}{claim.code}/blind/").status_code == 404
    readers = client_of(cases.claimant).get(f"/claims/{claim.code}/").content.decode()
    assert "a second look that decides nothing" in readers
    assert "It began before." not in readers


def test_pages_of_blind_reviews_are_for_reviewers_without_a_part(cases: ClaimCases) -> None:
    claim = cases.decided()
    for person, listed, page in (
        (cases.reviewer, 200, 404), (cases.second, 200, 404), (cases.world.auditor, 403, 403),
        (cases.world.stranger, 404, 404),
    ):  # fmt: skip
        client = client_of(person)
        assert client.get(f"{DESK}blind/").status_code == listed
        assert client.get(f"{DESK}{claim.code}/blind/").status_code == page
    for person in (cases.reviewer, cases.second):
        assert claim.code not in client_of(person).get(f"{DESK}blind/").content.decode()
        with pytest.raises(desk.HadAPartError):
            judge(claim, person)
    with pytest.raises(ForbiddenError):
        judge(claim, cases.world.auditor)


def test_blind_review_is_by_another_and_of_a_decided_claim(cases: ClaimCases) -> None:
    statement = """INSERT INTO claims_blindreview (claim_id, round, reviewer, outcome, aid_fen, clause, papers,
                                                   reason_sealed, reviewed_at)
                   VALUES (%s, %s, %s, 'approved', 1, 'aid', %s, 'x', now())"""
    waiting = cases.recommended()
    with refused("blind_review_is_by_another"):
        run(statement, waiting.pk, 1, cases.third.code, json.dumps(all_papers(waiting)))
    with pytest.raises(ClaimMovedOnError):
        judge(waiting, cases.third)
    claim = cases.decided()
    papers = json.dumps(all_papers(claim))
    for person in (cases.reviewer, cases.second, cases.claimant, cases.neighbor, cases.world.admin):
        with refused("blind_review_is_by_another"):
            run(statement, claim.pk, 1, person.code, papers)
    with refused("blind_review_is_by_another"):
        run(statement, claim.pk, 2, cases.third.code, papers)
    with refused("blind_review_rests_on_its_papers"):
        run(statement, claim.pk, 1, cases.third.code, "[]")
    with refused("blindly_granted_aid_fits_outcome"):
        run(statement.replace("'approved', 1", "'rejected', 1"), claim.pk, 1, cases.third.code, papers)
    run(statement, claim.pk, 1, cases.third.code, papers)
    with pytest.raises(desk.JudgedBlindlyError):
        judge(claim, cases.third)


def test_whoever_judged_blindly_hears_no_appeal(db: None) -> None:
    cases = AppealCases.founded(appeal_days=30)
    claim = cases.decided("rejected")
    judge(claim, cases.third, "rejected", 0)
    cases.appeal(claim)
    claim.refresh_from_db()
    cases.recommend(claim, "approved")
    with pytest.raises(HeardBeforeError):
        cases.decide(claim, decider=cases.third)
    with refused("appeal_is_heard_by_others"):
        run(
            """INSERT INTO claims_decision (claim_id, round, decider, outcome, aid_fen, clause, papers, reason_sealed,
                                            shown_sha256, decided_at)
               VALUES (%s, 2, %s, 'returned', 0, 'aid', '[]', 'x', %s, now())""",
            claim.pk, cases.third.code, shown_sha256(claim),
        )  # fmt: skip


def test_refusal_waits_for_a_blind_review_until_no_appeal_comes(db: None) -> None:
    cases = AppealCases.founded(appeal_days=30)
    claim = cases.decided("rejected")
    assert not blind.waits_for(claim, cases.third)
    assert blind.waiting_claims(cases.world.pool, cases.third) == []
    set_clock(clock.now() + dt.timedelta(days=31))
    assert blind.waits_for(claim, cases.third)
    assert blind.waiting_claims(cases.world.pool, cases.third) == [claim]


def test_rates_say_how_alike_people_judge(cases: ClaimCases) -> None:
    alike, other, less = cases.decided(), cases.decided("rejected"), cases.decided()
    judge(alike, cases.third)
    judge(other, cases.third)
    judge(less, cases.third, aid_fen=4_000_000)
    found = statistics.rates(cases.world.pool, clock.now())
    assert (found.decided, found.returned, found.blind, found.agreed, found.agreement) == (3, 0, 3, 1, 33)
    assert statistics.rates(cases.world.pool, clock.now(), cases.reviewer.code) == found
    assert statistics.rates(cases.world.pool, clock.now(), cases.third.code).decided == 0
    set_clock(clock.now() + dt.timedelta(days=400))
    assert statistics.rates(cases.world.pool, clock.now()).decided == 0


def test_what_an_appeal_or_an_objection_changed_is_overturned(db: None) -> None:
    cases = AppealCases.founded(appeal_days=30)
    cases.heard(cases.appealed(), "approved")
    cases.overturned()
    found = statistics.rates(cases.world.pool, clock.now())
    # Refused and then approved on appeal, and approved and then ended by an objection; the appeal's approval stands.
    assert (found.decided, found.overturned, found.overturn) == (3, 2, 66)


def test_times_are_the_middle_of_what_is_written_down(cases: ClaimCases) -> None:
    for days in (1, 2, 9):
        claim = cases.filed()
        set_clock(clock.now() + dt.timedelta(days=days))
        services.assign_claim(claim=claim, reviewer=cases.reviewer.code, at=clock.now())
    (filed,) = statistics.state_times(cases.world.pool, clock.now())
    assert (filed.state, filed.claims, str(filed.days)) == ("filed", 3, "2.0")
    assert statistics.state_times(cases.world.pool, clock.now(), at_least=4) == []
    at = clock.now()
    with CaptureQueriesContext(connection) as asked:
        statistics.state_times(cases.world.pool, at)
    assert len(asked) == 1


def test_times_are_public_and_say_nothing_of_few(cases: ClaimCases) -> None:
    for _number in range(4):
        cases.decided()
    run_jobs()
    page = client_of(None).get(f"{TIMES}/")
    assert page.status_code == 200
    assert "Too few claims yet" in page.content.decode()
    cases.decided()
    page = client_of(None).get(f"{TIMES}/").content.decode()
    assert "second review" in page
    csv = client_of(None).get(f"{TIMES}.csv").getvalue().decode()
    assert "recommended,second_reviewer,5,0.0,5" in csv
    told = client_of(None).get("/api/v1/pools/test-pool/review-times/").json()
    assert (told["decided"], told["overturned_percent"], told["agreed_percent"]) == (5, 0, None)
    assert {"state": "filed", "claims": 5, "median_days": "0.0", "days_allowed": 5} in told["times"]
    assert client_of(None).get("/pools/no-such/review-times/").status_code == 404


def test_statistics_are_for_whoever_reviews_or_watches(cases: ClaimCases) -> None:
    claim = cases.under_review()
    desk.write_note(claim=claim, author=cases.reviewer.code, text="Look twice.", at=clock.now())
    page = f"{DESK}statistics/"
    for person, status in (
        (cases.reviewer, 200), (cases.world.admin, 200), (cases.world.auditor, 200), (cases.world.treasurer, 403),
        (cases.neighbor, 404),
    ):  # fmt: skip
        assert client_of(person).get(page).status_code == status
    assert "Claims you recommended" in client_of(cases.reviewer).get(page).content.decode()
    watched = client_of(cases.world.auditor).get(page).content.decode()
    assert "1 note of reviewers" in watched
    assert "Look twice." not in watched
    assert "note of reviewers" not in client_of(cases.world.admin).get(page).content.decode()
