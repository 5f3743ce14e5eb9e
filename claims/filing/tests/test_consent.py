"""The claimant is shown what each layer is told, signs exactly that, and the database keeps it."""

import hashlib
import json

import pytest

from aidplatform.lib import clock
from aidplatform.testing.claim_cases import ClaimCases, photograph
from aidplatform.testing.refusals import refused, run
from aidplatform.tests.pages_helpers import client_of
from claims.filing import consent, services
from claims.filing.models import Claim
from claims.filing.selectors import papers_of
from ledger.sharing.layers import LAYERS, fields_of


def _layers(claim: Claim) -> consent.Layers:
    benefit, _face = services.preview(claim, clock.now())
    return consent.layers_of(claim, benefit.age, benefit.aid_fen, papers_of(claim))


def _file(cases: ClaimCases, claim: Claim, shown: str) -> Claim:
    _benefit, face = services.preview(claim, clock.now())
    return services.file_claim(
        claim=claim, claimant=cases.claimant.code, shown_face=face, shown_sha256=shown, at=clock.now()
    )


def test_each_layer_is_shown_what_it_is_told_besides(cases: ClaimCases) -> None:
    layers = _layers(cases.draft())
    assert tuple(layers) == LAYERS
    assert layers["public"] == {
        "aid": 5_000_000,
        "age": "30-39",
        "sex": "f",
        "region": "zhejiang",
        "disease": "cancer",
        "month": "2026-05",
    }
    assert layers["members"] == {"illness": "thyroid_cancer", "joined": "2026-01"}
    assert set(layers["jurors"]) == {"age_band", "province", "event_month", "joined_month"}
    assert layers["reviewers"]["story"] == "A lump was found at the yearly check."
    assert len(layers["reviewers"]["papers"]) == 3
    for layer, told in layers.items():
        assert set(told) <= set(fields_of(layer))


def test_signature_is_over_exactly_what_was_shown(cases: ClaimCases) -> None:
    claim = cases.draft()
    layers = _layers(claim)
    text = json.dumps(
        {"claim": claim.code, "layers": layers}, sort_keys=True, ensure_ascii=False, separators=(",", ":")
    )
    filed = _file(cases, claim, hashlib.sha256(text.encode()).hexdigest())
    assert filed.consent_sha256 == hashlib.sha256(text.encode()).hexdigest()
    assert consent.signed_layers(filed) == layers


def test_what_has_changed_since_it_was_shown_is_not_signed(cases: ClaimCases) -> None:
    claim = cases.draft()
    shown = consent.shown_sha256(claim, _layers(claim))
    services.add_evidence(
        claim=claim, claimant=cases.claimant.code, kind="other", data=photograph(99), at=clock.now()
    )
    with pytest.raises(services.ConsentError):
        _file(cases, claim, shown)
    claim.refresh_from_db()
    assert (claim.state, claim.consent_sha256) == ("draft", None)


def test_page_previews_four_layers_and_asks_again_after_a_change(cases: ClaimCases) -> None:
    claim = cases.draft()
    client, address = client_of(cases.claimant), f"/claims/{claim.code}/edit/public/"
    page = client.get(address)
    text = page.content.decode()
    for words in (
        "Everyone",
        "Members, besides",
        "Jurors, besides",
        "Reviewers, besides",
        "Zhejiang",
        "Cancer",
    ):
        assert words in text
    shown = page.context["form"].initial["shown"]
    assert shown in text
    services.save_draft(claim=claim, claimant=cases.claimant.code, at=clock.now(), region="")
    refused_page = client.post(address, {"shown": shown, "agreed": "on"})
    assert refused_page.status_code == 409
    again = refused_page.context["form"]["shown"].value()
    assert again != shown
    assert client.post(address, {"shown": again}).status_code == 422
    assert client.post(address, {"shown": again, "agreed": "on"}).status_code == 302
    claim.refresh_from_db()
    assert claim.consent_sha256 == again
    assert again in client.get(f"/claims/{claim.code}/").content.decode()


def test_owner_reads_the_layers_in_the_api(cases: ClaimCases) -> None:
    claim = cases.filed()
    row = client_of(cases.claimant).get(f"/api/v1/me/claims/{claim.code}/").json()
    assert row["consent_sha256"] == claim.consent_sha256
    assert set(row["layers"]) == {"public", "members", "jurors"}
    assert row["layers"]["members"] == {"illness": "thyroid_cancer", "joined": "2026-01"}
    draft = services.start_claim(membership=cases.membership, claimant=cases.claimant.code, at=clock.now())
    row = client_of(cases.claimant).get(f"/api/v1/me/claims/{draft.code}/").json()
    assert (row["consent_sha256"], row["layers"]) == (None, {})


@pytest.mark.parametrize("signed", [None, "", "0" * 63, "Z" * 64])
def test_claim_is_filed_with_a_signed_preview(cases: ClaimCases, signed: str | None) -> None:
    claim = cases.filed()
    run("UPDATE claims_claim SET state = 'withdrawn' WHERE id = %s", claim.pk)
    draft = cases.draft()
    with refused("claim_is_filed_with_a_signed_preview"):
        run(
            """UPDATE claims_claim d SET state = 'filed', filed_at = c.filed_at, consented_at = c.consented_at,
                      consent_sha256 = %s, masked = c.masked, age = c.age, aid_fen = c.aid_fen,
                      plan_version_id = c.plan_version_id
                 FROM claims_claim c WHERE c.id = %s AND d.id = %s""",
            signed,
            claim.pk,
            draft.pk,
        )


def test_what_was_signed_stays(cases: ClaimCases) -> None:
    claim = cases.filed()
    with refused("filed_claim_keeps_its_terms"):
        run("UPDATE claims_claim SET consent_sha256 = %s WHERE id = %s", "0" * 64, claim.pk)
