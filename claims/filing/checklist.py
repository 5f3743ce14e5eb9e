"""What a claim takes before it can be filed: each item, whether it is there, and where it is told."""

from dataclasses import dataclass

from django.urls import reverse

from claims.filing.illnesses import KINDS
from claims.filing.models import Claim
from claims.filing.selectors import asks_for_spend, papers_needed
from claims.filing.services import what_is_missing
from claims.filing.words import PARTS

_FIELDS = {"event": ("what", "id_illness"), "story": ("what", "id_story"), "spend": ("what", "id_spend_fen")}


@dataclass(frozen=True)
class Item:
    """One thing that a claim takes. address: where it can be added."""

    label: object
    is_there: bool
    address: str


def checklist(claim: Claim, missing: list[str] | None = None) -> list[Item]:
    """Return all that the claim takes, in the order of the steps. missing: what filing still needs, if it is known."""
    lacking = what_is_missing(claim) if missing is None else missing
    told = [] if claim.part_of_id else ["event"]
    told += ["story", *(["spend"] if asks_for_spend(claim) else [])]
    return [
        Item(PARTS[part], part not in lacking, _address(claim, part))
        for part in (*told, *papers_needed(claim), "payee")
    ]


def _address(claim: Claim, part: str) -> str:
    if part in KINDS:
        return reverse("claim_step", args=[claim.code, "papers"]) + f"?kind={part}#id_file"
    step, field = _FIELDS.get(part, ("payee", "id_payee_name"))
    return reverse("claim_step", args=[claim.code, step]) + f"#{field}"
