"""The page on which somebody asks to be erased: first what goes, what stays and what is in the way."""

from typing import cast

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from aidplatform.lib import clock
from aidplatform.lib.errors import DomainError
from aidplatform.lib.http import attempt, signed_in
from aidplatform.site.my_data import erasing
from aidplatform.site.my_data.forms import EraseForm
from members.people.choices import zone_of
from members.people.models import User
from members.pools.rules import freshly_signed_in


@signed_in
@require_safe
def erase_my_data(request: HttpRequest) -> HttpResponse:
    """Say what an erasure means."""
    return _page(request)


@freshly_signed_in
@require_POST
def ask(request: HttpRequest) -> HttpResponseBase:
    """Ask for it."""
    form = EraseForm(request.POST, person=_person(request))
    if not form.is_valid():
        return _page(request, form=form, status=422)
    _made, refusal = attempt(lambda: erasing.ask_erasure(person=_person(request), at=clock.now()))
    if refusal is not None:
        return _page(request, form=form, refusal=refusal)
    messages.success(request, _("Asked for. Until its day you can take it back here."))
    return redirect("erase_my_data")


@signed_in
@require_POST
def cancel(request: HttpRequest) -> HttpResponse:
    """Take it back."""
    _made, refusal = attempt(lambda: erasing.cancel_erasure(person=_person(request), at=clock.now()))
    if refusal is not None:
        return _page(request, refusal=refusal)
    messages.success(request, _("Taken back: everything stays as it is."))
    return redirect("erase_my_data")


def _page(
    request: HttpRequest,
    *,
    form: EraseForm | None = None,
    refusal: DomainError | None = None,
    status: int = 200,
) -> HttpResponse:
    person = _person(request)
    context = {
        "zone": zone_of(person),
        "erased": [line for eraser in reversed(erasing.ERASERS) for line in eraser.erased],
        "kept": [line for eraser in reversed(erasing.ERASERS) for line in eraser.kept],
        "hindrances": erasing.hindrances_of(person, clock.now()),
        "waiting": erasing.open_erasure(person),
        "days": settings.ERASURE_DAYS,
        "form": form or EraseForm(person=person),
        "refusal": refusal,
    }
    status = refusal.status if refusal else status
    return render(request, "site/my_data/erase.html", context, status=status)


def _person(request: HttpRequest) -> User:
    return cast(User, request.user)
