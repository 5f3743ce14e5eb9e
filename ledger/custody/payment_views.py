"""Pages of payment orders: what can be paid, ordering, releasing, cancelling, the file for the bank."""

import hashlib
import re
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from aidplatform.lib import clock
from aidplatform.lib.csv_files import Text, csv_response, plain_fen
from aidplatform.lib.errors import DomainError, NotFoundError
from aidplatform.lib.http import attempt
from aidplatform.work import audit
from ledger.custody import (
    cash,
    costs,
    payment_files,
    release_limits,
    selectors,
    services,
    share_returns,
)
from ledger.custody.forms import (
    AidForm,
    KeyForm,
    PayeeForm,
    ReleaseForm,
)
from ledger.custody.models import PaymentOrder
from ledger.custody.pages import (
    CONTROLLER,
    MONEY,
    PAGE,
    READERS,
    TREASURER,
    do_each,
    do_once,
    newest,
    nothing_chosen,
    order_once,
    page_context,
    person_of,
    render_page,
)
from ledger.sharing.models import Award
from ledger.sharing.payees import Payee
from ledger.sharing.selectors import access_award, access_period, payee_of_award
from members.pools.models import Pool
from members.pools.rules import confirm_anew, duty_required, proved_afresh
from members.pools.selectors import access_pool, duties_of

FILES = 20
# What the fields of a list are called: the amount to be ordered of a case, and the hash of an order as it is shown.
AID_OF, RELEASE = "aid-", "release-"


@duty_required(*READERS)
@require_safe
def payments(request: HttpRequest, code: str) -> HttpResponse:
    """List payment orders, and what can be ordered now."""
    return _payments(request, access_pool(code=code))


def _payments(request: HttpRequest, pool: Pool, *, status: int = 200, **extra: Any) -> HttpResponse:
    found = selectors.orders(pool)
    rows, neighbors = newest(request, found, reverse("custody_payments", args=[pool.code]))
    payable = selectors.payable_awards(pool)
    unsent = [order.amount_fen for order in payment_files.waiting(pool)]
    context = page_context(request, pool, "payments") | {
        "orders": rows,
        **neighbors,
        "payable": payable,
        "ready_fen": sum(one.payable_fen for one in payable if one.is_ready),
        "to_release": _to_release(request, pool),
        "all_chosen": request.GET.get("choose") == "all",
        "cash": cash.cash_of(pool),
        "limits": release_limits.limits_of(pool),
        "fees": _payable_fees(pool),
        "returning": share_returns.waiting(pool),
        "costs": costs.waiting(pool),
        "unsent": len(unsent),
        "unsent_fen": sum(unsent),
        "files": payment_files.files_of(pool)[:FILES],
        "forms": payment_files.FORMS,
        "key_form": KeyForm(initial={"key": uuid.uuid4()}, auto_id=False),
    }
    return render_page(request, "payments", context | extra, status)


@dataclass(frozen=True)
class ToRelease:
    """An order that a controller can release, with the payee; why the payee cannot be read, where that is so."""

    order: PaymentOrder
    payee: Payee | None
    unreadable: DomainError | None
    reference: str


def _to_release(request: HttpRequest, pool: Pool) -> list[ToRelease]:
    """Return the oldest orders of others that wait for a release, for whoever may release them."""
    person = person_of(request)
    if CONTROLLER not in duties_of(person, pool):
        return []
    waiting = selectors.orders(pool).filter(state=PaymentOrder.State.ORDERED).exclude(ordered_by=person.code)
    return [
        ToRelease(order, *attempt(partial(selectors.payee_of, order)), selectors.order_reference(order))
        for order in waiting.order_by("number")[:PAGE]
    ]


@duty_required(TREASURER)
@require_POST
def order_chosen(request: HttpRequest, code: str) -> HttpResponse:
    """Order the aid that was chosen, of each case what the list showed; to whom the claimants named."""
    pool = access_pool(code=code)
    cases = [name.removeprefix(AID_OF) for name in request.POST if name.startswith(AID_OF)]
    awards = [access_award(pool=pool, code=case) for case in cases]
    deeds = {award.code: partial(_order_shown, request, pool, award) for award in awards}
    ordered, refusals = do_each(deeds)
    if ordered:
        text = ngettext("%(count)d payment is ordered.", "%(count)d payments are ordered.", ordered)
        messages.success(request, text % {"count": ordered})
    return _after(request, pool, deeds, refusals)


def _order_shown(request: HttpRequest, pool: Pool, award: Award) -> DomainError | None:
    named = payee_of_award(award)
    given = {"key": request.POST.get("key", ""), "amount": request.POST.get(f"{AID_OF}{award.code}", "")}
    form = AidForm(given, named=named)
    if named is None or not form.is_valid():
        return DomainError(
            _("Order this one by itself: the amount or the payee is missing."), code="incomplete"
        )
    return order_once(
        request, pool, form, deed=f"order/{award.code}", kind=PaymentOrder.Kind.AID, award=award
    )


@duty_required(CONTROLLER)
@require_POST
def release_chosen(request: HttpRequest, code: str) -> HttpResponseBase:
    """Release the orders that were chosen, each exactly as the list showed it."""
    pool = access_pool(code=code)
    numbers = [
        int(found[1]) for name in request.POST if (found := re.fullmatch(rf"{RELEASE}([0-9]{{1,9}})", name))
    ]
    orders = [selectors.access_order(pool=pool, number=number) for number in numbers]
    limits = release_limits.limits_of(pool)
    if not proved_afresh(request) and any(limits.asks_for_proof(order.amount_fen) for order in orders):
        return confirm_anew(request, reverse("custody_payments", args=[code]))
    deeds = {str(order): partial(_release_shown, request, pool, order) for order in orders}
    released, refusals = do_each(deeds)
    if released:
        text = ngettext("%(count)d payment is released.", "%(count)d payments are released.", released)
        messages.success(request, text % {"count": released})
    return _after(request, pool, deeds, refusals)


def _release_shown(request: HttpRequest, pool: Pool, order: PaymentOrder) -> DomainError | None:
    given = {
        "key": request.POST.get("key", ""),
        "shown_sha256": request.POST.get(f"{RELEASE}{order.number}", ""),
    }
    return _release_once(request, pool, order, ReleaseForm(given))


def _after(
    request: HttpRequest, pool: Pool, deeds: Collection[str], refusals: list[tuple[str, DomainError]]
) -> HttpResponse:
    """Return to the list; where something was refused, or nothing chosen, with what is to be told."""
    if refusals:
        return _payments(request, pool, refusals=refusals, status=refusals[0][1].status)
    if not deeds:
        return _payments(request, pool, refusal=nothing_chosen())
    return redirect("custody_payments", code=pool.code)


@duty_required(*READERS)
@require_safe
def cash_csv(request: HttpRequest, code: str) -> HttpResponseBase:
    """Download the cash before release, a row for each kind."""
    pool = access_pool(code=code)
    found = cash.cash_of(pool)
    amounts = ("released_fen", "ordered_fen", "owed_fen", "left_fen", "orders_lack_fen", "owed_lacks_fen")
    rows = [
        (part.kind, *(plain_fen(getattr(part, name)) for name in amounts))
        for part in (found.parts if found else ())
    ]
    header = ("for", "on_the_way", "ordered", "owed", "there_for_it", "orders_lack", "owed_lacks")
    return csv_response(f"{code}-cash.csv", header, rows)


def _payable_fees(pool: Pool) -> list[tuple[int, int]]:
    """Return (period, fee that can be ordered now) of the newest posted periods that have one. Two queries."""
    posted = pool.periods.filter(state="posted", fee_fen__gt=0).order_by("-number")[:24]
    numbers = dict(posted.values_list("pk", "number"))
    payable = selectors.payable_fees(numbers)
    return sorted((number, payable[pk]) for pk, number in numbers.items() if payable[pk] > 0)


@duty_required(TREASURER)
@require_safe
def new_aid(request: HttpRequest, code: str, award: str) -> HttpResponse:
    """Show the order of an award's aid to be made, with what can be paid now."""
    return _new_aid(request, access_pool(code=code), award)


def _new_aid(
    request: HttpRequest, pool: Pool, award: str, *, status: int = 200, **extra: Any
) -> HttpResponse:
    found = next((one for one in selectors.payable_awards(pool) if one.award.code == award), None)
    if found is None:
        raise NotFoundError(_("No aid of this case waits to be ordered."))
    named = payee_of_award(found.award)
    context = page_context(request, pool, "payments", (_("Case %(code)s") % {"code": award}, "")) | {
        "payable": found,
        "named": named,
        "form": AidForm(named=named, initial={"key": uuid.uuid4(), "amount": plain_fen(found.payable_fen)}),
        "address": reverse("custody_order_aid", args=[pool.code, award]),
    }
    return render_page(request, "order", context | extra, status)


@duty_required(TREASURER)
@require_POST
def order_aid(request: HttpRequest, code: str, award: str) -> HttpResponse:
    """Order the aid of a shared award; a controller releases it."""
    pool = access_pool(code=code)
    found = access_award(pool=pool, code=award)
    form = AidForm(request.POST, named=payee_of_award(found))
    if not form.is_valid():
        return _new_aid(request, pool, award, form=form, status=422)
    refusal = order_once(request, pool, form, kind=PaymentOrder.Kind.AID, award=found)
    if refusal:
        return _new_aid(request, pool, award, form=form, refusal=refusal)
    return redirect("custody_payments", code=code)


@duty_required(TREASURER)
@require_safe
def new_fee(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Show the order of a period's fee to be made, with what is earned by now."""
    return _new_fee(request, access_pool(code=code), number)


def _new_fee(
    request: HttpRequest, pool: Pool, number: int, *, status: int = 200, **extra: Any
) -> HttpResponse:
    fen = selectors.payable_fee_fen(access_period(pool=pool, number=number))
    crumb = (_("Fee of period %(number)s") % {"number": number}, "")
    context = page_context(request, pool, "payments", crumb) | {
        "fee_period": number,
        "fee_fen": fen,
        "form": PayeeForm(initial={"key": uuid.uuid4(), "amount": plain_fen(fen)}),
        "address": reverse("custody_order_fee", args=[pool.code, number]),
    }
    return render_page(request, "order", context | extra, status)


@duty_required(TREASURER)
@require_POST
def order_fee(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Order the part of a period's fee that is earned; a controller releases it."""
    pool, form = access_pool(code=code), PayeeForm(request.POST)
    found = access_period(pool=pool, number=number)
    if not form.is_valid():
        return _new_fee(request, pool, number, form=form, status=422)
    refusal = order_once(request, pool, form, kind=PaymentOrder.Kind.FEE, period=found)
    if refusal:
        return _new_fee(request, pool, number, form=form, refusal=refusal)
    return redirect("custody_payments", code=code)


@duty_required(*READERS)
@require_safe
def payment(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Show one order: exactly what a release is for."""
    return _payment(request, access_pool(code=code), number)


def _payment(
    request: HttpRequest, pool: Pool, number: int, *, refusal: DomainError | None = None
) -> HttpResponse:
    order = selectors.access_order(pool=pool, number=number)
    person = person_of(request)
    duties = duties_of(person, pool)
    may_cancel = (order.state == PaymentOrder.State.ORDERED and bool(duties & set(MONEY))) or (
        order.state == PaymentOrder.State.RELEASED and CONTROLLER in duties
    )
    payee, unreadable = attempt(lambda: selectors.payee_of(order)) if duties & set(MONEY) else (None, None)
    limits = release_limits.limits_of(pool)
    context = page_context(request, pool, "payments", (_("Payment %(number)s") % {"number": number}, "")) | {
        "order": order,
        "limits": limits,
        "asks_for_proof": limits.asks_for_proof(order.amount_fen) and not proved_afresh(request),
        "payee": payee,
        "unreadable": unreadable,
        "reference": selectors.order_reference(order),
        "file": payment_files.file_of(order),
        "shown_text": selectors.shown_text(order),
        "is_orderer": order.ordered_by == person.code,
        "may_cancel": may_cancel,
        "release_form": ReleaseForm(initial={"key": uuid.uuid4(), "shown_sha256": order.shown_sha256}),
        "key_form": KeyForm(initial={"key": uuid.uuid4()}, auto_id="cancel_%s"),
        "refusal": refusal,
    }
    return render_page(request, "payment", context)


@duty_required(CONTROLLER)
@require_POST
def release(request: HttpRequest, code: str, number: int) -> HttpResponseBase:
    """Release exactly what was shown."""
    pool = access_pool(code=code)
    found = selectors.access_order(pool=pool, number=number)
    if not proved_afresh(request) and release_limits.limits_of(pool).asks_for_proof(found.amount_fen):
        return confirm_anew(request, reverse("custody_payment", args=[code, number]))
    refusal = _release_once(request, pool, found, ReleaseForm(request.POST))
    if refusal:
        return _payment(request, pool, number, refusal=refusal)
    return redirect("custody_payment", code=code, number=number)


def _release_once(
    request: HttpRequest, pool: Pool, order: PaymentOrder, form: ReleaseForm
) -> DomainError | None:
    """Release what the form says was shown, once per key; return the refusal, if it is one."""
    if not form.is_valid():
        return DomainError(_("The release did not say what it was for. Look at the order, then release it."))

    def act() -> dict[str, Any]:
        at = clock.now()
        done = services.release_payment(
            order=order,
            releaser=person_of(request).code,
            shown_sha256=form.cleaned_data["shown_sha256"],
            at=at,
            proved_at=at if proved_afresh(request) else None,
        )
        return {"state": done.state}

    return do_once(request, pool, f"release/{order.number}", form, act)


@duty_required(*MONEY)
@require_POST
def cancel(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Take an order back."""
    pool, form = access_pool(code=code), KeyForm(request.POST)
    found = selectors.access_order(pool=pool, number=number)
    form.is_valid()

    def act() -> dict[str, Any]:
        done = services.cancel_order(order=found, canceller=person_of(request).code, at=clock.now())
        return {"state": done.state}

    refusal = do_once(request, pool, f"cancel/{number}", form, act)
    if refusal:
        return _payment(request, pool, number, refusal=refusal)
    return redirect("custody_payment", code=code, number=number)


@duty_required(TREASURER)
@require_POST
def make_file(request: HttpRequest, code: str) -> HttpResponse:
    """Put the released payments that wait into the next file."""
    pool, form = access_pool(code=code), KeyForm(request.POST)
    form.is_valid()

    def act() -> dict[str, Any]:
        made = payment_files.make_file(pool=pool, maker=person_of(request).code, at=clock.now())
        return {"number": made.number}

    refusal = do_once(request, pool, "payment-file", form, act)
    if refusal:
        return _payments(request, pool, refusal=refusal)
    return redirect(f"{reverse('custody_payments', args=[code])}#files")


@duty_required(*MONEY)
@require_safe
def payment_file(request: HttpRequest, code: str, number: int, form: str) -> HttpResponse:
    """Download a file as the bank takes it; the download is in the audit trail."""
    pool = access_pool(code=code)
    file = payment_files.access_file(pool=pool, number=number)
    data = payment_files.export(file, form)
    audit.record(
        actor=person_of(request).code,
        action="download_payments",
        subject=str(file),
        form=form,
        sha256=hashlib.sha256(data).hexdigest(),
    )
    kind = "application/xml" if form == payment_files.XML else "text/csv"
    response = HttpResponse(data, content_type=f"{kind}; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{code}-payments-{number}.{form}"'
    return response


@duty_required(*READERS)
@require_safe
def payments_csv(request: HttpRequest, code: str) -> HttpResponseBase:
    """Download the list of orders, without payees."""
    pool = access_pool(code=code)
    rows = (
        (
            order.number,
            order.kind,
            Text(order.what_for),
            plain_fen(order.amount_fen),
            order.state,
            order.ordered_by,
            order.released_by or "",
        )
        for order in selectors.orders(pool).order_by("number")
    )
    header = ("payment", "kind", "for", "amount", "state", "ordered_by", "released_by")
    return csv_response(f"{code}-payments.csv", header, rows)
