"""Blind reviews: which claims wait for one, and one of them without a word of how it was judged."""

import uuid
from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_safe

from aidplatform.lib import clock
from aidplatform.lib.errors import DomainError, NotFoundError
from aidplatform.lib.templating import in_language
from aidplatform.work import audit
from aidplatform.work.idempotency import once
from claims.filing import selectors as filing
from claims.filing.models import Claim
from claims.filing.views import in_words
from claims.filing.words import EVERY_KIND, KINDS
from claims.review import blind, desk, selectors
from claims.review.appeals import REVIEWER, SECOND_REVIEWER
from claims.review.forms import BlindForm
from claims.review.models import Clause
from claims.review.opening_models import PURPOSES_AT_ONCE
from claims.review.views import clauses_of, late_page, paper_choices
from ledger.sharing.faces import DISEASES
from members.people.models import User
from members.pools.models import Pool
from members.pools.rules import duty_required
from members.pools.selectors import access_pool, duties_of


@duty_required(REVIEWER, SECOND_REVIEWER)
@require_safe
def blind_queue(request: HttpRequest, code: str) -> HttpResponse:
    """List the decided claims that wait for a blind review by somebody without a part in them."""
    pool = access_pool(code=code)
    person = cast(User, request.user)
    context = {
        "section": "pools",
        "pool": pool,
        "staff": duties_of(person, pool),
        "rows": [(claim, DISEASES[claim.illness]) for claim in blind.waiting_claims(pool, person)],
        "crumbs": _crumbs(pool, _("Blind reviews")),
    }
    return render(request, "claims/review/blind_queue.html", context)


@duty_required(REVIEWER, SECOND_REVIEWER)
@require_http_methods(["GET", "HEAD", "POST"])
def blind_review(request: HttpRequest, code: str, claim: str) -> HttpResponseBase:
    """Show a claim without its recommendation and decision, and take the judgment; the same click twice is one."""
    pool, person = access_pool(code=code), cast(User, request.user)
    found = selectors.access_claim_of_pool(pool=pool, code=claim)
    if request.method == "POST":
        return _judge(request, found, person)
    if not blind.waits_for(found, person):
        raise NotFoundError(_("No blind review of this claim waits for you."))
    audit.record(actor=person.code, action="open_claim", subject=found.code, purpose="blind_review")
    return _page(request, found)


def _judge(request: HttpRequest, claim: Claim, person: User) -> HttpResponse:
    form = BlindForm(request.POST, papers=paper_choices(claim))
    if not form.is_valid():
        if not blind.waits_for(claim, person):
            raise NotFoundError(_("No blind review of this claim waits for you."))
        return _page(request, claim, form, status=422)
    told = {name: form.cleaned_data[name] for name in ("outcome", "clause", "papers", "reason")}
    told["aid_fen"] = form.cleaned_data["aid"]

    def act() -> dict[str, Any]:
        made = desk.review_blindly(claim=claim, reviewer=person.code, at=clock.now(), **told)
        return {"outcome": made.outcome}

    try:
        once(
            scope=f"{person.code}/blind/{claim.code}",
            key=str(form.cleaned_data["key"]),
            content=told,
            act=act,
        )
    except desk.JudgedBlindlyError as late:
        return late_page(request, claim, form, late)
    except DomainError as error:
        if not blind.waits_for(claim, person):
            raise
        return _page(request, claim, form, error=error, status=error.status)
    return redirect("blind_queue", code=claim.pool.code)


def _page(
    request: HttpRequest,
    claim: Claim,
    form: BlindForm | None = None,
    error: DomainError | None = None,
    status: int = 200,
) -> HttpResponse:
    papers = list(filing.papers_of(claim))
    held = {paper.kind for paper in papers}
    context = {
        "section": "pools",
        "pool": claim.pool,
        "claim": claim,
        "error": error,
        "may_read": True,
        "illness": DISEASES[claim.illness],
        "story": filing.read_story(claim),
        "birth": filing.read_birth(claim),
        "payee": filing.read_payee(claim),
        "papers": [(paper, EVERY_KIND[paper.kind]) for paper in papers],
        "purposes": PURPOSES_AT_ONCE,
        "checklist": [(KINDS[kind], kind in held) for kind in filing.papers_needed(claim)],
        "derivation": in_words(claim.derivation or []),
        "clauses": clauses_of(claim),
        "form": form
        or BlindForm(
            initial={"outcome": "approved", "aid": claim.aid_fen, "clause": Clause.AID, "key": uuid.uuid4()},
            papers=paper_choices(claim),
        ),
        "crumbs": _crumbs(
            claim.pool, claim.code, (_("Blind reviews"), reverse("blind_queue", args=[claim.pool.code]))
        ),
    }
    return render(request, "claims/review/blind_review.html", context, status=status)


def _crumbs(pool: Pool, here: object, *between: tuple[object, str]) -> list[tuple[object, str]]:
    return [
        (in_language(pool.name_en, pool.name_zh), reverse("pool", args=[pool.code])),
        (_("Review"), reverse("review_queue", args=[pool.code])),
        *between,
        (here, ""),
    ]
