"""Publicity: objections, what they hold, who answers, and what the ledger makes of it."""

import datetime as dt
import json
from io import StringIO

import psycopg
import pytest
from django.core.management import call_command

from aidplatform.lib import clock
from aidplatform.lib.errors import ForbiddenError, NotFoundError
from aidplatform.testing.claim_cases import ClaimCases
from aidplatform.testing.refusals import not_permitted, refused, refused_to_owner, run
from aidplatform.testing.world import World, run_jobs, set_clock
from aidplatform.tests.pages_helpers import client_of
from claims.filing.models import Claim
from claims.filing.states import STEPS
from claims.publicity import selectors, services
from claims.publicity.models import Objection
from claims.publicity.triggers import DAYS_FOR_TWO, DAYS_TO_REPLY
from ledger.openbooks.models import LogEntry
from ledger.sharing import services as sharing
from ledger.sharing.models import Award
from ledger.sharing.payees import Payee
from ledger.sharing.selectors import payee_of_award


def _insert(claim: Claim, member: str, number: int = 9) -> None:
    run(
        """INSERT INTO claims_objection (claim_id, number, member, reason_sealed, raised_at, state)
           VALUES (%s, %s, %s, 'x', now(), 'open')""",
        claim.pk,
        number,
        member,
    )


def _answer(objection: Objection, by: str, state: str = "dismissed") -> None:
    run(
        """UPDATE claims_objection SET state = %s, answered_by = %s, answered_at = now(), answer_sealed = 'x'
            WHERE id = %s""",
        state,
        by,
        objection.pk,
    )


def _dismiss(cases: ClaimCases, objection: Objection) -> None:
    services.answer_objection(
        objection=objection,
        answerer=cases.third.code,
        upheld=False,
        answer="The record of 2024 is of somebody else.",
        at=clock.now(),
    )


def _bodies(kind: str) -> list[dict[str, object]]:
    return [json.loads(bytes(row.data))["body"] for row in LogEntry.objects.filter(type=kind).order_by("seq")]


def test_case_is_published_once(cases: ClaimCases) -> None:
    claim = cases.decided()
    award = services.publish_case(claim=claim, at=clock.now())
    assert Award.objects.get() == award
    assert [body["case"] for body in _bodies("claim.public")] == [award.code]


def test_log_of_an_approved_case_shows_a_hash_alone(db: None) -> None:
    cases = ClaimCases.founded(World.founded(members=120))
    cases.decided()
    (body,) = _bodies("claim.public")
    assert set(body) == {"case", "ref", "aid", "evidence", "face_sha256"}
    assert len(str(body["face_sha256"])) == 64


def test_log_of_a_small_pool_shows_no_face(cases: ClaimCases) -> None:
    cases.published()
    (body,) = _bodies("case.face")
    assert set(body) == {"case", "step", "members"}


def test_log_of_a_larger_pool_shows_the_face_once_it_is_announced(db: None) -> None:
    cases = ClaimCases.founded(World.founded(members=120))
    claim = cases.published()
    (body,) = _bodies("case.face")
    # Of nearly all members it is not known where and how old they are, so that nobody is told.
    assert body == {
        "case": cases.award(claim).code,
        "step": 0,
        "members": 122,
        "disease": "cancer",
        "month": "2026-05",
    }


def test_claim_code_stays_out_of_the_log(cases: ClaimCases) -> None:
    claim = cases.decided()
    assert not any(claim.code.encode() in bytes(row.data) for row in LogEntry.objects.all())


def test_open_objection_keeps_the_case_out_of_its_period(cases: ClaimCases) -> None:
    claim, _objection = cases.objected()
    period = cases.award(claim).period
    assert claim.state == "objected"
    cases.end_publicity()
    award = cases.award(claim)
    assert (award.state, award.period, award.is_held) == ("announced", None, True)
    assert [(body["case"], body["why"]) for body in _bodies("award.adjust")] == [
        (award.code, "objection_open")
    ]
    cases.post()
    assert period is not None
    period.refresh_from_db()
    assert (period.state, period.cases, period.aid_fen) == ("posted", 0, 0)


def test_held_award_waits_for_its_answer_over_periods(cases: ClaimCases) -> None:
    claim, objection = cases.objected()
    cases.end_publicity()
    cases.post()
    _dismiss(cases, objection)
    claim.refresh_from_db()
    assert claim.state == "in_publicity"
    cases.to_publicity()
    assert cases.award(claim).period is not None
    cases.end_publicity()
    cases.post()
    claim.refresh_from_db()
    assert (claim.state, cases.award(claim).state) == ("shared", "shared")


def test_books_verify_after_a_case_left_its_period(committed_db: tuple[str, str]) -> None:
    cases = ClaimCases.founded()
    _claim, objection = cases.objected()
    cases.end_publicity()
    cases.post()
    _dismiss(cases, objection)
    cases.to_publicity()
    cases.end_publicity()
    cases.post()
    out = StringIO()
    with pytest.raises(SystemExit) as done:
        call_command("verify_books", stdout=out)
    assert done.value.code == 0, out.getvalue()


def test_dismissed_in_time_the_case_stays_in_its_period(cases: ClaimCases) -> None:
    claim, objection = cases.objected()
    period = cases.award(claim).period
    _dismiss(cases, objection)
    cases.end_publicity()
    claim.refresh_from_db()
    assert (claim.state, cases.award(claim).period) == ("awarded", period)


def test_upheld_objection_withdraws_the_award(cases: ClaimCases) -> None:
    claim, objection = cases.objected()
    cases.hear()
    services.answer_objection(
        objection=objection, answerer=cases.third.code, upheld=True, answer="It is so.", at=clock.now()
    )
    claim.refresh_from_db()
    assert (claim.state, cases.award(claim).state) == ("overturned", "withdrawn")
    cases.end_publicity()
    cases.post()
    assert sum(period.aid_fen or 0 for period in cases.world.pool.periods.all()) == 0
    assert [body["why"] for body in _bodies("award.adjust")] == ["objection_upheld"]


def test_all_objections_are_answered_before_the_case_goes_on(cases: ClaimCases) -> None:
    claim, objection = cases.objected()
    other = second_objection(cases, claim)
    _dismiss(cases, objection)
    claim.refresh_from_db()
    assert (claim.state, cases.award(claim).is_held) == ("objected", True)
    with refused("claim_step_has_its_paper"):
        run("UPDATE claims_claim SET state = 'in_publicity' WHERE id = %s", claim.pk)
    _dismiss(cases, other)
    claim.refresh_from_db()
    assert (claim.state, cases.award(claim).is_held) == ("in_publicity", False)


def second_objection(cases: ClaimCases, claim: Claim) -> Objection:
    from members.joining.services import admit_member

    admit_member(
        pool=cases.world.pool,
        person=cases.world.stranger,
        class_no=0,
        from_at=clock.now(),
        joined_date=clock.today("Asia/Shanghai"),
        actor="founding",
    )
    return services.object_to_case(
        claim=claim, member=cases.world.stranger.code, reason="Me too.", at=clock.now()
    )


def test_only_other_members_object(cases: ClaimCases) -> None:
    claim = cases.published()
    with pytest.raises(ForbiddenError):
        services.object_to_case(claim=claim, member=cases.claimant.code, reason="Me", at=clock.now())
    with pytest.raises(NotFoundError):
        services.object_to_case(claim=claim, member=cases.world.stranger.code, reason="I", at=clock.now())
    for person in (cases.claimant, cases.world.stranger, cases.second):
        with refused("objection_is_by_a_member"):
            _insert(claim, person.code)


def test_objections_come_in_publicity(cases: ClaimCases) -> None:
    claim = cases.decided()
    with pytest.raises(services.PublicityOverError):
        services.object_to_case(claim=claim, member=cases.neighbor.code, reason="Early", at=clock.now())
    with refused("objections_come_in_publicity"):
        _insert(claim, cases.neighbor.code)
    cases.to_publicity()
    cases.end_publicity()
    with pytest.raises(services.PublicityOverError):
        services.object_to_case(claim=claim, member=cases.neighbor.code, reason="Late", at=clock.now())
    with refused("objections_come_in_publicity"):
        _insert(claim, cases.neighbor.code)


def test_members_object_although_the_whole_publicity_was_missed(cases: ClaimCases) -> None:
    """The first tick after months announces the case; members have all the plan's days to object."""
    claim = cases.decided()
    sharing.advance_due(at=clock.now())
    run_jobs()
    period = cases.award(claim).period
    assert period is not None
    assert (period.publicity_date.isoformat(), period.publicity_end_date.isoformat()) == (
        "2026-01-07",
        "2026-05-23",
    )
    page = client_of(cases.neighbor).get("/pools/test-pool/notices/").content.decode()
    assert 'until <time class="nowrap" datetime="2026-05-23">' in page
    set_clock(clock.start_of_day(period.publicity_end_date, "Asia/Shanghai") - dt.timedelta(seconds=1))
    sharing.advance_due(at=clock.now())
    run_jobs()
    services.object_to_case(claim=claim, member=cases.neighbor.code, reason="In time", at=clock.now())
    cases.end_publicity()
    assert (cases.award(claim).state, cases.award(claim).period) == ("announced", None)


def test_one_open_objection_per_member(cases: ClaimCases) -> None:
    claim, _objection = cases.objected()
    with pytest.raises(services.AlreadyObjectedError):
        services.object_to_case(claim=claim, member=cases.neighbor.code, reason="Again", at=clock.now())
    with refused("one_open_objection_per_member"):
        _insert(claim, cases.neighbor.code)
    with refused("one_objection_per_number"):
        _insert(claim, cases.neighbor.code, number=1)


def test_objection_is_answered_by_another(cases: ClaimCases) -> None:
    _claim, objection = cases.objected()
    for person in (cases.second, cases.reviewer, cases.claimant, cases.neighbor):
        with pytest.raises(services.ConcernedError):
            services.answer_objection(
                objection=objection, answerer=person.code, upheld=False, answer="No", at=clock.now()
            )
        with refused("objection_is_answered_by_another"):
            _answer(objection, person.code)
    with pytest.raises(ForbiddenError):
        services.answer_objection(
            objection=objection, answerer=cases.world.admin.code, upheld=False, answer="No", at=clock.now()
        )
    with refused("reviewers_hold_their_duty"):
        _answer(objection, cases.world.admin.code)


def test_claimant_is_heard_before_it_is_upheld(cases: ClaimCases) -> None:
    claim, objection = cases.objected()

    def uphold() -> None:
        services.answer_objection(
            objection=objection, answerer=cases.third.code, upheld=True, answer="It is so.", at=clock.now()
        )

    with refused("claimant_is_heard_before_it_is_upheld"):
        _answer(objection, cases.third.code, "upheld")
    with pytest.raises(services.NotHeardError):
        uphold()
    begin = objection.raised_at + dt.timedelta(days=DAYS_FOR_TWO + DAYS_TO_REPLY)
    set_clock(begin - dt.timedelta(seconds=1))
    with refused("claimant_is_heard_before_it_is_upheld"):
        _answer(objection, cases.third.code, "upheld")
    with pytest.raises(services.NotHeardError):
        uphold()
    set_clock(begin)
    uphold()
    claim.refresh_from_db()
    assert claim.state == "overturned"


def test_who_has_replied_is_heard(cases: ClaimCases) -> None:
    claim, objection = cases.objected()
    set_clock(clock.now() + dt.timedelta(days=DAYS_FOR_TWO))
    services.reply_to_objection(
        objection=objection, claimant=cases.claimant.code, text="I fell ill in May.", at=clock.now()
    )
    _answer(objection, cases.third.code, "upheld")
    objection.refresh_from_db()
    assert (claim.state, objection.state) == ("objected", "upheld")


def test_days_of_both_leave_some_to_who_answers() -> None:
    assert (STEPS["objected"].days or 0) > DAYS_FOR_TWO + DAYS_TO_REPLY


def test_answer_is_permanent(cases: ClaimCases) -> None:
    _claim, objection = cases.objected()
    with refused("objection_is_answered_whole"):
        run("UPDATE claims_objection SET state = 'dismissed', answered_by = %s", cases.third.code)
    _answer(objection, cases.third.code)
    for state in ("open", "upheld"):
        with refused("objection_is_permanent"):
            _answer(objection, cases.third.code, state)
    with refused("objection_is_permanent"):
        _answer(objection, cases.third.code)


@pytest.mark.parametrize("statement", ["DELETE FROM claims_objection", "TRUNCATE claims_objection CASCADE"])
def test_objections_are_kept(owner: psycopg.Connection, db: None, statement: str) -> None:
    with not_permitted():
        run(statement)
    with refused_to_owner(owner, "objection_is_permanent"):
        owner.execute(statement)


def test_held_award_is_not_final(cases: ClaimCases) -> None:
    claim, _objection = cases.objected()
    with refused("held_award_is_not_final"):
        run("UPDATE ledger_award SET state = 'final' WHERE claim_code = %s", claim.code)


def test_final_award_is_neither_held_nor_withdrawn(cases: ClaimCases) -> None:
    claim = cases.published()
    cases.end_publicity()
    award = cases.award(claim)
    for act in (
        lambda: sharing.hold_award(award=award, holder="service", at=clock.now()),
        lambda: sharing.release_award(award=award, releaser="service", at=clock.now()),
        lambda: sharing.withdraw_award(award=award, why="x", withdrawer="service", at=clock.now()),
    ):
        with pytest.raises(sharing.AwardMovedOnError):
            act()
    with refused("held_award_is_not_final"):
        run("UPDATE ledger_award SET is_held = true WHERE id = %s", award.pk)


def test_claimant_takes_a_published_case_back(cases: ClaimCases) -> None:
    claim = cases.published()
    services.withdraw_claim(claim=claim, claimant=cases.claimant.code, at=clock.now())
    claim.refresh_from_db()
    assert (claim.state, cases.award(claim).state) == ("withdrawn", "withdrawn")
    cases.end_publicity()
    cases.post()
    claim.refresh_from_db()
    assert claim.state == "withdrawn"


def test_events_heard_twice_change_nothing(cases: ClaimCases) -> None:
    claim = cases.published()
    cases.end_publicity()
    award = cases.award(claim)
    assert services.follow_awards(awards=[award.pk], state="awarded", at=clock.now()) == []


def test_awards_of_other_origin_are_passed_over(cases: ClaimCases) -> None:
    other = cases.world.award(700, "X-1")
    assert services.follow_awards(awards=[other.pk], state="awarded", at=clock.now()) == []


def test_notices_show_what_is_public(cases: ClaimCases) -> None:
    claim, _objection = cases.objected()
    (notice,) = selectors.notices(cases.world.pool)
    assert notice.award == cases.award(claim)
    assert (notice.objections, notice.open_objections, notice.is_open) == (1, 1, True)


def test_award_that_the_decision_did_not_make_is_not_published(cases: ClaimCases) -> None:
    """Somebody with the application's password is quicker than the job, and names an account of their own."""
    claim = cases.recommended()
    cases.decide(claim)
    claim.refresh_from_db()
    sharing.announce_award(
        pool=cases.world.pool,
        code="2026-0001",
        claim_code=claim.code,
        masked={str(name): str(value) for name, value in (claim.masked or {}).items()},
        aid_fen=5_000_000,
        announcer="service",
        at=clock.now(),
        payee=Payee.of("A friend", "6222 7777"),
    )
    with pytest.raises(services.ForeignAwardError):
        services.publish_case(claim=claim, at=clock.now())
    claim.refresh_from_db()
    assert claim.state == "approved"


def test_award_bears_the_payee_that_the_claimant_named(cases: ClaimCases) -> None:
    claim = cases.decided()
    award = cases.award(claim)
    assert payee_of_award(award) == Payee("Li Na", "6222000011112222")
    assert services.publish_case(claim=claim, at=clock.now()).pk == award.pk
