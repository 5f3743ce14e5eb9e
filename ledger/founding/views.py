"""Pages of a pool's beginning: presets, the draft and its costs, people, the readiness card, gathering and opening."""

from collections.abc import Callable
from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from aidplatform.lib import clock
from aidplatform.lib.errors import DomainError, NotFoundError
from aidplatform.lib.http import attempt, signed_in
from aidplatform.lib.templating import in_language
from ledger.disclosure.consequences import consequences, dearest_case, spread
from ledger.disclosure.plots import size_plot
from ledger.disclosure.readiness import readiness, rules_of
from ledger.founding import services
from ledger.founding.forms import FoundForm, InviteForm
from members.people.models import User
from members.pools import founding as drafts
from members.pools.aid_sense import jumps
from members.pools.forms import DraftForm
from members.pools.models import DutyGrant, DutyInvitation, PlanDraft, Pool
from members.pools.plan_terms import PlanTerms, TermsError
from members.pools.plan_words import plan_lines
from members.pools.presets import Preset, all_presets, find_preset
from members.pools.rules import duty_anywhere, duty_required
from members.pools.selectors import (
    access_draft,
    access_pool,
    duties_of,
    duty_holders,
    holds_anywhere,
    invitations_to,
)

ADMIN = DutyGrant.Duty.POOL_ADMIN.value
# Who brings a pool to its opening or looks after them; reviewers have nothing to do before it.
FOUNDERS = (
    ADMIN,
    DutyGrant.Duty.CONTROLLER.value,
    DutyGrant.Duty.TREASURER.value,
    DutyGrant.Duty.AUDITOR.value,
)


@duty_anywhere(ADMIN)
@require_safe
def presets(request: HttpRequest) -> HttpResponse:
    """Let an admin choose which known pool the new one begins like."""
    context = {
        "section": "pools",
        "presets": [(preset, preset.plan()) for preset in all_presets()],
        "crumbs": [(_("Pools"), reverse("home") + "#pools"), (_("Found a pool"), "")],
    }
    return render(request, "ledger/founding/presets.html", context)


@duty_anywhere(ADMIN)
@require_http_methods(["GET", "HEAD", "POST"])
def found(request: HttpRequest, preset: str) -> HttpResponse:
    """Show a preset with its sources and what it would cost, and found a pool that begins with it."""
    chosen = _access_preset(preset)
    form = FoundForm(request.POST or None, initial={"expected_members": chosen.expected_members})
    status = 200
    if request.method == "POST":
        if form.is_valid():
            draft, refusal = attempt(
                lambda: services.found(
                    preset=chosen, founder=_person(request), at=clock.now(), **form.cleaned_data
                )
            )
            if refusal is None:
                return redirect("founding", code=draft.pool.code)
            form.add_error("code", str(refusal))
        status = 422
    plan = chosen.plan()
    currency = form["currency"].value() or "CNY"
    context = _costs_of(plan, chosen.expected_members) | {
        "section": "pools",
        "preset": chosen,
        "lines": [(line, chosen.sources_of(*line.paths)) for line in plan_lines(plan, currency)],
        "currency": currency,
        "form": form,
        "crumbs": [
            (_("Pools"), reverse("home") + "#pools"),
            (_("Found a pool"), reverse("presets")),
            (in_language(chosen.name_en, chosen.name_zh), ""),
        ],
    }
    return render(request, "ledger/founding/preset.html", context, status=status)


@duty_required(*FOUNDERS)
@require_safe
def founding(request: HttpRequest, code: str) -> HttpResponse:
    """Show how far a pool has come that is not open yet, and what is to be done next by whom."""
    return _founding_page(request, access_pool(code=code))


def _founding_page(
    request: HttpRequest,
    pool: Pool,
    *,
    refusal: DomainError | None = None,
    invite_form: InviteForm | None = None,
    status: int = 200,
) -> HttpResponse:
    if pool.state == Pool.State.GIVEN_UP:
        return _given_up_page(request, pool)
    if pool.state not in {Pool.State.DRAFT, Pool.State.GATHERING}:
        return redirect("pool", code=pool.code)
    card = readiness(pool)
    plan, draft = card.plan, PlanDraft.objects.filter(pool=pool).first()
    expected = draft.expected_members if draft else 0
    context = _context(pool) | {
        "card": card,
        "plan": plan,
        "draft": draft,
        "duties": duties_of(_person(request), pool),
        "holders": duty_holders(pool),
        "invitations": pool.duty_invitations.exclude(state=DutyInvitation.State.ACCEPTED).order_by("-pk")[
            :50
        ],
        "invite_form": invite_form or InviteForm(),
        "refusal": refusal,
    }
    if plan:
        context |= _costs_of(plan, expected or plan.minimum_members)
    return render(
        request, "ledger/founding/founding.html", context, status=refusal.status if refusal else status
    )


def _given_up_page(request: HttpRequest, pool: Pool) -> HttpResponse:
    draft = PlanDraft.objects.filter(pool=pool).first()
    context = _context(pool) | {
        "plan": draft.plan() if draft else None,
        "holders": duty_holders(pool),
        "may_found": holds_anywhere(_person(request), ADMIN),
    }
    return render(request, "ledger/founding/given_up.html", context)


@duty_required(ADMIN)
@require_http_methods(["GET", "HEAD", "POST"])
def rules(request: HttpRequest, code: str) -> HttpResponse:
    """Write the rules of a draft; saved as a whole, as often as one likes."""
    draft = access_draft(pool=access_pool(code=code))
    if request.method != "POST":
        return _rules_page(request, draft, DraftForm(draft, suggested=_suggested(draft)))
    form = DraftForm(draft, request.POST)
    if not form.is_valid():
        return _rules_page(request, draft, form, status=422)
    entries = form.rules.cleaned_data
    try:
        _saved, refusal = attempt(
            lambda: drafts.write_draft(
                draft=draft,
                changes=entries["changes"],
                terms=form.terms(),
                covenant=form.covenant,
                expected_members=entries["expected_members"],
                editor=_person(request).code,
                at=clock.now(),
            )
        )
    except TermsError as error:
        form.show(error)
        return _rules_page(request, draft, form, status=422)
    if isinstance(refusal, drafts.DraftMovedOnError):
        # The entries stay, and saving them once more is a choice.
        now, entries_again = access_draft(pool=draft.pool), request.POST.copy()
        entries_again["changes"] = str(now.changes)
        form = DraftForm(now, entries_again)
        form.is_valid()
    if refusal is not None:
        form.rules.add_error(None, str(refusal))
        return _rules_page(request, draft, form, status=refusal.status)
    return redirect("founding", code=code)


def _rules_page(request: HttpRequest, draft: PlanDraft, form: DraftForm, status: int = 200) -> HttpResponse:
    context = _context(draft.pool, _("Rules")) | {"form": form}
    return render(request, "ledger/founding/rules.html", context, status=status)


@duty_required(ADMIN)
@require_POST
def costs(request: HttpRequest, code: str) -> HttpResponse:
    """Show what the entries as they stand would cost, and save nothing."""
    draft = access_draft(pool=access_pool(code=code))
    form = DraftForm(draft, request.POST)
    try:
        plan = PlanTerms.from_json(form.terms()) if form.is_valid() else None
    except TermsError as error:
        form.show(error)
        plan = None
    if plan is None:
        # A fragment that is swapped in must come with 200.
        return render(request, "ledger/founding/_no_costs.html", {"form": form})
    context = _costs_of(plan, form.rules.cleaned_data["expected_members"])
    return render(request, "ledger/founding/_costs.html", context | {"currency": draft.pool.currency})


@duty_required(ADMIN)
@require_POST
def invite(request: HttpRequest, code: str) -> HttpResponse:
    """Ask somebody to take a duty."""
    pool = access_pool(code=code)
    form = InviteForm(request.POST)
    if not form.is_valid():
        return _founding_page(request, pool, invite_form=form, status=422)
    return _do(
        request,
        pool,
        lambda: drafts.invite(pool=pool, inviter=_person(request), at=clock.now(), **form.cleaned_data),
        invite_form=form,
    )


@duty_required(ADMIN)
@require_POST
def withdraw(request: HttpRequest, code: str, invitation_id: int) -> HttpResponse:
    """Take a question back."""
    pool = access_pool(code=code)
    found = pool.duty_invitations.filter(pk=invitation_id).first()
    if found is None:
        raise NotFoundError(_("There is no such page, or it is not yours to see."))
    return _do(
        request,
        pool,
        lambda: drafts.withdraw_invitation(
            invitation=found, withdrawer=_person(request).code, at=clock.now()
        ),
    )


@duty_required(ADMIN)
@require_POST
def end_duty(request: HttpRequest, code: str, grant_id: int) -> HttpResponse:
    """Take a duty back that was given by mistake."""
    pool = access_pool(code=code)
    grant = pool.duty_grants.filter(pk=grant_id).first()
    if grant is None:
        raise NotFoundError(_("There is no such page, or it is not yours to see."))
    return _do(
        request,
        pool,
        lambda: drafts.end_founding_duty(grant=grant, ender=_person(request).code, at=clock.now()),
    )


@duty_required(ADMIN)
@require_POST
def gather(request: HttpRequest, code: str) -> HttpResponse:
    """Publish the rules and let members join; done already: the same page."""
    pool = access_pool(code=code)
    if pool.state != Pool.State.DRAFT:
        return redirect("founding", code=code)
    seen = request.POST.get("changes", "")
    return _do(
        request,
        pool,
        lambda: services.start_gathering(
            pool=pool,
            changes=int(seen) if seen.isascii() and seen.isdecimal() and len(seen) < 10 else 0,
            starter=_person(request).code,
            at=clock.now(),
        ),
    )


@duty_required(ADMIN)
@require_POST
def give_up(request: HttpRequest, code: str) -> HttpResponse:
    """Give a draft up for good; done already: the same page."""
    pool = access_pool(code=code)
    return _do(request, pool, lambda: drafts.give_up(pool=pool, by=_person(request).code, at=clock.now()))


@duty_required(ADMIN)
@require_POST
def open_pool(request: HttpRequest, code: str) -> HttpResponse:
    """Open the pool; open already: its page."""
    pool = access_pool(code=code)
    if pool.state != Pool.State.GATHERING:
        return redirect("founding", code=code)
    return _do(request, pool, lambda: services.open_for_sharing(pool=pool, opener=_person(request).code))


def _do(
    request: HttpRequest, pool: Pool, act: Callable[[], Any], invite_form: InviteForm | None = None
) -> HttpResponse:
    """Do it and go back to the founding page, or show there why not."""
    _done, refusal = attempt(act)
    if refusal is None:
        return redirect("founding", code=pool.code)
    return _founding_page(request, access_pool(code=pool.code), refusal=refusal, invite_form=invite_form)


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, code: str) -> HttpResponse:
    """Show the duties that one was asked to take in a draft pool, and take the answer to one."""
    person = _person(request)
    found = list(invitations_to(person).filter(pool__code=code).order_by("pk"))
    if not found:
        if DutyInvitation.objects.filter(pool__code=code, person=person).exists():
            return redirect("home")  # answered already: a second click, or the link of the mail once more
        raise NotFoundError(_("There is no such page, or it is not yours to see."))
    refusal = None
    if request.method == "POST":
        answered = next((one for one in found if str(one.pk) == request.POST.get("invitation")), None)
        if answered is None:
            raise NotFoundError(_("There is no such page, or it is not yours to see."))
        refusal = _answer(answered, person, accepts=request.POST.get("answer") == "yes")
        if refusal is None:
            return redirect("home")
    pool = found[0].pool
    context = {
        "section": "pools",
        "pool": pool,
        "invitations": found,
        "plan": rules_of(pool),
        "refusal": refusal,
        "crumbs": [(in_language(pool.name_en, pool.name_zh), ""), (_("Will you?"), "")],
    }
    return render(
        request, "ledger/founding/invitation.html", context, status=refusal.status if refusal else 200
    )


def _answer(found: DutyInvitation, person: User, *, accepts: bool) -> DomainError | None:
    answer = drafts.accept_invitation if accepts else drafts.decline_invitation
    return attempt(lambda: answer(invitation=found, person=person, at=clock.now()))[1]


def _costs_of(plan: PlanTerms, members: int) -> dict[str, Any]:
    """Return the table of shares and the plot of the dearest case for a pool of that size, and aid that jumps."""
    return {
        "jumps": jumps(plan),
        "costs": consequences(None, plan, spread(plan, members), "expected"),
        "sizes": size_plot(members, dearest_case(plan)),
    }


def _suggested(draft: PlanDraft) -> dict[str, Any]:
    """Return what the draft's preset says about the ending; a preset that is gone suggests nothing."""
    try:
        return find_preset(draft.preset).wind_down
    except KeyError:
        return {}


def _access_preset(code: str) -> Preset:
    try:
        return find_preset(code)
    except KeyError:
        raise NotFoundError(_("There is no preset of this name.")) from None


def _context(pool: Pool, *crumb: object) -> dict[str, Any]:
    here = reverse("founding", args=[pool.code]) if crumb else ""
    crumbs: list[tuple[object, str]] = [
        (in_language(pool.name_en, pool.name_zh), reverse("pool", args=[pool.code])),
        (_("Founding"), here),
        *((name, "") for name in crumb),
    ]
    return {"section": "pools", "pool": pool, "currency": pool.currency, "crumbs": crumbs}


def _person(request: HttpRequest) -> User:
    return cast(User, request.user)
