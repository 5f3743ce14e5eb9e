"""Whoever is near to a member judges no case of theirs, at any stage: asked for by services and by SQL."""

import datetime as dt

import pytest

from aidplatform.lib import clock
from aidplatform.testing.claim_cases import ClaimCases
from aidplatform.testing.refusals import refused, run, value
from aidplatform.testing.world import World, set_clock
from claims.filing.tests.test_family_claims import drafted_for_oneself, file, try_recommending
from claims.publicity import services as publicity
from claims.review import services as review
from claims.review.selectors import shown_sha256
from claims.review.triggers import shown_sql
from members.joining import payers
from members.joining.invitation_models import Invitation
from members.joining.kin import is_near
from members.joining.models import Membership
from members.joining.tests.papers import filled
from members.joining.tests.test_invitations import joined_by, made, person
from members.joining.tests.test_signing import _sign as sign
from members.people.models import User

DECIDE = f"""INSERT INTO claims_decision (claim_id, round, decider, outcome, aid_fen, clause, reason_sealed,
                                         papers, shown_sha256, decided_at)
             SELECT c.id, 1, %s, 'approved', 5000000, 'aid', '',
                    (SELECT jsonb_agg(e.code) FROM claims_evidence e WHERE e.claim_id = c.id),
                    encode(sha256(convert_to({shown_sql("c")}, 'UTF8')), 'hex'), now()
               FROM claims_claim c WHERE c.id = %s"""
ANSWER = """UPDATE claims_objection SET state = 'dismissed', answered_by = %s, answered_at = now(), answer_sealed = 'x'
             WHERE id = %s"""


def pay_for_the_claimant(cases: ClaimCases) -> None:
    """Let the neighbor, who is a second reviewer as well, pay the claimant's shares."""
    payer = Membership.objects.get(pool=cases.world.pool, person=cases.neighbor)
    link = payers.ask_payer(membership=cases.membership, payer_number=payer.number, at=clock.now())
    payers.accept_link(link=link, person=cases.neighbor)


def test_payer_does_not_decide(cases: ClaimCases) -> None:
    cases.world.grant(cases.neighbor, "second_reviewer")
    claim = cases.recommended()
    run("SAVEPOINT unpaid")
    assert run(DECIDE, cases.neighbor.code, claim.pk) == []
    run("ROLLBACK TO SAVEPOINT unpaid")
    pay_for_the_claimant(cases)
    with pytest.raises(review.NearError):
        cases.decide(claim, decider=cases.neighbor)
    with refused("nobody_judges_their_own_circle"):
        run(DECIDE, cases.neighbor.code, claim.pk)
    assert shown_sha256(claim)
    assert value("SELECT count(*) FROM claims_decision") == 0


def test_payer_does_not_answer_an_objection(cases: ClaimCases) -> None:
    """The objection is somebody else's; only nearness stands in the payer's way."""
    claim = cases.published()
    objector = Membership.objects.filter(pool=cases.world.pool, person=None).first()
    assert objector is not None
    objector.person = User.objects.create_user("objector@example.org")
    objector.save(update_fields=["person"])
    objection = publicity.object_to_case(
        claim=claim, member=objector.person.code, reason="Look at the date.", at=clock.now()
    )
    cases.world.grant(cases.neighbor, "second_reviewer")
    run("SAVEPOINT unpaid")
    run(ANSWER, cases.neighbor.code, objection.pk)
    assert value("SELECT state FROM claims_objection") == "dismissed"
    run("ROLLBACK TO SAVEPOINT unpaid")
    pay_for_the_claimant(cases)
    with pytest.raises(review.NearError):
        publicity.answer_objection(
            objection=objection, answerer=cases.neighbor.code, upheld=False, answer="No.", at=clock.now()
        )
    with refused("nobody_judges_their_own_circle"):
        run(ANSWER, cases.neighbor.code, objection.pk)


@pytest.fixture
def invited(world: World) -> tuple[ClaimCases, Membership, Invitation]:
    """Give the test the people of claims, and a member who has joined by another one's invitation on 1 January."""
    inviter = sign(filled(world.pool, User.objects.create_user("inviter@example.org", name="Ines Example")))
    invitation = made(inviter).invitation
    joined_by(invitation, User.objects.create_user("newcomer@example.org"))
    invitation.refresh_from_db()
    return ClaimCases.founded(world), inviter, invitation


def test_inviter_does_not_judge_for_twelve_months(
    invited: tuple[ClaimCases, Membership, Invitation],
) -> None:
    cases, inviter, invitation = invited
    assert invitation.used_by is not None
    assert invitation.ended_at is not None
    newcomer = person(invitation.used_by)
    claim = file(drafted_for_oneself(invitation.used_by), newcomer)
    cases.world.grant(person(inviter), "reviewer")
    with pytest.raises(review.NearError):
        review.assign_claim(claim=claim, reviewer=person(inviter).code, at=clock.now())
    with refused("nobody_judges_their_own_circle"):
        try_recommending(claim, person(inviter))
    # Neither does who was invited judge the inviter.
    assert is_near(inviter, newcomer)
    set_clock(invitation.ended_at + dt.timedelta(days=366))
    assert not is_near(inviter, newcomer)
    review.assign_claim(claim=claim, reviewer=person(inviter).code, at=clock.now())
