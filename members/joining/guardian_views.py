"""Children without a guardian: the page of who runs the pool, and the one on which an adult asks to speak for one."""

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
from members.joining.forms import GuardianshipForm, ShownForm
from members.joining.guardian_models import GuardianRequest
from members.joining.guardians import (
    Asked,
    access_own,
    access_request,
    ask_guardianship,
    decline_guardian,
    grant_guardian,
    left_alone,
    own_requests,
    plan_today,
    proof_of,
    propose_guardian,
    requests_of,
    with_texts,
)
from members.joining.models import Membership
from members.joining.selectors import access_membership, goes_on
from members.people.models import User
from members.pools.models import DutyGrant, Pool
from members.pools.rules import duty_required
from members.pools.selectors import access_pool, duties_of

ADMIN = DutyGrant.Duty.POOL_ADMIN.value
CONTROLLER = DutyGrant.Duty.CONTROLLER.value
DECIDERS = (ADMIN, CONTROLLER)
SHOWN = 50
_WAITING = (GuardianRequest.State.ASKED, GuardianRequest.State.PROPOSED)


def _person(request: HttpRequest) -> User:
    return cast(User, request.user)


@duty_required(*DECIDERS)
@require_safe
def guardians(request: HttpRequest, code: str) -> HttpResponse:
    """List the children without a guardian in the pool, and who asks to speak for one."""
    return _page(request, access_pool(code=code))


@duty_required(ADMIN)
@require_POST
def propose(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Propose the asker as guardian, with the paper seen."""
    pool = access_pool(code=code)
    found = access_request(pool=pool, number=number)
    proposer = _person(request).code
    return _decided(request, pool, lambda: propose_guardian(request=found, proposer=proposer, at=clock.now()))


@duty_required(CONTROLLER)
@require_POST
def grant(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Grant exactly what was shown."""
    pool, form = access_pool(code=code), ShownForm(request.POST)
    found = access_request(pool=pool, number=number)
    if not form.is_valid():
        return _page(request, pool, DomainError(_("The form is incomplete. Reload the page.")))
    shown, granter = form.cleaned_data["shown_sha256"], _person(request).code
    return _decided(
        request,
        pool,
        lambda: grant_guardian(request=found, granter=granter, shown_sha256=shown, at=clock.now()),
    )


@duty_required(*DECIDERS)
@require_POST
def decline(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Decline a request, or take a proposal back."""
    pool = access_pool(code=code)
    found = access_request(pool=pool, number=number)
    decliner = _person(request).code
    return _decided(request, pool, lambda: decline_guardian(request=found, decliner=decliner, at=clock.now()))


def _decided(request: HttpRequest, pool: Pool, act: Callable[[], GuardianRequest]) -> HttpResponse:
    refusal = attempt(act)[1]
    return redirect("guardians", code=pool.code) if refusal is None else _page(request, pool, refusal)


def _page(request: HttpRequest, pool: Pool, refusal: DomainError | None = None) -> HttpResponse:
    person = _person(request)
    waiting = with_texts(list(requests_of(pool).filter(state__in=_WAITING)))
    context = {
        "section": "pools",
        "pool": pool,
        "staff": duties_of(person, pool),
        "me": person.code,
        "children": list(left_alone(pool)),
        "waiting": [
            (
                shown,
                ShownForm(
                    initial={"shown_sha256": shown.request.shown_sha256},
                    auto_id=f"grant-{shown.request.number}-%s",
                ),
            )
            for shown in waiting
        ],
        "decided": requests_of(pool).exclude(state__in=_WAITING)[:SHOWN],
        "refusal": refusal,
        "crumbs": [
            (in_language(pool.name_en, pool.name_zh), reverse("pool", args=[pool.code])),
            (_("Children without a guardian"), ""),
        ],
    }
    status = refusal.status if refusal else 200
    return render(request, "members/joining/guardians.html", context, status=status)


# --- one's own ----------------------------------------------------------------------------------------------------


@policy("member")
@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def my_guardianships(request: HttpRequest, code: str) -> HttpResponse:
    """Ask to speak for a child that has no guardian in the pool; see what became of it."""
    membership = access_membership(code=code, person=_person(request))
    if request.method != "POST":
        return _own_page(request, membership)
    form = GuardianshipForm(request.POST)
    if not form.is_valid():
        return _own_page(request, membership, form)
    given = form.cleaned_data
    asked = Asked(
        given["number"], given["relation"], given["proof"], given["has_agreed"], given["shown_sha256"]
    )
    _made, refusal = attempt(lambda: ask_guardianship(asker=membership, asked=asked, at=clock.now()))
    if refusal is not None:
        return _own_page(request, membership, form, refusal)
    messages.success(
        request, _("Asked. Show the paper to a pool admin; you will be told what two people decide.")
    )
    return redirect("my_guardianships", code=code)


@policy("member")
@signed_in
@require_POST
def take_back(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Take one's own request back."""
    person = _person(request)
    membership = access_membership(code=code, person=person)
    found = access_own(asker=membership, number=number)
    refusal = attempt(lambda: decline_guardian(request=found, decliner=person.code, at=clock.now()))[1]
    if refusal is not None:
        return _own_page(request, membership, None, refusal)
    return redirect("my_guardianships", code=code)


def _own_page(
    request: HttpRequest,
    membership: Membership,
    form: GuardianshipForm | None = None,
    refusal: DomainError | None = None,
) -> HttpResponse:
    pool = membership.pool
    version = plan_today(pool)
    initial = {"shown_sha256": version.covenant_sha256, "number": request.GET.get("child", "")}
    context = {
        "section": "pools",
        "pool": pool,
        "version": version,
        "goes_on": goes_on(membership),
        "requests": [(one, proof_of(one)) for one in own_requests(membership)],
        "form": form or GuardianshipForm(initial=initial),
        "refusal": refusal,
        "crumbs": [
            (in_language(pool.name_en, pool.name_zh), reverse("pool", args=[pool.code])),
            (_("My place"), reverse("my_pool", args=[pool.code])),
            (_("My family"), reverse("family", args=[pool.code])),
            (_("Speak for a child"), ""),
        ],
    }
    status = refusal.status if refusal else 422 if form is not None else 200
    return render(request, "members/joining/my_guardianships.html", context, status=status)
