"""The page on which a pool that ends is settled: the treasurer's order, the controller's approval."""

from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from aidplatform.lib import clock
from aidplatform.lib.errors import DomainError
from aidplatform.lib.http import attempt
from aidplatform.lib.templating import in_language
from ledger.custody import settlements
from ledger.custody.pages import CONTROLLER, MONEY, READERS, TREASURER
from ledger.custody.settlement_models import FinalSettlement
from members.people.models import User
from members.pools.models import Pool
from members.pools.rules import duty_required
from members.pools.selectors import access_pool, duties_of

State = FinalSettlement.State


@duty_required(*READERS)
@require_safe
def settlement(request: HttpRequest, code: str) -> HttpResponse:
    """Show what a settlement would be of, and every one that was ordered."""
    return _page(request, access_pool(code=code))


def _page(request: HttpRequest, pool: Pool, refusal: DomainError | None = None) -> HttpResponse:
    person = cast(User, request.user)
    found = list(settlements.settlements(pool)[:20])
    waiting = next((one for one in found if one.state == State.ORDERED), None)
    context: dict[str, Any] = {
        "section": "pools",
        "pool": pool,
        "duties": duties_of(person, pool),
        "preview": settlements.preview(pool),
        "settlements": found,
        "waiting": waiting,
        "shown_text": settlements.shown_text(waiting) if waiting else "",
        "is_orderer": waiting is not None and waiting.ordered_by == person.code,
        "refusal": refusal,
        "crumbs": [
            (in_language(pool.name_en, pool.name_zh), reverse("pool", args=[pool.code])),
            (_("How it ends"), reverse("ending", args=[pool.code])),
            (_("Settlement"), ""),
        ],
    }
    return render(request, "site/settlement.html", context, status=refusal.status if refusal else 200)


@duty_required(TREASURER)
@require_POST
def order(request: HttpRequest, code: str) -> HttpResponse:
    """Order the settlement; one waits already: the page."""
    pool = access_pool(code=code)
    if pool.settlements.filter(state=State.ORDERED, ordered_by=_code(request)).exists():
        return redirect("settlement", code=code)
    _made, refusal = attempt(
        lambda: settlements.order_settlement(pool=pool, orderer=_code(request), at=clock.now())
    )
    return _page(request, pool, refusal) if refusal else redirect("settlement", code=code)


@duty_required(CONTROLLER)
@require_POST
def approve(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Settle exactly what was shown; done already: the page."""
    pool = access_pool(code=code)
    found = settlements.access_settlement(pool=pool, number=number)
    if found.state == State.APPROVED and found.decided_by == _code(request):
        return redirect("settlement", code=code)
    _made, refusal = attempt(
        lambda: settlements.approve_settlement(
            settlement=found,
            approver=_code(request),
            shown_sha256=request.POST.get("shown_sha256", ""),
            at=clock.now(),
        )
    )
    return _page(request, pool, refusal) if refusal else redirect("settlement", code=code)


@duty_required(*MONEY)
@require_POST
def withdraw(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Take an order back or turn it down; done already: the page."""
    pool = access_pool(code=code)
    found = settlements.access_settlement(pool=pool, number=number)
    if found.state == State.WITHDRAWN:
        return redirect("settlement", code=code)
    _made, refusal = attempt(
        lambda: settlements.withdraw_settlement(settlement=found, withdrawer=_code(request), at=clock.now())
    )
    return _page(request, pool, refusal) if refusal else redirect("settlement", code=code)


def _code(request: HttpRequest) -> str:
    return cast(User, request.user).code
