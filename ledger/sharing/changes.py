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

from django.utils.translation import gettext_lazy as _

from ledger.sharing.figures import ClassFigures, Figures, Part, bill_lines


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
    def is_rounded_only(self) -> bool:
        """Tell whether only rounding lies between the exact share and what was charged."""
        return 0 <= self.row.share_fen - self.exact < 1


def change_parts(before: Charged, after: Charged) -> list[Part]:
    """Return what each cause has done to the share, in hundredths of a fen, rounding last, without those of 0.

    Each part is cut to a hundredth of a fen; what the cutting, the rounding of both shares and caps amount to is a part
    of its own, so that all of them add up to the change.
    """
    if not before.figures.total_weight or not after.figures.total_weight:
        return []
    parts = [_part(name, int(fen * 100)) for name, fen in causes(before, after)]
    explained = sum(part.amount if part.sign == "+" else -part.amount for part in parts)
    rest = (after.row.share_fen - before.row.share_fen) * 100 - explained
    only_rounding = before.is_rounded_only and after.is_rounded_only
    parts.append(_part(_("Rounding") if only_rounding else _("Caps and rounding"), rest))
    return [part for part in parts if part.amount]


def _part(name: object, amount: int) -> Part:
    return Part("−" if amount < 0 else "+", name, abs(amount))


def causes(before: Charged, after: Charged) -> Iterable[tuple[object, Fraction]]:
    """Yield each cause with its average over all orders (fen)."""
    w0, w1 = before.row.weight, after.row.weight
    all0, all1 = before.figures.total_weight, after.figures.total_weight
    old, new = before.lines, after.lines
    # Of a line and the two other factors, it comes first or last in a third of the orders each, and between in a sixth.
    rate = (Fraction(w0, all0) + Fraction(w1, all1)) / 3 + (Fraction(w1, all0) + Fraction(w0, all1)) / 6
    for letter in [*old, *(letter for letter in new if letter not in old)]:
        name = (new.get(letter) or old[letter])[0]
        yield name, (_amount(new, letter) - _amount(old, letter)) * rate
    need0, need1 = (sum(fen for _name, fen in lines.values()) for lines in (old, new))
    # Which part of the lines has changed, on average, when a factor changes before or after the other one.
    early, late = need0 + Fraction(need1 - need0, 3), need0 + Fraction(2 * (need1 - need0), 3)
    thinner = Fraction(1, all1) - Fraction(1, all0)
    yield _("How many share, by their weights"), thinner * (w0 * early + w1 * late) / 2
    yield _("My weight"), (w1 - w0) * (early / all0 + late / all1) / 2


def _amount(lines: dict[str, tuple[object, int]], letter: str) -> int:
    return lines[letter][1] if letter in lines else 0
