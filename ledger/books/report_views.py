"""Pages of what the books say of some days: income and expense, and money in and out of the bank."""

import datetime as dt
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from aidplatform.lib import clock
from aidplatform.lib.csv_files import csv_response, plain_fen
from ledger.books import reports, selectors
from ledger.books.forms import KINDS, SpanForm
from ledger.books.views import READERS, BadFilterError, page_context
from members.pools.models import Pool
from members.pools.rules import duty_required
from members.pools.selectors import access_pool


@duty_required(*READERS)
@require_safe
def figures(request: HttpRequest, code: str) -> HttpResponse:
    """Show income against expense and the money of some days; without a wish those of this year."""
    pool = access_pool(code=code)
    form = _form(request, pool)
    context = page_context(pool, "figures") | {"form": form, "kinds": dict(KINDS)}
    if not form.is_valid():
        return render(request, "ledger/books/figures.html", context, status=422)
    book, days = selectors.access_book(code=code), _days(form)
    address = f"{reverse('figures_csv', args=[code])}?since={days[0]}&until={days[1]}"
    context |= {
        "income": reports.income_statement(book, *days),
        "cash": reports.cash_flow(book, *days),
        "since": days[0],
        "until": days[1],
        "csv_address": address,
    }
    return render(request, "ledger/books/figures.html", context)


@duty_required(*READERS)
@require_safe
def figures_csv(request: HttpRequest, code: str) -> HttpResponseBase:
    """Download exactly what the page shows."""
    form = _form(request, access_pool(code=code))
    if not form.is_valid():
        raise BadFilterError(_("These filters make no sense together."))
    book, days = selectors.access_book(code=code), _days(form)
    income, cash = reports.income_statement(book, *days), reports.cash_flow(book, *days)
    rows: list[tuple[object, ...]] = [
        (part, line.account.code, plain_fen(line.balance_fen))
        for part, lines in (("income", income.income), ("expense", income.expense))
        for line in lines
    ]
    rows += [("cash", "opening", plain_fen(cash.opening_fen))]
    rows += [("cash", line.kind, plain_fen(line.in_fen - line.out_fen)) for line in cash.lines]
    rows += [("cash", "closing", plain_fen(cash.closing_fen))]
    return csv_response(f"{code}-figures-{days[0]}-{days[1]}.csv", ("part", "line", "amount"), rows)


def _form(request: HttpRequest, pool: Pool) -> SpanForm:
    today = clock.today(pool.time_zone)
    usual: dict[str, Any] = {"since": today.replace(month=1, day=1), "until": today}
    return SpanForm(request.GET if request.GET else usual)


def _days(form: SpanForm) -> tuple[dt.date, dt.date]:
    return form.cleaned_data["since"], form.cleaned_data["until"]
