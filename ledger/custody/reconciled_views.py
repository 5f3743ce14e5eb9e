"""Pages of the daily reconciliation: each rule with its verdict, what breaks it, and what passes through."""

import datetime as dt

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from aidplatform.lib import clock
from aidplatform.lib.errors import NotFoundError
from ledger.custody import reconciled_days, selectors
from ledger.custody.pages import READERS, page_context, render_page
from ledger.custody.reconciled_days import Judged
from ledger.custody.reconciled_rules import Finding
from ledger.custody.reconciled_words import CHECKS, RULES
from members.pools.models import Pool
from members.pools.rules import duty_required
from members.pools.selectors import access_pool

DAYS = 60


@duty_required(*READERS)
@require_safe
def reconciliation(request: HttpRequest, code: str) -> HttpResponse:
    """Show the newest daily reconciliation, or how it stands this minute, and the days before."""
    pool = access_pool(code=code)
    days = pool.reconciled_days.select_related("pool").order_by("-day")
    newest = days.first()
    if newest is None or "now" in request.GET:
        return _page(request, pool, reconciled_days.judge(pool, clock.now()), is_now=True)
    return _page(request, pool, reconciled_days.judged_of(newest), is_now=False)


@duty_required(*READERS)
@require_safe
def reconciled_day(request: HttpRequest, code: str, day: str) -> HttpResponse:
    """Show what the reconciliation of a day found."""
    pool = access_pool(code=code)
    kept = pool.reconciled_days.select_related("pool").filter(day=_day(day)).first()
    if kept is None:
        raise NotFoundError(_("Nothing was reconciled on that day."))
    return _page(request, pool, reconciled_days.judged_of(kept), is_now=False)


def _day(text: str) -> dt.date:
    """Read a day of the address. Raises: NotFoundError."""
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise NotFoundError(_("Nothing was reconciled on that day.")) from None


def _page(request: HttpRequest, pool: Pool, judged: Judged | None, *, is_now: bool) -> HttpResponse:
    account = selectors.account_of(pool)
    context = page_context(request, pool, "reconciliation") | {
        "judged": judged,
        "is_now": is_now,
        "rows": [(one, RULES[one.rule], _places(pool, one.findings)) for one in judged.verdicts]
        if judged
        else [],
        "clearing": reconciled_days.clearing(account) if account else [],
        "days": pool.reconciled_days.order_by("-day").defer("verdicts")[:DAYS],
    }
    return render_page(request, "reconciliation", context)


def _places(pool: Pool, findings: tuple[Finding, ...]) -> list[tuple[Finding, object, str, str]]:
    """Return of each finding what it compares, and the name and address of what it is about."""
    return [(one, CHECKS[one.check], *_place(pool, one)) for one in findings]


def _place(pool: Pool, one: Finding) -> tuple[str, str]:
    code, ref = pool.code, one.ref
    statement = ref.partition("/")[0]
    names = {
        "statement": (_("Statement %(ref)s"), reverse("custody_statement", args=[code, statement]))
        if statement.isdecimal()
        else None,
        "line": (_("Booking %(ref)s"), reverse("custody_statement", args=[code, statement]))
        if statement.isdecimal()
        else None,
        "receipt": (_("Receipt %(ref)s"), reverse("custody_unidentified", args=[code])),
        "payment": (_("Payment %(ref)s"), reverse("custody_payment", args=[code, ref]))
        if ref.isdecimal()
        else None,
        "period": (_("Period %(ref)s"), reverse("period", args=[code, ref])) if ref.isdecimal() else None,
        "case": (_("Case %(ref)s"), ""),
        "account": (_("Account %(ref)s"), reverse("accounts", args=[code])),
    }
    text, address = names[one.kind] or (ref, "")
    return str(text) % {"ref": ref}, address
