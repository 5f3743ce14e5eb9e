"""The page of a pool's end: public dates and headcounts, and for its people the proposal, the checklist, the close."""

from collections.abc import Callable
from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from aidplatform.lib import clock
from aidplatform.lib.errors import DomainError
from aidplatform.lib.http import attempt, public
from aidplatform.lib.templating import in_language
from aidplatform.site.ending.checklist import checklist
from aidplatform.site.ending.forms import EndForm
from ledger.sharing import ending as endings
from ledger.sharing.run_off import freezes_of
from ledger.sharing.views import viewer_duties
from members.ending import services
from members.ending.models import EndingProposal
from members.ending.selectors import (
    access_ending_proposal,
    endings_of,
    first_cover_end,
    live_ending,
    proposals_to_end,
)
from members.joining.selectors import may_read_statements
from members.people.models import User
from members.pools.models import DutyGrant, Pool
from members.pools.rules import PLAN_READERS, access_public_pool, duty_required
from members.pools.selectors import access_pool

ADMIN = DutyGrant.Duty.POOL_ADMIN.value
CONTROLLER = DutyGrant.Duty.CONTROLLER.value
SHOWN_FREEZES = 24


@public
@require_safe
def ending(request: HttpRequest, code: str) -> HttpResponse:
    """Show how a pool ends, or would end: dates, headcounts against the floor, and to its people what to do."""
    return _page(request, access_public_pool(request, code))


def _page(
    request: HttpRequest,
    pool: Pool,
    *,
    form: EndForm | None = None,
    refusal: DomainError | None = None,
    status: int = 200,
) -> HttpResponse:
    now, today = clock.now(), clock.today(pool.time_zone)
    person = request.user if request.user.is_authenticated else None
    staff = viewer_duties(request, pool)
    found = live_ending(pool)
    version = pool.plan_versions.filter(effective_date__lte=today).order_by("-effective_date").first()
    proposals = list(proposals_to_end(pool)[:20]) if staff & set(PLAN_READERS) else []
    context = {
        "section": "pools",
        "pool": pool,
        "ending": found,
        "called_off": [one for one in endings_of(pool)[:5] if one.cancelled_at],
        "plan": version.plan() if version else None,
        "freezes": list(reversed(freezes_of(pool, SHOWN_FREEZES)))
        if may_read_statements(pool, person)
        else [],
        "is_small": not may_read_statements(pool, person),
        "earliest": first_cover_end(pool, today) if pool.state == Pool.State.OPEN else None,
        "proposals": [(one, person is not None and one.proposed_by == person.code) for one in proposals],
        "waits": any(one.state == EndingProposal.State.OPEN for one in proposals),
        "form": form or EndForm(initial={"cover_end_date": first_cover_end(pool, today)}),
        "checklist": checklist(pool, found, now)
        if found and staff and pool.state != Pool.State.CLOSED
        else None,
        "staff": staff,
        "refusal": refusal,
        "crumbs": [
            (in_language(pool.name_en, pool.name_zh), reverse("pool", args=[pool.code])),
            (_("How it ends"), ""),
        ],
    }
    return render(request, "site/ending.html", context, status=refusal.status if refusal else status)


@duty_required(ADMIN)
@require_POST
def propose(request: HttpRequest, code: str) -> HttpResponse:
    """Propose to end the pool, with a reason and the day on which cover ends."""
    pool = access_pool(code=code)
    form = EndForm(request.POST)
    if not form.is_valid():
        return _page(request, pool, form=form, status=422)
    _made, refusal = attempt(
        lambda: services.propose_ending(
            pool=pool, proposer=_person(request).code, at=clock.now(), **form.cleaned_data
        )
    )
    if isinstance(refusal, services.BadCoverEndError):
        form.add_error("cover_end_date", str(refusal))
        return _page(request, pool, form=form, status=refusal.status)
    return _done(request, pool, refusal, form=form)


@duty_required(CONTROLLER)
@require_POST
def confirm(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Give notice exactly as it was shown; given already: the page."""
    pool = access_pool(code=code)
    found = access_ending_proposal(pool=pool, number=number)
    if found.state == EndingProposal.State.CONFIRMED:
        return redirect("ending", code=code)
    return _do(
        request,
        pool,
        lambda: endings.confirm_ending(
            proposal=found,
            confirmer=_person(request).code,
            shown_sha256=request.POST.get("shown_sha256", ""),
            at=clock.now(),
        ),
    )


@duty_required(ADMIN, CONTROLLER)
@require_POST
def withdraw(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Take a proposal back or turn it down; done already: the page."""
    pool = access_pool(code=code)
    found = access_ending_proposal(pool=pool, number=number)
    if found.state == EndingProposal.State.WITHDRAWN:
        return redirect("ending", code=code)
    return _do(
        request,
        pool,
        lambda: services.withdraw_ending_proposal(
            proposal=found, withdrawer=_person(request).code, at=clock.now()
        ),
    )


@duty_required(CONTROLLER)
@require_POST
def close(request: HttpRequest, code: str) -> HttpResponse:
    """Close a pool of which nothing is open; closed already: the page."""
    pool = access_pool(code=code)
    if pool.state == Pool.State.CLOSED:
        return redirect("ending", code=code)
    return _do(
        request, pool, lambda: endings.close_pool(pool=pool, closer=_person(request).code, at=clock.now())
    )


def _do(request: HttpRequest, pool: Pool, act: Callable[[], Any]) -> HttpResponse:
    _result, refusal = attempt(act)
    return _done(request, pool, refusal)


def _done(
    request: HttpRequest, pool: Pool, refusal: DomainError | None, form: EndForm | None = None
) -> HttpResponse:
    """Go back to the page, or show there why not."""
    if refusal is None:
        return redirect("ending", code=pool.code)
    return _page(request, access_pool(code=pool.code), refusal=refusal, form=form)


def _person(request: HttpRequest) -> User:
    return cast(User, request.user)
