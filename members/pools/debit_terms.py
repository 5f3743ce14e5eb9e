"""Whether members may let their shares be debited, and what the scheme promises them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

from stdnum.eu import at_02
from stdnum.exceptions import ValidationError

from members.pools.term_reading import TermsError, check_choice, check_int, check_text, fields_of

Scheme = Literal["sepa", "card"]
MAX_CREDITOR_ID = 35
MAX_NOTICE_DAYS = 60
MAX_REFUND_DAYS = 400


@dataclass(frozen=True, slots=True)
class DebitTerms:
    """Say by which scheme shares can be debited from an account, and with which notice.

    scheme: sepa: in euro from an IBAN; card: from a Chinese bank card. creditor_id: the creditor identifier of the
    scheme, for a card the number of the agreement with the collecting bank. first_notice_days, later_notice_days: a
    debit is announced so many days before it is taken, the first one and every later one. refund_days: for so long
    after it the payer can have their bank take it back without a reason; 0: only with one.
    """

    scheme: Scheme
    creditor_id: str
    first_notice_days: int
    later_notice_days: int
    refund_days: int = 0

    def __post_init__(self) -> None:
        check_choice("scheme", self.scheme, get_args(Scheme))
        check_text("creditor_id", self.creditor_id, MAX_CREDITOR_ID)
        check_int("first_notice_days", self.first_notice_days, 1, MAX_NOTICE_DAYS)
        check_int("later_notice_days", self.later_notice_days, 1, MAX_NOTICE_DAYS)
        check_int("refund_days", self.refund_days, 0, MAX_REFUND_DAYS)
        if self.scheme == "sepa":
            _check_creditor(self.creditor_id)

    @classmethod
    def from_json(cls, data: object) -> DebitTerms:
        required = ("scheme", "creditor_id", "first_notice_days", "later_notice_days")
        return cls(**fields_of(data, required=required, optional=("refund_days",)))

    def to_json(self) -> dict[str, Any]:
        told: dict[str, Any] = {
            "scheme": self.scheme,
            "creditor_id": self.creditor_id,
            "first_notice_days": self.first_notice_days,
            "later_notice_days": self.later_notice_days,
        }
        if self.refund_days:
            told["refund_days"] = self.refund_days
        return told


def _check_creditor(creditor_id: str) -> None:
    """Demand a creditor identifier as SEPA has it, in its compact form."""
    try:
        found = at_02.validate(creditor_id)
    except ValidationError:
        found = ""
    if found != creditor_id:
        raise TermsError("creditor_id", "bad_creditor_id", f"{creditor_id} is no SEPA creditor identifier")
