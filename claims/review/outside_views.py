"""The page on which two people appoint somebody from outside for a claim that nobody of the pool may look at."""

from collections.abc import Callable
from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from aidplatform.lib import clock
from aidplatform.lib.errors import DomainError, NotFoundError
from aidplatform.lib.http import attempt
from aidplatform.lib.templating import in_language
from claims.filing.models import Claim
from claims.review import outside_reviews
from claims.review.appeals import duty_names
from claims.review.forms import LinkForm, OutsideReviewerForm
from claims.review.outside_models import OutsideReview
from claims.review.outside_pages import access_outside, rights_over
from claims.review.outside_selectors import CONTROLLER, POOL_ADMIN, live_review_of, outside_reviews_of, told
from claims.review.outside_triggers import LINK_DAYS, REVIEW_DAYS
from members.people.models import User
from members.pools.rules import duty_required
from members.pools.selectors import duties_of


@duty_required(POOL_ADMIN, CONTROLLER)
@require_safe
def appointment(request: HttpRequest, code: str, claim: str) -> HttpResponse:
    """Say whom the claim lacks, who is proposed, and what is this person's to do."""
    return _page(request, access_outside(_person(request), code, claim))


def _page(
    request: HttpRequest,
    claim: Claim,
    error: DomainError | None = None,
    *,
    form: OutsideReviewerForm | None = None,
    link: str = "",
    mailed_to: str = "",
    link_form: LinkForm | None = None,
    status: int = 200,
) -> HttpResponse:
    pool, at, person = claim.pool, clock.now(), _person(request)
    live = live_review_of(claim)
    rights, stage = rights_over(claim, live, person, at)
    context: dict[str, Any] = {
        "section": "pools",
        "pool": pool,
        "claim": claim,
        "staff": duties_of(person, pool),
        "answers": (live.stage if live else stage) == OutsideReview.Stage.OBJECTION,
        "lacking": duty_names([stage]) if stage else [],
        "one": told(live) if live else None,
        "before": [told(each) for each in outside_reviews_of(claim) if each.state not in OutsideReview.LIVE],
        "rights": rights,
        "form": (form or OutsideReviewerForm()) if "propose" in rights else None,
        "link": link,
        "link_form": link_form or LinkForm(initial={"instead_of": live.link_mark if live else ""}),
        "mailed_to": mailed_to,
        "link_days": LINK_DAYS,
        "days": REVIEW_DAYS,
        "has_link": live is not None and live.has_link(at),
        "error": error,
        "crumbs": [
            (in_language(pool.name_en, pool.name_zh), reverse("pool", args=[pool.code])),
            (_("Outside reviewer"), ""),
        ],
    }
    return render(request, "claims/review/outside.html", context, status=error.status if error else status)


@duty_required(POOL_ADMIN)
@require_POST
def propose(request: HttpRequest, code: str, claim: str) -> HttpResponse:
    """Propose who looks at it."""
    found, form = access_outside(_person(request), code, claim), OutsideReviewerForm(request.POST)
    if not form.is_valid():
        return _page(request, found, form=form, status=422)
    return _act(
        request,
        found,
        lambda person: outside_reviews.propose(
            claim=found, admin=person.code, at=clock.now(), **form.cleaned_data
        ),
        form,
    )


@duty_required(CONTROLLER)
@require_POST
def agree(request: HttpRequest, code: str, claim: str) -> HttpResponse:
    """Agree to who was proposed, or not."""
    found = access_outside(_person(request), code, claim)
    agrees = "agree" in request.POST
    return _act(
        request,
        found,
        lambda person: outside_reviews.agree(
            review=_live(found), controller=person.code, agrees=agrees, at=clock.now()
        ),
    )


@duty_required(POOL_ADMIN)
@require_POST
def link(request: HttpRequest, code: str, claim: str) -> HttpResponse:
    """Make the link and show it, once: a page that is loaded again makes no other one."""
    found, form = access_outside(_person(request), code, claim), LinkForm(request.POST)
    if not form.is_valid():
        return _page(request, found, link_form=form, status=422)
    made, refusal = attempt(
        lambda: outside_reviews.make_link(
            review=_live(found), admin=_person(request).code, at=clock.now(), **form.cleaned_data
        )
    )
    return _page(request, found, refusal, link=made or "", mailed_to=form.cleaned_data["address"])


@duty_required(POOL_ADMIN)
@require_POST
def end(request: HttpRequest, code: str, claim: str) -> HttpResponse:
    """End what is late, or what nobody needs any more."""
    found = access_outside(_person(request), code, claim)
    return _act(
        request,
        found,
        lambda person: outside_reviews.end(review=_live(found), admin=person.code, at=clock.now()),
    )


def _act(
    request: HttpRequest,
    claim: Claim,
    deed: Callable[[User], object],
    form: OutsideReviewerForm | None = None,
) -> HttpResponse:
    """Do it and show the page; refused, show it as it is now with the refusal and the form as sent."""
    _done, refusal = attempt(lambda: deed(_person(request)))
    if refusal is not None:
        claim.refresh_from_db()
        return _page(request, claim, refusal, form=form)
    return redirect("outside_review", code=claim.pool.code, claim=claim.code)


def _live(claim: Claim) -> OutsideReview:
    live = live_review_of(claim)
    if live is None:
        raise NotFoundError(_("Nobody from outside is proposed for this claim."))
    return live


def _person(request: HttpRequest) -> User:
    return cast(User, request.user)
