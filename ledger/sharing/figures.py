"""A period's figures in the shape its pages show: lines of the bill, parts of a share. No database here.

Units: fen throughout; parts of a share in hundredths of a fen, because a part may be smaller than one.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from django.utils.translation import gettext_lazy as _

# Kinds of journal entry that put something besides aid on the bill.
_CAUSES: dict[str, object] = {
    "write_off": _("shares that could not be collected"),
    "bank_charge": _("bank charges"),
    "waiting_refund": _("past shares returned for illness in the waiting period"),
    "investigation": _("investigations of claims"),
    "wallet_gap": _("what wallets lacked of the shares before"),
}

# What the parts of a share, and of its change, are called by programs: first the lines of the bill by their letters.
PART_CODES = {
    "A": "aid",
    "W": "other_costs",
    "Φ": "fee",
    "R": "reserve_contribution",
    "V": "reserve_drawn",
    "E": "sponsor",
    "C_in": "carry_in",
    "all": "headcount",
    "mine": "weight",
    "carry_out": "carry_out",
    "cap": "cap",
    "rounding": "rounding",
}

# The parts of a share, in the order of the page; the others are parts of a change alone.
SHARE_PARTS = tuple(code for key, code in PART_CODES.items() if key not in {"all", "mine", "carry_out"})

Sign = Literal["+", "−", "="]


@dataclass(frozen=True)
class ClassFigures:
    """Members of one class who pay alike: what each owes, and the most that one of them may be charged (fen).

    cap_fen None: without end. A class has several rows where its members may still be charged differently much.
    """

    class_no: int
    weight: int
    members: int
    share_fen: int
    cap_fen: int | None = None

    @property
    def is_at_cap(self) -> bool:
        """Tell whether a cap keeps them from paying more."""
        return self.share_fen == self.cap_fen

    @property
    def total_fen(self) -> int:
        """Return what the class owes together."""
        return self.members * self.share_fen


@dataclass(frozen=True)
class Figures:
    """All figures of a period's bill, provisional or final, named as in the manual.

    other_income_fen and given_back_fen are parts of the carry in, other_costs_by_kind says what the other costs are.
    awarded_fen: what the cases were granted; aid_fen is less where caps have lowered it.
    """

    cases: int
    awarded_fen: int
    aid_fen: int
    other_costs_fen: int
    fee_fen: int
    reserve_contribution_fen: int
    reserve_drawn_fen: int
    sponsor_fen: int
    carry_in_fen: int
    carry_out_fen: int
    need_fen: int
    assessed_fen: int
    classes: tuple[ClassFigures, ...]
    other_income_fen: int = 0
    other_costs_by_kind: tuple[tuple[str, int], ...] = ()
    given_back_fen: int = 0

    @property
    def members(self) -> int:
        """Return how many share."""
        return sum(row.members for row in self.classes)

    @property
    def members_by_class(self) -> dict[int, int]:
        """Return how many share, by class."""
        counts: dict[int, int] = {}
        for row in self.classes:
            counts[row.class_no] = counts.get(row.class_no, 0) + row.members
        return counts

    @property
    def total_weight(self) -> int:
        """Return Σ weight over all members."""
        return sum(row.members * row.weight for row in self.classes)

    @property
    def income_side_fen(self) -> int:
        """Return S + E + V + C_in."""
        return self.assessed_fen + self.sponsor_fen + self.reserve_drawn_fen + self.carry_in_fen

    @property
    def cost_side_fen(self) -> int:
        """Return A + W + Φ + R + C_out."""
        costs = self.aid_fen + self.other_costs_fen + self.fee_fen
        return costs + self.reserve_contribution_fen + self.carry_out_fen

    @property
    def identity_holds(self) -> bool:
        """Tell whether both sides agree to the fen."""
        return self.income_side_fen == self.cost_side_fen

    @property
    def lowered_fen(self) -> int:
        """Return by how much caps have lowered the aid."""
        return self.awarded_fen - self.aid_fen

    @property
    def has_several_shares(self) -> bool:
        """Tell whether members of different classes pay different shares."""
        return several_shares(self.classes)

    @property
    def is_capped(self) -> bool:
        """Tell whether the plan caps what somebody of them may pay."""
        return any(row.cap_fen is not None for row in self.classes)

    @property
    def base_class(self) -> ClassFigures | None:
        """Return the lightest class that has members: the share that headlines name."""
        peopled = [row for row in self.classes if row.members]
        return min(peopled, key=lambda row: (row.weight, row.class_no)) if peopled else None


@dataclass(frozen=True)
class BillLine:
    """One line of the bill: what it adds or takes away (fen), its letter in the identity, and what is in it."""

    sign: Sign
    letter: str
    name: object
    amount_fen: int
    causes: tuple[tuple[object, int], ...] = ()


@dataclass(frozen=True)
class Part:
    """One part of a member's share, in hundredths of a fen. code: a word for programs, of `PART_CODES`."""

    sign: Sign
    name: object
    amount: int
    code: str

    @property
    def text(self) -> str:
        """Return the amount in the currency unit with four decimals."""
        return f"{self.amount // 10_000:,}.{self.amount % 10_000:04d}"

    @property
    def signed(self) -> int:
        """Return the amount, below zero where it takes away."""
        return -self.amount if self.sign == "−" else self.amount


def several_shares(classes: Iterable[ClassFigures]) -> bool:
    """Tell whether members of different classes pay different shares."""
    return len({row.share_fen for row in classes if row.members}) > 1


def class_figures(rows: Iterable[dict[str, int]], cap_fen: int | None = None) -> tuple[ClassFigures, ...]:
    """Read the stored class table. cap_fen: of everybody, where no row says its own."""
    return tuple(
        ClassFigures(
            row["class_no"], row["weight"], row["members"], row["share_fen"], row.get("cap_fen", cap_fen)
        )
        for row in rows
    )


def bill_lines(figures: Figures) -> list[BillLine]:
    """Return the lines from the costs to the need; a cause that is zero is left out, aid, fee and carry stay."""
    lines = [
        BillLine("+", "A", _("Aid for the cases"), figures.aid_fen),
        BillLine("+", "W", _("Other costs to be shared"), figures.other_costs_fen, _costs(figures)),
        BillLine("+", "Φ", _("Management fee"), figures.fee_fen),
        BillLine("+", "R", _("Contribution to the reserve"), figures.reserve_contribution_fen),
        BillLine("−", "V", _("Drawn from the reserve"), figures.reserve_drawn_fen),
        BillLine("−", "E", _("Paid by the sponsor"), figures.sponsor_fen),
        BillLine("−", "C_in", _("Surplus carried in"), figures.carry_in_fen, _income(figures)),
    ]
    return [line for line in lines if line.amount_fen or line.letter in {"A", "Φ", "C_in"}]


def _costs(figures: Figures) -> tuple[tuple[object, int], ...]:
    """Say what is in the other costs, cause by cause."""
    return tuple((_CAUSES.get(kind, kind), fen) for kind, fen in figures.other_costs_by_kind)


def _income(figures: Figures) -> tuple[tuple[object, int], ...]:
    """Say how much of the carry in is income from outside, and how much was taken back of aid and fee."""
    causes = (
        (_("interest, sponsor and referral income"), figures.other_income_fen),
        (_("aid taken back before it was paid, with its fee"), figures.given_back_fen),
    )
    return tuple((name, fen) for name, fen in causes if fen)


def share_parts(figures: Figures, row: ClassFigures) -> list[Part]:
    """Split one member's share into parts that add up to it exactly: lines of the bill, rounding, what caps have moved.

    Each line is its sum × weight / Σ weight, cut to a hundredth of a fen; what all the cutting and the rounding up
    amount to is a part of its own, and so is what a cap takes from this member, or those of others put on them.
    """
    if not figures.total_weight or not row.share_fen:
        return []
    lines = bill_lines(figures)
    parts = [
        Part(
            line.sign,
            line.name,
            line.amount_fen * 100 * row.weight // figures.total_weight,
            PART_CODES[line.letter],
        )
        for line in lines
        if line.amount_fen
    ]
    need_fen = sum(line.amount_fen if line.sign == "+" else -line.amount_fen for line in lines)
    rounded_fen = -(-need_fen * row.weight // figures.total_weight)
    rounding = rounded_fen * 100 - sum(part.signed for part in parts)
    cap_fen = row.share_fen - rounded_fen
    parts += [
        signed_part(_("Rounded up to the fen"), rounding, PART_CODES["rounding"]),
        signed_part(_cap_words(cap_fen), cap_fen * 100, PART_CODES["cap"]),
    ]
    return [part for part in parts if part.amount]


def _cap_words(fen: int) -> object:
    """Say who reached a cap: this member, who pays less by it, or others, whose rest is on this one as well."""
    if fen < 0:
        return _("Less, because your own cap is reached")
    return _("More, because others have reached their cap")


def signed_part(name: object, amount: int, code: str) -> Part:
    """Return a part that takes away where the amount (hundredths of a fen) is below zero."""
    return Part("−" if amount < 0 else "+", name, abs(amount), code)
