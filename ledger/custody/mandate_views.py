"""Debit mandates: a member's own page, and the list of those who run the pool, with masked accounts."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from aidplatform.lib import clock
from aidplatform.lib.errors import DomainError, NotFoundError
from aidplatform.lib.fields import NameField
from aidplatform.lib.http import attempt, number_before, policy
from aidplatform.lib.templating import in_language
from ledger.custody.charge_files import can_retry
from ledger.custody.charge_selectors import debits_of, next_debits
from ledger.custody.mandates import (
    LONGEST_HOLDER,
    BadAccountError,
    give_mandate,
    live_mandate,
    mandates_in,
    mandates_of,
    offer_of,
    revoke_mandate,
)
from ledger.custody.pages import READERS, page_context, person_of, render_page
from members.joining.models import Membership
from members.joining.selectors import access_membership
from members.people.debit_words import what_to_do, why
from members.pools.rules import duty_required, freshly_signed_in
from members.pools.selectors import access_pool

PAGE = 100


class MandateForm(forms.Form):
    """Whose account it is, and to which text they agree."""

    shown_sha256 = forms.RegexField(r"^[0-9a-f]{64}$", widget=forms.HiddenInput)
    holder_name = NameField(label=_("Name of the account holder"), max_length=LONGEST_HOLDER)
    account = forms.CharField(
        label=_("Account number"),
        max_length=60,
        help_text=_("Kept encrypted. Only its last four digits are shown again."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    agreed = forms.BooleanField(
        label=_("I agree to this text."),
        error_messages={"required": _("Without your agreement there is no mandate.")},
    )


@policy("member")
@freshly_signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def my_mandate(request: HttpRequest, code: str) -> HttpResponse:
    """Show a member their mandates; give one over the text that is shown."""
    membership = access_membership(code=code, person=person_of(request))
    form = MandateForm(request.POST or None)
    if request.method != "POST" or not form.is_valid():
        return _page(request, membership, form)
    given = form.cleaned_data
    refusal = attempt(
        lambda: give_mandate(
            membership=membership,
            holder_name=given["holder_name"],
            account=given["account"],
            shown_sha256=given["shown_sha256"],
            language=get_language() or "en",
            at=clock.now(),
        )
    )[1]
    if isinstance(refusal, BadAccountError):
        form.add_error("account", str(refusal))
        return _page(request, membership, form)
    if refusal is not None:
        return _page(request, membership, form, refusal)
    messages.success(request, _("The mandate is given. Each debit is announced to you before it is taken."))
    return redirect("my_mandate", code=code)


@policy("member")
@freshly_signed_in
@require_POST
def end_mandate(request: HttpRequest, code: str) -> HttpResponse:
    """Revoke the mandate in force; revoked already: the page."""
    membership = access_membership(code=code, person=person_of(request))
    refusal = attempt(lambda: revoke_mandate(membership=membership))[1]
    if refusal is not None:
        return _page(request, membership, MandateForm(), refusal)
    return redirect("my_mandate", code=code)


def _page(
    request: HttpRequest, membership: Membership, form: MandateForm, refusal: DomainError | None = None
) -> HttpResponse:
    pool, offer, live = membership.pool, offer_of(membership), live_mandate(membership)
    rows = list(mandates_of(membership)[:PAGE])
    if offer is None and not rows:
        raise NotFoundError(_("This pool does not debit accounts: members transfer."))
    coming = next_debits(membership) if live else []
    context: dict[str, Any] = {
        "section": "pools",
        "pool": pool,
        "membership": membership,
        "offer": offer,
        "live": live,
        "rows": rows,
        "debits": [(one, why(one.reason), what_to_do(one.reason)) for one in debits_of(membership)],
        "coming": coming,
        "can_retry": any(one.is_offered and not one.is_due for one in coming) and can_retry(membership),
        "transfer_fen": sum(one.fen for one in coming if not one.comes_by_itself),
        "today": clock.today(pool.time_zone),
        "form": form,
        "refusal": refusal,
        "crumbs": [
            (in_language(pool.name_en, pool.name_zh), reverse("pool", args=[pool.code])),
            (_("My place"), reverse("my_pool", args=[pool.code])),
            (_("Debit mandate"), ""),
        ],
    }
    return render_page(request, "my_mandate", context, 422 if form.is_bound and form.errors else 200)


@duty_required(*READERS)
@require_safe
def mandates(request: HttpRequest, code: str) -> HttpResponse:
    """List the mandates of a pool, newest first, with the last four characters of each account."""
    pool, before = access_pool(code=code), number_before(request)
    found = mandates_in(pool)
    rows = list((found.filter(pk__lt=before) if before is not None else found)[: PAGE + 1])
    here, is_more = reverse("custody_mandates", args=[code]), len(rows) > PAGE
    rows = rows[:PAGE]
    context = page_context(request, pool, "mandates", (_("Mandates"), "")) | {
        "rows": rows,
        "newer": here if before is not None else "",
        "older": f"{here}?before={rows[-1].pk}" if is_more else "",
    }
    return render_page(request, "mandates", context)
