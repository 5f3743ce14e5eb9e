"""Paying back what somebody had paid ahead to a pool that moved in, and who has not joined here."""

import uuid
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from aidplatform.lib.csv_files import plain_fen
from ledger.custody.forms import PayeeForm
from ledger.custody.models import PaymentOrder
from ledger.custody.pages import TREASURER, order_once, page_context, render_page
from ledger.custody.wallet_openings import access_balance
from members.pools.rules import duty_required
from members.pools.selectors import access_pool


@duty_required(TREASURER)
@require_http_methods(["GET", "HEAD", "POST"])
def balance(request: HttpRequest, code: str, import_no: int, row_no: int) -> HttpResponse:
    """Show a balance that waits for its member, with the form that pays it back; order that."""
    pool = access_pool(code=code)
    row = access_balance(pool=pool, import_no=import_no, row_no=row_no)
    crumbs = ((_("Wallets"), reverse("custody_wallets", args=[code])), (_("Balance of before"), ""))
    context: dict[str, Any] = page_context(request, pool, "wallets", *crumbs) | {"row": row}
    if request.method != "POST":
        form = PayeeForm(initial={"key": uuid.uuid4(), "amount": plain_fen(row.prepaid_fen)})
        return render_page(request, "balance", context | {"form": form})
    form = PayeeForm(request.POST)
    if not form.is_valid():
        return render_page(request, "balance", context | {"form": form}, 422)
    refusal = order_once(request, pool, form, kind=PaymentOrder.Kind.BALANCE, listed=row)
    if refusal:
        return render_page(request, "balance", context | {"form": form, "refusal": refusal})
    return redirect("custody_payments", code=code)
