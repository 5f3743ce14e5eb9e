"""Where one is signed in, and the ends of that."""

from typing import cast

from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from aidplatform.lib.http import signed_in
from members.people import sessions
from members.people.choices import wishes_of
from members.people.models import User


@signed_in
@require_safe
def session_list(request: HttpRequest) -> HttpResponse:
    """List where the person is signed in, this session first."""
    sessions.note(request)
    person = cast(User, request.user)
    found = sessions.sessions_of(person, request.session.session_key)
    zone = wishes_of([person])[person.pk].hours.time_zone
    return render(request, "members/people/sessions.html", {"sessions": found, "zone": zone})


@signed_in
@require_POST
def end_one(request: HttpRequest, session_id: int) -> HttpResponseBase:
    """End one; this one ends with a sign-out."""
    key = request.session.session_key
    found = sessions.sessions_of(cast(User, request.user), key)
    is_this = any(one.is_this and one.session.pk == session_id for one in found)
    sessions.end_session(person=cast(User, request.user), session_id=session_id)
    if is_this:
        logout(request)
        return redirect("home")
    messages.success(request, _("The session has ended: whoever used it has to sign in again."))
    return redirect("sessions")


@signed_in
@require_POST
def end_others(request: HttpRequest) -> HttpResponseBase:
    """End every session but this one."""
    sessions.end_other_sessions(person=cast(User, request.user), current_key=request.session.session_key)
    messages.success(request, _("Every other session has ended."))
    return redirect("sessions")
