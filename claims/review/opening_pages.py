"""The pages of one paper, for whoever may open it: say what for, look at it a while, marked as theirs."""

import datetime as dt
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from aidplatform.lib import clock
from aidplatform.lib.errors import DomainError
from aidplatform.work.idempotency import once
from claims.filing.models import Claim, Evidence
from claims.filing.views import paper_response
from claims.filing.words import EVERY_KIND
from claims.review import openings
from claims.review.opening_forms import OpeningForm
from members.people.models import User

Crumbs = list[tuple[object, str]]


@dataclass(frozen=True)
class PaperPages:
    """Where one person opens the papers of one claim. back: the page that they come from.

    ask, opening, file: addresses of a paper by its code, and of an opening by its id. crumbs: up to the paper.
    """

    claim: Claim
    person: User
    section: str
    back: str
    ask: Callable[[str], str]
    opening: Callable[[int], str]
    file: Callable[[int], str]
    crumbs: Crumbs


def ask_or_open(request: HttpRequest, pages: PaperPages, code: str) -> HttpResponse:
    """Ask what a paper is opened for; a post notes it and shows the paper. The same click twice is one opening."""
    kept, person = openings.access_paper(pages.claim, code), pages.person
    if request.method != "POST":
        return _ask(request, pages, kept, OpeningForm(initial={"key": uuid.uuid4()}))
    form = OpeningForm(request.POST)
    if not form.is_valid():
        return _ask(request, pages, kept, form, status=422)
    what_for = {name: form.cleaned_data[name] for name in ("purpose", "note")}

    def act() -> dict[str, Any]:
        made = openings.open_paper(
            claim=pages.claim, code=code, opener=person.code, at=clock.now(), **what_for
        )
        return {"opening": made.pk}

    try:
        scope = f"{person.code}/open/{kept.code}"
        answer = once(scope=scope, key=str(form.cleaned_data["key"]), content=what_for, act=act)
    except DomainError as error:
        form.add_error(None, str(error))
        return _ask(request, pages, kept, form, status=error.status)
    return HttpResponseRedirect(pages.opening(answer["opening"]))


def _ask(
    request: HttpRequest, pages: PaperPages, kept: Evidence, form: OpeningForm, status: int = 200
) -> HttpResponse:
    context = {
        "section": pages.section,
        "pool": pages.claim.pool,
        "claim": pages.claim,
        "paper": kept,
        "kind": EVERY_KIND[kept.kind],
        "form": form,
        "minutes": openings.MINUTES_OPEN,
        "back": pages.back,
        "crumbs": [*pages.crumbs, (EVERY_KIND[kept.kind], "")],
    }
    return render(request, "claims/review/open_paper.html", context, status=status)


def show_opening(request: HttpRequest, pages: PaperPages, opening: int) -> HttpResponse:
    """Show the paper of an opening, or that it is over."""
    one = openings.access_opening(claim=pages.claim, person=pages.person, opening_id=opening)
    context = {
        "section": pages.section,
        "pool": pages.claim.pool,
        "claim": pages.claim,
        "opening": one,
        "paper": one.paper,
        "kind": EVERY_KIND[one.paper.kind],
        "note": openings.read_note(one),
        "until": one.opened_at + dt.timedelta(minutes=openings.MINUTES_OPEN),
        "is_over": openings.is_over(one, clock.now()),
        "is_picture": one.paper.media_type.startswith("image/"),
        "back": pages.back,
        "again": pages.ask(one.paper.code),
        "file": pages.file(one.pk),
        "crumbs": [*pages.crumbs, (EVERY_KIND[one.paper.kind], "")],
    }
    return render(request, "claims/review/opening.html", context)


def hand_out(pages: PaperPages, opening: int) -> HttpResponse:
    """Hand out the paper of an opening, marked; a picture is shown within its page, a PDF is a download."""
    one = openings.access_opening(claim=pages.claim, person=pages.person, opening_id=opening)
    marked = openings.marked_paper(claim=pages.claim, opening=one, person=pages.person, at=clock.now())
    return paper_response(marked, f"{one.paper.code}-{one.pk}")
