"""The illnesses a claim can name, how severe each is taken to be, and the papers it needs. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

IDENTITY = "identity"
DIAGNOSIS = "diagnosis"
PATHOLOGY = "pathology"
HOSPITAL_RECORD = "hospital_record"
BILL = "bill"
OTHER = "other"
KINDS = (IDENTITY, DIAGNOSIS, PATHOLOGY, HOSPITAL_RECORD, BILL, OTHER)
# What an investigator adds to a report; nobody else brings papers of this kind.
INVESTIGATION = "investigation"
# What a member lays beside an objection; it is no paper of the claimant's and is opened by other rules.
OBJECTION = "objection"
EVERY_KIND = (*KINDS, INVESTIGATION, OBJECTION)


@dataclass(frozen=True)
class Illness:
    """An illness by its code word: the severity a plan grants aid for, and the papers that establish it."""

    code: str
    severity: str
    papers: tuple[str, ...]


_ALWAYS = (IDENTITY, DIAGNOSIS)

# Codes are those of the published faces, so that what is filed is what is published.
ILLNESSES: dict[str, Illness] = {
    illness.code: illness
    for illness in (
        # What a waiting period calls an accident is an event of this severity.
        Illness("accident", "accident", (*_ALWAYS, HOSPITAL_RECORD)),
        Illness("cancer_severe", "severe", (*_ALWAYS, PATHOLOGY)),
        Illness("cancer_mild", "mild", (*_ALWAYS, PATHOLOGY)),
        Illness("thyroid_cancer", "mild", (*_ALWAYS, PATHOLOGY)),
        Illness("leukemia", "severe", (*_ALWAYS, PATHOLOGY)),
        Illness("heart_attack", "severe", (*_ALWAYS, HOSPITAL_RECORD)),
        Illness("kidney_failure", "severe", (*_ALWAYS, HOSPITAL_RECORD)),
        Illness("stroke_severe", "severe", (*_ALWAYS, HOSPITAL_RECORD)),
        Illness("stroke_mild", "mild", (*_ALWAYS, HOSPITAL_RECORD)),
        Illness("transplant", "severe", (*_ALWAYS, HOSPITAL_RECORD)),
        # On no plan's list; some plans grant aid for what its treatment costs.
        Illness("other_illness", "other", (*_ALWAYS, HOSPITAL_RECORD)),
    )
}


def needed_papers(illness: str, *, spend_fen: int, is_part: bool) -> tuple[str, ...]:
    """Return the kinds of paper a claim needs: those of its illness, unless an earlier part had them, and bills."""
    established = () if is_part else ILLNESSES[illness].papers
    return (*established, BILL) if spend_fen else established


def missing_papers(needed: Sequence[str], held: Collection[str]) -> list[str]:
    """Return the kinds that are needed and not among those held, in their order."""
    return [kind for kind in needed if kind not in held]
