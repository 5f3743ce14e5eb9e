"""Pages of investigations for reviewers: order one, agree to it, hand its link out, extend it, end it."""

import uuid
from collections.abc import Callable
from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from aidplatform.lib import clock
from aidplatform.lib.errors import DomainError, NotFoundError
from aidplatform.lib.http import attempt
from aidplatform.lib.templating import in_language
from aidplatform.work.idempotency import once
from claims.filing.models import Claim
from claims.review import investigation_pages as pages
from claims.review import investigations, selectors
from claims.review.appeals import REVIEWER, SECOND_REVIEWER
from claims.review.forms import LinkForm
from claims.review.investigation_forms import OrderForm
from claims.review.investigation_models import Investigation
from claims.review.investigation_selectors import access_of_claim, terms_of, told
from claims.review.investigation_triggers import LINK_DAYS
from claims.review.services import check_in_charge
from ledger.custody.cost_models import OutsideCost
from members.people.models import User
from members.pools.rules import duty_required
from members.pools.selectors import access_pool


@duty_required(REVIEWER)
@require_http_methods(["GET", "HEAD", "POST"])
def order(request: HttpRequest, code: str, claim: str) -> HttpResponse:
    """Say what somebody from outside is to find out; a post orders it. The same click twice is one investigation."""
    found, person = _found(code, claim), _person(request)
    check_in_charge(found, person.code)
    if request.method != "POST":
        return _order(request, found, OrderForm(initial={"key": uuid.uuid4()}))
    form = OrderForm(request.POST)
    if not form.is_valid():
        return _order(request, found, form, status=422)
    told_ = {name: form.cleaned_data[name] for name in ("question", "reason", "name")}
    most_fen = form.cleaned_data["most"]

    def act() -> dict[str, Any]:
        made = investigations.order_investigation(
            claim=found, reviewer=person.code, most_fen=most_fen, at=clock.now(), **told_
        )
        return {"number": made.number}

    scope = f"{person.code}/investigate/{found.code}"
    answer, refusal = attempt(
        lambda: once(
            scope=scope,
            key=str(form.cleaned_data["key"]),
            content={**told_, "most_fen": most_fen},
            act=act,
        )
    )
    if refusal is not None:
        form.add_error(None, str(refusal))
        return _order(request, found, form, status=refusal.status)
    return redirect("review_investigation", code=code, claim=claim, number=answer["number"])


def _order(request: HttpRequest, claim: Claim, form: OrderForm, status: int = 200) -> HttpResponse:
    context = {
        "section": "pools",
        "pool": claim.pool,
        "claim": claim,
        "form": form,
        "terms": terms_of(claim),
        "bearers": dict(OutsideCost.BorneBy.choices),
        "crumbs": _crumbs(claim, _("Investigation")),
    }
    return render(request, "claims/review/order_investigation.html", context, status=status)


@duty_required(REVIEWER, SECOND_REVIEWER, pages.POOL_ADMIN)
@require_safe
def investigation(request: HttpRequest, code: str, claim: str, number: int) -> HttpResponse:
    """Show an investigation to the people who may do something with it."""
    found = _found(code, claim)
    return _shown(request, access_of_claim(found, number))


def _shown(
    request: HttpRequest,
    one: Investigation,
    error: DomainError | None = None,
    link: str = "",
    mailed_to: str = "",
    link_form: LinkForm | None = None,
    status: int = 200,
) -> HttpResponse:
    claim = _found(one.claim.pool.code, one.claim.code)
    one.claim = claim
    rights = pages.rights_in(one, _person(request))
    if not rights:
        raise NotFoundError(_("There is no such page, or it is not yours to see."))
    context = {
        "section": "pools",
        "pool": claim.pool,
        "claim": claim,
        "one": told(one),
        "rights": rights,
        "bearer": dict(OutsideCost.BorneBy.choices)[one.borne_by],
        "link": link,
        "link_form": link_form or LinkForm(initial={"instead_of": one.link_mark}),
        "mailed_to": mailed_to,
        "link_days": LINK_DAYS,
        "has_link": pages.link_stands(one),
        "refusal": error,
        "crumbs": _crumbs(claim, _("Investigation %(number)s") % {"number": one.number}),
    }
    status = error.status if error else status
    return render(request, "claims/review/investigation.html", context, status=status)


@duty_required(SECOND_REVIEWER)
@require_POST
def decide(request: HttpRequest, code: str, claim: str, number: int) -> HttpResponse:
    """Agree to a costly investigation, or not."""
    return _act(
        request,
        access_of_claim(_found(code, claim), number),
        lambda one, person: investigations.agree_to_investigation(
            investigation=one, decider=person.code, agrees="agree" in request.POST, at=clock.now()
        ),
    )


@duty_required(REVIEWER)
@require_POST
def link(request: HttpRequest, code: str, claim: str, number: int) -> HttpResponse:
    """Make the link for the investigator and show it, once: a page that is loaded again makes no other one."""
    one, form = access_of_claim(_found(code, claim), number), LinkForm(request.POST)
    if not form.is_valid():
        return _shown(request, one, link_form=form, status=422)
    made, refusal = attempt(
        lambda: investigations.make_link(
            investigation=one, reviewer=_person(request).code, at=clock.now(), **form.cleaned_data
        )
    )
    shown = access_of_claim(_found(code, claim), number)
    return _shown(request, shown, refusal, made or "", form.cleaned_data["address"])


@duty_required(REVIEWER)
@require_POST
def extend(request: HttpRequest, code: str, claim: str, number: int) -> HttpResponse:
    """Give an investigation its days once more."""
    return _act(
        request,
        access_of_claim(_found(code, claim), number),
        lambda one, person: investigations.extend_investigation(
            investigation=one, reviewer=person.code, at=clock.now()
        ),
    )


@duty_required(REVIEWER, pages.POOL_ADMIN)
@require_POST
def revoke(request: HttpRequest, code: str, claim: str, number: int) -> HttpResponse:
    """End an investigation without a report."""
    return _act(
        request,
        access_of_claim(_found(code, claim), number),
        lambda one, person: investigations.revoke_investigation(
            investigation=one, actor=person.code, at=clock.now()
        ),
    )


def _act(
    request: HttpRequest, one: Investigation, deed: Callable[[Investigation, User], object]
) -> HttpResponse:
    """Do it and show the investigation, or why it was refused."""
    _done, refusal = attempt(lambda: deed(one, _person(request)))
    if refusal is not None:
        return _shown(request, access_of_claim(one.claim, one.number), refusal)
    return redirect("review_investigation", code=one.claim.pool.code, claim=one.claim.code, number=one.number)


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
