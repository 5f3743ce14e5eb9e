"""Nobody has to ask where a claim is: its claimant hears of every step, and whoever has it that it waits."""

import datetime as dt

import pytest
from django.core import mail
from django.utils import translation

from aidplatform.lib import clock
from aidplatform.lib.dates import format_day
from aidplatform.testing.claim_cases import ClaimCases
from aidplatform.testing.world import run_jobs, set_clock
from aidplatform.work import events, jobs
from aidplatform.work.models import Job
from claims.filing import services as filing
from claims.filing.models import Claim
from claims.filing.states import STEPS, TRANSITIONS
from claims.publicity import news
from claims.publicity import services as publicity
from claims.review import services as review
from claims.review.selectors import shown_sha256
from members.joining.services import admit_member
from members.people import claim_words
from members.people.models import Notice, User
from members.people.notices import body_of, subject_of, unread_count

# Steps that say nothing new to the claimant: first half of one step, or their own deed.
UNTOLD = {
    ("under_review", "under_review"),
    ("under_review", "recommended"),
    ("approved", "in_publicity"),
    *((state, "withdrawn") for state in STEPS),
    ("paid", "closed"),
}


def kinds(person: User) -> list[str]:
    run_jobs()
    return list(Notice.objects.filter(person=person).order_by("pk").values_list("kind", flat=True))


def last(person: User, language: str = "en") -> tuple[str, str, str]:
    run_jobs()
    told = Notice.objects.filter(person=person).latest("pk")
    with translation.override(language):
        return str(subject_of(told.kind, told.params)), str(body_of(told.kind, told.params)), told.link


def tomorrow(days: int = 1) -> None:
    set_clock(clock.now() + dt.timedelta(days=days))


def test_every_step_is_told_or_named_as_saying_nothing_new() -> None:
    steps = {(before, after) for before, afters in TRANSITIONS.items() for after in afters}
    told = {step for step in steps if news.told_of(*step)}
    assert steps - told == UNTOLD & steps
    assert told & UNTOLD == set()


def test_every_state_in_which_somebody_can_be_late_has_its_words() -> None:
    waiting = {state for state, step in STEPS.items() if step.holder in {"reviewer", "second_reviewer"}}
    assert waiting | set(news.CAN_BE_LATE) <= set(claim_words.CLAIM_STEPS)


def test_claimant_of_a_claim_that_is_paid_hears_of_each_step(cases: ClaimCases) -> None:
    claim = cases.decided()
    cases.to_publicity()
    cases.end_publicity()
    cases.post()
    award = cases.award(claim)
    events.publish(
        event="award.paid", key="1", payload={"award": award.pk, "is_complete": True}, actor="treasurer"
    )
    assert [kind for kind in kinds(cases.claimant) if kind.startswith("claim_")] == [
        "claim_filed",
        "claim_taken_up",
        "claim_approved",
        "claim_awarded",
        "claim_shared",
        "claim_paid",
    ]
    subject, body, link = last(cases.claimant)
    assert subject == f"The aid for your case {award.code} is paid: ¥50,000.00"
    assert "say on its page that it has come" in body
    assert link == f"/claims/{claim.code}/"
    chinese, _body, _link = last(cases.claimant, "zh-hans")
    assert award.code in chinese
    assert "50,000.00" in chinese
    assert "claim" not in chinese


def test_mail_of_a_step_names_no_illness_and_no_reason(cases: ClaimCases) -> None:
    claim = cases.filed()
    review.assign_claim(claim=claim, reviewer=cases.reviewer.code, at=clock.now())
    review.request_papers(
        claim=claim,
        reviewer=cases.reviewer.code,
        kinds=["pathology"],
        message="The stamp of the hospital cannot be read.",
        at=clock.now(),
    )
    run_jobs()
    assert len(mail.outbox) >= 3
    sent = " ".join(f"{one.subject} {one.body}" for one in mail.outbox)
    assert claim.code in sent
    for secret in ("thyroid", "hospital", "pathology", "Li Na", "lump"):
        assert secret not in sent


def test_papers_asked_for_twice_are_told_twice_with_their_last_day(cases: ClaimCases) -> None:
    claim = cases.filed()
    for asked in range(2):
        # A first filing waits for whoever can review; a claim handed back, for the one who has it.
        assert kinds(cases.reviewer).count("claim_waits") == asked + 1
        review.assign_claim(claim=claim, reviewer=cases.reviewer.code, at=clock.now())
        review.request_papers(
            claim=claim, reviewer=cases.reviewer.code, kinds=["pathology"], message="Again?", at=clock.now()
        )
        claim.refresh_from_db()
        assert last(cases.claimant)[1].startswith("Its page says which ones, and why.")
        assert f"by {format_day(claim.due_date)}" in last(cases.claimant)[1]
        tomorrow()
        filing.supply_papers(claim=claim, claimant=cases.claimant.code, at=clock.now())
        claim.refresh_from_db()
    assert kinds(cases.claimant).count("claim_asked") == 2
    assert kinds(cases.claimant).count("claim_filed") == 3
    assert kinds(cases.second) == []


def test_second_reviewers_without_a_part_are_told_what_waits_for_them(cases: ClaimCases) -> None:
    claim, _objection = cases.objected()
    decider = claim.decisions.get().decider
    others = [person for person in (cases.second, cases.third) if person.code != decider]
    [other] = others
    subject, body, link = last(other)
    assert (subject, link) == (
        f"A claim of Test pool waits for you: {claim.code}",
        f"/pools/test-pool/review/{claim.code}/",
    )
    assert body == f"It is “objected to”; your part is due on {format_day(claim.due_date)}."
    # What is held against a decision is not put to whoever has made it.
    assert kinds(User.objects.get(code=decider)) == []
    assert last(cases.claimant)[0] == f"A member objects to your case {cases.award(claim).code}"


def test_dismissed_and_upheld_objections_are_told_apart(cases: ClaimCases) -> None:
    claim, objection = cases.objected()
    assert kinds(cases.claimant)[-1] == "claim_objected"
    publicity.answer_objection(
        objection=objection, answerer=cases.third.code, upheld=False, answer="No.", at=clock.now()
    )
    assert kinds(cases.claimant)[-1] == "claim_goes_on"
    admit_member(
        pool=cases.world.pool,
        person=cases.world.stranger,
        class_no=0,
        from_at=clock.now(),
        joined_date=clock.today(cases.world.pool.time_zone),
        actor="test",
    )
    again = publicity.object_to_case(
        claim=claim, member=cases.world.stranger.code, reason="Look at the date.", at=clock.now()
    )
    assert kinds(cases.claimant)[-1] == "claim_objected"
    cases.hear()
    publicity.answer_objection(
        objection=again, answerer=cases.third.code, upheld=True, answer="So it is.", at=clock.now()
    )
    assert kinds(cases.claimant)[-1] == "claim_overturned"


def test_step_is_told_once_however_often_its_job_runs(cases: ClaimCases) -> None:
    cases.filed()
    run_jobs()
    before = (kinds(cases.claimant), kinds(cases.reviewer), len(mail.outbox))
    told = Job.objects.get(kind=filing.TELL)
    again = jobs.enqueue(kind=filing.TELL, key="again", payload=told.payload, actor="test")
    lease = jobs.claim(again.pk)
    assert lease is not None
    assert news.tell_step(lease) == {"told": 0}
    assert (kinds(cases.claimant), kinds(cases.reviewer), len(mail.outbox)) == before


def test_claim_taken_back_before_its_step_is_told_is_told_as_it_was(cases: ClaimCases) -> None:
    claim = cases.filed()
    publicity.withdraw_claim(claim=claim, claimant=cases.claimant.code, at=clock.now())
    assert kinds(cases.claimant) == ["claim_filed"]


@pytest.mark.parametrize(("days", "late"), [(5, 0), (6, 1)])
def test_late_step_is_told_once_to_claimant_reviewers_and_admins(
    cases: ClaimCases, days: int, late: int
) -> None:
    """Filed on 20 May, to be taken up by the 25th: the 26th is the first late day."""
    claim = cases.filed()
    for extra in (0, 1):
        tomorrow(days if not extra else 0)
        news.follow_overdue_due(clock.now())
        news.follow_overdue_due(clock.now())
        assert kinds(cases.claimant).count("claim_late") == late
        assert kinds(cases.reviewer).count("claim_overdue") == late
        assert kinds(cases.world.admin).count("claim_overdue") == late
        if late:
            assert last(cases.world.admin)[2] == "/pools/test-pool/"
            assert last(cases.reviewer)[2] == f"/pools/test-pool/review/{claim.code}/"
            subject, body, _link = last(cases.claimant)
            assert subject == f"Your claim {claim.code} is late, and it is not you"
            assert "“filed, to be taken up” was due on 25 May 2026" in body
            tomorrow()
            news.follow_overdue_due(clock.now())
            run_jobs()
            assert kinds(cases.claimant).count("claim_late") == 1


def test_who_has_the_claim_is_never_its_own_claimant(cases: ClaimCases) -> None:
    """A reviewer who falls ill is told of their claim as its claimant, not as one who could decide it."""
    own = admit_member(
        pool=cases.world.pool,
        person=cases.reviewer,
        class_no=0,
        from_at=clock.now() - dt.timedelta(days=200),
        joined_date=dt.date(2026, 1, 1),
        actor="founding",
    )
    cases.membership, cases.claimant = own, cases.reviewer
    claim = cases.filed()
    assert Claim.objects.get(pk=claim.pk).state == "filed"
    assert kinds(cases.reviewer) == ["claim_filed"]


def test_what_somebody_has_done_waits_on_nobodys_list(cases: ClaimCases) -> None:
    claim = cases.filed()
    assert len(kinds(cases.reviewer)) == unread_count(cases.reviewer) == 1
    review.assign_claim(claim=claim, reviewer=cases.reviewer.code, at=clock.now())
    run_jobs()
    assert unread_count(cases.reviewer) == 0
    review.recommend(
        claim=claim,
        reviewer=cases.reviewer.code,
        outcome="rejected",
        aid_fen=0,
        clause="waiting",
        papers=[],
        reason="Too early.",
        at=clock.now(),
    )
    run_jobs()
    assert (unread_count(cases.second), unread_count(cases.third)) == (1, 1)
    claim.refresh_from_db()
    review.decide(
        claim=claim,
        decider=cases.second.code,
        outcome="rejected",
        clause="waiting",
        papers=[],
        reason="So it is.",
        shown_sha256=shown_sha256(claim),
        at=clock.now(),
    )
    run_jobs()
    assert (unread_count(cases.second), unread_count(cases.third)) == (0, 0)
    # What the claimant was told stays theirs to read.
    assert unread_count(cases.claimant) == len(kinds(cases.claimant)) == 3
