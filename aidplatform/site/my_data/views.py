"""My data: order an export, see how far it is, take it."""

from typing import cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_POST, require_safe

from aidplatform.lib import clock
from aidplatform.lib.errors import DomainError
from aidplatform.lib.http import attempt, signed_in
from aidplatform.site.my_data import services
from aidplatform.site.my_data.models import DataExport
from aidplatform.work.models import Job
from members.joining.selectors import memberships_of
from members.people.choices import zone_of
from members.people.models import User
from members.pools.rules import freshly_signed_in

SHOWN = 10


@signed_in
@require_safe
def my_data(request: HttpRequest) -> HttpResponse:
    """Show one's exports and the button that orders one."""
    return _page(request)


@freshly_signed_in
@require_POST
def order(request: HttpRequest) -> HttpResponseBase:
    """Order an export."""
    _export, refusal = attempt(lambda: services.order_export(person=_person(request), at=clock.now()))
    if refusal is not None:
        return _page(request, refusal)
    messages.success(request, _("Ordered. It takes a moment; this page shows when it is ready."))
    return redirect("my_data")


@freshly_signed_in
@require_GET
def download(request: HttpRequest, number: int) -> HttpResponseBase:
    """Hand out a ready export of one's own."""
    export = services.access_ready_export(person=_person(request), number=number, at=clock.now())
    services.note_download(export=export)
    response = StreamingHttpResponse(services.content_of(export), content_type="application/zip")
    response["Content-Length"] = str(export.size)
    response["Content-Disposition"] = f'attachment; filename="my-data-{export.number}.zip"'
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _page(request: HttpRequest, refusal: DomainError | None = None) -> HttpResponse:
    status = refusal.status if refusal else 200
    context = _context(request) | {"refusal": refusal}
    return render(request, "site/my_data/my_data.html", context, status=status)


def _context(request: HttpRequest) -> dict[str, object]:
    exports = list(services.exports_of(_person(request))[:SHOWN])
    running = next((one for one in exports if one.state == DataExport.State.ORDERED), None)
    now = clock.now()
    return {
        "exports": [(one, one.can_be_taken(now)) for one in exports],
        "running": running,
        "zone": zone_of(_person(request)),
        "memberships": memberships_of(_person(request)).filter(end=None).order_by("pool__code"),
        "is_stuck": running is not None
        and Job.objects.filter(kind=services.MAKE, key=running.job_key, state=Job.State.STUCK).exists(),
    }


def _person(request: HttpRequest) -> User:
    return cast(User, request.user)
