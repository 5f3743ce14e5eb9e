"""How long steps take and how alike people judge: in public for a pool, beside it for a reviewer their own."""

from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from aidplatform.lib import clock
from aidplatform.lib.csv_files import csv_response
from aidplatform.lib.http import public
from aidplatform.lib.templating import in_language
from claims.filing.models import Claim
from claims.filing.states import STEPS
from claims.filing.words import HOLDERS
from claims.review import statistics as figures
from claims.review.appeals import REVIEWER, SECOND_REVIEWER
from members.people.models import User
from members.pools.models import DutyGrant, Pool
from members.pools.rules import access_public_pool, duty_required
from members.pools.selectors import access_pool, duties_of

_AUDITOR, _ADMIN = DutyGrant.Duty.AUDITOR.value, DutyGrant.Duty.POOL_ADMIN.value


@public
@require_safe
def times(request: HttpRequest, code: str) -> HttpResponse:
    """Show everybody how many days claims stay in each state, and how often decisions did not stand."""
    pool = access_public_pool(request, code)
    staff = duties_of(request.user, pool) if request.user.is_authenticated else set()
    context = {
        "section": "pools",
        "pool": pool,
        "staff": staff,
        **_of_pool(pool, figures.FEWEST),
        "csv_address": reverse("review_times_csv", args=[code]),
        "crumbs": [
            (in_language(pool.name_en, pool.name_zh), reverse("pool", args=[code])),
            (_("How long it takes"), ""),
        ],
    }
    return render(request, "claims/review/times.html", context)


@public
@require_safe
def times_csv(request: HttpRequest, code: str) -> HttpResponseBase:
    """Download the same as a table; its last row says in how many claims somebody from outside judged."""
    pool, at = access_public_pool(request, code), clock.now()
    told = figures.state_times(pool, at, at_least=figures.FEWEST)
    rows = [
        (one.state, STEPS[one.state].holder, one.claims, str(one.days), STEPS[one.state].days or "")
        for one in told
    ]
    rows.append(("judged_from_outside", "outside_reviewer", figures.judged_outside(pool, at), "", ""))
    header = ("state", "with", "claims", "median_days", "days_allowed")
    return csv_response(f"{pool.code}-review-times.csv", header, rows)


@duty_required(REVIEWER, SECOND_REVIEWER, _ADMIN, _AUDITOR)
@require_safe
def statistics(request: HttpRequest, code: str) -> HttpResponse:
    """Show a reviewer their own figures beside those of the pool; others on duty those of the pool."""
    pool, person = access_pool(code=code), cast(User, request.user)
    duties, at = duties_of(person, pool), clock.now()
    judges = bool(duties & {REVIEWER, SECOND_REVIEWER})
    context = {
        "section": "pools",
        "pool": pool,
        "staff": duties,
        **_of_pool(pool, 1),
        "mine": figures.rates(pool, at, person.code) if judges else None,
        "notes": figures.notes_written(pool, at) if _AUDITOR in duties else None,
        "crumbs": [
            (in_language(pool.name_en, pool.name_zh), reverse("pool", args=[code])),
            (_("Review"), reverse("review_queue", args=[code]) if judges else ""),
            (_("Statistics"), ""),
        ],
    }
    return render(request, "claims/review/statistics.html", context)


def _of_pool(pool: Pool, fewest: int) -> dict[str, Any]:
    """Return times and rates of a pool; fewest: of how many claims something is said."""
    at, names = clock.now(), dict(Claim.State.choices)
    return {
        "times": [
            (names[one.state], HOLDERS[STEPS[one.state].holder], one, STEPS[one.state].days)
            for one in figures.state_times(pool, at, at_least=fewest)
        ],
        "rates": figures.rates(pool, at),
        "outside": figures.judged_outside(pool, at),
        "fewest": fewest,
    }
