"""Identity documents: checked, brought to one form, and named for the blind index. Pure."""

import re
from dataclasses import dataclass
from datetime import date

from stdnum.cn import ric
from stdnum.exceptions import ValidationError

_PASSPORT = re.compile(r"[A-Z0-9]{6,12}", re.ASCII)
_COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Document:
    """A document in its one form. birth_date: where the number itself says it."""

    kind: str
    country: str
    number: str
    birth_date: date | None

    @property
    def index_text(self) -> str:
        """Return the text whose blind index finds the same document again."""
        return f"{self.kind}/{self.country}/{self.number}"


class DocumentError(ValueError):
    """The number cannot be one of this kind; `code` says what is wrong with it."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def read_resident_id(text: str) -> Document:
    """Read a Chinese resident identity number: region, date and check digit (GB 11643).

    Raises: DocumentError(bad_resident_id).
    """
    try:
        number = ric.validate(re.sub(r"[\s-]", "", text).upper())
        birth_date = ric.get_birth_date(number)
    except ValidationError:
        raise DocumentError("bad_resident_id") from None
    return Document("resident_id", "CN", number, birth_date)


def read_passport(country: str, text: str) -> Document:
    """Read a passport number with the two letters of the country that issued it.

    Raises: DocumentError(bad_country, bad_passport).
    """
    letters, number = country.strip().upper(), re.sub(r"[\s-]", "", text).upper()
    if not _COUNTRY.fullmatch(letters):
        raise DocumentError("bad_country")
    if not _PASSPORT.fullmatch(number):
        raise DocumentError("bad_passport")
    return Document("passport", letters, number, None)
