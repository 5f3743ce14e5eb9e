"""References that payers write on a transfer, with the check digits of ISO 11649. Pure.

RF ‖ two check digits ‖ five characters that stand for the pool ‖ M (membership), T (transfer out), D (charge file) or
I (income that the operator hands on) ‖ nine digits.
The length is fixed, so that a reference is found in a text whatever stands around it and however it is spaced.
Source: ISO 11649, ISO/IEC 7064 MOD 97-10.
"""

import hashlib
import re
import unicodedata
from base64 import b32encode
from dataclasses import dataclass
from functools import cache

MEMBERSHIP = "M"
ORDER = "T"
CHARGE_FILE = "D"
INCOME = "I"
# What the number of an income says: from referrals, or from a sponsor.
REFERRAL, SPONSOR = 1, 2
LARGEST_NUMBER = 10**9 - 1
_SHAPE = re.compile(r"(?=(RF[0-9]{2}[A-Z2-7]{5}[MTDI][0-9]{9}))")
_DIGITS = 9
_AS_DIGITS = {character: str(int(character, 36)) for character in "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
_SEPARATORS = re.compile(r"[\s.\-/]+")


class BadReferenceError(ValueError):
    """The text is no reference of this pool; `reason` says which of the known mistakes it is."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(f"{reason}: {text}")
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Reference:
    """What a reference names: kind M, T, D or I, and the number of the membership, order, charge file or income."""

    kind: str
    number: int


@cache
def pool_token(pool_code: str) -> str:
    """Return the five characters that stand for a pool: letters and the digits 2 to 7."""
    return b32encode(hashlib.sha256(f"aid/reference/{pool_code}".encode()).digest())[:5].decode()


def make_reference(pool_code: str, kind: str, number: int) -> str:
    """Return the reference of a membership, payment order, charge file or income, without spaces.

    Raises: ValueError for a kind or number that no reference can hold.
    """
    if kind not in {MEMBERSHIP, ORDER, CHARGE_FILE, INCOME} or not 0 < number <= LARGEST_NUMBER:
        raise ValueError(f"no reference holds {kind} {number}")
    body = f"{pool_token(pool_code)}{kind}{number:09d}"
    reference = f"RF{_check_digits(body)}{body}"
    assert _remainder(reference[4:] + reference[:4]) == 1
    return reference


def spaced(reference: str) -> str:
    """Return the reference in groups of four, as people copy it."""
    return " ".join(reference[start : start + 4] for start in range(0, len(reference), 4))


def read_reference(pool_code: str, text: str) -> Reference:
    """Read one reference, spaced or not.

    Raises: BadReferenceError with reason `not_a_reference`, `bad_check_digits` or `other_pool`.
    """
    compact = _compact(text)
    match = _SHAPE.match(compact)
    if match is None or len(compact) != len(match[1]):
        raise BadReferenceError("not_a_reference", text)
    return _checked(pool_code, match[1])


def find_reference(pool_code: str, text: str) -> Reference | None:
    """Return the one reference of this pool that a remittance text holds; None for none, or for two that differ.

    Money whose text is ambiguous is nobody's until a person has looked at it.
    """
    found = set()
    for match in _SHAPE.finditer(_compact(text)):
        try:
            found.add(_checked(pool_code, match[1]))
        except BadReferenceError:
            continue
    return found.pop() if len(found) == 1 else None


def near_memberships(pool_code: str, text: str) -> set[int]:
    """Return the memberships whose reference becomes what stands in a text by one slip of whoever typed it.

    A wrong, missing, doubled or swapped digit of the number, or wrong check digits. Of the numbers that one slip could
    have meant the check digits leave about one in a hundred: few are found, and who reads them decides.
    """
    body = f"{pool_token(pool_code)}{MEMBERSHIP}"
    found = set()
    for match in re.finditer(f"RF([0-9]{{2}}){body}([0-9]{{8,10}})(?![0-9])", _compact(text)):
        check, digits = match.groups()
        found |= {meant for meant in _one_slip_away(digits) if _check_digits(body + meant) == check}
        if len(digits) == _DIGITS:
            found.add(digits)
    return {int(meant) for meant in found} - {0}


def _one_slip_away(digits: str) -> set[str]:
    """Return the nine digits that were meant, if one is wrong, missing or too many, or two are swapped."""
    places = range(len(digits))
    if len(digits) < _DIGITS:
        return {
            digits[:place] + one + digits[place:] for place in range(len(digits) + 1) for one in "0123456789"
        }
    if len(digits) > _DIGITS:
        return {digits[:place] + digits[place + 1 :] for place in places}
    wrong = {digits[:place] + one + digits[place + 1 :] for place in places for one in "0123456789"}
    swapped = {
        digits[:place] + digits[place + 1] + digits[place] + digits[place + 2 :] for place in places[:-1]
    }
    return wrong | swapped


def _check_digits(body: str) -> str:
    return f"{98 - _remainder(f'{body}RF00'):02d}"


def _checked(pool_code: str, reference: str) -> Reference:
    if _remainder(reference[4:] + reference[:4]) != 1:
        raise BadReferenceError("bad_check_digits", reference)
    token, kind, digits = reference[4:9], reference[9], reference[10:]
    if token != pool_token(pool_code):
        raise BadReferenceError("other_pool", reference)
    if int(digits) == 0:
        raise BadReferenceError("not_a_reference", reference)
    return Reference(kind, int(digits))


def _compact(text: str) -> str:
    return _SEPARATORS.sub("", unicodedata.normalize("NFKC", text)).upper()


def _remainder(text: str) -> int:
    """Return the text as digits (A = 10 … Z = 35) modulo 97."""
    return int("".join([_AS_DIGITS[character] for character in text])) % 97
