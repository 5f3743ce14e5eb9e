"""What a person was told, on one page, and what of it is mailed to them, on another."""

from typing import cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from aidplatform.lib import clock
from aidplatform.lib.http import attempt, signed_in
from members.people import notices
from members.people.about import named
from members.people.choices import choose_notices, wishes_of, zone_of
from members.people.forms import NoticesForm
from members.people.models import User
from members.people.phones import hint_of, phone_of
from members.people.text_gateway import gateway

SHOWN = 100


@signed_in
@require_safe
def notice_list(request: HttpRequest) -> HttpResponse:
    """List the person's notices, newest first."""
    person = cast(User, request.user)
    rows = [
        (notice, notices.subject_of(notice.kind, params), notices.body_of(notice.kind, params))
        for notice, params in named(person, list(notices.notices_of(person)[:SHOWN]))
    ]
    context = {
        "rows": rows,
        "zone": zone_of(person),
        "has_new": any(notice.read_at is None for notice, _subject, _body in rows),
        "section": "notices",
    }
    return render(request, "members/people/notices.html", context)


@signed_in
@require_POST
def notice_open(request: HttpRequest, notice_id: int) -> HttpResponseBase:
    """Mark one as read and go where it leads."""
    notice = notices.read_notice(person=cast(User, request.user), notice_id=notice_id, at=clock.now())
    return redirect(notice.link)


@signed_in
@require_POST
def read_notices(request: HttpRequest) -> HttpResponseBase:
    """Mark all that are there as read; what waits for an answer goes on waiting on the start page."""
    notices.read_all(person=cast(User, request.user), at=clock.now())
    return redirect("notices")


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def notice_choices(request: HttpRequest) -> HttpResponseBase:
    """Show what the person is mailed and when; keep what they choose."""
    person = cast(User, request.user)
    phone = phone_of(person) if gateway() else None
    form = NoticesForm(
        wishes_of([person])[person.pk],
        request.POST if request.method == "POST" else None,
        has_phone=phone is not None and phone.confirmed_at is not None,
    )
    refusal = None
    if form.is_valid():
        _kept, refusal = attempt(
            lambda: choose_notices(
                person=person,
                ways=form.ways(),
                hours=form.hours(),
                at=clock.now(),
                texts=form.texts(),
                events=form.events(),
            )
        )
        if refusal is None:
            messages.success(request, _("Kept. It holds for what you are told from now on."))
            return redirect("notice_choices")
    context = {
        "form": form,
        "refusal": refusal,
        "has_gateway": gateway() is not None,
        "number_hint": hint_of(person, phone) if phone and phone.confirmed_at else "",
        "section": "notices",
        "crumbs": [(_("Notices"), reverse("notices")), (_("What I am mailed"), "")],
    }
    status = refusal.status if refusal else 422 if form.is_bound else 200
    return render(request, "members/people/choices.html", context, status=status)
