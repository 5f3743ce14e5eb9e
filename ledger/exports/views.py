"""The page from which whoever reads the books takes them along."""

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from aidplatform.lib.errors import NotFoundError
from aidplatform.lib.templating import in_language
from ledger.books.selectors import access_book
from ledger.books.views import READERS
from ledger.exports.journals import WRITERS, Journal
from ledger.exports.selectors import days_of, journal_of
from ledger.sharing.selectors import access_period
from members.pools.rules import duty_required
from members.pools.selectors import access_pool

PERIODS = 60


@duty_required(*READERS)
@require_safe
def exports(request: HttpRequest, code: str) -> HttpResponse:
    """Offer the books in every format, whole and by period, and say how they are checked."""
    pool = access_pool(code=code)
    book = access_book(code=code)
    context = {
        "section": "pools",
        "pool": pool,
        "tab": "exports",
        "crumbs": [
            (in_language(pool.name_en, pool.name_zh), reverse("pool", args=[code])),
            (_("Ledger"), reverse("accounts", args=[code])),
            (_("Exports"), ""),
        ],
        "kinds": tuple(WRITERS),
        "entries": book.last_entry_no,
        "periods": pool.periods.order_by("-number")[:PERIODS],
    }
    return render(request, "ledger/exports/exports.html", context)


@duty_required(*READERS)
@require_safe
def books(request: HttpRequest, code: str, kind: str) -> StreamingHttpResponse:
    """Download the whole journal in a format."""
    return _download(f"{code}.{kind}", kind, journal_of(access_book(code=code)))


@duty_required(*READERS)
@require_safe
def period_books(request: HttpRequest, code: str, number: int, kind: str) -> StreamingHttpResponse:
    """Download the journal of a period's days, with what was brought forward."""
    period = access_period(pool=access_pool(code=code), number=number)
    return _download(f"{code}-{number}.{kind}", kind, journal_of(access_book(code=code), days_of(period)))


def _download(name: str, kind: str, journal: Journal) -> StreamingHttpResponse:
    if kind not in WRITERS:
        raise NotFoundError(_("The books are not written in this format."))
    response = StreamingHttpResponse(WRITERS[kind](journal), content_type="text/plain; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
