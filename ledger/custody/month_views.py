"""Pages of closed months: what is left to do before the next one, what was closed, and for everyone that it was."""

import datetime as dt
import uuid
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from aidplatform.lib import clock
from aidplatform.lib.csv_files import Text, csv_response, plain_fen
from aidplatform.lib.errors import NotFoundError
from aidplatform.lib.http import public
from aidplatform.lib.templating import in_language
from ledger.books.views import page_context as ledger_context
from ledger.custody import months
from ledger.custody.forms import KeyForm
from ledger.custody.month_forms import ReopeningForm
from ledger.custody.month_models import MonthState
from ledger.custody.pages import (
    CONTROLLER,
    MONEY,
    READERS,
    TREASURER,
    decide_once,
    do_once,
    newest,
    person_of,
    render_page,
)
from members.pools.models import Pool
from members.pools.rules import access_public_pool, duty_required
from members.pools.selectors import access_pool, duties_of


@duty_required(*READERS)
@require_safe
def overview(request: HttpRequest, code: str) -> HttpResponse:
    """Show what must be so before the next month is closed, and the months that were, newest first."""
    return _overview(request, access_pool(code=code))


def _overview(request: HttpRequest, pool: Pool, **extra: Any) -> HttpResponse:
    found = months.closes(pool)
    rows, neighbors = newest(request, found, reverse("custody_months", args=[pool.code]))
    context = _context(request, pool) | {
        "next": months.next_month(pool),
        "waiting": found.filter(state=MonthState.PROPOSED).first(),
        "rows": rows,
        **neighbors,
    }
    return render_page(request, "months", context | extra)


def _context(request: HttpRequest, pool: Pool, *crumbs: tuple[object, str]) -> dict[str, Any]:
    own = (_("Closed months"), reverse("custody_months", args=[pool.code]) if crumbs else "")
    return ledger_context(pool, "months", own, *crumbs) | {
        "duties": duties_of(person_of(request), pool),
        "person": person_of(request),
        "key_form": KeyForm(initial={"key": uuid.uuid4()}, auto_id=False),
    }


@duty_required(*READERS)
@require_safe
def overview_csv(request: HttpRequest, code: str) -> HttpResponseBase:
    """Download the closes, newest first."""
    pool = access_pool(code=code)
    header = ("number", "month", "state", "entries", "bank", "booked_later", "custody", "sha256", "proposed_by",
              "decided_by", "reopened", "reason")  # fmt: skip
    rows = (
        (
            one.number,
            f"{one.month_date:%Y-%m}",
            one.state,
            one.entries,
            plain_fen(one.bank_fen),
            plain_fen(one.later_fen),
            plain_fen(one.custody_fen),
            one.sha256,
            one.proposed_by,
            one.decided_by or "",
            one.reopening.state if one.reopening else "",
            Text(one.reopening.reason) if one.reopening else "",
        )
        for one in months.closes(pool)
    )
    return csv_response(f"{code}-closed-months.csv", header, rows)


@duty_required(*READERS)
@require_safe
def month(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Show a close: every account at the end of the month, who closed it, and whether it was opened again."""
    return _month(request, access_pool(code=code), number)


def _month(request: HttpRequest, pool: Pool, number: int, **extra: Any) -> HttpResponse:
    close = months.access_close(pool=pool, number=number)
    last = months.last_closed(pool)
    context = _context(request, pool, (f"{close.month_date:%Y-%m}", "")) | {
        "close": close,
        "balances": months.closing_balances(close),
        "reopenings": close.reopenings.order_by("pk"),
        "may_reopen": last is not None and last.pk == close.pk and close.reopening is None,
        "form": ReopeningForm(initial={"key": uuid.uuid4()}),
    }
    return render_page(request, "month", context | extra, extra.pop("status", 200))


@duty_required(*READERS)
@require_safe
def month_csv(request: HttpRequest, code: str, number: int) -> HttpResponseBase:
    """Download the recorded balances of a close."""
    close = months.access_close(pool=access_pool(code=code), number=number)
    rows = (
        (one.code, plain_fen(one.debit_fen), plain_fen(one.credit_fen), plain_fen(one.balance_fen))
        for one in months.closing_balances(close)
    )
    header = ("account", "debits", "credits", "balance")
    return csv_response(f"{code}-month-{close.month_date:%Y-%m}.csv", header, rows)


@public
@require_safe
def public_months(request: HttpRequest, code: str) -> HttpResponse:
    """Show everyone which months are closed, under which digest, and which were opened again, and why."""
    pool = access_public_pool(request, code)
    pool_crumb = (in_language(pool.name_en, pool.name_zh), reverse("pool", args=[pool.code]))
    here = reverse("closed_months", args=[pool.code])
    rows, neighbors = newest(request, months.public_closes(pool), here)
    context = {
        "section": "pools",
        "pool": pool,
        "crumbs": [pool_crumb, (_("Closed months"), "")],
        "rows": rows,
        **neighbors,
    }
    return render(request, "ledger/custody/closed_months.html", context)


@duty_required(TREASURER)
@require_POST
def propose(request: HttpRequest, code: str, month: str) -> HttpResponse:
    """Propose to close a month; a controller agrees."""
    pool = access_pool(code=code)
    first = month_of(month)
    form = KeyForm(request.POST)
    form.is_valid()

    def act() -> dict[str, Any]:
        person = person_of(request).code
        made = months.propose_close(pool=pool, month_date=first, proposer=person, at=clock.now())
        return {"number": made.number}

    refusal = do_once(request, pool, f"close/{first}", form, act)
    return _overview(request, pool, refusal=refusal) if refusal else redirect("custody_months", code=code)


def month_of(text: str) -> dt.date:
    """Read a month like 2026-01 of an address; return its first day. Raises: NotFoundError."""
    try:
        return dt.date.fromisoformat(f"{text}-01")
    except ValueError:
        raise NotFoundError(_("There is no such month.")) from None


@duty_required(TREASURER)
@require_POST
def propose_reopening(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Propose that a closed month takes entries again; a controller agrees."""
    pool = access_pool(code=code)
    close = months.access_close(pool=pool, number=number)
    form = ReopeningForm(request.POST)
    if not form.is_valid():
        return _month(request, pool, number, form=form, status=422)

    def act() -> dict[str, Any]:
        made = months.propose_reopening(
            close=close, reason=form.cleaned_data["reason"], proposer=person_of(request).code, at=clock.now()
        )
        return {"state": made.state}

    refusal = do_once(request, pool, f"reopen/{number}", form, act)
    if refusal:
        return _month(request, pool, number, form=form, refusal=refusal)
    return redirect("custody_month", code=code, number=number)


@duty_required(CONTROLLER)
@require_POST
def agree(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Close the month."""
    return _decide(request, code, number, "agree_close")


@duty_required(*MONEY)
@require_POST
def withdraw(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Take a proposed close back, or turn it down."""
    return _decide(request, code, number, "withdraw_close")


@duty_required(CONTROLLER)
@require_POST
def agree_reopening(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Open the month again."""
    return _decide(request, code, number, "agree_reopening")


@duty_required(*MONEY)
@require_POST
def withdraw_reopening(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Leave the month closed."""
    return _decide(request, code, number, "withdraw_reopening")


def _decide(request: HttpRequest, code: str, number: int, deed: str) -> HttpResponse:
    pool = access_pool(code=code)
    refusal = decide_once(request, pool, deed, number, months.decision_of)
    if refusal:
        return _month(request, pool, number, refusal=refusal)
    return redirect("custody_month", code=code, number=number)
