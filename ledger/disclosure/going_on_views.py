"""The page on which a member reads where they may go on at the last age, and signs or takes it back."""

from dataclasses import replace
from typing import cast

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from aidplatform.lib import clock
from aidplatform.lib.errors import DomainError, NotFoundError
from aidplatform.lib.http import attempt, policy, signed_in
from aidplatform.lib.templating import in_language
from ledger.disclosure.going_on import costs_of, place_there
from members.joining.forms import ConsentForm
from members.joining.selectors import access_membership
from members.joining.signing_texts import signing_texts
from members.joining.transfer_models import AgeTransfer
from members.joining.transfer_offers import Offer, last_transfer, offer_of, rules_on
from members.joining.transfers import revoke, sign_ahead
from members.people.models import User
from members.pools.models import PlanVersion
from members.pools.plan_words import Difference, difference


class AheadForm(ConsentForm):
    """Both consents, that the covenant was read, and the hash of what was shown."""

    read = forms.BooleanField(
        label=_("I have read the covenant of the other pool and what is different there."),
        error_messages={"required": _("Read the covenant before you sign it.")},
    )
    shown_sha256 = forms.RegexField(r"^[0-9a-f]{64}$", widget=forms.HiddenInput)


@policy("member")
@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def going_on(request: HttpRequest, code: str) -> HttpResponse:
    """Show the other pool, its costs, what is different and what was signed; sign its covenant ahead."""
    if request.method != "POST":
        return _page(request, code)
    form = AheadForm(request.POST)
    if not form.is_valid():
        return _page(request, code, form=form)
    person = cast(User, request.user)
    refusal = attempt(
        lambda: sign_ahead(
            membership=access_membership(code=code, person=person),
            person=person,
            shown_sha256=form.cleaned_data["shown_sha256"],
            health=form.cleaned_data["health"],
            publication=form.cleaned_data["publication"],
            language=get_language() or "en",
            at=clock.now(),
        )
    )[1]
    return _page(request, code, form, refusal) if refusal else redirect("going_on", code=code)


@policy("member")
@signed_in
@require_POST
def stop_going_on(request: HttpRequest, code: str) -> HttpResponse:
    """Take back what was signed; taken back before: the page."""
    person = cast(User, request.user)
    transfer = last_transfer(access_membership(code=code, person=person))
    if transfer is None:
        raise NotFoundError(_("There is no such page, or it is not yours to see."))
    refusal = attempt(lambda: revoke(transfer=transfer, person=person, at=clock.now()))[1]
    return _page(request, code, refusal=refusal) if refusal else redirect("going_on", code=code)


def _rules_apart(here: PlanVersion, offer: Offer) -> Difference:
    """Return which rules differ there; the covenant is read whole, and no health question is asked anew."""
    apart = difference(here, offer.version, offer.pool.currency)
    return replace(apart, covenant_en=(), covenant_zh=(), questions=())


def _page(
    request: HttpRequest, code: str, form: AheadForm | None = None, refusal: DomainError | None = None
) -> HttpResponse:
    membership = access_membership(code=code, person=cast(User, request.user))
    pool, today = membership.pool, clock.today(membership.pool.time_zone)
    offer, last = offer_of(membership, today), last_transfer(membership)
    here = rules_on(pool, today)
    same_money = offer is not None and offer.pool.currency == pool.currency
    context = {
        "section": "pools",
        "pool": pool,
        "membership": membership,
        "offer": offer,
        "last": last,
        "has_begun": last is not None and last.state == AgeTransfer.State.BEGUN,
        "has_lapsed": last is not None and last.state == AgeTransfer.State.LAPSED,
        "successor": here.plan().successor if here else None,
        "costs": costs_of(offer) if offer else None,
        "place": place_there(offer) if offer else None,
        "texts": signing_texts(offer.version, offer.pool.currency) if offer else (),
        "difference": _rules_apart(here, offer) if here and offer and same_money else None,
        "form": form
        or (AheadForm(initial={"shown_sha256": offer.version.covenant_sha256}) if offer else None),
        "refusal": refusal,
        "crumbs": [
            (in_language(pool.name_en, pool.name_zh), reverse("pool", args=[pool.code])),
            (_("My place"), reverse("my_pool", args=[pool.code])),
            (_("Going on at the last age"), ""),
        ],
    }
    status = refusal.status if refusal else 422 if form is not None else 200
    return render(request, "ledger/disclosure/going_on.html", context, status=status)
