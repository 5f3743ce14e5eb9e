"""Pages of the log: what the operator has stated, in order, with the bytes anyone can hash."""

import json
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from aidplatform.lib import clock
from aidplatform.lib.errors import ForbiddenError, NotFoundError
from aidplatform.lib.http import number_before, public
from aidplatform.lib.templating import in_language
from ledger.openbooks.models import LogEntry
from ledger.openbooks.selectors import last_roll, signing_of, witnessing_of
from ledger.openbooks.stamps import stamps_of
from ledger.openbooks.witnesses import NAMERS
from members.joining.selectors import may_read_statements
from members.pools.models import Pool
from members.pools.rules import access_public_pool
from members.pools.selectors import duties_of

PAGE = 100
# So many of the newest time stamps stand on the page; programs read all of them.
STAMPS = 5


@public
@require_safe
def log(request: HttpRequest, code: str) -> HttpResponse:
    """List a pool's log entries, newest first."""
    pool = access_public_pool(request, code)
    before = number_before(request)
    found = log_entries(code)
    page = list(found.filter(seq__lt=before)[: PAGE + 1] if before is not None else found[: PAGE + 1])
    here = reverse("log", args=[code])
    context = _context(pool) | {
        "signing": signing_of(code, clock.now()),
        "entries": [_row(entry) for entry in page[:PAGE]],
        "newer": here if before is not None else "",
        "older": f"{here}?before={page[PAGE - 1].seq}" if len(page) > PAGE else "",
    }
    return render(request, "ledger/openbooks/log.html", context)


@public
@require_safe
def open_books(request: HttpRequest, code: str) -> HttpResponse:
    """Show how far the log is signed, by whom, and how anyone checks it."""
    pool = access_public_pool(request, code)
    signing = signing_of(code, clock.now())
    context = _context(pool, (_("Open books"), "")) | {
        "signing": signing,
        "witnessing": witnessing_of(code),
        "stamps": stamps_of(code)[:STAMPS],
        "may_name": request.user.is_authenticated
        and bool(duties_of(request.user, pool).intersection(NAMERS)),
        "files": request.build_absolute_uri(f"/t/{code}/"),
        "root": signing.head.root.hex() if signing.head else "",
        "roll": last_roll(code) if _may_read(request, pool) else None,
    }
    return render(request, "ledger/openbooks/open_books.html", context)


@public
@require_safe
def check_books(request: HttpRequest, code: str) -> HttpResponse:
    """Show where anyone's own browser checks the books; it fetches the public files itself, or is given them."""
    pool = access_public_pool(request, code)
    crumbs = [(_("Open books"), reverse("open_books", args=[code])), (_("Check the books"), "")]
    context = _context(pool, *crumbs) | {"files": request.build_absolute_uri(f"/t/{code}/")}
    return render(request, "ledger/openbooks/check_books.html", context)


@public
@require_safe
def log_entry(request: HttpRequest, code: str, seq: int) -> HttpResponse:
    """Show one entry: its bytes, its leaf hash, and how to compute the one from the other."""
    pool = access_public_pool(request, code)
    entry = _access_entry(code, seq)
    context = _context(pool, (_("Entry %(number)s") % {"number": seq}, "")) | {"row": _row(entry)}
    if _may_read(request, pool):
        pretty = json.dumps(json.loads(bytes(entry.data)), ensure_ascii=False, indent=2, sort_keys=True)
        context |= {"text": bytes(entry.data).decode(), "pretty": pretty}
    return render(request, "ledger/openbooks/log_entry.html", context)


@public
@require_safe
def log_entry_raw(request: HttpRequest, code: str, seq: int) -> HttpResponse:
    """Return exactly the bytes that were hashed; of a very small pool to its own people only."""
    pool = access_public_pool(request, code)
    entry = _access_entry(code, seq)
    if not _may_read(request, pool):
        raise ForbiddenError(
            _(
                "This pool has fewer than 100 members: what its log says is for them. Everyone sees the hashes."
            )
        )
    return HttpResponse(bytes(entry.data), content_type="application/json")


def _may_read(request: HttpRequest, pool: Pool) -> bool:
    return may_read_statements(pool, request.user if request.user.is_authenticated else None)


def log_entries(code: str) -> QuerySet[LogEntry]:
    """Return the entries of a pool's log, newest first."""
    return LogEntry.objects.filter(log__code=code).order_by("-seq")


def _access_entry(code: str, seq: int) -> LogEntry:
    entry = log_entries(code).filter(seq=seq).first()
    if entry is None:
        raise NotFoundError(_("This log has no such entry."))
    return entry


def _row(entry: LogEntry) -> dict[str, Any]:
    return {
        "seq": entry.seq,
        "type": entry.type,
        "about": _about(entry),
        "at": json.loads(bytes(entry.data))["at"],
        "leaf_hash": bytes(entry.leaf_hash).hex(),
        "size": len(bytes(entry.data)),
    }


def _about(entry: LogEntry) -> object:
    """Say what a statement is about: a journal entry, a period, or whatever its key names."""
    if entry.type == "book.entry":
        return _("Journal entry %(number)s") % {"number": entry.key}
    if entry.type in {"roll.freeze", "period.announce", "period.close", "roll.close", "collect.close"}:
        return _("Period %(number)s") % {"number": entry.key}
    if entry.type == "rule.publish":
        return _("Plan, version %(number)s") % {"number": entry.key}
    return entry.key


def _context(pool: Pool, *crumbs: tuple[object, str]) -> dict[str, Any]:
    pool_crumb = (in_language(pool.name_en, pool.name_zh), reverse("pool", args=[pool.code]))
    own = [(_("Log"), reverse("log", args=[pool.code]) if crumbs else ""), *crumbs]
    return {"section": "pools", "pool": pool, "crumbs": [pool_crumb, *own]}
