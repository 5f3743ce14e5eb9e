"""Pages of debits: what is due, files and what became of them, answers of the agent; and a member's "try again"."""

import uuid
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from aidplatform.lib import clock
from aidplatform.lib.csv_files import csv_response
from aidplatform.lib.errors import DomainError, NotFoundError
from aidplatform.lib.http import attempt, policy, signed_in
from ledger.custody import charge_files, charge_results, charge_selectors, services
from ledger.custody.charge_models import ChargeExport, ChargeResult, ChargeResultFile
from ledger.custody.forms import LARGEST_FILE, KeyForm
from ledger.custody.mandates import account_of_mandate
from ledger.custody.models import PaymentOrder
from ledger.custody.pages import (
    MONEY,
    PAGE,
    READERS,
    TREASURER,
    cursor,
    do_once,
    page_context,
    person_of,
    render_page,
)
from ledger.sharing.models import Period
from ledger.sharing.selectors import access_period
from members.joining.selectors import access_membership
from members.people.debit_words import why
from members.pools.models import Pool
from members.pools.rules import duty_required
from members.pools.selectors import access_pool, pays_ahead

FILES_SHOWN = 20
_TYPES = {"csv": "text/csv; charset=utf-8", "xml": "application/xml"}


class ResultsForm(forms.Form):
    """An answer of the agent as a file."""

    file = forms.FileField(label=_("Answer of the agent"), help_text=_("pain.002 (XML) or CSV"))

    def clean_file(self) -> Any:
        """Refuse a file that is larger than any answer that can be taken."""
        file = self.cleaned_data["file"]
        if file.size > LARGEST_FILE:
            raise forms.ValidationError(_("The file is too large."), code="too_large")
        return file


def _pool(code: str) -> Pool:
    """Return a pool whose members pay afterwards. Raises: NotFoundError."""
    pool = access_pool(code=code)
    if pays_ahead(pool):
        raise NotFoundError(_("The members of this pool pay ahead: nobody is debited."))
    return pool


# --- what is due, and files -------------------------------------------------------------------------------------


@duty_required(*READERS)
@require_safe
def overview(request: HttpRequest, code: str) -> HttpResponse:
    """Show what is due, the files, the answers, and what is in transit."""
    return _overview(request, _pool(code))


def _overview(request: HttpRequest, pool: Pool, *, status: int = 200, **extra: Any) -> HttpResponse:
    periods = charge_selectors.open_periods(pool)
    coming = charge_selectors.coming(periods, clock.today(pool.time_zone))
    due = [(number, *of, KeyForm(initial={"key": uuid.uuid4()})) for number, of in _due(coming, periods)]
    results = ChargeResultFile.objects.filter(pool=pool).order_by("-number")
    context = page_context(request, pool, "debits", (_("Debits"), "")) | {
        "due": due,
        "coming": coming,
        "making": charge_files.are_being_made(pool),
        "files": charge_files.files_of(pool).prefetch_related("exports")[:FILES_SHOWN],
        "results": results[:FILES_SHOWN],
        "in_transit_fen": charge_selectors.in_transit_fen(pool),
        "too_much": charge_selectors.too_much(pool),
        "results_form": ResultsForm(),
    }
    return render_page(request, "debits", context | extra, status)


def _due(
    coming: list[charge_selectors.Coming] | None, periods: list[Period]
) -> list[tuple[int, tuple[int, int] | tuple[None, None]]]:
    """Return of which periods files can be made now, with how many debits and how much (fen); None: not counted."""
    if coming is None:
        return [(period.number, (None, None)) for period in reversed(periods)]
    sums: dict[int, tuple[int, int]] = {}
    for one in coming:
        if one.is_due:
            count, fen = sums.get(one.period_no, (0, 0))
            sums[one.period_no] = (count + one.sum.count, fen + one.sum.fen)
    return [(number, sums[number]) for number in sorted(sums)]


@duty_required(TREASURER)
@require_POST
def make(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Have the files of a period made by a worker."""
    pool, form = _pool(code), KeyForm(request.POST)
    period = access_period(pool=pool, number=number)
    form.is_valid()

    def act() -> dict[str, Any]:
        charge_files.request_files(period=period, maker=person_of(request).code, at=clock.now())
        return {}

    refusal = do_once(request, pool, f"charge_files/{number}", form, act)
    if refusal:
        return _overview(request, pool, refusal=refusal)
    messages.success(request, _("The files are being made. Reload this page in a moment."))
    return redirect("custody_debits", code=code)


@duty_required(*READERS)
@require_safe
def charge_file(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Show a file, its hashes, and its instructions with what became of them."""
    pool = _pool(code)
    found = charge_files.access_file(pool=pool, number=number)
    after = cursor(request, "after")
    rows = list(charge_files.instructions_of(found).filter(payer_no__gt=after)[: PAGE + 1])
    here = reverse("custody_charge_file", args=[code, number])
    crumb = (_("Charge file %(number)s") % {"number": number}, "")
    context = page_context(
        request, pool, "debits", (_("Debits"), reverse("custody_debits", args=[code])), crumb
    ) | {
        "file": found,
        "exports": found.exports.order_by("format"),
        "rows": [(row, _said(row.results.all())) for row in rows[:PAGE]],
        "newer": here if after else "",
        "older": f"{here}?after={rows[PAGE - 1].payer_no}" if len(rows) > PAGE else "",
    }
    return render_page(request, "charge_file", context)


def _said(results: Any) -> list[tuple[ChargeResult, str]]:
    """Return what the agent says, each with the bank's reason in words."""
    found = sorted(results, key=lambda one: one.pk)
    return [(one, why(one.reason) if one.kind != ChargeResult.Kind.COLLECTED else "") for one in found]


@duty_required(*MONEY)
@require_safe
def download(request: HttpRequest, code: str, number: int, form: str) -> HttpResponseBase:
    """Download a file; the same bytes each time, which the header names."""
    found = charge_files.access_file(pool=_pool(code), number=number)
    kept: ChargeExport = charge_files.access_export(file=found, form=form)
    response = StreamingHttpResponse(charge_files.export(found, form), content_type=_TYPES[form])
    response["Content-Disposition"] = f'attachment; filename="{charge_files.name_of(found, form)}"'
    response["X-Content-SHA256"] = kept.sha256
    return response


# --- answers ----------------------------------------------------------------------------------------------------


@duty_required(TREASURER)
@require_POST
def import_results(request: HttpRequest, code: str) -> HttpResponse:
    """Take an answer of the agent, whole or not at all; a repeated one changes nothing."""
    pool, form = _pool(code), ResultsForm(request.POST, request.FILES)
    if not form.is_valid():
        return _overview(request, pool, results_form=form, status=422)
    file = form.cleaned_data["file"]
    made, refusal = attempt(
        lambda: charge_results.import_results(
            pool=pool,
            data=file.read(),
            filename=str(file.name),
            importer=person_of(request).code,
            at=clock.now(),
        )
    )
    if refusal or made is None:
        return _overview(request, pool, refusal=refusal, results_form=form)
    if not made.is_new:
        text = ngettext(
            "Nothing in this file is new: %(count)s line was known already. Nothing was booked.",
            "Nothing in this file is new: %(count)s lines were known already. Nothing was booked.",
            made.dropped,
        )
        messages.info(request, text % {"count": made.dropped})
    if made.file is None:
        return redirect("custody_debits", code=code)
    return redirect("custody_debit_results", code=code, number=made.file.number)


@duty_required(*READERS)
@require_safe
def results(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Show what an answer said."""
    pool = _pool(code)
    found = ChargeResultFile.objects.filter(pool=pool, number=number).first()
    if found is None:
        raise NotFoundError(_("This pool has no such answer of the agent."))
    after = cursor(request, "after")
    rows = list(
        found.results.filter(pk__gt=after).select_related("instruction__file").order_by("pk")[: PAGE + 1]
    )
    here = reverse("custody_debit_results", args=[code, number])
    crumb = (_("Answer %(number)s") % {"number": number}, "")
    context = page_context(
        request, pool, "debits", (_("Debits"), reverse("custody_debits", args=[code])), crumb
    ) | {
        "found": found,
        "rows": [(row, _said([row])[0][1]) for row in rows[:PAGE]],
        "newer": here if after else "",
        "older": f"{here}?after={rows[PAGE - 1].pk}" if len(rows) > PAGE else "",
    }
    return render_page(request, "debit_results", context)


@duty_required(TREASURER)
@require_http_methods(["GET", "HEAD", "POST"])
def pay_back(request: HttpRequest, code: str, result: int) -> HttpResponse:
    """Order what a debit brought too much to be paid back to the account that was debited."""
    pool = _pool(code)
    found = ChargeResult.objects.filter(pk=result, instruction__pool=pool)
    debit = found.select_related("instruction__mandate__membership").first()
    left = next((one for one in charge_selectors.too_much(pool) if one.result_id == result), None)
    if debit is None or left is None:
        raise NotFoundError(_("Nothing of this debit is left to be paid back."))
    form = KeyForm(request.POST or None, initial={"key": uuid.uuid4()})
    refusal: DomainError | None = None
    if request.method == "POST" and form.is_valid():
        payee = account_of_mandate(debit.instruction.mandate)

        def act() -> dict[str, Any]:
            made = services.order_payment(
                pool=pool,
                kind=PaymentOrder.Kind.REFUND,
                debit_result=debit,
                amount_fen=left.open_fen,
                payee_name=payee.name,
                payee_account=payee.account,
                orderer=person_of(request).code,
                at=clock.now(),
            )
            return {"order": made.number}

        refusal = do_once(request, pool, f"pay_back_debit/{result}", form, act)
        if refusal is None:
            return redirect("custody_payments", code=code)
    context = page_context(
        request, pool, "debits", (_("Debits"), reverse("custody_debits", args=[code])), (_("Pay back"), "")
    ) | {
        "debit": debit,
        "left": left,
        "form": form,
        "refusal": refusal,
    }
    return render_page(request, "debit_refund", context)


# --- calendar ---------------------------------------------------------------------------------------------------


@duty_required(*READERS)
@require_safe
def calendar(request: HttpRequest, code: str) -> HttpResponse:
    """Show by period how far debits came, and every attempt with its day."""
    pool = _pool(code)
    today = clock.today(pool.time_zone)
    crumb = (_("Calendar"), "")
    context = page_context(
        request, pool, "debits", (_("Debits"), reverse("custody_debits", args=[code])), crumb
    ) | {
        "funnels": [_bars(one) for one in charge_selectors.funnels(pool)],
        "coming": charge_selectors.coming(charge_selectors.open_periods(pool), today),
        "attempts": charge_selectors.calendar(pool, PAGE),
    }
    return render_page(request, "debit_calendar", context)


_STEPS = {
    "charged": _("Charged"),
    "instructed": _("Sent to the agent"),
    "collected": _("Collected"),
    "failed": _("Not carried out"),
    "returned": _("Taken back"),
    "pending": _("No answer yet"),
}


def _bars(funnel: charge_selectors.Funnel) -> tuple[charge_selectors.Funnel, list[tuple[object, Any, int]]]:
    """Return the steps with the part of the charged amount that each comes to, in percent."""
    whole = max(funnel.charged.fen, funnel.instructed.fen, 1)
    return funnel, [(_STEPS[name], one, round(100 * one.fen / whole)) for name, one in funnel.steps]


@duty_required(*READERS)
@require_safe
def calendar_csv(request: HttpRequest, code: str) -> HttpResponseBase:
    """Download every attempt that was made, in minor units."""
    header = ("date", "period", "attempt", "file", "made", "made_fen", "collected", "collected_fen", "failed",
              "failed_fen", "returned", "returned_fen", "pending", "pending_fen")  # fmt: skip
    return csv_response(f"{code}-debits.csv", header, charge_selectors.rows_for_csv(_pool(code)))


# --- a member's own ---------------------------------------------------------------------------------------------


@policy("member")
@signed_in
@require_POST
def retry(request: HttpRequest, code: str) -> HttpResponse:
    """Let what failed be debited with the next file."""
    person = person_of(request)
    membership = access_membership(code=code, person=person)
    refusal = attempt(lambda: charge_files.ask_retry(membership=membership, asker=person.code))[1]
    if refusal is not None:
        messages.warning(request, str(refusal))
    else:
        messages.success(
            request, _("It goes with the next file. Below stands the earliest day on which it is debited.")
        )
    return redirect("my_mandate", code=code)
