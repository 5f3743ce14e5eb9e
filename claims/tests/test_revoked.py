"""A claim whose aid was taken back before it was paid: its state, what its claimant is told, and what counts of it."""

import json

import pytest
from django.urls import reverse

from aidplatform.lib import clock
from aidplatform.testing.bank import Bank
from aidplatform.testing.claim_cases import ClaimCases
from aidplatform.testing.refusals import refused, run
from aidplatform.testing.revocations import FOUND, agree_to_revocation, propose_revocation, revoked_by_two
from aidplatform.testing.world import run_jobs
from aidplatform.tests.pages_helpers import client_of
from claims.filing.models import Claim
from claims.filing.selectors import granted_before
from claims.publicity import services as publicity
from ledger.custody.services import order_payment
from ledger.openbooks.models import LogEntry
from members.people.models import Notice


def shared(cases: ClaimCases) -> Claim:
    """Return a claim whose aid all members share."""
    claim = cases.decided()
    cases.to_publicity()
    cases.end_publicity()
    cases.post()
    claim.refresh_from_db()
    assert claim.state == "shared"
    return claim


def test_claimant_reads_what_was_found_and_is_told(cases: ClaimCases) -> None:
    claim = shared(cases)
    award = cases.award(claim)
    with refused("claim_step_has_its_paper"):
        run("UPDATE claims_claim SET state = 'revoked' WHERE id = %s", claim.pk)
    revoked_by_two(cases.world, award)
    run_jobs()
    claim.refresh_from_db()
    assert (claim.state, claim.due_date) == ("revoked", None)
    assert Notice.objects.filter(kind="claim_revoked", person=cases.claimant).count() == 1
    page = client_of(cases.claimant).get(f"/claims/{claim.code}/").content.decode()
    assert FOUND in page
    assert "The courts stay open to you" in page
    told = client_of(cases.claimant).get(f"/api/v1/me/claims/{claim.code}/").json()
    assert [(one["aid_fen"], one["reason"]) for one in told["taken_back"]] == [(5_000_000, FOUND)]
    address = reverse("case", args=[cases.world.pool.code, award.code])
    assert FOUND in client_of(cases.neighbor).get(address).content.decode()
    other = Claim(membership_id=claim.membership_id, pool_id=claim.pool_id)
    assert granted_before(other) == 0, "what nobody was paid leaves the most for one person as it was"
    # Heard twice, it is the same.
    assert publicity.follow_revocation(award=award.pk, at=clock.now()) == []


def test_claim_that_was_paid_in_part_ends_with_that_part(cases: ClaimCases) -> None:
    claim = shared(cases)
    award, bank = cases.award(claim), Bank(cases.world)
    bank.all_pay()
    bank.release(
        order_payment(
            pool=cases.world.pool, kind="aid", award=award, amount_fen=1_000_000, payee_name="Li Na",
            payee_account="6222 0000 1111 2222", orderer=cases.world.treasurer.code, at=clock.now(),
        )
    )  # fmt: skip
    bank.all_pay(unpaid=1.0)
    one = propose_revocation(cases.world, award)
    assert one.aid_fen == 4_000_000
    agree_to_revocation(cases.world, one)
    run_jobs()
    claim.refresh_from_db()
    assert claim.state == "revoked"
    page = client_of(cases.claimant).get(f"/claims/{claim.code}/").content.decode()
    assert "were paid before" in page
    other = Claim(membership_id=claim.membership_id, pool_id=claim.pool_id)
    assert granted_before(other) == 1_000_000
    body = json.loads(bytes(LogEntry.objects.get(key=f"revoked/1/{award.code}").data))["body"]
    assert (body["was"], body["is"]) == (5_000_000, 1_000_000)
    with pytest.raises(publicity.PublicityOverError):
        publicity.object_to_case(claim=claim, member=cases.neighbor.code, reason="late", at=clock.now())
