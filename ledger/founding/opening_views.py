"""Pages of the balances with which a pool that moves in begins its books."""

from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from aidplatform.lib import clock
from aidplatform.lib.errors import DomainError, ForbiddenError, NotFoundError
from aidplatform.lib.http import attempt
from aidplatform.lib.templating import in_language
from ledger.custody.models import BankStatement
from ledger.founding import moving_in
from ledger.founding.forms import ApproveOpeningForm, OpeningForm
from ledger.founding.models import OpeningBalances
from ledger.founding.views import ADMIN, FOUNDERS
from members.people.models import User
from members.pools.models import DutyGrant, Pool
from members.pools.rules import duty_required
from members.pools.selectors import access_pool, duties_of

CONTROLLER = DutyGrant.Duty.CONTROLLER.value
TREASURER = DutyGrant.Duty.TREASURER.value
PROPOSERS = (ADMIN, TREASURER)


@duty_required(*FOUNDERS)
@require_http_methods(["GET", "HEAD", "POST"])
def opening(request: HttpRequest, code: str) -> HttpResponse:
    """Show the opening balances and who has to do what; take a proposal."""
    pool = access_pool(code=code)
    if request.method != "POST":
        return _page(request, pool)
    if not duties_of(_person(request), pool) & set(PROPOSERS):
        raise ForbiddenError(_("Your duties in this pool do not include this."))
    form = OpeningForm(request.POST)
    if not form.is_valid():
        return _page(request, pool, form)
    told = form.cleaned_data
    _done, refusal = attempt(
        lambda: moving_in.propose_opening(
            pool=pool,
            custody_fen=told["custody"] or 0,
            carried_surplus_fen=told["carried_surplus"] or 0,
            reserve_fen=told["reserve"] or 0,
            proof=told["proof"],
            proposer=_person(request).code,
            at=clock.now(),
        )
    )
    return redirect("opening_balances", code=code) if refusal is None else _page(request, pool, form, refusal)


@duty_required(CONTROLLER)
@require_POST
def approve(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Book the balances that were shown."""
    pool = access_pool(code=code)
    found = access_opening(pool, number)
    if found.state == OpeningBalances.State.APPROVED and found.decided_by == _person(request).code:
        return redirect("opening_balances", code=code)  # the second click of two
    form = ApproveOpeningForm(request.POST)
    shown = form.cleaned_data["shown_sha256"] if form.is_valid() else ""
    _done, refusal = attempt(
        lambda: moving_in.approve_opening(
            opening=found, approver=_person(request).code, shown_sha256=shown, at=clock.now()
        )
    )
    return redirect("opening_balances", code=code) if refusal is None else _page(request, pool, None, refusal)


@duty_required(CONTROLLER, *PROPOSERS)
@require_POST
def withdraw(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Take balances back, or turn them down."""
    pool = access_pool(code=code)
    found = access_opening(pool, number)
    if found.state == OpeningBalances.State.WITHDRAWN:
        return redirect("opening_balances", code=code)
    _done, refusal = attempt(
        lambda: moving_in.withdraw_opening(opening=found, withdrawer=_person(request).code, at=clock.now())
    )
    return redirect("opening_balances", code=code) if refusal is None else _page(request, pool, None, refusal)


def access_opening(pool: Pool, number: int) -> OpeningBalances:
    """Return opening balances of the pool. Raises: NotFoundError."""
    found = OpeningBalances.objects.select_related("pool").filter(pool=pool, number=number).first()
    if found is None:
        raise NotFoundError(_("This pool has no such opening balances."))
    return found


def _page(
    request: HttpRequest,
    pool: Pool,
    form: OpeningForm | None = None,
    refusal: DomainError | None = None,
) -> HttpResponse:
    person = _person(request)
    found = list(
        OpeningBalances.objects.filter(pool=pool)
        .select_related("entry__reversed_by")
        .order_by("-number")[:20]
    )
    waiting = next((one for one in found if one.state == OpeningBalances.State.PROPOSED), None)
    in_force = next((one for one in found if one.entry is not None and not one.is_reversed), None)
    context: dict[str, Any] = {
        "section": "pools",
        "pool": pool,
        "duties": duties_of(person, pool),
        "openings": found,
        "waiting": waiting,
        "in_force": in_force,
        "is_shown": BankStatement.objects.filter(account__pool=pool).exists(),
        "listed": moving_in.listed_sums(pool),
        "is_own": waiting is not None and waiting.proposed_by == person.code,
        "form": form or OpeningForm(),
        "approve_form": ApproveOpeningForm(initial={"shown_sha256": waiting.shown_sha256 if waiting else ""}),
        "refusal": refusal,
        "crumbs": [
            (in_language(pool.name_en, pool.name_zh), reverse("pool", args=[pool.code])),
            (_("Move in"), reverse("move_in", args=[pool.code])),
            (_("Opening balances"), ""),
        ],
    }
    status = refusal.status if refusal else 422 if form is not None else 200
    return render(request, "ledger/founding/opening.html", context, status=status)


def _person(request: HttpRequest) -> User:
    return cast(User, request.user)
