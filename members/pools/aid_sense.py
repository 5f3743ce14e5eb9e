"""Whether the steps of aid make sense: what neighboring ages may be expected to cost, for each unit of weight. Pure.

The incidence is an illustration of ours, a curve of the common shape, and not the experience of any pool: it shows
where aid changes much faster than illness does with age. It warns and refuses nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from members.pools.plan_terms import AidTerms, ClassTerms, PlanTerms

FIRST_AGE = 18
LAST_AGE = 60
# Of ten million people of an age so many fall ill in a year: 0.00012 + 0.0024 e^(0.098 (age - 40)), rounded.
ILL_OF_TEN_MILLION = (
    3979,
    4265,
    4581,
    4929,
    5313,
    5736,
    6203,
    6718,
    7286,
    7913,
    8604,
    9367,
    10_207,
    11_135,
    12_158,
    13_286,
    14_530,
    15_903,
    17_417,
    19_087,
    20_928,
    22_960,
    25_200,
    27_671,
    30_397,
    33_403,
    36_719,
    40_376,
    44_409,
    48_858,
    53_765,
    59_177,
    65_147,
    71_731,
    78_993,
    87_003,
    95_838,
    105_582,
    116_329,
    128_183,
    141_258,
    155_678,
    171_584,
)
# From one year of age to the next the curve itself grows by a tenth at most.
MOST_TIMES = 2


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a step: age, row of aid and class, and the expected cost of a year for each unit of weight (fen)."""

    age: int
    aid: AidTerms
    joins: ClassTerms
    cost_fen: Fraction


@dataclass(frozen=True, slots=True)
class Jump:
    """A step between two neighboring ages at which the expected cost more than doubles, or falls below a half.

    paths: the rows of aid before and after it, by their places in the terms; the same twice where the class changes.
    """

    before: Side
    after: Side
    paths: tuple[str, str]

    @property
    def times(self) -> Fraction:
        """Return how many times the dearer age costs what the other does."""
        costs = (self.before.cost_fen, self.after.cost_fen)
        return max(costs) / min(costs)

    @property
    def grows(self) -> bool:
        """Tell whether the later age is the dearer one."""
        return self.after.cost_fen > self.before.cost_fen


def jumps(plan: PlanTerms) -> tuple[Jump, ...]:
    """Return every step of aid or of weight that changes the expected cost more than twofold, by severity and age."""
    return tuple(jump for jump in _steps(plan) if jump.times > MOST_TIMES)


def _steps(plan: PlanTerms) -> Iterator[Jump]:
    """Yield every pair of neighboring ages between which aid or class changes; where aid ends there is none."""
    for severity in dict.fromkeys(row.severity for row in plan.aid):
        sides = [_side(plan, severity, age) for age in range(FIRST_AGE, LAST_AGE + 1)]
        for before, after in pairwise(sides):
            if before is None or after is None:
                continue
            if (before.aid, before.joins) != (after.aid, after.joins):
                yield Jump(before, after, (_path(plan, before.aid), _path(plan, after.aid)))


def _side(plan: PlanTerms, severity: str, age: int) -> Side | None:
    rows = (row for row in plan.aid if row.severity == severity and row.age_from <= age < row.age_before)
    aid = next(rows, None)
    if aid is None:
        return None
    class_no = plan.class_at(age)
    joins = next(row for row in plan.classes if row.class_no == class_no)
    ill = Fraction(ILL_OF_TEN_MILLION[age - FIRST_AGE], 10_000_000)
    return Side(age, aid, joins, ill * aid.max_aid_fen / joins.weight)


def _path(plan: PlanTerms, row: AidTerms) -> str:
    return f"aid[{plan.aid.index(row)}]"
