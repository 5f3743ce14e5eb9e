"""The letter of a decision for its claimant: a page in the reader's language, and a PDF in each."""

from typing import cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from aidplatform.lib.http import signed_in
from claims.filing.selectors import access_claim
from claims.publicity.letters import access_decision, letter_in, letter_languages, letter_pdf
from members.people.models import User


@signed_in
@require_safe
def letter(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Show the letter of the decision of a round."""
    claim = access_claim(user=cast(User, request.user), code=code)
    decision = access_decision(claim=claim, round_no=number)
    context = {
        "section": "claims",
        "claim": claim,
        "pool": claim.pool,
        "letter": letter_in(decision, get_language() or "en"),
        "files": [
            (reverse("claim_letter_pdf", args=[code, number, language]), name)
            for language, name in letter_languages()
        ],
        "crumbs": [
            (_("My claims"), reverse("my_claims")),
            (claim.code, reverse("claim", args=[code])),
            (_("Letter"), ""),
        ],
    }
    return render(request, "claims/publicity/letter.html", context)


@signed_in
@require_safe
def letter_file(request: HttpRequest, code: str, number: int, language: str) -> HttpResponse:
    """Download the letter as PDF."""
    claim = access_claim(user=cast(User, request.user), code=code)
    content = letter_pdf(access_decision(claim=claim, round_no=number), language)
    return pdf_response(content, f"{claim.code}-{number}-{language}.pdf")


def pdf_response(content: bytes, name: str) -> HttpResponse:
    """Return a PDF as a download."""
    disposition = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(content, content_type="application/pdf", headers=disposition)
