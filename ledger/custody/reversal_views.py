"""Pages of an entry and of its reversal: who proposes to take it back, and what is done where that cannot be."""

import uuid
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from aidplatform.lib import clock
from aidplatform.lib.csv_files import Text, csv_response
from ledger.books.models import JournalEntry
from ledger.books.selectors import access_book, access_entry
from ledger.books.views import entry_context
from ledger.books.views import page_context as ledger_context
from ledger.custody import reversals
from ledger.custody.forms import KeyForm
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
from ledger.custody.reversal_forms import ReversalForm
from members.pools.models import Pool
from members.pools.rules import duty_required
from members.pools.selectors import access_pool, duties_of

State = reversals.State


@duty_required(*READERS)
@require_safe
def entry(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Show one entry: its postings, where it comes from, what reverses it, or why nothing can."""
    return _entry(request, access_pool(code=code), number)


def _entry(request: HttpRequest, pool: Pool, number: int, status: int = 200, **extra: Any) -> HttpResponse:
    found = access_entry(book=access_book(code=pool.code), number=number)
    may_be_free = found.kind in reversals.FREE
    proposed = list(reversals.reversals(pool).filter(entry=found)) if may_be_free else []
    is_free = may_be_free and not hasattr(found, "reversed_by") and reversals.stands_alone(found)
    context = (
        entry_context(pool, found)
        | _hands(request, pool)
        | {
            "proposed": proposed,
            "waits": any(one.state == State.PROPOSED for one in proposed),
            "is_free": is_free,
            "why_not": reversals.why_not(found),
            "form": ReversalForm(initial={"key": uuid.uuid4()}),
        }
    )
    return render_page(request, "entry", context | extra, status)


def _hands(request: HttpRequest, pool: Pool) -> dict[str, Any]:
    """Return what the buttons need: who looks, by which duties, and a key of their own."""
    return {
        "duties": duties_of(person_of(request), pool),
        "person": person_of(request),
        "key_form": KeyForm(initial={"key": uuid.uuid4()}, auto_id=False),
    }


@duty_required(*READERS)
@require_safe
def overview(request: HttpRequest, code: str) -> HttpResponse:
    """Show what was reversed or is proposed to be, newest first."""
    pool = access_pool(code=code)
    rows, neighbors = newest(request, reversals.reversals(pool), reverse("custody_reversals", args=[code]))
    context = ledger_context(pool, "reversals", (_("Reversals"), "")) | _hands(request, pool)
    return render_page(request, "reversals", context | {"rows": rows, **neighbors})


@duty_required(*READERS)
@require_safe
def overview_csv(request: HttpRequest, code: str) -> HttpResponseBase:
    """Download the reversals, newest first."""
    header = ("number", "entry", "reason", "state", "proposed_by", "proposed_at", "decided_by", "decided_at",
              "reversal")  # fmt: skip
    rows = (
        (
            one.number,
            one.entry.number,
            Text(one.reason),
            one.state,
            one.proposed_by,
            one.proposed_at.isoformat(),
            one.decided_by or "",
            one.decided_at.isoformat() if one.decided_at else "",
            one.reversal.number if one.reversal else "",
        )
        for one in reversals.reversals(access_pool(code=code))
    )
    return csv_response(f"{code}-reversals.csv", header, rows)


@duty_required(TREASURER)
@require_POST
def propose(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Propose to take an entry back; a controller agrees."""
    pool = access_pool(code=code)
    found: JournalEntry = access_entry(book=access_book(code=code), number=number)
    form = ReversalForm(request.POST)
    if not form.is_valid():
        return _entry(request, pool, number, status=422, form=form)

    def act() -> dict[str, Any]:
        made = reversals.propose_reversal(
            entry=found, reason=form.cleaned_data["reason"], proposer=person_of(request).code, at=clock.now()
        )
        return {"number": made.number}

    refusal = do_once(request, pool, f"reverse/{number}", form, act)
    if refusal:
        return _entry(request, pool, number, form=form, refusal=refusal)
    return redirect("entry", code=code, number=number)


@duty_required(CONTROLLER)
@require_POST
def agree(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Book the mirror."""
    return _decide(request, access_pool(code=code), number, "agree_reversal")


@duty_required(*MONEY)
@require_POST
def withdraw(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Take a proposal back, or turn it down."""
    return _decide(request, access_pool(code=code), number, "withdraw_reversal")


def _decide(request: HttpRequest, pool: Pool, number: int, deed: str) -> HttpResponse:
    refusal = decide_once(request, pool, deed, number, reversals.decision_of)
    of_entry = reversals.access_reversal(pool=pool, number=number).entry.number
    if refusal:
        return _entry(request, pool, of_entry, refusal=refusal)
    return redirect("entry", code=pool.code, number=of_entry)
