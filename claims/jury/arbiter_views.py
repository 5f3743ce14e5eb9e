"""Pages of arbitrations: for everyone, for who appoints an arbiter, and for the arbiter with the one case."""

import uuid
from collections.abc import Callable
from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from aidplatform.lib import clock
from aidplatform.lib.errors import DomainError
from aidplatform.lib.http import attempt, public, signed_in
from aidplatform.lib.templating import in_language
from aidplatform.work import audit
from aidplatform.work.idempotency import once
from claims.jury import arbiter_selectors as found_by
from claims.jury import arbiters
from claims.jury.arbiter_models import Arbitration
from claims.jury.arbiter_selectors import CONTROLLER, POOL_ADMIN
from claims.jury.arbiter_triggers import LINK_DAYS
from claims.jury.forms import ArbiterForm, DecisionForm
from claims.jury.selectors import brief_of, jury_terms_of
from claims.review.forms import LinkForm
from claims.review.selectors import public_ref
from ledger.openbooks.draw import FOR
from ledger.sharing.faces import DISEASES, face_of
from members.joining.models import Membership
from members.people.models import User
from members.pools.jury_terms import LEAST_ELIGIBLE
from members.pools.plan_words import plan_lines
from members.pools.rules import access_public_pool, duty_required, second_factor_required
from members.pools.selectors import duties_of

# As for jurors: what of the rules is read beside the decision.
RULES = {"aid", "waiting_days", "waiting_rules", "report_days", "lifetime_cap_fen"}


@public
@require_safe
def arbitration(request: HttpRequest, code: str, ref: str) -> HttpResponse:
    """Say that an arbiter decides a case and why no jury does; to who appoints them also what is theirs to do."""
    return _page(request, _of(request, code, ref))


def _page(
    request: HttpRequest,
    one: Arbitration,
    error: DomainError | None = None,
    *,
    form: ArbiterForm | None = None,
    link: str = "",
    mailed_to: str = "",
    link_form: LinkForm | None = None,
    status: int = 200,
) -> HttpResponse:
    pool, at = one.claim.pool, clock.now()
    person = request.user if request.user.is_authenticated else None
    rights = found_by.rights_in(one, person, at) if person else set()
    jury = jury_terms_of(one.claim)
    assert jury is not None
    context = {
        "section": "pools",
        "pool": pool,
        "staff": duties_of(person, pool) if person else set(),
        "is_member": person is not None and Membership.objects.filter(pool=pool, person=person).exists(),
        "one": one,
        "ref": public_ref(one.claim),
        "least": LEAST_ELIGIBLE,
        "days": jury.arbiter_days,
        "rights": rights,
        "name": found_by.told(one).name if rights else "",
        "form": (form or ArbiterForm()) if "propose" in rights else None,
        "link": link,
        "link_form": link_form or LinkForm(initial={"instead_of": one.link_mark}),
        "mailed_to": mailed_to,
        "link_days": LINK_DAYS,
        "has_link": one.has_link(at),
        "error": error,
        "crumbs": [
            (in_language(pool.name_en, pool.name_zh), reverse("pool", args=[pool.code])),
            (_("Jury draws"), reverse("jury_draws", args=[pool.code])),
            (public_ref(one.claim), ""),
        ],
    }
    return render(request, "claims/jury/arbitration.html", context, status=error.status if error else status)


@duty_required(POOL_ADMIN)
@require_POST
def propose(request: HttpRequest, code: str, ref: str) -> HttpResponse:
    """Propose who decides."""
    one, form = _of(request, code, ref), ArbiterForm(request.POST)
    if not form.is_valid():
        return _page(request, one, form=form, status=422)
    name = form.cleaned_data["name"]
    return _act(
        request,
        one,
        lambda person: arbiters.propose_arbiter(
            arbitration=one, admin=person.code, name=name, at=clock.now()
        ),
        form,
    )


@duty_required(CONTROLLER)
@require_POST
def agree(request: HttpRequest, code: str, ref: str) -> HttpResponse:
    """Agree to who was proposed, or not."""
    one = _of(request, code, ref)
    return _act(
        request,
        one,
        lambda person: arbiters.agree_to_arbiter(
            arbitration=one, controller=person.code, agrees="agree" in request.POST, at=clock.now()
        ),
    )


@duty_required(POOL_ADMIN)
@require_POST
def link(request: HttpRequest, code: str, ref: str) -> HttpResponse:
    """Make the link for the arbiter and show it, once: a page that is loaded again makes no other one."""
    one, form = _of(request, code, ref), LinkForm(request.POST)
    if not form.is_valid():
        return _page(request, one, link_form=form, status=422)
    made, refusal = attempt(
        lambda: arbiters.make_link(
            arbitration=one, admin=_person(request).code, at=clock.now(), **form.cleaned_data
        )
    )
    shown = _of(request, code, ref)
    return _page(request, shown, refusal, link=made or "", mailed_to=form.cleaned_data["address"])


@duty_required(POOL_ADMIN)
@require_POST
def replace(request: HttpRequest, code: str, ref: str) -> HttpResponse:
    """Want another arbiter where this one is late."""
    one = _of(request, code, ref)
    return _act(
        request,
        one,
        lambda person: arbiters.replace(arbitration=one, admin=person.code, at=clock.now()),
    )


def _act(
    request: HttpRequest,
    one: Arbitration,
    deed: Callable[[User], object],
    form: ArbiterForm | None = None,
) -> HttpResponse:
    """Do it and show the arbitration; refused, show it as it is now with the refusal and the form as sent."""
    code, ref = one.claim.pool.code, public_ref(one.claim)
    _done, refusal = attempt(lambda: deed(_person(request)))
    if refusal is not None:
        return _page(request, _of(request, code, ref), refusal, form=form)
    return redirect("arbitration", code=code, ref=ref)


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def by_link(request: HttpRequest, token: str) -> HttpResponse:
    """Say what a link asks for, without a word of the case; a post takes it on with the account signed in."""
    at = clock.now()
    found, refusal = found_by.find_by_link(token, at), None
    if request.method == "POST":
        accepted, refusal = attempt(
            lambda: arbiters.accept_arbitration(token=token, person=_person(request), at=at)
        )
        if accepted is not None:
            return redirect("arbitration_case", arbitration=accepted.code)
    jury = jury_terms_of(found.claim) if found else None
    context = {
        "section": "home",
        "found": found,
        "pool": found.claim.pool if found else None,
        "days": jury.arbiter_days if jury else 0,
        "refusal": refusal,
    }
    status = refusal.status if refusal else 200 if found else 410
    return render(request, "claims/jury/arbitration_link.html", context, status=status)


@second_factor_required
@require_safe
def mine(request: HttpRequest) -> HttpResponse:
    """List what the person decides now."""
    found = found_by.running_arbitrations(_person(request))
    return render(request, "claims/jury/my_arbitrations.html", {"section": "home", "found": found})


@second_factor_required
@require_safe
def case(request: HttpRequest, arbitration: str) -> HttpResponse:
    """Show the one case as a juror would read it, the rules in force, and the decision to be written."""
    one = _case_of(request, arbitration)
    audit.record(actor=_person(request).code, action="open_claim", subject=one.claim.code, purpose="arbiter")
    return _case(request, one)


def _case(
    request: HttpRequest,
    one: Arbitration,
    error: DomainError | None = None,
    form: DecisionForm | None = None,
    status: int = 200,
) -> HttpResponse:
    claim = one.claim
    plan = claim.plan_version
    assert plan is not None
    context = {
        "section": "home",
        "one": one,
        "pool": claim.pool,
        "face": face_of(claim.masked) if claim.masked else None,
        "illness": DISEASES.get(claim.illness, ""),
        "brief": brief_of(claim),
        "rules": [line for line in plan_lines(plan.plan(), claim.pool.currency) if RULES & set(line.paths)],
        "version": plan,
        "form": form or DecisionForm(initial={"key": uuid.uuid4()}),
        "error": error,
        "crumbs": [(_("Cases to decide"), reverse("my_arbitrations")), (one.code, "")],
    }
    return render(request, "claims/jury/arbitration_case.html", context, status=status)


@second_factor_required
@require_POST
def decide(request: HttpRequest, arbitration: str) -> HttpResponse:
    """Decide; from then on the case is absent for whoever decided it. The same click twice is one decision."""
    person, form = _person(request), DecisionForm(request.POST)
    done = found_by.decided_by(person, arbitration)
    if done is not None:
        # The second of two clicks.
        return _done(request, done)
    one = _case_of(request, arbitration)
    if not form.is_valid():
        return _case(request, one, form=form, status=422)
    outcome = outcome_of(form.cleaned_data["outcome"])
    reason = form.cleaned_data["reason"]

    def act() -> dict[str, Any]:
        arbiters.decide(arbitration=one, person=person, outcome=outcome, reason=reason, at=clock.now())
        return {}

    _made, refusal = attempt(
        lambda: once(
            scope=f"{person.code}/arbiter/{one.code}",
            key=str(form.cleaned_data["key"]),
            content={"outcome": outcome, "reason": reason},
            act=act,
        )
    )
    if refusal is not None and (done := found_by.decided_by(person, arbitration)) is not None:
        return _done(request, done, refusal, reason)
    if refusal is not None:
        return _case(request, one, refusal, form, status=refusal.status)
    one.refresh_from_db()
    return _done(request, one)


def outcome_of(vote: str) -> str:
    """Return what a vote for or against comes to, where one person decides."""
    return Arbitration.Outcome.GRANTED if vote == FOR else Arbitration.Outcome.REFUSED


def _done(
    request: HttpRequest, one: Arbitration, late: DomainError | None = None, written: str = ""
) -> HttpResponse:
    """Say that it is decided; to the later of two answers also that it was not taken, with what was written."""
    context = {"section": "home", "one": one, "late": late, "written": written}
    return render(request, "claims/jury/arbitration_done.html", context, status=late.status if late else 200)


@second_factor_required
@require_POST
def decline(request: HttpRequest, arbitration: str) -> HttpResponse:
    """Give the case back undecided."""
    one = _case_of(request, arbitration)
    _made, refusal = attempt(
        lambda: arbiters.decline(arbitration=one, person=_person(request), at=clock.now())
    )
    if refusal is not None:
        return _case(request, one, refusal, status=refusal.status)
    return redirect("my_arbitrations")


def _of(request: HttpRequest, code: str, ref: str) -> Arbitration:
    return found_by.access_arbitration(pool=access_public_pool(request, code), ref=ref)


def _case_of(request: HttpRequest, code: str) -> Arbitration:
    return found_by.access_case(person=_person(request), code=code)


def _person(request: HttpRequest) -> User:
    return cast(User, request.user)
