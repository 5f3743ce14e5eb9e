"""The page on which those who run a pool see who reaches its last age, and who has signed to go on elsewhere."""

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from aidplatform.lib import clock
from aidplatform.lib.csv_files import csv_response
from aidplatform.lib.templating import in_language
from members.joining import last_ages
from members.joining.transfer_offers import rules_on
from members.pools.models import Pool
from members.pools.rules import PLAN_READERS, duty_required
from members.pools.selectors import access_pool


@duty_required(*PLAN_READERS)
@require_safe
def last_age_list(request: HttpRequest, code: str) -> HttpResponse:
    """Show who leaves by age within a year, the next one first, and who has signed ahead."""
    pool = access_pool(code=code)
    today = clock.today(pool.time_zone)
    after = request.GET.get("after", "")
    rows = list(last_ages.leavers(pool, today, after=after))
    is_more = len(rows) > last_ages.PAGE
    rows = rows[: last_ages.PAGE]
    here = reverse("last_ages", args=[pool.code])
    version = rules_on(pool, today)
    successor = version.plan().successor if version else None
    context = {
        "section": "pools",
        "pool": pool,
        "age": last_ages.last_age(pool, today),
        "successor": Pool.objects.filter(code=successor).first() if successor else None,
        "rows": rows,
        "earlier": here if after else "",
        "later": f"{here}?{urlencode({'after': rows[-1].position})}" if is_more else "",
        "crumbs": [
            (in_language(pool.name_en, pool.name_zh), reverse("pool", args=[pool.code])),
            (_("Members at the last age"), ""),
        ],
    }
    return render(request, "members/joining/last_ages.html", context)


@duty_required(*PLAN_READERS)
@require_safe
def last_age_csv(request: HttpRequest, code: str) -> HttpResponseBase:
    """Download all of them, by number."""
    pool = access_pool(code=code)
    rows = (
        (
            row.number,
            row.last_date.isoformat(),
            row.has_account,
            row.signed_at.isoformat() if row.signed_at else "",
        )
        for row in last_ages.leavers(pool, clock.today(pool.time_zone), limit=None)
    )
    return csv_response(f"{code}-last-ages.csv", ("membership", "ends", "has_account", "signed_at"), rows)
