"""The page of a pool's limits for releases: what holds, what is left of today, what waits for a second person."""

import uuid
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from aidplatform.lib import clock
from ledger.custody import release_limits
from ledger.custody.forms import KeyForm, LimitsForm
from ledger.custody.pages import ADMIN, CONTROLLER, READERS, do_once, page_context, person_of, render_page
from ledger.custody.release_limit_models import ReleaseLimit
from members.pools.models import Pool
from members.pools.rules import duty_required
from members.pools.selectors import access_pool

PAST = 20


@duty_required(*READERS)
@require_safe
def overview(request: HttpRequest, code: str) -> HttpResponse:
    """Show the limits in force, what is left of today, and those that wait or are over."""
    return _overview(request, access_pool(code=code))


def _overview(request: HttpRequest, pool: Pool, *, status: int = 200, **extra: Any) -> HttpResponse:
    context = page_context(request, pool, "payments", (_("Limits of releases"), "")) | {
        "limits": release_limits.limits_of(pool),
        "rows": release_limits.limits(pool)[:PAST],
        "person": person_of(request),
        "form": LimitsForm(initial={"key": uuid.uuid4()}),
        "key_form": KeyForm(initial={"key": uuid.uuid4()}, auto_id=False),
    }
    return render_page(request, "release_limits", context | extra, status)


@duty_required(ADMIN)
@require_POST
def propose(request: HttpRequest, code: str) -> HttpResponse:
    """Propose limits; a controller approves them."""
    pool, form = access_pool(code=code), LimitsForm(request.POST)
    if not form.is_valid():
        return _overview(request, pool, form=form, status=422)

    def act() -> dict[str, Any]:
        made = release_limits.propose_limits(
            pool=pool,
            daily_fen=form.cleaned_data["daily"],
            step_up_fen=form.cleaned_data["step_up"],
            proposer=person_of(request).code,
            at=clock.now(),
        )
        return {"number": made.number}

    refusal = do_once(request, pool, "limits", form, act)
    if refusal:
        return _overview(request, pool, form=form, refusal=refusal)
    return redirect("custody_release_limits", code=code)


@duty_required(CONTROLLER)
@require_POST
def approve(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Let proposed limits hold from now on."""
    return _decide(
        request,
        access_pool(code=code),
        number,
        "approve_limits",
        lambda found, person: release_limits.approve_limits(limit=found, approver=person, at=clock.now()),
    )


@duty_required(ADMIN, CONTROLLER)
@require_POST
def withdraw(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Take proposed limits back."""
    return _decide(
        request,
        access_pool(code=code),
        number,
        "withdraw_limits",
        lambda found, person: release_limits.withdraw_limits(limit=found, person=person, at=clock.now()),
    )


def _decide(
    request: HttpRequest,
    pool: Pool,
    number: int,
    deed: str,
    decide: Callable[[ReleaseLimit, str], ReleaseLimit],
) -> HttpResponse:
    """Decide about proposed limits, once per key, whatever the browser repeats."""
    form = KeyForm(request.POST)
    found = release_limits.access_limit(pool=pool, number=number)
    form.is_valid()
    person = person_of(request).code
    refusal = do_once(request, pool, f"{deed}/{number}", form, lambda: {"state": decide(found, person).state})
    if refusal:
        return _overview(request, pool, refusal=refusal)
    return redirect("custody_release_limits", code=pool.code)
