"""The page of debits to explain: what a treasurer has found out about each, and the controller's word on it."""

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
from ledger.custody import explanations
from ledger.custody.explanation_forms import ExplanationForm
from ledger.custody.forms import KeyForm
from ledger.custody.models import StatementLine
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
from ledger.custody.selectors import counterparty
from members.pools.models import Pool
from members.pools.rules import duty_required
from members.pools.selectors import access_pool

#: So many debits are offered at once: each has a form of its own.
OFFERED = 20


@duty_required(*MONEY)
@require_safe
def overview(request: HttpRequest, code: str) -> HttpResponse:
    """List the debits to explain, oldest first, and what was proposed of others."""
    return _overview(request, access_pool(code=code))


def _overview(
    request: HttpRequest,
    pool: Pool,
    *,
    filled: ExplanationForm | None = None,
    of: StatementLine | None = None,
    **extra: Any,
) -> HttpResponse:
    found = explanations.explanations(pool)
    rows, neighbors = newest(request, found, reverse("custody_explanations", args=[pool.code]))
    waiting = explanations.debits_to_explain(pool)
    offered = list(waiting[:OFFERED])
    papers = explanations.papers_like(offered[0].account, offered) if offered else {}
    today = clock.today(pool.time_zone)
    context = page_context(request, pool, "explanations", (_("Debits to explain"), "")) | {
        "person": person_of(request),
        "count": waiting.count(),
        "debits": [
            (
                line,
                (today - line.booking_date).days,
                counterparty(line),
                filled if line == of else _empty_form(line, papers[line.pk]),
            )
            for line in offered
        ],
        "rows": rows,
        **neighbors,
        "key_form": KeyForm(initial={"key": uuid.uuid4()}, auto_id=False),
    }
    return render_page(request, "explanations", context | extra, extra.pop("status", 200))


def _empty_form(line: StatementLine, papers: explanations.Papers) -> ExplanationForm:
    return ExplanationForm(papers=papers, initial={"key": uuid.uuid4()}, auto_id=f"debit-{line.pk}-%s")


@duty_required(*MONEY)
@require_safe
def overview_csv(request: HttpRequest, code: str) -> HttpResponseBase:
    """Download what was found out about debits."""
    pool = access_pool(code=code)
    header = ("number", "debit", "booked", pool.currency, "cause", "payment", "receipt", "note", "state",
              "proposed_by", "decided_by", "entry")  # fmt: skip
    rows = (
        (
            one.number,
            one.line.code,
            one.line.booking_date.isoformat(),
            plain_fen(one.amount_fen),
            one.cause,
            one.order.number if one.order else "",
            one.receipt.code if one.receipt else "",
            Text(one.note),
            one.state,
            one.proposed_by,
            one.decided_by or "",
            one.entry.number if one.entry else "",
        )
        for one in explanations.explanations(pool)
    )
    return csv_response(f"{code}-debits-explained.csv", header, rows)


@duty_required(TREASURER)
@require_POST
def propose(request: HttpRequest, code: str, statement_no: int, line_no: int) -> HttpResponse:
    """Say what a debit was; a controller agrees."""
    pool = access_pool(code=code)
    line = explanations.access_debit(pool=pool, statement_no=statement_no, line_no=line_no)
    papers = explanations.papers_like(line.account, [line])[line.pk]
    form = ExplanationForm(request.POST, papers=papers, auto_id=f"debit-{line.pk}-%s")
    if not form.is_valid():
        return _overview(request, pool, filled=form, of=line, status=422)

    def act() -> dict[str, Any]:
        made = explanations.propose_explanation(
            line=line,
            note=form.cleaned_data["note"],
            proposer=person_of(request).code,
            at=clock.now(),
            **form.found,
        )
        return {"number": made.number}

    refusal = do_once(request, pool, f"explain/{line.code}", form, act)
    if refusal:
        return _overview(request, pool, filled=form, of=line, refusal=refusal)
    return redirect("custody_explanations", code=code)


@duty_required(CONTROLLER)
@require_POST
def agree(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Book what a debit was."""
    return _decide(request, access_pool(code=code), number, "agree_explanation")


@duty_required(*MONEY)
@require_POST
def withdraw(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Take an explanation back, or turn it down."""
    return _decide(request, access_pool(code=code), number, "withdraw_explanation")


def _decide(request: HttpRequest, pool: Pool, number: int, deed: str) -> HttpResponse:
    refusal = decide_once(request, pool, deed, number, explanations.decision_of)
    if refusal:
        return _overview(request, pool, refusal=refusal)
    return redirect("custody_explanations", code=pool.code)
