"""Who can join, and who can join again, as people read it."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from members.pools.plan_terms import PlanTerms


def joining_words(plan: PlanTerms) -> str:
    """Say how members come."""
    if plan.by_invitation:
        return _("By the invitation of a member, and with no reward for it.")
    return _("Whoever fits the rules, with an invitation or without.")


def succession_words(plan: PlanTerms) -> tuple[str, ...]:
    """Say where a member may go on at the age at which the rules end, and who comes here so."""
    if plan.successor is None:
        says = [_("The membership ends at that age, and there is no other pool to go on in.")]
    else:
        says = [
            _(
                "Whoever signs ahead goes on in the pool %(pool)s on the same day, if its rules take members of this"
                " one. Nobody is moved without a signature."
            )
            % {"pool": plan.successor}
        ]
    if plan.takes_over is not None:
        says.append(
            _(
                "Members of these pools come over on the day they reach the last age there, without new health"
                " questions: %(pools)s."
            )
            % {"pools": ", ".join(plan.takes_over.pools)}
        )
        says.append(
            _("The waiting time that they have served there counts.")
            if plan.takes_over.waiting_counts
            else _("Their waiting period begins anew.")
        )
    return tuple(says)


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
