"""The claimant's pages: my claims, begin one, its four steps, its papers."""

import datetime as dt
from functools import partial
from typing import Any, cast
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST, require_safe

from aidplatform.lib import clock
from aidplatform.lib.errors import DomainError, NotFoundError
from aidplatform.lib.http import attempt, signed_in
from aidplatform.work import audit
from claims.filing import consent, parts, selectors, services
from claims.filing.checklist import checklist
from claims.filing.forms import ConsentForm, PapersForm, PartForm, PayeeForm, WhatForm
from claims.filing.illnesses import OBJECTION, missing_papers
from claims.filing.layer_words import layer_rows
from claims.filing.models import ENDINGS, Claim, Evidence
from claims.filing.papers import Paper
from claims.filing.states import OPEN_TO_CLAIMANT, STEPS
from claims.filing.uploading import add_files
from claims.filing.words import CLAUSES, EVERY_KIND, HOLDERS, KINDS, PARTS, QUESTIONS
from ledger.sharing.faces import DISEASES
from members.joining.deputies import deputyships_of, has_died
from members.people.models import User

STEP_NAMES: dict[str, object] = {
    "what": _("What happened"),
    "papers": _("Papers"),
    "payee": _("Payee's account"),
    "public": _("What becomes public"),
}
_ORDER = list(STEP_NAMES)


@signed_in
@require_safe
def my_claims(request: HttpRequest) -> HttpResponse:
    """List the person's claims."""
    found = list(selectors.claims_of(_person(request)))
    names = selectors.names_for(_person(request), (claim.membership for claim in found))
    claims = [
        (
            claim,
            HOLDERS[STEPS[claim.state].holder],
            names.get(claim.membership_id, ""),
            _open_appeal(claim),
        )
        for claim in found
    ]
    context = {
        "section": "claims",
        "claims": claims,
        "stands_by": deputyships_of(_person(request)).exists(),
        "memberships": list(selectors.claimable_memberships(_person(request))),
    }
    return render(request, "claims/filing/my_claims.html", context)


def _open_appeal(claim: Claim) -> dt.date | None:
    """Return until when a refusal can be appealed against now."""
    until = selectors.appeal_until(claim)
    return until if until and clock.today(claim.pool.time_zone) <= until else None


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def new_claim(request: HttpRequest) -> HttpResponse:
    """Say what a claim takes; a post begins one, or goes on with the draft that is there."""
    given = request.POST if request.method == "POST" else request.GET
    wanted, member = given.get("pool", ""), given.get("member", "")
    memberships = selectors.claimable_memberships(_person(request))
    if wanted:
        memberships = memberships.filter(pool__code=wanted)
    if member.isdecimal():
        memberships = memberships.filter(number=int(member[:9]))
    if request.method != "POST":
        if wanted and not memberships.exists():
            raise NotFoundError(_("You are not a member of this pool."))
        shown = list(memberships)
        names = selectors.names_for(_person(request), shown)
        context = {
            "section": "claims",
            "memberships": [(one, names.get(one.pk, "")) for one in shown],
            "has_family": bool(names),
            "crumbs": _crumbs(_("New claim")),
        }
        return render(request, "claims/filing/new_claim.html", context)
    membership = memberships.first() if wanted else None
    if membership is None:
        raise NotFoundError(_("You are not a member of this pool."))
    claim = services.start_claim(membership=membership, claimant=_person(request).code, at=clock.now())
    return redirect("claim_step", code=claim.code, step="what")


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def claim_step(request: HttpRequest, code: str, step: str) -> HttpResponse:
    """Show and keep one step of a claim that is still the claimant's to change."""
    claim = selectors.access_claim(user=_person(request), code=code)
    if step not in STEP_NAMES:
        raise NotFoundError(_("There is no such page, or it is not yours to see."))
    if claim.state not in OPEN_TO_CLAIMANT:
        return redirect("claim", code=code)
    if step == "public" and not (claim.event_date and claim.illness and claim.birth_sealed):
        return redirect("claim_step", code=code, step="what")
    form = _form(request, claim, step)
    status = 200
    if request.method == "POST":
        if step == "papers":
            return _add_papers(request, claim, form)
        if form.is_valid():
            try:
                _keep(request, claim, step, form)
                return _go_on(claim, step)
            except DomainError as error:
                form.add_error(None, str(error))
                status = error.status
                if isinstance(error, services.ConsentError):
                    # What is shown now is what is agreed to next, once it is ticked anew.
                    form.data = {"shown": form.initial["shown"]}
        else:
            status = 422
    return render(request, f"claims/filing/{step}.html", _context(request, claim, step, form), status=status)


def _form(request: HttpRequest, claim: Claim, step: str) -> Any:
    """Return the step's form: as posted, or filled with what is kept."""
    posted = (request.POST, request.FILES) if request.method == "POST" else (None, None)
    match step:
        case "what":
            return _what_form(claim, posted[0])
        case "papers":
            held = set(selectors.papers_of(claim).values_list("kind", flat=True))
            asked = missing_papers(selectors.papers_needed(claim), held)
            wanted = request.GET.get("kind", "")
            kind = wanted if wanted in KINDS else asked[0] if asked else "other"
            return PapersForm(posted[0], posted[1], initial={"kind": kind})
        case "payee":
            payee = selectors.read_payee(claim)
            return PayeeForm(posted[0], initial={"payee_name": payee.name if payee else ""})
        case _:
            benefit, _face = services.preview(claim, clock.now())
            layers = consent.layers_of(claim, benefit.age, benefit.aid_fen, selectors.papers_of(claim))
            return ConsentForm(posted[0], initial={"shown": consent.shown_sha256(claim, layers)})


def _what_form(claim: Claim, posted: Any) -> WhatForm | PartForm:
    """Return the form of what happened; of further bills only what is new."""
    told: dict[str, Any] = {"story": selectors.read_story(claim), "spend_fen": claim.spend_fen}
    if claim.part_of_id is not None:
        return PartForm(posted, initial=told)
    told |= {
        "illness": claim.illness,
        "event_date": claim.event_date,
        "birth_date": selectors.read_birth(claim),
        "sex": claim.sex,
        "region": claim.region,
    }
    return WhatForm(
        posted,
        initial=told,
        asks_for_spend=selectors.pool_asks_for_spend(claim.pool),
        asks_for_birth=selectors.known_birth(claim) is None,
    )


def _keep(request: HttpRequest, claim: Claim, step: str, form: Any) -> None:
    """Hand what was posted to the service of the step."""
    claimant, at, told = _person(request).code, clock.now(), form.cleaned_data
    if step == "public":
        services.file_claim(claim=claim, claimant=claimant, shown_sha256=told["shown"], at=at)
    else:
        services.save_draft(claim=claim, claimant=claimant, at=at, **told)


def _add_papers(request: HttpRequest, claim: Claim, form: Any) -> HttpResponse:
    """Keep every file that can be a paper; answer a program in data, a person with each refusal by its name."""
    wants_data = request.headers.get("Accept", "").startswith("application/json")
    if not form.is_valid():
        if wants_data:
            says = " ".join(text for texts in form.errors.values() for text in texts)
            return JsonResponse({"kept": [], "refused": [{"name": "", "says": says}]}, status=422)
        return render(
            request, "claims/filing/papers.html", _context(request, claim, "papers", form), status=422
        )
    told = form.cleaned_data
    taken = add_files(
        claim=claim, claimant=_person(request).code, kind=told["kind"], files=told["files"], at=clock.now()
    )
    refused = [one for one in taken if one.refusal]
    status = max((one.refusal.status for one in refused if one.refusal), default=200)
    if wants_data:
        answer = {
            "kept": [one.name for one in taken if one.paper],
            "refused": [{"name": one.name, "says": str(one.refusal)} for one in refused],
        }
        return JsonResponse(answer, status=status)
    if not refused:
        return redirect("claim_step", code=claim.code, step="papers")
    context = _context(request, claim, "papers", form) | {"taken": taken}
    return render(request, "claims/filing/papers.html", context, status=status)


@signed_in
@require_POST
def save_words(request: HttpRequest, code: str) -> HttpResponse:
    """Keep what has been written so far of the first step, as far as it can be; what cannot is named.

    A page sends this by itself while somebody writes. What is unchanged is not written again.
    """
    claim = selectors.access_claim(user=_person(request), code=code)
    if claim.state not in OPEN_TO_CLAIMANT:
        raise services.moved_on(claim)
    form = _what_form(claim, request.POST)
    for entry in form.fields.values():
        entry.required = False
    form.is_valid()
    refused = {name: " ".join(map(str, texts)) for name, texts in form.errors.items()}
    told = {
        name: value
        for name, value in form.cleaned_data.items()
        if (value not in {None, ""} or name in {"sex", "region"}) and value != form.initial.get(name)
    }
    days = {name: told.pop(name) for name in ("event_date", "birth_date") if name in told}
    parts_told: list[dict[str, Any]] = [told]
    parts_told += [{str(name): day} for name, day in days.items()]
    for part in parts_told:
        _done, refusal = attempt(partial(_save_part, request, claim, part))
        if refusal is not None:
            refused |= dict.fromkeys(part, str(refusal))
    now = clock.now().astimezone(ZoneInfo(claim.pool.time_zone))
    return JsonResponse({"saved_at": f"{now:%H:%M}", "refused": refused})


def _save_part(request: HttpRequest, claim: Claim, part: dict[str, Any]) -> None:
    if part:
        services.save_draft(claim=claim, claimant=_person(request).code, at=clock.now(), **part)


def _go_on(claim: Claim, step: str) -> HttpResponse:
    """Return to the papers after each paper, from the last step to the claim, otherwise to the next step."""
    if step == "public":
        return redirect("claim", code=claim.code)
    following = step if step == "papers" else _ORDER[_ORDER.index(step) + 1]
    return redirect("claim_step", code=claim.code, step=following)


def _context(request: HttpRequest, claim: Claim, step: str, form: Any) -> dict[str, Any]:
    """Return what every step shows, and what this one needs."""
    place = _ORDER.index(step)
    missing = services.what_is_missing(claim)
    context: dict[str, Any] = {
        "section": "claims",
        "claim": claim,
        "pool": claim.pool,
        "form": form,
        "step": step,
        "step_name": STEP_NAMES[step],
        "step_number": place + 1,
        "steps": [(name, label, name == step) for name, label in STEP_NAMES.items()],
        "next_step": _ORDER[place + 1] if place + 1 < len(_ORDER) else "",
        "crumbs": _crumbs(claim.code, reverse("claim", args=[claim.code]), STEP_NAMES[step]),
        "missing": [PARTS[part] for part in missing],
        "checklist": checklist(claim, missing),
        "file_by": selectors.last_day_to_file(claim),
        "earlier_parts": selectors.earlier_parts(claim),
        "illness": DISEASES.get(claim.illness, ""),
        "child": selectors.names_for(_person(request), [claim.membership]).get(claim.membership_id, ""),
        "is_deputy": claim.membership.person_id is not None,
        "tells_member": not has_died(claim.membership),
    }
    if step == "papers":
        context["papers"] = [(paper, EVERY_KIND[paper.kind]) for paper in selectors.papers_of(claim)]
    if step == "payee":
        context["payee"] = selectors.read_payee(claim)
    if step == "public":
        benefit, _face = services.preview(claim, clock.now())
        layers = consent.layers_of(claim, benefit.age, benefit.aid_fen, selectors.papers_of(claim))
        context |= {
            "benefit": benefit,
            "layers": layer_rows(layers, claim.pool.currency),
            "signed_text": consent.signed_text(claim, layers),
            "steps_of_aid": in_words(benefit.to_json()),
        }
    return context


def in_words(derivation: list[dict[str, Any]]) -> list[tuple[object, object, dict[str, Any]]]:
    """Return a derivation in words: question, clause, and the step's figures."""
    return [(QUESTIONS[step["name"]], CLAUSES[step["clause"]], step) for step in derivation]


@signed_in
@require_POST
def further_bills(request: HttpRequest, code: str) -> HttpResponse:
    """Begin a claim for further bills of a case, or go on with the one that is begun."""
    claim = selectors.access_claim(user=_person(request), code=code)
    part = parts.start_part(claim=claim, claimant=_person(request).code, at=clock.now())
    return redirect("claim_step", code=part.code, step="what")


@signed_in
@require_POST
def remove_paper(request: HttpRequest, code: str, paper: str) -> HttpResponse:
    """Take a paper out before review."""
    claim = selectors.access_claim(user=_person(request), code=code)
    services.remove_evidence(claim=claim, claimant=_person(request).code, code=paper, at=clock.now())
    return redirect("claim_step", code=code, step="papers")


@signed_in
@require_GET
def own_paper(request: HttpRequest, code: str, paper: str) -> HttpResponse:
    """Hand a paper out to the claimant, as it is kept."""
    claim = selectors.access_claim(user=_person(request), code=code)
    kept = Evidence.objects.filter(claim=claim, code=paper).exclude(kind=OBJECTION).first()
    if kept is None:
        raise NotFoundError(_("There is no such paper."))
    data = selectors.read_paper(kept)
    audit.record(
        actor=_person(request).code,
        action="open_evidence",
        subject=claim.code,
        evidence=kept.code,
        purpose="own_file",
    )
    return paper_response(Paper(kept.media_type, data), kept.code)


def paper_response(paper: Paper, name: str) -> HttpResponse:
    """Return a paper as a download that can do nothing: a browser never opens it as a page of this site.

    As a picture inside a page of ours it is shown all the same. Nothing on the way keeps a copy.
    """
    response = HttpResponse(paper.data, content_type=paper.media_type)
    response["Content-Disposition"] = f'attachment; filename="{name}.{ENDINGS[paper.media_type]}"'
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "no-store, private"
    return response


def _crumbs(*parts: Any) -> list[tuple[object, str]]:
    """Return the way to a page: text and address by turns, the last text without one."""
    crumbs: list[tuple[object, str]] = [(_("My claims"), reverse("my_claims"))]
    crumbs += [(parts[place], parts[place + 1]) for place in range(0, len(parts) - 1, 2)]
    return [*crumbs, (parts[-1], "")]


def _person(request: HttpRequest) -> User:
    return cast(User, request.user)
