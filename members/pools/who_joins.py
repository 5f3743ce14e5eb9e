"""Who can join, and who can join again, as people read it."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from aidplatform.lib.templating import in_language, listed_words
from members.pools.models import Pool
from members.pools.plan_terms import PlanTerms


def joining_words(plan: PlanTerms) -> str:
    """Say how members come."""
    if plan.by_invitation:
        return _("By the invitation of a member, and with no reward for it.")
    return _("Whoever fits the rules, with an invitation or without.")


def succession_words(plan: PlanTerms) -> tuple[str, ...]:
    """Say where a member may go on at the age at which the rules end, and who comes here so.

    One query where other pools are named: rules name them by code, people know them by name.
    """
    codes = ([plan.successor] if plan.successor else []) + list(
        plan.takes_over.pools if plan.takes_over else ()
    )
    called = _names_of(codes) if codes else {}
    if plan.successor is None:
        says = [_("The membership ends at that age, and there is no other pool to go on in.")]
    else:
        says = [
            _(
                "Whoever signs ahead goes on in the pool %(pool)s on the same day, if its rules take members of this"
                " one. Nobody is moved without a signature."
            )
            % {"pool": called[plan.successor]}
        ]
    if plan.takes_over is not None:
        says.append(
            _(
                "Members of these pools come over on the day they reach the last age there, without new health"
                " questions: %(pools)s."
            )
            % {"pools": listed_words(called[code] for code in plan.takes_over.pools)}
        )
        says.append(
            _("The waiting time that they have served there counts.")
            if plan.takes_over.waiting_counts
            else _("Their waiting period begins anew.")
        )
    return tuple(says)


def _names_of(codes: list[str]) -> dict[str, str]:
    """Return how each pool is called, with its code; of one that is not there yet the code alone."""
    found = {one.code: one for one in Pool.objects.filter(code__in=codes)}
    names = {code: in_language(one.name_en, one.name_zh) for code, one in found.items()}
    return {
        code: in_language("“%s” (%s)", "“%s”（%s）") % (names[code], code) if code in names else code
        for code in codes
    }


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
