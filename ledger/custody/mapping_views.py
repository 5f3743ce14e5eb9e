"""The page on which a treasurer says how the tables of the pool's bank are read."""

import datetime as dt
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from aidplatform.lib import clock
from aidplatform.lib.http import attempt
from ledger.custody import mappings, services
from ledger.custody.mapped_csv import read_mapped
from ledger.custody.mapping_forms import TableForm
from ledger.custody.mapping_models import StatementUpload
from ledger.custody.pages import TREASURER, page_context, person_of, render_page
from ledger.custody.statement_files import checked
from ledger.custody.statement_parts import StatementFileError
from ledger.custody.uploads import access_upload, content_of
from members.pools.models import Pool
from members.pools.rules import duty_required
from members.pools.selectors import access_pool


@duty_required(TREASURER)
@require_http_methods(["GET", "HEAD", "POST"])
def table(request: HttpRequest, code: str, sha256: str) -> HttpResponse:
    """Show the columns of a waiting file; with an answer that reads it, keep it and go on to the look."""
    pool = access_pool(code=code)
    waiting = access_upload(pool, sha256)
    data = content_of(waiting)
    known = waiting.mapping or mappings.newest_mapping(waiting.account)
    try:
        form = TableForm(
            request.POST if request.method == "POST" else None,
            data_of_file=data,
            known=known.mapping if known else None,
            initial=_likely_days(waiting),
        )
    except StatementFileError as error:
        refusal = services.refusal_of(error.reason, error.detail)
        return _page(request, pool, {"waiting": waiting, "refusal": refusal})
    if request.method != "POST":
        return _page(request, pool, {"waiting": waiting, "form": form, "is_known": known is not None})
    if not form.is_valid():
        return _page(request, pool, {"waiting": waiting, "form": form}, status=422)
    _read, refused = attempt(lambda: _try(waiting, data, form))
    if refused:
        return _page(request, pool, {"waiting": waiting, "form": form, "refusal": refused})
    made = mappings.describe(
        account=waiting.account, mapping=form.mapping, maker=person_of(request).code, at=clock.now()
    )
    waiting.mapping = made
    waiting.from_date, waiting.to_date = form.days
    waiting.save(update_fields=["mapping", "from_date", "to_date"])
    return redirect("custody_upload", code=code, sha256=sha256)


def _try(waiting: StatementUpload, data: bytes, form: TableForm) -> None:
    """Read the file as described. Raises: FileRefusedError."""
    account = waiting.account
    try:
        checked(read_mapped(data, form.mapping, account.number, form.days, account.pool.currency))
    except StatementFileError as error:
        raise services.refusal_of(error.reason, error.detail) from None


def _likely_days(waiting: StatementUpload) -> dict[str, dt.date]:
    """Return the days that were named before, or those since the last statement up to yesterday."""
    if waiting.from_date and waiting.to_date:
        return {"first_day": waiting.from_date, "last_day": waiting.to_date - dt.timedelta(days=1)}
    yesterday = clock.today(waiting.account.pool.time_zone) - dt.timedelta(days=1)
    last = waiting.account.statements.order_by("-number").first()
    return {"first_day": last.to_date if last else yesterday, "last_day": yesterday}


def _page(request: HttpRequest, pool: Pool, context: dict[str, Any], status: int = 200) -> HttpResponse:
    frame = page_context(request, pool, "statements", (_("Table of the bank"), ""))
    return render_page(request, "table", frame | context, status)
