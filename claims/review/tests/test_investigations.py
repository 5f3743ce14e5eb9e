"""Somebody from outside looks into a claim: ordered, agreed to, taken on, reported, answered; for its days alone."""

import datetime as dt
from functools import partial
from typing import Any

import psycopg
import pytest

from aidplatform.lib import clock
from aidplatform.lib.errors import ConflictError, NotFoundError, as_domain_error
from aidplatform.testing.claim_cases import ClaimCases, all_papers, photograph
from aidplatform.testing.investigation_cases import InvestigationCases
from aidplatform.testing.prepared import prepared
from aidplatform.testing.races import raised, together
from aidplatform.testing.refusals import not_permitted, refused, refused_to_owner, run, value
from aidplatform.testing.world import lay_down_all, run_jobs, set_clock
from claims.filing import services as filing
from claims.filing.models import Claim
from claims.my_data import EXPORTER
from claims.publicity import services as publicity
from claims.publicity.news import follow_overdue_due
from claims.review import investigations, openings
from claims.review import services as review
from claims.review.investigation_models import Investigation
from claims.review.investigation_selectors import access_investigation, running_of
from claims.review.statistics import state_times
from claims.review.tests.test_near import pay_for_the_claimant
from ledger.custody.cost_models import OutsideCost
from members.people.models import Notice, User

UPDATE = "UPDATE claims_investigation SET {} WHERE id = %s"


@prepared
def cases() -> InvestigationCases:
    """Give the test a pool whose plan knows investigations."""
    return InvestigationCases.founded()


def later(days: int) -> None:
    """Move the clock on by so many days."""
    set_clock(clock.now() + dt.timedelta(days=days))


def try_recommending(cases: ClaimCases, claim: Claim) -> None:
    review.recommend(
        claim=claim,
        reviewer=cases.reviewer.code,
        outcome="rejected",
        aid_fen=0,
        clause="papers",
        papers=[],
        reason="The file says otherwise.",
        at=clock.now(),
    )


def change(one: Investigation, columns: str, *values: object) -> None:
    run(UPDATE.format(columns), *values, one.pk)


def insert(claim: Claim, person: User, **columns: object) -> None:
    row: dict[str, object] = {
        "code": "I-BYHAND0000", "claim_id": claim.pk, "number": 0, "round": 0, "state": "asked",
        "question_sealed": b"x", "reason_sealed": b"x", "name_sealed": b"x", "most_fen": 100, "borne_by": "",
        "ordered_by": person.code, "ordered_at": "2020-01-01", **columns,
    }  # fmt: skip
    places = ", ".join(["%s"] * len(row))
    run(f"INSERT INTO claims_investigation ({', '.join(row)}) VALUES ({places})", *row.values())


# --- the way of one ---------------------------------------------------------------------------------------------


def test_investigation_goes_out_and_comes_back_with_findings(cases: InvestigationCases) -> None:
    one = cases.ordered()
    claim = one.claim
    claim.refresh_from_db()
    assert (one.state, one.number, one.round, one.borne_by) == ("ordered", 1, 1, "shared")
    # The link is to be made in three days.
    assert (claim.state, claim.due_date) == ("under_investigation", dt.date(2026, 5, 23))
    one = cases.running(one)
    claim.refresh_from_db()
    assert (one.until_date, claim.due_date) == (dt.date(2026, 6, 3), dt.date(2026, 6, 3))
    assert (one.state, one.investigator) == ("running", cases.outsider)
    assert running_of(cases.outsider) == [one]
    kept = investigations.add_finding(
        investigation=one, person=cases.outsider, data=photograph(77), at=clock.now()
    )
    assert kept.kind == "investigation"
    one = cases.reported(one)
    claim.refresh_from_db()
    assert (claim.state, claim.due_date) == ("under_review", dt.date(2026, 5, 30))
    assert one.answer_until_date == dt.date(2026, 5, 27)
    assert running_of(cases.outsider) == []
    with pytest.raises(NotFoundError):
        access_investigation(person=cases.outsider, code=one.code)
    run_jobs()
    kinds = list(Notice.objects.filter(person=cases.claimant).order_by("pk").values_list("kind", flat=True))
    assert kinds[-2:] == ["claim_investigated", "claim_findings"]
    assert not any("treated" in str(notice.params) for notice in Notice.objects.all())
    rows = {table.name: list(table.rows(cases.claimant)) for table in EXPORTER.tables}
    assert rows["investigations"][0]["report"] == "The archive of the hospital has her file."
    rows = {table.name: list(table.rows(cases.outsider)) for table in EXPORTER.tables}
    assert [row["code"] for row in rows["investigated"]] == [one.code]
    for column in ("question_sealed", "reason_sealed", "name_sealed", "report_sealed"):
        assert b"archive" not in bytes(getattr(one, column))


def test_recommendation_waits_for_the_findings(cases: InvestigationCases) -> None:
    one = cases.reported()
    claim = Claim.objects.get(pk=one.claim_id)
    with pytest.raises(review.FindingsError):
        try_recommending(cases, claim)
    with refused("recommendation_waits_for_the_findings"):
        run(
            """INSERT INTO claims_recommendation (claim_id, round, reviewer, outcome, aid_fen, clause, papers,
                                                  reason_sealed, recommended_at)
               VALUES (%s, 1, %s, 'rejected', 0, 'papers', '[]', '', now())""",
            claim.pk,
            cases.reviewer.code,
        )
    answered = investigations.answer_findings(
        investigation=one, claimant=cases.claimant.code, text="That file is my sister's.", at=clock.now()
    )
    assert b"sister" not in bytes(answered.answer_sealed or b"")
    with pytest.raises(investigations.AnswerOverError):
        investigations.answer_findings(
            investigation=one, claimant=cases.claimant.code, text="And more.", at=clock.now()
        )
    try_recommending(cases, claim)
    claim.refresh_from_db()
    assert claim.state == "recommended"


def test_recommendation_goes_on_when_the_days_of_the_answer_are_over(cases: InvestigationCases) -> None:
    one = cases.reported()
    later(7)
    with pytest.raises(review.FindingsError):
        try_recommending(cases, one.claim)
    later(1)
    with pytest.raises(investigations.AnswerOverError):
        investigations.answer_findings(
            investigation=one, claimant=cases.claimant.code, text="Late.", at=clock.now()
        )
    try_recommending(cases, one.claim)


def test_answer_is_the_claimants_alone(cases: InvestigationCases) -> None:
    one = cases.reported()
    with pytest.raises(NotFoundError):
        investigations.answer_findings(
            investigation=one, claimant=cases.neighbor.code, text="I know better.", at=clock.now()
        )
    with refused("findings_are_answered_by_their_claimant"):
        change(one, "answered_by = %s", cases.neighbor.code)
    with refused("findings_are_answered_by_somebody"):
        change(one, "answered_at = now()")


def test_costly_investigation_needs_two_people(cases: InvestigationCases) -> None:
    one = cases.ordered(most_fen=50_001)
    claim = one.claim
    claim.refresh_from_db()
    assert (one.state, one.until_date, claim.state) == ("asked", None, "under_review")
    with pytest.raises(review.FindingsError):
        try_recommending(cases, claim)
    with refused("costly_investigation_needs_two_people"):
        change(one, "state = 'ordered'")
    with refused("costly_investigation_needs_two_people"):
        change(one, "state = 'ordered', decided_by = %s", cases.reviewer.code)
    with refused("costly_investigation_needs_two_people"):
        change(one, "state = 'ordered', decided_by = %s", cases.neighbor.code)
    agreed = investigations.agree_to_investigation(
        investigation=one, decider=cases.second.code, agrees=True, at=clock.now()
    )
    claim.refresh_from_db()
    assert (agreed.state, agreed.decided_by, claim.state) == (
        "ordered",
        cases.second.code,
        "under_investigation",
    )
    with refused("investigation_takes_its_steps"):
        change(one, "decided_by = %s", cases.third.code)


def test_orderer_never_agrees_by_the_row_itself(cases: InvestigationCases) -> None:
    one = cases.ordered(most_fen=50_001)
    lay_down_all(cases.reviewer)
    cases.world.grant(cases.reviewer, "second_reviewer")
    with refused("investigation_decider_is_not_orderer"):
        change(one, "state = 'ordered', decided_by = %s", cases.reviewer.code)


def test_second_person_may_not_agree(cases: InvestigationCases) -> None:
    one = cases.ordered(most_fen=60_000)
    done = investigations.agree_to_investigation(
        investigation=one, decider=cases.second.code, agrees=False, at=clock.now()
    )
    assert done.state == "dropped"
    try_recommending(cases, one.claim)


def test_cheap_one_goes_out_at_once_and_costs_nothing_of_the_agreement(cases: InvestigationCases) -> None:
    assert cases.ordered(most_fen=50_000).decided_by is None


@pytest.mark.parametrize("terms", [None, {"most_fen": 60_000}])
def test_investigation_keeps_to_the_plan(db: None, terms: dict[str, int] | None) -> None:
    cases = InvestigationCases.founded(investigation=terms) if terms else None
    plain: ClaimCases = cases or ClaimCases.founded()
    claim = plain.under_review()
    order: dict[str, Any] = {
        "claim": claim, "reviewer": plain.reviewer.code, "question": "?", "reason": "!", "name": "W",
        "most_fen": 60_001,
    }  # fmt: skip
    with pytest.raises((investigations.NoInvestigationsError, investigations.TooCostlyError)):
        investigations.order_investigation(at=clock.now(), **order)
    with refused("investigation_keeps_to_the_plan"):
        insert(claim, plain.reviewer, most_fen=60_001)


def test_investigation_is_ordered_by_its_reviewer(cases: InvestigationCases) -> None:
    claim = cases.under_review()
    for person in (cases.second, cases.claimant, cases.world.admin):
        with refused("investigation_is_ordered_by_its_reviewer"):
            insert(claim, person)
    with refused("investigation_begins_as_ordered"):
        insert(claim, cases.reviewer, decided_by=cases.second.code)
    with refused("investigation_state_follows_order"):
        insert(claim, cases.reviewer, state="running")
    insert(claim, cases.reviewer, borne_by="claimant", number=9, round=9)
    found = Investigation.objects.get()
    assert (found.borne_by, found.number, found.round) == ("shared", 1, 1)
    assert found.ordered_at == clock.now()


def test_investigation_is_never_the_claimants(cases: InvestigationCases) -> None:
    """The plan cannot name the claimant, so the row cannot either."""
    one = cases.ordered()
    with not_permitted():
        change(one, "borne_by = 'claimant'")
    checked = value(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'investigation_is_never_the_claimants'"
    )
    assert "claimant" not in checked
    for bearer in ("shared", "operator", "reserve"):
        assert bearer in checked


def test_one_investigation_at_a_time(cases: InvestigationCases) -> None:
    one = cases.ordered(most_fen=60_000)
    with pytest.raises(investigations.InvestigatedNowError):
        cases.ordered(one.claim)
    with refused("one_investigation_at_a_time"):
        insert(one.claim, cases.reviewer)
    investigations.revoke_investigation(investigation=one, actor=cases.reviewer.code, at=clock.now())
    assert cases.ordered(one.claim).number == 2


def test_two_orders_at_once_make_one(committed_db: tuple[str, str]) -> None:
    cases = InvestigationCases.founded()
    claim = cases.under_review()
    answers = together([lambda: cases.ordered(claim)] * 2)
    assert len(raised(answers)) == 1
    assert isinstance(raised(answers)[0], ConflictError) or as_domain_error(raised(answers)[0])
    assert Investigation.objects.count() == 1


# --- the claim's state ------------------------------------------------------------------------------------------


def test_claim_step_needs_its_investigation(cases: InvestigationCases) -> None:
    claim = cases.under_review()
    with refused("claim_step_has_its_paper"):
        run("UPDATE claims_claim SET state = 'under_investigation' WHERE id = %s", claim.pk)
    one = cases.running(cases.ordered(claim))
    for state in ("under_review", "withdrawn"):
        with refused("claim_step_has_its_paper"):
            run("UPDATE claims_claim SET state = %s WHERE id = %s", state, claim.pk)
    with refused("claim_state_follows_order"):
        run("UPDATE claims_claim SET state = 'recommended' WHERE id = %s", one.claim_id)


def test_claimant_takes_the_claim_back_and_the_investigation_ends(cases: InvestigationCases) -> None:
    one = cases.running()
    publicity.withdraw_claim(claim=one.claim, claimant=cases.claimant.code, at=clock.now())
    one.refresh_from_db()
    assert (one.state, one.ended_by) == ("revoked", cases.claimant.code)
    assert running_of(cases.outsider) == []


def test_overdue_investigation_is_told_to_claimant_reviewer_and_admins(cases: InvestigationCases) -> None:
    cases.running()
    run_jobs()
    later(15)
    follow_overdue_due(clock.now())
    run_jobs()
    told = set(Notice.objects.filter(kind="claim_overdue").values_list("person", flat=True))
    assert told == {cases.reviewer.pk, cases.world.admin.pk}
    assert Notice.objects.filter(kind="claim_late", person=cases.claimant).count() == 1


def test_days_under_investigation_are_measured(cases: InvestigationCases) -> None:
    one = cases.running()
    later(4)
    cases.reported(one)
    times = {row.state: row for row in state_times(cases.world.pool, clock.now())}
    assert (times["under_investigation"].claims, int(times["under_investigation"].days)) == (1, 4)


# --- who investigates -------------------------------------------------------------------------------------------


def test_link_is_used_once_and_by_one(cases: InvestigationCases) -> None:
    one = cases.ordered()
    first = cases.token(one)
    second = cases.token(one)
    other = User.objects.create_user("other@example.net")
    with pytest.raises(investigations.LinkOverError):
        investigations.accept_investigation(token=first, person=cases.outsider, at=clock.now())
    investigations.accept_investigation(token=second, person=cases.outsider, at=clock.now())
    for person in (cases.outsider, other):
        with pytest.raises(investigations.LinkOverError):
            investigations.accept_investigation(token=second, person=person, at=clock.now())
    with pytest.raises(investigations.InvestigationMovedOnError):
        investigations.make_link(investigation=one, reviewer=cases.reviewer.code, at=clock.now())
    with refused("investigation_takes_its_steps"):
        change(one, "investigator_id = %s", other.pk)
    assert first.encode() not in bytes(value("SELECT token_sha256 FROM claims_investigation").encode())


def test_two_people_with_one_link_at_once_are_one_investigator(committed_db: tuple[str, str]) -> None:
    cases = InvestigationCases.founded()
    token = cases.token(cases.ordered())
    people = [User.objects.create_user(f"one{number}@example.net") for number in range(2)]
    answers = together(
        [
            partial(investigations.accept_investigation, token=token, person=person, at=clock.now())
            for person in people
        ]
    )
    assert len(raised(answers)) == 1
    assert isinstance(raised(answers)[0], ConflictError)


def test_link_ends_after_its_days(cases: InvestigationCases) -> None:
    one = cases.ordered()
    token = cases.token(one)
    later(7)
    with pytest.raises(investigations.LinkOverError):
        investigations.accept_investigation(token=token, person=cases.outsider, at=clock.now())
    with refused("investigation_link_is_live"):
        change(one, "state = 'running', accepted_at = now(), investigator_id = %s", cases.outsider.pk)
    with refused("investigation_takes_its_steps"):
        change(one, "link_until_at = now() + interval '1 year'")


@pytest.mark.parametrize("who", ["claimant", "reviewer", "second", "admin", "payer"])
def test_investigator_is_from_outside(cases: InvestigationCases, who: str) -> None:
    one = cases.ordered()
    token = cases.token(one)
    person = {
        "claimant": cases.claimant,
        "reviewer": cases.reviewer,
        "second": cases.second,
        "admin": cases.world.admin,
        "payer": cases.neighbor,
    }[who]
    if who == "payer":
        pay_for_the_claimant(cases)
    with pytest.raises(investigations.NotFromOutsideError):
        investigations.accept_investigation(token=token, person=person, at=clock.now())
    with refused("investigator_is_from_outside"):
        change(one, "state = 'running', accepted_at = now(), investigator_id = %s", person.pk)


def test_member_who_is_near_to_nobody_may_investigate(cases: InvestigationCases) -> None:
    token = cases.token(cases.ordered())
    assert investigations.accept_investigation(token=token, person=cases.neighbor, at=clock.now())


# --- its days ---------------------------------------------------------------------------------------------------


def test_investigation_is_extended_once(cases: InvestigationCases) -> None:
    one = cases.running()
    with pytest.raises(review.NotYoursError):
        lay_down_all(cases.third)
        cases.world.grant(cases.third, "reviewer")
        investigations.extend_investigation(investigation=one, reviewer=cases.third.code, at=clock.now())
    one = investigations.extend_investigation(investigation=one, reviewer=cases.reviewer.code, at=clock.now())
    claim = Claim.objects.get(pk=one.claim_id)
    assert (one.until_date, claim.due_date) == (dt.date(2026, 6, 17), dt.date(2026, 6, 17))
    with pytest.raises(investigations.ExtendedAlreadyError):
        investigations.extend_investigation(investigation=one, reviewer=cases.reviewer.code, at=clock.now())
    with refused("investigation_is_extended_once"):
        change(one, "until_date = '2027-01-01'")
    with refused("investigation_takes_its_steps"):
        change(one, "extended_at = NULL")


def test_access_ends_with_its_last_day(cases: InvestigationCases) -> None:
    one = cases.running()
    paper = one.claim.papers.order_by("pk")[0]
    openings.open_paper(
        claim=one.claim,
        code=paper.code,
        opener=cases.outsider.code,
        purpose="genuine",
        note="",
        at=clock.now(),
    )
    later(14)
    assert access_investigation(person=cases.outsider, code=one.code) == one
    later(1)
    with pytest.raises(NotFoundError):
        access_investigation(person=cases.outsider, code=one.code)
    with pytest.raises(NotFoundError):
        cases.reported(one)
    with refused("investigation_ends_on_its_day"):
        change(
            one,
            "state = 'reported', report_sealed = 'x', bill_fen = 0, reported_at = now(), ended_by = %s,"
            " answer_until_date = '2026-01-01'",
            cases.outsider.code,
        )
    with pytest.raises(openings.NotInHandError):
        openings.open_paper(
            claim=one.claim, code=paper.code, opener=cases.outsider.code, purpose="genuine", note="",
            at=clock.now(),
        )  # fmt: skip
    with refused("papers_are_opened_by_who_judges_them"):
        run(
            """INSERT INTO claims_paperopening (paper_id, opener, duty, purpose, opened_at)
               VALUES (%s, %s, 'investigator', 'genuine', now())""",
            paper.pk,
            cases.outsider.code,
        )
    with pytest.raises(investigations.ExtendedAlreadyError):
        investigations.extend_investigation(investigation=one, reviewer=cases.reviewer.code, at=clock.now())


def test_investigation_is_revoked_at_any_time(cases: InvestigationCases) -> None:
    one = cases.running()
    with refused("investigation_is_ordered_by_its_reviewer"):
        change(one, "state = 'revoked', ended_by = %s", cases.neighbor.code)
    with pytest.raises(review.NotYoursError):
        other = User.objects.create_user("another@test-pool.example.org")
        cases.world.grant(other, "reviewer")
        investigations.revoke_investigation(investigation=one, actor=other.code, at=clock.now())
    one = investigations.revoke_investigation(investigation=one, actor=cases.world.admin.code, at=clock.now())
    assert (one.state, Claim.objects.get(pk=one.claim_id).state) == ("revoked", "under_review")
    with pytest.raises(NotFoundError):
        access_investigation(person=cases.outsider, code=one.code)
    with refused("investigation_takes_its_steps"):
        change(one, "ended_by = %s", cases.reviewer.code)
    try_recommending(cases, one.claim)


def test_investigations_are_kept_from_the_owner_too(owner: psycopg.Connection) -> None:
    for statement in ("DELETE FROM claims_investigation", "TRUNCATE claims_investigation"):
        with refused_to_owner(owner, "investigations_are_kept"):
            owner.execute(statement)


# --- papers and bill --------------------------------------------------------------------------------------------


def test_finding_stays_in_the_file_and_comes_from_nobody_else(cases: InvestigationCases) -> None:
    one = cases.running()
    kept = investigations.add_finding(
        investigation=one, person=cases.outsider, data=photograph(77), at=clock.now()
    )
    with refused("evidence_of_an_investigation_is_its_own"):
        run("UPDATE claims_evidence SET removed_at = now() WHERE id = %s", kept.pk)
    cases.reported(one, bill_fen=0)
    claim = Claim.objects.get(pk=one.claim_id)
    review.request_papers(
        claim=claim, reviewer=cases.reviewer.code, kinds=["bill"], message="Please.", at=clock.now()
    )
    with pytest.raises(NotFoundError):
        filing.remove_evidence(claim=claim, claimant=cases.claimant.code, code=kept.code, at=clock.now())
    with pytest.raises(NotFoundError):
        filing.add_evidence(
            claim=claim,
            claimant=cases.claimant.code,
            kind="investigation",
            data=photograph(78),
            at=clock.now(),
        )
    with refused("evidence_of_an_investigation_is_its_own"):
        run("UPDATE claims_evidence SET removed_at = now() WHERE id = %s", kept.pk)
    with refused("evidence_of_an_investigation_is_its_own"):
        run(
            """INSERT INTO claims_evidence (claim_id, code, kind, media_type, size, sha256, sealed, key_id,
                                            key_wrapped, added_at)
               SELECT claim_id, 'E-BYHAND', kind, media_type, size, repeat('0', 64), sealed, key_id, key_wrapped, now()
                 FROM claims_evidence WHERE id = %s""",
            kept.pk,
        )


def test_reviewers_cite_what_an_investigator_found(cases: InvestigationCases) -> None:
    one = cases.running()
    kept = investigations.add_finding(
        investigation=one, person=cases.outsider, data=photograph(77), at=clock.now()
    )
    cases.reported(one, bill_fen=0)
    claim = Claim.objects.get(pk=one.claim_id)
    assert kept.code in all_papers(claim)
    opened = openings.open_paper(
        claim=claim, code=kept.code, opener=cases.reviewer.code, purpose="genuine", note="", at=clock.now()
    )
    assert opened.duty == "reviewer"


def test_bill_is_at_most_what_was_agreed(cases: InvestigationCases) -> None:
    one = cases.running()
    with pytest.raises(investigations.TooCostlyError):
        cases.reported(one, bill_fen=40_001)
    with refused("investigation_costs_what_was_agreed"):
        change(one, "bill_fen = 40001")
    one = cases.reported(one, bill_fen=40_000)
    cost = OutsideCost.objects.get()
    assert (cost.reference, cost.amount_fen, cost.borne_by, cost.billed_by, cost.state) == (
        one.code,
        40_000,
        "shared",
        cases.reviewer.code,
        "billed",
    )
    assert one.claim.code not in cost.reference


def test_free_investigation_has_no_cost(cases: InvestigationCases) -> None:
    cases.reported(bill_fen=0)
    assert not OutsideCost.objects.exists()


def test_cost_is_of_its_investigation(cases: InvestigationCases) -> None:
    one = cases.reported(bill_fen=0)
    for told in (
        {"reference": "I-NOBODYS000"},
        {"reference": one.code},
        {"reference": one.code, "amount_fen": 1, "borne_by": "operator"},
    ):
        row: dict[str, object] = {
            "pool_id": cases.world.pool.pk, "number": 0, "amount_fen": 100, "borne_by": "shared",
            "payee_sealed": b"x", "payee_hash": b"x", "payee_hint": "x", "state": "billed",
            "billed_by": cases.reviewer.code, "billed_at": "2020-01-01", **told,
        }  # fmt: skip
        places = ", ".join(["%s"] * len(row))
        with refused("cost_is_of_its_investigation"):
            run(f"INSERT INTO ledger_outsidecost ({', '.join(row)}) VALUES ({places})", *row.values())


def test_investigator_reads_under_a_mark_that_the_claimant_sees(cases: InvestigationCases) -> None:
    one = cases.running()
    paper = one.claim.papers.order_by("pk")[0]
    opened = openings.open_paper(
        claim=one.claim,
        code=paper.code,
        opener=cases.outsider.code,
        purpose="genuine",
        note="",
        at=clock.now(),
    )
    assert opened.duty == "investigator"
    marked = openings.marked_paper(claim=one.claim, opening=opened, person=cases.outsider, at=clock.now())
    assert marked.data != photograph(10)
    readers = openings.readers_of(one.claim, [])
    assert [(reader.by, reader.duty, reader.purpose) for reader in readers] == [
        (cases.outsider.code, "investigator", "genuine")
    ]
