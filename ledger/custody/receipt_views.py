"""Pages of receipts that are nobody's yet: whose they are, or that they go back."""

import re
import uuid
from functools import partial
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from aidplatform.lib import clock
from aidplatform.lib.csv_files import plain_fen
from aidplatform.lib.errors import DomainError
from ledger.custody import reconciliation, selectors, services, undoings
from ledger.custody.forms import IdentifyForm, KeyForm, PayeeForm
from ledger.custody.models import PaymentOrder, StatementLine
from ledger.custody.pages import (
    MONEY,
    PAGE,
    TREASURER,
    do_each,
    do_once,
    nothing_chosen,
    order_once,
    page_context,
    person_of,
    render_page,
)
from ledger.custody.proposal_models import Proposal
from ledger.custody.suggestions import suggestions
from ledger.custody.undoing_forms import UndoingForm
from members.joining.models import Membership
from members.pools.models import Pool
from members.pools.rules import duty_required
from members.pools.selectors import access_pool

CHOICE = "whose-"


@duty_required(*MONEY)
@require_safe
def unidentified(request: HttpRequest, code: str) -> HttpResponse:
    """List receipts that are nobody's yet, oldest first."""
    return _unidentified(request, access_pool(code=code))


def _unidentified(request: HttpRequest, pool: Pool, *, status: int = 200, **extra: Any) -> HttpResponse:
    account = selectors.account_of(pool)
    found = reconciliation.unidentified(account) if account else []
    shown = found[:PAGE]
    names = _numbers_of([receipt.line.membership_id for receipt in shown])
    suggested = suggestions(pool, shown)
    context = page_context(request, pool, "unidentified") | {
        "rows": [
            (
                receipt,
                selectors.counterparty(receipt.line),
                names.get(receipt.line.membership_id or 0),
                suggested.get(receipt.line.pk, ()),
            )
            for receipt in shown
        ],
        "count": len(found),
        "has_suggestions": bool(suggested),
        "key_form": KeyForm(initial={"key": uuid.uuid4()}),
    }
    return render_page(request, "unidentified", context | extra, status)


@duty_required(TREASURER)
@require_POST
def match(request: HttpRequest, code: str) -> HttpResponse:
    """Let receipts pay what the chosen memberships owe: each for itself, so that one refusal stops no other."""
    pool = access_pool(code=code)
    deeds = {}
    for name in request.POST:
        number = request.POST[name]
        chosen = re.fullmatch(rf"{CHOICE}([0-9]{{1,9}})/([0-9]{{1,9}})", name)
        if chosen and re.fullmatch("[0-9]{1,9}", number):  # the first choice of each says nobody's
            line = selectors.access_receipt(pool=pool, statement_no=int(chosen[1]), line_no=int(chosen[2]))
            deeds[line.code] = partial(_match, request, pool, line, number)
    matched, refusals = do_each(deeds)
    if matched:
        text = ngettext("%(count)d receipt is matched.", "%(count)d receipts are matched.", matched)
        messages.success(request, text % {"count": matched})
    if refusals:
        return _unidentified(request, pool, refusals=refusals, status=refusals[0][1].status)
    if not deeds:
        return _unidentified(request, pool, refusal=nothing_chosen())
    return redirect("custody_unidentified", code=code)


def _match(request: HttpRequest, pool: Pool, line: StatementLine, number: str) -> DomainError | None:
    form = IdentifyForm({"key": request.POST.get("key", ""), "membership": number})
    form.is_valid()
    return _identify(request, pool, line, form)


def _identify(
    request: HttpRequest, pool: Pool, line: StatementLine, form: IdentifyForm
) -> DomainError | None:
    def act() -> dict[str, Any]:
        member = selectors.access_membership_no(pool=pool, number=form.cleaned_data["membership"])
        paid = services.identify_receipt(
            receipt=line, membership=member, identifier=person_of(request).code, at=clock.now()
        )
        return {"paid_fen": paid}

    return do_once(request, pool, f"identify/{line.code}", form, act)


@duty_required(TREASURER)
@require_safe
def receipt(request: HttpRequest, code: str, statement_no: int, line_no: int) -> HttpResponse:
    """Show one receipt with what can be done about it: say whose it is or is not, or send it back."""
    pool = access_pool(code=code)
    return render_receipt(
        request, pool, selectors.access_receipt(pool=pool, statement_no=statement_no, line_no=line_no)
    )


def render_receipt(
    request: HttpRequest, pool: Pool, line: StatementLine, *, status: int = 200, **extra: Any
) -> HttpResponse:
    """Return the page of a receipt: for whom it counts, what is nobody's of it, and what can be done about either."""
    matches = undoings.matches_of(line)
    open_fen = reconciliation.open_fen_of(line)
    context = page_context(
        request, pool, "unidentified", (_("Receipt %(code)s") % {"code": line.code}, "")
    ) | {
        "line": line,
        "open_fen": open_fen,
        "counterparty": selectors.counterparty(line),
        "matches": matches,
        "waiting": undoings.undoings(pool).filter(receipt=line, state=Proposal.State.PROPOSED).first(),
        "undoing_form": UndoingForm(
            matches=matches, currency=pool.currency, initial={"key": uuid.uuid4()}, auto_id="undo-%s"
        ),
        "identify_form": IdentifyForm(initial={"key": uuid.uuid4()}),
        "refund_form": PayeeForm(
            initial={"key": uuid.uuid4(), "amount": plain_fen(open_fen), "payee_name": ""}
        ),
    }
    return render_page(request, "receipt", context | extra, status)


@duty_required(TREASURER)
@require_POST
def identify(request: HttpRequest, code: str, statement_no: int, line_no: int) -> HttpResponse:
    """Let a receipt pay what a membership owes."""
    pool = access_pool(code=code)
    line = selectors.access_receipt(pool=pool, statement_no=statement_no, line_no=line_no)
    form = IdentifyForm(request.POST)
    if not form.is_valid():
        return render_receipt(request, pool, line, identify_form=form, status=422)
    refusal = _identify(request, pool, line, form)
    if refusal:
        return render_receipt(request, pool, line, refusal=refusal, identify_form=form)
    return redirect("custody_unidentified", code=code)


@duty_required(TREASURER)
@require_POST
def refund(request: HttpRequest, code: str, statement_no: int, line_no: int) -> HttpResponse:
    """Order a receipt, or what is left of it, to be sent back."""
    pool = access_pool(code=code)
    line = selectors.access_receipt(pool=pool, statement_no=statement_no, line_no=line_no)
    form = PayeeForm(request.POST)
    if not form.is_valid():
        return render_receipt(request, pool, line, refund_form=form, status=422)
    refusal = order_once(request, pool, form, kind=PaymentOrder.Kind.REFUND, receipt=line)
    if refusal:
        return render_receipt(request, pool, line, refusal=refusal, refund_form=form)
    return redirect("custody_payments", code=code)


def _numbers_of(memberships: list[int | None]) -> dict[int, int]:
    ids = [pk for pk in memberships if pk]
    return dict(Membership.objects.filter(pk__in=ids).values_list("pk", "number")) if ids else {}
