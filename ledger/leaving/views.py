"""The pages on which a member leaves, or ends the membership of a child: what it means, then one button."""

import datetime as dt
import uuid
from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from aidplatform.lib import clock
from aidplatform.lib.errors import DomainError
from aidplatform.lib.http import attempt, policy, signed_in
from aidplatform.lib.templating import in_language
from aidplatform.work.idempotency import once, scope_of
from ledger.leaving.forms import LeaveForm
from ledger.leaving.selectors import Parting, family_parting_of, parting_of
from ledger.leaving.services import end_child, leave_pool
from members.joining.child_papers import paper_of_family
from members.joining.family import access_child, family_of
from members.joining.family_models import FamilyMember
from members.joining.models import Membership
from members.joining.payers import payers_of
from members.joining.selectors import access_membership, covers_of, end_of
from members.people.models import User
from members.people.parting import parting_words, staying_words


@policy("member")
@signed_in
@require_safe
def leaving(request: HttpRequest, code: str) -> HttpResponse:
    """Show what leaving today means; who has left already sees their page."""
    membership = access_membership(code=code, person=cast(User, request.user))
    if end_of(membership) is not None:
        return redirect("my_pool", code=code)
    return _page(request, membership)


@policy("member")
@signed_in
@require_POST
def leave(request: HttpRequest, code: str) -> HttpResponse:
    """Leave, exactly as it was shown; the same click again is the same deed."""
    leaver = cast(User, request.user)
    membership = access_membership(code=code, person=leaver)
    family = [one.membership.number for one in family_of(membership, clock.now())]
    adults = [link.membership.number for link in payers_of(membership, clock.now()).pays_for]
    form = LeaveForm(request.POST, children=family, adults=adults)
    if not form.is_valid():
        return _page(request, membership, refusal=DomainError(_("The form is incomplete. Reload the page.")))
    shown, children = form.cleaned_data["shown_sha256"], sorted(form.cleaned_data["children"])
    asked = sorted(form.cleaned_data["asked"])

    def act() -> dict[str, Any]:
        parting = leave_pool(
            membership=membership,
            leaver=leaver,
            shown_sha256=shown,
            at=clock.now(),
            children=children,
            asked=asked,
        )
        return {"end_date": parting.end_date.isoformat()}

    refusal = attempt(
        lambda: once(
            scope=scope_of(leaver.code, code, "leave"),
            key=str(form.cleaned_data["key"]),
            content={"shown_sha256": shown, "children": children, "asked": asked},
            act=act,
        )
    )[1]
    if refusal:
        return _page(request, membership, refusal=refusal)
    return redirect("my_pool", code=code)


@policy("member")
@signed_in
@require_safe
def child_leaving(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Show a guardian what ending a child's membership today means; over already: the page of the family."""
    member = _child(request, code, number)
    if end_of(member.membership) is not None:
        return redirect("family", code=code)
    return _child_page(request, member)


@policy("member")
@signed_in
@require_POST
def child_leave(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """End a child's membership, exactly as it was shown; the same click again is the same deed."""
    guardian, member = cast(User, request.user), _child(request, code, number)
    form = LeaveForm(request.POST)
    if not form.is_valid():
        return _child_page(request, member, DomainError(_("The form is incomplete. Reload the page.")))
    shown = form.cleaned_data["shown_sha256"]

    def act() -> dict[str, Any]:
        parting = end_child(child=member.membership, guardian=guardian, shown_sha256=shown, at=clock.now())
        return {"end_date": parting.end_date.isoformat()}

    refusal = attempt(
        lambda: once(
            scope=scope_of(guardian.code, code, f"end_child/{number}"),
            key=str(form.cleaned_data["key"]),
            content={"shown_sha256": shown},
            act=act,
        )
    )[1]
    return _child_page(request, member, refusal) if refusal else redirect("family", code=code)


def _child(request: HttpRequest, code: str, number: int) -> FamilyMember:
    guardian = access_membership(code=code, person=cast(User, request.user))
    return access_child(guardian=guardian, number=number)


def _child_page(
    request: HttpRequest, member: FamilyMember, refusal: DomainError | None = None
) -> HttpResponse:
    pool, now = member.membership.pool, clock.now()
    parting = parting_of(member.membership, now)
    context = {
        "section": "pools",
        "pool": pool,
        "membership": member.membership,
        "paper": paper_of_family(member),
        "parting": parting,
        "ends_waiting": _ends_waiting(member.membership, parting, now),
        "words": parting_words(parting.figures | {"currency": pool.currency}, is_own=False),
        "form": LeaveForm(initial={"key": uuid.uuid4(), "shown_sha256": parting.shown_sha256}),
        "refusal": refusal,
        "crumbs": [
            (in_language(pool.name_en, pool.name_zh), reverse("pool", args=[pool.code])),
            (_("My place"), reverse("my_pool", args=[pool.code])),
            (_("My family"), reverse("family", args=[pool.code])),
            (_("End this membership"), ""),
        ],
    }
    return render(
        request, "ledger/leaving/leave_child.html", context, status=refusal.status if refusal else 200
    )


def _ends_waiting(membership: Membership, parting: Parting, now: dt.datetime) -> bool:
    """Tell whether the cover would end before anything that happens could be asked aid for."""
    cover = covers_of([membership], now)[membership.pk]
    first = min(cover.eligible_date, cover.accident_date or cover.eligible_date)
    return first >= parting.end_date


def _page(
    request: HttpRequest, membership: Membership, *, refusal: DomainError | None = None
) -> HttpResponse:
    pool, now = membership.pool, clock.now()
    family = family_parting_of(membership, now)
    parting = family.own
    context = {
        "section": "pools",
        "pool": pool,
        "membership": membership,
        "parting": parting,
        "ends_waiting": _ends_waiting(membership, parting, now),
        "family": family,
        "children": [
            (one, parting_words(its.figures | {"currency": pool.currency}, is_own=False))
            for one, its in family.children
        ],
        "adults": [
            (one, staying_words(one.number, family.last_date.isoformat(), is_asked=False))
            for one in family.adults
        ],
        "words": parting_words(parting.figures | {"currency": pool.currency}),
        "form": LeaveForm(initial={"key": uuid.uuid4(), "shown_sha256": family.shown_sha256}),
        "refusal": refusal,
        "crumbs": [
            (in_language(pool.name_en, pool.name_zh), reverse("pool", args=[pool.code])),
            (_("My place"), reverse("my_pool", args=[pool.code])),
            (_("Leave"), ""),
        ],
    }
    return render(request, "ledger/leaving/leave.html", context, status=refusal.status if refusal else 200)
