"""Links that name somebody without an account: made and taken back by the member, opened by who is named."""

from typing import cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from aidplatform.lib import clock
from aidplatform.lib.errors import DomainError
from aidplatform.lib.http import attempt, policy, public, signed_in
from members.joining.deputy_link_models import DeputyLink
from members.joining.deputy_links import (
    accept_link,
    access_deputy_link,
    find_live_link,
    make_deputy_link,
    name_of_member,
    take_link_back,
)
from members.joining.deputy_views import deputies_page
from members.joining.forms import DeputyLinkForm, StandingByForm
from members.joining.selectors import access_membership
from members.people.identity import masked
from members.people.models import User


@policy("member")
@signed_in
@require_POST
def make(request: HttpRequest, code: str) -> HttpResponse:
    """Make a link and show it, once; mail it where an address is given."""
    membership = access_membership(code=code, person=_person(request))
    form = DeputyLinkForm(request.POST)
    if not form.is_valid():
        return deputies_page(request, membership, link_form=form)
    made, refusal = attempt(
        lambda: make_deputy_link(membership=membership, at=clock.now(), **form.cleaned_data)
    )
    if refusal is not None:
        return deputies_page(request, membership, refusal=refusal, link_form=form)
    return deputies_page(request, membership, made=made)


@policy("member")
@signed_in
@require_POST
def take_back(request: HttpRequest, code: str, link_id: int) -> HttpResponse:
    """Take a link back that nobody has used."""
    person = _person(request)
    membership = access_membership(code=code, person=person)
    take_link_back(row=access_deputy_link(membership=membership, link_id=link_id), actor=person.code)
    return redirect("my_deputies", code=code)


@public
@require_http_methods(["GET", "HEAD", "POST"])
def opened(request: HttpRequest, token: str) -> HttpResponse:
    """Say who asks for what; whoever is signed in agrees there, everybody else makes an account first."""
    found = find_live_link(token, clock.now())
    if request.method != "POST" or not request.user.is_authenticated:
        return _page(request, found, StandingByForm())
    form = StandingByForm(request.POST)
    if not form.is_valid():
        return _page(request, found, form, status=422)
    _agreed, refusal = attempt(
        lambda: accept_link(
            token=token, person=_person(request), name=form.cleaned_data["name"], at=clock.now()
        )
    )
    if refusal is not None:
        return _page(request, found, form, refusal, status=refusal.status)
    return redirect("standing_by")


def _page(
    request: HttpRequest,
    found: DeputyLink | None,
    form: StandingByForm,
    refusal: DomainError | None = None,
    status: int = 200,
) -> HttpResponse:
    who = name_of_member(found.membership) if found is not None else ""
    context = {
        "section": "claims",
        "found": found,
        # Whoever finds the link reads a name only with an account.
        "who": who if request.user.is_authenticated else masked(who),
        "pool": found.membership.pool if found is not None else None,
        "form": form,
        "refusal": refusal,
        "here": request.path,
    }
    return render(request, "members/joining/standing_by_link.html", context, status=status)


def _person(request: HttpRequest) -> User:
    return cast(User, request.user)
