"""The pages of an investigator: the link, the one case, its papers for a purpose, the report. All else is absent."""

import uuid
from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from aidplatform.lib import clock
from aidplatform.lib.errors import NotFoundError
from aidplatform.lib.http import attempt, signed_in
from aidplatform.work import audit
from aidplatform.work.idempotency import once
from claims.filing import selectors as filing
from claims.filing.illnesses import INVESTIGATION
from claims.filing.words import EVERY_KIND
from claims.review import investigations
from claims.review.investigation_forms import FindingForm, FindingsAnswerForm, ReportForm
from claims.review.investigation_models import Investigation
from claims.review.investigation_pages import for_claimant
from claims.review.investigation_selectors import (
    access_investigation,
    find_by_link,
    is_answer_open,
    reported_by,
    running_of,
    terms_of,
    told,
)
from claims.review.opening_pages import PaperPages, ask_or_open, hand_out, show_opening
from ledger.sharing.faces import DISEASES
from ledger.sharing.payees import Payee
from members.joining.kin import names_of
from members.people.models import User
from members.pools.rules import second_factor_required


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def by_link(request: HttpRequest, token: str) -> HttpResponse:
    """Say what a link asks for, without a word of the case; a post takes it on with the account signed in."""
    at = clock.now()
    found, refusal = find_by_link(token, at), None
    if request.method == "POST":
        accepted, refusal = attempt(
            lambda: investigations.accept_investigation(token=token, person=_person(request), at=at)
        )
        if accepted is not None:
            return redirect("investigation_case", investigation=accepted.code)
    terms = terms_of(found.claim) if found else None
    context = {
        "section": "home",
        "found": found,
        "pool": found.claim.pool if found else None,
        "terms": terms,
        "refusal": refusal,
    }
    status = refusal.status if refusal else 200 if found else 410
    return render(request, "claims/review/investigation_link.html", context, status=status)


@second_factor_required
@require_safe
def mine(request: HttpRequest) -> HttpResponse:
    """List what the person investigates now."""
    found = [(one, told(one)) for one in running_of(_person(request))]
    return render(request, "claims/review/my_investigations.html", {"section": "home", "found": found})


@second_factor_required
@require_safe
def case(request: HttpRequest, investigation: str) -> HttpResponse:
    """Show the one case: the question, whose it is, their words and papers, and the report to be written."""
    found = _found(request, investigation)
    audit.record(
        actor=_person(request).code, action="open_claim", subject=found.claim.code, purpose="investigation"
    )
    return _case(request, found)


def _case(
    request: HttpRequest,
    found: Investigation,
    *,
    report: ReportForm | None = None,
    finding: FindingForm | None = None,
    status: int = 200,
) -> HttpResponse:
    claim = found.claim
    papers = list(filing.papers_of(claim))
    person = claim.membership.person
    context = {
        "section": "home",
        "one": told(found),
        "claim": claim,
        "pool": claim.pool,
        "name": str(person) if person else names_of([claim.membership]).get(claim.membership_id, ""),
        "birth": filing.read_birth(claim),
        "illness": DISEASES.get(claim.illness, ""),
        "story": filing.read_story(claim),
        "papers": [(paper, EVERY_KIND[paper.kind]) for paper in papers if paper.kind != INVESTIGATION],
        "findings": [paper for paper in papers if paper.kind == INVESTIGATION],
        "finding_form": finding or FindingForm(),
        "report_form": report or ReportForm(initial={"key": uuid.uuid4()}),
        "crumbs": [(_("My investigations"), reverse("my_investigations")), (found.code, "")],
    }
    return render(request, "claims/review/investigation_case.html", context, status=status)


@second_factor_required
@require_http_methods(["GET", "HEAD", "POST"])
def paper(request: HttpRequest, investigation: str, paper: str) -> HttpResponse:
    """Ask what a paper is opened for; a post notes it and shows the paper. The same click twice is one opening."""
    return ask_or_open(request, _pages(request, investigation), paper)


@second_factor_required
@require_safe
def opening(request: HttpRequest, investigation: str, opening: int) -> HttpResponse:
    """Show the paper of an opening, or that it is over."""
    return show_opening(request, _pages(request, investigation), opening)


@second_factor_required
@require_safe
def opening_file(request: HttpRequest, investigation: str, opening: int) -> HttpResponse:
    """Hand out the paper of an opening."""
    return hand_out(_pages(request, investigation), opening)


@second_factor_required
@require_POST
def add_finding(request: HttpRequest, investigation: str) -> HttpResponse:
    """Add a photograph or a PDF to the report."""
    found = _found(request, investigation)
    form = FindingForm(request.POST, request.FILES)
    if not form.is_valid():
        return _case(request, found, finding=form, status=422)
    _kept, refusal = attempt(
        lambda: investigations.add_finding(
            investigation=found,
            person=_person(request),
            data=form.cleaned_data["file"].read(),
            at=clock.now(),
        )
    )
    if refusal is not None:
        form.add_error("file", str(refusal))
        return _case(request, found, finding=form, status=refusal.status)
    return redirect("investigation_case", investigation=investigation)


@second_factor_required
@require_POST
def report(request: HttpRequest, investigation: str) -> HttpResponse:
    """Finish with what was found; from then on the case is absent for whoever investigated it."""
    person, form = _person(request), ReportForm(request.POST)
    done = reported_by(person, investigation)
    if done is not None:
        # The second of two clicks.
        return _done(request, done)
    found = _found(request, investigation)
    if not form.is_valid():
        return _case(request, found, report=form, status=422)
    given = form.cleaned_data
    payee = Payee.of(given["payee_name"], given["payee_account"]) if given["bill"] else None

    def act() -> dict[str, Any]:
        investigations.report(
            investigation=found,
            person=person,
            text=given["text"],
            bill_fen=given["bill"],
            payee=payee,
            at=clock.now(),
        )
        return {}

    content = {name: str(given[name]) for name in ("text", "bill", "payee_name", "payee_account")}
    _made, refusal = attempt(
        lambda: once(
            scope=f"{person.code}/report/{found.code}", key=str(given["key"]), content=content, act=act
        )
    )
    if refusal is not None:
        form.add_error(None, str(refusal))
        return _case(request, found, report=form, status=refusal.status)
    found.refresh_from_db()
    return _done(request, found)


def _done(request: HttpRequest, one: Investigation) -> HttpResponse:
    return render(request, "claims/review/investigation_done.html", {"section": "home", "one": one})


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def findings(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Show the claimant what was asked and found, and take their answer; the same click twice is one answer."""
    person = _person(request)
    claim = filing.access_claim(user=person, code=code)
    one = next((each for each in for_claimant(claim) if each.investigation.number == number), None)
    if one is None:
        raise NotFoundError(_("There is no such investigation."))
    form = FindingsAnswerForm(request.POST or None, initial={"key": uuid.uuid4()})
    refusal = None
    if request.method == "POST" and form.is_valid():
        text = form.cleaned_data["text"]

        def act() -> dict[str, Any]:
            investigations.answer_findings(
                investigation=one.investigation, claimant=person.code, text=text, at=clock.now()
            )
            return {}

        _done, refusal = attempt(
            lambda: once(
                scope=f"{person.code}/findings/{code}/{number}",
                key=str(form.cleaned_data["key"]),
                content={"text": text},
                act=act,
            )
        )
        if refusal is None:
            return redirect("claim_findings", code=code, number=number)
        form.add_error(None, str(refusal))
    context = {
        "section": "claims",
        "claim": claim,
        "pool": claim.pool,
        "one": one,
        "form": form if is_answer_open(one.investigation) or form.errors else None,
        "papers": [paper for paper in filing.papers_of(claim) if paper.kind == INVESTIGATION],
        "crumbs": [
            (_("My claims"), reverse("my_claims")),
            (claim.code, reverse("claim", args=[code])),
            (_("Investigation %(number)s") % {"number": number}, ""),
        ],
    }
    status = refusal.status if refusal else 422 if form.is_bound and form.errors else 200
    return render(request, "claims/review/findings.html", context, status=status)


def _found(request: HttpRequest, code: str) -> Investigation:
    return access_investigation(person=_person(request), code=code)


def _pages(request: HttpRequest, code: str) -> PaperPages:
    found, back = _found(request, code), reverse("investigation_case", args=[code])
    return PaperPages(
        claim=found.claim,
        person=_person(request),
        section="home",
        back=back,
        ask=lambda paper: reverse("investigation_paper", args=[code, paper]),
        opening=lambda one: reverse("investigation_opening", args=[code, one]),
        file=lambda one: reverse("investigation_opening_file", args=[code, one]),
        crumbs=[(_("My investigations"), reverse("my_investigations")), (found.code, back)],
    )


def _person(request: HttpRequest) -> User:
    return cast(User, request.user)
