"""What becomes of who falls ill in the waiting period, as people read and choose it."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from members.pools.plan_terms import PlanTerms

ILLNESS_IN_WAIT = (
    ("no_aid", gettext_lazy("No aid; the membership goes on")),
    ("shares_back", gettext_lazy("No aid; the shares go back, and the membership ends")),
)


def illness_in_wait_words(plan: PlanTerms) -> str:
    """Say what becomes of who falls ill in the waiting period."""
    if plan.illness_in_wait == "shares_back":
        return _(
            "Whoever falls ill in the waiting period gets no aid. Once two people have decided so and nobody can appeal"
            " any more, the membership ends and every share that was paid for it goes back, without interest; everyone"
            " shares what that costs."
        )
    return _("Whoever falls ill in the waiting period gets no aid for it; the membership goes on.")
