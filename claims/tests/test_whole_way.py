"""One claim from the first word to the confirmed receipt, by services alone."""

import json

from aidplatform.lib import clock
from aidplatform.testing.claim_cases import ClaimCases
from aidplatform.testing.world import run_jobs
from aidplatform.work import events
from claims.publicity import services as publicity
from ledger.openbooks.models import LogEntry


def _logged(kind: str) -> list[dict[str, object]]:
    rows = LogEntry.objects.filter(type=kind).order_by("seq")
    return [json.loads(bytes(row.data))["body"] for row in rows]


def test_claim_goes_the_whole_way(cases: ClaimCases) -> None:
    claim = cases.decided()
    assert claim.state == "in_publicity"
    award = cases.award(claim)
    assert (award.aid_fen, award.state, award.masked["age_band"]) == (5_000_000, "announced", "30-39")
    cases.to_publicity()
    cases.end_publicity()
    claim.refresh_from_db()
    assert claim.state == "awarded"
    cases.post()
    claim.refresh_from_db()
    assert claim.state == "shared"
    events.publish(
        event="award.paid", key="1", payload={"award": award.pk, "is_complete": False}, actor="treasurer"
    )
    run_jobs()
    claim.refresh_from_db()
    assert claim.state == "shared"
    events.publish(
        event="award.paid", key="2", payload={"award": award.pk, "is_complete": True}, actor="treasurer"
    )
    run_jobs()
    claim.refresh_from_db()
    assert claim.state == "paid"
    publicity.confirm_receipt(claim=claim, claimant=cases.claimant.code, at=clock.now())
    claim.refresh_from_db()
    assert claim.state == "closed"
    assert [body["outcome"] for body in _logged("claim.decide")] == ["approved"]
    assert [body["case"] for body in _logged("claim.public")] == [award.code]
    assert [body["confirmed_by"] for body in _logged("pay.receipt")] == ["recipient"]
