"""The pages of one paper for its reviewers: say what for, look at it for a quarter of an hour, marked as theirs."""

import datetime as dt
import uuid
from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_safe

from aidplatform.lib import clock
from aidplatform.lib.errors import DomainError
from aidplatform.lib.templating import in_language
from aidplatform.work.idempotency import once
from claims.filing.models import Claim, Evidence
from claims.filing.views import paper_response
from claims.filing.words import EVERY_KIND
from claims.review import openings, selectors
from claims.review.appeals import REVIEWER, SECOND_REVIEWER
from claims.review.opening_forms import OpeningForm
from members.people.models import User
from members.pools.rules import duty_required
from members.pools.selectors import access_pool


@duty_required(REVIEWER, SECOND_REVIEWER)
@require_http_methods(["GET", "HEAD", "POST"])
def paper(request: HttpRequest, code: str, claim: str, paper: str) -> HttpResponse:
    """Ask what a paper is opened for; a post notes it and shows the paper. The same click twice is one opening."""
    found, person = _found(code, claim), _person(request)
    openings.check_opens(found, person)
    kept = openings.access_paper(found, paper)
    openings.check_opens_it(found, person, kept)
    if request.method != "POST":
        form = OpeningForm(initial={"key": uuid.uuid4()})
        return _ask(request, found, kept, form)
    form = OpeningForm(request.POST)
    if not form.is_valid():
        return _ask(request, found, kept, form, status=422)
    told = {name: form.cleaned_data[name] for name in ("purpose", "note")}

    def act() -> dict[str, Any]:
        made = openings.open_paper(claim=found, code=paper, opener=person.code, at=clock.now(), **told)
        return {"opening": made.pk}

    try:
        answer = once(
            scope=f"{person.code}/open/{kept.code}", key=str(form.cleaned_data["key"]), content=told, act=act
        )
    except DomainError as error:
        form.add_error(None, str(error))
        return _ask(request, found, kept, form, status=error.status)
    return redirect("review_opening", code=code, claim=claim, opening=answer["opening"])


def _ask(
    request: HttpRequest, claim: Claim, paper: Evidence, form: OpeningForm, status: int = 200
) -> HttpResponse:
    context = {
        "section": "pools",
        "pool": claim.pool,
        "claim": claim,
        "paper": paper,
        "kind": EVERY_KIND[paper.kind],
        "form": form,
        "minutes": openings.MINUTES_OPEN,
        "back": reverse("review_claim", args=[claim.pool.code, claim.code]),
        "crumbs": _crumbs(claim, EVERY_KIND[paper.kind]),
    }
    return render(request, "claims/review/open_paper.html", context, status=status)


@duty_required(REVIEWER, SECOND_REVIEWER)
@require_safe
def opening(request: HttpRequest, code: str, claim: str, opening: int) -> HttpResponse:
    """Show the paper of an opening, or that it is over."""
    found = _found(code, claim)
    one = openings.access_opening(claim=found, person=_person(request), opening_id=opening)
    context = {
        "section": "pools",
        "pool": found.pool,
        "claim": found,
        "opening": one,
        "paper": one.paper,
        "kind": EVERY_KIND[one.paper.kind],
        "note": openings.read_note(one),
        "until": one.opened_at + dt.timedelta(minutes=openings.MINUTES_OPEN),
        "is_over": openings.is_over(one, clock.now()),
        "is_picture": one.paper.media_type.startswith("image/"),
        "back": reverse("review_claim", args=[code, claim]),
        "again": reverse("review_paper", args=[code, claim, one.paper.code]),
        "file": reverse("review_opening_file", args=[code, claim, one.pk]),
        "crumbs": _crumbs(found, EVERY_KIND[one.paper.kind]),
    }
    return render(request, "claims/review/opening.html", context)


@duty_required(REVIEWER, SECOND_REVIEWER)
@require_safe
def opening_file(request: HttpRequest, code: str, claim: str, opening: int) -> HttpResponse:
    """Hand out the paper of an opening, marked; a picture is shown within its page, a PDF is a download."""
    found, person = _found(code, claim), _person(request)
    one = openings.access_opening(claim=found, person=person, opening_id=opening)
    marked = openings.marked_paper(claim=found, opening=one, person=person, at=clock.now())
    return paper_response(marked, f"{one.paper.code}-{one.pk}")


def _found(code: str, claim: str) -> Claim:
    return selectors.access_claim_of_pool(pool=access_pool(code=code), code=claim)


def _crumbs(claim: Claim, last: object) -> list[tuple[object, str]]:
    pool = claim.pool
    return [
        (in_language(pool.name_en, pool.name_zh), reverse("pool", args=[pool.code])),
        (_("Review"), reverse("review_queue", args=[pool.code])),
        (claim.code, reverse("review_claim", args=[pool.code, claim.code])),
        (last, ""),
    ]


def _person(request: HttpRequest) -> User:
    return cast(User, request.user)
