"""Identity documents: checked, brought to one form, and named for the blind index. Pure."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date

from stdnum import numdb
from stdnum.cn import ric
from stdnum.exceptions import ValidationError

from aidplatform.lib.countries import COUNTRIES
from members.people.document_index import index_text

_RESIDENT = re.compile(r"[0-9]{17}[0-9X]", re.ASCII)
_PASSPORT = re.compile(r"[A-Z0-9]{6,12}", re.ASCII)
_COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)
_OTHER = re.compile(r"[A-Z0-9]{4,24}", re.ASCII)
# Of whose passports the form is published and has been the same for as long as one is valid.
_PASSPORTS_OF = {
    country: re.compile(form, re.ASCII)
    for country, form in {
        "CN": r"[A-Z][A-Z0-9][0-9]{7}",
        "DE": r"[CFGHJK][CFGHJKLMNPRTVWXYZ0-9]{8}",
        "FR": r"[0-9]{2}[A-Z]{2}[0-9]{5}",
        "GB": r"[0-9]{9}",
        "IN": r"[A-Z][0-9]{7}",
        "JP": r"[A-Z]{2}[0-9]{7}",
        "US": r"[A-Z0-9][0-9]{8}",
    }.items()
}


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
        return index_text(self.kind, self.country, self.number)


class DocumentError(ValueError):
    """The number cannot be one of this kind; `code` says what is wrong with it."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def read_resident_id(text: str) -> Document:
    """Read a Chinese resident identity number: region, date and check digit (GB 11643).

    The district is that of when the number was given, years after the birth for many: it has to be one that there was
    at any time, and not in the year of birth, which the library would ask.

    Raises: DocumentError(bad_resident_id).
    """
    number = _compact(text)
    if not _RESIDENT.fullmatch(number) or number[-1] != ric.calc_check_digit(number):
        raise DocumentError("bad_resident_id")
    places = numdb.get("cn/loc").info(number[:6])
    if not any("county" in properties for _part, properties in places):
        raise DocumentError("bad_resident_id")
    try:
        birth_date = ric.get_birth_date(number)
    except ValidationError:
        raise DocumentError("bad_resident_id") from None
    return Document("resident_id", "CN", number, birth_date)


def read_passport(country: str, text: str) -> Document:
    """Read a passport number with the two letters of the country that issued it.

    Raises: DocumentError(bad_country, unknown_country, bad_passport, bad_passport_of_country).
    """
    letters, number = country.strip().upper(), _compact(text)
    if not _COUNTRY.fullmatch(letters):
        raise DocumentError("bad_country")
    if letters not in COUNTRIES:
        raise DocumentError("unknown_country")
    if not _PASSPORT.fullmatch(number):
        raise DocumentError("bad_passport")
    if letters in _PASSPORTS_OF and not _PASSPORTS_OF[letters].fullmatch(number):
        raise DocumentError("bad_passport_of_country")
    return Document("passport", letters, number, None)


def read_other(country: str, text: str) -> Document:
    """Read the number of another document, which the pool names with who issues it.

    Raises: DocumentError(bad_other).
    """
    number = _compact(text)
    if not _OTHER.fullmatch(number):
        raise DocumentError("bad_other")
    return Document("other", country, number, None)


def _compact(text: str) -> str:
    """Bring a number to one form: keyboards of East Asia write digits and letters in full width as well."""
    return re.sub(r"[\s-]", "", unicodedata.normalize("NFKC", text)).upper()
