"""Why a member's share changed from one period to another: parts that add up to the change exactly. No database here.

A share is my weight × Σ of the bill's lines / Σ of all weights, rounded up. Between two periods every line, the sum of
weights and my weight may have changed; what each of them has done depends on the order in which one lets them change.
Each gets its average over all orders (the Shapley value): the only rule by which the parts add up, equals are treated
alike, and what has not changed has no part. The lines enter by addition, so that the average has a closed form.

Source: L. S. Shapley, A value for n-person games (1953).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from django.utils.translation import gettext_lazy as _

from ledger.sharing.figures import PART_CODES, ClassFigures, Figures, Part, bill_lines, signed_part


@dataclass(frozen=True)
class Charged:
    """What one member was charged for a period: the figures of its bill, and the row of the class that counted them."""

    figures: Figures
    row: ClassFigures

    @property
    def exact(self) -> Fraction:
        """Return the share before rounding and caps (fen)."""
        return Fraction(self.row.weight * self._need, self.figures.total_weight)

    @property
    def _need(self) -> int:
        return sum(fen for _name, fen in self.lines.values())

    @property
    def lines(self) -> dict[str, tuple[object, int]]:
        """Return the bill by its letters: name, and what it adds (fen, below zero where it takes away)."""
        return {
            line.letter: (line.name, line.amount_fen if line.sign == "+" else -line.amount_fen)
            for line in bill_lines(self.figures)
        }

    @property
    def capped_fen(self) -> int:
        """Return what caps have put on the share (fen): below zero where they took from it."""
        return self.row.share_fen - max(0, ceil(self.exact))

    @property
    def carried_fen(self) -> int:
        """Return what of a surplus is carried on rather than paid out (fen): no share is below zero."""
        return max(0, -ceil(self.exact))


def change_parts(before: Charged, after: Charged) -> list[Part]:
    """Return what each cause has done to the share, in hundredths of a fen, rounding and caps last, without those of 0.

    Each part is cut to a hundredth of a fen; what the cutting and the rounding of both shares amount to is a part of
    its own, so that all of them add up to the change.
    """
    if not before.figures.total_weight or not after.figures.total_weight:
        return []
    parts = [signed_part(name, int(fen * 100), PART_CODES[key]) for key, name, fen in causes(before, after)]
    capped = (after.capped_fen - before.capped_fen) * 100
    carried = (after.carried_fen - before.carried_fen) * 100
    change = (after.row.share_fen - before.row.share_fen) * 100
    rounding = change - capped - carried - sum(part.signed for part in parts)
    parts += [
        signed_part(_("Rounding"), rounding, PART_CODES["rounding"]),
        signed_part(_("Carried on, as no share is below zero"), carried, PART_CODES["carry_out"]),
        signed_part(_("Caps"), capped, PART_CODES["cap"]),
    ]
    return [part for part in parts if part.amount]


def causes(before: Charged, after: Charged) -> Iterable[tuple[str, object, Fraction]]:
    """Yield each cause, by its key and its name, with its average over all orders (fen)."""
    w0, w1 = before.row.weight, after.row.weight
    all0, all1 = before.figures.total_weight, after.figures.total_weight
    old, new = before.lines, after.lines
    # Of a line and the two other factors, it comes first or last in a third of the orders each, and between in a sixth.
    rate = (Fraction(w0, all0) + Fraction(w1, all1)) / 3 + (Fraction(w1, all0) + Fraction(w0, all1)) / 6
    for letter in [*old, *(letter for letter in new if letter not in old)]:
        name = (new.get(letter) or old[letter])[0]
        yield letter, name, (_amount(new, letter) - _amount(old, letter)) * rate
    need0, need1 = (sum(fen for _name, fen in lines.values()) for lines in (old, new))
    # Which part of the lines has changed, on average, when a factor changes before or after the other one.
    early, late = need0 + Fraction(need1 - need0, 3), need0 + Fraction(2 * (need1 - need0), 3)
    thinner = Fraction(1, all1) - Fraction(1, all0)
    yield "all", _("How many share, by their weights"), thinner * (w0 * early + w1 * late) / 2
    yield "mine", _("My weight"), (w1 - w0) * (early / all0 + late / all1) / 2


def _amount(lines: dict[str, tuple[object, int]], letter: str) -> int:
    return lines[letter][1] if letter in lines else 0
