"""Pages of arrears: who is in grace or suspended, pauses for hardship; and a member's own request for one."""

import uuid
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from aidplatform.lib import clock
from aidplatform.lib.csv_files import csv_response, plain_fen
from aidplatform.lib.errors import DomainError, NotFoundError
from aidplatform.lib.http import policy, signed_in
from aidplatform.lib.templating import in_language
from ledger.custody import arrears_selectors as arrears
from ledger.custody import hardship
from ledger.custody.arrears_forms import DaysForm, PauseForForm, PauseForm, StateForm
from ledger.custody.arrears_models import HardshipPause
from ledger.custody.forms import KeyForm, ReleaseForm
from ledger.custody.pages import (
    ADMIN,
    CONTROLLER,
    READERS,
    TREASURER,
    do_once,
    page_context,
    person_of,
    render_page,
)
from ledger.custody.selectors import access_membership_no
from members.joining.selectors import access_membership
from members.pools.models import Pool
from members.pools.rules import duty_required
from members.pools.selectors import access_pool, pays_ahead

ASKERS = (ADMIN, CONTROLLER, TREASURER)
DECIDED_SHOWN = 50


def _pool(code: str) -> Pool:
    """Return a pool whose members pay afterwards. Raises: NotFoundError."""
    pool = access_pool(code=code)
    if pays_ahead(pool):
        raise NotFoundError(_("The members of this pool pay ahead: nobody owes a share."))
    return pool


@duty_required(*READERS)
@require_safe
def overview(request: HttpRequest, code: str) -> HttpResponse:
    """List the members with open shares, those of whom something is to come soonest first, and the pauses."""
    return _page(request, _pool(code))


@duty_required(*READERS)
@require_safe
def all_csv(request: HttpRequest, code: str) -> HttpResponseBase:
    """Download every member with open shares."""
    pool = _pool(code)
    rows = (
        (
            row.number,
            row.state,
            row.shares,
            plain_fen(row.open_fen),
            row.oldest_no,
            row.since_date.isoformat(),
            row.days,
            row.until_date.isoformat() if row.until_date else "",
            row.paused_days,
        )
        for row in arrears.arrears_members(pool)
    )
    header = ("membership", "state", "shares", f"open_{pool.currency}", "oldest_period", "since", "days", "until",
              "paused_days")  # fmt: skip
    return csv_response(f"{code}-late-members.csv", header, rows)


@duty_required(*ASKERS)
@require_POST
def ask_for(request: HttpRequest, code: str) -> HttpResponse:
    """Ask for a pause for a member who told so."""
    pool, form = _pool(code), PauseForForm(request.POST)
    if not form.is_valid():
        return _page(request, pool, form=form, status=422)
    given = form.cleaned_data

    def act() -> dict[str, Any]:
        member = access_membership_no(pool=pool, number=given["membership"])
        asker = person_of(request).code
        made = hardship.ask_pause(membership=member, reason=given["reason"], asker=asker, at=clock.now())
        return {"number": made.number}

    return _done(request, pool, do_once(request, pool, "ask_pause", form, act), form=form)


@duty_required(ADMIN)
@require_POST
def propose(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Propose the days of a pause."""
    pool, form = _pool(code), DaysForm(request.POST)
    found = hardship.access_pause(pool=pool, number=number)
    if not form.is_valid():
        return _page(request, pool, days_form=(number, form), status=422)

    def act() -> dict[str, Any]:
        days, proposer = form.cleaned_data["days"], person_of(request).code
        done = hardship.propose_pause(pause=found, days=days, proposer=proposer, at=clock.now())
        return {"state": done.state}

    refusal = do_once(request, pool, f"propose_pause/{number}", form, act)
    return _done(request, pool, refusal, days_form=(number, form))


@duty_required(CONTROLLER)
@require_POST
def grant(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Grant exactly what was shown."""
    pool, form = _pool(code), ReleaseForm(request.POST)
    found = hardship.access_pause(pool=pool, number=number)
    if not form.is_valid():
        return _page(request, pool, refusal=DomainError(_("The form is incomplete. Reload the page.")))

    def act() -> dict[str, Any]:
        done = hardship.grant_pause(
            pause=found,
            granter=person_of(request).code,
            shown_sha256=form.cleaned_data["shown_sha256"],
            at=clock.now(),
        )
        return {"state": done.state}

    return _done(request, pool, do_once(request, pool, f"grant_pause/{number}", form, act))


@duty_required(ADMIN, CONTROLLER)
@require_POST
def decline(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Decline a pause, or take its proposal back."""
    pool, form = _pool(code), KeyForm(request.POST)
    found = hardship.access_pause(pool=pool, number=number)
    form.is_valid()

    def act() -> dict[str, Any]:
        done = hardship.decline_pause(pause=found, decliner=person_of(request).code, at=clock.now())
        return {"state": done.state}

    return _done(request, pool, do_once(request, pool, f"decline_pause/{number}", form, act))


def _done(request: HttpRequest, pool: Pool, refusal: DomainError | None, **forms: Any) -> HttpResponse:
    if refusal:
        return _page(request, pool, refusal=refusal, **forms)
    return redirect("custody_arrears", code=pool.code)


def _page(
    request: HttpRequest,
    pool: Pool,
    *,
    form: PauseForForm | None = None,
    days_form: tuple[int, DaysForm] | None = None,
    refusal: DomainError | None = None,
    status: int = 200,
) -> HttpResponse:
    state_form = StateForm(request.GET)
    state = state_form.cleaned_data["state"] if state_form.is_valid() else ""
    sums, rows = arrears.arrears_of(pool, state)
    states = {HardshipPause.State.ASKED, HardshipPause.State.PROPOSED}
    context = page_context(request, pool, "arrears", (_("Late members"), ""))
    found = list(hardship.pauses_of(pool).filter(state__in=states))
    waiting = hardship.with_texts(found, context["duties"])
    context |= {
        "may_ask": bool(set(ASKERS) & context["duties"]),
        "sums": sums,
        "state_form": state_form,
        "rows": rows,
        "waiting": [
            (one, _days_form(one.pause, days_form), _grant_form(one.pause), _decline_form(one.pause))
            for one in waiting
        ],
        "me": person_of(request).code,
        "decided": hardship.pauses_of(pool).exclude(state__in=states)[:DECIDED_SHOWN],
        "form": form or PauseForForm(initial={"key": uuid.uuid4()}),
        "refusal": refusal,
    }
    return render_page(request, "arrears", context, status)


def _days_form(pause: HardshipPause, given: tuple[int, DaysForm] | None) -> DaysForm:
    if given is not None and given[0] == pause.number:
        return given[1]
    return DaysForm(initial={"key": uuid.uuid4()}, auto_id=f"days-{pause.number}-%s")


def _grant_form(pause: HardshipPause) -> ReleaseForm:
    initial = {"key": uuid.uuid4(), "shown_sha256": pause.shown_sha256}
    return ReleaseForm(initial=initial, auto_id=f"grant-{pause.number}-%s")


def _decline_form(pause: HardshipPause) -> KeyForm:
    return KeyForm(initial={"key": uuid.uuid4()}, auto_id=f"decline-{pause.number}-%s")


# --- one's own ----------------------------------------------------------------------------------------------------


@policy("member")
@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def my_pause(request: HttpRequest, code: str) -> HttpResponse:
    """Ask for more days to pay, while one's own shares are in their grace."""
    person = person_of(request)
    membership = access_membership(code=code, person=person)
    pool = membership.pool
    stands = arrears.standing_of(membership, clock.today(pool.time_zone))
    form = PauseForm(request.POST or None, initial={"key": uuid.uuid4()})
    refusal = None
    if request.method == "POST" and form.is_valid():

        def act() -> dict[str, Any]:
            reason = form.cleaned_data["reason"]
            made = hardship.ask_pause(membership=membership, reason=reason, asker=person.code, at=clock.now())
            return {"number": made.number}

        refusal = do_once(request, pool, "my_pause", form, act)
        if refusal is None:
            return redirect("my_pool", code=code)
    context = {
        "section": "pools",
        "pool": pool,
        "stands": stands,
        "form": form,
        "refusal": refusal,
        "crumbs": [
            (in_language(pool.name_en, pool.name_zh), reverse("pool", args=[code])),
            (_("My place"), reverse("my_pool", args=[code])),
            (_("Ask for a pause"), ""),
        ],
    }
    status = refusal.status if refusal else 422 if form.errors else 200
    return render(request, "ledger/custody/my_pause.html", context, status=status)
