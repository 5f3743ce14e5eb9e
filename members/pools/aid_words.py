"""In words: aid by spend, against bills and by cases shared, and what is wrong with such terms."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from aidplatform.lib.money import format_money
from members.pools.aid_sense import Jump, Side
from members.pools.aid_terms import CaseStep
from members.pools.plan_terms import PlanTerms


def severity_words(code: str) -> str:
    """Say a plan's severity in words; one that this list does not know stands as it is."""
    known = {
        "severe": _("Severe illness"),
        "mild": _("Mild illness"),
        "death": _("Death"),
        "accident": _("Accident"),
        "other": _("Illness that is not listed"),
    }
    return known.get(code, code)


def spend_words(plan: PlanTerms, currency: str) -> tuple[str, ...]:
    """Say which aid goes by what was spent on treatment."""
    if not plan.spend_steps:
        return (_("Aid does not depend on what was spent on treatment."),)
    steps = tuple(
        _("Who has spent %(spend)s or more has at least the aid of: %(severity)s, whatever the illness.")
        % {"spend": format_money(step.from_fen, currency), "severity": severity_words(step.counts_as)}
        for step in plan.spend_steps
    )
    return (*steps, _counts_words())


def lifetime_words(plan: PlanTerms, currency: str) -> str:
    """Say what one member may be granted in all."""
    if plan.lifetime_cap_fen is None:
        return _("No limit over several cases of one member.")
    return _("All cases of one member together are granted %(cap)s at most.") % {
        "cap": format_money(plan.lifetime_cap_fen, currency)
    }


def reimbursement_words(plan: PlanTerms, currency: str) -> tuple[str, ...]:
    """Say what is granted at once and what against bills."""
    terms = plan.reimbursement
    if terms is None:
        return (_("Granted at once, without bills."),)
    says = [
        _("%(part)s of it at once, without bills.") % {"part": str(terms.at_once)}
        if terms.at_once
        else _("Nothing without bills.")
    ]
    told = {"part": str(terms.part), "deductible": format_money(terms.deductible_fen, currency)}
    if terms.part == 1 and not terms.deductible_fen:
        says.append(_("The rest against bills, as far as they go."))
    elif terms.part == 1:
        says.append(_("The rest against bills, for what is above %(deductible)s in a case.") % told)
    elif not terms.deductible_fen:
        says.append(_("The rest against bills: %(part)s of them.") % told)
    else:
        says.append(_("The rest against bills: %(part)s of what is above %(deductible)s in a case.") % told)
    says.append(_counts_words())
    return tuple(says)


def case_step_words(plan: PlanTerms) -> tuple[str, ...]:
    """Say how aid grows with the cases that a member has shared."""
    if not plan.case_steps:
        return (_("It does not depend on how many cases one has shared."),)
    counted = _(
        "A case counts when its period was posted before the event day and the member was charged in it."
    )
    return (*(_case_step_sentence(step) for step in plan.case_steps), counted)


def _case_step_sentence(step: CaseStep) -> str:
    says = {"cases": step.from_cases, "part": str(step.part)}
    if step.part == 1:
        whole = ngettext(
            "From %(cases)s case shared on: the whole aid.",
            "From %(cases)s cases shared on: the whole aid.",
            step.from_cases,
        )
        return whole % says
    part = ngettext(
        "From %(cases)s case shared on: %(part)s of the aid.",
        "From %(cases)s cases shared on: %(part)s of the aid.",
        step.from_cases,
    )
    return part % says


def jump_words(jump: Jump, currency: str) -> str:
    """Say a step at which the expected cost jumps, with both rows and their figures."""
    dearer, other = (jump.after, jump.before) if jump.grows else (jump.before, jump.after)
    told = {
        "severity": severity_words(jump.before.aid.severity),
        "before": _side_words(jump.before, currency),
        "after": _side_words(jump.after, currency),
        # Rounded up, so that what is more than twofold never reads as twofold.
        "times": f"{-(-jump.times * 10 // 1) / 10:.1f}",
        "dearer": dearer.age,
        "other": other.age,
    }
    return (
        _("%(severity)s: %(before)s; %(after)s. %(times)s times as much at %(dearer)s as at %(other)s.")
        % told
    )


def _side_words(side: Side, currency: str) -> str:
    return _(
        "at %(age)s up to %(most)s, weight %(weight)s, expected %(cost)s a year for each unit of weight"
    ) % {
        "age": side.age,
        "most": format_money(side.aid.max_aid_fen, currency),
        "weight": f"{side.joins.weight:,}",
        "cost": format_money(int(side.cost_fen), currency),
    }


def _counts_words() -> str:
    return _(
        "What counts is the sum that the reviewers accept. Further bills of the same case come in a claim that names"
        " the first; what the case was granted before is taken off."
    )


AID_ERRORS = {
    "aid_nobody_can_claim": gettext_lazy(
        "Nobody could claim this aid: claims are of severe or mild illness, of an accident, or of an illness that is"
        " not listed. For a death there is no claim yet. Drop the row, or grant it by spend."
    ),
    "at_once_out_of_range": gettext_lazy(
        "What is granted at once is a part from 0 to below 1: with all of it at once, no bills are needed."
    ),
    "too_many_spend_steps": gettext_lazy("A plan has at most 20 sums of spend."),
    "severity_without_aid": gettext_lazy(
        "The plan has no row of aid for this severity. Choose one that it has, or add the row."
    ),
    "spend_must_rise": gettext_lazy("Each sum of spend is above the one before."),
    "too_many_case_steps": gettext_lazy("Aid grows with cases shared in at most 20 steps."),
    "case_steps_start_late": gettext_lazy("The first step begins with 0 cases shared."),
    "case_steps_must_grow": gettext_lazy("Each step takes more cases and grants more than the one before."),
    "cap_on_a_case_in_parts": gettext_lazy(
        "Where aid goes by spend, a case comes in parts, each in a period of its own, and a cap for one case cannot"
        " hold. Drop the cap, or grant aid without bills."
    ),
}


def appeal_words(plan: PlanTerms) -> str:
    """Return until when a refusal can be appealed against, or that it cannot."""
    if plan.appeal_days is None:
        return _("Whoever is refused cannot appeal inside the pool. The courts are open to everyone.")
    days = ngettext(
        "Whoever is refused may appeal once within %(days)s day, free of charge: two people decide who had no part in"
        " the case before. The courts stay open.",
        "Whoever is refused may appeal once within %(days)s days, free of charge: two people decide who had no part in"
        " the case before. The courts stay open.",
        plan.appeal_days,
    )
    return days % {"days": plan.appeal_days}


def objection_words(plan: PlanTerms) -> str:
    """Return to how many cases one member may object."""
    cases = ngettext(
        "A member may object once to a case that is public, and to %(count)s case of a period at most.",
        "A member may object once to a case that is public, and to %(count)s cases of a period at most.",
        plan.objections_per_period,
    )
    return cases % {"count": plan.objections_per_period}


def decider_words(plan: PlanTerms, currency: str) -> str:
    """Return how many people decide a claim."""
    if plan.two_deciders_from_fen is None:
        return _("Two people decide every claim: a reviewer recommends, a second reviewer decides.")
    return _(
        "A reviewer recommends, a second reviewer decides; from an aid of %(amount)s on two second reviewers have to"
        " agree."
    ) % {"amount": format_money(plan.two_deciders_from_fen, currency)}
