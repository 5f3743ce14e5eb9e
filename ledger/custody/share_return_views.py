"""The page on which a treasurer orders that shares are paid back."""

import uuid
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from aidplatform.lib.csv_files import plain_fen
from ledger.custody.forms import AidForm
from ledger.custody.models import PaymentOrder
from ledger.custody.pages import TREASURER, order_once, page_context, render_page
from ledger.custody.share_returns import access_return, payee_of_return
from members.joining.models import Membership
from members.pools.rules import duty_required
from members.pools.selectors import access_pool


@duty_required(TREASURER)
@require_http_methods(["GET", "HEAD", "POST"])
def shares(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Show what is to be paid back of a membership's shares, and order it; a controller releases it.

    Where nobody else had paid them, they go to the account that the claim names and to no other.
    """
    pool = access_pool(code=code)
    found = access_return(pool=pool, number=number)
    named = payee_of_return(found.made)
    only = None if found.payers else named
    crumb = (_("Shares of member %(number)s") % {"number": found.membership_no}, "")
    context: dict[str, Any] = page_context(request, pool, "payments", crumb) | {
        "returning": found,
        "named": only,
    }
    if request.method != "POST":
        first = {"key": uuid.uuid4(), "amount": plain_fen(found.left_fen)}
        first |= {"payee_name": named.name, "payee_account": named.account}
        return render_page(request, "order_shares", context | {"form": AidForm(named=only, initial=first)})
    form = AidForm(request.POST, named=only)
    if not form.is_valid():
        return render_page(request, "order_shares", context | {"form": form}, 422)
    if only is not None:
        form.cleaned_data |= {"payee_name": only.name, "payee_account": only.account}
    membership = Membership.objects.get(pk=found.made.membership_id)
    refusal = order_once(request, pool, form, kind=PaymentOrder.Kind.SHARES, membership=membership)
    if refusal:
        return render_page(request, "order_shares", context | {"form": form, "refusal": refusal})
    return redirect("custody_payments", code=code)
