"""What a person was told, on one page."""

from typing import cast

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from aidplatform.lib import clock
from aidplatform.lib.http import signed_in
from members.people import notices
from members.people.models import User

SHOWN = 100


@signed_in
@require_safe
def notice_list(request: HttpRequest) -> HttpResponse:
    """List the person's notices, newest first."""
    rows = [
        (notice, notices.subject_of(notice.kind, notice.params), notices.body_of(notice.kind, notice.params))
        for notice in notices.notices_of(cast(User, request.user))[:SHOWN]
    ]
    return render(request, "members/people/notices.html", {"rows": rows, "section": "notices"})


@signed_in
@require_POST
def notice_open(request: HttpRequest, notice_id: int) -> HttpResponseBase:
    """Mark one as read and go where it leads."""
    notice = notices.read_notice(person=cast(User, request.user), notice_id=notice_id, at=clock.now())
    return redirect(notice.link)
