"""The page of one claim for its reviewers, with its papers, derivation and decision, and what they do there."""

import uuid
from collections.abc import Callable
from typing import Any, cast

from django import forms as django_forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from aidplatform.lib import clock
from aidplatform.lib.errors import DomainError
from aidplatform.lib.templating import in_language
from aidplatform.work import audit
from aidplatform.work.idempotency import once
from claims.filing import selectors as filing
from claims.filing.models import Claim, Evidence
from claims.filing.selectors import concerned_by, is_near_to
from claims.filing.services import preview
from claims.filing.states import POOL_ADMIN, STEPS
from claims.filing.views import in_words
from claims.filing.words import EVERY_KIND, HOLDERS, KINDS
from claims.review import appeals, blind, desk, investigation_pages, selectors, services, signal_pages
from claims.review.appeals import REVIEWER, SECOND_REVIEWER, heard_before
from claims.review.clauses import clause_text
from claims.review.desk_views import filters_of, walk_of
from claims.review.forms import AcceptForm, DecideForm, NoteForm, PapersForm, RecommendForm
from claims.review.models import Clause, Decision, Outcome
from claims.review.opening_models import PURPOSES_AT_ONCE
from claims.review.openings import reads_as
from claims.review.request_texts import texts_for
from ledger.sharing.faces import DISEASES, words_of
from ledger.sharing.layers import MEMBERS, told_at_most
from ledger.sharing.models import Award
from members.people.models import User
from members.pools.models import Pool
from members.pools.rules import duty_required
from members.pools.selectors import access_pool, duties_of


@duty_required(REVIEWER, SECOND_REVIEWER)
@require_safe
def workspace(request: HttpRequest, code: str, claim: str) -> HttpResponse:
    """Show one claim to a reviewer; its papers and story only to whom it is assigned or who decides.

    `accepted` in the address: the aid is worked out for that part of the bills.
    """
    found = _found(code, claim)
    forms: dict[str, Any] = {"accept_form": AcceptForm(request.GET)} if "accepted" in request.GET else {}
    asked = request.GET.get("ask", "")
    if asked in KINDS:
        forms["papers_form"] = PapersForm(initial={"kinds": [asked], "message": texts_for(found)[asked]})
    return _workspace(request, found, forms)


def _workspace(
    request: HttpRequest,
    claim: Claim,
    forms: dict[str, Any],
    error: DomainError | None = None,
    status: int = 200,
) -> HttpResponse:
    person = _person(request)
    if blind.waits_for(claim, person):
        # Whoever may judge it blindly is not shown how it was judged, whatever they have asked for.
        return redirect("blind_review", code=claim.pool.code, claim=claim.code)
    duties = duties_of(person, claim.pool)
    may_read = may_read_file(claim, person, duties)
    previous, following = selectors.beside(claim.pool, filters_of(request, claim.pool)[1], claim.code)
    undoable = desk.may_take_back(person, clock.now())
    beside = desk.open_beside(claim, person)
    if may_read and request.method == "GET":
        audit.record(
            actor=person.code, action="open_claim", subject=claim.code, purpose=_purpose(claim, person)
        )
    advised = selectors.recommendation_of(claim)
    decision = selectors.decision_of(claim)
    context: dict[str, Any] = {
        "section": "pools",
        "pool": claim.pool,
        "claim": claim,
        "error": error,
        "may_read": may_read,
        "is_mine": claim.reviewer_id == person.pk,
        "is_own": person.pk in concerned_by(claim),
        "is_near": is_near_to(claim, person),
        "duties": duties,
        "walk": walk_of(request),
        "previous": previous,
        "following": following,
        "undoable": undoable,
        "undo_seconds": desk.seconds_left(undoable, clock.now()) if undoable else 0,
        "open_beside": beside,
        "holder_name": selectors.staff_name(claim.reviewer) if claim.reviewer else "",
        "has_recommended": claim.recommendations.filter(reviewer=person.code).exists(),
        "agreed": (agreed := selectors.concurrence_of(claim, claim.round)),
        "takes_two": appeals.deciders_needed(claim) > 1,
        "has_agreed": bool(agreed and agreed.decider == person.code),
        "heard_before": person.code in heard_before(claim),
        "illness": DISEASES[claim.illness],
        **_waits_for(claim),
        "derivation": in_words((advised and advised.derivation) or claim.derivation or []),
        "earlier_parts": filing.earlier_parts(claim),
        "lifetime_left": filing.lifetime_left(claim),
        "face": words_of(told_at_most(MEMBERS, claim.masked)) if claim.masked else None,
        "advised": advised,
        "decision": decision,
        "case": _case_of(claim),
        "crumbs": [
            (_name(claim.pool), reverse("pool", args=[claim.pool.code])),
            (_("Review"), reverse("review_queue", args=[claim.pool.code])),
            (claim.code, ""),
        ],
    }
    if claim.is_appeal:
        context["first_decision"], context["decision"] = _decisions(claim)
    if may_read:
        context |= file_of(claim, advised, context["decision"], context["agreed"]) | appeal_file(
            claim, context
        )
    context |= _forms_of(claim, context, forms)
    return render(request, "claims/review/workspace.html", context, status=status)


def _waits_for(claim: Claim) -> dict[str, Any]:
    """Return whose turn it is; of an appeal that nobody can hear, which people the pool lacks."""
    lacking = appeals.lacks_people(claim)
    holder = POOL_ADMIN if lacking else STEPS[claim.state].holder
    return {
        "holder": HOLDERS[holder],
        "lacking": appeals.duty_names(lacking),
        "nobody_left": bool(appeals.nobody_left(claim)),
    }


def _case_of(claim: Claim) -> Award | None:
    """Return the newest award of a claim: what an appeal brought back has one of its own."""
    found = Award.objects.filter(pool=claim.pool, claim_code=claim.code, rest_of=None)
    return found.order_by("-pk").first()


def _decisions(claim: Claim) -> tuple[Decision | None, Decision | None]:
    """Return what was decided before the appeal, and what was decided on it."""
    first, last = selectors.decisions_of(claim)
    return (first, last) if first else (last, None)


def appeal_file(claim: Claim, context: dict[str, Any]) -> dict[str, Any]:
    """Return the words of an appeal and of what it is against."""
    made, first = appeals.appeal_of(claim), context.get("first_decision")
    if made is None:
        return {}
    return {
        "appeal": made,
        "appeal_reason": appeals.read_appeal(made),
        "first_reason": selectors.read_reason(first) if first else "",
        "first_finding": selectors.read_finding(first),
        "upheld_answer": appeals.read_upheld(claim),
    }


def file_of(claim: Claim, advised: Any, decision: Any, agreed: Any) -> dict[str, Any]:
    """Return what only the reviewers of this claim read."""
    papers = list(filing.papers_of(claim))
    held = {paper.kind for paper in papers}
    request = selectors.last_request(claim)
    return {
        "story": filing.read_story(claim),
        "birth": filing.read_birth(claim),
        "payee": filing.read_payee(claim),
        "papers": [(paper, EVERY_KIND[paper.kind]) for paper in papers],
        "purposes": PURPOSES_AT_ONCE,
        "cited": cited_names(papers, advised.papers if advised else []),
        "agreed_reason": selectors.read_reason(agreed) if agreed else "",
        "decided_on": cited_names(papers, decision.papers if decision else []),
        "notes": [(note, desk.read_note(note)) for note in claim.review_notes.order_by("number")],
        "clauses": clauses_of(claim),
        "similar": selectors.similar_decisions(claim, clock.now()),
        "checklist": [(KINDS[kind], kind in held) for kind in filing.papers_needed(claim)],
        "advised_reason": selectors.read_reason(advised) if advised else "",
        "decision_reason": selectors.read_reason(decision) if decision else "",
        "request_text": selectors.read_request(request) if request else "",
        **signal_pages.section(claim),
        **investigation_pages.section(claim),
        "shown_text": selectors.shown_text(claim),
        "shown_sha256": selectors.shown_sha256(claim),
    }


def cited_names(papers: list[Evidence], codes: list[str]) -> list[object]:
    """Return what the cited papers of a claim are called."""
    return [EVERY_KIND[paper.kind] for paper in papers if paper.code in codes]


def clauses_of(claim: Claim) -> list[tuple[str, object, list[str]]]:
    """Return each clause with its text in the covenant that was in force on the event day."""
    version = claim.plan_version
    text = in_language(version.covenant_en, version.covenant_zh) if version else ""
    return [(clause, label, clause_text(text, clause)) for clause, label in Clause.choices]


def paper_choices(claim: Claim) -> list[tuple[str, object]]:
    """Return the papers that can be cited, in the order in which they came."""
    return [
        (paper.code, f"{place}. {EVERY_KIND[paper.kind]}")
        for place, paper in enumerate(filing.papers_of(claim), start=1)
    ]


def _forms_of(claim: Claim, context: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Return the forms of what this person may do now; a refused one as it was sent."""
    forms: dict[str, Any] = {"note_form": given.get("note_form") or NoteForm()} if context["may_read"] else {}
    if claim.state == Claim.State.UNDER_REVIEW and context["is_mine"]:
        forms["papers_form"] = given.get("papers_form") or PapersForm()
        forms["request_texts"] = [(kind, KINDS[kind], text) for kind, text in texts_for(claim).items()]
        forms |= recommending(claim, context, given)
    decides = (
        SECOND_REVIEWER in context["duties"]
        and not context["has_recommended"]
        and not context["has_agreed"]
        and not context["is_own"]
        and not context["is_near"]
        and not context["heard_before"]
    )
    if claim.state == Claim.State.RECOMMENDED and decides:
        forms["decide_form"] = given.get("decide_form") or DecideForm(
            initial={
                "outcome": context["advised"].outcome,
                "clause": context["advised"].clause,
                "papers": context["advised"].papers,
                "shown_sha256": context["shown_sha256"],
                "key": uuid.uuid4(),
            },
            papers=paper_choices(claim),
        )
        allowed = {context["advised"].outcome, Outcome.RETURNED.value}
        field = forms["decide_form"].fields["outcome"]
        field.choices = [choice for choice in Outcome.choices if choice[0] in allowed]
    return forms


def recommending(claim: Claim, context: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Return the form of a recommendation; where the plan asks for spend, with what it grants for the accepted one."""
    forms: dict[str, Any] = {}
    benefit = None
    accepted_fen = claim.spend_fen
    if claim.spend_fen is not None:
        accept_form = given.get("accept_form") or AcceptForm(initial={"accepted": claim.spend_fen})
        if accept_form.is_bound and accept_form.is_valid():
            accepted_fen = accept_form.cleaned_data["accepted"]
            if accepted_fen > claim.spend_fen:
                accept_form.add_error("accepted", _("The claim tells of less. Accept at most that."))
                accepted_fen = claim.spend_fen
        benefit, _face = preview(claim, clock.now(), accepted_fen)
        forms |= {"accept_form": accept_form, "derivation": in_words(benefit.to_json()), "benefit": benefit}
    derived_fen = benefit.aid_fen if benefit else claim.aid_fen or 0
    forms["recommend_form"] = given.get("recommend_form") or RecommendForm(
        initial={
            "outcome": "approved" if derived_fen else "rejected",
            "accepted_spend_fen": accepted_fen,
            "aid": _most_now(claim, derived_fen, context["lifetime_left"]),
            "clause": (benefit.refused_by if benefit else _refusing_clause(claim)) or Clause.AID,
            "key": uuid.uuid4(),
        },
        papers=paper_choices(claim),
        asks_for_spend=claim.spend_fen is not None,
    )
    return forms


def _most_now(claim: Claim, derived_fen: int, lifetime_left: int | None) -> int:
    """Return what was derived, at most what it was filed with, or what other cases have left of the member's limit."""
    derived_fen = min(derived_fen, claim.aid_fen or 0)
    return derived_fen if lifetime_left is None else min(derived_fen, lifetime_left)


def _refusing_clause(claim: Claim) -> str:
    return next((str(step["clause"]) for step in claim.derivation or [] if not step["passed"]), "")


@duty_required(REVIEWER)
@require_POST
def assign(request: HttpRequest, code: str, claim: str) -> HttpResponse:
    """Take a claim up, or over."""
    found = _found(code, claim)
    return _act(
        request,
        found,
        {},
        lambda: services.assign_claim(claim=found, reviewer=_person(request).code, at=clock.now()),
    )


@duty_required(REVIEWER)
@require_POST
def request_papers(request: HttpRequest, code: str, claim: str) -> HttpResponse:
    """Ask the claimant for papers."""
    found = _found(code, claim)
    form = PapersForm(request.POST)
    if not form.is_valid():
        return _workspace(request, found, {"papers_form": form}, status=422)
    return _act(
        request,
        found,
        {"papers_form": form},
        lambda: services.request_papers(
            claim=found, reviewer=_person(request).code, at=clock.now(), **form.cleaned_data
        ),
    )


@duty_required(REVIEWER)
@require_POST
def recommend(request: HttpRequest, code: str, claim: str) -> HttpResponse:
    """Recommend; the same click twice is one recommendation."""
    found = _found(code, claim)
    form = RecommendForm(
        request.POST, papers=paper_choices(found), asks_for_spend=found.spend_fen is not None
    )
    if not form.is_valid():
        return _workspace(request, found, {"recommend_form": form}, status=422)
    told = {name: form.cleaned_data[name] for name in ("outcome", "clause", "papers", "reason")}
    sums = {
        "aid_fen": form.cleaned_data["aid"],
        "accepted_spend_fen": form.cleaned_data.get("accepted_spend_fen"),
    }

    def act() -> dict[str, Any]:
        made = services.recommend(claim=found, reviewer=_person(request).code, at=clock.now(), **told, **sums)
        return {"outcome": made.outcome}

    return _act(
        request,
        found,
        {"recommend_form": form},
        lambda: once(
            scope=f"{_person(request).code}/recommend/{found.code}",
            key=str(form.cleaned_data["key"]),
            content={**told, **sums},
            act=act,
        ),
    )


@duty_required(SECOND_REVIEWER)
@require_POST
def decide(request: HttpRequest, code: str, claim: str) -> HttpResponse:
    """Decide over exactly what was shown; the same click twice is one decision."""
    found = _found(code, claim)
    form = DecideForm(request.POST, papers=paper_choices(found))
    if not form.is_valid():
        return _workspace(request, found, {"decide_form": form}, status=422)
    wanted = ("outcome", "clause", "papers", "reason", "shown_sha256")
    told = {name: form.cleaned_data[name] for name in wanted}

    def act() -> dict[str, Any]:
        made = services.decide(claim=found, decider=_person(request).code, at=clock.now(), **told)
        return {"outcome": made.outcome}

    return _act(
        request,
        found,
        {"decide_form": form},
        lambda: once(
            scope=f"{_person(request).code}/decide/{found.code}",
            key=str(form.cleaned_data["key"]),
            content=told,
            act=act,
        ),
    )


def _act(
    request: HttpRequest, claim: Claim, forms: dict[str, Any], deed: Callable[[], object]
) -> HttpResponse:
    """Do it and show the claim, or with `go` the next one of the queue; refused, show it with the form as sent."""
    walk, following = walk_of(request), ""
    if "go" in request.POST:
        _previous, following = selectors.beside(claim.pool, filters_of(request, claim.pool)[1], claim.code)
    try:
        deed()
    except services.JudgedFirstError as late:
        return late_page(request, claim, next(iter(forms.values())), late)
    except DomainError as error:
        claim.refresh_from_db()
        return _workspace(request, claim, forms, error, status=error.status)
    if "go" in request.POST and not following:
        return redirect(reverse("review_queue", args=[claim.pool.code]) + walk)
    return redirect(reverse("review_claim", args=[claim.pool.code, following or claim.code]) + walk)


def late_page(request: HttpRequest, claim: Claim, form: django_forms.Form, late: DomainError) -> HttpResponse:
    """Say who was faster, and give back what was written; of the outcome nothing, which a blind review may follow."""
    told = form.cleaned_data
    choices = [(name, form.fields[name]) for name in ("outcome", "clause")]
    context = {
        "section": "pools",
        "pool": claim.pool,
        "claim": claim,
        "error": late,
        "chosen": [(field.label, dict(field.choices)[told[name]]) for name, field in choices],  # type: ignore[attr-defined]
        "written": told["reason"],
        "walk": walk_of(request),
        "crumbs": [
            (_name(claim.pool), reverse("pool", args=[claim.pool.code])),
            (_("Review"), reverse("review_queue", args=[claim.pool.code])),
            (claim.code, ""),
        ],
    }
    return render(request, "claims/review/late.html", context, status=late.status)


@duty_required(REVIEWER)
@require_POST
def take_back(request: HttpRequest, code: str, claim: str) -> HttpResponse:
    """Take one's own recommendation back within seconds, and look at the claim again."""
    found = _found(code, claim)
    return _act(
        request,
        found,
        {},
        lambda: desk.take_back(claim=found, reviewer=_person(request).code, at=clock.now()),
    )


@duty_required(REVIEWER, SECOND_REVIEWER)
@require_POST
def note(request: HttpRequest, code: str, claim: str) -> HttpResponse:
    """Write a note for the other reviewers; the same text again at once is one note."""
    found = _found(code, claim)
    form = NoteForm(request.POST)
    if not form.is_valid():
        return _workspace(request, found, {"note_form": form}, status=422)
    text = form.cleaned_data["text"]
    last = found.review_notes.order_by("-number").first()
    if last and last.author == _person(request).code and desk.read_note(last) == text:
        return redirect("review_claim", code=code, claim=claim)
    return _act(
        request,
        found,
        {"note_form": form},
        lambda: desk.write_note(claim=found, author=_person(request).code, text=text, at=clock.now()),
    )


def may_read_file(claim: Claim, person: User, duties: set[str]) -> bool:
    """Tell whether the person reads the story and sees which papers there are; opening one takes a purpose."""
    return bool(reads_as(claim, person, duties))


def _purpose(claim: Claim, person: User) -> str:
    return "review" if claim.reviewer_id == person.pk else "second_review"


def _found(code: str, claim: str) -> Claim:
    return selectors.access_claim_of_pool(pool=access_pool(code=code), code=claim)


def _name(pool: Pool) -> str:
    return in_language(pool.name_en, pool.name_zh)


def _person(request: HttpRequest) -> User:
    return cast(User, request.user)
