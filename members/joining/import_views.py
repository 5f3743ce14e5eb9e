"""Pages of an import: the list and its template, the look at it, the import that a second person approves."""

from typing import Any, cast
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from aidplatform.lib import clock
from aidplatform.lib.csv_files import csv_response
from aidplatform.lib.errors import DomainError, NotFoundError
from aidplatform.lib.http import attempt
from aidplatform.lib.templating import in_language
from aidplatform.work.models import Job
from members.joining import importing, looking
from members.joining.forms import ApproveImportForm, ListForm
from members.joining.import_files import template_workbook
from members.joining.import_rows import COLUMNS
from members.joining.import_triggers import DAYS_TO_CONFIRM
from members.joining.listed import access_import, access_upload, last_day_to_confirm, particulars_of
from members.joining.models import ImportedMember, MemberImport, MemberUpload
from members.people.models import User
from members.pools.models import DutyGrant, Pool
from members.pools.rules import duty_required
from members.pools.selectors import access_pool, duties_of

ADMIN = DutyGrant.Duty.POOL_ADMIN.value
CONTROLLER = DutyGrant.Duty.CONTROLLER.value
# Counts are for all who bring the pool to its opening; who stands on a list only for those who decide about it.
READERS = (ADMIN, CONTROLLER, DutyGrant.Duty.TREASURER.value, DutyGrant.Duty.AUDITOR.value)
DECIDERS = (ADMIN, CONTROLLER)
SHOWN = 100
WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@duty_required(*READERS)
@require_safe
def move_in(request: HttpRequest, code: str) -> HttpResponse:
    """Say what a list must hold, take one, and show the imports there are."""
    return _move_in(request, access_pool(code=code))


def _move_in(
    request: HttpRequest, pool: Pool, form: ListForm | None = None, refusal: DomainError | None = None
) -> HttpResponse:
    context = _context(request, pool) | {
        "form": form or ListForm(),
        "columns": COLUMNS,
        "imports": [_counted(one) for one in pool.member_imports.order_by("-number")[:SHOWN]],
        "uploads": pool.member_uploads.defer("content", "report").order_by("-uploaded_at")[:20],
        "days": DAYS_TO_CONFIRM,
        "refusal": refusal,
    }
    status = refusal.status if refusal else 422 if form is not None else 200
    return render(request, "members/joining/move_in.html", context, status=status)


def _counted(found: MemberImport) -> tuple[MemberImport, int]:
    return found, found.members.filter(state=ImportedMember.State.CONFIRMED).count()


@duty_required(ADMIN)
@require_safe
def template(request: HttpRequest, code: str, kind: str) -> HttpResponseBase:
    """Download an empty list, as a workbook or as CSV."""
    access_pool(code=code)
    if kind == "csv":
        return csv_response("members.csv", [column.title for column in COLUMNS], [])
    if kind != "xlsx":
        raise NotFoundError(_("There is no such page, or it is not yours to see."))
    response = HttpResponse(template_workbook(), content_type=WORKBOOK)
    response["Content-Disposition"] = 'attachment; filename="members.xlsx"'
    return response


@duty_required(ADMIN)
@require_POST
def upload(request: HttpRequest, code: str) -> HttpResponse:
    """Keep a list and have it looked at."""
    pool = access_pool(code=code)
    form = ListForm(request.POST, request.FILES)
    if not form.is_valid():
        return _move_in(request, pool, form)
    file = form.cleaned_data["file"]
    kept, refusal = attempt(
        lambda: looking.keep_upload(
            pool=pool,
            data=file.read(),
            filename=str(file.name),
            uploader=_person(request).code,
            at=clock.now(),
        )
    )
    if refusal is not None:
        return _move_in(request, pool, refusal=refusal)
    return redirect("move_in_look", code=code, sha256=kept.sha256)


@duty_required(ADMIN)
@require_safe
def look(request: HttpRequest, code: str, sha256: str) -> HttpResponse:
    """Show every row of a list with what would happen to it; nothing is written."""
    pool = access_pool(code=code)
    return _look(request, access_upload(pool=pool, sha256=sha256))


def _look(request: HttpRequest, waiting: MemberUpload, refusal: DomainError | None = None) -> HttpResponse:
    report = looking.report_of(waiting)
    if report is None:
        context = _context(request, waiting.pool, (_("Look"), "")) | {
            "waiting": waiting,
            "percent": 100 * waiting.rows_done // waiting.rows_all if waiting.rows_all else 0,
            "stuck": _stuck(looking.LOOK, waiting.job_key),
            "refusal": refusal,
        }
        return render(request, "members/joining/move_in_look.html", context)
    wants = request.GET.get("show", "")
    rows = [pair for pair in report.members if wants in {"", pair[1]}]
    page = Paginator(rows, SHOWN).get_page(request.GET.get("page"))
    context = _context(request, waiting.pool, (_("Look"), "")) | {
        "waiting": waiting,
        "report": report,
        "counts": report.counts,
        "faults": report.faults[:200],
        "served": sum(member.since_date is not None for member in report.fresh),
        "owed_fen": sum(member.owed_fen for member in report.fresh),
        "prepaid_fen": sum(member.prepaid_fen for member in report.fresh),
        "has_payers": any(member.payer for member in report.fresh),
        "classes": _class_names(waiting.pool),
        "page": page,
        "shows": [
            ("", _("all"), len(report.members)),
            *((name, label, report.counts[name]) for name, label in OUTCOMES.items()),
        ],
        "show": wants,
        "outcomes": OUTCOMES,
        **_around(page, show=wants),
        "refusal": refusal,
    }
    return render(
        request, "members/joining/move_in_look.html", context, status=refusal.status if refusal else 200
    )


OUTCOMES: dict[str, object] = {
    looking.NEW: _("is invited"),
    looking.KNOWN: _("imported before, left out"),
    looking.MEMBER: _("member already, left out"),
}


@duty_required(ADMIN)
@require_POST
def propose(request: HttpRequest, code: str, sha256: str) -> HttpResponse:
    """Propose the list that was looked at to a second person."""
    pool = access_pool(code=code)
    done = pool.member_imports.filter(sha256=sha256).exclude(state=MemberImport.State.WITHDRAWN).last()
    waiting = pool.member_uploads.select_related("pool").filter(sha256=sha256).first()
    if waiting is None and done is not None:
        return redirect("move_in_import", code=code, number=done.number)
    if waiting is None:
        raise NotFoundError(_("There is no such list waiting; it may have been proposed."))
    proposed, refusal = attempt(
        lambda: importing.propose_import(
            upload=waiting,
            looks=_whole(request.POST.get("looks", "")),
            proposer=_person(request).code,
            at=clock.now(),
        )
    )
    if refusal is not None:
        return _look(request, access_upload(pool=pool, sha256=sha256), refusal)
    return redirect("move_in_import", code=code, number=proposed.number)


@duty_required(ADMIN)
@require_POST
def discard(request: HttpRequest, code: str, sha256: str) -> HttpResponse:
    """Throw a list away."""
    pool = access_pool(code=code)
    found = pool.member_uploads.select_related("pool").filter(sha256=sha256).first()
    if found is not None:
        looking.discard_upload(upload=found, by=_person(request).code)
    return redirect("move_in", code=code)


@duty_required(*DECIDERS)
@require_safe
def import_page(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Show an import row by row, and let a controller approve exactly that."""
    return _import_page(request, access_import(pool=access_pool(code=code), number=number))


def _import_page(
    request: HttpRequest, found: MemberImport, refusal: DomainError | None = None
) -> HttpResponse:
    wants = request.GET.get("state", "")
    rows = found.members.order_by("row_no")
    states = {state.value: found.members.filter(state=state).count() for state in ImportedMember.State}
    if wants in states:
        rows = rows.filter(state=wants)
    page = Paginator(rows.select_related("pool", "membership"), SHOWN).get_page(request.GET.get("page"))
    context = _context(request, found.pool, (_("Import %(number)s") % {"number": found.number}, "")) | {
        "found": found,
        "rows": [(row, particulars_of(row) if row.sealed else None) for row in page],
        "page": page,
        "states": [(state.value, state.label, states[state.value]) for state in ImportedMember.State],
        "state": wants,
        "written": sum(states.values()),
        "last_day": last_day_to_confirm(found),
        "classes": _class_names(found.pool),
        "is_own": found.proposed_by == _person(request).code,
        "approve_form": ApproveImportForm(initial={"shown_sha256": found.shown_sha256}),
        "stuck": _stuck(importing.WRITE, str(found)) or _stuck(importing.INVITE, str(found)),
        "is_inviting": Job.objects.filter(
            kind=importing.INVITE, key=str(found), state__in=[Job.State.QUEUED, Job.State.RUNNING]
        ).exists(),
        **_around(page, state=wants),
        "refusal": refusal,
    }
    return render(
        request, "members/joining/move_in_import.html", context, status=refusal.status if refusal else 200
    )


@duty_required(CONTROLLER)
@require_POST
def approve(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Approve the rows that were shown."""
    found = access_import(pool=access_pool(code=code), number=number)
    if found.state == MemberImport.State.APPROVED and found.decided_by == _person(request).code:
        return redirect("move_in_import", code=code, number=number)  # the second click of two
    form = ApproveImportForm(request.POST)
    shown = form.cleaned_data["shown_sha256"] if form.is_valid() else ""
    _done, refusal = attempt(
        lambda: importing.approve_import(
            member_import=found, approver=_person(request).code, shown_sha256=shown, at=clock.now()
        )
    )
    return _back(request, found, refusal)


@duty_required(*DECIDERS)
@require_POST
def withdraw(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Take an import back, or turn it down."""
    found = access_import(pool=access_pool(code=code), number=number)
    if found.state == MemberImport.State.WITHDRAWN:
        return redirect("move_in_import", code=code, number=number)
    _done, refusal = attempt(
        lambda: importing.withdraw_import(
            member_import=found, withdrawer=_person(request).code, at=clock.now()
        )
    )
    return _back(request, found, refusal)


@duty_required(ADMIN)
@require_POST
def take_back(request: HttpRequest, code: str, number: int, row_no: int) -> HttpResponse:
    """Take one unconfirmed row back."""
    found = access_import(pool=access_pool(code=code), number=number)
    row = found.members.select_related("pool", "member_import").filter(row_no=row_no).first()
    if row is None:
        raise NotFoundError(_("There is no such page, or it is not yours to see."))
    _done, refusal = attempt(lambda: importing.take_back(row=row, by=_person(request).code))
    return _back(request, found, refusal)


def _back(request: HttpRequest, found: MemberImport, refusal: DomainError | None) -> HttpResponse:
    if refusal is None:
        return redirect("move_in_import", code=found.pool.code, number=found.number)
    return _import_page(request, access_import(pool=found.pool, number=found.number), refusal)


def _context(request: HttpRequest, pool: Pool, *crumbs: tuple[object, str]) -> dict[str, Any]:
    return {
        "section": "pools",
        "pool": pool,
        "duties": duties_of(_person(request), pool),
        "crumbs": [
            (in_language(pool.name_en, pool.name_zh), reverse("pool", args=[pool.code])),
            (_("Move in"), reverse("move_in", args=[pool.code]) if crumbs else ""),
            *crumbs,
        ],
    }


def _class_names(pool: Pool) -> dict[int, str]:
    version = pool.plan_versions.order_by("-number").first()
    rows = version.plan().classes if version else ()
    return {row.class_no: in_language(row.name_en, row.name_zh) for row in rows}


def _around(page: Any, **kept: str) -> dict[str, str]:
    """Return the addresses of the pages before and after."""

    def address(number: int) -> str:
        return "?" + urlencode({**{name: value for name, value in kept.items() if value}, "page": number})

    return {
        "earlier": address(page.previous_page_number()) if page.has_previous() else "",
        "later": address(page.next_page_number()) if page.has_next() else "",
    }


def _stuck(kind: str, key: str) -> bool:
    return Job.objects.filter(kind=kind, key=key, state=Job.State.STUCK).exists()


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0


def _person(request: HttpRequest) -> User:
    return cast(User, request.user)
