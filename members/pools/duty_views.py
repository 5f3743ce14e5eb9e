"""The page of who holds which duty in a running pool, and what changes it."""

from collections.abc import Callable
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
from members.pools import duties
from members.pools.duty_forms import ProposeDutyForm, ReasonForm
from members.pools.duty_models import DutyChange
from members.pools.models import DutyGrant, Pool
from members.pools.rules import duty_required
from members.pools.selectors import access_pool, duties_of

ADMIN = DutyGrant.Duty.POOL_ADMIN.value
MOST_SHOWN = 100


@duty_required()
@require_http_methods(["GET", "HEAD", "POST"])
def duty_list(request: HttpRequest, code: str) -> HttpResponse:
    """Show who holds what and what waits for a second person; a pool admin proposes somebody."""
    pool = access_pool(code=code)
    if request.method != "POST":
        return _page(request, pool)
    form = ProposeDutyForm(request.POST)
    if not form.is_valid() or ADMIN not in duties_of(_person(request), pool):
        return _page(request, pool, form=form, status=422)
    given = form.cleaned_data
    _made, refusal = attempt(
        lambda: duties.propose_duty(
            pool=pool,
            person_code=given["person"],
            duty=given["duty"],
            reason=given["reason"],
            proposer=_person(request),
            at=clock.now(),
        )
    )
    if refusal is not None:
        form.add_error("person" if isinstance(refusal, duties.UnknownPersonError) else None, str(refusal))
        return _page(request, pool, form=form, status=refusal.status)
    return redirect("duties", code=code)


@duty_required(ADMIN)
@require_POST
def propose_end(request: HttpRequest, code: str, grant_id: int) -> HttpResponse:
    """Propose that somebody does not hold a duty any more."""
    return _with_reason(
        request, code, grant_id, lambda grant, reason: duties.propose_end(
            grant=grant, reason=reason, proposer=_person(request), at=clock.now()
        ),
    )  # fmt: skip


@duty_required()
@require_POST
def lay_down(request: HttpRequest, code: str, grant_id: int) -> HttpResponse:
    """Hold one's own duty no more; whoever holds none any more is led to the pool."""
    answer = _with_reason(
        request, code, grant_id, lambda grant, reason: duties.lay_down(
            grant=grant, person=_person(request), reason=reason, at=clock.now()
        ),
    )  # fmt: skip
    if answer.status_code == 302 and not duties_of(_person(request), access_pool(code=code)):
        return redirect("pool", code=code)
    return answer


@duty_required()
@require_POST
def confirm_change(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Agree as a second person; done already: the page."""
    return _decide(
        request, code, number, DutyChange.State.DONE,
        lambda change: duties.confirm_change(change=change, confirmer=_person(request), at=clock.now()),
    )  # fmt: skip


@duty_required()
@require_POST
def drop_change(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Take a proposal back, or turn it down; dropped already: the page."""
    return _decide(
        request, code, number, DutyChange.State.DROPPED,
        lambda change: duties.drop_change(change=change, dropper=_person(request), at=clock.now()),
    )  # fmt: skip


def _with_reason(
    request: HttpRequest, code: str, grant_id: int, act: Callable[[DutyGrant, str], DutyChange]
) -> HttpResponse:
    pool = access_pool(code=code)
    form = ReasonForm(request.POST)
    if not form.is_valid():
        return _page(request, pool, reason_form=form, reason_of=grant_id, status=422)
    grant = duties.access_grant(pool=pool, grant_id=grant_id)
    _done, refusal = attempt(lambda: act(grant, form.cleaned_data["reason"]))
    if refusal is not None:
        return _page(request, pool, refusal=refusal)
    return redirect("duties", code=code)


def _decide(
    request: HttpRequest, code: str, number: int, wanted: str, act: Callable[[DutyChange], DutyChange]
) -> HttpResponse:
    pool = access_pool(code=code)
    change = duties.access_change(pool=pool, number=number)
    if change.state == wanted:
        return redirect("duties", code=code)
    _done, refusal = attempt(lambda: act(change))
    if refusal is not None:
        return _page(request, pool, refusal=refusal)
    return redirect("duties", code=code)


def _page(
    request: HttpRequest,
    pool: Pool,
    *,
    form: ProposeDutyForm | None = None,
    reason_form: ReasonForm | None = None,
    reason_of: int = 0,
    refusal: DomainError | None = None,
    status: int = 200,
) -> HttpResponse:
    person = _person(request)
    held = duties_of(person, pool)
    changes = list(duties.changes_of(pool)[:MOST_SHOWN])
    is_running = not pool.is_private and pool.state != Pool.State.CLOSED
    found = duties.desks(pool)
    context: dict[str, Any] = {
        "section": "pools",
        "pool": pool,
        "staff": held,
        # A form for each, so that no two fields bear one id.
        "desks": [
            (desk, [(grant, _reason_form(grant, reason_form, reason_of)) for grant in desk.grants])
            for desk in found
        ],
        "missing": [desk.name for desk in found if is_running and desk.is_missing],
        "may_propose": is_running and ADMIN in held,
        "may_lay_down": not pool.is_private,
        "form": form or ProposeDutyForm(),
        "reason_of": reason_of,
        "waiting": [
            (change, duties.waits_for(change, person)) for change in changes if change.state == "open"
        ],
        "past": [change for change in changes if change.state != "open"],
        "refusal": refusal,
        "crumbs": [
            (in_language(pool.name_en, pool.name_zh), reverse("pool", args=[pool.code])),
            (_("Duties"), ""),
        ],
    }
    return render(request, "members/pools/duties.html", context, status=refusal.status if refusal else status)


def _reason_form(grant: DutyGrant, given: ReasonForm | None, given_for: int) -> ReasonForm:
    form = given if given is not None and grant.pk == given_for else ReasonForm()
    form.auto_id = f"id_%s_{grant.pk}"
    return form


def _person(request: HttpRequest) -> User:
    return cast(User, request.user)
