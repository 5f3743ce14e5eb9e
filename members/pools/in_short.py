"""A plan in six sentences, for whoever is about to sign its covenant."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from aidplatform.lib.money import format_money
from members.pools.plan_terms import PlanTerms


def in_short(plan: PlanTerms, currency: str) -> tuple[str, ...]:
    """Say in the reader's language what the covenant and the rules come down to; they themselves are what is signed."""
    return (
        _shared_words(plan),
        _aid_words(plan, currency),
        _share_words(plan, currency),
        _decision_words(plan),
        _leaving_words(plan),
        _change_words(plan),
    )


def _shared_words(plan: PlanTerms) -> str:
    if plan.funding is not None:
        return _(
            "This is not insurance: nobody promises a sum, and members share what members needed, each from a wallet"
            " that they fill beforehand."
        )
    return _(
        "This is not insurance: nobody promises a sum, and members share afterwards what members needed."
    )


def _aid_words(plan: PlanTerms, currency: str) -> str:
    days = plan.longest_wait("illness")
    says = ngettext(
        "Whoever falls ill after a waiting period of %(days)s day or less can ask for aid of up to %(most)s.",
        "Whoever falls ill after a waiting period of %(days)s days or less can ask for aid of up to %(most)s.",
        days,
    )
    return says % {"days": days, "most": format_money(plan.max_aid_fen, currency)}


def _share_words(plan: PlanTerms, currency: str) -> str:
    if plan.member_cap_fen is None:
        return _(
            "Your share of each period follows from how many fall ill and how many share: it can rise, and these rules"
            " have no upper end for a period."
        )
    return _(
        "Your share of each period follows from how many fall ill and how many share: it can rise, to %(cap)s for a"
        " period at most."
    ) % {"cap": format_money(plan.member_cap_fen, currency)}


def _decision_words(plan: PlanTerms) -> str:
    if plan.appeal_days is None:
        return _(
            "Two people decide on each case, all members see it without a name, and whoever is refused can go to court:"
            " these rules know no appeal."
        )
    says = ngettext(
        "Two people decide on each case, all members see it without a name, and whoever is refused may appeal within"
        " %(days)s day.",
        "Two people decide on each case, all members see it without a name, and whoever is refused may appeal within"
        " %(days)s days.",
        plan.appeal_days,
    )
    return says % {"days": plan.appeal_days}


def _leaving_words(plan: PlanTerms) -> str:
    if plan.funding is not None:
        return _("You can leave at any time, and what is left in your wallet is paid back to you.")
    return _(
        "You can leave at any time: you owe the shares of periods whose headcount was taken before, and nothing after."
    )


def _change_words(plan: PlanTerms) -> str:
    says = ngettext(
        "The rules change with %(days)s day of notice, and the pool can end: cases of the time before are still shared"
        " then.",
        "The rules change with %(days)s days of notice, and the pool can end: cases of the time before are still shared"
        " then.",
        plan.notice_days,
    )
    return says % {"days": plan.notice_days}
