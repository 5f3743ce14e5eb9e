"""Pages of what investigations cost: the list, one with its approval, and the order to pay it."""

import uuid
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from aidplatform.lib import clock
from aidplatform.lib.csv_files import plain_fen
from aidplatform.lib.errors import DomainError
from ledger.custody import costs
from ledger.custody.cost_models import OutsideCost
from ledger.custody.forms import AidForm, KeyForm, ReleaseForm
from ledger.custody.models import PaymentOrder
from ledger.custody.pages import (
    CONTROLLER,
    MONEY,
    TREASURER,
    do_once,
    newest,
    order_once,
    page_context,
    person_of,
    render_page,
)
from members.pools.models import Pool
from members.pools.rules import duty_required
from members.pools.selectors import access_pool


@duty_required(*MONEY)
@require_safe
def overview(request: HttpRequest, code: str) -> HttpResponse:
    """List what investigations have cost, newest first."""
    pool = access_pool(code=code)
    found = costs.costs_of(pool)
    rows, neighbors = newest(request, found, reverse("custody_costs", args=[pool.code]))
    context = page_context(request, pool, "costs", (_("Investigations"), "")) | {
        "rows": costs.with_orders(rows),
        **neighbors,
    }
    return render_page(request, "costs", context)


@duty_required(*MONEY)
@require_safe
def cost(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Show one cost: exactly what an approval is for."""
    return _cost(request, access_pool(code=code), number)


def _cost(
    request: HttpRequest, pool: Pool, number: int, *, refusal: DomainError | None = None
) -> HttpResponse:
    found = costs.access_cost(pool=pool, number=number)
    context = page_context(request, pool, "costs", *_crumbs(pool, number)) | {
        "shown": costs.with_orders([found])[0],
        "one": found,
        "is_waiting": found.state == OutsideCost.State.BILLED,
        "is_biller": found.billed_by == person_of(request).code,
        "shown_text": costs.shown_text(found),
        "approve_form": ReleaseForm(initial={"key": uuid.uuid4(), "shown_sha256": found.shown_sha256}),
        "key_form": KeyForm(initial={"key": uuid.uuid4()}, auto_id="turn_down_%s"),
        "refusal": refusal,
    }
    return render_page(request, "cost", context)


@duty_required(CONTROLLER)
@require_POST
def approve(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Owe exactly what was shown."""
    pool, form = access_pool(code=code), ReleaseForm(request.POST)
    found = costs.access_cost(pool=pool, number=number)
    if not form.is_valid():
        error = DomainError(_("The approval did not say what it was for. Look at the cost, then approve it."))
        return _cost(request, pool, number, refusal=error)

    def act() -> dict[str, Any]:
        done = costs.approve_cost(
            cost=found,
            approver=person_of(request).code,
            shown_sha256=form.cleaned_data["shown_sha256"],
            at=clock.now(),
        )
        return {"state": done.state}

    refusal = do_once(request, pool, f"approve_cost/{number}", form, act)
    if refusal:
        return _cost(request, pool, number, refusal=refusal)
    return redirect("custody_cost", code=code, number=number)


@duty_required(CONTROLLER)
@require_POST
def turn_down(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Turn a bill down."""
    pool, form = access_pool(code=code), KeyForm(request.POST)
    found = costs.access_cost(pool=pool, number=number)
    form.is_valid()

    def act() -> dict[str, Any]:
        done = costs.turn_down_cost(cost=found, controller=person_of(request).code, at=clock.now())
        return {"state": done.state}

    refusal = do_once(request, pool, f"turn_down_cost/{number}", form, act)
    if refusal:
        return _cost(request, pool, number, refusal=refusal)
    return redirect("custody_cost", code=code, number=number)


@duty_required(TREASURER)
@require_http_methods(["GET", "HEAD", "POST"])
def pay(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Show what is to be paid of an approved cost, and order it to the account that the bill names."""
    pool = access_pool(code=code)
    found = costs.access_cost(pool=pool, number=number)
    shown, named = costs.with_orders([found])[0], costs.payee_of_cost(found)
    context = page_context(request, pool, "costs", *_crumbs(pool, number)) | {"shown": shown, "named": named}
    if request.method != "POST":
        first = {"key": uuid.uuid4(), "amount": plain_fen(shown.left_fen)}
        form = AidForm(named=named, initial=first)
        return render_page(request, "order_cost", context | {"form": form})
    form = AidForm(request.POST, named=named)
    if not form.is_valid():
        return render_page(request, "order_cost", context | {"form": form}, 422)
    form.cleaned_data |= {"payee_name": named.name, "payee_account": named.account}
    refusal = order_once(request, pool, form, kind=PaymentOrder.Kind.COST, cost=found)
    if refusal:
        return render_page(request, "order_cost", context | {"form": form, "refusal": refusal})
    return redirect("custody_payments", code=code)


def _crumbs(pool: Pool, number: int) -> tuple[tuple[object, str], ...]:
    return (
        (_("Investigations"), reverse("custody_costs", args=[pool.code])),
        (_("Cost %(number)s") % {"number": number}, ""),
    )
