"""The queue of the reviewers, who has how much of it, and handing a claim on."""

from typing import Any, cast
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from aidplatform.lib import clock
from aidplatform.lib.csv_files import csv_response, plain_fen
from aidplatform.lib.errors import DomainError
from aidplatform.lib.templating import in_language
from claims.filing.models import Claim
from claims.filing.states import ON_THE_DESK, STEPS
from claims.filing.words import HOLDERS
from claims.review import blind, desk, selectors
from claims.review.appeals import REVIEWER, SECOND_REVIEWER
from claims.review.forms import SETS, HandOverForm, QueueForm
from ledger.sharing.faces import DISEASES
from members.people.models import User
from members.pools.models import Pool
from members.pools.rules import duty_required
from members.pools.selectors import access_pool, duties_of

# What of an address says which part of the queue one walks through.
_WALK = ("state", "mine", "text", "set")
_PAGE = 200


@duty_required(REVIEWER, SECOND_REVIEWER)
@require_safe
def queue(request: HttpRequest, code: str) -> HttpResponse:
    """List the claims on the desk, most overdue first."""
    pool = access_pool(code=code)
    form, filters = filters_of(request, pool)
    today = clock.today(pool.time_zone)
    counts = selectors.set_counts(pool, _person(request), today, SETS)
    context = {
        "section": "pools",
        "pool": pool,
        "staff": duties_of(_person(request), pool),
        "form": form,
        "sets": [(name, label, counts[name]) for name, label in SETS.items()],
        "set": request.GET.get("set", ""),
        "walk": walk_of(request),
        "blind_waiting": len(blind.waiting_claims(pool, _person(request))),
        "rows": [
            (
                claim,
                DISEASES[claim.illness],
                HOLDERS[STEPS[claim.state].holder],
                _lateness(claim, today),
                selectors.staff_name(claim.reviewer) if claim.reviewer else "",
            )
            for claim in selectors.queue(pool, filters)[:_PAGE]
        ],
        "csv_address": reverse("review_csv", args=[code]) + "?" + urlencode(request.GET.dict()),
        "crumbs": [(_name(pool), reverse("pool", args=[code])), (_("Review"), "")],
    }
    return render(request, "claims/review/queue.html", context)


def _lateness(claim: Claim, today: Any) -> tuple[str, int]:
    """Return late, soon or calm, and the days until the due date."""
    if claim.due_date is None:
        return "none", 0
    days = (claim.due_date - today).days
    return ("late" if days < 0 else "soon" if days <= 1 else "calm"), abs(days)


def filters_of(request: HttpRequest, pool: Pool) -> tuple[QueueForm, selectors.Filters]:
    """Read the filters from the address; what makes no sense shows everything."""
    form = QueueForm(request.GET)
    if not form.is_valid():
        return form, selectors.Filters()
    told = form.cleaned_data
    return form, selectors.Filters(
        states=(told["state"],) if told["state"] else ON_THE_DESK,
        reviewer_code=_person(request).code if told["mine"] else "",
        text=told["text"],
        fits=selectors.set_of(told["set"], _person(request), clock.today(pool.time_zone)),
    )


def walk_of(request: HttpRequest) -> str:
    """Return what of the address names a part of the queue, so that the next claim is one of that part."""
    told = {name: request.GET[name] for name in _WALK if request.GET.get(name)}
    return f"?{urlencode(told)}" if told else ""


@duty_required(REVIEWER, SECOND_REVIEWER)
@require_safe
def queue_csv(request: HttpRequest, code: str) -> HttpResponseBase:
    """Download exactly what the queue shows."""
    pool = access_pool(code=code)
    _form, filters = filters_of(request, pool)
    rows = [
        (
            claim.code,
            claim.state,
            claim.illness,
            claim.event_date,
            plain_fen(claim.aid_fen or 0),
            claim.filed_at.date() if claim.filed_at else "",
            claim.due_date or "",
            claim.reviewer.code if claim.reviewer else "",
            "yes" if claim.is_appeal else "",
        )
        for claim in selectors.queue(pool, filters)
    ]
    header = (
        "claim", "state", "illness", "event_date", f"aid_{pool.currency}", "filed", "due", "reviewer", "appeal",
    )  # fmt: skip
    return csv_response(f"{pool.code}-claims.csv", header, rows)


@duty_required(REVIEWER, SECOND_REVIEWER, desk.POOL_ADMIN)
@require_safe
def load(request: HttpRequest, code: str) -> HttpResponse:
    """Show who has how many claims in hand, and the claims with whom each is; nothing of what they tell."""
    return _load_page(request, access_pool(code=code))


def _load_page(
    request: HttpRequest, pool: Pool, error: DomainError | None = None, status: int = 200
) -> HttpResponse:
    person, today = _person(request), clock.today(pool.time_zone)
    duties = duties_of(person, pool)
    loads = selectors.loads(pool, today)
    claims = selectors.queue(pool, selectors.Filters(states=("filed", "appealed", "under_review")))[:_PAGE]
    context = {
        "section": "pools",
        "pool": pool,
        "staff": duties,
        "error": error,
        "loads": [(load, selectors.staff_name(load.person)) for load in loads],
        "may_read": bool(duties & {REVIEWER, SECOND_REVIEWER}),
        "rows": [
            (
                claim,
                _lateness(claim, today),
                selectors.staff_name(claim.reviewer) if claim.reviewer else "",
                _hand_over_form(claim, person, duties, loads),
            )
            for claim in claims
        ],
        "crumbs": [
            (in_language(pool.name_en, pool.name_zh), reverse("pool", args=[pool.code])),
            (_("Review"), reverse("review_queue", args=[pool.code]) if desk.POOL_ADMIN not in duties else ""),
            (_("Who has what"), ""),
        ],
    }
    return render(request, "claims/review/load.html", context, status=status)


def _hand_over_form(
    claim: Claim, person: User, duties: set[str], loads: list[selectors.Load]
) -> HandOverForm | None:
    """Return the form of who may hand this claim on: a pool admin, or the reviewer in charge."""
    if desk.POOL_ADMIN not in duties and claim.reviewer_id != person.pk:
        return None
    others = [(load.person.code, selectors.staff_name(load.person)) for load in loads]
    choices = [one for one in others if not claim.reviewer or one[0] != claim.reviewer.code]
    return HandOverForm(reviewers=choices, auto_id=f"id_{claim.code}_%s") if choices else None


@duty_required(REVIEWER, desk.POOL_ADMIN)
@require_POST
def hand_over(request: HttpRequest, code: str, claim: str) -> HttpResponse:
    """Hand a claim to another reviewer; with that person already: nothing happens."""
    pool = access_pool(code=code)
    found = selectors.access_claim_of_pool(pool=pool, code=claim)
    try:
        desk.hand_over(claim=found, to=request.POST.get("to", ""), by=_person(request).code, at=clock.now())
    except DomainError as error:
        return _load_page(request, pool, error, status=error.status)
    return redirect("review_load", code=code)


def _person(request: HttpRequest) -> User:
    return cast(User, request.user)


def _name(pool: Pool) -> str:
    return in_language(pool.name_en, pool.name_zh)
