"""The page on which those who keep the books see what is left to do before a period is over with."""

from typing import cast

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from aidplatform.lib.csv_files import Text, csv_response
from ledger.books.views import READERS, page_context
from ledger.sharing.selectors import access_period, periods
from ledger.verification.period_end import checklist, last_over
from members.people.models import User
from members.pools.rules import duty_required
from members.pools.selectors import access_pool, duties_of

NEIGHBORS = 12


@duty_required(*READERS)
@require_safe
def newest(request: HttpRequest, code: str) -> HttpResponse:
    """Lead to the newest period that is over by its dates, or else to the newest; say so where there is none."""
    pool = access_pool(code=code)
    found = last_over(pool) or periods(pool).order_by("-number").first()
    if found is not None:
        return redirect("period_end", code=code, number=found.number)
    context = page_context(pool, "period_end", (_("Period end"), ""))
    return render(request, "ledger/verification/period_end.html", context)


@duty_required(*READERS)
@require_safe
def period_end(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Show each condition of a period: done or open, who acts, and where."""
    pool = access_pool(code=code)
    found = access_period(pool=pool, number=number)
    lines = checklist(found)
    context = page_context(pool, "period_end", (_("End of period %(number)s") % {"number": number}, "")) | {
        "period": found,
        "lines": lines,
        "open_count": sum(line.is_open for line in lines),
        "duties": duties_of(cast(User, request.user), pool),
        "neighbors": periods(pool).order_by("-number")[:NEIGHBORS],
    }
    return render(request, "ledger/verification/period_end.html", context)


@duty_required(*READERS)
@require_safe
def period_end_csv(request: HttpRequest, code: str, number: int) -> HttpResponseBase:
    """Download the same."""
    found = access_period(pool=access_pool(code=code), number=number)
    rows = (
        (line.code, line.state, line.duty, Text(line.title), Text(line.note)) for line in checklist(found)
    )
    return csv_response(
        f"{code}-period-{number}-end.csv", ("line", "state", "duty", "condition", "figures"), rows
    )
