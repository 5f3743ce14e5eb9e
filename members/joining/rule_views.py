"""New rules: the page on which a member answers, and the page on which those who run the pool see who has."""

from typing import Any, cast

from django import forms
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from aidplatform.lib import clock
from aidplatform.lib.csv_files import csv_response
from aidplatform.lib.dates import format_day
from aidplatform.lib.errors import DomainError, NotFoundError
from aidplatform.lib.http import attempt, policy, signed_in
from aidplatform.lib.templating import in_language
from members.joining import rule_figures
from members.joining.rule_answers import Answer, access_change, agree, answers_of, is_open
from members.joining.selectors import access_membership
from members.people.models import User
from members.pools.change_by import change_by_words
from members.pools.models import DutyGrant, PlanVersion, Pool
from members.pools.plan_words import difference
from members.pools.rules import PLAN_READERS, duty_required
from members.pools.selectors import (
    access_pool,
    asks_consent,
    duties_of,
    plan_in_force,
    rules_of_change,
    version_before,
)

ADMIN = DutyGrant.Duty.POOL_ADMIN.value
LARGEST_NUMBER = 2**31


class ConsentForm(forms.Form):
    """For whom somebody agrees, and to which rules exactly."""

    shown_sha256 = forms.RegexField(r"^[0-9a-f]{64}$", widget=forms.HiddenInput)
    members = forms.TypedMultipleChoiceField(label=_("For whom you agree"), coerce=int)

    def __init__(self, *args: Any, answers: list[Answer], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        numbers = [one.membership.number for one in answers]
        self.fields["members"].choices = [(number, str(number)) for number in numbers]  # type: ignore[attr-defined]


@policy("member")
@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def my_rules(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Show what changes, when, and what follows from no answer; agree for oneself and for children."""
    person = cast(User, request.user)
    membership = access_membership(code=code, person=person)
    version = access_change(pool=membership.pool, number=number)
    if request.method != "POST":
        return _page(request, version)
    form = ConsentForm(request.POST, answers=answers_of(version, person))
    if not form.is_valid():
        return _page(request, version, DomainError(_("Say for whom you agree.")))
    refusal = attempt(
        lambda: agree(
            version=version,
            person=person,
            numbers=form.cleaned_data["members"],
            shown_sha256=form.cleaned_data["shown_sha256"],
            language=get_language() or "en",
            at=clock.now(),
        )
    )[1]
    if refusal is not None:
        return _page(request, version, refusal)
    return redirect("my_rules", code=code, number=number)


def _page(request: HttpRequest, version: PlanVersion, refusal: DomainError | None = None) -> HttpResponse:
    pool, person = version.pool, cast(User, request.user)
    answers = answers_of(version, person)
    before = version_before(version)
    assert before is not None
    title = _("New rules from %(day)s") % {"day": format_day(version.effective_date)}
    context = {
        "section": "pools",
        "pool": pool,
        "version": version,
        "difference": difference(before, version, pool.currency),
        "is_open": is_open(version),
        "answers": answers,
        "waiting": [one for one in answers if one.consent is None],
        "is_own": any(one.membership.person_id == person.pk for one in answers),
        "promise": change_by_words(rules_of_change(version).plan()),
        "by_consent": asks_consent(version),
        "in_force": _in_force(pool),
        "refusal": refusal,
        "crumbs": [
            (in_language(pool.name_en, pool.name_zh), reverse("pool", args=[pool.code])),
            (_("My place"), reverse("my_pool", args=[pool.code])),
            (title, ""),
        ],
    }
    status = refusal.status if refusal else 200
    return render(request, "members/joining/my_rules.html", context, status=status)


def _in_force(pool: Pool) -> PlanVersion | None:
    """Return the rules of today; None in a pool whose first ones are still to come."""
    try:
        return plan_in_force(pool, clock.today(pool.time_zone))
    except NotFoundError:
        return None


@duty_required(*PLAN_READERS)
@require_safe
def rule_answers(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Show how many have answered, and who has not, by number."""
    return _answers_page(request, access_change(pool=access_pool(code=code), number=number))


def _answers_page(
    request: HttpRequest, version: PlanVersion, refusal: DomainError | None = None
) -> HttpResponse:
    pool, after = version.pool, _after(request)
    rows = rule_figures.unanswered(version, after=after, limit=rule_figures.PAGE + 1)
    here = reverse("rule_answers", args=[pool.code, version.number])
    is_more = len(rows) > rule_figures.PAGE
    rows = rows[: rule_figures.PAGE]
    context = {
        "section": "pools",
        "pool": pool,
        "version": version,
        "figures": rule_figures.figures_of(version),
        "rows": rows,
        "earlier": here if after else "",
        "later": f"{here}?after={rows[-1].number}" if is_more else "",
        "reminder": rule_figures.reminder_of(version),
        "is_open": is_open(version),
        "by_consent": asks_consent(version),
        "promise": change_by_words(rules_of_change(version).plan()),
        "may_remind": ADMIN in duties_of(cast(User, request.user), pool),
        "refusal": refusal,
        "crumbs": [
            (in_language(pool.name_en, pool.name_zh), reverse("pool", args=[pool.code])),
            (_("Plan"), reverse("plan", args=[pool.code])),
            (
                _("Version %(number)s") % {"number": version.number},
                reverse("plan_version", args=[pool.code, version.number]),
            ),
            (_("Answers"), ""),
        ],
    }
    status = refusal.status if refusal else 200
    return render(request, "members/joining/rule_answers.html", context, status=status)


def _after(request: HttpRequest) -> int:
    """Return the number behind which the list goes on; what is no number begins it anew."""
    text = request.GET.get("after", "")
    return int(text) if text.isdecimal() and int(text) < LARGEST_NUMBER else 0


@duty_required(*PLAN_READERS)
@require_safe
def rule_answers_csv(request: HttpRequest, code: str, number: int) -> HttpResponseBase:
    """Download who has not answered, by number."""
    version = access_change(pool=access_pool(code=code), number=number)
    rows = (
        (row.number, row.joined_date.isoformat(), "guardian" if row.by_guardian else "self")
        for row in rule_figures.all_unanswered(version)
    )
    name = f"{code}-rules-{number}-unanswered.csv"
    return csv_response(name, ("membership", "joined", "answers"), rows)


@duty_required(ADMIN)
@require_POST
def remind_of_rules(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Remind whoever has not answered; reminded already: the page."""
    version = access_change(pool=access_pool(code=code), number=number)
    refusal = attempt(
        lambda: rule_figures.remind(version=version, sender=cast(User, request.user).code, at=clock.now())
    )[1]
    if refusal is not None:
        return _answers_page(request, version, refusal)
    return redirect("rule_answers", code=code, number=number)
