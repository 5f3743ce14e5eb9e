"""The pages of an outside reviewer: the link, the one claim with its file, its papers for a purpose, the one word."""

import uuid
from collections.abc import Callable
from typing import Any, cast

from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from aidplatform.lib import clock
from aidplatform.lib.errors import DomainError
from aidplatform.lib.http import attempt, signed_in
from aidplatform.work import audit
from aidplatform.work.idempotency import once
from claims.filing import selectors as filing
from claims.filing.views import in_words
from claims.review import outside_reviews, selectors
from claims.review.forms import DecideForm, RecommendForm
from claims.review.models import Outcome
from claims.review.opening_pages import PaperPages, ask_or_open, hand_out, show_opening
from claims.review.outside_models import OutsideReview
from claims.review.outside_selectors import (
    Stage,
    access_review,
    done_by,
    find_review_by_link,
    running_reviews,
    told,
)
from claims.review.outside_triggers import REVIEW_DAYS
from claims.review.views import appeal_file, file_of, paper_choices, recommending
from ledger.sharing.faces import DISEASES
from members.people.models import User
from members.pools.rules import second_factor_required


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def by_link(request: HttpRequest, token: str) -> HttpResponse:
    """Say what a link asks for, without a word of the case; a post takes it on with the account signed in."""
    at = clock.now()
    found, refusal = find_review_by_link(token, at), None
    if request.method == "POST":
        accepted, refusal = attempt(
            lambda: outside_reviews.accept(token=token, person=person_of(request), at=at)
        )
        if accepted is not None:
            return redirect("outside_review_case", review=accepted.code)
    context = {
        "section": "home",
        "found": found,
        "pool": found.claim.pool if found else None,
        "days": REVIEW_DAYS,
        "refusal": refusal,
    }
    status = refusal.status if refusal else 200 if found else 410
    return render(request, "claims/review/outside_link.html", context, status=status)


@second_factor_required
@require_safe
def mine(request: HttpRequest) -> HttpResponse:
    """List what the person reviews from outside now."""
    context = {"section": "home", "found": running_reviews(person_of(request))}
    return render(request, "claims/review/my_outside_reviews.html", context)


@second_factor_required
@require_safe
def case(request: HttpRequest, review: str) -> HttpResponse:
    """Show the one claim with its file and the rules of its day, and the one word that is asked for."""
    one = access_review(person=person_of(request), code=review)
    if one.stage == Stage.OBJECTION:
        return redirect("outside_objections", review=one.code)
    note_reading(one, person_of(request))
    return _case(request, one)


def note_reading(one: OutsideReview, person: User) -> None:
    """Note that the outside reviewer read the claim; the claimant is told."""
    audit.record(actor=person.code, action="open_claim", subject=one.claim.code, purpose="outside_review")


def _case(
    request: HttpRequest,
    one: OutsideReview,
    error: DomainError | None = None,
    form: Form | None = None,
    status: int = 200,
) -> HttpResponse:
    context = case_context(one, error)
    context |= _form_of(one, context, form)
    return render(request, "claims/review/outside_case.html", context, status=status)


def case_context(one: OutsideReview, error: DomainError | None) -> dict[str, Any]:
    """Return the claim with its file as its page shows it, without the form of the word that is asked for."""
    claim = one.claim
    advised, first = selectors.recommendation_of(claim), None
    agreed = selectors.concurrence_of(claim, claim.round)
    if claim.is_appeal:
        first, _last = selectors.decisions_of(claim)
        first = first or selectors.decision_of(claim)
    context: dict[str, Any] = {
        "section": "home",
        "one": told(one),
        "claim": claim,
        "pool": claim.pool,
        "error": error,
        "may_read": True,
        "is_outside": True,
        "illness": DISEASES[claim.illness],
        "derivation": in_words((advised and advised.derivation) or claim.derivation or []),
        "lifetime_left": filing.lifetime_left(claim),
        "advised": advised,
        "agreed": agreed,
        "first_decision": first,
        "crumbs": [(_("Claims to review"), reverse("my_outside_reviews")), (one.code, "")],
    }
    return context | file_of(claim, advised, None, agreed) | appeal_file(claim, context)


def _form_of(one: OutsideReview, context: dict[str, Any], form: Form | None) -> dict[str, Any]:
    """Return the form of the one word that is asked for; a refused one as it was sent."""
    claim = one.claim
    if one.stage == Stage.REVIEWER:
        return recommending(claim, context, {"recommend_form": form} if form else {})
    advised = context["advised"]
    decide_form = form or DecideForm(
        initial={
            "outcome": advised.outcome,
            "clause": advised.clause,
            "shown_sha256": context["shown_sha256"],
            "key": uuid.uuid4(),
        },
        papers=paper_choices(claim),
    )
    allowed = {advised.outcome, Outcome.RETURNED.value}
    choices = [choice for choice in Outcome.choices if choice[0] in allowed]
    decide_form.fields["outcome"].choices = choices  # type: ignore[attr-defined]
    return {"decide_form": decide_form}


@second_factor_required
@require_POST
def recommend(request: HttpRequest, review: str) -> HttpResponse:
    """Recommend; from then on the claim is absent for whoever did. The same click twice is one recommendation."""
    if (done := done_by(person_of(request), review)) is not None:
        # The second of two clicks.
        return done_page(request, done)
    one = _found(request, review)
    claim = one.claim
    form = RecommendForm(
        request.POST, papers=paper_choices(claim), asks_for_spend=claim.spend_fen is not None
    )
    if not form.is_valid():
        return _case(request, one, form=form, status=422)
    given = form.cleaned_data
    told_of = {name: given[name] for name in ("outcome", "clause", "papers", "reason")}
    told_of |= {"aid_fen": given["aid"], "accepted_spend_fen": given.get("accepted_spend_fen")}
    return _judge(request, one, form, told_of, outside_reviews.recommend)


@second_factor_required
@require_POST
def decide(request: HttpRequest, review: str) -> HttpResponse:
    """Decide over exactly what was shown; the same click twice is one decision."""
    if (done := done_by(person_of(request), review)) is not None:
        return done_page(request, done)
    one = _found(request, review)
    form = DecideForm(request.POST, papers=paper_choices(one.claim))
    if not form.is_valid():
        return _case(request, one, form=form, status=422)
    names = ("outcome", "clause", "papers", "reason", "shown_sha256")
    told_of = {name: form.cleaned_data[name] for name in names}
    return _judge(request, one, form, told_of, outside_reviews.decide)


def _judge(
    request: HttpRequest, one: OutsideReview, form: Form, told_of: dict[str, Any], deed: Callable[..., Any]
) -> HttpResponse:
    person = person_of(request)

    def act() -> dict[str, Any]:
        deed(review=one, person=person, at=clock.now(), **told_of)
        return {}

    scope, key = f"{person.code}/outside/{one.code}", str(form.cleaned_data["key"])
    _made, refusal = attempt(lambda: once(scope=scope, key=key, content=told_of, act=act))
    if refusal is not None and (done := done_by(person, one.code)) is not None:
        return done_page(request, done, refusal, told_of["reason"])
    if refusal is not None:
        one.claim.refresh_from_db()
        return _case(request, one, refusal, form, status=refusal.status)
    one.refresh_from_db()
    return done_page(request, one)


def done_page(
    request: HttpRequest, one: OutsideReview, late: DomainError | None = None, written: str = ""
) -> HttpResponse:
    """Say that it is judged; to the later of two answers also that it was not taken, with what was written."""
    context = {"section": "home", "one": one, "late": late, "written": written}
    status = late.status if late else 200
    return render(request, "claims/review/outside_done.html", context, status=status)


@second_factor_required
@require_POST
def decline(request: HttpRequest, review: str) -> HttpResponse:
    """Give the claim back without a word."""
    one = _found(request, review)
    _made, refusal = attempt(
        lambda: outside_reviews.decline(review=one, person=person_of(request), at=clock.now())
    )
    if refusal is not None:
        return _case(request, one, refusal, status=refusal.status)
    return redirect("my_outside_reviews")


@second_factor_required
@require_http_methods(["GET", "HEAD", "POST"])
def paper(request: HttpRequest, review: str, paper: str) -> HttpResponse:
    """Ask what a paper is opened for; a post notes it and shows the paper. The same click twice is one opening."""
    return ask_or_open(request, _pages(request, review), paper)


@second_factor_required
@require_safe
def opening(request: HttpRequest, review: str, opening: int) -> HttpResponse:
    """Show the paper of an opening, or that it is over."""
    return show_opening(request, _pages(request, review), opening)


@second_factor_required
@require_safe
def opening_file(request: HttpRequest, review: str, opening: int) -> HttpResponse:
    """Hand out the paper of an opening."""
    return hand_out(_pages(request, review), opening)


def _pages(request: HttpRequest, code: str) -> PaperPages:
    one, back = _found(request, code), reverse("outside_review_case", args=[code])
    return PaperPages(
        claim=one.claim,
        person=person_of(request),
        section="home",
        back=back,
        ask=lambda paper: reverse("outside_paper", args=[code, paper]),
        opening=lambda opened: reverse("outside_opening", args=[code, opened]),
        file=lambda opened: reverse("outside_opening_file", args=[code, opened]),
        crumbs=[(_("Claims to review"), reverse("my_outside_reviews")), (one.code, back)],
    )


def _found(request: HttpRequest, code: str) -> OutsideReview:
    return access_review(person=person_of(request), code=code)


def person_of(request: HttpRequest) -> User:
    """Return whoever is signed in."""
    return cast(User, request.user)
