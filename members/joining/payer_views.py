"""The page of who pays for whom: ask, accept or decline, end."""

from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from aidplatform.lib import clock
from aidplatform.lib.errors import DomainError
from aidplatform.lib.http import attempt, policy, signed_in
from aidplatform.lib.templating import in_language
from members.joining.child_papers import paper_of_family
from members.joining.family import access_child
from members.joining.family_models import FamilyMember
from members.joining.forms import AskPayerForm
from members.joining.models import Membership
from members.joining.payers import (
    accept_link,
    access_link,
    ask_payer,
    counts_until,
    end_link,
    payers_of,
)
from members.joining.selectors import access_membership, end_of
from members.people.models import User
from members.pools.selectors import pays_ahead


@policy("member")
@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def my_payer(request: HttpRequest, code: str) -> HttpResponse:
    """Show who pays for the member and for whom the member pays; take a question to another member."""
    membership = access_membership(code=code, person=_person(request))
    if request.method != "POST":
        return _page(request, membership)
    form = AskPayerForm(request.POST)
    if not form.is_valid():
        return _page(request, membership, form)
    _link, refusal = attempt(
        lambda: ask_payer(membership=membership, payer_number=form.cleaned_data["number"], at=clock.now())
    )
    if refusal is not None:
        return _page(request, membership, form, refusal)
    return redirect("my_payer", code=code)


@policy("member")
@signed_in
@require_POST
def accept_payer(request: HttpRequest, code: str, link_id: int) -> HttpResponse:
    """Pay for who has asked."""
    person = _person(request)
    membership = access_membership(code=code, person=person)
    link = access_link(membership=membership, link_id=link_id)
    _link, refusal = attempt(lambda: accept_link(link=link, person=person))
    return redirect("my_payer", code=code) if refusal is None else _page(request, membership, None, refusal)


@policy("member")
@signed_in
@require_POST
def end_payer(request: HttpRequest, code: str, link_id: int) -> HttpResponse:
    """End it, decline it or take the question back."""
    person = _person(request)
    membership = access_membership(code=code, person=person)
    link = access_link(membership=membership, link_id=link_id)
    _link, refusal = attempt(lambda: end_link(link=link, person=person))
    return redirect("my_payer", code=code) if refusal is None else _page(request, membership, None, refusal)


@policy("member")
@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def child_payer(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Show a guardian who pays for a child without an account; take a question to another member."""
    member = _child(request, code, number)
    if request.method != "POST":
        return _child_page(request, member)
    form = AskPayerForm(request.POST)
    if not form.is_valid():
        return _child_page(request, member, form)
    asked = form.cleaned_data["number"]
    _link, refusal = attempt(
        lambda: ask_payer(membership=member.membership, payer_number=asked, at=clock.now())
    )
    if refusal is not None:
        return _child_page(request, member, form, refusal)
    return redirect("child_payer", code=code, number=number)


@policy("member")
@signed_in
@require_POST
def end_child_payer(request: HttpRequest, code: str, number: int, link_id: int) -> HttpResponse:
    """End that somebody pays for a child, or take the question back."""
    member = _child(request, code, number)
    link = access_link(membership=member.membership, link_id=link_id)
    _link, refusal = attempt(lambda: end_link(link=link, person=_person(request)))
    if refusal is not None:
        return _child_page(request, member, None, refusal)
    return redirect("child_payer", code=code, number=number)


def _child(request: HttpRequest, code: str, number: int) -> FamilyMember:
    return access_child(guardian=access_membership(code=code, person=_person(request)), number=number)


def _child_page(
    request: HttpRequest,
    member: FamilyMember,
    form: AskPayerForm | None = None,
    refusal: DomainError | None = None,
) -> HttpResponse:
    pool, payers = member.membership.pool, payers_of(member.membership, clock.now())
    is_mine = payers.paid_by is not None and payers.paid_by.payer_id == member.guardian_id
    context: dict[str, Any] = {
        "section": "pools",
        "pool": pool,
        "membership": member.membership,
        "paper": paper_of_family(member),
        "payers": payers,
        "is_asked_from_me": end_of(member.guardian) is None,
        "is_mine": is_mine,
        "mine_until": counts_until(member.guardian),
        "pays_ahead": pays_ahead(pool),
        "form": form or AskPayerForm(),
        "refusal": refusal,
        "crumbs": [
            (in_language(pool.name_en, pool.name_zh), reverse("pool", args=[pool.code])),
            (_("My place"), reverse("my_pool", args=[pool.code])),
            (_("My family"), reverse("family", args=[pool.code])),
            (_("Who pays"), ""),
        ],
    }
    status = refusal.status if refusal else 422 if form is not None else 200
    return render(request, "members/joining/child_payer.html", context, status=status)


def _page(
    request: HttpRequest,
    membership: Membership,
    form: AskPayerForm | None = None,
    refusal: DomainError | None = None,
) -> HttpResponse:
    pool = membership.pool
    context: dict[str, Any] = {
        "section": "pools",
        "pool": pool,
        "membership": membership,
        "payers": payers_of(membership, clock.now()),
        "pays_ahead": pays_ahead(pool),
        "form": form or AskPayerForm(),
        "refusal": refusal,
        "crumbs": [
            (in_language(pool.name_en, pool.name_zh), reverse("pool", args=[pool.code])),
            (_("My place"), reverse("my_pool", args=[pool.code])),
            (_("Who pays for whom"), ""),
        ],
    }
    status = refusal.status if refusal else 422 if form is not None else 200
    return render(request, "members/joining/payer.html", context, status=status)


def _person(request: HttpRequest) -> User:
    return cast(User, request.user)
