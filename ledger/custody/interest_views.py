"""The operator's interests, for everyone: with whom it has to do, and its income from referrals and sponsors."""

import uuid
from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from aidplatform.lib import clock
from aidplatform.lib.csv_files import Text, csv_response, plain_fen
from aidplatform.lib.http import public
from aidplatform.lib.templating import in_language
from ledger.custody import interests
from ledger.custody.forms import KeyForm
from ledger.custody.interest_forms import IncomeForm, InterestForm
from ledger.custody.interest_models import State
from ledger.custody.pages import ADMIN, CONTROLLER, decide_once, do_once, person_of
from ledger.custody.references import INCOME, REFERRAL, SPONSOR, make_reference, spaced
from ledger.sharing.views import viewer_duties
from members.pools.models import Pool
from members.pools.rules import access_public_pool, duty_required
from members.pools.selectors import access_pool

PERIODS = 48
PAST = 20


@public
@require_safe
def overview(request: HttpRequest, code: str) -> HttpResponse:
    """Show the register and the income of each period; who holds a duty sees what waits as well."""
    return _overview(request, access_public_pool(request, code))


def _overview(request: HttpRequest, pool: Pool, *, status: int = 200, **extra: Any) -> HttpResponse:
    staff = viewer_duties(request, pool)
    refusal = extra.get("refusal")
    context = {
        "section": "pools",
        "pool": pool,
        "staff": staff,
        "crumbs": [
            (in_language(pool.name_en, pool.name_zh), reverse("pool", args=[pool.code])),
            (_("Interests of the operator"), ""),
        ],
        "rows": interests.register(pool),
        "periods": interests.income_by_period(pool)[:PERIODS],
    }
    if staff:
        context |= _for_staff(request, pool)
    page = "ledger/custody/interests.html"
    return render(request, page, context | extra, status=refusal.status if refusal else status)


def _for_staff(request: HttpRequest, pool: Pool) -> dict[str, Any]:
    references = [
        (label, spaced(make_reference(pool.code, INCOME, number)))
        for label, number in ((_("From referrals"), REFERRAL), (_("From sponsors"), SPONSOR))
    ]
    return {
        "person": person_of(request),
        "told": interests.interests(pool)[:PAST],
        "reports": interests.reports(pool)[:PAST],
        "references": references,
        "interest_form": InterestForm(pool=pool, initial={"key": uuid.uuid4()}, auto_id="interest_%s"),
        "income_form": IncomeForm(pool=pool, initial={"key": uuid.uuid4()}, auto_id="income_%s"),
        "key_form": KeyForm(initial={"key": uuid.uuid4()}, auto_id=False),
    }


@public
@require_safe
def register_csv(request: HttpRequest, code: str) -> HttpResponseBase:
    """Download the register, with what was replaced."""
    pool = access_public_pool(request, code)
    header = ("number", "partner", "kind", "relation", "since", "until", "replaces", "confirmed_at")
    rows = (
        (
            one.number,
            Text(one.partner),
            one.kind,
            Text(one.relation),
            one.since_date.isoformat(),
            one.until_date.isoformat() if one.until_date else "",
            one.replaces or "",
            one.decided_at.isoformat() if one.decided_at else "",
        )
        for one in interests.interests(pool).filter(state=State.CONFIRMED)
    )
    return csv_response(f"{code}-interests.csv", header, rows)


@public
@require_safe
def income_csv(request: HttpRequest, code: str) -> HttpResponseBase:
    """Download what was reported and booked, period by period; an empty cell: not stated."""
    pool = access_public_pool(request, code)
    money = ("referral", "sponsor", "booked_referral", "booked_sponsor", "gap_referral", "gap_sponsor")
    header = ("period", *(f"{name}_{pool.currency}" for name in money))
    rows = (
        (
            one.number,
            "" if one.referral_fen is None else plain_fen(one.referral_fen),
            "" if one.sponsor_fen is None else plain_fen(one.sponsor_fen),
            plain_fen(one.booked_referral_fen),
            plain_fen(one.booked_sponsor_fen),
            plain_fen(one.gap_referral_fen),
            plain_fen(one.gap_sponsor_fen),
        )
        for one in interests.income_by_period(pool)
    )
    return csv_response(f"{code}-operator-income.csv", header, rows)


@duty_required(ADMIN)
@require_POST
def propose(request: HttpRequest, code: str) -> HttpResponse:
    """Propose an interest; a controller confirms it."""
    pool = access_pool(code=code)
    form = InterestForm(request.POST, pool=pool, auto_id="interest_%s")
    if not form.is_valid():
        return _overview(request, pool, interest_form=form, status=422)
    given = {name: value for name, value in form.cleaned_data.items() if name != "key"}

    def act() -> dict[str, Any]:
        made = interests.propose_interest(
            pool=pool, proposer=person_of(request).code, at=clock.now(), **cast(Any, given)
        )
        return {"number": made.number}

    refusal = do_once(request, pool, "interest", form, act)
    if refusal:
        return _overview(request, pool, interest_form=form, refusal=refusal)
    return redirect("custody_interests", code=code)


@duty_required(ADMIN)
@require_POST
def report(request: HttpRequest, code: str) -> HttpResponse:
    """Report the operator's income of a period; a controller confirms it."""
    pool = access_pool(code=code)
    form = IncomeForm(request.POST, pool=pool, auto_id="income_%s")
    if not form.is_valid():
        return _overview(request, pool, income_form=form, status=422)

    def act() -> dict[str, Any]:
        made = interests.report_income(
            period=form.cleaned_data["period"],
            referral_fen=form.cleaned_data["referral"],
            sponsor_fen=form.cleaned_data["sponsor"],
            note=form.cleaned_data["note"],
            proposer=person_of(request).code,
            at=clock.now(),
        )
        return {"number": made.number}

    refusal = do_once(request, pool, "income", form, act)
    if refusal:
        return _overview(request, pool, income_form=form, refusal=refusal)
    return redirect("custody_interests", code=code)


@duty_required(CONTROLLER)
@require_POST
def confirm(request: HttpRequest, code: str, number: int, what: str) -> HttpResponse:
    """Confirm an interest, or a report of income."""
    return _decide(request, access_pool(code=code), number, f"confirm_{what}")


@duty_required(ADMIN, CONTROLLER)
@require_POST
def withdraw(request: HttpRequest, code: str, number: int, what: str) -> HttpResponse:
    """Take back an interest, or a report of income, that waits."""
    return _decide(request, access_pool(code=code), number, f"withdraw_{what}")


def _decide(request: HttpRequest, pool: Pool, number: int, deed: str) -> HttpResponse:
    refusal = decide_once(request, pool, deed, number, interests.decision_of)
    if refusal:
        return _overview(request, pool, refusal=refusal)
    return redirect("custody_interests", code=pool.code)
