"""The page of a log's witnesses: who they are, how far each has signed, and naming others by two people."""

from collections.abc import Callable
from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from aidplatform.lib import clock
from aidplatform.lib.errors import DomainError
from aidplatform.lib.http import attempt
from aidplatform.lib.templating import in_language
from aidplatform.work.idempotency import once, scope_of
from ledger.openbooks import witnesses
from ledger.openbooks.forms import KeyForm, WitnessesForm
from ledger.openbooks.selectors import signing_of, witnessing_of
from ledger.openbooks.witness_models import WitnessPolicy
from members.people.models import User
from members.pools.models import Pool
from members.pools.rules import duty_required
from members.pools.selectors import access_pool, duties_of

PAST = 20


@duty_required(*witnesses.NAMERS)
@require_safe
def overview(request: HttpRequest, code: str) -> HttpResponse:
    """Show the witnesses in force, and those that wait or are over."""
    return _page(request, access_pool(code=code))


@duty_required(*witnesses.PROPOSERS)
@require_POST
def propose(request: HttpRequest, code: str) -> HttpResponse:
    """Propose witnesses; an auditor or a controller approves them."""
    pool, form = access_pool(code=code), WitnessesForm(request.POST)
    if not form.is_valid():
        return _page(request, pool, form=form, status=422)

    def act() -> dict[str, Any]:
        made = witnesses.propose_witnesses(
            pool=pool,
            witnesses=form.cleaned_data["witnesses"],
            needed=form.cleaned_data["needed"],
            proposer=_person(request).code,
            at=clock.now(),
        )
        return {"number": made.number}

    return _done(request, pool, "propose_witnesses", form, act)


@duty_required(*witnesses.APPROVERS)
@require_POST
def approve(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Let proposed witnesses be those of the log."""
    return _decided(request, code, number, "approve_witnesses")


@duty_required(*witnesses.NAMERS)
@require_POST
def withdraw(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Take proposed witnesses back."""
    return _decided(request, code, number, "withdraw_witnesses")


def _decided(request: HttpRequest, code: str, number: int, deed: str) -> HttpResponse:
    pool, form = access_pool(code=code), KeyForm(request.POST)
    policy, person = witnesses.access_policy(pool=pool, number=number), _person(request).code
    if not form.is_valid():
        return _page(request, pool, refusal=DomainError(_("The form is incomplete. Reload the page.")))

    def act() -> dict[str, Any]:
        if deed == "approve_witnesses":
            witnesses.approve_witnesses(policy=policy, approver=person, at=clock.now())
        else:
            witnesses.withdraw_witnesses(policy=policy, person=person, at=clock.now())
        return {"number": number}

    return _done(request, pool, f"{deed}:{number}", form, act)


def _done(
    request: HttpRequest, pool: Pool, deed: str, form: KeyForm, act: Callable[[], dict[str, Any]]
) -> HttpResponse:
    """Do it once per key, whatever the browser repeats, and show what came of it."""
    content = {name: str(value) for name, value in form.cleaned_data.items() if name != "key"}
    scope, key = scope_of(_person(request).code, pool.code, deed), str(form.cleaned_data["key"])
    _made, refusal = attempt(lambda: once(scope=scope, key=key, content=content, act=act))
    if refusal is not None:
        kept = form if isinstance(form, WitnessesForm) else None
        return _page(request, pool, form=kept, refusal=refusal)
    return redirect("witnesses", code=pool.code)


def _page(
    request: HttpRequest,
    pool: Pool,
    *,
    form: WitnessesForm | None = None,
    refusal: DomainError | None = None,
    status: int = 200,
) -> HttpResponse:
    person = _person(request)
    rows = list(witnesses.policies_of(pool)[:PAST])
    context = {
        "section": "pools",
        "pool": pool,
        "duties": duties_of(person, pool),
        "person": person,
        "signing": signing_of(pool.code, clock.now()),
        "witnessing": witnessing_of(pool.code),
        "rows": rows,
        "waits": any(one.state == WitnessPolicy.State.PROPOSED for one in rows),
        "form": form or WitnessesForm(),
        "key_form": KeyForm(auto_id=False),
        "refusal": refusal,
        "crumbs": [
            (in_language(pool.name_en, pool.name_zh), reverse("pool", args=[pool.code])),
            (_("Open books"), reverse("open_books", args=[pool.code])),
            (_("Witnesses"), ""),
        ],
    }
    answer = refusal.status if refusal is not None else status
    return render(request, "ledger/openbooks/witnesses.html", context, status=answer)


def _person(request: HttpRequest) -> User:
    return cast(User, request.user)
