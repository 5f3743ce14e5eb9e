"""Pages about signals: what the papers say, what came of a signal, and how precise the signals are."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_safe

from aidplatform.lib import clock
from aidplatform.lib.csv_files import csv_response
from aidplatform.lib.errors import DomainError, ForbiddenError, NotFoundError
from aidplatform.lib.templating import in_language
from aidplatform.work import audit
from claims.filing.models import Claim
from claims.filing.selectors import papers_of
from claims.review import signal_services as services
from claims.review.appeals import REVIEWER
from claims.review.readings import DATED
from claims.review.selectors import access_claim_of_pool
from claims.review.signal_forms import MarkForm, ReadingForm
from claims.review.signal_pages import of_hundred, shown
from claims.review.signal_selectors import last_reading, precision
from claims.review.signal_versions import CURRENT
from claims.review.signal_words import NAMES
from claims.review.views import may_read_file
from members.people.models import User
from members.pools.models import DutyGrant, Pool
from members.pools.rules import duty_required
from members.pools.selectors import access_pool, duties_of

# Who sees how precise the signals are: no claim and no person stands there.
WATCHERS = (DutyGrant.Duty.POOL_ADMIN.value, DutyGrant.Duty.AUDITOR.value)


@duty_required(REVIEWER)
@require_http_methods(["GET", "HEAD", "POST"])
def reading(request: HttpRequest, code: str, claim: str) -> HttpResponse:
    """Take down what the papers say; the form begins with what was read last."""
    found, person = _in_charge(request, code, claim)
    held = {paper.kind for paper in papers_of(found)}
    last, _read_at = last_reading(found)
    given: dict[str, Any] = {
        "kinds": [kind for kind in DATED if kind in held],
        "today": clock.today(found.pool.time_zone),
    }
    if request.method != "POST":
        audit.record(actor=person.code, action="open_claim", subject=found.code, purpose="review")
        form = ReadingForm(initial=ReadingForm.initial_of(last), **given)
        return _page(request, found, "reading", {"form": form})
    form = ReadingForm(request.POST, **given)
    if not form.is_valid():
        return _page(request, found, "reading", {"form": form}, status=422)
    told = form.reading()
    try:
        # The same entries once more, as by a second click, say nothing new.
        if told != last:
            services.note_reading(claim=found, reviewer=person.code, reading=told, at=clock.now())
    except DomainError as error:
        return _page(request, found, "reading", {"form": form, "error": error}, status=error.status)
    return _back(found)


@duty_required(REVIEWER)
@require_http_methods(["GET", "HEAD", "POST"])
def mark(request: HttpRequest, code: str, claim: str, signal: str) -> HttpResponse:
    """Say what came of a signal that the newest look shows."""
    found, person = _in_charge(request, code, claim)
    one = next((row for row in shown(found) if row.signal == signal), None)
    if one is None:
        raise NotFoundError(_("There is no such page, or it is not yours to see."))
    if request.method != "POST":
        return _page(request, found, "mark", {"form": MarkForm(), "one": one})
    form = MarkForm(request.POST)
    if not form.is_valid():
        return _page(request, found, "mark", {"form": form, "one": one}, status=422)
    try:
        services.mark_signal(
            claim=found, reviewer=person.code, signal=signal, at=clock.now(), **form.cleaned_data
        )
    except DomainError as error:
        return _page(request, found, "mark", {"form": form, "one": one, "error": error}, status=error.status)
    return _back(found)


@duty_required(*WATCHERS)
@require_safe
def overview(request: HttpRequest, code: str) -> HttpResponse:
    """Show how often each signal showed, what reviewers said of it, and how many honest cases show it."""
    pool = access_pool(code=code)
    context = {
        "section": "pools",
        "pool": pool,
        "staff": duties_of(_person(request), pool),
        "current": CURRENT,
        "rows": [
            (row, NAMES[row.signal], of_hundred(row.base_rate), _of_hundred(row.confirmed_per_mille))
            for row in precision(pool)
        ],
        "crumbs": [(_name(pool), reverse("pool", args=[code])), (_("Signals"), "")],
    }
    return render(request, "claims/review/signals.html", context)


@duty_required(*WATCHERS)
@require_safe
def overview_csv(request: HttpRequest, code: str) -> HttpResponseBase:
    """Download the same rows."""
    pool = access_pool(code=code)
    header = (
        "version",
        "signal",
        "honest_per_mille",
        "shown",
        "explained",
        "confirmed",
        "confirmed_per_mille",
    )
    rows = [
        (
            row.version,
            row.signal,
            row.base_rate,
            row.shown,
            row.explained,
            row.confirmed,
            "" if row.confirmed_per_mille is None else row.confirmed_per_mille,
        )
        for row in precision(pool)
    ]
    return csv_response(f"{pool.code}-signals.csv", header, rows)


def _of_hundred(per_mille: int | None) -> str:
    return "" if per_mille is None else of_hundred(per_mille)


def _in_charge(request: HttpRequest, code: str, claim: str) -> tuple[Claim, User]:
    """Return the claim, which the person reviews. Raises: NotFoundError, ForbiddenError."""
    person = _person(request)
    found = access_claim_of_pool(pool=access_pool(code=code), code=claim)
    if found.reviewer_id != person.pk or not may_read_file(found, person, duties_of(person, found.pool)):
        raise ForbiddenError(_("Take the claim up first: only its reviewers read its papers."))
    return found, person


def _page(
    request: HttpRequest, claim: Claim, name: str, extra: dict[str, Any], status: int = 200
) -> HttpResponse:
    pool = claim.pool
    title = _("What the papers say") if name == "reading" else extra["one"].name
    context = {
        "section": "pools",
        "pool": pool,
        "claim": claim,
        "title": title,
        "crumbs": [
            (_name(pool), reverse("pool", args=[pool.code])),
            (_("Review"), reverse("review_queue", args=[pool.code])),
            (claim.code, reverse("review_claim", args=[pool.code, claim.code])),
            (title, ""),
        ],
    }
    return render(request, f"claims/review/{name}.html", context | extra, status=status)


def _back(claim: Claim) -> HttpResponse:
    return redirect("review_claim", code=claim.pool.code, claim=claim.code)


def _name(pool: Pool) -> str:
    return in_language(pool.name_en, pool.name_zh)


def _person(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user
