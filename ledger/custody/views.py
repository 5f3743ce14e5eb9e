"""Pages of custody: bank against ledger, statements, unidentified money, payment orders."""

import datetime as dt
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
from aidplatform.lib.errors import DomainError
from aidplatform.lib.http import attempt
from ledger.custody import reconciliation, selectors, services
from ledger.custody.forms import (
    AccountForm,
    KeyForm,
    UploadForm,
)
from ledger.custody.mapped_csv import fits
from ledger.custody.mapping_models import StatementUpload
from ledger.custody.mappings import newest_mapping
from ledger.custody.models import BankStatement, StatementLine
from ledger.custody.opening_debts import debts_of_before
from ledger.custody.pages import (
    CONTROLLER,
    MONEY,
    PAGE,
    READERS,
    TREASURER,
    cursor,
    do_once,
    newest,
    page_context,
    person_of,
    render_page,
)
from ledger.custody.uploads import access_upload, content_of, keep_upload, reading_of
from members.pools.models import Pool
from members.pools.rules import duty_required
from members.pools.selectors import access_pool, duties_of

# --- overview -------------------------------------------------------------------------------------------------


@duty_required(*READERS)
@require_safe
def custody(request: HttpRequest, code: str) -> HttpResponse:
    """Show bank = ledger, what is on its way, what is unidentified, and arrears by period."""
    return _overview(request, access_pool(code=code))


@duty_required(CONTROLLER)
@require_POST
def open_account(request: HttpRequest, code: str) -> HttpResponse:
    """Name the custody account, once."""
    pool, form = access_pool(code=code), AccountForm(request.POST)
    if not form.is_valid():
        return _overview(request, pool, account_form=form, status=422)

    def act() -> dict[str, Any]:
        account = services.open_bank_account(
            pool=pool,
            bank_name=form.cleaned_data["bank_name"],
            holder_name=form.cleaned_data["holder_name"],
            number=form.cleaned_data["number"],
            opener=person_of(request).code,
            at=clock.now(),
        )
        return {"account": account.pk}

    refusal = do_once(request, pool, "account", form, act)
    if refusal:
        return _overview(request, pool, refusal=refusal, account_form=form)
    return redirect("custody", code=code)


@duty_required(*READERS)
@require_safe
def arrears_csv(request: HttpRequest, code: str) -> HttpResponseBase:
    """Download every charge that is not paid in full."""
    pool = access_pool(code=code)
    rows = (
        (number, period, plain_fen(share), plain_fen(collected), plain_fen(open_fen))
        for number, period, share, collected, open_fen in selectors.arrears_rows(pool)
    )
    return csv_response(f"{code}-arrears.csv", ("membership", "period", "share", "collected", "open"), rows)


def _overview(request: HttpRequest, pool: Pool, *, status: int = 200, **extra: Any) -> HttpResponse:
    found = reconciliation.reconcile(pool)
    context = page_context(request, pool, "custody") | {
        "bank": found,
        "arrears": selectors.arrears(pool),
        "before": debts_of_before(pool),
        "statements": selectors.statements(found.account)[:5] if found else [],
        "account_form": AccountForm(initial={"key": uuid.uuid4()}),
    }
    return render_page(request, "custody", context | extra, status)


# --- statements -----------------------------------------------------------------------------------------------


@duty_required(*READERS)
@require_safe
def statements(request: HttpRequest, code: str) -> HttpResponse:
    """List the imported statements; the treasurer uploads the next one."""
    return _statements(request, access_pool(code=code))


def _statements(request: HttpRequest, pool: Pool, *, status: int = 200, **extra: Any) -> HttpResponse:
    account = selectors.account_of(pool)
    found = selectors.statements(account) if account else BankStatement.objects.none()
    rows, neighbors = newest(request, found, reverse("custody_statements", args=[pool.code]))
    context = page_context(request, pool, "statements") | {
        "account": account,
        "statements": rows,
        **neighbors,
        "upload_form": UploadForm(),
    }
    return render_page(request, "statements", context | extra, status)


@duty_required(*READERS)
@require_safe
def statement(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Show the bookings of a statement, in their order."""
    pool = access_pool(code=code)
    found = selectors.access_statement(pool=pool, number=number)
    after = cursor(request, "after")
    page = list(selectors.lines_of(found).filter(line_no__gt=after)[: PAGE + 1])
    here = reverse("custody_statement", args=[code, number])
    is_money = bool(duties_of(person_of(request), pool) & set(MONEY))
    context = page_context(
        request, pool, "statements", (_("Statement %(number)s") % {"number": number}, "")
    ) | {
        "statement": found,
        "last_day": found.to_date - dt.timedelta(days=1),
        "rows": [(line, selectors.counterparty(line) if is_money else "") for line in page[:PAGE]],
        "shows_names": is_money,
        "newer": here if after else "",
        "older": f"{here}?after={page[PAGE - 1].line_no}" if len(page) > PAGE else "",
    }
    return render_page(request, "statement", context)


@duty_required(*READERS)
@require_safe
def statement_csv(request: HttpRequest, code: str, number: int) -> HttpResponseBase:
    """Download the bookings of a statement, without the names on the other side."""
    found = selectors.access_statement(pool=access_pool(code=code), number=number)
    rows = (
        (
            line.line_no,
            line.booking_date,
            line.direction,
            plain_fen(line.amount_fen),
            line.kind,
            Text(line.bank_reference),
            Text(line.text),
        )
        for line in selectors.lines_of(found).iterator(chunk_size=2000)
    )
    header = ("line", "date", "direction", "amount", "kind", "reference", "text")
    return csv_response(f"{code}-statement-{number}.csv", header, rows)


@duty_required(TREASURER)
@require_POST
def upload(request: HttpRequest, code: str) -> HttpResponse:
    """Keep an uploaded file, sealed, until somebody has looked at what it would do."""
    pool = access_pool(code=code)
    account = selectors.access_account(pool=pool)
    form = UploadForm(request.POST, request.FILES)
    if not form.is_valid():
        return _statements(request, pool, upload_form=form, status=422)
    file = form.cleaned_data["file"]
    data = file.read()
    waiting = keep_upload(
        account=account,
        data=data,
        filename=str(file.name),
        uploader=person_of(request).code,
        at=clock.now(),
    )
    known = newest_mapping(account)
    # A table that looks like the bank's last one is read like it; what it does not say is asked first.
    is_table = known is not None and waiting.mapping is None and fits(data, known.mapping)
    return redirect("custody_table" if is_table else "custody_upload", code=code, sha256=waiting.sha256)


@duty_required(TREASURER)
@require_safe
def uploaded(request: HttpRequest, code: str, sha256: str) -> HttpResponse:
    """Show what importing the file would do; nothing is written."""
    return _uploaded(request, access_pool(code=code), sha256)


def _uploaded(
    request: HttpRequest, pool: Pool, sha256: str, refusal: DomainError | None = None
) -> HttpResponse:
    waiting = access_upload(pool, sha256)
    result, refused = attempt(lambda: services.preview_statement(**_import_arguments(request, waiting)))
    labels = dict(StatementLine.Kind.choices)
    context = page_context(request, pool, "statements", (_("Import"), "")) | {
        "waiting": waiting,
        "result": result,
        "last_day": result.statement.to_date - dt.timedelta(days=1) if result else None,
        "totals": [(labels[kind], n, fen) for kind, (n, fen) in result.totals.items()] if result else [],
        "refusal": refusal or refused,
        "may_be_table": refused is not None and refused.extra.get("reason") in _OTHER_FORM,
        "key_form": KeyForm(initial={"key": uuid.uuid4()}),
    }
    return render_page(request, "upload", context)


# A file of which this is said may be a table of the bank.
_OTHER_FORM = {"not_a_statement", "truncated", "bad_value"}


@duty_required(TREASURER)
@require_POST
def import_upload(request: HttpRequest, code: str, sha256: str) -> HttpResponse:
    """Import the file that was looked at."""
    pool = access_pool(code=code)
    done = BankStatement.objects.filter(account__pool=pool, sha256=sha256).first()
    if done is not None:
        return redirect("custody_statement", code=code, number=done.number)
    waiting = access_upload(pool, sha256)
    form = KeyForm(request.POST)
    form.is_valid()

    def act() -> dict[str, Any]:
        result = services.import_statement(**_import_arguments(request, waiting))
        waiting.delete()
        return {"number": result.statement.number}

    refusal = do_once(request, pool, f"import/{sha256}", form, act)
    if refusal:
        return _uploaded(request, pool, sha256, refusal)
    done = BankStatement.objects.filter(account__pool=pool, sha256=sha256).first()
    if done is None:
        return redirect("custody_statements", code=code)
    return redirect("custody_statement", code=code, number=done.number)


def _import_arguments(request: HttpRequest, waiting: StatementUpload) -> dict[str, Any]:
    return {
        "account": waiting.account,
        "data": content_of(waiting),
        "reading": reading_of(waiting),
        "filename": waiting.filename,
        "importer": person_of(request).code,
        "at": clock.now(),
    }
