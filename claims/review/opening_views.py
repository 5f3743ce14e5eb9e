"""The pages of one paper for its reviewers."""

from typing import cast

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_safe

from aidplatform.lib.templating import in_language
from claims.filing.models import Claim
from claims.review import openings, selectors
from claims.review.appeals import REVIEWER, SECOND_REVIEWER
from claims.review.opening_pages import PaperPages, ask_or_open, hand_out, show_opening
from members.people.models import User
from members.pools.rules import duty_required
from members.pools.selectors import access_pool


@duty_required(REVIEWER, SECOND_REVIEWER)
@require_http_methods(["GET", "HEAD", "POST"])
def paper(request: HttpRequest, code: str, claim: str, paper: str) -> HttpResponse:
    """Ask what a paper is opened for; a post notes it and shows the paper. The same click twice is one opening."""
    pages = _pages(request, code, claim)
    openings.check_opens(pages.claim, pages.person)
    openings.check_opens_it(pages.claim, pages.person, openings.access_paper(pages.claim, paper))
    return ask_or_open(request, pages, paper)


@duty_required(REVIEWER, SECOND_REVIEWER)
@require_safe
def opening(request: HttpRequest, code: str, claim: str, opening: int) -> HttpResponse:
    """Show the paper of an opening, or that it is over."""
    return show_opening(request, _pages(request, code, claim), opening)


@duty_required(REVIEWER, SECOND_REVIEWER)
@require_safe
def opening_file(request: HttpRequest, code: str, claim: str, opening: int) -> HttpResponse:
    """Hand out the paper of an opening."""
    return hand_out(_pages(request, code, claim), opening)


def _pages(request: HttpRequest, code: str, claim: str) -> PaperPages:
    found: Claim = selectors.access_claim_of_pool(pool=access_pool(code=code), code=claim)
    pool, back = found.pool, reverse("review_claim", args=[code, claim])
    return PaperPages(
        claim=found,
        person=cast(User, request.user),
        section="pools",
        back=back,
        ask=lambda paper: reverse("review_paper", args=[code, claim, paper]),
        opening=lambda one: reverse("review_opening", args=[code, claim, one]),
        file=lambda one: reverse("review_opening_file", args=[code, claim, one]),
        crumbs=[
            (in_language(pool.name_en, pool.name_zh), reverse("pool", args=[pool.code])),
            (_("Review"), reverse("review_queue", args=[pool.code])),
            (found.code, back),
        ],
    )
