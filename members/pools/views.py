"""The page of a pool's plan: its terms in words, its versions, and the bytes that were published."""

import datetime as dt

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from aidplatform.lib import clock
from aidplatform.lib.errors import NotFoundError
from aidplatform.lib.http import public
from aidplatform.lib.templating import in_language
from members.pools.models import PlanVersion, Pool
from members.pools.selectors import access_pool


@public
@require_safe
def plan(request: HttpRequest, code: str) -> HttpResponse:
    """Show the plan in force, or the first one to come, and list every version."""
    pool = access_pool(code=code)
    shown = shown_plan(pool, clock.today(pool.time_zone))
    if shown is None or pool.state == Pool.State.DRAFT:
        raise NotFoundError(_("This pool has published no plan yet."))
    context = {
        "section": "pools",
        "pool": pool,
        "version": shown,
        "plan": shown.plan(),
        "text": shown.plan().canonical_json,
        "versions": list(pool.plan_versions.order_by("-number")),
        "crumbs": [
            (in_language(pool.name_en, pool.name_zh), reverse("pool", args=[code])),
            (_("Plan"), ""),
        ],
    }
    return render(request, "members/pools/plan.html", context)


def shown_plan(pool: Pool, on: dt.date) -> PlanVersion | None:
    """Return the version in force on that day; before the first one is, the first one to come."""
    in_force = pool.plan_versions.filter(effective_date__lte=on).order_by("-effective_date").first()
    return in_force or pool.plan_versions.order_by("effective_date").first()
