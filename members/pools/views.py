"""Pages of a pool's plan: its terms in words, its versions and what each changes, proposing and publishing a change."""

import datetime as dt
from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from aidplatform.lib import clock
from aidplatform.lib.errors import DomainError, NotFoundError
from aidplatform.lib.http import attempt, public
from aidplatform.lib.templating import in_language
from members.people.models import User
from members.pools import selectors, services
from members.pools.forms import ChangeForm
from members.pools.models import DutyGrant, PlanProposal, PlanVersion, Pool
from members.pools.plan_terms import TermsError
from members.pools.plan_words import Difference, difference
from members.pools.rules import PLAN_READERS, duty_required
from members.pools.selectors import access_pool

ADMIN = DutyGrant.Duty.POOL_ADMIN.value
CONTROLLER = DutyGrant.Duty.CONTROLLER.value


@public
@require_safe
def plan(request: HttpRequest, code: str) -> HttpResponse:
    """Show the plan in force, or the first one to come, and list every version."""
    pool = access_pool(code=code)
    today = clock.today(pool.time_zone)
    shown = shown_plan(pool, today)
    if shown is None or pool.is_private:
        raise NotFoundError(_("This pool has published no plan yet."))
    versions = list(pool.plan_versions.select_related("proposal").order_by("-number"))
    duties = _duties(request, pool)
    context = _context(pool) | {
        "version": shown,
        "plan": shown.plan(),
        "text": shown.plan().canonical_json,
        "versions": versions,
        "coming": selectors.coming_versions(pool, today),
        "proposals": list(selectors.proposals_of(pool)[:20]) if duties & set(PLAN_READERS) else [],
        "may_propose": ADMIN in duties,
    }
    return render(request, "members/pools/plan.html", context)


def shown_plan(pool: Pool, on: dt.date) -> PlanVersion | None:
    """Return the version in force on that day; before the first one is, the first one to come."""
    in_force = pool.plan_versions.filter(effective_date__lte=on).order_by("-effective_date").first()
    return in_force or pool.plan_versions.order_by("effective_date").first()


@public
@require_safe
def version(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Show one version: what it changed, why, and all of its rules and texts."""
    pool = access_pool(code=code)
    if pool.is_private:
        raise NotFoundError(_("This pool has published no plan yet."))
    found = selectors.access_version(pool=pool, number=number)
    before = selectors.version_before(found)
    context = _context(pool, _("Version %(number)s") % {"number": number}) | {
        "version": found,
        "plan": found.plan(),
        "text": found.plan().canonical_json,
        "before": before,
        "difference": difference(before, found, pool.currency) if before else None,
        "is_coming": found.effective_date > clock.today(pool.time_zone),
        "sees_answers": found.proposal is not None and bool(_duties(request, pool) & set(PLAN_READERS)),
    }
    return render(request, "members/pools/version.html", context)


@duty_required(ADMIN)
@require_http_methods(["GET", "HEAD", "POST"])
def propose(request: HttpRequest, code: str) -> HttpResponse:
    """Propose a change of the rules: filled in with the version published last."""
    pool = access_pool(code=code)
    last = selectors.newest_plan(pool)
    if request.method != "POST":
        return _propose_page(request, pool, ChangeForm(last))
    form = ChangeForm(last, request.POST)
    if not form.is_valid():
        return _propose_page(request, pool, form, status=422)
    rules = form.rules.cleaned_data
    try:
        made, refusal = attempt(
            lambda: services.propose_plan(
                pool=pool,
                base=rules["base"],
                terms=form.terms(),
                covenant=form.covenant,
                declaration=last.declaration,
                effective_date=rules["effective_date"],
                reason=rules["reason"],
                proposer=_person(request).code,
                at=clock.now(),
            )
        )
    except TermsError as error:
        form.show(error)
        return _propose_page(request, pool, form, status=422)
    if refusal is not None:
        is_of_the_day = isinstance(refusal, services.BadDayError)
        form.rules.add_error("effective_date" if is_of_the_day else None, str(refusal))
        return _propose_page(request, pool, form, status=refusal.status)
    return redirect("plan_proposal", code=code, number=made.number)


def _propose_page(request: HttpRequest, pool: Pool, form: ChangeForm, status: int = 200) -> HttpResponse:
    earliest, latest = selectors.days_of_change(pool, clock.today(pool.time_zone))
    if not form.rules.is_bound:
        form.rules.initial["effective_date"] = earliest
    context = _context(pool, _("Propose a change")) | {
        "form": form,
        "earliest": earliest,
        "latest": latest,
    }
    return render(request, "members/pools/propose.html", context, status=status)


@duty_required(*PLAN_READERS)
@require_safe
def proposal(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Show a proposal: what would change, why, and who decides."""
    pool = access_pool(code=code)
    return _proposal_page(request, selectors.access_proposal(pool=pool, number=number))


def _proposal_page(
    request: HttpRequest, found: PlanProposal, refusal: DomainError | None = None
) -> HttpResponse:
    pool, person = found.pool, _person(request)
    published = PlanVersion.objects.filter(proposal=found).first()
    context = _context(pool, _("Proposal %(number)s") % {"number": found.number}) | {
        "proposal": found,
        "published": published,
        "difference": _difference(found),
        "is_proposer": found.proposed_by == person.code,
        "duties": selectors.duties_of(person, pool),
        "refusal": refusal,
    }
    status = refusal.status if refusal else 200
    return render(request, "members/pools/proposal.html", context, status=status)


def _difference(found: PlanProposal) -> Difference | None:
    """Return what a proposal changes; None where it was written past the services and cannot be read."""
    try:
        return difference(found.base, found, found.pool.currency) if found.base else None
    except (TermsError, KeyError, TypeError, AttributeError):
        return None


@duty_required(CONTROLLER)
@require_POST
def publish(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Publish exactly what was shown; published already: the version's page."""
    pool = access_pool(code=code)
    found = selectors.access_proposal(pool=pool, number=number)
    if found.state == PlanProposal.State.PUBLISHED:
        return redirect("plan_version", code=code, number=found.version.number)
    published, refusal = attempt(
        lambda: services.publish_proposal(
            proposal=found,
            publisher=_person(request).code,
            shown_sha256=request.POST.get("shown_sha256", ""),
            at=clock.now(),
        )
    )
    if refusal is None:
        return redirect("plan_version", code=code, number=published.number)
    found = selectors.access_proposal(pool=pool, number=number)
    if found.state == PlanProposal.State.PUBLISHED:  # by the other click
        return redirect("plan_version", code=code, number=found.version.number)
    return _proposal_page(request, found, refusal)


@duty_required(ADMIN, CONTROLLER)
@require_POST
def withdraw(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Take a proposal back or turn it down; done already: its page."""
    pool = access_pool(code=code)
    found = selectors.access_proposal(pool=pool, number=number)
    if found.state == PlanProposal.State.WITHDRAWN:
        return redirect("plan_proposal", code=code, number=number)
    _done, refusal = attempt(
        lambda: services.withdraw_proposal(proposal=found, withdrawer=_person(request).code, at=clock.now())
    )
    if refusal is not None:
        return _proposal_page(request, selectors.access_proposal(pool=pool, number=number), refusal)
    return redirect("plan_proposal", code=code, number=number)


def _context(pool: Pool, *crumb: object) -> dict[str, Any]:
    crumbs: list[tuple[object, str]] = [
        (in_language(pool.name_en, pool.name_zh), reverse("pool", args=[pool.code])),
        (_("Plan"), reverse("plan", args=[pool.code]) if crumb else ""),
        *((name, "") for name in crumb),
    ]
    return {"section": "pools", "pool": pool, "crumbs": crumbs}


def _person(request: HttpRequest) -> User:
    return cast(User, request.user)


def _duties(request: HttpRequest, pool: Pool) -> set[str]:
    return selectors.duties_of(_person(request), pool) if request.user.is_authenticated else set()
