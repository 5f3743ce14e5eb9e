"""The page of aid that is taken back before it is paid: what could be, who proposes it, and the controller's word."""

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
from ledger.custody import revocations
from ledger.custody.forms import KeyForm
from ledger.custody.pages import (
    CONTROLLER,
    READERS,
    REVOKING,
    SECOND_REVIEWER,
    decide_once,
    do_once,
    newest,
    page_context,
    person_of,
    render_page,
)
from ledger.custody.revocation_forms import RevocationForm
from members.pools.models import Pool
from members.pools.rules import duty_required
from members.pools.selectors import access_pool


@duty_required(*READERS, SECOND_REVIEWER)
@require_safe
def overview(request: HttpRequest, code: str) -> HttpResponse:
    """List what was taken back or is proposed to be, newest first, and what is unpaid."""
    return _overview(request, access_pool(code=code))


def _overview(
    request: HttpRequest, pool: Pool, *, form: RevocationForm | None = None, **extra: Any
) -> HttpResponse:
    found = revocations.revocations(pool)
    rows, neighbors = newest(request, found, reverse("custody_revocations", args=[pool.code]))
    unpaid = revocations.revocable(pool)
    context = page_context(request, pool, "revocations", (_("Aid taken back"), "")) | {
        "person": person_of(request),
        "rows": rows,
        **neighbors,
        "unpaid": unpaid,
        "form": form
        or RevocationForm(cases=[one.award.code for one in unpaid], initial={"key": uuid.uuid4()}),
        "key_form": KeyForm(initial={"key": uuid.uuid4()}, auto_id=False),
    }
    return render_page(request, "revocations", context | extra, extra.pop("status", 200))


@duty_required(*READERS, SECOND_REVIEWER)
@require_safe
def overview_csv(request: HttpRequest, code: str) -> HttpResponseBase:
    """Download what was taken back, newest first."""
    pool = access_pool(code=code)
    header = ("number", "case", "period", "reason", f"aid_{pool.currency}", f"fee_{pool.currency}",
              f"fee_owed_by_operator_{pool.currency}", "state", "proposed_by", "proposed_at", "decided_by",
              "decided_at", "entry")  # fmt: skip
    rows = (
        (
            one.number,
            one.award.code,
            one.award.period.number if one.award.period else "",
            Text(one.reason),
            plain_fen(one.aid_fen),
            plain_fen(one.fee_fen),
            plain_fen(one.fee_owed_fen),
            one.state,
            one.proposed_by,
            one.proposed_at.isoformat(),
            one.decided_by or "",
            one.decided_at.isoformat() if one.decided_at else "",
            one.entry.number if one.entry else "",
        )
        for one in revocations.revocations(pool)
    )
    return csv_response(f"{code}-aid-taken-back.csv", header, rows)


@duty_required(SECOND_REVIEWER)
@require_POST
def propose(request: HttpRequest, code: str) -> HttpResponse:
    """Propose that what is unpaid of a case goes back to the members; a controller agrees."""
    pool = access_pool(code=code)
    # Also one of which nothing is unpaid any more: the same click twice is one proposal, and the refusal says why.
    form = RevocationForm(request.POST, cases=revocations.shared_cases(pool, request.POST.get("case", "")))
    if not form.is_valid():
        return _overview(request, pool, form=form, status=422)
    award = revocations.access_revocable(pool=pool, case=form.cleaned_data["case"])

    def act() -> dict[str, Any]:
        made = revocations.propose_revocation(
            award=award, reason=form.cleaned_data["reason"], proposer=person_of(request).code, at=clock.now()
        )
        return {"number": made.number}

    refusal = do_once(request, pool, "revoke", form, act)
    if refusal:
        return _overview(request, pool, form=form, refusal=refusal)
    return redirect("custody_revocations", code=code)


@duty_required(CONTROLLER)
@require_POST
def agree(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Book it."""
    return _decide(request, access_pool(code=code), number, "agree_revocation")


@duty_required(*REVOKING)
@require_POST
def withdraw(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Take a proposal back, or turn it down."""
    return _decide(request, access_pool(code=code), number, "withdraw_revocation")


def _decide(request: HttpRequest, pool: Pool, number: int, deed: str) -> HttpResponse:
    refusal = decide_once(request, pool, deed, number, revocations.decision_of)
    if refusal:
        return _overview(request, pool, refusal=refusal)
    return redirect("custody_revocations", code=pool.code)
