"""Corrections of an identity: the page on which a member asks, and those of the two people who decide."""

from collections.abc import Callable
from typing import cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from aidplatform.lib import clock
from aidplatform.lib.errors import DomainError
from aidplatform.lib.http import attempt, policy, signed_in
from aidplatform.lib.templating import in_language
from members.joining.child_papers import paper_of_family
from members.joining.correction_models import IdentityCorrection
from members.joining.corrections import (
    Wrong,
    access_correction,
    access_own,
    ask_child_correction,
    ask_correction,
    child_corrections,
    corrections_of,
    decline_correction,
    grant_correction,
    own_corrections,
    propose_correction,
    shown,
)
from members.joining.family import access_child
from members.joining.family_models import FamilyMember
from members.joining.forms import CorrectionForm, ShownForm
from members.joining.models import Membership
from members.joining.selectors import access_membership
from members.people.identity import Paper, paper_of
from members.people.models import User
from members.pools.document_kinds import taken_beside
from members.pools.document_terms import DocumentTerms
from members.pools.models import DutyGrant, Pool
from members.pools.rules import duty_required
from members.pools.selectors import access_pool, duties_of

ADMIN = DutyGrant.Duty.POOL_ADMIN.value
CONTROLLER = DutyGrant.Duty.CONTROLLER.value
DECIDERS = (ADMIN, CONTROLLER)
SHOWN = 50
WAITING = (IdentityCorrection.State.ASKED, IdentityCorrection.State.PROPOSED)


def _person(request: HttpRequest) -> User:
    return cast(User, request.user)


@duty_required(*DECIDERS)
@require_safe
def corrections(request: HttpRequest, code: str) -> HttpResponse:
    """List who asks for a correction; who they are stands on the page of each request alone."""
    pool = access_pool(code=code)
    found = corrections_of(pool)
    context = {
        "section": "pools",
        "pool": pool,
        "staff": duties_of(_person(request), pool),
        "waiting": found.filter(state__in=WAITING),
        "decided": found.exclude(state__in=WAITING)[:SHOWN],
        "crumbs": [
            (in_language(pool.name_en, pool.name_zh), reverse("pool", args=[pool.code])),
            (_("Corrections"), ""),
        ],
    }
    return render(request, "members/joining/corrections.html", context)


@duty_required(*DECIDERS)
@require_safe
def correction(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Show what stands and what is asked for, side by side, until it is decided."""
    return _page(request, access_correction(pool=access_pool(code=code), number=number))


@duty_required(ADMIN)
@require_POST
def propose(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Propose the correction, with the paper seen."""
    found = access_correction(pool=access_pool(code=code), number=number)
    proposer = _person(request).code
    return _decided(
        request, found, lambda: propose_correction(correction=found, proposer=proposer, at=clock.now())
    )


@duty_required(CONTROLLER)
@require_POST
def grant(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Grant exactly what was shown."""
    found, form = access_correction(pool=access_pool(code=code), number=number), ShownForm(request.POST)
    if not form.is_valid():
        return _page(request, found, DomainError(_("The form is incomplete. Reload the page.")))
    hashed, granter = form.cleaned_data["shown_sha256"], _person(request).code
    return _decided(
        request,
        found,
        lambda: grant_correction(correction=found, granter=granter, shown_sha256=hashed, at=clock.now()),
    )


@duty_required(*DECIDERS)
@require_POST
def decline(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Decline a request, or take a proposal back."""
    found = access_correction(pool=access_pool(code=code), number=number)
    decliner = _person(request).code
    return _decided(
        request, found, lambda: decline_correction(correction=found, decliner=decliner, at=clock.now())
    )


def _decided(
    request: HttpRequest, found: IdentityCorrection, act: Callable[[], IdentityCorrection]
) -> HttpResponse:
    refusal = attempt(act)[1]
    if refusal is not None:
        return _page(request, found, refusal)
    return redirect("identity_correction", code=found.pool.code, number=found.number)


def _page(
    request: HttpRequest, found: IdentityCorrection, refusal: DomainError | None = None
) -> HttpResponse:
    pool = found.pool
    found.refresh_from_db(fields=["state", "shown_sha256"])
    context = {
        "section": "pools",
        "pool": pool,
        "staff": duties_of(_person(request), pool),
        "me": _person(request).code,
        "one": found,
        "shown": shown(found) if found.state in WAITING else None,
        "form": ShownForm(initial={"shown_sha256": found.shown_sha256}),
        "refusal": refusal,
        "crumbs": [
            (in_language(pool.name_en, pool.name_zh), reverse("pool", args=[pool.code])),
            (_("Corrections"), reverse("identity_corrections", args=[pool.code])),
            (found.number, ""),
        ],
    }
    status = refusal.status if refusal else 200
    return render(request, "members/joining/correction.html", context, status=status)


# --- one's own ----------------------------------------------------------------------------------------------------


@policy("member")
@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def my_identity(request: HttpRequest, code: str) -> HttpResponse:
    """Show who the member is on paper, what was corrected, and ask for a correction."""
    membership = access_membership(code=code, person=_person(request))
    if request.method != "POST":
        return _own_page(request, membership)
    known = paper_of(_person(request))
    form = CorrectionForm(request.POST, documents=_documents(membership.pool, known))
    if not form.is_valid():
        return _own_page(request, membership, form)
    wrong = Wrong(form.paper(), form.cleaned_data["reason"], form.cleaned_data["proof"])
    _made, refusal = attempt(lambda: ask_correction(membership=membership, wrong=wrong, at=clock.now()))
    if refusal is not None:
        return _own_page(request, membership, form, refusal)
    messages.success(
        request, _("Asked. Show the paper to a pool admin; you will be told what two people decide.")
    )
    return redirect("my_identity", code=code)


@policy("member")
@signed_in
@require_POST
def take_back(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Take one's own request back."""
    person = _person(request)
    membership = access_membership(code=code, person=person)
    found = access_own(membership=membership, number=number)
    refusal = attempt(lambda: decline_correction(correction=found, decliner=person.code, at=clock.now()))[1]
    if refusal is not None:
        return _own_page(request, membership, None, refusal)
    return redirect("my_identity", code=code)


@policy("member")
@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def child_identity(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Show a guardian who their child is on paper, what was corrected, and ask for a correction."""
    member = _child(request, code, number)
    if request.method != "POST":
        return _child_page(request, member)
    form = CorrectionForm(request.POST, documents=_documents(member.membership.pool, paper_of_family(member)))
    if not form.is_valid():
        return _child_page(request, member, form)
    wrong = Wrong(form.paper(), form.cleaned_data["reason"], form.cleaned_data["proof"])
    _made, refusal = attempt(lambda: ask_child_correction(member=member, wrong=wrong, at=clock.now()))
    if refusal is not None:
        return _child_page(request, member, form, refusal)
    messages.success(
        request, _("Asked. Show the paper to a pool admin; you will be told what two people decide.")
    )
    return redirect("child_identity", code=code, number=number)


@policy("member")
@signed_in
@require_POST
def take_child_back(request: HttpRequest, code: str, number: int, request_no: int) -> HttpResponse:
    """Take a request for a child back."""
    member, person = _child(request, code, number), _person(request)
    found = access_own(membership=member.membership, number=request_no)
    refusal = attempt(lambda: decline_correction(correction=found, decliner=person.code, at=clock.now()))[1]
    if refusal is not None:
        return _child_page(request, member, None, refusal)
    return redirect("child_identity", code=code, number=number)


def _child(request: HttpRequest, code: str, number: int) -> FamilyMember:
    return access_child(guardian=access_membership(code=code, person=_person(request)), number=number)


def _child_page(
    request: HttpRequest,
    member: FamilyMember,
    form: CorrectionForm | None = None,
    refusal: DomainError | None = None,
) -> HttpResponse:
    membership, pool = member.membership, member.membership.pool
    known, requests = paper_of_family(member), list(child_corrections(membership))
    context = {
        "section": "pools",
        "pool": pool,
        "child": membership,
        "known": known,
        "requests": requests,
        "may_ask": not any(one.state in WAITING for one in requests) and not hasattr(membership, "end"),
        "form": form or CorrectionForm(initial=_initial(known), documents=_documents(pool, known)),
        "refusal": refusal,
        "crumbs": [
            (in_language(pool.name_en, pool.name_zh), reverse("pool", args=[pool.code])),
            (_("My place"), reverse("my_pool", args=[pool.code])),
            (_("My family"), reverse("family", args=[pool.code])),
            (_("Who they are"), ""),
        ],
    }
    status = refusal.status if refusal else 422 if form is not None else 200
    return render(request, "members/joining/my_identity.html", context, status=status)


def _own_page(
    request: HttpRequest,
    membership: Membership,
    form: CorrectionForm | None = None,
    refusal: DomainError | None = None,
) -> HttpResponse:
    pool, person = membership.pool, _person(request)
    known, requests = paper_of(person), list(own_corrections(person))
    is_waiting = any(one.state in WAITING for one in requests)
    context = {
        "section": "pools",
        "pool": pool,
        "known": known,
        "requests": requests,
        "may_ask": known is not None and not is_waiting and not hasattr(membership, "end"),
        "form": form or CorrectionForm(initial=_initial(known), documents=_documents(pool, known)),
        "refusal": refusal,
        "crumbs": [
            (in_language(pool.name_en, pool.name_zh), reverse("pool", args=[pool.code])),
            (_("My place"), reverse("my_pool", args=[pool.code])),
            (_("Who I am"), ""),
        ],
    }
    status = refusal.status if refusal else 422 if form is not None else 200
    return render(request, "members/joining/my_identity.html", context, status=status)


def _initial(known: Paper | None) -> dict[str, object]:
    """Return what is recorded, so that only what is wrong is typed; an identity number says the birth date itself."""
    if known is None:
        return {}
    return {
        "name": known.name,
        "kind": known.kind,
        "number": known.number,
        "country": known.country if known.kind == "passport" else "",
        "birth_date": known.birth_date if known.kind != "resident_id" else None,
    }


def _documents(pool: Pool, known: Paper | None) -> DocumentTerms:
    return taken_beside(pool, known.kind if known else "", clock.today(pool.time_zone))
