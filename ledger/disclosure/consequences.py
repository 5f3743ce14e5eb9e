"""What rules would cost: the shares of no case up to three, under a version and under the one before it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ledger.disclosure.plots import OneCase
from ledger.sharing.apportion import Sharing
from ledger.sharing.models import Period
from ledger.sharing.plan_shares import share_out
from ledger.sharing.selectors import class_counts
from members.joining.selectors import may_read_statements
from members.people.models import User
from members.pools.models import Pool
from members.pools.plan_terms import ClassTerms, PlanTerms

MOST_CASES = 3
# Those of the last headcount, those that founders expect, or the fewest that the plan needs.
Basis = Literal["headcount", "expected", "fewest"]


@dataclass(frozen=True)
class Cost:
    """A share for some number of cases (fen). before: None where no rules came before, or had no such class.

    lowered_to_fen: what each case then gets, or gets at first, where the caps of the new rules leave no room for all.
    """

    cases: int
    before_fen: int | None
    after_fen: int
    lowered_to_fen: int | None = None

    @property
    def differs(self) -> bool:
        """Tell whether the rules make a difference here."""
        return self.before_fen is not None and self.before_fen != self.after_fen


@dataclass(frozen=True)
class Consequences:
    """What each class would pay. basis: which number of members that is for; rest_waits: what caps leave waits."""

    members: int
    basis: Basis
    case_before_fen: int | None
    case_after_fen: int
    rest_waits: bool
    rows: tuple[tuple[ClassTerms, tuple[Cost, ...]], ...]

    @property
    def numbers(self) -> range:
        """Return the numbers of cases."""
        return range(MOST_CASES + 1)


def consequences(
    before: PlanTerms | None, after: PlanTerms, counts: Mapping[int, int], basis: Basis = "headcount"
) -> Consequences:
    """Return what cases at the highest aid of each version would cost.

    counts: members per class; empty: unknown, so that the fewest members of the plan are taken.
    """
    members = dict(counts)
    if not sum(counts.values()):
        members, basis = {_lightest(after): after.minimum_members}, "fewest"
    old = [_sharing(before, members, cases) for cases in range(MOST_CASES + 1)] if before else None
    new = [_sharing(after, members, cases) for cases in range(MOST_CASES + 1)]
    rows = tuple(
        (
            row,
            tuple(
                Cost(
                    cases,
                    _shares(old[cases]).get(row.class_no) if old else None,
                    _shares(new[cases])[row.class_no],
                    _lowered_to(after, new[cases]),
                )
                for cases in range(MOST_CASES + 1)
            ),
        )
        for row in after.classes
        if members.get(row.class_no)
    )
    return Consequences(
        members=sum(members.values()),
        basis=basis,
        case_before_fen=before.max_aid_fen if before else None,
        case_after_fen=after.max_aid_fen,
        rest_waits=after.rest_waits,
        rows=rows,
    )


def spread(plan: PlanTerms, members: int) -> dict[int, int]:
    """Return that many members spread evenly over the classes of a plan; the first ones take what is over."""
    each, rest = divmod(members, len(plan.classes))
    return {row.class_no: each + (place < rest) for place, row in enumerate(plan.classes)}


def dearest_case(plan: PlanTerms) -> OneCase:
    """Return a case of the highest aid, borne by members of the lightest class alone."""
    aid_fen, class_no = plan.max_aid_fen, _lightest(plan)

    def share_at(members: int) -> int:
        return share_out(plan, counts={class_no: members}, aid_fens=(aid_fen,)).shares[0].share_fen

    return OneCase(aid_fen, plan.fee.fee_fen(aid_fen), share_at)


def _lightest(plan: PlanTerms) -> int:
    return min(plan.classes, key=lambda row: (row.weight, row.class_no)).class_no


def known_counts(pool: Pool, person: User | None) -> dict[int, int]:
    """Return members per class of the last headcount; nothing before one, or where it is not the person's to see."""
    last = Period.objects.filter(pool=pool, headcount__isnull=False).order_by("-number").first()
    return class_counts(last) if last and may_read_statements(pool, person) else {}


def _sharing(plan: PlanTerms, members: Mapping[int, int], cases: int) -> Sharing:
    """Divide that many cases over those members, nothing carried in and nothing in the reserve."""
    known = {row.class_no for row in plan.classes}
    counts = {class_no: count for class_no, count in members.items() if class_no in known}
    return share_out(plan, counts=counts, aid_fens=(plan.max_aid_fen,) * cases)


def _shares(sharing: Sharing) -> dict[int, int]:
    return {share.class_no: share.share_fen for share in sharing.shares}


def _lowered_to(plan: PlanTerms, sharing: Sharing) -> int | None:
    """Return what the first of equal cases gets (fen), where caps lower it."""
    is_lowered = sharing.aid_fens and sharing.aid_fens[0] < plan.max_aid_fen
    return sharing.aid_fens[0] if is_lowered else None
