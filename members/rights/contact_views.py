"""The page of exports of contact data: an admin asks, a controller or auditor agrees, the admin takes one file."""

from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from aidplatform.lib import clock
from aidplatform.lib.errors import DomainError
from aidplatform.lib.http import attempt
from aidplatform.lib.templating import in_language
from members.people.models import User
from members.pools.models import Pool
from members.pools.rules import duty_required
from members.pools.selectors import access_pool, duties_of
from members.rights import contacts
from members.rights.contact_forms import AgreeForm, AskForm
from members.rights.contact_models import ContactExport
from members.rights.selectors import ADMIN, AUDITOR, CONTROLLER, READERS

SHOWN = 100


@duty_required(*READERS)
@require_http_methods(["GET", "HEAD", "POST"])
def contact_exports(request: HttpRequest, code: str) -> HttpResponse:
    """Show what was asked for and handed out; an admin asks."""
    pool = access_pool(code=code)
    if request.method != "POST":
        return _page(request, pool)
    form = AskForm(request.POST)
    if not form.is_valid() or ADMIN not in duties_of(_person(request), pool):
        return _page(request, pool, form=form, status=422)
    given = form.cleaned_data
    _made, refusal = attempt(
        lambda: contacts.ask_export(
            pool=pool,
            purpose=given["purpose"],
            basis=given["basis"],
            fields=given["fields_"],
            people_of=given["people_of"],
            asker=_person(request),
            at=clock.now(),
        )
    )
    if refusal is not None:
        return _page(request, pool, form=form, refusal=refusal)
    return redirect("contact_exports", code=code)


@duty_required(CONTROLLER, AUDITOR)
@require_POST
def agree(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Agree to exactly what was shown; agreed already: the page."""
    pool, form = access_pool(code=code), AgreeForm(request.POST)
    export = contacts.access_export(pool=pool, number=number)
    if export.decided_by == _person(request).code and export.agreed_sha256:
        return redirect("contact_exports", code=code)
    if not form.is_valid():
        return _page(request, pool, refusal=DomainError(_("The form is incomplete. Reload the page.")))
    shown = form.cleaned_data["shown_sha256"]
    _done, refusal = attempt(
        lambda: contacts.agree_to_export(
            export=export, agreer=_person(request), shown_sha256=shown, at=clock.now()
        )
    )
    return _page(request, pool, refusal=refusal) if refusal else redirect("contact_exports", code=code)


@duty_required(*READERS)
@require_POST
def drop(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Take it back, or turn it down; dropped already: the page."""
    pool = access_pool(code=code)
    export = contacts.access_export(pool=pool, number=number)
    if export.state == ContactExport.State.DROPPED:
        return redirect("contact_exports", code=code)
    _done, refusal = attempt(
        lambda: contacts.drop_export(export=export, dropper=_person(request), at=clock.now())
    )
    return _page(request, pool, refusal=refusal) if refusal else redirect("contact_exports", code=code)


@duty_required(ADMIN)
@require_POST
def take(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Hand the file out, once."""
    pool = access_pool(code=code)
    export = contacts.access_export(pool=pool, number=number)
    data, refusal = attempt(lambda: contacts.take_file(export=export, taker=_person(request), at=clock.now()))
    if refusal is not None:
        return _page(request, pool, refusal=refusal)
    response = HttpResponse(data, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{code}-contacts-{number}.csv"'
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _page(
    request: HttpRequest,
    pool: Pool,
    *,
    form: AskForm | None = None,
    refusal: DomainError | None = None,
    status: int = 200,
) -> HttpResponse:
    person = _person(request)
    held = duties_of(person, pool)
    found = list(contacts.exports_of(pool)[:SHOWN])
    asked = next((one for one in found if one.state == ContactExport.State.ASKED), None)
    now = clock.now()
    context: dict[str, Any] = {
        "section": "pools",
        "pool": pool,
        "staff": held,
        "asked": asked,
        "shown": contacts.shown_text(asked) if asked else "",
        "agree_form": AgreeForm(initial={"shown_sha256": asked.shown_sha256}) if asked else None,
        "may_agree": asked is not None and asked.asked_by != person.code and held & {CONTROLLER, AUDITOR},
        "may_ask": ADMIN in held and not any(one.state in {"asked", "agreed", "ready"} for one in found),
        "rows": [(one, one.can_be_taken(person.code, now)) for one in found if one is not asked],
        "names": dict(ContactExport.Field.choices),
        "form": form or AskForm(),
        "refusal": refusal,
        "crumbs": [
            (in_language(pool.name_en, pool.name_zh), reverse("pool", args=[pool.code])),
            (_("Contact data"), ""),
        ],
    }
    answer = refusal.status if refusal else status
    return render(request, "members/rights/contact_exports.html", context, status=answer)


def _person(request: HttpRequest) -> User:
    return cast(User, request.user)
