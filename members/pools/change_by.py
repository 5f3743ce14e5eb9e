"""What becomes of who does not answer to new rules, as people read and choose it."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from members.pools.plan_terms import PlanTerms

CHANGE_BY = (
    ("free_exit", gettext_lazy("Who does not answer stays, and can leave before: free exit")),
    ("consent", gettext_lazy("Who has not agreed is a member no longer: consent")),
)


def change_by_words(plan: PlanTerms) -> str:
    """Say what becomes of who does not answer to new rules that are published under this plan."""
    if plan.change_by == "consent":
        return _(
            "New rules take each member's consent: whoever has not agreed before they come into force is a member no"
            " longer from that day on, free of anything new. Who has no account, and no guardian with one, cannot be"
            " asked here, and stays."
        )
    return _(
        "Whoever does not want new rules leaves before they come into force, free of anything new. Whoever stays"
        " without an answer is bound by them from then on."
    )
