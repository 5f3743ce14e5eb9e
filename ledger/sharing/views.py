"""The page of a period: what everyone sees, and what its staff do there."""

import datetime as dt
import uuid
from dataclasses import dataclass, replace
from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_POST, require_safe

from aidplatform.lib import clock
from aidplatform.lib.csv_files import Text, csv_blocks_response, csv_response, plain_fen
from aidplatform.lib.errors import ConflictError, NotFoundError
from aidplatform.lib.http import public
from aidplatform.lib.templating import in_language
from aidplatform.work.idempotency import once
from aidplatform.work.models import Job
from ledger.sharing import posting, selectors, services
from ledger.sharing.charge_files import charge_lines
from ledger.sharing.face_selectors import FacesOf
from ledger.sharing.faces import words_of
from ledger.sharing.figures import Figures, bill_lines, class_figures, share_parts
from ledger.sharing.forms import ApproveForm, CancelPostingForm
from ledger.sharing.layers import MEMBERS, PUBLIC
from ledger.sharing.models import Period
from ledger.sharing.moves import moves_of
from ledger.sharing.plan_shares import sponsored_fen
from ledger.sharing.run_off import run_off_of
from members.people.models import User
from members.pools.models import DutyGrant, Pool
from members.pools.rules import duty_required
from members.pools.selectors import access_pool, duties_of

ADMIN = DutyGrant.Duty.POOL_ADMIN.value
CONTROLLER = DutyGrant.Duty.CONTROLLER.value
TREASURER = DutyGrant.Duty.TREASURER.value
AUDITOR = DutyGrant.Duty.AUDITOR.value
STAFF = (ADMIN, CONTROLLER, TREASURER, AUDITOR)
STEERING = (ADMIN, CONTROLLER)
CHARGE_READERS = (CONTROLLER, TREASURER, AUDITOR)


@dataclass(frozen=True)
class Stage:
    """One step of the strip: its name, its day, and whether it lies behind, is now, or comes."""

    name: object
    when: dt.date | dt.datetime | None
    look: str


@public
@require_safe
def period(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Show a period: to everyone once it is announced, to its staff from the beginning."""
    pool = access_pool(code=code)
    return _period_page(request, pool, number)


@duty_required(ADMIN)
@require_POST
def compute(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Ask a worker for a dry run: it stores what would be charged and charges nobody."""
    found = selectors.access_period(pool=access_pool(code=code), number=number)
    services.request_computation(period=found, preparer=_person(request).code)
    return redirect("period", code=code, number=number)


@duty_required(CONTROLLER)
@require_POST
def approve(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Approve exactly the figures that were shown; other figures are a refusal that shows the new ones."""
    pool = access_pool(code=code)
    found = selectors.access_period(pool=pool, number=number)
    form = ApproveForm(request.POST)
    if not form.is_valid():
        error = ConflictError(
            _("The approval did not say which figures it was for. Look at them, then approve.")
        )
        return _period_page(request, pool, number, refusal=error)
    person = _person(request)
    try:
        once(
            scope=f"{person.code}/approve/{found.code}",
            key=str(form.cleaned_data["key"]),
            content={"shown_sha256": form.cleaned_data["shown_sha256"]},
            act=lambda: _approve(found, person, form.cleaned_data["shown_sha256"]),
        )
    except ConflictError as error:
        return _period_page(request, pool, number, refusal=error)
    return redirect("period", code=code, number=number)


def _approve(found: Period, person: User, shown_sha256: str) -> dict[str, Any]:
    approved = services.approve_period(
        period=found, approver=person.code, shown_sha256=shown_sha256, at=clock.now()
    )
    return {"state": approved.state}


@duty_required(*STEERING)
@require_POST
def pause(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Let no further shard be begun; clicking twice is pausing once."""
    found = selectors.access_period(pool=access_pool(code=code), number=number)
    posting.pause_posting(period=found, pauser=_person(request).code, at=clock.now())
    return redirect("period", code=code, number=number)


@duty_required(*STEERING)
@require_POST
def resume(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Go on with a paused posting; clicking twice is going on once."""
    found = selectors.access_period(pool=access_pool(code=code), number=number)
    posting.resume_posting(period=found, resumer=_person(request).code)
    return redirect("period", code=code, number=number)


@duty_required(*STEERING)
@require_POST
def cancel(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Take away what a paused posting has written; a doubled click cancels once."""
    found = selectors.access_period(pool=access_pool(code=code), number=number)
    form, person = CancelPostingForm(request.POST), _person(request)
    if not form.is_valid():
        raise ConflictError(_("Reload the page, then cancel."))
    once(
        scope=f"{person.code}/cancel_posting/{found.code}",
        key=str(form.cleaned_data["key"]),
        content={},
        act=lambda: {"state": posting.cancel_posting(period=found, canceller=person.code).state},
    )
    return redirect("period", code=code, number=number)


@duty_required(*STAFF)
@require_GET
def progress(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Answer a page that waits for a run: the staff part again, or the whole page when the state has moved."""
    if not request.htmx:  # type: ignore[attr-defined]
        return redirect("period", code=code, number=number)
    pool = access_pool(code=code)
    found = selectors.access_period(pool=pool, number=number)
    context = _staff_context(found, duties_of(_person(request), pool), _person(request))
    response = render(request, "ledger/sharing/_staff.html", {"pool": pool, "period": found, **context})
    if request.GET.get("seen") != _seen(found, context["job"]):
        response["HX-Refresh"] = "true"
    return response


@public
@require_safe
def classes_csv(request: HttpRequest, code: str, number: int) -> HttpResponseBase:
    """Download the class table of a period whose figures are computed."""
    pool = access_pool(code=code)
    found = _visible_period(request, pool, number)
    if found.classes is None or not _may_see_figures(request, found):
        raise NotFoundError(_("The figures of this period are not computed yet."))
    names = _class_names(found)
    rows = [
        (
            row.class_no,
            Text(names.get(row.class_no, "")),
            row.weight,
            row.members,
            plain_fen(row.share_fen),
            plain_fen(row.total_fen),
        )
        for row in class_figures(found.classes)
    ]
    header = ("class", "name", "weight", "members", f"share_{pool.currency}", f"total_{pool.currency}")
    return csv_response(f"{pool.code}-period-{number}-classes.csv", header, rows)


@duty_required(*CHARGE_READERS)
@require_safe
def charges_csv(request: HttpRequest, code: str, number: int) -> HttpResponseBase:
    """Download what each member owes for a posted period, by member's number."""
    pool = access_pool(code=code)
    found = selectors.access_period(pool=pool, number=number)
    if found.state != Period.State.POSTED:
        raise NotFoundError(_("This period is not posted yet; there are no charges to download."))
    filename = f"{pool.code}-period-{number}-charges.csv"
    return csv_blocks_response(filename, f"number,share_{pool.currency}", charge_lines(found))


def _period_page(
    request: HttpRequest, pool: Pool, number: int, *, refusal: ConflictError | None = None
) -> HttpResponse:
    found = _visible_period(request, pool, number)
    context: dict[str, Any] = {
        "section": "pools",
        "pool": pool,
        "period": found,
        "refusal": refusal,
        "stages": stages(found),
        "crumbs": [
            (in_language(pool.name_en, pool.name_zh), reverse("pool", args=[pool.code])),
            (_("Periods"), reverse("periods", args=[pool.code])),
            (_("Period %(number)s") % {"number": number}, ""),
        ],
    }
    status = refusal.status if refusal else 200
    duties = viewer_duties(request, pool)
    if duties:
        context |= _staff_context(found, duties, _person(request))
    if not _may_see_figures(request, found):
        return render(request, "ledger/sharing/period_small.html", context, status=status)
    context |= _bill_context(found, layer_of(request, pool))
    return render(request, "ledger/sharing/period.html", context, status=status)


def _visible_period(request: HttpRequest, pool: Pool, number: int) -> Period:
    """Return the period; before its announcement only to people with a duty in the pool."""
    if viewer_duties(request, pool):
        return selectors.access_period(pool=pool, number=number)
    return selectors.access_public_period(pool=pool, number=number)


def layer_of(request: HttpRequest, pool: Pool) -> str:
    """Return what the viewer is told of cases: members and whoever has a duty more than everyone."""
    is_member = selectors.is_member(pool, _person(request) if request.user.is_authenticated else None)
    return MEMBERS if is_member or viewer_duties(request, pool) else PUBLIC


def _may_see_figures(request: HttpRequest, found: Period) -> bool:
    """Tell whether figures of one period may be shown: not to strangers of a very small pool."""
    if selectors.is_large_enough(found) or viewer_duties(request, found.pool):
        return True
    return selectors.is_member(found.pool, _person(request) if request.user.is_authenticated else None)


def figures_of(found: Period) -> Figures | None:
    """Return the stored figures, or from the announcement on the provisional ones; before it none."""
    if found.assessed_fen is not None:
        by_kind = selectors.other_costs(selectors.books_window(found)) if found.other_costs_fen else {}
        figures = selectors.stored_figures(found, tuple(sorted(by_kind.items())))
        return replace(
            figures,
            classes=class_figures(found.classes or [], found.plan_version.plan().period_cap_fen),
        )
    if not found.is_public:
        return None
    bill = selectors.compute_bill(found)
    return Figures(
        cases=len(bill.aid_fens),
        aid_fen=bill.sharing.aid_fen,
        other_costs_fen=sum(bill.other_costs_by_kind.values()),
        fee_fen=bill.sharing.fee_fen,
        awarded_fen=sum(bill.aid_fens),
        reserve_contribution_fen=bill.sharing.reserve_contribution_fen,
        reserve_drawn_fen=bill.sharing.reserve_drawn_fen,
        sponsor_fen=bill.sharing.sponsor_fen,
        carry_in_fen=bill.carry_in_fen,
        carry_out_fen=bill.sharing.carry_out_fen,
        need_fen=bill.sharing.borne_fen,
        assessed_fen=bill.sharing.assessed_fen,
        classes=class_figures(bill.classes, found.plan_version.plan().period_cap_fen),
        other_income_fen=bill.other_income_fen,
        other_costs_by_kind=tuple(sorted(bill.other_costs_by_kind.items())),
        given_back_fen=bill.given_back_fen,
    )


def figures_in_full(found: Period) -> Figures | None:
    """Return the figures, with what the carry of a stored bill holds of aid taken back: two queries more."""
    figures = figures_of(found)
    if figures is None or found.assessed_fen is None or not figures.carry_in_fen:
        return figures
    _income, given_back = selectors.added_to_carry(selectors.books_window(found))
    return replace(figures, given_back_fen=given_back)


def _bill_context(found: Period, layer: str) -> dict[str, Any]:
    """Return what the public part shows: bill, classes, cases, and the data of the recomputation."""
    figures = figures_in_full(found)
    if figures is None:
        return {"figures": None}
    names = _class_names(found)
    base = figures.base_class
    awards = list(selectors.awards_of(found))
    rests, faces = selectors.rests_of(awards), FacesOf(awards, layer)
    return {
        "figures": figures,
        "moves": moves_of(found, is_near=layer == MEMBERS),
        "is_provisional": found.assessed_fen is None,
        "bill": bill_lines(figures),
        "base": base,
        "parts": share_parts(figures, base) if base else [],
        "rows": [(names.get(row.class_no, row.class_no), row) for row in figures.classes],
        "awards": [(award, words_of(faces.told(award)), rests.get(award.pk)) for award in awards],
        "rest_waits": found.plan_version.plan().rest_waits,
        "recompute": recompute_data(found, figures),
    }


def recompute_data(found: Period, figures: Figures) -> dict[str, Any]:
    """Return the published figures for the browser's own arithmetic; as text, since some exceed 2^53.

    cap: the most that a member of that row may be charged; null: without end. level_need: the need that shares are cut
    from, where reserve and sponsor take what caps leave and nobody bears more for it; null: it is the bill's need.
    """
    takes_all = _others_take_the_rest(found)
    return {
        "A": str(figures.aid_fen),
        "W": str(figures.other_costs_fen),
        "fee": str(figures.fee_fen),
        "R": str(figures.reserve_contribution_fen),
        "V": str(figures.reserve_drawn_fen),
        "E": str(figures.sponsor_fen),
        "C_in": str(figures.carry_in_fen),
        "C_out": str(figures.carry_out_fen),
        "S": str(figures.assessed_fen),
        "level_need": str(figures.need_fen + _taken_from_members(found, figures)) if takes_all else None,
        "classes": [
            {
                "weight": str(row.weight),
                "members": str(row.members),
                "share": str(row.share_fen),
                "cap": None if row.cap_fen is None else str(row.cap_fen),
            }
            for row in figures.classes
        ],
    }


def _others_take_the_rest(found: Period) -> bool:
    """Tell whether reserve and sponsor pay whatever caps leave, before any member bears more for another."""
    plan = found.plan_version.plan()
    if plan.on_cap != "reserve_pays" or plan.member_cap_fen is None:
        return False
    ending = run_off_of(found)
    return ending is None or ending.run_off_cap_fen is None


def _taken_from_members(found: Period, figures: Figures) -> int:
    """Return what reserve and sponsor pay of what caps of time leave (fen): all but what a cap per case did."""
    aid_fens = tuple(selectors.awards_of(found).values_list("aid_fen", flat=True))
    counts = figures.members_by_class
    before_fen = sponsored_fen(found.plan_version.plan(), counts=counts, aid_fens=aid_fens)
    return figures.reserve_drawn_fen + figures.sponsor_fen - before_fen


def _staff_context(found: Period, duties: set[str], person: User) -> dict[str, Any]:
    """Return what the staff part shows: what may be done now, by whom, and how far a run has come."""
    job = _computation(found)
    is_running = found.is_ordered or (job is not None and job.state != Job.State.STUCK)
    return {
        "duties": duties,
        "job": job,
        "progress": selectors.progress(found)
        if found.is_ordered or found.state == Period.State.POSTED
        else None,
        "may_steer": found.is_ordered and bool(duties & set(STEERING)),
        "may_download": bool(duties & set(CHARGE_READERS)),
        "cancel_form": CancelPostingForm(initial={"key": uuid.uuid4()}),
        "is_running": is_running,
        "seen": _seen(found, job),
        "is_preparer": found.prepared_by == person.code,
        "approve_form": ApproveForm(initial={"shown_sha256": found.shown_sha256, "key": uuid.uuid4()}),
        "shown_text": selectors.shown_text(found) if found.state == Period.State.COMPUTED else "",
    }


def _computation(found: Period) -> Job | None:
    """Return the computation that was asked for and whose figures the period, as it was read, does not have yet.

    One that is done has stored them since: the page waits for its next look, which shows them.
    """
    if found.state not in {Period.State.SETTLED, Period.State.COMPUTED}:
        return None
    key = f"{found.code}#{found.computations + 1}"
    return Job.objects.filter(kind=services.COMPUTE, key=key).first()


def _seen(found: Period, job: Job | None) -> str:
    """Return what the page has shown of the run, in one word that changes when the whole page must."""
    if found.is_ordered:
        return "posting" if found.posting_paused_at is None else "paused"
    return f"{found.state}-{found.computations}-{job.state if job and job.state == Job.State.STUCK else ''}"


def stages(found: Period) -> list[Stage]:
    """Return the steps of a period with the day each was taken, or is planned for."""
    order = list(Period.State.values)
    reached = order.index(found.state)
    days: dict[str, dt.date | dt.datetime | None] = {
        "opened": found.opening_date,
        "frozen": found.publicity_date,
        "announced": found.announced_at or found.publicity_date,
        "settled": found.publicity_end_date,
        "computed": found.prepared_at,
        "approved": found.approved_at,
        "posting": None,
        "posted": found.posted_at,
    }
    look = {-1: "done", 0: "now", 1: "next"}
    strip = []
    for place, state in enumerate(Period.State):
        side = (place > reached) - (place < reached)
        strip.append(Stage(state.label, days[state.value], "done" if found.state == "posted" else look[side]))
    return strip


def _class_names(found: Period) -> dict[int, str]:
    """Return the names of the plan's classes in the reader's language."""
    return {c.class_no: in_language(c.name_en, c.name_zh) for c in found.plan_version.plan().classes}


def _person(request: HttpRequest) -> User:
    return cast(User, request.user)


def viewer_duties(request: HttpRequest, pool: Pool) -> set[str]:
    """Return the viewer's duties in the pool, asked once per request."""
    if not request.user.is_authenticated:
        return set()
    known: dict[int, set[str]] = request.__dict__.setdefault("aid_duties", {})
    if pool.pk not in known:
        known[pool.pk] = duties_of(_person(request), pool)
    return known[pool.pk]
