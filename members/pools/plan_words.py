"""The rules of a plan in words, line by line, and what differs between two versions of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from fractions import Fraction

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from aidplatform.lib.money import format_money
from aidplatform.lib.templating import in_language, listed_words
from members.pools.aid_words import (
    appeal_words,
    case_step_words,
    decider_words,
    lifetime_words,
    objection_words,
    reimbursement_words,
    severity_words,
    spend_words,
)
from members.pools.arrears import arrears_words
from members.pools.change_by import change_by_words
from members.pools.debit import debit_words
from members.pools.document_kinds import document_words
from members.pools.funding import funding_words
from members.pools.illness_in_wait import illness_in_wait_words
from members.pools.investigation import investigation_words
from members.pools.jury import jury_words
from members.pools.models import PlanProposal, PlanVersion
from members.pools.plan_terms import (
    AidTerms,
    ClassTerms,
    FeeTerms,
    OperatorTerms,
    PeriodDays,
    PlanTerms,
    ReserveTerms,
    VestingStep,
    WaitingRule,
    WindDownTerms,
)
from members.pools.who_joins import joining_words, return_words, succession_words


@dataclass(frozen=True)
class Line:
    """One rule: its name, what it says in one or more sentences, and the terms that it speaks of."""

    name: str
    says: tuple[str, ...]
    paths: tuple[str, ...]


@dataclass(frozen=True)
class Change:
    """A rule that differs: what it said, what it will say. Sentences that stay are in both."""

    name: str
    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(frozen=True)
class Piece:
    """A paragraph of a text. look: same, gone or new."""

    look: str
    text: str


@dataclass(frozen=True)
class Difference:
    """Everything in which two versions differ; empty where they are equal to the letter.

    covenant_*: the text in both languages, whatever the reader's. questions: each with its meaning, in both.
    """

    rules: tuple[Change, ...] = ()
    covenant_en: tuple[Piece, ...] = ()
    covenant_zh: tuple[Piece, ...] = ()
    questions: tuple[Piece, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing differs."""
        return not (self.rules or self.covenant_en or self.covenant_zh or self.questions)


def plan_lines(plan: PlanTerms, currency: str) -> list[Line]:
    """Return the rules of a plan in the reader's language, in the order in which a member asks for them."""
    return list(_lines(plan, currency))


def difference(
    before: PlanVersion | PlanProposal, after: PlanVersion | PlanProposal, currency: str
) -> Difference:
    """Return what a version changes: rules in the reader's language, texts in both."""
    return Difference(
        rules=_changed_rules(before.plan(), after.plan(), currency),
        covenant_en=_pieces(_paragraphs(before.covenant_en), _paragraphs(after.covenant_en)),
        covenant_zh=_pieces(_paragraphs(before.covenant_zh), _paragraphs(after.covenant_zh)),
        questions=_pieces(_questions(before), _questions(after)),
    )


def _changed_rules(before: PlanTerms, after: PlanTerms, currency: str) -> tuple[Change, ...]:
    """Return the rules whose sentences differ. What no sentence says is shown as it is stored, never as nothing."""
    old, new = plan_lines(before, currency), plan_lines(after, currency)
    changes = [
        Change(one.name, one.says, other.says)
        for one, other in zip(old, new, strict=True)
        if one.says != other.says
    ]
    if not changes and before != after:
        changes = [Change(_("As stored"), (before.canonical_json,), (after.canonical_json,))]
    return tuple(changes)


def fee_words(fee: FeeTerms, currency: str) -> str:
    """Say a plan's fee rule in one sentence."""
    parts = []
    if fee.rate:
        percent = exact_percent(fee.rate)
        parts.append(
            _("%(percent)s %% of the aid, rounded up once per period") % {"percent": percent}
            if percent
            else _("%(part)s of the aid, rounded up once per period") % {"part": str(fee.rate)}
        )
    if fee.fixed_fen:
        parts.append(_("%(amount)s per period") % {"amount": format_money(fee.fixed_fen, currency)})
    if fee.ceiling_fen is not None:
        parts.append(_("at most %(amount)s") % {"amount": format_money(fee.ceiling_fen, currency)})
    return in_language(", ", "，").join(parts) or _("none")


def exact_percent(rate: Fraction) -> str:
    """Return a rate in percent, exactly; empty where no decimal fraction is exact, as for a third."""
    percent = rate * 100
    decimals = next((n for n in range(20) if (percent * 10**n).denominator == 1), None)
    if decimals is None:
        return ""
    whole = int(percent * 10**decimals)
    digits = str(whole).rjust(decimals + 1, "0")
    return f"{digits[:-decimals]}.{digits[-decimals:]}" if decimals else digits


def _lines(plan: PlanTerms, currency: str) -> Iterator[Line]:
    until = _("From age %(age)s on there is no aid: the membership ends at 00:00 of that birthday.") % {
        "age": max(row.age_before for row in plan.aid)
    }
    yield Line(_("Aid, up to"), (*(_aid_words(row, currency) for row in plan.aid), until), ("aid",))
    yield Line(_("Management fee"), (fee_words(plan.fee, currency),), ("fee",))
    everyone = _("Everyone covered at 00:00 of the publicity day, also those still waiting.")
    yield Line(_("Who shares"), (everyone, *(_class_words(row) for row in plan.classes)), ("classes",))
    yield Line(_("How shares are paid"), funding_words(plan.funding, currency), ("funding",))
    if plan.funding is None:
        yield Line(_("Debits"), debit_words(plan.debit), ("debit",))
        yield Line(_("When a share is not paid"), arrears_words(plan.arrears), ("arrears",))
    publicity = ngettext(
        "Publicity lasts %(days)s day.", "Publicity lasts %(days)s days.", plan.calendar.publicity_days
    )
    periods = (_period_words(days) for days in plan.calendar.periods)
    yield Line(_("Calendar"), (*periods, publicity % {"days": plan.calendar.publicity_days}), ("calendar",))
    yield Line(_("Waiting period"), _waiting_words(plan), ("waiting_days", "waiting_rules"))
    yield Line(_("Illness in the wait"), (illness_in_wait_words(plan),), ("illness_in_wait",))
    yield Line(_("Aid grows"), _vesting_words(plan), ("vesting",))
    yield Line(_("Aid by spend"), spend_words(plan, currency), ("spend_steps",))
    yield Line(_("Against bills"), reimbursement_words(plan, currency), ("reimbursement",))
    yield Line(_("Aid by cases shared"), case_step_words(plan), ("case_steps",))
    yield Line(_("Time to report"), (_report_words(plan),), ("report_days",))
    yield Line(_("Appeal"), (appeal_words(plan),), ("appeal_days",))
    yield Line(_("Objections"), (objection_words(plan),), ("objections_per_period",))
    yield Line(_("Who decides"), (decider_words(plan, currency),), ("two_deciders_from_fen",))
    yield Line(_("Jury"), jury_words(plan.jury), ("jury",))
    yield Line(_("Investigations"), investigation_words(plan.investigation, currency), ("investigation",))
    yield Line(_("Most for one person"), (lifetime_words(plan, currency),), ("lifetime_cap_fen",))
    after_aid = (
        _("One aid ends the membership: that period is still shared like by everyone, and none after it.")
        if plan.one_aid_ends
        else _("Membership goes on.")
    )
    yield Line(_("After aid"), (after_aid,), ("one_aid_ends",))
    yield Line(_("Most for one case"), (_cap_words(plan, currency),), ("per_case_cap_fen",))
    yield Line(_("Most for one period"), (_period_cap_words(plan, currency),), ("period_cap_fen",))
    yield Line(_("Most for one year"), (_year_cap_words(plan, currency),), ("year_cap_fen",))
    yield Line(_("Where a cap leaves a rest"), (_on_cap_words(plan),), ("on_cap", "on_infeasible"))
    yield Line(_("Sponsor"), (_sponsor_words(plan),), ("sponsor",))
    yield Line(_("Reserve"), tuple(_reserve_words(plan.reserve, currency)), ("reserve",))
    rounding = _(
        "The period is summed once and each share rounded up to the fen; what that leaves over is carried into the next"
        " period."
    )
    yield Line(_("Rounding"), (rounding,), ())
    fewest = _("It opens with %(members)s.") % {"members": f"{plan.minimum_members:,}"}
    yield Line(_("Fewest members"), (fewest,), ("minimum_members",))
    yield Line(_("Who can join"), (joining_words(plan),), ("by_invitation",))
    yield Line(_("Who joins again"), return_words(plan), ("return_after_removal_days",))
    yield Line(_("After the last age"), succession_words(plan), ("successor", "takes_over"))
    yield Line(_("Identity documents"), document_words(plan), ("documents",))
    yield Line(_("Floor"), tuple(_floor_words(plan)), ("floor",))
    yield Line(_("When it ends"), tuple(_wind_down_words(plan.wind_down, currency)), ("wind_down",))
    changes = ngettext(
        "Announced %(days)s day ahead. A case is decided by the version in force on its event day.",
        "Announced %(days)s days ahead. A case is decided by the version in force on its event day.",
        plan.notice_days,
    )
    yield Line(
        _("Changes"),
        (changes % {"days": plan.notice_days}, change_by_words(plan)),
        ("notice_days", "change_by"),
    )
    yield Line(_("Who runs it"), _operator_words(plan.operator), ("operator",))


def _aid_words(row: AidTerms, currency: str) -> str:
    return _("%(severity)s, from age %(from)s to before %(before)s: up to %(most)s") % {
        "severity": severity_words(row.severity),
        "from": row.age_from,
        "before": row.age_before,
        "most": format_money(row.max_aid_fen, currency),
    }


def _class_words(row: ClassTerms) -> str:
    """Say a class with its name in both languages: a change of either is a change."""
    names = in_language(f"{row.name_en} / {row.name_zh}", f"{row.name_zh} / {row.name_en}")
    says = {"class": names, "weight": f"{row.weight:,}"}
    if row.age_from is None:
        return _("%(class)s: weight %(weight)s") % says
    ages = {"from": row.age_from, "before": row.age_before}
    return _(
        "%(class)s: weight %(weight)s, from age %(from)s to before %(before)s, moving on with the birthday"
    ) % (says | ages)


def _period_words(days: PeriodDays) -> str:
    says = (
        _(
            "Opens on day %(opening)s of the month, cases go public on day %(publicity)s, charged on day %(charge)s of"
            " the next month."
        )
        if days.charge_months_later
        else _(
            "Opens on day %(opening)s of the month, cases go public on day %(publicity)s, charged on day %(charge)s."
        )
    )
    return says % {"opening": days.opening_day, "publicity": days.publicity_day, "charge": days.charge_day}


def _waiting_words(plan: PlanTerms) -> tuple[str, ...]:
    general = _days_after_joining(plan.waiting_days)
    if not plan.waiting_rules:
        return (general,)
    says = [
        _("%(whom)s: %(days)s") % {"whom": _whom_words(rule), "days": _days_after_joining(rule.days)}
        for rule in plan.waiting_rules
    ]
    says.append(_("Everything else: %(days)s") % {"days": general})
    if len(plan.waiting_rules) > 1:
        says.append(_("The first line that fits decides."))
    if any(rule.cause for rule in plan.waiting_rules):
        says.append(
            _(
                "An accident is an injury from outside, sudden and unintended. The claim says so, and two reviewers"
                " look at it."
            )
        )
    return tuple(says)


def _days_after_joining(days: int) -> str:
    return ngettext("%(days)s day after joining", "%(days)s days after joining", days) % {"days": days}


def _whom_words(rule: WaitingRule) -> str:
    """Say for which cause, and for which ages at joining, a waiting period is."""
    ages = {"from": rule.joined_from, "before": rule.joined_before}
    if rule.joined_from is None and rule.joined_before is None:
        return cause_words(rule.cause)
    if rule.joined_before is None:
        whom = _("who joins from age %(from)s") % ages
    elif rule.joined_from is None:
        whom = _("who joins before age %(before)s") % ages
    else:
        whom = _("who joins from age %(from)s to before age %(before)s") % ages
    return _("%(cause)s, %(whom)s") % {"cause": cause_words(rule.cause), "whom": whom}


def cause_words(cause: str | None) -> str:
    """Say what a waiting period is for."""
    return {"illness": _("Illness"), "accident": _("Accident")}.get(cause or "", _("Any cause"))


def _vesting_words(plan: PlanTerms) -> tuple[str, ...]:
    if not plan.vesting:
        return (_("It does not: once the waiting period is over, aid is granted in full."),)
    return tuple(_vesting_sentence(step) for step in plan.vesting)


def _vesting_sentence(step: VestingStep) -> str:
    says = {"days": f"{step.from_days:,}", "part": str(step.part)}
    if step.part == 1:
        whole = ngettext(
            "From %(days)s day after the waiting period: the whole aid.",
            "From %(days)s days after the waiting period: the whole aid.",
            step.from_days,
        )
        return whole % says
    sentence = ngettext(
        "From %(days)s day after the waiting period: %(part)s of the aid.",
        "From %(days)s days after the waiting period: %(part)s of the aid.",
        step.from_days,
    )
    return sentence % says


def _report_words(plan: PlanTerms) -> str:
    if plan.report_days is None:
        return _("A case can be filed at any time.")
    days = ngettext(
        "A case is filed within %(days)s day of its event day; one that is filed later is granted nothing.",
        "A case is filed within %(days)s days of its event day; one that is filed later is granted nothing.",
        plan.report_days,
    )
    return days % {"days": f"{plan.report_days:,}"}


def _cap_words(plan: PlanTerms, currency: str) -> str:
    if plan.per_case_cap_fen is None:
        return _("No cap per case: the share is whatever the need divides to.")
    return _("%(cap)s per member, fee included; the sponsor pays what is above.") % {
        "cap": format_money(plan.per_case_cap_fen, currency)
    }


def _period_cap_words(plan: PlanTerms, currency: str) -> str:
    if plan.period_cap_fen is None:
        return _("No cap per period: the share is whatever the need divides to.")
    return _("No member pays more than %(cap)s for one period, whatever the class.") % {
        "cap": format_money(plan.period_cap_fen, currency)
    }


def _year_cap_words(plan: PlanTerms, currency: str) -> str:
    if plan.year_cap_fen is None:
        return _("No cap per year: every period's share is owed.")
    return _(
        "No member pays more than %(cap)s for the periods charged in one calendar year. Whoever has reached it is"
        " covered as before."
    ) % {"cap": format_money(plan.year_cap_fen, currency)}


def _sponsor_words(plan: PlanTerms) -> str:
    if plan.sponsor is None:
        return _("What caps leave to a sponsor is paid by whoever runs the pool.")
    return _("What caps leave to a sponsor is paid by %(sponsor)s.") % {"sponsor": plan.sponsor}


def _reserve_words(reserve: ReserveTerms | None, currency: str) -> Iterator[str]:
    if reserve is None:
        yield _("None: nothing is put by.")
        return
    parts = []
    if reserve.contribution_rate:
        percent = exact_percent(reserve.contribution_rate)
        part = {"percent": percent, "part": str(reserve.contribution_rate)}
        parts.append(
            _("%(percent)s %% of aid and fee") % part if percent else _("%(part)s of aid and fee") % part
        )
    if reserve.contribution_fen:
        parts.append(
            _("%(amount)s per period") % {"amount": format_money(reserve.contribution_fen, currency)}
        )
    yield _("Each period puts by: %(parts)s, until there is %(target)s. No fee is taken on it.") % {
        "parts": listed_words(parts),
        "target": format_money(reserve.target_fen, currency),
    }
    yield _(
        "It pays what a cap per period or year leaves, as far as it reaches, and nothing else. A period in which a cap"
        " leaves no room puts nothing by. Who leaves gets nothing of it."
    )
    yield (
        _("At the end %(body)s gets it.") % {"body": reserve.goes_to}
        if reserve.goes_to
        else _("At the end everyone covered at the last headcount gets the same part of it.")
    )


def _on_cap_words(plan: PlanTerms) -> str:
    if plan.on_cap == "reserve_pays":
        return _("The reserve pays it as far as it reaches, then the sponsor.")
    return {
        "sponsor": _("Members with room bear it; if there is none, the reserve pays, then the sponsor."),
        "reduce_aid": _(
            "Members with room bear it; if there is none, the reserve pays as far as it reaches, and every aid of the"
            " period is lowered alike."
        ),
        "defer": _(
            "Members with room bear it; if there is none, the reserve pays as far as it reaches, and a part of every"
            " aid waits for the next period."
        ),
    }[plan.on_infeasible]


def _floor_words(plan: PlanTerms) -> Iterator[str]:
    notice = ngettext(
        "Notice of %(days)s day is given before cover ends.",
        "Notice of %(days)s days is given before cover ends.",
        plan.ending_notice_days,
    ) % {"days": plan.ending_notice_days}
    if plan.floor is None:
        yield (
            _("None: no headcount ends the pool, only two people who decide it with a reason.") + " " + notice
        )
        return
    yield _(
        "%(members)s. At two headcounts running below it intake stops and the pool ends, whoever runs it. A headcount"
        " at or above it before cover ends begins the count anew."
    ) % {"members": f"{plan.floor.members:,}"}
    yield notice


def _wind_down_words(wind_down: WindDownTerms | None, currency: str) -> Iterator[str]:
    yield _(
        "Cases established before cover ends are still shared, by everyone covered at 00:00 of the day of the notice,"
        " also by who leaves after it. What is left over goes back to members, never to the operator."
    )
    if wind_down is None:
        return
    days = ngettext(
        "Such cases are taken for %(days)s more day.",
        "Such cases are taken for %(days)s more days.",
        wind_down.run_off_days,
    )
    yield days % {"days": wind_down.run_off_days}
    says = {"payer": wind_down.payer}
    if wind_down.run_off_cap_fen is None:
        yield _("What members pay for them has no upper end; what they do not pay, %(payer)s pays.") % says
    else:
        cap = format_money(wind_down.run_off_cap_fen, currency)
        yield _("Each member pays %(cap)s for them at most; %(payer)s pays the rest.") % (says | {"cap": cap})
    yield (
        _("%(payer)s also gives back the shares that members have paid.") % says
        if wind_down.past_shares_back
        else _("Shares paid before are not given back.")
    )


def _operator_words(operator: OperatorTerms | None) -> tuple[str, ...]:
    if operator is None:
        return (_("Not named."),)
    return (
        f"{operator.name} ({operator.registration})",
        # Both languages: a change of either is a change.
        in_language(
            f"{operator.legal_basis_en} / {operator.legal_basis_zh}",
            f"{operator.legal_basis_zh} / {operator.legal_basis_en}",
        ),
        operator.contact,
    )


def _questions(version: PlanVersion | PlanProposal) -> list[str]:
    """Return each health question as one paragraph: what is asked and what "yes" means, in both languages."""
    effects = {
        "excludes": _("With “yes” nobody joins."),
        "limits": _("With “yes” one joins, and what follows is not shared."),
    }
    told = ("question_en", "meaning_en", "question_zh", "meaning_zh")
    return ["\n".join([*(row[name] for name in told), effects[row["effect"]]]) for row in version.declaration]


def _paragraphs(text: str) -> list[str]:
    """Return the paragraphs to the letter, so that a change of spaces alone is a change too."""
    return text.split("\n\n")


def _pieces(before: Sequence[str], after: Sequence[str]) -> tuple[Piece, ...]:
    """Return both texts as one, in order, each paragraph marked; nothing where they are equal."""
    if list(before) == list(after):
        return ()
    pieces: list[Piece] = []
    for tag, start, end, new_start, new_end in SequenceMatcher(
        a=before, b=after, autojunk=False
    ).get_opcodes():
        if tag == "equal":
            pieces += [Piece("same", text) for text in before[start:end]]
        else:
            pieces += [Piece("gone", text) for text in before[start:end]]
            pieces += [Piece("new", text) for text in after[new_start:new_end]]
    return tuple(pieces)
