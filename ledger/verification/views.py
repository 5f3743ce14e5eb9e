"""Pages on which whoever reads the books has everything recomputed, and sees what came out."""

from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from aidplatform.lib import clock
from aidplatform.lib.csv_files import Text, csv_response
from aidplatform.work.models import Job
from ledger.books.views import READERS, page_context
from ledger.verification import selectors, services
from ledger.verification.models import Verification
from members.people.models import User
from members.pools.rules import duty_required
from members.pools.selectors import access_pool

LISTED = 20


@duty_required(*READERS)
@require_safe
def verifications(request: HttpRequest, code: str) -> HttpResponse:
    """Show the newest verification with how far it is and what it found, and list those before it."""
    pool = access_pool(code=code)
    found = list(selectors.verifications_of(pool)[: LISTED + 1])
    context = page_context(pool, "verifications", (_("Verify"), "")) | {
        "newest": found[0] if found else None,
        "earlier": found[1 : LISTED + 1],
        **(_shown(found[0]) if found else {}),
    }
    return render(request, "ledger/verification/verifications.html", context)


@duty_required(*READERS)
@require_safe
def verification(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Show one verification."""
    pool = access_pool(code=code)
    found = selectors.access_verification(pool=pool, number=number)
    crumbs = (
        (_("Verify"), reverse("verifications", args=[code])),
        (_("Verification %(number)s") % {"number": number}, ""),
    )
    context = page_context(pool, "verifications", *crumbs) | {
        "newest": found,
        "is_one": True,
        **_shown(found),
    }
    return render(request, "ledger/verification/verifications.html", context)


@duty_required(*READERS)
@require_POST
def ask(request: HttpRequest, code: str) -> HttpResponse:
    """Order a verification; while one runs, the page shows that one."""
    asker = cast(User, request.user)
    services.ask_for_verification(pool=access_pool(code=code), asker=asker.code, at=clock.now())
    return redirect("verifications", code=code)


@duty_required(*READERS)
@require_safe
def statements_csv(request: HttpRequest, code: str, number: int) -> HttpResponseBase:
    """Download every statement with how often it was examined and where it is false."""
    found = selectors.access_verification(pool=access_pool(code=code), number=number)
    rows = [
        (Text(name), Text(statement.sentence), statement.examined, statement.false)
        for name, statement in selectors.outcome_of(found).statements.items()
    ]
    header = ("statement", "sentence", "examined", "false")
    return csv_response(f"{code}-verification-{number}.csv", header, rows)


def _shown(found: Verification) -> dict[str, Any]:
    stuck = Job.objects.filter(kind=services.VERIFY, key=str(found.pk), state=Job.State.STUCK)
    return {
        "progress": selectors.progress_of(found),
        "is_stuck": found.state == Verification.State.RUNNING and stuck.exists(),
        "outcome": selectors.outcome_of(found),
    }
