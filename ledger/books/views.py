"""Pages of the books: accounts, trial balance, statements, journal."""

from collections.abc import Iterable
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from aidplatform.lib.csv_files import Text, csv_response, plain_fen
from aidplatform.lib.errors import DomainError
from aidplatform.lib.templating import in_language
from ledger.books import reports, selectors
from ledger.books.forms import KINDS, DayForm, EntryFilter
from ledger.books.models import Account, JournalEntry
from ledger.books.selectors import StatementLine, TrialBalance
from members.pools.models import DutyGrant, Pool
from members.pools.rules import duty_required
from members.pools.selectors import access_pool

READERS = (
    DutyGrant.Duty.POOL_ADMIN.value,
    DutyGrant.Duty.TREASURER.value,
    DutyGrant.Duty.CONTROLLER.value,
    DutyGrant.Duty.AUDITOR.value,
)
PAGE = 50


class BadFilterError(DomainError):
    """The address asks for something that cannot be filtered by."""

    code = "bad_filter"


@duty_required(*READERS)
@require_safe
def accounts(request: HttpRequest, code: str) -> HttpResponse:
    """Show the chart of accounts with balances, by kind."""
    pool = access_pool(code=code)
    form, trial = _trial(request, code)
    labels = dict(Account.Kind.choices)
    groups = [
        (labels[kind], list(lines)) for kind, lines in groupby(trial.lines, lambda line: line.account.kind)
    ]
    return render(
        request,
        "ledger/books/accounts.html",
        page_context(pool, "accounts") | {"groups": groups, "form": form},
    )


@duty_required(*READERS)
@require_safe
def trial_balance(request: HttpRequest, code: str) -> HttpResponse:
    """Show both columns and whether they agree."""
    pool = access_pool(code=code)
    form, trial = _trial(request, code)
    context = page_context(pool, "trial") | {"trial": trial, "form": form}
    return render(request, "ledger/books/trial_balance.html", context)


def _trial(request: HttpRequest, code: str) -> tuple[DayForm, TrialBalance]:
    """Return the balances at the end of the day that the address names, or now.

    Raises: BadFilterError for what is no day.
    """
    form = DayForm(request.GET)
    if not form.is_valid():
        raise BadFilterError(_("“on” must be a day like 2026-01-31."))
    day = form.cleaned_data["on"]
    return form, reports.trial_balance_on(selectors.access_book(code=code), day)


@duty_required(*READERS)
@require_safe
def account(request: HttpRequest, code: str, account_code: str) -> HttpResponse:
    """Show an account's statement, newest first, each line with the balance after it."""
    pool = access_pool(code=code)
    found = selectors.access_account(book=selectors.access_book(code=code), code=account_code)
    before = _cursor(request)
    lines = selectors.statement(found, before_no=before, limit=PAGE + 1)
    here = reverse("account", args=[code, account_code])
    context = page_context(pool, "accounts", (found.name, "")) | {
        "account": found,
        "lines": [(line, *_words(pool, line)) for line in lines[:PAGE]],
        "balance_fen": selectors.balance_fen(found.book, found.code),
        "newer": here if before else "",
        "older": f"{here}?before={lines[PAGE - 1].entry_no}" if len(lines) > PAGE else "",
    }
    return render(request, "ledger/books/account.html", context)


@duty_required(*READERS)
@require_safe
def account_csv(request: HttpRequest, code: str, account_code: str) -> HttpResponseBase:
    """Download the whole statement."""
    found = selectors.access_account(book=selectors.access_book(code=code), code=account_code)
    rows = (
        (
            line.entry_no,
            line.entry_date,
            Text(line.kind),
            Text(line.description),
            Text(line.source),
            plain_fen(line.debit_fen),
            plain_fen(line.credit_fen),
            plain_fen(line.balance_fen),
        )
        for line in selectors.statement_lines(found)
    )
    header = ("entry", "date", "kind", "description", "source", "debit", "credit", "balance")
    return csv_response(f"{code}-account-{account_code}.csv", header, rows)


@duty_required(*READERS)
@require_safe
def entries(request: HttpRequest, code: str) -> HttpResponse:
    """Show the journal, newest first, filtered as the address says."""
    pool = access_pool(code=code)
    form = EntryFilter(request.GET or None)
    found = _filtered(selectors.entries(selectors.access_book(code=code)), form)
    before = form.cleaned_data.get("before") if form.is_bound and form.is_valid() else None
    page = list(found.filter(number__lt=before)[: PAGE + 1] if before else found[: PAGE + 1])
    context = page_context(pool, "entries") | {
        "form": form,
        "entries": [(one, *_words(pool, one)) for one in page[:PAGE]],
        "kinds": dict(KINDS),
        "is_filtered": any(form.data.get(name) for name in ("kind", "since", "until", "text")),
        "newer": _address(request, before=None) if before else "",
        "older": _address(request, before=page[PAGE - 1].number) if len(page) > PAGE else "",
        "csv_address": f"{reverse('entries_csv', args=[code])}?{_query(request, before=None)}",
    }
    return render(
        request, "ledger/books/entries.html", context, status=422 if form.is_bound and form.errors else 200
    )


@duty_required(*READERS)
@require_safe
def entries_csv(request: HttpRequest, code: str) -> HttpResponseBase:
    """Download exactly the entries that the filter shows, one row per posting."""
    form = EntryFilter(request.GET or None)
    found = _filtered(selectors.entries(selectors.access_book(code=code)), form)
    if form.is_bound and form.errors:
        raise BadFilterError(_("These filters make no sense together."))
    return csv_response(
        f"{code}-entries.csv",
        ("entry", "date", "kind", "description", "source", "account", "side", "amount"),
        _posting_rows(found.prefetch_related("postings__account")),
    )


def _posting_rows(found: QuerySet[JournalEntry]) -> Iterable[tuple[object, ...]]:
    for entry in found.iterator(chunk_size=500):
        for posting in entry.postings.all():
            yield (
                entry.number,
                entry.entry_date,
                Text(entry.kind),
                Text(entry.description),
                Text(entry.source),
                posting.account.code,
                posting.side,
                plain_fen(posting.amount_fen),
            )


def entry_context(pool: Pool, found: JournalEntry) -> dict[str, Any]:
    """Return what the page of an entry shows: its postings, where it comes from, what reverses it."""
    postings = sorted(found.postings.all(), key=lambda posting: (posting.side != "D", posting.account.code))
    crumb = (_("Entry %(number)s") % {"number": found.number}, "")
    return page_context(pool, "entries", crumb) | {
        "entry": found,
        "kind": dict(KINDS).get(found.kind, found.kind),
        "postings": postings,
        "total_fen": sum(posting.amount_fen for posting in postings if posting.side == "D"),
        "text": entry_text(found.kind, found.source, found.description),
        "source": source_label(found.source),
        "source_address": source_address(pool, found.source),
        "reversed_by": getattr(found, "reversed_by", None),
    }


def source_label(source: str) -> object:
    """Say an entry's source in the reader's language; one of another kind stands as it was written."""
    kind, _space, name = source.partition(" ")
    if kind == "period":
        return _("Period %(number)s") % {"number": name.rpartition("/")[2]}
    if kind == "award":
        return _("Case %(code)s") % {"code": name}
    if kind == "entry":
        return _("Entry %(number)s") % {"number": name}
    if kind == "statement":
        return _("Statement %(number)s") % {"number": name.rpartition("/")[2]}
    if kind == "payment":
        return _("Payment %(number)s") % {"number": name.rpartition("/")[2]}
    if kind == "write-off":
        return _("Write-off %(number)s") % {"number": name.rpartition("/")[2]}
    if kind == "settlement":
        return _("Settlement %(number)s") % {"number": name.rpartition("/")[2]}
    if kind == "debits":
        return _("Debits, answer %(number)s") % {"number": name.rpartition("/")[2]}
    return source


def entry_text(kind: str, source: str, description: str) -> object:
    """Say what an entry records in the reader's language; a text a person wrote stands as it is."""
    name = source.partition(" ")[2]
    if kind == "award":
        return _("Aid for case %(code)s is final") % {"code": name}
    if kind == "period":
        return _("Period %(number)s shared among its members") % {"number": name.rpartition("/")[2]}
    if kind == "write_off" and source.startswith("write-off "):
        return source_label(source)
    if kind == "write_off" and source.startswith(("statement ", "debits ")):
        return f"{source_label(source)}: {_('written-off share paid after all, or charged back')}"
    if kind == "wallets_opened":
        return str(dict(KINDS)[kind])
    if kind in CUSTODY_KINDS:
        return f"{source_label(source)}: {dict(KINDS)[kind]}"
    return description


CUSTODY_KINDS = {
    "collection",
    "top_up",
    "unidentified",
    "identified",
    "match_undone",
    "chargeback",
    "debit_collected",
    "debit_returned",
    "debits_settled",
    "debits_taken_back",
    "payment_released",
    "payment_confirmed",
    "payment_returned",
    "payment_cancelled",
    "refund_due",
    "refund_undone",
    "bank_fee",
    "bank_debit",
    "sponsor_paid",
    "recovery",
    "settlement",
}


def source_address(pool: Pool, source: str) -> str:
    """Return the page an entry's source names, or nothing where it has none: period x/3, entry 12, award x."""
    kind, _space, name = source.partition(" ")
    if kind == "period" and name.rpartition("/")[2].isdigit():
        return reverse("period", args=[pool.code, int(name.rpartition("/")[2])])
    if kind == "entry" and name.isdigit():
        return reverse("entry", args=[pool.code, int(name)])
    if kind == "award":
        return reverse("award_period", args=[pool.code, name])
    if kind == "settlement":
        return reverse("settlement", args=[pool.code])
    if kind == "write-off":
        return reverse("custody_write_off", args=[pool.code, int(name.rpartition("/")[2])])
    if kind == "debits":
        return reverse("custody_debit_results", args=[pool.code, int(name.rpartition("/")[2])])
    if kind in {"statement", "payment"} and name.rpartition("/")[2].isdigit():
        return reverse(f"custody_{kind}", args=[pool.code, int(name.rpartition("/")[2])])
    return ""


def _words(pool: Pool, line: StatementLine | JournalEntry) -> tuple[object, object, str]:
    """Return what a line of a list says: its text, its source, and where the source leads."""
    text = entry_text(line.kind, line.source, line.description)
    return text, source_label(line.source), source_address(pool, line.source)


def _filtered(found: QuerySet[JournalEntry], form: EntryFilter) -> QuerySet[JournalEntry]:
    """Narrow the journal by what the form holds; a form that is wrong shows nothing."""
    if not form.is_bound:
        return found
    if not form.is_valid():
        return found.none()
    given: dict[str, Any] = form.cleaned_data
    wanted = Q()
    if given["kind"]:
        wanted &= Q(kind=given["kind"])
    if given["since"]:
        wanted &= Q(entry_date__gte=given["since"])
    if given["until"]:
        wanted &= Q(entry_date__lte=given["until"])
    if given["text"]:
        wanted &= Q(description__icontains=given["text"]) | Q(source__icontains=given["text"])
    return found.filter(wanted)


def _cursor(request: HttpRequest) -> int | None:
    """Read ?before=; anything but a whole number above 0 is refused."""
    text = request.GET.get("before", "")
    if not text:
        return None
    if not text.isdecimal() or not 0 < int(text) < 2**63:
        raise BadFilterError(_("“before” must be the number of an entry."))
    return int(text)


def _query(request: HttpRequest, *, before: int | None) -> str:
    given = {name: value for name, value in request.GET.items() if value and name != "before"}
    return urlencode(given | ({"before": str(before)} if before else {}))


def _address(request: HttpRequest, *, before: int | None) -> str:
    return f"{request.path}?{_query(request, before=before)}"


def page_context(pool: Pool, tab: str, *crumbs: tuple[object, str]) -> dict[str, Any]:
    own = [(_("Ledger"), reverse("accounts", args=[pool.code]) if crumbs else ""), *crumbs]
    pool_crumb = (in_language(pool.name_en, pool.name_zh), reverse("pool", args=[pool.code]))
    return {"section": "pools", "pool": pool, "tab": tab, "crumbs": [pool_crumb, *own]}
