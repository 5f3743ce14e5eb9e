"""Who can join, and who can join again, as people read it."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from members.pools.plan_terms import PlanTerms


def joining_words(plan: PlanTerms) -> str:
    """Say how members come."""
    if plan.by_invitation:
        return _("By the invitation of a member, and with no reward for it.")
    return _("Whoever fits the rules, with an invitation or without.")


def return_words(plan: PlanTerms) -> tuple[str, str]:
    """Say who may join again, and what then begins anew."""
    anew = _(
        "Whoever has left, or whose membership has ended, may join again like somebody new: the waiting period begins"
        " anew, and earlier shares are paid first."
    )
    days = plan.return_after_removal_days
    if days is None:
        return anew, _("Whoever was removed cannot join again.")
    removed = ngettext(
        "Whoever was removed can join again %(days)s day after the membership ended.",
        "Whoever was removed can join again %(days)s days after the membership ended.",
        days,
    )
    return anew, removed % {"days": f"{days:,}"}
