"""The pages of wrong matches: what was undone or waits for it, and proposing it on the page of a receipt."""

import uuid
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from aidplatform.lib import clock
from aidplatform.lib.csv_files import Text, csv_response, plain_fen
from ledger.custody import selectors, undoings
from ledger.custody.forms import KeyForm
from ledger.custody.pages import (
    CONTROLLER,
    MONEY,
    TREASURER,
    decide_once,
    do_once,
    newest,
    page_context,
    person_of,
    render_page,
)
from ledger.custody.receipt_views import render_receipt
from ledger.custody.undoing_forms import UndoingForm
from members.pools.models import Pool
from members.pools.rules import duty_required
from members.pools.selectors import access_pool


@duty_required(*MONEY)
@require_safe
def overview(request: HttpRequest, code: str) -> HttpResponse:
    """List the matches that were undone or are proposed to be, newest first."""
    return _overview(request, access_pool(code=code))


def _overview(request: HttpRequest, pool: Pool, **extra: Any) -> HttpResponse:
    found = undoings.undoings(pool)
    rows, neighbors = newest(request, found, reverse("custody_undoings", args=[pool.code]))
    context = page_context(request, pool, "unidentified", (_("Wrong matches"), "")) | {
        "person": person_of(request),
        "rows": rows,
        **neighbors,
        "key_form": KeyForm(initial={"key": uuid.uuid4()}, auto_id=False),
    }
    return render_page(request, "undoings", context | extra)


@duty_required(*MONEY)
@require_safe
def overview_csv(request: HttpRequest, code: str) -> HttpResponseBase:
    """Download what was undone, newest first."""
    pool = access_pool(code=code)
    header = ("number", "receipt", "member", pool.currency, f"of_it_recovered_{pool.currency}", "reason", "state",
              "proposed_by", "proposed_at", "decided_by", "decided_at", "entry")  # fmt: skip
    rows = (
        (
            one.number,
            one.receipt.code,
            one.member,  # type: ignore[attr-defined]  # annotated
            plain_fen(one.amount_fen),
            plain_fen(one.recovered_fen),
            Text(one.reason),
            one.state,
            one.proposed_by,
            one.proposed_at.isoformat(),
            one.decided_by or "",
            one.decided_at.isoformat() if one.decided_at else "",
            one.entry.number if one.entry else "",
        )
        for one in undoings.undoings(pool)
    )
    return csv_response(f"{code}-wrong-matches.csv", header, rows)


@duty_required(TREASURER)
@require_POST
def propose(request: HttpRequest, code: str, statement_no: int, line_no: int) -> HttpResponse:
    """Propose that a receipt was matched to the wrong member; a controller agrees."""
    pool = access_pool(code=code)
    line = selectors.access_receipt(pool=pool, statement_no=statement_no, line_no=line_no)
    form = UndoingForm(request.POST, matches=undoings.matches_of(line), currency=pool.currency)
    if not form.is_valid():
        return render_receipt(request, pool, line, undoing_form=form, status=422)
    member = selectors.access_membership_no(pool=pool, number=form.cleaned_data["member"])

    def act() -> dict[str, Any]:
        made = undoings.propose_undoing(
            receipt=line,
            membership=member,
            reason=form.cleaned_data["reason"],
            proposer=person_of(request).code,
            at=clock.now(),
        )
        return {"number": made.number}

    refusal = do_once(request, pool, f"undo/{line.code}", form, act)
    if refusal:
        return render_receipt(request, pool, line, undoing_form=form, refusal=refusal)
    return redirect("custody_undoings", code=code)


@duty_required(CONTROLLER)
@require_POST
def agree(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Book it: the receipt is nobody's again."""
    return _decide(request, access_pool(code=code), number, "agree_undoing")


@duty_required(*MONEY)
@require_POST
def withdraw(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Take a proposal back, or turn it down."""
    return _decide(request, access_pool(code=code), number, "withdraw_undoing")


def _decide(request: HttpRequest, pool: Pool, number: int, deed: str) -> HttpResponse:
    refusal = decide_once(request, pool, deed, number, undoings.decision_of)
    if refusal:
        return _overview(request, pool, refusal=refusal)
    return redirect("custody_undoings", code=pool.code)
