"""Several papers in one go: each is kept or refused by itself, and every refusal names its file."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from unicodedata import normalize

from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _

from aidplatform.lib.errors import DomainError
from aidplatform.lib.http import attempt
from claims.filing import services
from claims.filing.models import LARGEST_PAPER, Claim, Evidence
from claims.filing.papers import refuse

# Each takes a moment to be read; who has more sends them one batch after the other.
MOST_AT_ONCE = 10
_LONGEST_NAME = 60


@dataclass(frozen=True)
class Taken:
    """What became of one file. name: as it may be shown, for this answer alone; it is kept nowhere."""

    name: str
    paper: Evidence | None
    refusal: DomainError | None

    @property
    def reason(self) -> str:
        """Return the word for a refusal."""
        if self.refusal is None:
            return ""
        return str(self.refusal.extra.get("reason", self.refusal.code))


def add_files(
    *, claim: Claim, claimant: str, kind: str, files: "Sequence[UploadedFile[Any]]", at: dt.datetime
) -> list[Taken]:
    """Add every file that can be a paper, in their order; one that cannot stops none of the others."""
    return [
        _add(claim, claimant, kind, file, at) if place < MOST_AT_ONCE else _one_too_many(file)
        for place, file in enumerate(files)
    ]


def _add(claim: Claim, claimant: str, kind: str, file: "UploadedFile[Any]", at: dt.datetime) -> Taken:
    def act() -> Evidence:
        # What is too large is not even read into memory.
        if (file.size or 0) > LARGEST_PAPER:
            raise refuse("too_large")
        return services.add_evidence(claim=claim, claimant=claimant, kind=kind, data=file.read(), at=at)

    paper, refusal = attempt(act)
    return Taken(shown_name(file.name), paper, refusal)


def _one_too_many(file: "UploadedFile[Any]") -> Taken:
    return Taken(shown_name(file.name), None, refuse("too_many_at_once"))


def shown_name(name: str | None) -> str:
    """Return the name of a file so that it can be shown: one line, no letters that turn others around, not long."""
    plain = "".join(letter for letter in normalize("NFC", name or "") if letter.isprintable()).strip()
    if len(plain) > _LONGEST_NAME:
        plain = f"{plain[: _LONGEST_NAME // 2]}…{plain[-_LONGEST_NAME // 2 :]}"
    return plain or _("a file without a name")
