"""The chart of accounts of a pool: a pass-through fund without equity. Source: ARCHITECTURE.md, accounting.

Each line is (code, name, type, flags). Codes group by hundreds: 1 assets, 2 liabilities, 4 income, 5 expense.
"""

from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class ChartLine:
    """One account of every pool. normal_side: D or C. never_negative: its balance stays at or above 0."""

    code: str
    name: object
    kind: str
    never_negative: bool = False

    @property
    def normal_side(self) -> str:
        """Return the side on which the account grows."""
        return "D" if self.kind in {"asset", "expense"} else "C"


CUSTODY = "101"
IN_TRANSIT_IN = "102"
RECEIVABLE = "110"
TO_BE_SHARED = "120"
SPONSOR_RECEIVABLE = "130"
UNEXPLAINED_DEBITS = "140"
AID_PAYABLE = "201"
PREPAID = "210"
REFUNDS_PAYABLE = "220"
FEE_PAYABLE = "230"
COSTS_PAYABLE = "235"
CARRIED_SURPLUS = "240"
UNIDENTIFIED = "250"
RESERVE = "260"
IN_TRANSIT_OUT = "270"
OPERATOR_ADVANCES = "280"
CONTRIBUTIONS = "401"
OTHER_INCOME = "410"
AID_GRANTED = "501"
MANAGEMENT_FEE = "510"
WRITE_OFFS = "520"
BANK_CHARGES = "530"
SHARES_RETURNED = "540"
INVESTIGATIONS = "550"

CHART = (
    ChartLine(CUSTODY, _("Custody bank"), "asset"),
    ChartLine(IN_TRANSIT_IN, _("Collections in transit"), "asset"),
    ChartLine(RECEIVABLE, _("Shares receivable"), "asset", never_negative=True),
    ChartLine(TO_BE_SHARED, _("To be shared"), "asset", never_negative=True),
    ChartLine(SPONSOR_RECEIVABLE, _("Sponsor and operator receivable"), "asset"),
    ChartLine(UNEXPLAINED_DEBITS, _("Bank debits to explain"), "asset"),
    ChartLine(AID_PAYABLE, _("Aid payable"), "liability", never_negative=True),
    ChartLine(PREPAID, _("Prepaid balances"), "liability", never_negative=True),
    ChartLine(REFUNDS_PAYABLE, _("Refunds payable"), "liability", never_negative=True),
    ChartLine(FEE_PAYABLE, _("Fee payable"), "liability", never_negative=True),
    ChartLine(COSTS_PAYABLE, _("Costs payable"), "liability", never_negative=True),
    ChartLine(CARRIED_SURPLUS, _("Carried surplus"), "liability", never_negative=True),
    ChartLine(UNIDENTIFIED, _("Unidentified receipts"), "liability"),
    ChartLine(RESERVE, _("Reserve fund"), "liability", never_negative=True),
    ChartLine(IN_TRANSIT_OUT, _("Payments in transit"), "liability"),
    ChartLine(OPERATOR_ADVANCES, _("Operator advances"), "liability"),
    ChartLine(CONTRIBUTIONS, _("Contributions"), "income"),
    ChartLine(OTHER_INCOME, _("Sponsor, referral and interest income"), "income"),
    ChartLine(AID_GRANTED, _("Aid granted"), "expense"),
    ChartLine(MANAGEMENT_FEE, _("Management fee"), "expense"),
    ChartLine(WRITE_OFFS, _("Write-offs"), "expense"),
    ChartLine(BANK_CHARGES, _("Bank charges"), "expense"),
    ChartLine(SHARES_RETURNED, _("Past shares returned"), "expense"),
    ChartLine(INVESTIGATIONS, _("Investigations"), "expense"),
)
BY_CODE = {line.code: line for line in CHART}
