"""What a reviewer reads in the papers of a claim, as far as signals ask for it. Pure."""

import datetime as dt
import json
from dataclasses import dataclass
from typing import Self

from claims.filing.illnesses import DIAGNOSIS, HOSPITAL_RECORD, PATHOLOGY

# The papers whose day of issue is asked for, where the claim holds one.
DATED = (DIAGNOSIS, PATHOLOGY, HOSPITAL_RECORD)


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Empty and None: the papers do not say it. report_no: the number of the report that establishes the illness."""

    hospital: str = ""
    doctor: str = ""
    report_no: str = ""
    symptom_date: dt.date | None = None
    diagnosis_date: dt.date | None = None
    issued: tuple[tuple[str, dt.date], ...] = ()
    has_earlier_illness: bool = False

    def to_text(self) -> str:
        """Return it as JSON, to be sealed."""
        told = {**self.__dict__, "issued": dict(self.issued)}
        return json.dumps(told, ensure_ascii=False, default=dt.date.isoformat)

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read what `to_text` wrote."""
        told = json.loads(text)
        for name in ("symptom_date", "diagnosis_date"):
            told[name] = told[name] and dt.date.fromisoformat(told[name])
        told["issued"] = tuple((kind, dt.date.fromisoformat(day)) for kind, day in told["issued"].items())
        return cls(**told)


def folded(name: str) -> str:
    """Return a name or number without what two people write differently: spaces, case, points and dashes."""
    return "".join(letter for letter in name.casefold() if letter.isalnum())
