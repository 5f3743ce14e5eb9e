"""By which identity documents somebody can join a pool. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

from aidplatform.lib.countries import COUNTRIES
from members.pools.term_reading import TermsError, check_choice, check_text, check_type, fields_of

DocumentKind = Literal["resident_id", "passport", "other"]
KINDS: tuple[DocumentKind, ...] = get_args(DocumentKind)
_OTHER = ("other_en", "other_zh", "other_country")


@dataclass(frozen=True, slots=True)
class DocumentTerms:
    """Say which kinds of document a pool takes, and what the other one is that it names itself.

    kinds: one at least, in the order of `KINDS`. other_en, other_zh: the name of the other document; other_country: the
    two letters of who issues it. All three are there where the other document is taken, and empty otherwise.
    """

    kinds: tuple[DocumentKind, ...]
    other_en: str = ""
    other_zh: str = ""
    other_country: str = ""

    def __post_init__(self) -> None:
        if not self.kinds:
            raise TermsError("kinds", "empty", "a pool takes one kind of document at least")
        for kind in self.kinds:
            check_choice("kinds", kind, KINDS)
        object.__setattr__(self, "kinds", tuple(kind for kind in KINDS if kind in self.kinds))
        for name in _OTHER:
            check_type(name, getattr(self, name), str)
        if "other" not in self.kinds:
            if any(getattr(self, name) for name in _OTHER):
                raise TermsError("other_en", "other_document_not_taken", "names a document that is not taken")
            return
        check_text("other_en", self.other_en)
        check_text("other_zh", self.other_zh)
        if self.other_country not in COUNTRIES:
            raise TermsError("other_country", "bad_country", f"{self.other_country} is no country")

    @classmethod
    def from_json(cls, data: object) -> DocumentTerms:
        given = fields_of(data, required=("kinds",), optional=_OTHER)
        check_type("kinds", given["kinds"], list)
        return cls(**given | {"kinds": tuple(given["kinds"])})

    def to_json(self) -> dict[str, Any]:
        told: dict[str, Any] = {"kinds": list(self.kinds)}
        if "other" in self.kinds:
            told |= {name: getattr(self, name) for name in _OTHER}
        return told


# Where rules are silent: a resident's card or a passport.
UNSAID = DocumentTerms(("resident_id", "passport"))
