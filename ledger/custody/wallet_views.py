"""Pages of wallets for those who keep the money: the sums, whom to look after, and what is paid back."""

import uuid
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from aidplatform.lib import clock
from aidplatform.lib.csv_files import csv_response, plain_fen
from aidplatform.lib.errors import NotFoundError
from ledger.custody import wallet_selectors as wallets
from ledger.custody.forms import PayeeForm
from ledger.custody.models import PaymentOrder
from ledger.custody.pages import MONEY, READERS, TREASURER, order_once, page_context, render_page
from ledger.custody.wallet_openings import waiting_balances
from members.pools.models import Pool
from members.pools.plan_terms import FundingTerms
from members.pools.rules import duty_required
from members.pools.selectors import access_pool, funding_in_force


@duty_required(*READERS)
@require_safe
def overview(request: HttpRequest, code: str) -> HttpResponse:
    """Show the sum of the wallets beside the control account, and the wallets somebody should look at."""
    pool = access_pool(code=code)
    funding = _funding(pool)
    context = page_context(request, pool, "wallets", (_("Wallets"), "")) | {
        "funding": funding,
        "sums": wallets.wallets_of(pool, funding),
        "rows": wallets.concerning_wallets(pool, funding),
    }
    if context["duties"] & set(MONEY):
        context["balances"] = waiting_balances(pool)
    return render_page(request, "wallets", context)


@duty_required(*READERS)
@require_safe
def all_csv(request: HttpRequest, code: str) -> HttpResponseBase:
    """Download every wallet."""
    pool = access_pool(code=code)
    _funding(pool)
    rows = (
        (
            row.number,
            plain_fen(row.balance_fen),
            row.state,
            row.until_date.isoformat() if row.until_date else "",
        )
        for row in wallets.wallet_rows(pool)
    )
    header = ("membership", f"balance_{pool.currency}", "state", "until")
    return csv_response(f"{code}-wallets.csv", header, rows)


@duty_required(*MONEY)
@require_safe
def wallet(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Show one wallet with its lines, and for the treasurer the form that pays it back."""
    return _wallet(request, access_pool(code=code), number)


@duty_required(TREASURER)
@require_POST
def pay_back(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Order a wallet, or a part of it, to be paid back."""
    pool = access_pool(code=code)
    membership, form = wallets.access_wallet(pool=pool, number=number), PayeeForm(request.POST)
    if not form.is_valid():
        return _wallet(request, pool, number, form=form, status=422)
    refusal = order_once(request, pool, form, kind=PaymentOrder.Kind.WALLET, membership=membership)
    if refusal:
        return _wallet(request, pool, number, refusal=refusal, form=form)
    return redirect("custody_payments", code=code)


def _wallet(
    request: HttpRequest, pool: Pool, number: int, *, status: int = 200, **extra: Any
) -> HttpResponse:
    membership = wallets.access_wallet(pool=pool, number=number)
    free_fen = wallets.free_fen(pool=pool, membership_id=membership.pk)
    crumbs = (
        (_("Wallets"), reverse("custody_wallets", args=[pool.code])),
        (_("Member %(number)s") % {"number": number}, ""),
    )
    context = page_context(request, pool, "wallets", *crumbs) | {
        "membership": membership,
        "wallet": wallets.wallet_of(membership, clock.today(pool.time_zone)),
        "free_fen": free_fen,
        "form": PayeeForm(initial={"key": uuid.uuid4(), "amount": plain_fen(free_fen)}),
    }
    return render_page(request, "wallet", context | extra, status)


def _funding(pool: Pool) -> FundingTerms:
    """Return how members pay ahead. Raises: NotFoundError where they do not."""
    funding = funding_in_force(pool, clock.today(pool.time_zone))
    if funding is None:
        raise NotFoundError(_("The members of this pool pay afterwards: there are no wallets."))
    return funding
