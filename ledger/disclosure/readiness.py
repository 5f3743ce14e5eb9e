"""What a pool must have before people join it, and before it opens: the public readiness card."""

from dataclasses import dataclass

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from aidplatform.lib import clock
from aidplatform.lib.money import format_money
from aidplatform.lib.templating import listed_words
from ledger.books.chart import CUSTODY
from ledger.books.models import Posting
from ledger.custody.models import BankAccount, BankStatement
from ledger.disclosure.names import same_name
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
    """The whole card. plan: the rules that the pool begins with. members, minimum: who is covered or will be, and how
    many it takes.
    """

    plan: PlanTerms | None
    items: tuple[Item, ...]
    members: int
    minimum: int

    @property
    def may_gather(self) -> bool:
        """Tell whether members may join."""
        # Where members pay ahead, whoever joins has to know where to.
        asked = {*TO_GATHER, "custody"} if self.plan and self.plan.funding else TO_GATHER
        return all(item.is_met for item in self.items if item.code in asked)

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
    """Return the rules that a pool begins with: published ones in force, else its draft."""
    standing = rules_that_stand(pool)
    return standing[0] if standing else None


def rules_that_stand(pool: Pool) -> list[PlanTerms]:
    """Return the rules in force and those that come, in their order; of a pool that published none, its draft."""
    today = clock.today(pool.time_zone)
    versions = list(pool.plan_versions.order_by("effective_date"))
    began = [version for version in versions if version.effective_date <= today]
    if versions:
        return [version.plan() for version in versions[max(len(began) - 1, 0) :]]
    draft = PlanDraft.objects.filter(pool=pool).first()
    return [draft.plan()] if draft else []


def readiness(pool: Pool) -> Readiness:
    """Return the card of a pool that is not open yet, in a fixed number of queries.

    Rules that come count as those in force do, so that nobody opens a pool under the lighter of two.
    """
    standing = rules_that_stand(pool)
    plan = standing[0] if standing else None
    members = covered_members(pool)
    minimum = max((rules.minimum_members for rules in standing), default=1)
    return Readiness(
        plan=plan,
        items=(
            _operator(plan),
            _ending(plan),
            *_people(pool),
            _custody(pool, standing),
            *_opening(pool),
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
        _("Nobody yet: %(duties)s") % {"duties": listed_words(missing)}
        if missing
        else _("Every duty is held.")
    )
    number = _("%(people)s of at least %(fewest)s") % {"people": len(people), "fewest": FEWEST_PEOPLE}
    return (
        Item("duties", _DUTIES, not missing, says),
        Item("people", _PEOPLE, len(people) >= FEWEST_PEOPLE, number),
    )


def _custody(pool: Pool, standing: list[PlanTerms]) -> Item:
    account = BankAccount.objects.filter(pool=pool).first()
    if account is None:
        return Item("custody", _CUSTODY, False, _("A controller names it."))
    operators = [rules.operator.name for rules in standing if rules.operator]
    is_apart = not any(same_name(account.holder_name, name) for name in operators)
    return Item("custody", _CUSTODY, is_apart, f"{account.bank_name}, {account.holder_name}")


def _opening(pool: Pool) -> list[Item]:
    """Return whether the bank shows what the books took over in custody; nothing where they took over none."""
    taken = Posting.objects.filter(
        entry__book__code=pool.code, entry__kind="opening", entry__reversed_by=None, account__code=CUSTODY
    ).first()
    if taken is None:
        return []
    is_shown = BankStatement.objects.filter(account__pool=pool).exists()
    return [Item("opening", _OPENING, is_shown, format_money(taken.amount_fen, pool.currency))]


_OPENING = gettext_lazy("A bank statement that shows what the pool brings along")
_OPERATOR = gettext_lazy("A legal entity that runs it, and its legal basis")
_ENDING = gettext_lazy("An ending with somebody who pays for it")
_DUTIES = gettext_lazy("Somebody for every duty")
_PEOPLE = gettext_lazy("Enough different people")
_CUSTODY = gettext_lazy("A custody account that is not the operator's own")
_MEMBERS = gettext_lazy("The fewest members")
