"""Appeals: once, in time, heard by people who had no part before; by services, by hand, and at the same instant."""

import datetime as dt
import json

import psycopg
import pytest

from aidplatform.lib import clock
from aidplatform.lib.errors import ConflictError, NotFoundError
from aidplatform.testing.claim_cases import AppealCases, all_papers, photograph
from aidplatform.testing.pairs import Meanwhile, wait_for_a_waiter
from aidplatform.testing.prepared import prepared
from aidplatform.testing.refusals import not_permitted, refused, refused_to_owner, run
from aidplatform.testing.world import lay_down_all, run_jobs, set_clock
from aidplatform.work.models import AuditEntry
from claims.filing import selectors as filing
from claims.filing import services as filing_services
from claims.filing.models import Claim
from claims.publicity import services as publicity
from claims.review import appeals, services
from claims.review.models import Appeal, Decision
from claims.review.selectors import shown_sha256
from ledger.openbooks.models import LogEntry
from ledger.sharing.models import Award
from members.people.models import Notice, User

LAST_DAY = dt.date(2026, 6, 19)  # refused on 20 May, 30 days


@prepared
def cases() -> AppealCases:
    """Return a pool whose plan knows an appeal, with two people more who hear it."""
    return AppealCases.founded(appeal_days=30)


def _insert_appeal(claim: Claim, **columns: object) -> None:
    row = {"claim_id": claim.pk, "appellant": claim.claimant.code, "reason_sealed": b"x", **columns}
    run(
        f"INSERT INTO claims_appeal ({', '.join(row)}, appealed_at) VALUES ({', '.join(['%s'] * len(row))}, now())",
        *row.values(),
    )


def _insert_recommendation(claim: Claim, reviewer: User) -> None:
    run(
        "UPDATE claims_claim SET state = 'under_review', reviewer_id = %s WHERE id = %s",
        reviewer.pk,
        claim.pk,
    )
    run(
        """INSERT INTO claims_recommendation (claim_id, round, reviewer, outcome, aid_fen, clause, papers,
               reason_sealed, recommended_at) SELECT id, round, %s, 'rejected', 0, 'aid', '[]', 'x', now()
             FROM claims_claim WHERE id = %s""",
        reviewer.code,
        claim.pk,
    )


def _insert_decision(claim: Claim, decider: User, outcome: str = "rejected") -> None:
    run(
        """INSERT INTO claims_decision (claim_id, round, decider, outcome, aid_fen, clause, papers,
               reason_sealed, shown_sha256, decided_at) SELECT id, round, %s, %s, 0, 'aid', '[]', 'x', %s, now()
             FROM claims_claim WHERE id = %s""",
        decider.code,
        outcome,
        shown_sha256(claim),
        claim.pk,
    )


def _bodies(entry_type: str) -> list[dict[str, object]]:
    found = LogEntry.objects.filter(type=entry_type).order_by("seq")
    return [json.loads(bytes(entry.data))["body"] for entry in found]


def _on(day: dt.date) -> None:
    set_clock(dt.datetime.combine(day, dt.time(23, 59), tzinfo=dt.timezone(dt.timedelta(hours=8))))


def test_appeal_opens_a_round_that_nobody_has_yet(cases: AppealCases) -> None:
    claim = cases.appealed()
    assert (claim.state, claim.round, claim.appeal_round, claim.reviewer) == ("appealed", 2, 2, None)
    assert claim.due_date == dt.date(2026, 5, 25)
    made = appeals.appeal_of(claim)
    assert made is not None
    assert appeals.read_appeal(made) == "The second pathology report names it."
    assert b"pathology" not in bytes(made.reason_sealed)
    (stated,) = _bodies("claim.appeal")
    assert (stated["round"], stated["against"]) == (2, "rejected")
    assert AuditEntry.objects.filter(action="appeal_claim", subject=claim.code).count() == 1


def test_granted_on_appeal_it_is_one_award(cases: AppealCases) -> None:
    claim = cases.heard(cases.appealed(), "approved")
    assert claim.state == "in_publicity"
    assert cases.award(claim).aid_fen == 5_000_000
    assert [body["outcome"] for body in _bodies("claim.decide")] == ["rejected", "approved"]
    assert [body["on_appeal"] for body in _bodies("claim.decide")] == [False, True]
    second = _bodies("claim.decide")[1]["deciders"]
    assert second == [cases.other_reviewer.code, cases.third.code]


def test_refused_again_it_is_over(cases: AppealCases) -> None:
    claim = cases.heard(cases.appealed(), "rejected")
    assert claim.state == "refused_finally"
    assert filing.appeal_until(claim) is None
    with pytest.raises(appeals.AppealedBeforeError):
        cases.appeal(claim)
    with refused("claim_state_follows_order"):
        run("UPDATE claims_claim SET state = 'appealed' WHERE id = %s", claim.pk)


def test_further_papers_come_with_the_appeal_and_until_somebody_takes_it_up(cases: AppealCases) -> None:
    claim = cases.decided("rejected")
    cases.appeal(claim, given=[("pathology", photograph(77))])
    claim.refresh_from_db()
    assert claim.papers.count() == 4
    paper = filing_services.add_evidence(
        claim=claim, claimant=cases.claimant.code, kind="other", data=photograph(150), at=clock.now()
    )
    assert claim.papers.count() == 5
    with pytest.raises(filing_services.ClaimMovedOnError):
        filing_services.remove_evidence(
            claim=claim, claimant=cases.claimant.code, code=paper.code, at=clock.now()
        )
    with refused("evidence_joins_before_review"):
        run("UPDATE claims_evidence SET removed_at = now() WHERE id = %s", paper.pk)
    services.assign_claim(claim=claim, reviewer=cases.other_reviewer.code, at=clock.now())
    with refused("evidence_joins_before_review"):
        run(
            """INSERT INTO claims_evidence (claim_id, code, kind, media_type, size, sha256, sealed, added_at)
               VALUES (%s, 'E-X', 'other', 'image/png', 1, 'x', 'x', now())""",
            claim.pk,
        )


def test_refused_paper_makes_no_appeal(cases: AppealCases) -> None:
    claim = cases.decided("rejected")
    with pytest.raises(filing_services.papers.PaperRefusedError):
        cases.appeal(claim, given=[("other", b"no picture")])
    claim.refresh_from_db()
    assert (claim.state, Appeal.objects.count()) == ("rejected", 0)


@pytest.mark.parametrize("who", ["neighbor", "reviewer"])
def test_only_who_speaks_for_the_member_appeals(cases: AppealCases, who: str) -> None:
    claim = cases.decided("rejected")
    person = getattr(cases, who)
    with pytest.raises(NotFoundError):
        appeals.appeal(claim=claim, claimant=person.code, reason="No", at=clock.now())
    with refused("appeal_is_the_claimants"):
        _insert_appeal(claim, appellant=person.code)


def test_appeal_fits_its_claim(cases: AppealCases) -> None:
    claim = cases.recommended("rejected")
    with pytest.raises(filing_services.ClaimMovedOnError):
        cases.appeal(claim)
    with refused("appeal_fits_its_claim"):
        _insert_appeal(claim)


def test_appeal_comes_in_time(cases: AppealCases) -> None:
    claim = cases.decided("rejected")
    assert filing.appeal_until(claim) == LAST_DAY
    _on(LAST_DAY + dt.timedelta(days=1))
    with pytest.raises(appeals.AppealTooLateError, match="19 Jun 2026"):
        cases.appeal(claim)
    with refused("appeal_comes_in_time"):
        _insert_appeal(claim)
    # By hand the row of the claim may say something else: what was decided, and when, does not change.
    run("UPDATE claims_claim SET state_since = now() + interval '9 years' WHERE id = %s", claim.pk)
    with refused("appeal_comes_in_time"):
        _insert_appeal(claim)
    _on(LAST_DAY)
    _insert_appeal(claim)
    assert Appeal.objects.get().appealed_at == clock.now()


def test_plan_without_an_appeal_has_none(db: None) -> None:
    cases = AppealCases.founded()
    claim = cases.decided("rejected")
    assert filing.appeal_until(claim) is None
    with pytest.raises(appeals.AppealTooLateError, match="know no appeal"):
        cases.appeal(claim)
    with refused("appeal_comes_in_time"):
        _insert_appeal(claim)


def test_one_appeal_per_claim(cases: AppealCases) -> None:
    claim = cases.decided("rejected")
    _insert_appeal(claim)
    with refused("one_appeal_per_claim"):
        _insert_appeal(claim)
    claim = Claim.objects.get()
    run("UPDATE claims_claim SET state = 'appealed', round = 2, appeal_round = 2")
    with pytest.raises(appeals.AppealedBeforeError):
        cases.appeal(claim)


@pytest.mark.parametrize(
    "columns",
    [
        "state = 'appealed'",
        "state = 'appealed', round = 2",
        "state = 'appealed', appeal_round = 1",
        "state = 'appealed', round = 2, appeal_round = 9",
        "state = 'appealed', round = 3, appeal_round = 3",
        "appeal_round = 2",
    ],
)
def test_appeal_opens_its_round(cases: AppealCases, columns: str) -> None:
    claim = cases.decided("rejected")
    with refused("appeal_opens_its_round"):
        run(f"UPDATE claims_claim SET {columns}, reviewer_id = NULL WHERE id = %s", claim.pk)
    _insert_appeal(claim)
    with refused("appeal_opens_its_round"):
        run(f"UPDATE claims_claim SET {columns}, reviewer_id = NULL WHERE id = %s", claim.pk)


def test_appeal_keeps_its_round(cases: AppealCases) -> None:
    claim = cases.appealed()
    for value in ("NULL", "9"):
        with refused("appeal_opens_its_round"):
            run(f"UPDATE claims_claim SET appeal_round = {value} WHERE id = %s", claim.pk)


@pytest.mark.parametrize("statement", ["DELETE FROM {}", "TRUNCATE {}", "UPDATE {} SET claim_id = claim_id"])
def test_appeal_is_permanent(owner: psycopg.Connection, db: None, statement: str) -> None:
    with not_permitted():
        run(statement.format("claims_appeal"))
    with refused_to_owner(owner, "appeal_is_permanent"):
        owner.execute(statement.format("claims_appeal"))


def test_appeal_is_heard_by_others(cases: AppealCases) -> None:
    """Neither who recommended nor who decided says anything again, in no duty."""
    claim = cases.appealed()
    _end(cases.reviewer, cases.second)
    for person, duty in ((cases.reviewer, "second_reviewer"), (cases.second, "reviewer")):
        cases.world.grant(person, duty)
    for person in (cases.reviewer, cases.second):
        with pytest.raises(appeals.HeardBeforeError):
            services.assign_claim(claim=claim, reviewer=person.code, at=clock.now())
        with refused("appeal_is_heard_by_others"):
            _insert_recommendation(claim, person)
    claim.refresh_from_db()
    cases.recommend(claim, "rejected")
    for person in (cases.reviewer, cases.second):
        with pytest.raises(appeals.HeardBeforeError):
            cases.decide(claim, "rejected", person)
        with refused("appeal_is_heard_by_others"):
            _insert_decision(claim, person)
    with pytest.raises(ConflictError):
        cases.decide(claim, "rejected", cases.other_reviewer)
    cases.decide(claim, "rejected", cases.third)


def test_appeal_against_an_objection_is_not_heard_by_who_upheld_it(cases: AppealCases) -> None:
    claim = cases.overturned()
    assert filing.appeal_until(claim) == clock.today("Asia/Shanghai") + dt.timedelta(days=30)
    cases.appeal(claim)
    claim.refresh_from_db()
    assert _bodies("claim.appeal")[0]["against"] == "overturned"
    cases.recommend(claim, "approved")
    with pytest.raises(appeals.HeardBeforeError):
        cases.decide(claim, "approved", cases.third)
    with refused("appeal_is_heard_by_others"):
        _insert_decision(claim, cases.third)
    cases.decide(claim, "approved", cases.other_second)
    run_jobs()
    claim.refresh_from_db()
    assert claim.state == "in_publicity"
    old, new = Award.objects.filter(claim_code=claim.code).order_by("pk")
    assert (old.state, new.state) == ("withdrawn", "announced")
    assert old.code != new.code
    assert filing.granted_before(Claim(pk=0, membership=claim.membership, pool=claim.pool)) == 5_000_000


def test_objection_of_before_does_not_overturn_what_was_granted_on_appeal(cases: AppealCases) -> None:
    claim = cases.overturned()
    cases.appeal(claim)
    claim.refresh_from_db()
    cases.recommend(claim, "approved")
    cases.decide(claim, "approved", cases.other_second)
    run_jobs()
    cases.end_publicity()
    cases.to_publicity()
    run("UPDATE claims_claim SET state = 'objected' WHERE id = %s", claim.pk)
    with refused("claim_step_has_its_paper"):
        run("UPDATE claims_claim SET state = 'overturned' WHERE id = %s", claim.pk)


def test_overturned_again_it_is_over(cases: AppealCases) -> None:
    claim = cases.overturned()
    cases.appeal(claim)
    claim.refresh_from_db()
    cases.recommend(claim, "approved")
    cases.decide(claim, "approved", cases.other_second)
    run_jobs()
    cases.end_publicity()
    cases.to_publicity()
    objection = publicity.object_to_case(
        claim=claim, member=cases.neighbor.code, reason="Still.", at=clock.now()
    )
    cases.hear()
    publicity.answer_objection(
        objection=objection, answerer=cases.third.code, upheld=True, answer="Yes.", at=clock.now()
    )
    claim.refresh_from_db()
    assert (claim.state, filing.appeal_until(claim)) == ("overturned", None)
    assert set(Award.objects.values_list("state", flat=True)) == {"withdrawn"}
    with pytest.raises(appeals.AppealedBeforeError):
        cases.appeal(claim)


def test_refused_on_appeal_has_its_decision(cases: AppealCases) -> None:
    claim = cases.appealed()
    cases.recommend(claim, "rejected")
    for state in ("refused_finally", "rejected"):
        with refused("claim_step_has_its_paper"):
            run("UPDATE claims_claim SET state = %s WHERE id = %s", state, claim.pk)
    _insert_decision(claim, cases.third)
    with refused("claim_step_has_its_paper"):
        run("UPDATE claims_claim SET state = 'rejected' WHERE id = %s", claim.pk)
    run("UPDATE claims_claim SET state = 'refused_finally' WHERE id = %s", claim.pk)


def test_first_refusal_is_not_for_good(cases: AppealCases) -> None:
    claim = cases.recommended("rejected")
    _insert_decision(claim, cases.second)
    with refused("claim_step_has_its_paper"):
        run("UPDATE claims_claim SET state = 'refused_finally' WHERE id = %s", claim.pk)


def test_returned_appeal_stays_with_the_others(cases: AppealCases) -> None:
    claim = cases.appealed()
    cases.recommend(claim, "rejected")
    cases.decide(claim, "returned", cases.third)
    claim.refresh_from_db()
    assert (claim.state, claim.round, claim.appeal_round) == ("under_review", 3, 2)
    with pytest.raises(appeals.HeardBeforeError):
        services.assign_claim(claim=claim, reviewer=cases.reviewer.code, at=clock.now())
    services.recommend(
        claim=claim, reviewer=cases.other_reviewer.code, outcome="approved", aid_fen=1_000_000, clause="aid",
        papers=all_papers(claim),
        reason="A part of it.", at=clock.now(),
    )  # fmt: skip
    cases.decide(claim, "approved", cases.third)
    run_jobs()
    assert cases.award(claim).aid_fen == 1_000_000


def test_appeal_can_be_taken_back(cases: AppealCases) -> None:
    claim = publicity.withdraw_claim(claim=cases.appealed(), claimant=cases.claimant.code, at=clock.now())
    assert claim.state == "withdrawn"


def test_appeal_after_an_objection_can_be_taken_back(cases: AppealCases) -> None:
    claim = cases.overturned()
    cases.appeal(claim)
    publicity.withdraw_claim(claim=claim, claimant=cases.claimant.code, at=clock.now())
    assert Award.objects.get().state == "withdrawn"


def test_pool_says_whom_it_lacks(cases: AppealCases) -> None:
    claim = cases.appealed()
    assert appeals.lacks_people(claim) == []
    _end_all("second_reviewer", but=cases.second)
    assert appeals.lacks_people(claim) == ["second_reviewer"]
    _end_all("reviewer", but=cases.reviewer)
    assert appeals.lacks_people(claim) == ["reviewer", "second_reviewer"]
    cases.world.grant(cases.other_reviewer, "reviewer")
    assert appeals.lacks_people(claim) == ["second_reviewer"]
    cases.world.grant(cases.third, "second_reviewer")
    assert appeals.lacks_people(claim) == []
    cases.recommend(claim, "rejected")
    _end(cases.other_reviewer)
    assert appeals.lacks_people(claim) == []
    _end(cases.third)
    assert appeals.lacks_people(claim) == ["second_reviewer"]


def test_pool_lacks_nobody_for_what_is_no_appeal(cases: AppealCases) -> None:
    claim = cases.recommended("rejected")
    _end_all("second_reviewer", but=cases.reviewer)
    assert appeals.lacks_people(claim) == []


def _end_all(duty: str, *, but: User) -> None:
    _end(*User.objects.filter(duty_grants__duty=duty, duty_grants__ended_at=None).exclude(pk=but.pk))


def _end(*people: User) -> None:
    for person in people:
        lay_down_all(person)


def test_two_appeals_at_once_are_one(committed_db: tuple[str, str]) -> None:
    cases = AppealCases.founded(appeal_days=30)
    claim = cases.decided("rejected")

    def act() -> str:
        try:
            cases.appeal(claim)
        except ConflictError as error:
            return str(error.status)
        return "appealed"

    with psycopg.connect(committed_db[1]) as holder:
        holder.execute("SELECT 1 FROM claims_claim WHERE id = %s FOR UPDATE", [claim.pk])
        both = [Meanwhile(act) for _one in range(2)]
        wait_for_a_waiter(holder)
        holder.rollback()
        assert sorted(one.outcome() for one in both) == ["409", "appealed"]
    assert Appeal.objects.count() == 1
    assert len(_bodies("claim.appeal")) == 1


def test_two_deciders_of_an_appeal_at_once_make_one_decision(committed_db: tuple[str, str]) -> None:
    cases = AppealCases.founded(appeal_days=30)
    claim = cases.appealed()
    cases.recommend(claim, "approved")

    def act(person: User) -> str:
        try:
            cases.decide(claim, "approved", person)
        except ConflictError as error:
            return str(error.status)
        return "decided"

    with psycopg.connect(committed_db[1]) as holder:
        holder.execute("SELECT 1 FROM claims_claim WHERE id = %s FOR UPDATE", [claim.pk])
        both = [Meanwhile(lambda person=person: act(person)) for person in (cases.third, cases.other_second)]
        wait_for_a_waiter(holder)
        holder.rollback()
        assert sorted(one.outcome() for one in both) == ["409", "decided"]
    assert Decision.objects.filter(claim=claim, round=2).count() == 1
    run_jobs()
    assert Award.objects.filter(claim_code=claim.code).count() == 1


def test_without_the_guard_the_first_reviewer_would_be_heard(committed_db: tuple[str, str]) -> None:
    """It is this guard that keeps out who judged before: nothing else refuses the same row."""
    cases = AppealCases.founded(appeal_days=30)
    claim = cases.appealed()
    with refused("appeal_is_heard_by_others"):
        _insert_recommendation(claim, cases.reviewer)
    with psycopg.connect(committed_db[0]) as owner:
        (name,) = owner.execute(
            "SELECT tgname FROM pg_trigger WHERE tgrelid = 'claims_recommendation'::regclass"
            " AND tgname LIKE 'pgtrigger_appeal_is_heard_by_others%'"
        ).fetchone()  # type: ignore[misc]
        owner.execute(f"ALTER TABLE claims_recommendation DISABLE TRIGGER {name}")
    _insert_recommendation(claim, cases.reviewer)


def test_claimant_and_those_who_hear_it_are_told(cases: AppealCases) -> None:
    claim = cases.appealed()
    run_jobs()
    waits = Notice.objects.filter(kind="claim_waits", params__claim=claim.code).order_by("pk")
    told = set(waits.filter(params__claim_state="appealed").values_list("person", flat=True))
    assert cases.other_reviewer.pk in told
    assert cases.reviewer.pk not in told
    cases.recommend(claim, "rejected")
    run_jobs()
    told = set(waits.filter(params__claim_state="recommended").values_list("person", flat=True))
    assert {cases.third.pk, cases.other_second.pk} <= told
    assert cases.second.pk not in told
    cases.decide(claim, "rejected", cases.third)
    run_jobs()
    heard = Notice.objects.filter(person=cases.claimant, kind__startswith="claim_").order_by("pk")
    assert list(heard.values_list("kind", flat=True)) == [
        "claim_filed", "claim_taken_up", "claim_rejected", "claim_appealed", "claim_taken_up",
        "claim_refused_finally",
    ]  # fmt: skip
