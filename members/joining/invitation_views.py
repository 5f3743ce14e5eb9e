"""Inviting somebody to join: a link with its QR code, the overview of one's own, and the page the link opens."""

from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from aidplatform.lib import clock
from aidplatform.lib.errors import DomainError
from aidplatform.lib.http import attempt, policy, public, signed_in
from aidplatform.lib.templating import in_language
from members.joining.family import SIGNED_FOR
from members.joining.forms import InviteForm
from members.joining.invitation_triggers import DAYS_OPEN, MOST_IN_A_MONTH, MOST_OPEN
from members.joining.invitations import (
    Made,
    access_invitation,
    find_live,
    invitations_of,
    invite,
    take_back,
)
from members.joining.models import JoinApplication, Membership
from members.joining.payers import may_pay
from members.joining.selectors import access_membership
from members.joining.views import intro, joinable
from members.people.models import User
from members.pools.selectors import pays_ahead

# Whom a guardian cannot add: of age, they sign for themselves.
_ADULTS = {one.value: one.label for one in JoinApplication.Relation if one not in SIGNED_FOR}


@policy("member")
@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def invitations(request: HttpRequest, code: str) -> HttpResponse:
    """Show a member's invitations; make one, and show its link, which is kept nowhere, once.

    `for` in the address: which adult of the family it is for, to begin with; then the inviter's paying is prepared.
    """
    membership = access_membership(code=code, person=_person(request))
    relation = _ADULTS.get(request.GET.get("for", ""))
    can_pay = may_pay(membership)
    prepared = {"label": relation, "pays": True} if relation else None
    form = InviteForm(request.POST or None, initial=prepared, may_pay=can_pay)
    if request.method != "POST" or not form.is_valid():
        return _page(request, membership, form, relation=relation)
    given = form.cleaned_data
    made, refusal = attempt(
        lambda: invite(
            membership=membership, label=given["label"], pays=given.get("pays", False), at=clock.now()
        )
    )
    if made is None:
        return _page(request, membership, form, refusal, relation=relation)
    return _page(request, membership, InviteForm(may_pay=can_pay), made=made)


@policy("member")
@signed_in
@require_POST
def take_back_invitation(request: HttpRequest, code: str, invitation_id: int) -> HttpResponse:
    """Take an invitation back."""
    person = _person(request)
    membership = access_membership(code=code, person=person)
    invitation = access_invitation(membership=membership, invitation_id=invitation_id)
    take_back(invitation=invitation, actor=person.code)
    return redirect("invitations", code=code)


@public
@require_safe
def join_invited(request: HttpRequest, code: str, token: str) -> HttpResponseBase:
    """Say who invites and what joining takes; a link that is over says so, and how one joins without it."""
    pool = joinable(code)
    return intro(request, pool, find_live(pool=pool, token=token, now=clock.now()), token)


def _page(
    request: HttpRequest,
    membership: Membership,
    form: InviteForm,
    refusal: DomainError | None = None,
    made: Made | None = None,
    relation: object = None,
) -> HttpResponse:
    pool = membership.pool
    context: dict[str, Any] = {
        "membership": membership,
        "relation": relation,
        "pays_ahead": pays_ahead(pool),
        "section": "pools",
        "pool": pool,
        "form": form,
        "refusal": refusal,
        "made": made,
        "rows": invitations_of(membership, clock.now()),
        "most_open": MOST_OPEN,
        "most_in_a_month": MOST_IN_A_MONTH,
        "days_open": DAYS_OPEN,
        "crumbs": [
            (in_language(pool.name_en, pool.name_zh), reverse("pool", args=[pool.code])),
            (_("My place"), reverse("my_pool", args=[pool.code])),
            (_("Invitations"), ""),
        ],
    }
    status = refusal.status if refusal else 422 if form.is_bound and form.errors else 200
    return render(request, "members/joining/invitations.html", context, status=status)


def _person(request: HttpRequest) -> User:
    return cast(User, request.user)
