"""One's phone number: told, confirmed by the code that it was sent, and taken away."""

from typing import cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from aidplatform.lib import clock
from aidplatform.lib.errors import DomainError, NotFoundError
from aidplatform.lib.http import attempt, signed_in
from members.people.forms import PhoneCodeForm, PhoneForm
from members.people.models import User
from members.people.phones import confirm_number, forget_number, hint_of, phone_of, tell_number
from members.people.text_gateway import gateway


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def my_phone(request: HttpRequest) -> HttpResponseBase:
    """Show the number and where it stands; take another one, and send it a code."""
    if gateway() is None:
        raise NotFoundError(_("There is no such page, or it is not yours to see."))
    if request.method != "POST":
        return _page(request)
    form = PhoneForm(request.POST)
    if not form.is_valid():
        return _page(request, form=form)
    person = cast(User, request.user)
    refusal = attempt(lambda: tell_number(person=person, number=form.cleaned_data["number"], at=clock.now()))[
        1
    ]
    if refusal is not None:
        return _page(request, form=form, refusal=refusal)
    messages.success(request, _("A code is on its way to this number. It holds for fifteen minutes."))
    return redirect("my_phone")


@signed_in
@require_POST
def confirm_phone(request: HttpRequest) -> HttpResponseBase:
    """Confirm the number by its code."""
    form = PhoneCodeForm(request.POST)
    if not form.is_valid():
        return _page(request, code_form=form)
    person = cast(User, request.user)
    refusal = attempt(lambda: confirm_number(person=person, code=form.cleaned_data["code"], at=clock.now()))[
        1
    ]
    if refusal is not None:
        return _page(request, code_form=form, refusal=refusal)
    messages.success(request, _("Confirmed. Choose of which notices you want a text message."))
    return redirect("notice_choices")


@signed_in
@require_POST
def forget_phone(request: HttpRequest) -> HttpResponseBase:
    """Forget the number: no text message comes any more."""
    forget_number(person=cast(User, request.user))
    messages.success(request, _("Your number is forgotten. No text message comes any more."))
    return redirect("notice_choices")


def _page(
    request: HttpRequest,
    *,
    form: PhoneForm | None = None,
    code_form: PhoneCodeForm | None = None,
    refusal: DomainError | None = None,
) -> HttpResponse:
    person = cast(User, request.user)
    phone = phone_of(person)
    context = {
        "form": form or PhoneForm(),
        "code_form": code_form or PhoneCodeForm(),
        "phone": phone,
        "hint": hint_of(person, phone) if phone else "",
        "refusal": refusal,
        "section": "notices",
        "crumbs": [
            (_("Notices"), reverse("notices")),
            (_("What I am mailed"), reverse("notice_choices")),
            (_("My phone"), ""),
        ],
    }
    status = refusal.status if refusal else 422 if form or code_form else 200
    return render(request, "members/people/phone.html", context, status=status)
