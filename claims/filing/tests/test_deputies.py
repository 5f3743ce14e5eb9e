"""Claims that somebody begins for a member who has named them: whose they are, what they see, who judges them."""

import datetime as dt

import pytest

from aidplatform.lib import clock
from aidplatform.lib.errors import NotFoundError
from aidplatform.testing.claim_cases import AppealCases, ClaimCases
from aidplatform.testing.prepared import prepared
from aidplatform.testing.refusals import refused, run
from aidplatform.testing.world import lay_down_all, run_jobs, set_clock
from aidplatform.tests.pages_helpers import client_of
from claims.filing import selectors, services
from claims.filing.deputy_sql import speaks_for_claim_sql
from claims.filing.models import Claim
from claims.filing.tests.test_family_claims import drafted, file
from claims.my_data import EXPORTER
from claims.publicity import services as publicity
from claims.review import services as review
from claims.review.appeals import lacks_people
from claims.review.investigations import NotFromOutsideError, check_from_outside
from ledger.leaving import reports
from members.joining import deputies, payers
from members.joining.models import Membership
from members.joining.tests.test_deputies import agreed
from members.people.models import Notice, User


@prepared
def appeal_cases() -> AppealCases:
    """Give the test a pool whose plan knows appeals."""
    return AppealCases.founded(appeal_days=30)


@pytest.fixture
def sister() -> User:
    """Give the test somebody who belongs to no pool."""
    return User.objects.create_user("sister@example.org", name="Sister")


def told(person: User) -> list[str]:
    return list(Notice.objects.filter(person=person).order_by("pk").values_list("kind", flat=True))


def told_to_file(membership: Membership, by: User) -> Claim:
    """Return a claim with everything told by somebody else than its member."""
    claim = drafted(membership, by)
    services.save_draft(
        claim=claim,
        claimant=by.code,
        at=clock.now(),
        birth_date=dt.date(1990, 2, 28),
        sex="f",
        region="zhejiang",
    )
    claim.refresh_from_db()
    return claim


def died(cases: ClaimCases, membership: Membership) -> None:
    """Let two people record that somebody died today."""
    report = reports.report_end(
        membership=membership,
        reason="deceased",
        event_date=clock.today(cases.world.pool.time_zone),
        reference="paper",
        statement="",
        reporter=cases.world.admin.code,
        at=clock.now(),
    )
    reports.confirm_end(
        report=report,
        confirmer=cases.world.controller.code,
        shown_sha256=report.shown_sha256,
        at=clock.now(),
    )


def speaks(claim: Claim, person: User) -> tuple[bool, bool]:
    """Return what the application and the database say."""
    sql = f"SELECT {speaks_for_claim_sql('c', '%s')} FROM claims_claim c WHERE c.id = %s"
    count = sql.count("%s") - 1
    return selectors.speaks_for(claim, person), bool(run(sql, *[person.pk] * count, claim.pk)[0][0])


def test_contact_files_and_the_member_is_told_at_once(cases: ClaimCases, sister: User) -> None:
    with pytest.raises(NotFoundError):
        services.start_claim(membership=cases.membership, claimant=sister.code, at=clock.now())
    with refused("claim_is_of_its_member"):
        Claim.objects.create(
            pool=cases.world.pool,
            membership=cases.membership,
            claimant=sister,
            created_at=clock.now(),
            state_since=clock.now(),
        )
    agreed(cases.membership, sister)
    claim = services.start_claim(membership=cases.membership, claimant=sister.code, at=clock.now())
    assert told(cases.claimant)[-1] == "deputy_began"
    assert services.start_claim(membership=cases.membership, claimant=sister.code, at=clock.now()) == claim
    assert told(cases.claimant).count("deputy_began") == 1
    claim = file(told_to_file(cases.membership, sister), sister)
    run_jobs()
    assert (claim.state, claim.claimant) == ("filed", sister)
    for person in (cases.claimant, sister):
        assert told(person)[-1] == "claim_filed"
        assert selectors.access_claim(user=person, code=claim.code) == claim
        assert speaks(claim, person) == (True, True)
    publicity.withdraw_claim(claim=claim, claimant=cases.claimant.code, at=clock.now())


def test_contact_sees_nothing_that_they_did_not_begin(cases: ClaimCases, sister: User) -> None:
    agreed(cases.membership, sister)
    own = cases.draft()
    assert speaks(own, sister) == (False, False)
    with pytest.raises(NotFoundError):
        selectors.access_claim(user=sister, code=own.code)
    # The member's own draft is theirs, and does not stand in the way.
    begun = services.start_claim(membership=cases.membership, claimant=sister.code, at=clock.now())
    assert begun != own
    assert list(selectors.claims_of(sister)) == [begun]
    assert (
        services.start_claim(membership=cases.membership, claimant=cases.claimant.code, at=clock.now()) == own
    )
    with refused("one_draft_per_membership_and_claimant"):
        Claim.objects.create(
            pool=begun.pool,
            membership=cases.membership,
            claimant=sister,
            created_at=clock.now(),
            state_since=clock.now(),
        )


def test_member_goes_on_with_what_was_begun(cases: ClaimCases, sister: User) -> None:
    agreed(cases.membership, sister)
    begun = services.start_claim(membership=cases.membership, claimant=sister.code, at=clock.now())
    mine = services.start_claim(membership=cases.membership, claimant=cases.claimant.code, at=clock.now())
    assert mine == begun


def test_ended_naming_ends_what_is_seen(cases: ClaimCases, sister: User) -> None:
    named = agreed(cases.membership, sister)
    claim = file(told_to_file(cases.membership, sister), sister)
    deputies.end_deputy(deputy=named, person=cases.claimant)
    assert speaks(claim, sister) == (False, False)
    with pytest.raises(NotFoundError):
        selectors.access_claim(user=sister, code=claim.code)
    assert speaks(claim, cases.claimant) == (True, True)


def test_contact_reads_the_letter_and_appeals(appeal_cases: AppealCases, sister: User) -> None:
    agreed(appeal_cases.membership, sister)
    claim = file(told_to_file(appeal_cases.membership, sister), sister)
    review.assign_claim(claim=claim, reviewer=appeal_cases.reviewer.code, at=clock.now())
    desk = client_of(appeal_cases.reviewer).get(f"/pools/test-pool/review/{claim.code}/").content.decode()
    assert "whom the member has named for it" in desk
    review.recommend(
        claim=claim,
        reviewer=appeal_cases.reviewer.code,
        outcome="rejected",
        aid_fen=0,
        clause="aid",
        papers=selectors.paper_codes(claim),
        reason="It is not on the list.",
        at=clock.now(),
    )
    claim.refresh_from_db()
    appeal_cases.decide(claim, "rejected")
    run_jobs()
    assert told(sister)[-1] == told(appeal_cases.claimant)[-1] == "claim_rejected"
    letter = client_of(sister).get(f"/claims/{claim.code}/letters/1/")
    assert (letter.status_code, "I agree." in letter.content.decode()) == (200, True)
    insert = """INSERT INTO claims_appeal (claim_id, appellant, reason_sealed, appealed_at)
                VALUES (%s, %s, 'x', now())"""
    stranger = User.objects.create_user("stranger@example.org")
    with refused("appeal_is_the_claimants"):
        run(insert, claim.pk, stranger.code)
    claim.refresh_from_db()
    appeal_cases.claimant, member = sister, appeal_cases.claimant
    appeal_cases.appeal(claim)
    claim.refresh_from_db()
    assert (claim.state, speaks(claim, member)) == ("appealed", (True, True))


def test_beneficiary_goes_on_with_what_was_not_over(cases: ClaimCases, sister: User) -> None:
    agreed(cases.membership, sister, "beneficiary")
    over = cases.filed()
    publicity.withdraw_claim(claim=over, claimant=cases.claimant.code, at=clock.now())
    set_clock(clock.now() + dt.timedelta(hours=1))
    claim = cases.filed()
    for one in (over, claim):
        one.refresh_from_db()
        assert speaks(one, sister) == (False, False)
    set_clock(clock.now() + dt.timedelta(hours=1))
    died(cases, cases.membership)
    assert speaks(claim, sister) == (True, True)
    assert speaks(over, sister) == (False, False)
    assert list(selectors.claims_of(sister)) == [claim]
    # Gone back by the beneficiary, the same claim stays theirs to read.
    publicity.withdraw_claim(claim=claim, claimant=sister.code, at=clock.now())
    claim.refresh_from_db()
    assert speaks(claim, sister) == (True, True)
    begun = services.start_claim(membership=cases.membership, claimant=sister.code, at=clock.now())
    assert (begun.claimant, begun.membership) == (sister, cases.membership)


def test_nobody_named_judges(cases: ClaimCases) -> None:
    helper = cases.neighbor
    agreed(cases.membership, helper)
    claim = cases.filed()
    cases.world.grant(helper, "reviewer")
    with pytest.raises(review.NearError):
        review.assign_claim(claim=claim, reviewer=helper.code, at=clock.now())


def test_nobody_near_to_who_files_judges(cases: ClaimCases) -> None:
    """The neighbor files for the claimant, and somebody else pays the neighbor's shares."""
    payer = User.objects.create_user("payer@example.org")
    theirs = Membership.objects.filter(pool=cases.world.pool, person=None).first()
    assert theirs is not None
    theirs.person = payer
    theirs.save(update_fields=["person"])
    neighbor = Membership.objects.get(pool=cases.world.pool, person=cases.neighbor)
    agreed(cases.membership, cases.neighbor)
    claim = file(told_to_file(cases.membership, cases.neighbor), cases.neighbor)
    cases.world.grant(payer, "reviewer")
    assert not selectors.is_near_to(claim, payer)
    link = payers.ask_payer(membership=neighbor, payer_number=theirs.number, at=clock.now())
    payers.accept_link(link=link, person=payer)
    assert selectors.is_near_to(claim, payer)
    with pytest.raises(review.NearError):
        review.assign_claim(claim=claim, reviewer=payer.code, at=clock.now())
    review.assign_claim(claim=claim, reviewer=cases.reviewer.code, at=clock.now())
    with refused("nobody_judges_their_own_circle"):
        run(
            """INSERT INTO claims_recommendation (claim_id, round, reviewer, outcome, aid_fen, clause, reason_sealed,
                                                  papers, recommended_at)
               VALUES (%s, 1, %s, 'rejected', 0, 'aid', 'x', '[]', now())""",
            claim.pk,
            payer.code,
        )


def test_who_is_near_to_who_files_is_not_left_to_hear_an_appeal(appeal_cases: AppealCases) -> None:
    """As above: the one reviewer who is left pays for the neighbor, who has filed and appeals."""
    cases, payer = appeal_cases, User.objects.create_user("payer@example.org")
    theirs = Membership.objects.filter(pool=cases.world.pool, person=None).first()
    assert theirs is not None
    theirs.person = payer
    theirs.save(update_fields=["person"])
    neighbor = Membership.objects.get(pool=cases.world.pool, person=cases.neighbor)
    agreed(cases.membership, cases.neighbor)
    claim = file(told_to_file(cases.membership, cases.neighbor), cases.neighbor)
    review.assign_claim(claim=claim, reviewer=cases.reviewer.code, at=clock.now())
    review.recommend(
        claim=claim,
        reviewer=cases.reviewer.code,
        outcome="rejected",
        aid_fen=0,
        clause="aid",
        papers=selectors.paper_codes(claim),
        reason="It is not on the list.",
        at=clock.now(),
    )
    claim.refresh_from_db()
    cases.decide(claim, "rejected")
    claim.refresh_from_db()
    cases.claimant = cases.neighbor
    cases.appeal(claim)
    claim.refresh_from_db()
    for person in User.objects.filter(duty_grants__duty="reviewer", duty_grants__ended_at=None):
        lay_down_all(person)
    cases.world.grant(payer, "reviewer")
    assert lacks_people(claim) == []
    link = payers.ask_payer(membership=neighbor, payer_number=theirs.number, at=clock.now())
    payers.accept_link(link=link, person=payer)
    assert payer.pk in selectors.people_near_to(claim)
    assert lacks_people(claim) == ["reviewer"]


def test_each_gets_their_own_data(cases: ClaimCases, sister: User) -> None:
    agreed(cases.membership, sister)
    claim = file(told_to_file(cases.membership, sister), sister)
    rows = {table.name: table.rows for table in EXPORTER.tables}
    assert [row["code"] for row in rows["claims"](cases.claimant)] == [claim.code]
    assert len(list(rows["papers"](cases.claimant))) == 3
    for table in ("claims", "papers", "history", "paper_openings"):
        assert list(rows[table](sister)) == []
    [begun] = rows["claims_for_others"](sister)
    assert set(begun) == {"pool", "code", "state", "created_at", "filed_at"}
    assert {row["by"] for row in rows["history"](cases.claimant)} == {"who began it"}


def test_pages_say_for_whom(cases: ClaimCases, sister: User) -> None:
    agreed(cases.membership, sister)
    theirs, mine = client_of(sister), client_of(cases.claimant)
    begun = theirs.post("/claims/new/", {"pool": "test-pool", "member": str(cases.membership.number)})
    assert begun.status_code == 302
    claim = Claim.objects.get()
    assert "who has named you" in theirs.get(f"/claims/{claim.code}/edit/what/").content.decode()
    assert "Claimant" in theirs.get("/claims/").content.decode()
    assert "You have begun this claim" in theirs.get(f"/claims/{claim.code}/").content.decode()
    assert "Begun by Sister" in mine.get(f"/claims/{claim.code}/").content.decode()
    assert claim.code in theirs.get("/api/v1/me/claims/").content.decode()
    assert mine.post(f"/claims/{claim.code}/withdraw/").status_code == 302


def test_who_stands_by_is_not_from_outside(cases: ClaimCases, sister: User) -> None:
    claim = cases.filed()
    check_from_outside(claim, sister)
    agreed(cases.membership, sister)
    with pytest.raises(NotFromOutsideError):
        check_from_outside(claim, sister)
