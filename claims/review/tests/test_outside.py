"""Nobody of a pool may look at a claim: somebody from outside, appointed by two, judges one stage of it."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from aidplatform.lib import clock
from aidplatform.lib.errors import DomainError, ForbiddenError, NotFoundError
from aidplatform.testing.claim_cases import ClaimCases
from aidplatform.testing.prepared import prepared
from aidplatform.testing.refusals import not_permitted, refused, run
from aidplatform.testing.world import lay_down_all, run_jobs, set_clock
from claims.filing.models import Claim
from claims.filing.selectors import paper_codes
from claims.my_data import EXPORTER
from claims.publicity import services as publicity
from claims.review import openings, outside_reviews, services
from claims.review.appeals import nobody_left
from claims.review.models import Decision, Recommendation
from claims.review.opening_models import PaperOpening
from claims.review.outside_models import OutsideReview
from claims.review.outside_selectors import (
    access_review,
    judged_from_outside,
    live_review_of,
    outside_told,
    running_reviews,
)
from claims.review.selectors import shown_sha256
from members.people.models import Notice, User

NAME = "Zhou Yan, oncologist, 022 5678"
WHY = "The only reviewer of this pool is married to the member."
UPDATE = "UPDATE claims_outsidereview SET {} WHERE id = %s"


@prepared
def cases() -> ClaimCases:
    """Return a pool with one reviewer and two second reviewers."""
    return ClaimCases.founded()


@contextmanager
def turned_down(name: str) -> Iterator[None]:
    """Demand that a service refuses in this guarantee's name."""
    with pytest.raises(DomainError) as caught:
        yield
    assert caught.value.code == name


def outsider(name: str = "zhou") -> User:
    found = User.objects.filter(email=f"{name}@example.net").first()
    return found or User.objects.create_user(f"{name}@example.net", name=name.title())


def end_duty(*duties: str) -> None:
    """Let nobody hold a duty any more."""
    for person in User.objects.filter(duty_grants__duty__in=duties, duty_grants__ended_at=None):
        lay_down_all(person)


def waiting(cases: ClaimCases, stage: str = "reviewer") -> Claim:
    """Return a claim that nobody may look at: filed, or recommended."""
    claim = cases.filed() if stage == "reviewer" else cases.recommended()
    end_duty(stage)
    return claim


def proposed(cases: ClaimCases, claim: Claim) -> OutsideReview:
    return outside_reviews.propose(
        claim=claim, admin=cases.world.admin.code, name=NAME, reason=WHY, at=clock.now()
    )


def appointed(cases: ClaimCases, claim: Claim) -> OutsideReview:
    return outside_reviews.agree(
        review=proposed(cases, claim), controller=cases.world.controller.code, agrees=True, at=clock.now()
    )


def token_of(cases: ClaimCases, one: OutsideReview) -> str:
    link = outside_reviews.make_link(review=one, admin=cases.world.admin.code, at=clock.now())
    return link.rstrip("/").rpartition("/")[2]


def running(cases: ClaimCases, claim: Claim, person: User | None = None) -> OutsideReview:
    token = token_of(cases, appointed(cases, claim))
    return outside_reviews.accept(token=token, person=person or outsider(), at=clock.now())


def word(claim: Claim, **given: Any) -> dict[str, Any]:
    told = {
        "outcome": "approved",
        "clause": "aid",
        "papers": paper_codes(claim),
        "reason": "It is in the report.",
    }
    return told | given


def recommended(one: OutsideReview, person: User | None = None) -> Recommendation:
    return outside_reviews.recommend(
        review=one, person=person or outsider(), aid_fen=5_000_000, at=clock.now(), **word(one.claim)
    )


def decided(one: OutsideReview, person: User | None = None, **given: Any) -> Any:
    told = word(one.claim, shown_sha256=shown_sha256(one.claim), **given)
    return outside_reviews.decide(review=one, person=person or outsider(), at=clock.now(), **told)


def kinds(person: User) -> set[str]:
    run_jobs()
    return set(Notice.objects.filter(person=person).values_list("kind", flat=True))


def change(one: OutsideReview, columns: str, *values: object) -> None:
    run(UPDATE.format(columns), *values, one.pk)


def test_outside_reviewer_recommends_and_somebody_of_the_pool_decides(cases: ClaimCases) -> None:
    claim = waiting(cases)
    assert nobody_left(claim) == "reviewer"
    one = running(cases, claim)
    assert (one.stage, one.number, one.until_date) == ("reviewer", 1, dt.date(2026, 5, 30))
    claim.refresh_from_db()
    assert (claim.state, claim.reviewer, claim.due_date) == ("under_review", outsider(), one.until_date)
    assert running_reviews(outsider()) == [one]
    recommended(one)
    one.refresh_from_db()
    claim.refresh_from_db()
    assert (one.state, one.ended_by, claim.state) == ("done", outsider().code, "recommended")
    assert running_reviews(outsider()) == []
    cases.decide(claim)
    run_jobs()
    claim.refresh_from_db()
    assert claim.state == "in_publicity"
    assert cases.award(claim).aid_fen == 5_000_000
    assert judged_from_outside(cases.world.pool, clock.now() - dt.timedelta(days=1)) == 1


def test_outside_reviewer_decides_what_the_pool_recommended(cases: ClaimCases) -> None:
    claim = waiting(cases, "second_reviewer")
    assert nobody_left(claim) == "second_reviewer"
    one = running(cases, claim)
    with pytest.raises(DomainError, match="nothing else"):
        recommended(one)
    made = decided(one)
    assert isinstance(made, Decision)
    assert (made.decider, made.outcome) == (outsider().code, "approved")
    run_jobs()
    claim.refresh_from_db()
    assert claim.state == "in_publicity"


def test_two_stages_take_two_people_from_outside(cases: ClaimCases) -> None:
    claim = waiting(cases)
    end_duty("second_reviewer")
    recommended(running(cases, claim))
    claim.refresh_from_db()
    token = token_of(cases, appointed(cases, claim))
    with turned_down("outside_reviewer_is_from_outside"):
        outside_reviews.accept(token=token, person=outsider(), at=clock.now())
    second = outside_reviews.accept(token=token, person=outsider("wu"), at=clock.now())
    assert decided(second, outsider("wu")).outcome == "approved"


def test_claim_that_is_returned_waits_for_somebody_again(cases: ClaimCases) -> None:
    claim = waiting(cases)
    recommended(running(cases, claim))
    claim.refresh_from_db()
    cases.decide(claim, "returned")
    claim.refresh_from_db()
    assert (claim.state, nobody_left(claim)) == ("under_review", "reviewer")
    assert "outside_wanted" in kinds(cases.world.admin)
    assert "claim_waits" not in kinds(outsider())
    again = running(cases, claim)
    recommended(again)
    claim.refresh_from_db()
    assert (again.number, claim.state, claim.round) == (2, "recommended", 2)


def test_pool_that_has_somebody_asks_nobody_from_outside(cases: ClaimCases) -> None:
    claim = cases.filed()
    assert nobody_left(claim) == ""
    with turned_down("outside_review_where_nobody_is_left"):
        proposed(cases, claim)
    columns = "code, claim_id, number, stage, state, name_sealed, reason_sealed, proposed_by, proposed_at"
    insert = f"INSERT INTO claims_outsidereview ({columns}) VALUES (%s, %s, 0, %s, %s, 'x', 'x', %s, now())"
    admin = cases.world.admin.code
    with refused("outside_review_where_nobody_is_left"):
        run(insert, "R-BYHAND0000", claim.pk, "reviewer", "proposed", admin)
    # For the second stage there may be nobody, but the claim does not wait for it yet.
    end_duty("second_reviewer")
    with refused("outside_review_where_nobody_is_left"):
        run(insert, "R-BYHAND0000", claim.pk, "second_reviewer", "proposed", admin)
    end_duty("reviewer")
    with refused("outside_review_state_follows_order"):
        run(insert, "R-BYHAND0000", claim.pk, "reviewer", "running", admin)
    with refused("outside_reviewer_is_appointed_by_two_people"):
        run(insert, "R-BYHAND0000", claim.pk, "reviewer", "proposed", cases.world.controller.code)
    run(insert, "R-BYHAND0000", claim.pk, "reviewer", "proposed", admin)
    with refused("one_outside_review_at_a_time"):
        run(insert, "R-BYHAND0001", claim.pk, "reviewer", "proposed", admin)


def test_outside_reviewer_is_appointed_by_two_people(cases: ClaimCases) -> None:
    claim = waiting(cases)
    with turned_down("outside_reviewer_is_appointed_by_two_people"):
        outside_reviews.propose(
            claim=claim, admin=cases.world.controller.code, name=NAME, reason=WHY, at=clock.now()
        )
    one = proposed(cases, claim)
    assert "outside_proposed" in kinds(cases.world.controller)
    with turned_down("one_outside_review_at_a_time"):
        proposed(cases, claim)
    with turned_down("outside_reviewer_is_appointed_by_two_people"):
        outside_reviews.agree(review=one, controller=cases.world.admin.code, agrees=True, at=clock.now())
    for column, value in (("agreed_by", cases.world.admin.code), ("agreed_by", cases.reviewer.code)):
        with refused("outside_reviewer_is_appointed_by_two_people"):
            change(one, f"state = 'appointed', {column} = %s, agreed_at = now()", value)
    outside_reviews.agree(review=one, controller=cases.world.controller.code, agrees=False, at=clock.now())
    assert live_review_of(claim) is None
    one = appointed(cases, claim)
    assert (one.number, one.state) == (2, "appointed")
    assert "outside_appointed" in kinds(cases.world.admin)
    assert "claim_outside" in kinds(cases.claimant)


def test_outside_reviewer_is_from_outside(cases: ClaimCases) -> None:
    claim = waiting(cases)
    token = token_of(cases, appointed(cases, claim))
    one = live_review_of(claim)
    assert one is not None
    for person in (cases.claimant, cases.neighbor, cases.world.admin, cases.world.controller, cases.third):
        with turned_down("outside_reviewer_is_from_outside"):
            outside_reviews.accept(token=token, person=person, at=clock.now())
        with refused("outside_reviewer_is_from_outside"):
            change(
                one, "state = 'running', person_id = %s, accepted_at = now(), until_date = now()", person.pk
            )
    outside_reviews.accept(token=token, person=outsider(), at=clock.now())
    # Whoever joins the duties of the pool meanwhile is no outsider any more.
    one.refresh_from_db()
    cases.world.grant(outsider(), "treasurer")
    with turned_down("outside_reviewer_is_from_outside"):
        recommended(one)
    with refused("reviewers_hold_their_duty"):
        Recommendation.objects.create(
            claim=claim, round=1, reviewer=outsider().code, outcome="approved", aid_fen=5_000_000,
            clause="aid", papers=paper_codes(claim), reason_sealed=b"x", recommended_at=clock.now(),
        )  # fmt: skip


def test_link_is_used_once_and_in_its_days(cases: ClaimCases) -> None:
    claim = waiting(cases)
    one = appointed(cases, claim)
    lost = token_of(cases, one)
    one.refresh_from_db()
    with turned_down("outside_review_link_was_made"):
        outside_reviews.make_link(
            review=one, admin=cases.world.admin.code, at=clock.now(), instead_of="another"
        )
    token = token_of(cases, one)
    with turned_down("outside_review_link_is_live"):
        outside_reviews.accept(token=lost, person=outsider(), at=clock.now())
    set_clock(clock.now() + dt.timedelta(days=7))
    with turned_down("outside_review_link_is_live"):
        outside_reviews.accept(token=token, person=outsider(), at=clock.now())
    with refused("outside_review_link_is_live"):
        change(
            one, "state = 'running', person_id = %s, accepted_at = now(), until_date = now()", outsider().pk
        )
    ended = outside_reviews.end(review=one, admin=cases.world.admin.code, at=clock.now())
    assert ended.state == "ended"


def test_outside_reviewer_judges_in_their_days(cases: ClaimCases) -> None:
    claim = waiting(cases)
    one = running(cases, claim)
    with turned_down("outside_review_is_ended_when_late"):
        outside_reviews.end(review=one, admin=cases.world.admin.code, at=clock.now())
    with refused("outside_review_is_ended_when_late"):
        change(one, "state = 'ended', ended_by = %s, ended_at = now()", cases.world.admin.code)
    with refused("outside_review_is_done_by_its_word"):
        change(one, "state = 'done', ended_by = %s, ended_at = now()", outsider().code)
    set_clock(clock.now() + dt.timedelta(days=11))
    assert running_reviews(outsider()) == []
    with pytest.raises(NotFoundError):
        recommended(one)
    # The database holds the last day, whoever asks it.
    with pytest.raises(ForbiddenError):
        services.recommend(
            claim=claim, reviewer=outsider().code, aid_fen=5_000_000, at=clock.now(), **word(claim)
        )
    outside_reviews.end(review=one, admin=cases.world.admin.code, at=clock.now())
    claim.refresh_from_db()
    assert (claim.state, nobody_left(claim)) == ("under_review", "reviewer")
    assert running(cases, claim, outsider("wu")).number == 2


def test_database_takes_no_word_of_whoever_is_no_outside_reviewer(cases: ClaimCases) -> None:
    claim = cases.under_review()
    end_duty("reviewer")
    with refused("reviewers_hold_their_duty"):
        Recommendation.objects.create(
            claim=claim, round=1, reviewer=cases.reviewer.code, outcome="approved", aid_fen=5_000_000,
            clause="aid", papers=paper_codes(claim), reason_sealed=b"x", recommended_at=clock.now(),
        )  # fmt: skip
    one = running(cases, claim)
    assert one.claim.reviewer == outsider()
    with pytest.raises(DomainError):
        services.request_papers(
            claim=one.claim, reviewer=outsider().code, kinds=["bill"], message="More.", at=clock.now()
        )


def test_papers_are_opened_for_a_purpose_and_the_claimant_sees_it(cases: ClaimCases) -> None:
    claim = waiting(cases)
    one = running(cases, claim)
    code = paper_codes(claim)[0]
    made = openings.open_paper(
        claim=claim, code=code, opener=outsider().code, purpose="illness", note="", at=clock.now()
    )
    assert made.duty == "outside_reviewer"
    (told,) = openings.openings_of(claim)
    assert openings.reader_words(openings.readers_told([told], [])[0])[0] == "outside reviewer"
    recommended(one)
    with turned_down("papers_are_opened_by_who_judges_them"):
        openings.open_paper(
            claim=claim, code=code, opener=outsider().code, purpose="illness", note="", at=clock.now()
        )
    with refused("papers_are_opened_by_who_judges_them"):
        PaperOpening.objects.create(
            paper=made.paper, opener=outsider().code, duty="outside_reviewer", purpose="illness",
            opened_at=clock.now(),
        )  # fmt: skip


def test_outside_review_can_be_given_back(cases: ClaimCases) -> None:
    one = running(cases, waiting(cases))
    outside_reviews.decline(review=one, person=outsider(), at=clock.now())
    with pytest.raises(NotFoundError):
        access_review(person=outsider(), code=one.code)
    assert "outside_wanted" in kinds(cases.world.admin)
    assert outside_told(one.claim) == []


def test_outside_review_ends_where_the_pool_has_somebody_again_or_the_claim_is_taken_back(
    cases: ClaimCases,
) -> None:
    claim = waiting(cases)
    one = running(cases, claim)
    cases.world.grant(cases.reviewer, "reviewer")
    assert outside_reviews.end(review=one, admin=cases.world.admin.code, at=clock.now()).state == "ended"
    end_duty("reviewer")
    one = running(cases, claim, outsider("wu"))
    publicity.withdraw_claim(claim=claim, claimant=cases.claimant.code, at=clock.now())
    assert running_reviews(outsider("wu")) == []
    assert outside_reviews.end(review=one, admin=cases.world.admin.code, at=clock.now()).state == "ended"


def test_outside_reviews_are_kept(cases: ClaimCases) -> None:
    claim = waiting(cases)
    one = running(cases, claim)
    for columns, value in (("reason_sealed = %s", b"y"), ("until_date = %s", "2027-01-01")):
        with refused("outside_review_takes_its_steps"):
            change(one, columns, value)
    with not_permitted():
        change(one, "stage = %s", "second_reviewer")
    with not_permitted():
        run("DELETE FROM claims_outsidereview")
    recommended(one)
    with refused("outside_review_takes_its_steps"):
        change(one, "until_date = %s", "2027-01-01")


def test_claimant_takes_along_who_looked_from_outside(cases: ClaimCases) -> None:
    claim = waiting(cases)
    recommended(running(cases, claim))
    tables = {table.name: list(table.rows(cases.claimant)) for table in EXPORTER.tables}
    (row,) = tables["outside_reviews"]
    assert (row["claim"], row["name"], row["reason"], row["state"]) == (claim.code, NAME, WHY, "done")
    (mine,) = [
        row for table in EXPORTER.tables if table.name == "reviewed_outside" for row in table.rows(outsider())
    ]
    assert "claim" not in mine
    assert mine["pool"] == "test-pool"
