"""Identity documents: checked, brought to one form, and named for the blind index. Pure."""

import re
from dataclasses import dataclass
from datetime import date

from stdnum.cn import ric
from stdnum.exceptions import ValidationError

_PASSPORT = re.compile(r"[A-Z0-9]{6,12}", re.ASCII)
_COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)


# The first two digits of a resident identity number (GB/T 2260): where it was first given.
PROVINCES = {
    "11": "beijing", "12": "tianjin", "13": "hebei", "14": "shanxi", "15": "inner_mongolia",
    "21": "liaoning", "22": "jilin", "23": "heilongjiang",
    "31": "shanghai", "32": "jiangsu", "33": "zhejiang", "34": "anhui", "35": "fujian", "36": "jiangxi",
    "37": "shandong",
    "41": "henan", "42": "hubei", "43": "hunan", "44": "guangdong", "45": "guangxi", "46": "hainan",
    "50": "chongqing", "51": "sichuan", "52": "guizhou", "53": "yunnan", "54": "tibet",
    "61": "shaanxi", "62": "gansu", "63": "qinghai", "64": "ningxia", "65": "xinjiang",
    "71": "taiwan", "81": "hongkong", "82": "macao",
}  # fmt: skip
SEXES = ("f", "m")


@dataclass(frozen=True, slots=True)
class Traits:
    """What a resident identity number says beside the birth date; empty where a document does not say it."""

    sex: str = ""
    region: str = ""


NO_TRAITS = Traits()


def traits_of(kind: str, number: str) -> Traits:
    """Read sex and province off a document's number in its one form: the order code of men is odd."""
    if kind != "resident_id":
        return NO_TRAITS
    return Traits(sex=SEXES[int(number[16]) % 2], region=PROVINCES.get(number[:2], ""))


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
