"""A refusal before the jury, from the claimant's step to the verdict: by services, and by what the log says of it."""

import datetime as dt
import hashlib
import io
import json
from typing import Any

import psycopg
import pytest
from django.core.management import call_command

from aidplatform.lib import clock
from aidplatform.lib.errors import NotFoundError
from aidplatform.testing.jury_cases import JURY, WORDS, JuryCases
from aidplatform.testing.prepared import prepared
from aidplatform.testing.refusals import run
from aidplatform.testing.world import run_jobs, set_clock
from aidplatform.tests.pages_helpers import client_of
from claims.filing.models import Claim
from claims.filing.services import ClaimMovedOnError
from claims.jury import draws, selectors, services
from claims.jury.arbiter_models import Arbitration
from claims.jury.exam import questions_for, wrong_of
from claims.jury.models import Juror, JuryDraw, JurySeat, JuryVerdict
from claims.jury.published import verify_published
from claims.jury.tasks import follow_juries_due
from claims.publicity import services as publicity
from claims.review.selectors import public_ref
from ledger.books.findings import Report
from ledger.openbooks.draw_verify import SENTENCES
from ledger.openbooks.models import LogEntry
from members.joining.services import admit_member, end_cover
from members.people.models import Notice, User
from members.pools.jury_terms import JuryTerms
from members.pools.selectors import newest_plan


@prepared
def cases() -> JuryCases:
    """Return a pool of 32 members who have offered to judge."""
    return JuryCases.founded()


def bodies(entry_type: str) -> list[dict[str, Any]]:
    found = LogEntry.objects.filter(type=entry_type).order_by("seq")
    return [json.loads(bytes(entry.data))["body"] for entry in found]


def verified(claim: Claim) -> dict[str, tuple[str, str]]:
    """Recompute the draw of a claim; return the statements that are false, each with the two values that differ."""
    report = Report.of(SENTENCES)
    verify_published(report, claim.code)
    assert report.statements["draw_is_committed_once"].examined
    return {
        code: (one.findings[0].expected, one.findings[0].found)
        for code, one in report.statements.items()
        if one.false
    }


def test_verdict_for_the_claimant_is_an_award(cases: JuryCases) -> None:
    claim = cases.refused()
    draw = cases.drawn(claim)
    assert (draw.state, draw.seats, draw.quorum) == ("drawn", 5, 3)
    cases.vote(draw, "for", "for", "against", "against")
    claim = cases.close(draw)
    assert claim.state == Claim.State.IN_PUBLICITY
    assert cases.award(claim).aid_fen == claim.aid_fen == 5_000_000
    verdict = JuryVerdict.objects.get()
    assert (verdict.outcome, verdict.votes_for, verdict.votes_against) == ("granted", 2, 2)
    decided = bodies("claim.decide")[-1]
    assert (decided["outcome"], decided["aid"], decided["jury"]) == (
        "approved",
        5_000_000,
        f"{decided['ref']}/1",
    )
    cases.to_publicity()
    cases.end_publicity()
    claim.refresh_from_db()
    assert claim.state == Claim.State.AWARDED


@pytest.mark.parametrize(
    ("votes", "outcome"),
    [(("for", "against", "against"), "refused"), (("for", "for"), "no_quorum"), ((), "no_quorum")],
)
def test_verdict_against_or_without_quorum_is_final(
    cases: JuryCases, votes: tuple[str, ...], outcome: str
) -> None:
    draw = cases.drawn()
    cases.vote(draw, *votes)
    claim = cases.close(draw)
    assert (claim.state, JuryVerdict.objects.get().outcome) == ("refused_by_jury", outcome)
    assert not cases.world.pool.awards.filter(claim_code=claim.code).exists()
    with pytest.raises(ClaimMovedOnError):
        cases.take(claim)
    told = Notice.objects.filter(person=cases.claimant).values_list("kind", flat=True)
    assert {"claim_before_jury", "claim_jury_drawn", "claim_jury_refused"} <= set(told)


def test_half_of_the_votes_is_not_enough_where_the_rules_say_more_than(db: None) -> None:
    cases = JuryCases.founded(jury=JURY | {"inclusive": False})
    draw = cases.drawn()
    cases.vote(draw, "for", "for", "against", "against")
    assert cases.close(draw).state == "refused_by_jury"


def test_log_lets_anyone_recompute_it(cases: JuryCases) -> None:
    claim = cases.refused()
    draw = cases.drawn(claim)
    declined = cases.seated(draw)[1]
    services.decline_seat(seat=declined, juror=declined.person, at=clock.now())
    cases.vote(draw, "for", "against", "for", "for")
    cases.close(draw)
    assert verified(claim) == {}
    commit, result, tally = (bodies(kind)[0] for kind in ("draw.commit", "draw.result", "jury.tally"))
    assert commit["n"] == 32
    assert commit["rule"] == JURY
    assert [one["as"] for one in commit["beacon"]["witnesses"]] == list(WORDS)
    assert "who" not in commit["beacon"]["witnesses"][0]
    assert len(result["drawn"]) == 9
    assert result["missing"] == []
    assert (tally["for"], tally["against"], tally["outcome"]) == (3, 1, "granted")
    assert bodies("draw.replace")[0] | {"ref": ""} == {
        "ref": "", "stage": 1, "out": 2, "by": 6, "why": "declined",
    }  # fmt: skip
    logged = json.dumps(
        [bodies(kind) for kind in ("draw.commit", "draw.result", "jury.tally", "draw.replace")]
    )
    assert claim.code not in logged
    assert cases.claimant.code not in logged
    assert not [one.code for one in cases.jurors if one.code in logged]


def test_verification_names_what_differs(committed_db: tuple[str, str]) -> None:
    """As anyone runs it: by exit code, with the name of what is false and the two values."""
    cases = JuryCases.founded()
    run_jobs()  # the rules are in the log
    claim = cases.refused()

    def verify(*arguments: str) -> tuple[int, str]:
        out = io.StringIO()
        with pytest.raises(SystemExit) as left:
            call_command("verify_draw", *arguments, stdout=out)
        assert isinstance(left.value.code, int)
        return left.value.code, out.getvalue()

    assert verify(claim.code)[0] == verify("CL-NONE")[0] == 2
    draw = cases.drawn(claim)
    cases.vote(draw, "for", "for", "for")
    cases.close(draw)
    assert verify(claim.code)[0] == verify(selectors.public_ref(claim))[0] == 0
    with psycopg.connect(committed_db[0], autocommit=True) as owner:
        owner.execute("ALTER TABLE claims_jurydraw DISABLE TRIGGER USER")
        owner.execute(
            "UPDATE claims_jurydraw SET eligible = set_byte(eligible, 0, get_byte(eligible, 0) # 1)"
        )
    code, told = verify(claim.code)
    assert code == 1
    assert "FALSE  draw_pool_is_the_committed" in told
    assert f"must be {bytes(draw.head).hex()}; is " in told


def test_withdrawn_before_the_verdict_no_ballot_is_opened(cases: JuryCases) -> None:
    claim = cases.refused()
    draw = cases.drawn(claim)
    cases.vote(draw, "for", "for", "for")
    publicity.withdraw_claim(claim=claim, claimant=cases.claimant.code, at=clock.now())
    with pytest.raises(services.VotingOverError):
        seat = cases.seated(draw)[4]
        services.cast_ballot(seat=seat, juror=seat.person, vote="for", at=clock.now())
    draw = cases.later(draw, clock.now())
    assert (draw.state, draw.claim.state) == ("dropped", "withdrawn")
    (tally,) = bodies("jury.tally")
    assert tally["outcome"] == "withdrawn"
    assert "ballots" not in tally
    assert verified(claim) == {}
    cases.later(draw, draw.closes_at or clock.now())
    assert not JuryVerdict.objects.exists()
    assert Notice.objects.filter(kind="jury_off").count() == 5


def test_witness_of_a_claim_that_was_taken_back_is_not_asked(cases: JuryCases) -> None:
    claim = cases.refused()
    draw = cases.commit(cases.take(claim))
    assert draw.state == "committed"
    publicity.withdraw_claim(claim=claim, claimant=cases.claimant.code, at=clock.now())
    admin = cases.witnesses["pool_admin"]
    with pytest.raises(services.WitnessError, match="taken the claim back"):
        services.tell_words(draw=draw, person=admin, words=WORDS["pool_admin"], at=clock.now())
    page = client_of(admin).get(f"/pools/{claim.pool.code}/draws/{public_ref(claim)}/").content.decode()
    assert 'name="words"' not in page
    draw = cases.later(draw, clock.now())
    assert draw.state == "dropped"
    assert bodies("draw.reveal") == []
    assert verified(claim) == {}


def test_silent_witness_is_named_and_the_draw_goes_on(cases: JuryCases) -> None:
    claim = cases.refused()
    draw = cases.commit(cases.take(claim))
    cases.tell(draw, "claimant", "controller")
    assert draw.state == "committed"
    draw = cases.later(draw, draw.reveal_until_at or clock.now())
    assert draw.state == "drawn"
    assert bodies("draw.result")[0]["missing"] == [2]
    assert verified(claim) == {}


def test_with_one_witness_alone_the_draw_is_made_anew(cases: JuryCases) -> None:
    claim = cases.refused()
    draw = cases.tell(cases.commit(cases.take(claim)), "claimant")
    failed = cases.later(draw, draw.reveal_until_at or clock.now())
    assert failed.state == "failed"
    assert bodies("incident")[0]["missing"] == [2, 3]
    again = claim.jury_draws.get(state="called")
    assert (again.stage, again.size) == (2, 32)
    assert bytes(again.head) != bytes(failed.head)
    cases.tell(cases.commit(again))
    draw = JuryDraw.objects.get(pk=again.pk)
    cases.vote(draw, "for", "for", "for")
    assert cases.close(draw).state == "in_publicity"
    assert verified(claim) == {}


def test_draw_waits_for_three_witnesses_and_goes_on_with_all(cases: JuryCases) -> None:
    draw = cases.take(cases.refused())
    asked = selectors.asked_witnesses(draw.claim)
    assert sorted(asked.values()) == ["auditor", "claimant", "controller", "pool_admin", "treasurer"]
    draw = cases.later(draw, draw.commit_until_at)
    assert draw.state == "called"
    people = User.objects.in_bulk(asked)
    for number, person in enumerate(people.values()):
        words = f"words of witness {number}".encode()
        services.commit_to_words(
            draw=draw, person=person, commitment=hashlib.sha256(words).digest(), at=clock.now()
        )
        draw.refresh_from_db()
        assert draw.state == ("committed" if number == 2 else "called")
        if draw.state == "committed":
            break
    assert draw.reveal_until_at == clock.now() + draws.REVEAL_TIME


@pytest.mark.parametrize("who", ["stranger", "reviewer", "neighbor"])
def test_only_who_is_asked_witnesses(cases: JuryCases, who: str) -> None:
    draw = cases.take(cases.refused())
    person = getattr(cases, who, None) or getattr(cases.world, who)
    with pytest.raises(services.WitnessError):
        services.commit_to_words(draw=draw, person=person, commitment=bytes(32), at=clock.now())


def test_witness_tells_the_words_to_which_they_committed(cases: JuryCases) -> None:
    draw = cases.commit(cases.take(cases.refused()))
    with pytest.raises(services.OtherWordsError):
        services.tell_words(draw=draw, person=cases.claimant, words="other words", at=clock.now())
    services.tell_words(draw=draw, person=cases.claimant, words=f" {WORDS['claimant']} ", at=clock.now())
    with pytest.raises(services.WitnessError):
        services.tell_words(draw=draw, person=cases.claimant, words=WORDS["claimant"], at=clock.now())
    with pytest.raises(services.WitnessError):
        services.commit_to_words(draw=draw, person=cases.world.auditor, commitment=bytes(32), at=clock.now())


def test_jury_is_asked_in_time_and_once(cases: JuryCases) -> None:
    claim = cases.refused()
    refused_at = clock.now()
    set_clock(refused_at + dt.timedelta(days=31))
    with pytest.raises(services.JuryTooLateError):
        cases.take(claim)
    set_clock(refused_at + dt.timedelta(days=30))
    with pytest.raises(NotFoundError):
        services.take_to_jury(
            claim=claim, claimant=cases.neighbor.code, statement="x", shows_reasons=False, shows_appeal=False,
            at=clock.now(),
        )  # fmt: skip
    cases.take(claim)
    with pytest.raises(ClaimMovedOnError):
        cases.take(claim)


def test_plan_without_a_jury_has_none(db: None) -> None:
    cases = JuryCases.founded(offering=0, jury=None)
    with pytest.raises(services.JuryTooLateError, match="know no jury"):
        cases.take(cases.refused())


def test_under_thirty_there_is_no_jury(db: None) -> None:
    cases = JuryCases.founded(offering=29)
    with pytest.raises(JuryDraw.DoesNotExist):
        cases.take(cases.refused())
    assert Arbitration.objects.get().eligible == 29


def test_who_cannot_be_a_juror_is_not_on_the_list(cases: JuryCases) -> None:
    claim = cases.refused()
    everyone = {pk for pk, _code in selectors.eligible_for(claim)}
    assert everyone == {one.pk for one in cases.jurors}
    pool, version = cases.world.pool, newest_plan(cases.world.pool)
    young = User.objects.create_user("young@example.org")
    admit_member(
        pool=pool, person=young, class_no=0, from_at=clock.now(), joined_date=dt.date(2026, 1, 1), actor="founding",
        birth_date=dt.date(2009, 1, 1),
    )  # fmt: skip
    for person in (cases.claimant, cases.neighbor, young):
        Juror.objects.create(
            pool=pool, person=person, plan_version=version, right_answers=5, offered_at=clock.now()
        )
    on_duty, gone, back = cases.jurors[:3]
    cases.world.grant(on_duty, "auditor")
    end_cover(membership=gone.memberships.get(), at=clock.now(), reason="left", actor=gone.code)
    services.step_back(pool=pool, person=back, at=clock.now())
    now = {pk for pk, _code in selectors.eligible_for(claim)}
    assert now == (everyone | {cases.neighbor.pk}) - {on_duty.pk, gone.pk, back.pk}


def test_who_is_new_is_not_on_the_list(db: None) -> None:
    cases = JuryCases.founded(jury=JURY | {"tenure_days": 200})
    assert selectors.eligible_for(cases.refused()) == []


def test_drawn_who_cannot_judge_any_more_is_passed_over(cases: JuryCases) -> None:
    claim = cases.refused()
    draw = cases.commit(cases.take(claim))
    # Of 32 drawn in any order, nine of the twelve who are left do not come first.
    gone = cases.jurors[:20]
    for person in gone:
        services.step_back(pool=cases.world.pool, person=person, at=clock.now())
    draw = cases.tell(draw)
    seated = {seat.person_id for seat in cases.seated(draw)}
    assert not seated & {one.pk for one in gone}
    assert draw.drawn.filter(state="passed_over").exists()
    assert {one["why"] for one in bodies("draw.replace")} == {"not_eligible"}
    cases.close(draw)
    assert verified(claim) == {}


def test_declining_ends_with_the_last_reserve(cases: JuryCases) -> None:
    draw = cases.drawn()
    for _number in range(9):
        seat = cases.seated(draw)[0]
        services.decline_seat(seat=seat, juror=seat.person, at=clock.now())
        services.decline_seat(seat=seat, juror=seat.person, at=clock.now())
    assert cases.seated(draw) == []
    assert [one.get("by") for one in bodies("draw.replace")] == [6, 7, 8, 9, *[None] * 5]
    assert cases.close(draw).state == "refused_by_jury"


def test_juror_votes_once_and_no_count_is_known(cases: JuryCases) -> None:
    draw = cases.drawn()
    seat = cases.seated(draw)[0]
    with pytest.raises(services.ForbiddenError):
        services.cast_ballot(seat=seat, juror=cases.seated(draw)[1].person, vote="for", at=clock.now())
    services.cast_ballot(seat=seat, juror=seat.person, vote="against", at=clock.now())
    for deed in ("cast", "decline"):
        with pytest.raises(services.NotSeatedError):
            if deed == "cast":
                services.cast_ballot(seat=seat, juror=seat.person, vote="for", at=clock.now())
            else:
                services.decline_seat(seat=seat, juror=seat.person, at=clock.now())
    rows = run("SELECT commitment, vote_sealed FROM claims_juryballot")
    assert all(b"against" not in bytes(column) for row in rows for column in row)
    assert bodies("jury.tally") == []
    (cast,) = bodies("jury.ballot")
    assert set(cast) == {"ref", "stage", "seat", "commit"}
    set_clock(draw.closes_at)
    with pytest.raises(services.VotingOverError):
        other = cases.seated(draw)[1]
        services.cast_ballot(seat=other, juror=other.person, vote="for", at=clock.now())


def test_doubled_ticks_change_nothing(cases: JuryCases) -> None:
    draw = cases.drawn()
    cases.vote(draw, "for", "for", "for")
    set_clock(draw.closes_at)
    follow_juries_due()
    follow_juries_due()
    run_jobs()
    assert draws.follow_draw(draw=draw, at=clock.now()) == "tallied"
    assert (JuryVerdict.objects.count(), len(bodies("jury.tally"))) == (1, 1)


def test_people_are_told(cases: JuryCases) -> None:
    draw = cases.drawn()
    assert Notice.objects.filter(kind="jury_witness").count() == 5
    assert Notice.objects.filter(kind="jury_words").count() == 3
    assert Notice.objects.filter(kind="jury_seat").count() == 5
    seat = cases.seated(draw)[0]
    services.decline_seat(seat=seat, juror=seat.person, at=clock.now())
    run_jobs()
    assert Notice.objects.filter(kind="jury_seat").count() == 6
    cases.vote(draw, "for", "for", "for", "for", "for")
    cases.close(draw)
    assert Notice.objects.filter(kind="jury_verdict").count() == 5
    assert Notice.objects.filter(kind="claim_jury_granted", person=cases.claimant).count() == 1


def test_offer_takes_five_right_answers(cases: JuryCases) -> None:
    pool, person = cases.world.pool, cases.neighbor
    plan = newest_plan(pool).plan()
    assert plan.jury is not None
    questions = questions_for(plan, plan.jury, person.code)
    right = {one.code: one.right for one in questions}
    with pytest.raises(services.ExamError) as refused:
        wrong = right | {questions[0].code: "nonsense"}
        services.offer_to_judge(pool=pool, person=person, answers=wrong, at=clock.now())
    assert refused.value.extra["wrong"] == [questions[0].code]
    offer = services.offer_to_judge(pool=pool, person=person, answers=right, at=clock.now())
    assert services.offer_to_judge(pool=pool, person=person, answers={}, at=clock.now()) == offer
    services.step_back(pool=pool, person=person, at=clock.now())
    services.step_back(pool=pool, person=person, at=clock.now())
    assert selectors.offer_of(person, pool) is None
    with pytest.raises(NotFoundError):
        services.offer_to_judge(pool=pool, person=cases.world.stranger, answers=right, at=clock.now())


def test_questions_are_of_the_rules_in_force() -> None:
    from aidplatform.testing.world import TERMS
    from members.pools.plan_terms import PlanTerms

    asked: set[str] = set()
    for inclusive in (True, False):
        plan = PlanTerms.from_json(TERMS | {"appeal_days": 30, "jury": JURY | {"inclusive": inclusive}})
        assert isinstance(plan.jury, JuryTerms)
        for number in range(60):
            questions = questions_for(plan, plan.jury, f"P-{number}")
            assert len(questions) == 5
            assert questions == questions_for(plan, plan.jury, f"P-{number}")
            assert all(one.right in one.answers for one in questions)
            assert wrong_of(questions, {one.code: one.right for one in questions}) == []
            asked |= {one.code for one in questions}
            rights = {one.code: one.right for one in questions}
            assert rights.get("threshold", "at_least" if inclusive else "more_than") == (
                "at_least" if inclusive else "more_than"
            )
            assert rights.get("waiting", "90") == "90"
    assert len(asked) == 9


def test_brief_shows_what_the_claimant_agreed_to(cases: JuryCases) -> None:
    claim = cases.refused()
    draw = cases.tell(cases.commit(cases.take(claim, shows_reasons=False, shows_appeal=False)))
    brief = selectors.brief_of(draw.claim)
    assert (brief.statement, brief.appeal, brief.reasons) == ("Please read the report.", "", [])


def test_brief_shows_reasons_and_appeal_where_agreed(cases: JuryCases) -> None:
    claim = cases.refused()
    cases.drawn(claim)
    brief = selectors.brief_of(claim)
    assert brief.appeal == "The second pathology report names it."
    assert [reason for _one, _finding, reason in brief.reasons] == ["I agree.", "I agree."]
    assert JurySeat.objects.filter(state="seated").count() == 5
