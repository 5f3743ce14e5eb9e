"""Pages of who may claim for a member: whom I have named, and for whom I stand by."""

from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from aidplatform.lib import clock
from aidplatform.lib.errors import DomainError
from aidplatform.lib.http import attempt, policy, signed_in
from aidplatform.lib.templating import in_language
from members.joining.deputies import (
    accept_deputy,
    access_deputyship,
    access_named,
    claims_begin_for,
    deputies_of,
    deputyships_of,
    end_deputy,
    name_deputy,
)
from members.joining.deputy_link_triggers import DAYS_OPEN
from members.joining.deputy_links import MadeLink, links_of, named_by_link
from members.joining.deputy_triggers import MOST_DEPUTIES
from members.joining.forms import DeputyForm, DeputyLinkForm
from members.joining.models import Membership
from members.joining.selectors import access_membership, end_of
from members.people.models import User


@policy("member")
@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def my_deputies(request: HttpRequest, code: str) -> HttpResponse:
    """Show whom the member has named to claim for them; name somebody."""
    membership = access_membership(code=code, person=_person(request))
    if request.method != "POST":
        return deputies_page(request, membership)
    form = DeputyForm(request.POST)
    if not form.is_valid():
        return deputies_page(request, membership, form)
    _made, refusal = attempt(lambda: name_deputy(membership=membership, at=clock.now(), **form.cleaned_data))
    if refusal is not None:
        return deputies_page(request, membership, form, refusal)
    return redirect("my_deputies", code=code)


@policy("member")
@signed_in
@require_POST
def end_named(request: HttpRequest, code: str, deputy_id: int) -> HttpResponse:
    """End, as the member, that somebody may claim for them, or take the naming back."""
    person = _person(request)
    membership = access_membership(code=code, person=person)
    end_deputy(deputy=access_named(membership=membership, deputy_id=deputy_id), person=person)
    return redirect("my_deputies", code=code)


@signed_in
@require_safe
def standing_by(request: HttpRequest) -> HttpResponse:
    """Show for whom the person stands by, and who asks them to."""
    return _standing_page(request)


@signed_in
@require_POST
def accept(request: HttpRequest, deputy_id: int) -> HttpResponse:
    """Agree to stand by for a member."""
    person = _person(request)
    found = access_deputyship(person=person, deputy_id=deputy_id)
    refusal = attempt(lambda: accept_deputy(deputy=found, person=person))[1]
    return redirect("standing_by") if refusal is None else _standing_page(request, refusal)


@signed_in
@require_POST
def end(request: HttpRequest, deputy_id: int) -> HttpResponse:
    """Decline, or stand by no more."""
    person = _person(request)
    end_deputy(deputy=access_deputyship(person=person, deputy_id=deputy_id), person=person)
    return redirect("standing_by")


def deputies_page(
    request: HttpRequest,
    membership: Membership,
    form: DeputyForm | None = None,
    refusal: DomainError | None = None,
    *,
    link_form: DeputyLinkForm | None = None,
    made: MadeLink | None = None,
) -> HttpResponse:
    """Show whom a member has named, and the links that nobody has used; made: a link that is shown now, once."""
    pool, named = membership.pool, list(deputies_of(membership))
    links, said = links_of(membership, clock.now()), named_by_link(membership)
    waiting = sum(not one.has_expired for one in links)
    context: dict[str, Any] = {
        "section": "pools",
        "pool": pool,
        "named": [(one, said.get(one.pk, "")) for one in named],
        "links": links,
        "made": made,
        "link_days": DAYS_OPEN,
        "most": MOST_DEPUTIES,
        "is_full": len(named) + waiting >= MOST_DEPUTIES,
        "is_over": end_of(membership) is not None,
        "form": form or DeputyForm(),
        "link_form": link_form or DeputyLinkForm(),
        "refusal": refusal,
        "crumbs": [
            (in_language(pool.name_en, pool.name_zh), reverse("pool", args=[pool.code])),
            (_("My place"), reverse("my_pool", args=[pool.code])),
            (_("Who may claim for me"), ""),
        ],
    }
    status = refusal.status if refusal else 422 if form is not None or link_form is not None else 200
    return render(request, "members/joining/deputies.html", context, status=status)


def _standing_page(request: HttpRequest, refusal: DomainError | None = None) -> HttpResponse:
    person = _person(request)
    context = {
        "section": "claims",
        "deputyships": list(deputyships_of(person)),
        "may_begin": set(claims_begin_for(person).values_list("pk", flat=True)),
        "refusal": refusal,
        "crumbs": [(_("My claims"), reverse("my_claims")), (_("For whom I stand by"), "")],
    }
    status = refusal.status if refusal else 200
    return render(request, "members/joining/standing_by.html", context, status=status)


def _person(request: HttpRequest) -> User:
    return cast(User, request.user)
