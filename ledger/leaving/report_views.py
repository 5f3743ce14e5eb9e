"""The page of reported ends: an admin reports a death or a removal, a controller confirms exactly what is shown."""

import uuid
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from aidplatform.lib import clock
from aidplatform.lib.errors import DomainError
from aidplatform.lib.templating import in_language
from ledger.custody.forms import KeyForm, ReleaseForm
from ledger.custody.pages import ADMIN, AUDITOR, CONTROLLER, do_once, person_of
from ledger.custody.selectors import access_membership_no
from ledger.leaving import reports
from ledger.leaving.forms import ReportForm
from members.joining.end_models import ReportedEnd
from members.pools.models import Pool
from members.pools.rules import duty_required
from members.pools.selectors import access_pool, duties_of

SHOWN = 100


@duty_required(ADMIN, CONTROLLER, AUDITOR)
@require_safe
def overview(request: HttpRequest, code: str) -> HttpResponse:
    """List what was reported; an admin reports, a controller decides."""
    return _page(request, access_pool(code=code))


@duty_required(ADMIN)
@require_POST
def report(request: HttpRequest, code: str) -> HttpResponse:
    """Report a death, or propose a removal."""
    pool, form = access_pool(code=code), ReportForm(request.POST)
    if not form.is_valid():
        return _page(request, pool, form=form, status=422)
    given = form.cleaned_data

    def act() -> dict[str, Any]:
        made = reports.report_end(
            membership=access_membership_no(pool=pool, number=given["membership"]),
            reason=given["reason"],
            event_date=given["event_date"],
            reference=given["reference"],
            statement=given["statement"],
            reporter=person_of(request).code,
            at=clock.now(),
        )
        return {"number": made.number}

    return _done(request, pool, do_once(request, pool, "report_end", form, act), form=form)


@duty_required(CONTROLLER)
@require_POST
def confirm(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """End the membership exactly as it was shown."""
    pool, form = access_pool(code=code), ReleaseForm(request.POST)
    found = reports.access_report(pool=pool, number=number)
    if not form.is_valid():
        return _page(request, pool, refusal=DomainError(_("The form is incomplete. Reload the page.")))

    def act() -> dict[str, Any]:
        ended = reports.confirm_end(
            report=found,
            confirmer=person_of(request).code,
            shown_sha256=form.cleaned_data["shown_sha256"],
            at=clock.now(),
        )
        return {"end_date": ended.end_date.isoformat()}

    return _done(request, pool, do_once(request, pool, f"confirm_end/{number}", form, act))


@duty_required(ADMIN, CONTROLLER)
@require_POST
def withdraw(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Take a report back, or turn it down."""
    pool, form = access_pool(code=code), KeyForm(request.POST)
    found = reports.access_report(pool=pool, number=number)
    form.is_valid()

    def act() -> dict[str, Any]:
        done = reports.withdraw_report(report=found, withdrawer=person_of(request).code, at=clock.now())
        return {"state": done.state}

    return _done(request, pool, do_once(request, pool, f"withdraw_end/{number}", form, act))


def _done(
    request: HttpRequest, pool: Pool, refusal: DomainError | None, form: ReportForm | None = None
) -> HttpResponse:
    if refusal:
        return _page(request, pool, form=form, refusal=refusal)
    return redirect("reported_ends", code=pool.code)


def _page(
    request: HttpRequest,
    pool: Pool,
    *,
    form: ReportForm | None = None,
    refusal: DomainError | None = None,
    status: int = 200,
) -> HttpResponse:
    person = person_of(request)
    shown = reports.with_texts(list(reports.reports_of(pool)[:SHOWN]))
    context = {
        "section": "pools",
        "pool": pool,
        "staff": duties_of(person, pool),
        "waiting": [
            (
                one,
                one.report.reported_by == person.code,
                ReleaseForm(
                    initial={"key": uuid.uuid4(), "shown_sha256": one.report.shown_sha256},
                    auto_id=f"confirm-{one.report.number}-%s",
                ),
                KeyForm(initial={"key": uuid.uuid4()}, auto_id=f"withdraw-{one.report.number}-%s"),
            )
            for one in shown
            if one.report.state == ReportedEnd.State.OPEN
        ],
        "decided": [one.report for one in shown if one.report.state != ReportedEnd.State.OPEN],
        "form": form or ReportForm(initial={"key": uuid.uuid4()}),
        "refusal": refusal,
        "crumbs": [
            (in_language(pool.name_en, pool.name_zh), reverse("pool", args=[pool.code])),
            (_("Deaths and removals"), ""),
        ],
    }
    answer = refusal.status if refusal else status
    return render(request, "ledger/leaving/reported_ends.html", context, status=answer)
