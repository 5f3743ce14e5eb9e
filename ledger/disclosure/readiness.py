"""What a pool must have before people join it, and before it opens: the public readiness card."""

from dataclasses import dataclass
from unicodedata import normalize

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from aidplatform.lib import clock
from ledger.custody.models import BankAccount
from members.joining.models import MembershipSpan
from members.pools.models import DutyGrant, PlanDraft, Pool
from members.pools.plan_terms import PlanTerms
from members.pools.triggers import FEWEST_PEOPLE, NEEDED_DUTIES

# What must be met before members may join; the rest before the pool opens.
TO_GATHER = ("operator", "ending", "duties", "people")


@dataclass(frozen=True)
class Item:
    """One line of the card: what is asked, whether it is met, and what there is or is missing."""

    code: str
    name: object
    is_met: bool
    says: str


@dataclass(frozen=True)
class Readiness:
    """The whole card. members, minimum: who is covered or will be, and how many it takes."""

    items: tuple[Item, ...]
    members: int
    minimum: int

    @property
    def may_gather(self) -> bool:
        """Tell whether members may join."""
        return all(item.is_met for item in self.items if item.code in TO_GATHER)

    @property
    def may_open(self) -> bool:
        """Tell whether the pool may open."""
        return all(item.is_met for item in self.items)

    @property
    def missing(self) -> list[Item]:
        """Return the lines that are not met."""
        return [item for item in self.items if not item.is_met]

    @property
    def percent(self) -> int:
        """Return how much of the fewest members there is, in whole percent."""
        return min(100, 100 * self.members // self.minimum)


def rules_of(pool: Pool) -> PlanTerms | None:
    """Return the rules that a pool begins with: published ones, else its draft."""
    version = pool.plan_versions.order_by("-number").first()
    draft = None if version else PlanDraft.objects.filter(pool=pool).first()
    source = version or draft
    return source.plan() if source else None


def readiness(pool: Pool) -> Readiness:
    """Return the card of a pool that is not open yet. Six queries."""
    plan = rules_of(pool)
    members = covered_members(pool)
    minimum = plan.minimum_members if plan else 1
    return Readiness(
        items=(
            _operator(plan),
            _ending(plan),
            *_people(pool),
            _custody(pool, plan),
            Item("members", _MEMBERS, members >= minimum, f"{members:,} / {minimum:,}"),
        ),
        members=members,
        minimum=minimum,
    )


def covered_members(pool: Pool) -> int:
    """Return how many people are covered now or from a coming day on."""
    return (
        MembershipSpan.objects.filter(pool_id=pool.pk)
        .filter(Q(to_at=None) | Q(to_at__gt=clock.now()))
        .values("membership_id")
        .distinct()
        .count()
    )


def _operator(plan: PlanTerms | None) -> Item:
    operator = plan.operator if plan else None
    says = f"{operator.name} ({operator.registration})" if operator else _("The rules name nobody yet.")
    return Item("operator", _OPERATOR, operator is not None, says)


def _ending(plan: PlanTerms | None) -> Item:
    ending = plan.wind_down if plan else None
    says = ending.payer if ending else _("The rules do not say yet how the pool ends.")
    return Item("ending", _ENDING, ending is not None, says)


def _people(pool: Pool) -> tuple[Item, Item]:
    held = DutyGrant.objects.filter(Q(pool=pool) | Q(pool=None), ended_at=None, duty__in=NEEDED_DUTIES)
    rows = list(held.values_list("duty", "person_id"))
    duties, people = {duty for duty, _person in rows}, {person for _duty, person in rows}
    missing = [str(DutyGrant.Duty(duty).label) for duty in NEEDED_DUTIES if duty not in duties]
    says = (
        _("Nobody yet: %(duties)s") % {"duties": ", ".join(missing)} if missing else _("Every duty is held.")
    )
    number = _("%(people)s of at least %(fewest)s") % {"people": len(people), "fewest": FEWEST_PEOPLE}
    return (
        Item("duties", _DUTIES, not missing, says),
        Item("people", _PEOPLE, len(people) >= FEWEST_PEOPLE, number),
    )


def _custody(pool: Pool, plan: PlanTerms | None) -> Item:
    account = BankAccount.objects.filter(pool=pool).first()
    if account is None:
        return Item("custody", _CUSTODY, False, _("A controller names it."))
    is_apart = plan is None or plan.operator is None or not same_name(account.holder_name, plan.operator.name)
    return Item("custody", _CUSTODY, is_apart, f"{account.bank_name}, {account.holder_name}")


def same_name(one: str, other: str) -> bool:
    """Tell whether two names are one, whatever their spaces, width, case and punctuation."""
    return _folded(one) == _folded(other)


def _folded(name: str) -> str:
    return "".join(letter for letter in normalize("NFKC", name).casefold() if letter.isalnum())


_OPERATOR = gettext_lazy("A legal entity that runs it, and its legal basis")
_ENDING = gettext_lazy("An ending with somebody who pays for it")
_DUTIES = gettext_lazy("Somebody for every duty")
_PEOPLE = gettext_lazy("Enough different people")
_CUSTODY = gettext_lazy("A custody account that is not the operator's own")
_MEMBERS = gettext_lazy("The fewest members")
