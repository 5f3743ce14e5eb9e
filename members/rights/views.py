"""The pages of complaints: one's own, and those that a pool has to answer."""

from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from aidplatform.lib import clock
from aidplatform.lib.csv_files import csv_response
from aidplatform.lib.errors import DomainError
from aidplatform.lib.http import attempt, policy, signed_in
from aidplatform.lib.templating import in_language
from aidplatform.work.idempotency import once, scope_of
from members.people.models import User
from members.pools.models import Pool
from members.pools.rules import duty_required
from members.pools.selectors import access_pool, duties_of
from members.rights import selectors, services
from members.rights.forms import ComplainForm, FilterForm, TextForm
from members.rights.models import Complaint

SHOWN = 200


@policy("member")
@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def my_complaints(request: HttpRequest, code: str) -> HttpResponse:
    """List one's complaints in a pool; file one."""
    pool = selectors.access_related(code=code, person=_person(request))
    if request.method != "POST":
        return _own_page(request, pool)
    form = ComplainForm(request.POST)
    if not form.is_valid():
        return _own_page(request, pool, form=form, status=422)
    given = form.cleaned_data

    def act() -> dict[str, Any]:
        made = services.file_complaint(
            pool=pool,
            person=_person(request),
            about=given["about"],
            reference=given["reference"],
            text=given["text"],
            at=clock.now(),
        )
        return {"year": made.year, "number": made.number}

    scope = scope_of(_person(request).code, pool.code, "file_complaint")
    content = {name: str(value) for name, value in given.items() if name != "key"}
    filed, refusal = attempt(lambda: once(scope=scope, key=str(given["key"]), content=content, act=act))
    if refusal is not None:
        return _own_page(request, pool, form=form, refusal=refusal)
    return redirect("my_complaint", code=code, year=filed["year"], number=filed["number"])


@policy("member")
@signed_in
@require_safe
def my_complaint(request: HttpRequest, code: str, year: int, number: int) -> HttpResponse:
    """Show a complaint of one's own, and ask whether the answer settles it."""
    return _own_one(request, _own(request, code, year, number))


@policy("member")
@signed_in
@require_POST
def settle(request: HttpRequest, code: str, year: int, number: int) -> HttpResponse:
    """Say that the answer settles it."""
    found = _own(request, code, year, number)
    if found.state == Complaint.State.SETTLED:
        return redirect("my_complaint", code=code, year=year, number=number)
    _done, refusal = attempt(
        lambda: services.settle_complaint(complaint=found, person=_person(request), at=clock.now())
    )
    if refusal is not None:
        return _own_one(request, found, refusal=refusal)
    return redirect("my_complaint", code=code, year=year, number=number)


@policy("member")
@signed_in
@require_POST
def pass_on(request: HttpRequest, code: str, year: int, number: int) -> HttpResponse:
    """Ask for a second person."""
    found = _own(request, code, year, number)
    if found.state == Complaint.State.PASSED_ON:
        return redirect("my_complaint", code=code, year=year, number=number)
    form = TextForm(request.POST, label=_("Why it does not settle it"))
    if not form.is_valid():
        return _own_one(request, found, form=form, status=422)
    remark = form.cleaned_data["text"]
    _done, refusal = attempt(
        lambda: services.pass_on(complaint=found, person=_person(request), remark=remark, at=clock.now())
    )
    if refusal is not None:
        return _own_one(request, found, form=form, refusal=refusal)
    return redirect("my_complaint", code=code, year=year, number=number)


@duty_required(*selectors.READERS)
@require_safe
def complaints(request: HttpRequest, code: str) -> HttpResponse:
    """List the complaints of a pool that the person may read."""
    pool = access_pool(code=code)
    form, found = _listed(request, pool)
    rows, now = list(found[:SHOWN]), clock.now()
    context = _context(pool, (_("Complaints"), "")) | {
        "staff": duties_of(_person(request), pool),
        "rows": [(one, selectors.is_late(one, now)) for one in rows],
        "counts": selectors.counts_of(pool, clock.today(pool.time_zone)),
        "filter": form,
        "query": request.GET.urlencode(),
    }
    return render(request, "members/rights/complaints.html", context)


@duty_required(*selectors.READERS)
@require_safe
def complaints_csv(request: HttpRequest, code: str) -> HttpResponseBase:
    """Download the listed complaints, without what was written and who wrote it."""
    pool = access_pool(code=code)
    _form, found = _listed(request, pool)
    header = ("complaint", "about", "state", "filed", "due", "answered", "second_due", "second_answered")
    rows = (
        (
            str(one),
            one.about,
            one.state,
            *(
                moment.isoformat() if moment else ""
                for moment in (
                    clock.day_of(one.filed_at, pool.time_zone),
                    one.due_date,
                    clock.day_of(one.answered_at, pool.time_zone) if one.answered_at else None,
                    one.second_due_date,
                    clock.day_of(one.second_at, pool.time_zone) if one.second_at else None,
                )
            ),
        )
        for one in found.iterator()
    )
    return csv_response(f"{code}-complaints.csv", header, rows)


@duty_required(*selectors.READERS)
@require_http_methods(["GET", "HEAD", "POST"])
def complaint(request: HttpRequest, code: str, year: int, number: int) -> HttpResponse:
    """Show a complaint; whoever it waits for answers."""
    pool, person = access_pool(code=code), _person(request)
    found = selectors.access_readable(pool=pool, person=person, year=year, number=number)
    if request.method != "POST":
        return _one(request, found)
    form = TextForm(request.POST)
    if not form.is_valid():
        return _one(request, found, form=form, status=422)
    _done, refusal = attempt(
        lambda: services.answer_complaint(
            complaint=found, answerer=person, text=form.cleaned_data["text"], at=clock.now()
        )
    )
    if refusal is not None:
        return _one(request, found, form=form, refusal=refusal)
    return redirect("complaint", code=code, year=year, number=number)


def _listed(request: HttpRequest, pool: Pool) -> tuple[FilterForm, Any]:
    form = FilterForm(request.GET)
    form.is_valid()
    wanted = form.cleaned_data
    found = selectors.filtered(
        selectors.readable_complaints(pool, _person(request)),
        state=wanted.get("state", ""),
        about=wanted.get("about", ""),
        late_on=clock.today(pool.time_zone) if wanted.get("late") else None,
    )
    return form, found


def _own(request: HttpRequest, code: str, year: int, number: int) -> Complaint:
    person = _person(request)
    pool = selectors.access_related(code=code, person=person)
    return selectors.access_own(pool=pool, person=person, year=year, number=number)


def _own_page(
    request: HttpRequest,
    pool: Pool,
    *,
    form: ComplainForm | None = None,
    refusal: DomainError | None = None,
    status: int = 200,
) -> HttpResponse:
    context = _context(pool, (_("My complaints"), "")) | {
        "rows": list(selectors.own_complaints(pool, _person(request))[:SHOWN]),
        "form": form or ComplainForm(),
        "refusal": refusal,
    }
    answer = refusal.status if refusal else status
    return render(request, "members/rights/my_complaints.html", context, status=answer)


def _own_one(
    request: HttpRequest,
    found: Complaint,
    *,
    form: TextForm | None = None,
    refusal: DomainError | None = None,
    status: int = 200,
) -> HttpResponse:
    pool = found.pool
    mine = reverse("my_complaints", args=[pool.code])
    context = _context(pool, (_("My complaints"), mine), (str(found), "")) | _parts(found)
    context |= {"form": form or TextForm(label=_("Why it does not settle it")), "refusal": refusal}
    answer = refusal.status if refusal else status
    return render(request, "members/rights/my_complaint.html", context, status=answer)


def _one(
    request: HttpRequest,
    found: Complaint,
    *,
    form: TextForm | None = None,
    refusal: DomainError | None = None,
    status: int = 200,
) -> HttpResponse:
    pool, person = found.pool, _person(request)
    listed = reverse("complaints", args=[pool.code])
    context = _context(pool, (_("Complaints"), listed), (str(found), "")) | _parts(found)
    context |= {
        "staff": duties_of(person, pool),
        "is_late": selectors.is_late(found, clock.now()),
        "may_answer": selectors.may_answer(found, person),
        "has_answerers": found.state not in Complaint.WAITING or bool(selectors.answerers(found)),
        "form": form or TextForm(),
        "refusal": refusal,
    }
    answer = refusal.status if refusal else status
    return render(request, "members/rights/complaint.html", context, status=answer)


def _parts(found: Complaint) -> dict[str, Any]:
    return {
        "complaint": found,
        "text": selectors.text_of(found),
        "answer": selectors.answer_of(found),
        "remark": selectors.remark_of(found),
        "second": selectors.second_of(found),
    }


def _context(pool: Pool, *crumbs: tuple[object, str]) -> dict[str, Any]:
    pool_crumb = (in_language(pool.name_en, pool.name_zh), reverse("pool", args=[pool.code]))
    return {"section": "pools", "pool": pool, "crumbs": [pool_crumb, *crumbs]}


def _person(request: HttpRequest) -> User:
    return cast(User, request.user)
