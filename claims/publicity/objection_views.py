"""Pages of one objection: its papers, the claimant's reply, and what two people take out of what the claimant reads."""

from collections.abc import Callable
from typing import cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from aidplatform.lib import clock
from aidplatform.lib.errors import DomainError
from aidplatform.lib.http import signed_in
from aidplatform.lib.templating import in_language
from claims.filing import selectors as filing
from claims.filing.views import paper_response
from claims.publicity import redactions, selectors, services, views
from claims.publicity.forms import ObjectionPaperForm, RedactionForm, ReplyForm
from claims.publicity.models import Objection, Redaction
from claims.publicity.objection_papers import add_to_objection
from claims.publicity.objection_selectors import (
    Reader,
    access_paper,
    access_redaction,
    access_told_paper,
    note_reading,
    objections_in_full,
    read_left,
    read_told_paper,
    told,
)
from members.people.models import User
from members.pools.models import DutyGrant, Pool
from members.pools.rules import duty_required
from members.pools.selectors import access_pool, duties_of

SECOND_REVIEWER = DutyGrant.Duty.SECOND_REVIEWER.value
CONTROLLER = DutyGrant.Duty.CONTROLLER.value
AUDITOR = DutyGrant.Duty.AUDITOR.value


@signed_in
@require_POST
def reply(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Reply to an objection as who speaks for the claim; replied already: the claim's page."""
    found = filing.access_claim(user=_person(request), code=code)
    one = selectors.access_objection(claim=found, number=number)
    if one.replied_at is not None:
        return redirect("claim", code=code)
    form = ReplyForm(request.POST)
    if not form.is_valid():
        return views.claim_page(request, found, status=422, forms={"replies": {number: form}})
    try:
        services.reply_to_objection(
            objection=one, claimant=_person(request).code, at=clock.now(), **form.cleaned_data
        )
    except DomainError as error:
        found = filing.access_claim(user=_person(request), code=code)
        return views.claim_page(request, found, error, status=error.status, forms={"replies": {number: form}})
    return redirect("claim", code=code)


@signed_in
@require_safe
def told_paper(request: HttpRequest, code: str, number: int, paper: str) -> HttpResponse:
    """Hand a paper of an objection out to whose case it is, marked as theirs."""
    found = filing.access_claim(user=_person(request), code=code)
    at = clock.now()
    one = access_told_paper(claim=found, number=number, code=paper, at=at)
    marked = read_told_paper(claim=found, paper=one, person=_person(request), at=at)
    return paper_response(marked, one.paper.code)


@signed_in
@require_POST
def add_paper(request: HttpRequest, code: str, case: str, number: int) -> HttpResponse:
    """Lay a further paper beside one's own objection."""
    pool = selectors.access_notices(user=_person(request), code=code)
    one = _objection(pool, case, number)
    form = ObjectionPaperForm(request.POST, request.FILES)
    if not form.is_valid():
        return views.case_page(request, pool, case, papers={number: form}, status=422)
    try:
        add_to_objection(
            objection=one,
            member=_person(request).code,
            data=form.cleaned_data["file"].read(),
            at=clock.now(),
        )
    except DomainError as error:
        return views.case_page(request, pool, case, papers={number: form}, error=error, status=error.status)
    return redirect("case", code=code, case=case)


@duty_required(SECOND_REVIEWER, CONTROLLER, AUDITOR)
@require_safe
def objection(request: HttpRequest, code: str, case: str, number: int) -> HttpResponse:
    """Show an objection as it was written, beside what its claimant reads of it."""
    return _page(request, _objection(access_pool(code=code), case, number), case)


def _page(
    request: HttpRequest,
    one: Objection,
    case: str,
    *,
    form: RedactionForm | None = None,
    error: DomainError | None = None,
    status: int = 200,
) -> HttpResponse:
    """Show the objection to somebody apart from the case; that they read it is noted. Raises: NotApartError."""
    person, pool = _person(request), one.claim.pool
    redactions.check_apart(one, person)
    one = objections_in_full(one.claim).get(pk=one.pk)
    note_reading(one, person)
    duties = duties_of(person, pool)
    context = {
        "section": "pools",
        "pool": pool,
        "case": case,
        "told": told(one, Reader.IN_FULL, clock.now()),
        "left": told(one, Reader.CLAIMANT, clock.now()),
        "proposals": [
            (proposal, _left(proposal), _may_decide(proposal, person, duties))
            for proposal in one.redactions.all()
        ],
        "form": form or RedactionForm(),
        "error": error,
        "can_propose": SECOND_REVIEWER in duties
        and not one.redactions.filter(state=Redaction.State.PROPOSED).exists(),
        "opens_papers": SECOND_REVIEWER in duties,
        "crumbs": [
            (in_language(pool.name_en, pool.name_zh), reverse("pool", args=[pool.code])),
            (_("Notice board"), reverse("notice_board", args=[pool.code])),
            (case, reverse("case", args=[pool.code, case])),
            (_("Objection %(number)s") % {"number": one.number}, ""),
        ],
    }
    return render(request, "claims/publicity/objection.html", context, status=status)


def _left(proposal: Redaction) -> str:
    return read_left(proposal) if proposal.paper_id is None else ""


def _may_decide(proposal: Redaction, person: User, duties: set[str]) -> bool:
    waits = proposal.state == Redaction.State.PROPOSED
    return waits and proposal.proposed_by != person.code and bool(redactions.deciding_on(proposal) & duties)


@duty_required(SECOND_REVIEWER)
@require_POST
def take_words_out(request: HttpRequest, code: str, case: str, number: int) -> HttpResponse:
    """Propose to take words out of an objection."""
    one = _objection(access_pool(code=code), case, number)
    form = RedactionForm(request.POST)
    if not form.is_valid():
        return _page(request, one, case, form=form, status=422)

    def act() -> None:
        redactions.propose_words(
            objection=one, proposer=_person(request).code, at=clock.now(), **form.cleaned_data
        )

    return _done(request, one, case, act, form)


@duty_required(SECOND_REVIEWER)
@require_POST
def withhold(request: HttpRequest, code: str, case: str, number: int, paper: str) -> HttpResponse:
    """Propose to withhold a paper of an objection, because it is about other people."""
    one = _objection(access_pool(code=code), case, number)
    kept = access_paper(one, paper)

    def act() -> None:
        redactions.propose_paper(paper=kept, proposer=_person(request).code, at=clock.now())

    return _done(request, one, case, act)


@duty_required(SECOND_REVIEWER, CONTROLLER)
@require_POST
def decide(request: HttpRequest, code: str, case: str, number: int, redaction: int) -> HttpResponse:
    """Take out what was proposed, or leave it."""
    one = _objection(access_pool(code=code), case, number)
    proposal = access_redaction(objection=one, number=redaction)
    takes_out = "take_out" in request.POST

    def act() -> None:
        redactions.decide_redaction(
            redaction=proposal, decider=_person(request).code, takes_out=takes_out, at=clock.now()
        )

    return _done(request, one, case, act)


def _done(
    request: HttpRequest,
    one: Objection,
    case: str,
    act: Callable[[], None],
    form: RedactionForm | None = None,
) -> HttpResponse:
    """Do it and show the objection anew, or say beside it why not."""
    try:
        act()
    except redactions.NotApartError:
        raise
    except DomainError as error:
        return _page(request, one, case, form=form, error=error, status=error.status)
    return redirect("objection", code=one.claim.pool.code, case=case, number=one.number)


def _objection(pool: Pool, case: str, number: int) -> Objection:
    return selectors.access_objection(
        claim=selectors.access_published_claim(pool=pool, case=case), number=number
    )


def _person(request: HttpRequest) -> User:
    return cast(User, request.user)
