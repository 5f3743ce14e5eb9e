"""A member adds somebody of their family: who it is, their health, the covenant, consents, and the signature."""

from typing import cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from aidplatform.lib import clock
from aidplatform.lib.errors import DomainError, NotFoundError
from aidplatform.lib.http import attempt, policy, signed_in
from members.joining import applications, family
from members.joining.eligibility import age_on, covered_from, eligible_by_plan, takes_children
from members.joining.forms import FamilySignForm, RelationForm
from members.joining.giving_up import KEPT_DAYS
from members.joining.models import CovenantSignature, JoinApplication, Membership
from members.joining.selectors import access_membership
from members.joining.signing_texts import answers_given, signing_texts
from members.joining.views import (
    Step,
    age_facts,
    consent,
    covenant,
    family_crumbs,
    health,
    joinable,
    onward,
    step_page,
    throw_away,
    who,
)
from members.people.models import User
from members.people.services import remember_language
from members.pools.selectors import plan_in_force


@policy("member")
@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def family_add(request: HttpRequest, code: str) -> HttpResponse:
    """Begin adding somebody, or go on with it; of an adult, lead to the invitation by which they sign themselves."""
    guardian = access_membership(code=code, person=cast(User, request.user))
    joinable(code)
    begun = family.open_application(guardian)
    form = RelationForm(request.POST or None, initial={"relation": begun.relation if begun else None})
    refusal: DomainError | None = None
    if form.is_valid():
        relation = form.cleaned_data["relation"]
        if relation not in family.SIGNED_FOR:
            return redirect(f"{reverse('invitations', args=[code])}?for={relation}")
        application, refusal = attempt(
            lambda: family.start_family(guardian=guardian, relation=relation, at=clock.now())
        )
        if application is not None:
            return onward(application)
        form.add_error("relation", str(refusal))
    context = {
        "section": "pools",
        "pool": guardian.pool,
        "form": form,
        "begun": begun,
        "kept_days": KEPT_DAYS,
        "takes_children": takes_children(
            plan_in_force(guardian.pool, clock.today(guardian.pool.time_zone)).plan()
        ),
        "crumbs": family_crumbs(guardian.pool),
    }
    status = refusal.status if refusal else 422 if form.is_bound else 200
    return render(request, "members/joining/family_add.html", context, status=status)


@policy("member")
@signed_in
@require_POST
def family_give_up(request: HttpRequest, code: str) -> HttpResponse:
    """Throw away what was entered about somebody who was to be added."""
    application = family.open_application(access_membership(code=code, person=cast(User, request.user)))
    if application is not None:
        throw_away(request, application)
    return redirect("family_add", code=code)


@policy("member")
@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def family_step(request: HttpRequest, code: str, step: str) -> HttpResponse:
    """Show or take one step of adding somebody; without a beginning, back to it."""
    guardian = access_membership(code=code, person=cast(User, request.user))
    joinable(code)
    if step not in applications.FAMILY_STEPS:
        raise NotFoundError(_("There is no such page, or it is not yours to see."))
    application = family.go_on(guardian=guardian, at=clock.now())
    if application is None:
        return redirect("family_add", code=code)
    if step == "sign":
        return _sign(request, application, guardian)
    ahead = applications.next_step(application)
    if applications.STEPS.index(step) > applications.STEPS.index(ahead):
        return onward(application)
    return _STEPS[step](request, application)


def _sign(request: HttpRequest, application: JoinApplication, guardian: Membership) -> HttpResponse:
    if applications.next_step(application) != "sign":
        return onward(application)
    version, paper = application.plan_version, applications.identity_of(application)
    assert paper is not None
    today, plan = clock.today(application.pool.time_zone), version.plan()
    capacity = family.capacity_for(paper.birth_date, today)
    agrees = capacity == CovenantSignature.Capacity.AGREED
    form = FamilySignForm(
        request.POST or None, initial={"shown_sha256": version.covenant_sha256}, agrees=agrees
    )
    if form.is_valid():
        refusal = _try_to_sign(request, application, guardian, form)
        if refusal is None:
            return redirect("family", code=application.pool.code)
        form.add_error(None, str(refusal))
    context = {
        "form": form,
        "paper": paper,
        "version": version,
        "covered": covered_from(today),
        "funding": plan.funding,
        "eligible": eligible_by_plan(plan, paper.birth_date, today),
        "after_accident": eligible_by_plan(plan, paper.birth_date, today, "accident"),
        **age_facts(plan, paper.birth_date, today),
        "covenant_address": reverse("family_step", args=[application.pool.code, "covenant"]),
        "capacity": capacity.label,
        "texts": signing_texts(version, application.pool.currency),
        "answers": answers_given(application),
        "place": next(
            row for row in plan.classes if row.class_no == plan.class_at(age_on(paper.birth_date, today))
        ),
    }
    return step_page(request, application, "family_sign", context, form)


def _try_to_sign(
    request: HttpRequest, application: JoinApplication, guardian: Membership, form: FamilySignForm
) -> DomainError | None:
    """Sign; return the refusal that the form shows, None when the child has joined."""
    language = get_language() or "en"
    remember_language(person=cast(User, request.user), language=language)
    return attempt(
        lambda: family.sign_for_family(
            application=application,
            guardian=guardian,
            shown_sha256=form.cleaned_data["shown_sha256"],
            has_agreed=form.cleaned_data.get("has_agreed", False),
            language=language,
            at=clock.now(),
        )
    )[1]


_STEPS: dict[str, Step] = {"who": who, "consent": consent, "health": health, "covenant": covenant}
