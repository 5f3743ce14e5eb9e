"""Pages of write-offs: the list with the treasurer's form, and one write-off with the controller's approval."""

import uuid
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from aidplatform.lib import clock
from aidplatform.lib.errors import DomainError
from ledger.custody import write_offs
from ledger.custody.forms import KeyForm, ReleaseForm, WriteOffForm
from ledger.custody.pages import (
    CONTROLLER,
    MONEY,
    TREASURER,
    cursor,
    do_once,
    newest,
    page_context,
    person_of,
    render_page,
)
from ledger.custody.recoveries import recovered_fen
from ledger.custody.selectors import access_membership_no
from ledger.custody.write_off_models import WriteOff
from members.pools.models import Pool
from members.pools.rules import duty_required
from members.pools.selectors import access_pool, pays_ahead


@duty_required(*MONEY)
@require_safe
def overview(request: HttpRequest, code: str) -> HttpResponse:
    """List the write-offs; the treasurer orders the next one."""
    return _overview(request, access_pool(code=code))


def _overview(request: HttpRequest, pool: Pool, *, status: int = 200, **extra: Any) -> HttpResponse:
    found = write_offs.write_offs(pool)
    rows, neighbors = newest(request, found, reverse("custody_write_offs", args=[pool.code]))
    last_no = write_offs.last_announced_no(pool)
    context = page_context(request, pool, "write_offs", (_("Write-offs"), "")) | {
        "rows": write_offs.with_members(rows),
        **neighbors,
        "may_order": bool(last_no) and not pays_ahead(pool),
        "written_off_fen": write_offs.written_off_fen(pool),
        "recovered_fen": recovered_fen(pool),
        "estates": [
            (
                one,
                WriteOffForm(
                    initial={
                        "key": uuid.uuid4(),
                        "membership": one.membership_no,
                        "upto_period_no": last_no,
                        "reason": WriteOff.Reason.DECEASED,
                        "reminders": 0,
                    },
                    auto_id=f"estate-{one.membership_no}-%s",
                ),
            )
            for one in write_offs.estates(pool)
        ],
        "form": WriteOffForm(
            initial={
                "key": uuid.uuid4(),
                "membership": cursor(request, "membership") or None,
                "upto_period_no": last_no,
                "reminders": 0,
            }
        ),
    }
    return render_page(request, "write_offs", context | extra, status)


@duty_required(TREASURER)
@require_POST
def order(request: HttpRequest, code: str) -> HttpResponse:
    """Order that what a membership owes is written off; a controller approves it."""
    pool, form = access_pool(code=code), WriteOffForm(request.POST)
    if not form.is_valid():
        return _overview(request, pool, form=form, status=422)
    given = form.cleaned_data

    def act() -> dict[str, Any]:
        made = write_offs.order_write_off(
            membership=access_membership_no(pool=pool, number=given["membership"]),
            reason=given["reason"],
            reminders=given["reminders"] or 0,
            upto_period_no=given["upto_period_no"],
            orderer=person_of(request).code,
            at=clock.now(),
        )
        return {"number": made.number}

    refusal = do_once(request, pool, "write_off", form, act)
    if refusal:
        return _overview(request, pool, form=form, refusal=refusal)
    return redirect("custody_write_offs", code=code)


@duty_required(*MONEY)
@require_safe
def write_off(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Show one write-off: exactly what an approval is for."""
    return _write_off(request, access_pool(code=code), number)


def _write_off(
    request: HttpRequest, pool: Pool, number: int, *, refusal: DomainError | None = None
) -> HttpResponse:
    found = write_offs.access_write_off(pool=pool, number=number)
    crumbs = (
        (_("Write-offs"), reverse("custody_write_offs", args=[pool.code])),
        (_("Write-off %(number)s") % {"number": number}, ""),
    )
    context = page_context(request, pool, "write_offs", *crumbs) | {
        "one": found,
        "member": write_offs.with_members([found])[0].membership_no,
        "is_waiting": found.state == WriteOff.State.ORDERED,
        "is_orderer": found.ordered_by == person_of(request).code,
        "shown_text": write_offs.shown_text(found),
        "approve_form": ReleaseForm(initial={"key": uuid.uuid4(), "shown_sha256": found.shown_sha256}),
        "key_form": KeyForm(initial={"key": uuid.uuid4()}, auto_id="withdraw_%s"),
        "refusal": refusal,
    }
    return render_page(request, "write_off", context)


@duty_required(CONTROLLER)
@require_POST
def approve(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Write off exactly what was shown."""
    pool, form = access_pool(code=code), ReleaseForm(request.POST)
    found = write_offs.access_write_off(pool=pool, number=number)
    if not form.is_valid():
        error = DomainError(
            _("The approval did not say what it was for. Look at the write-off, then approve it.")
        )
        return _write_off(request, pool, number, refusal=error)

    def act() -> dict[str, Any]:
        done = write_offs.approve_write_off(
            write_off=found,
            approver=person_of(request).code,
            shown_sha256=form.cleaned_data["shown_sha256"],
            at=clock.now(),
        )
        return {"state": done.state}

    refusal = do_once(request, pool, f"approve_write_off/{number}", form, act)
    if refusal:
        return _write_off(request, pool, number, refusal=refusal)
    return redirect("custody_write_off", code=code, number=number)


@duty_required(*MONEY)
@require_POST
def withdraw(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Take a write-off back, or turn it down."""
    pool, form = access_pool(code=code), KeyForm(request.POST)
    found = write_offs.access_write_off(pool=pool, number=number)
    form.is_valid()

    def act() -> dict[str, Any]:
        done = write_offs.withdraw_write_off(
            write_off=found, withdrawer=person_of(request).code, at=clock.now()
        )
        return {"state": done.state}

    refusal = do_once(request, pool, f"withdraw_write_off/{number}", form, act)
    if refusal:
        return _write_off(request, pool, number, refusal=refusal)
    return redirect("custody_write_off", code=code, number=number)
