"""The illnesses a claim can name, how severe each is taken to be, and the papers it needs. Pure."""

from dataclasses import dataclass

IDENTITY = "identity"
DIAGNOSIS = "diagnosis"
PATHOLOGY = "pathology"
HOSPITAL_RECORD = "hospital_record"
OTHER = "other"
KINDS = (IDENTITY, DIAGNOSIS, PATHOLOGY, HOSPITAL_RECORD, OTHER)


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
    )
}


def missing_papers(illness: str, held: set[str]) -> list[str]:
    """Return the kinds of paper the illness asks for that are not among those held, in their order."""
    return [kind for kind in ILLNESSES[illness].papers if kind not in held]
