"""Filing by services: drafts, papers, what is missing, consent, and what the database refuses."""

import datetime as dt
from dataclasses import replace
from zoneinfo import ZoneInfo

import psycopg
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from aidplatform.lib import clock
from aidplatform.lib.errors import NotFoundError
from aidplatform.testing.claim_cases import EVENT, TODAY, ClaimCases, all_papers, photograph
from aidplatform.testing.pairs import Meanwhile, wait_for_a_waiter
from aidplatform.testing.refusals import not_permitted, refused, refused_to_owner, run
from aidplatform.testing.world import ACCIDENT_AID, TERMS, World, set_clock
from claims.filing import selectors, services
from claims.filing.models import Claim, Evidence
from claims.publicity.services import withdraw_claim
from claims.review import services as review
from ledger.founding.tests.test_founding import gathering
from members.joining.applications import sign_covenant
from members.joining.services import admit_member
from members.joining.tests.papers import filled, paper
from members.people.models import User


def _set(claim: Claim, **columns: object) -> None:
    changes = ", ".join(f"{name} = %s" for name in columns)
    run(f"UPDATE claims_claim SET {changes} WHERE id = %s", *columns.values(), claim.pk)


def test_claim_is_started_once(cases: ClaimCases) -> None:
    first, second = (
        services.start_claim(membership=cases.membership, claimant=cases.claimant.code, at=clock.now())
        for _time in range(2)
    )
    assert first == second
    with refused("one_draft_per_membership_and_claimant"):
        Claim.objects.create(
            pool=first.pool,
            membership=cases.membership,
            claimant=cases.claimant,
            created_at=clock.now(),
            state_since=clock.now(),
        )


def test_claim_is_of_its_member(cases: ClaimCases) -> None:
    with pytest.raises(NotFoundError):
        services.start_claim(membership=cases.membership, claimant=cases.neighbor.code, at=clock.now())
    with refused("claim_is_of_its_member"):
        Claim.objects.create(
            pool=cases.world.pool,
            membership=cases.membership,
            claimant=cases.neighbor,
            created_at=clock.now(),
            state_since=clock.now(),
        )


def test_health_and_account_are_sealed(cases: ClaimCases) -> None:
    claim = cases.draft()
    row = str(run("SELECT * FROM claims_claim WHERE id = %s", claim.pk)) + str(
        run("SELECT encode(story_sealed, 'escape'), encode(payee_sealed, 'escape') FROM claims_claim")
    )
    for secret in ("lump", "Li Na", "6222", "1990"):
        assert secret not in row
    assert selectors.read_story(claim) == "A lump was found at the yearly check."
    assert selectors.read_birth(claim) == dt.date(1990, 2, 28)
    payee = selectors.read_payee(claim)
    assert payee is not None
    assert (payee.name, payee.account, payee.masked_account) == ("Li Na", "6222000011112222", "···· 2222")


def test_papers_are_sealed_and_read_back(cases: ClaimCases) -> None:
    claim = cases.draft()
    paper = claim.papers.order_by("pk")[0]
    assert b"JFIF" not in bytes(paper.sealed)
    assert selectors.read_paper(paper)[:3] == b"\xff\xd8\xff"


def test_same_paper_twice_is_one(cases: ClaimCases) -> None:
    claim = cases.draft()
    again = services.add_evidence(
        claim=claim, claimant=cases.claimant.code, kind="identity", data=photograph(10), at=clock.now()
    )
    assert claim.papers.count() == 3
    assert again.kind == "identity"


def test_filing_derives_aid_and_starts_the_clock(cases: ClaimCases) -> None:
    claim = cases.filed()
    assert (claim.state, claim.aid_fen, claim.age) == ("filed", 5_000_000, 36)
    assert claim.due_date == dt.date(2026, 5, 25)
    assert claim.masked == {
        "age_band": "30-39",
        "sex": "f",
        "region": "zhejiang",
        "disease": "thyroid_cancer",
        "month": "2026-05",
        "joined": "2026-01",
    }


def test_filing_takes_few_statements(cases: ClaimCases) -> None:
    claim = cases.draft()
    _benefit, face = services.preview(claim, clock.now())
    with CaptureQueriesContext(
        connection,
    ) as queries:
        services.file_claim(claim=claim, claimant=cases.claimant.code, shown_face=face, at=clock.now())
    statements = [query["sql"] for query in queries if "SAVEPOINT" not in query["sql"]]
    assert len(statements) <= 15, statements


@pytest.mark.parametrize(
    ("sql", "missing"),
    [
        ("UPDATE claims_claim SET story_sealed = NULL", ["story"]),
        ("UPDATE claims_claim SET payee_sealed = NULL", ["payee"]),
        ("UPDATE claims_claim SET birth_sealed = NULL", ["event"]),
        ("UPDATE claims_evidence SET removed_at = now() WHERE kind = 'pathology'", ["pathology"]),
        ("UPDATE claims_evidence SET removed_at = now()", ["identity", "diagnosis", "pathology"]),
    ],
)
def test_incomplete_claim_is_not_filed(cases: ClaimCases, sql: str, missing: list[str]) -> None:
    claim = cases.draft()
    _benefit, face = services.preview(claim, clock.now())
    run(sql)
    with pytest.raises(services.IncompleteError) as caught:
        services.file_claim(claim=claim, claimant=cases.claimant.code, shown_face=face, at=clock.now())
    assert caught.value.extra["missing"] == missing


def test_consent_is_to_what_is_shown(cases: ClaimCases) -> None:
    claim = cases.draft()
    _benefit, face = services.preview(claim, clock.now())
    services.save_draft(claim=claim, claimant=cases.claimant.code, at=clock.now(), region="jiangsu")
    with pytest.raises(services.ConsentError):
        services.file_claim(claim=claim, claimant=cases.claimant.code, shown_face=face, at=clock.now())


@pytest.mark.parametrize(
    ("event", "birth"), [("2026-05-21", None), (None, "2026-05-21"), ("2026-05-04", "2026-05-05")]
)
def test_impossible_days_are_refused(cases: ClaimCases, event: str | None, birth: str | None) -> None:
    claim = cases.draft()
    with pytest.raises(services.BadDateError):
        services.save_draft(
            claim=claim,
            claimant=cases.claimant.code,
            at=clock.now(),
            event_date=dt.date.fromisoformat(event) if event else None,
            birth_date=dt.date.fromisoformat(birth) if birth else None,
        )


def test_illness_in_the_wait_can_be_filed_and_is_granted_nothing(cases: ClaimCases) -> None:
    """People decide, with the clause before their eyes; the program only says what the plan grants."""
    claim = cases.draft()
    services.save_draft(
        claim=claim, claimant=cases.claimant.code, at=clock.now(), event_date=dt.date(2026, 4, 1)
    )
    claim.refresh_from_db()
    benefit, face = services.preview(claim, clock.now())
    assert benefit.refused_by == "waiting"
    claim = services.file_claim(claim=claim, claimant=cases.claimant.code, shown_face=face, at=clock.now())
    assert claim.aid_fen == 0
    claim = review.assign_claim(claim=claim, reviewer=cases.reviewer.code, at=clock.now())
    with pytest.raises(review.AidTooHighError):
        review.recommend(
            claim=claim,
            reviewer=cases.reviewer.code,
            outcome="approved",
            aid_fen=1,
            clause="aid",
            papers=all_papers(claim),
            reason="Mercy",
            at=clock.now(),
        )


def test_event_before_joining_follows_the_first_plan(cases: ClaimCases) -> None:
    claim = cases.draft()
    services.save_draft(
        claim=claim, claimant=cases.claimant.code, at=clock.now(), event_date=dt.date(2024, 4, 1)
    )
    claim.refresh_from_db()
    benefit, _face = services.preview(claim, clock.now())
    assert (benefit.aid_fen, benefit.refused_by) == (0, "cover")


def test_papers_asked_for_come_back(cases: ClaimCases) -> None:
    claim = cases.under_review()
    review.request_papers(
        claim=claim,
        reviewer=cases.reviewer.code,
        kinds=["hospital_record"],
        message="Page 2?",
        at=clock.now(),
    )
    services.add_evidence(
        claim=claim, claimant=cases.claimant.code, kind="hospital_record", data=photograph(77), at=clock.now()
    )
    claim = services.supply_papers(claim=claim, claimant=cases.claimant.code, at=clock.now())
    assert (claim.state, claim.papers.count()) == ("filed", 4)
    with pytest.raises(services.ClaimMovedOnError):
        services.supply_papers(claim=claim, claimant=cases.claimant.code, at=clock.now())


def test_filed_claim_takes_no_more(cases: ClaimCases) -> None:
    claim = cases.filed()
    with pytest.raises(services.ClaimMovedOnError):
        services.save_draft(claim=claim, claimant=cases.claimant.code, at=clock.now(), story="Other")
    with pytest.raises(services.ClaimMovedOnError):
        services.add_evidence(
            claim=claim, claimant=cases.claimant.code, kind="other", data=photograph(1), at=clock.now()
        )


@pytest.mark.parametrize(
    "change",
    [
        {"aid_fen": 0},
        {"event_date": EVENT - dt.timedelta(days=1)},
        {"illness": "leukemia"},
        {"age": 3},
        {"payee_index": b"x" * 32},
        {"payee_sealed": b"x"},
        {"masked": "{}"},
        {"region": "beijing"},
        {"consented_at": "2026-01-01T00:00:00Z"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_filed_claim_keeps_its_terms(cases: ClaimCases, change: dict[str, object]) -> None:
    claim = cases.filed()
    with refused("filed_claim_keeps_its_terms"):
        _set(claim, **change)


@pytest.mark.parametrize("column", ["code", "pool_id", "membership_id", "claimant_id", "created_at"])
def test_claim_keeps_its_identity(cases: ClaimCases, column: str) -> None:
    cases.draft()
    with not_permitted():
        run(f"UPDATE claims_claim SET {column} = {column}")


def test_claim_keeps_its_identity_from_the_owner_too(committed_db: tuple[str, str]) -> None:
    ClaimCases.founded().draft()
    with psycopg.connect(committed_db[0]) as owner, refused_to_owner(owner, "claim_keeps_its_identity"):
        owner.execute("UPDATE claims_claim SET code = 'CL-1'")


@pytest.mark.parametrize("fen", [1, 4_999_999, 5_000_001, 30_000_000])
def test_claim_aid_is_what_its_plan_grants(cases: ClaimCases, fen: int) -> None:
    """Whatever the program computes, the database knows severity, age and plan."""
    claim = cases.draft()
    version = claim.pool.plan_versions.get()
    with refused("claim_aid_is_what_its_plan_grants"):
        _set(claim, aid_fen=fen, age=36, severity="mild", plan_version_id=version.pk)


def test_claim_aid_is_what_its_plan_grants_by_then(db: None) -> None:
    """A third in the first year after the wait: the program files that, and more is refused."""
    thirds = [{"from_days": 0, "part": "1/3"}, {"from_days": 365, "part": "1"}]
    cases = ClaimCases.founded(vesting=thirds)
    filed = cases.filed()
    assert filed.aid_fen == 1_666_666
    assert filed.derivation[-1]["part"] == "1/3"
    second = ClaimCases.founded(World.founded(code="other", vesting=thirds))
    claim = second.draft()
    version = claim.pool.plan_versions.get()
    for fen in (1_666_667, 5_000_000):
        with refused("claim_aid_is_what_its_plan_grants"):
            _set(claim, aid_fen=fen, age=36, severity="mild", plan_version_id=version.pk)
    _set(claim, aid_fen=1_666_666, age=36, severity="mild", plan_version_id=version.pk)


KANGAI = [{"cause": "accident", "days": 30}, {"joined_from": 36, "days": 365}]
AID = [*TERMS["aid"], ACCIDENT_AID]


def test_claim_aid_waits_for_the_age_at_joining(db: None) -> None:
    """35 at joining, 36 on the event day: the rule of those who join from 36 is not theirs."""
    cases = ClaimCases.founded(waiting_rules=KANGAI, aid=AID)
    filed = cases.filed()
    assert (filed.age, filed.joined_age, filed.aid_fen) == (36, 35, 5_000_000)
    claim = ClaimCases.founded(World.founded(code="other", waiting_rules=KANGAI, aid=AID)).draft()
    told = {
        "aid_fen": 5_000_000,
        "age": 36,
        "severity": "mild",
        "plan_version_id": claim.pool.plan_versions.get().pk,
    }
    for joined_age in (None, 34, 36, 37):
        with refused("claim_aid_is_what_its_plan_grants"):
            _set(claim, joined_age=joined_age, **told)
    _set(claim, joined_age=35, **told)


def test_claim_aid_is_nothing_before_the_wait_is_over(cases: ClaimCases) -> None:
    claim = cases.draft()
    told = {"age": 36, "severity": "mild", "plan_version_id": claim.pool.plan_versions.get().pk}
    with refused("claim_aid_is_what_its_plan_grants"):
        _set(claim, aid_fen=5_000_000, event_date="2026-04-01", **told)
    _set(claim, aid_fen=5_000_000, event_date="2026-04-02", **told)


def test_accident_is_filed_as_one_and_waits_as_one(db: None) -> None:
    row = {"severity": "accident", "age_from": 0, "age_before": 60, "max_aid_fen": 4_000_000}
    cases = ClaimCases.founded(aid=[row], waiting_days=180, waiting_rules=[{"cause": "accident", "days": 30}])
    claim = cases.draft()
    services.save_draft(
        claim=claim, claimant=cases.claimant.code, at=clock.now(), illness="accident",
        event_date=dt.date(2026, 2, 1),
    )  # fmt: skip
    services.add_evidence(
        claim=claim, claimant=cases.claimant.code, kind="hospital_record", data=photograph(40), at=clock.now()
    )
    claim.refresh_from_db()
    benefit, face = services.preview(claim, clock.now())
    assert benefit.steps[1].found == {"days": 30, "first_day": "2026-02-01", "cause": "accident"}
    claim = services.file_claim(claim=claim, claimant=cases.claimant.code, shown_face=face, at=clock.now())
    assert (claim.aid_fen, claim.joined_age) == (4_000_000, None)


def test_age_that_was_signed_counts_not_the_one_that_is_told(db: None) -> None:
    """The claim names another birth date than the document: the wait goes by the document."""
    world = World.founded(waiting_rules=[{"joined_from": 36, "days": 365}])
    cases = ClaimCases.founded(world)
    set_clock(dt.datetime(2026, 1, 1, 10, tzinfo=ZoneInfo("Asia/Shanghai")))
    person = User.objects.create_user("signed@example.org")
    membership = sign_covenant(
        application=filled(world.pool, person, paper(born=dt.date(1989, 1, 1))), signer=person, language="en",
        shown_sha256=world.pool.plan_versions.get().covenant_sha256, at=clock.now(),
    )  # fmt: skip
    set_clock(TODAY)
    claim = replace(cases, claimant=person, membership=membership).draft()
    benefit, _face = services.preview(claim, clock.now())
    assert (benefit.age, benefit.joined_age, benefit.refused_by) == (36, 37, "waiting")
    with refused("claim_aid_is_what_its_plan_grants"):
        _set(
            claim, aid_fen=5_000_000, age=36, joined_age=35, severity="mild",
            plan_version_id=world.pool.plan_versions.get().pk,
        )  # fmt: skip


REPORTED = {"report_days": 16}  # from 4 May: until the end of 20 May


def _at(day: int, hour: int) -> dt.datetime:
    return dt.datetime(2026, 5, day, hour, tzinfo=ZoneInfo("Asia/Shanghai"))


@pytest.mark.parametrize(("at", "aid_fen"), [(_at(20, 23), 5_000_000), (_at(21, 0), 0)])
def test_last_day_to_report_is_a_day_of_the_pools_zone(db: None, at: dt.datetime, aid_fen: int) -> None:
    cases = ClaimCases.founded(**REPORTED)
    claim = cases.draft()
    assert selectors.last_day_to_file(claim) == dt.date(2026, 5, 20)
    set_clock(at)
    claim = services.file_claim(
        claim=claim, claimant=cases.claimant.code, shown_face=services.preview(claim, clock.now())[1],
        at=clock.now(),
    )  # fmt: skip
    assert claim.aid_fen == aid_fen
    assert claim.derivation[2] == {
        "name": "reported",
        "clause": "report",
        "passed": aid_fen > 0,
        "days": 16,
        "last_day": "2026-05-20",
        "filed": at.date().isoformat(),
    }
    assert selectors.last_day_to_file(claim) is None


def test_first_filing_counts_when_papers_come_back_later(db: None) -> None:
    cases = ClaimCases.founded(**REPORTED)
    claim = cases.under_review()
    review.request_papers(
        claim=claim, reviewer=cases.reviewer.code, kinds=["other"], message="More?", at=clock.now()
    )
    set_clock(_at(30, 10))
    services.save_draft(claim=claim, claimant=cases.claimant.code, at=clock.now(), story="More.")
    claim.refresh_from_db()
    _benefit, face = services.preview(claim, clock.now())
    again = services.file_claim(claim=claim, claimant=cases.claimant.code, shown_face=face, at=clock.now())
    assert again.aid_fen == 5_000_000


def test_claim_is_reported_in_time(db: None) -> None:
    """By the database's clock, whatever day is written."""
    cases = ClaimCases.founded(**REPORTED)
    claim = cases.draft()
    with refused("claim_is_reported_in_time"):
        _set(claim, filed_at="2026-05-05T00:00:00Z")
    told = {
        "age": 36, "severity": "mild", "plan_version_id": claim.pool.plan_versions.get().pk, "masked": "{}",
        "consented_at": clock.now(), "consent_sha256": "0" * 64, "state": "filed", "filed_at": "2026-05-05T00:00:00Z",
    }  # fmt: skip
    set_clock(_at(21, 0))
    with refused("claim_is_reported_in_time"):
        _set(claim, aid_fen=5_000_000, **told)
    _set(claim, aid_fen=0, **told)
    assert Claim.objects.get().filed_at == clock.now()


def test_claim_is_reported_in_time_and_once(cases: ClaimCases) -> None:
    claim = cases.under_review()
    review.request_papers(
        claim=claim, reviewer=cases.reviewer.code, kinds=["other"], message="More?", at=clock.now()
    )
    for instant in (None, "2026-05-05T00:00:00Z"):
        with refused("claim_is_reported_in_time"):
            _set(claim, filed_at=instant)


def test_claim_follows_the_plan_of_its_event_day(cases: ClaimCases) -> None:
    other = ClaimCases.founded(code="other-pool").world.pool.plan_versions.get()
    claim = cases.draft()
    with refused("claim_aid_is_what_its_plan_grants"):
        _set(claim, aid_fen=5_000_000, age=36, severity="mild", plan_version_id=other.pk)


def test_claim_state_follows_order(cases: ClaimCases) -> None:
    claim = cases.filed()
    for state in ("recommended", "approved", "in_publicity", "awarded", "paid", "closed"):
        with refused("claim_state_follows_order"):
            _set(claim, state=state)
    withdraw_claim(claim=claim, claimant=cases.claimant.code, at=clock.now())
    with refused("claim_state_follows_order"):
        _set(claim, state="filed")


def test_draft_is_not_filed_empty(cases: ClaimCases) -> None:
    claim = services.start_claim(membership=cases.membership, claimant=cases.claimant.code, at=clock.now())
    with refused("filed_claim_is_complete"):
        _set(claim, state="filed")


def test_claim_under_review_has_a_reviewer(cases: ClaimCases) -> None:
    claim = cases.filed()
    with refused("claim_under_review_has_a_reviewer"):
        _set(claim, state="under_review")


def test_claim_step_has_its_paper(cases: ClaimCases) -> None:
    claim = cases.under_review()
    with refused("claim_step_has_its_paper"):
        _set(claim, state="recommended")


@pytest.mark.parametrize("outcome", ["approved", "rejected", "under_review"])
def test_nobody_decides_by_setting_a_state(cases: ClaimCases, outcome: str) -> None:
    claim = cases.recommended()
    with refused("claim_step_has_its_paper"):
        _set(claim, state=outcome)


@pytest.mark.parametrize("state", ["awarded", "shared", "paid"])
def test_claim_runs_ahead_of_the_ledger_nowhere(cases: ClaimCases, state: str) -> None:
    claim = cases.decided()
    with refused("claim_step_has_its_paper" if state == "awarded" else "claim_state_follows_order"):
        _set(claim, state=state)


@pytest.mark.parametrize("table", ["claims_claim", "claims_evidence"])
@pytest.mark.parametrize("statement", ["DELETE FROM {}", "TRUNCATE {} CASCADE"])
def test_claims_and_papers_are_kept(owner: psycopg.Connection, db: None, table: str, statement: str) -> None:
    with not_permitted():
        run(statement.format(table))
    if "claim" in table:
        name = "claims_are_kept" if table == "claims_claim" else "evidence_is_permanent"
        with refused_to_owner(owner, name):
            owner.execute(
                statement.format(table).replace(" CASCADE", "")
                if "DELETE" in statement
                else f"TRUNCATE {table} CASCADE"
            )


@pytest.mark.parametrize("column", ["sha256", "sealed", "kind", "claim_id", "size"])
def test_evidence_is_permanent(cases: ClaimCases, column: str) -> None:
    cases.draft()
    with not_permitted():
        run(f"UPDATE claims_evidence SET {column} = {column}")
    run("UPDATE claims_evidence SET removed_at = now()")
    with refused("evidence_is_permanent"):
        run("UPDATE claims_evidence SET removed_at = now()")


def _insert_paper(claim: Claim, number: int = 0, **columns: object) -> None:
    row = {
        "claim_id": claim.pk,
        "code": f"E-{number}",
        "kind": "other",
        "media_type": "image/png",
        "size": 1,
        "sha256": f"{number:064d}",
        "sealed": b"x",
        "key_id": "0",
        "key_wrapped": b"x",
        "added_at": "2026-05-20T00:00:00Z",
        **columns,
    }
    places = ", ".join(["%s"] * len(row))
    run(f"INSERT INTO claims_evidence ({', '.join(row)}) VALUES ({places})", *row.values())


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("evidence_type_is_known", {"media_type": "text/html"}),
        ("evidence_kind_is_known", {"kind": "selfie"}),
        ("evidence_size_in_range", {"size": 0}),
        ("evidence_size_in_range", {"size": 10 * 2**20 + 1}),
    ],
)
def test_evidence_is_of_a_known_kind(cases: ClaimCases, name: str, columns: dict[str, object]) -> None:
    with refused(name):
        _insert_paper(cases.draft(), **columns)


def test_evidence_joins_before_review(cases: ClaimCases) -> None:
    claim = cases.filed()
    with refused("evidence_joins_before_review"):
        _insert_paper(claim)
    with refused("evidence_joins_before_review"):
        run("UPDATE claims_evidence SET removed_at = now()")


def test_evidence_has_a_limit(cases: ClaimCases) -> None:
    claim = cases.draft()
    for number in range(37):
        _insert_paper(claim, number)
    with refused("evidence_has_a_limit"):
        _insert_paper(claim, 99)
    assert Evidence.objects.count() == 40


def test_one_copy_of_a_paper(cases: ClaimCases) -> None:
    claim = cases.draft()
    _insert_paper(claim, 1)
    with refused("one_copy_of_a_paper"):
        _insert_paper(claim, 1, code="E-2")


def test_paper_waits_for_a_filing_that_is_under_way(committed_db: tuple[str, str]) -> None:
    cases = ClaimCases.founded()
    claim = cases.draft()
    _benefit, face = services.preview(claim, clock.now())

    def late() -> str:
        with refused("evidence_joins_before_review"):
            _insert_paper(claim)
        return "refused"

    with psycopg.connect(committed_db[1]) as holder:
        holder.execute("SELECT 1 FROM claims_claim WHERE id = %s FOR UPDATE", [claim.pk])
        filing = Meanwhile(
            lambda: services.file_claim(
                claim=claim, claimant=cases.claimant.code, shown_face=face, at=clock.now()
            )
        )
        wait_for_a_waiter(holder)
        adding = Meanwhile(late)
        holder.rollback()
        assert filing.outcome().state == "filed"
    # Whoever came second: filed claims hold exactly the papers that were there.
    try:
        adding.outcome()
    except AssertionError:
        assert claim.papers.count() == 4


def test_nobody_is_covered_before_the_pool_opens(db: None) -> None:
    """The wait of 30 days is over by March, but the pool still gathers its members."""
    set_clock(dt.datetime(2026, 1, 1, 2, tzinfo=dt.UTC))
    pool, person = (
        gathering(User.objects.create_user("founder@example.org")),
        User.objects.create_user("m@example.org"),
    )
    member = admit_member(
        pool=pool, person=person, class_no=0, from_at=clock.now(), joined_date=dt.date(2026, 1, 1), actor="x"
    )
    set_clock(dt.datetime(2026, 3, 15, 2, tzinfo=dt.UTC))
    claim = services.start_claim(membership=member, claimant=person.code, at=clock.now())
    services.save_draft(
        claim=claim, claimant=person.code, at=clock.now(), event_date=dt.date(2026, 3, 1), illness="thyroid_cancer",
        birth_date=dt.date(1990, 1, 1), story="A lump.", sex="f", region="zhejiang", payee_name="Li Na",
        payee_account="6222 0000 1111 2222",
    )  # fmt: skip
    claim.refresh_from_db()
    benefit, _face = services.preview(claim, clock.now())
    assert (benefit.aid_fen, benefit.refused_by) == (0, "cover")
    version = pool.plan_versions.get()
    most_fen = version.plan().max_aid_at(severity=claim.severity, age=36)
    assert most_fen > 0
    with refused("claim_aid_is_what_its_plan_grants"):
        run(
            "UPDATE claims_claim SET aid_fen = %s, plan_version_id = %s, age = 36 WHERE id = %s",
            most_fen,
            version.pk,
            claim.pk,
        )
