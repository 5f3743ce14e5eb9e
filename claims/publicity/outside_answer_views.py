"""The page on which somebody from outside answers the objections that nobody of a pool may answer."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from aidplatform.lib import clock
from aidplatform.lib.errors import DomainError, NotFoundError
from aidplatform.lib.http import attempt
from claims.publicity.forms import AnswerForm
from claims.publicity.models import Objection
from claims.publicity.outside_answers import answer_from_outside, objections_for_outside
from claims.publicity.selectors import access_objection
from claims.publicity.views import written_in
from claims.review.outside_case_views import case_context, done_page, note_reading, person_of
from claims.review.outside_models import OutsideReview
from claims.review.outside_selectors import access_review, done_by
from members.pools.rules import second_factor_required


@second_factor_required
@require_safe
def objections(request: HttpRequest, review: str) -> HttpResponse:
    """Show the claim with its file, and each objection with the form of its answer."""
    one = _found(request, review)
    note_reading(one, person_of(request))
    return _page(request, one)


def _page(
    request: HttpRequest,
    one: OutsideReview,
    error: DomainError | None = None,
    *,
    forms: dict[int, AnswerForm] | None = None,
    written: list[tuple[object, str]] | None = None,
    status: int = 200,
) -> HttpResponse:
    forms = forms or {}
    context = case_context(one, error) | {
        "objections": [
            (
                told,
                forms.get(told.objection.number) or AnswerForm(may_uphold=told.upheld_from is None)
                if told.is_open
                else None,
            )
            for told in objections_for_outside(one, clock.now())
        ],
        "written": written,
    }
    return render(request, "claims/publicity/outside_objections.html", context, status=status)


@second_factor_required
@require_POST
def answer(request: HttpRequest, review: str, number: int) -> HttpResponse:
    """Answer an objection; the same click twice is one answer. After the last open one the claim is absent."""
    person = person_of(request)
    if (done := done_by(person, review)) is not None:
        # The second of two clicks.
        return done_page(request, done)
    one = _found(request, review)
    form = AnswerForm(request.POST)
    if not form.is_valid():
        return _page(request, one, forms={number: form}, status=422)
    _made, refusal = attempt(
        lambda: answer_from_outside(
            review=one, person=person, number=number, at=clock.now(), **form.cleaned_data
        )
    )
    if refusal is not None:
        one.claim.refresh_from_db()
        is_open = access_objection(claim=one.claim, number=number).state == Objection.State.OPEN
        told_back = None if is_open else written_in(form)
        return _page(request, one, refusal, forms={number: form}, written=told_back, status=refusal.status)
    one.refresh_from_db()
    if one.state == OutsideReview.State.DONE:
        return done_page(request, one)
    return redirect("outside_objections", review=one.code)


def _found(request: HttpRequest, code: str) -> OutsideReview:
    """Return what the person answers now under that code. Raises: NotFoundError."""
    one = access_review(person=person_of(request), code=code)
    if one.stage != OutsideReview.Stage.OBJECTION:
        raise NotFoundError(_("There is no such page, or it is not yours to see."))
    return one
