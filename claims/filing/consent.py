"""What the claimant signs: what of the claim each of the four layers is told, and the hash over exactly that."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from claims.filing.illnesses import KINDS
from claims.filing.models import Claim, Evidence
from claims.filing.selectors import face_to_publish, papers_of, read_birth, read_payee, read_story
from ledger.sharing.layers import LAYERS, Told, at_most, fields_told

Layers = dict[str, dict[str, Any]]


def layers_of(claim: Claim, age: int, aid_fen: int, papers: Iterable[Evidence]) -> Layers:
    """Return what each layer is told besides the layers below it.

    Of what everyone and members are told it is the most: it is told more widely until five members share it, and what
    too few share is left out. Jurors are told it as it is; what they are told in the claimant's words is chosen, and
    agreed to, when a refusal is taken to them. age, aid_fen: what was derived, or would be.
    """
    face, birth, payee = face_to_publish(claim, age), read_birth(claim), read_payee(claim)
    told: dict[str, Any] = asdict(at_most(Told.of(face))) | {
        "aid": aid_fen,
        "age_band": face["age_band"],
        "province": face["region"],
        "event_month": face["month"],
        "joined_month": face["joined"],
        "story": read_story(claim),
        "birth_date": birth.isoformat() if birth else "",
        "papers": [{"kind": paper.kind, "sha256": paper.sha256} for paper in papers if paper.kind in KINDS],
        "payee": f"{payee.name}, {payee.masked_account}" if payee else "",
    }
    layers: Layers = {}
    known: set[str] = set()
    for layer in LAYERS:
        fields = fields_told(layer, told)
        layers[layer] = {name: value for name, value in fields.items() if name not in known}
        known |= set(fields)
    return layers


def signed_layers(claim: Claim) -> Layers:
    """Return what was signed of a claim that was filed; of one that was not, nothing."""
    if claim.consent_sha256 is None or claim.age is None or claim.aid_fen is None:
        return {}
    papers = papers_of(claim).filter(added_at__lte=claim.consented_at)
    return layers_of(claim, claim.age, claim.aid_fen, papers)


def signed_text(claim: Claim, layers: Layers) -> str:
    """Return the text that is signed: the claim and its layers, in one form."""
    return json.dumps(
        {"claim": claim.code, "layers": layers}, sort_keys=True, ensure_ascii=False, separators=(",", ":")
    )


def shown_sha256(claim: Claim, layers: Layers) -> str:
    """Return the hash of what is shown before the signature."""
    return hashlib.sha256(signed_text(claim, layers).encode()).hexdigest()
