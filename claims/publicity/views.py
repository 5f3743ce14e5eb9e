"""Pages of publicity: the notice board, one case with its objections, and the claimant's own timeline."""

import datetime as dt
import hashlib
import uuid
from dataclasses import dataclass
from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from aidplatform.lib import clock
from aidplatform.lib.errors import DomainError
from aidplatform.lib.http import signed_in
from aidplatform.lib.templating import in_language
from aidplatform.work.idempotency import once, scope_of
from aidplatform.work.models import AuditEntry
from claims.filing import selectors as filing
from claims.filing.checklist import checklist
from claims.filing.consent import signed_layers
from claims.filing.forms import PaperForm
from claims.filing.layer_words import layer_rows
from claims.filing.models import Claim, Evidence
from claims.filing.paper_triggers import PAPERS_PER_OBJECTION
from claims.filing.parts import may_bring_bills
from claims.filing.selectors import concerned_by
from claims.filing.services import add_evidence
from claims.filing.states import (
    MAIN_WAY,
    OPEN_TO_CLAIMANT,
    POOL_ADMIN,
    STANDS_FOR,
    STEPS,
    WITHDRAWABLE,
)
from claims.filing.views import in_words
from claims.filing.words import DEEDS, EVERY_KIND, HOLDERS, KINDS
from claims.publicity import selectors, services
from claims.publicity.forms import AnswerForm, AppealForm, ObjectForm, ObjectionPaperForm, ReplyForm
from claims.publicity.models import Objection
from claims.publicity.objection_selectors import (
    Reader,
    Told,
    objections_in_full,
    reader_of,
    told,
    told_to_claimant,
)
from claims.publicity.triggers import DAYS_FOR_TWO
from claims.review import appeals, waiting
from claims.review import selectors as review
from claims.review.appeals import duty_names
from claims.review.investigation_pages import for_claimant
from claims.review.models import Decision
from claims.review.openings import reader_words
from claims.review.outside_selectors import outside_told
from ledger.sharing.face_selectors import FacesOf
from ledger.sharing.faces import DISEASES, words_of
from ledger.sharing.layers import MEMBERS
from members.joining.models import Membership
from members.people.models import User
from members.pools.models import DutyGrant, Pool
from members.pools.rules import duty_required
from members.pools.selectors import access_pool, duties_of

SECOND_REVIEWER = DutyGrant.Duty.SECOND_REVIEWER.value


@dataclass(frozen=True)
class Stage:
    """One step of the strip: its name, when it was reached, and whether it lies behind, is now, or comes."""

    name: object
    when: dt.datetime | None
    look: str


@signed_in
@require_safe
def claim(request: HttpRequest, code: str) -> HttpResponse:
    """Show the claimant where the claim is, who has it, until when, and who opened the file."""
    found = filing.access_claim(user=_person(request), code=code)
    return claim_page(request, found)


def claim_page(
    request: HttpRequest,
    found: Claim,
    error: DomainError | None = None,
    status: int = 200,
    forms: dict[str, Any] | None = None,
) -> HttpResponse:
    """Show a claim to its claimant. forms: what was refused, as it was sent."""
    file = selectors.file_of(found)
    papers = list(filing.papers_of(found))
    context = {
        "section": "claims",
        "claim": found,
        "pool": found.pool,
        "error": error,
        "begun_by": found.claimant if found.membership.person_id not in {None, found.claimant_id} else None,
        "child": filing.names_for(_person(request), [found.membership]).get(found.membership_id, ""),
        "stages": stages(found, file.history),
        "holder": HOLDERS[STEPS[found.state].holder],
        **_appeal_of(found, file, forms or {}),
        "is_open": found.state in OPEN_TO_CLAIMANT,
        "checklist": checklist(found) if found.state in OPEN_TO_CLAIMANT else [],
        "file_by": filing.last_day_to_file(found),
        "can_withdraw": found.state in WITHDRAWABLE,
        "illness": DISEASES.get(found.illness, ""),
        "derivation": in_words((file.accepted and file.accepted.derivation) or found.derivation or []),
        "accepted": file.accepted,
        "earlier_parts": filing.earlier_parts(found),
        "may_bring_bills": may_bring_bills(found),
        "payee": filing.read_payee(found),
        "investigations": for_claimant(found),
        **_objections_of(found, forms or {}),
        "papers": [(paper, EVERY_KIND[paper.kind]) for paper in papers],
        "layers": layer_rows(signed_layers(found), found.pool.currency),
        "cited": _cited(papers, file.decision),
        "first_cited": _cited(papers, file.first_decision),
        "asked": review.read_request(file.asked) if file.asked else "",
        "asked_kinds": [KINDS[kind] for kind in file.asked.kinds] if file.asked else [],
        "decision": file.decision,
        "decision_reason": review.read_reason(file.decision) if file.decision else "",
        "finding": review.read_reason(file.accepted) if file.accepted else "",
        "award": file.award,
        "rests": file.rests,
        "revoked": file.revoked,
        "parts": [file.award, *file.rests],
        "history": [(DEEDS[line.action], line.at) for line in file.deeds],
        "readers": [
            (DEEDS[one.deed], EVERY_KIND.get(one.kind, ""), reader_words(one), one) for one in file.readers
        ],
        "crumbs": [(_("My claims"), reverse("my_claims")), (found.code, "")],
    }
    return render(request, "claims/filing/claim.html", context, status=status)


def _objections_of(found: Claim, forms: dict[str, Any]) -> dict[str, Any]:
    """Return what the page says of objections to the case, and the form of a reply to each that waits for one."""
    told = told_to_claimant(found, clock.now())
    replies = forms.get("replies", {})
    return {
        "days_for_two": DAYS_FOR_TWO,
        "told_objections": [
            (one, replies.get(one.objection.number, ReplyForm()) if one.may_reply else None) for one in told
        ],
    }


def _cited(papers: list[Evidence], decision: Decision | None) -> list[object]:
    """Return what the papers are called on which a decision rests."""
    codes = decision.papers if decision else []
    return [EVERY_KIND[paper.kind] for paper in papers if paper.code in codes]


def _appeal_of(found: Claim, file: selectors.ClaimFile, forms: dict[str, Any]) -> dict[str, Any]:
    """Return what the page says of an appeal: until when, how, why, whom it waits for."""
    told: dict[str, Any] = {
        "appeal_until": filing.appeal_until(found),
        "shares_go_back": file.decision is not None and waiting.gives_shares_back(found, file.decision),
        "upheld": file.upheld,
        "upheld_answer": selectors.read_answer(file.upheld) if file.upheld else "",
        "first_decision": file.first_decision,
        "first_reason": review.read_reason(file.first_decision) if file.first_decision else "",
        "first_finding": review.read_finding(file.first_decision),
        "appeal": file.appeal,
        "appeal_reason": appeals.read_appeal(file.appeal) if file.appeal else "",
    }
    if filing.may_appeal(found, clock.today(found.pool.time_zone)):
        told["appeal_form"] = forms.get("appeal_form") or AppealForm(
            initial={"key": uuid.uuid4(), "kind": "other"}
        )
    if found.state == Claim.State.APPEALED:
        told["paper_form"] = forms.get("paper_form") or PaperForm(initial={"kind": "other"})
    if lacking := appeals.lacks_people(found):
        told |= {"lacking": duty_names(lacking), "holder": HOLDERS[POOL_ADMIN]}
    outside = outside_told(found)
    told |= {
        "outside": outside,
        "outside_now": any(one.review.ended_at is None for one in outside),
        "nobody_left": appeals.nobody_left(found),
    }
    return told


_REACHED_BY = {
    "filed": "file_claim",
    "under_review": "assign_claim",
    "recommended": "recommend",
    "in_publicity": "publish_case",
    "awarded": "claim_awarded",
    "shared": "claim_shared",
    "paid": "claim_paid",
}


def stages(found: Claim, history: list[AuditEntry]) -> list[Stage]:
    """Return the seven steps of a claim's way; a claim that has left the way shows how far it came.

    An appeal begins the way anew: its first step is the appeal, and only what came after it counts.
    """
    names: dict[str, object] = dict(Claim.State.choices)
    reached_by = _REACHED_BY
    if found.is_appeal:
        begin = next(place for place, line in enumerate(history) if line.action == "appeal_claim")
        history = history[begin:]
        reached_by = _REACHED_BY | {"filed": "appeal_claim"}
        names["filed"] = names[Claim.State.APPEALED]
    reached_at = {line.action: line.at for line in history}
    state = STANDS_FOR.get(found.state, found.state)
    came = [step for step in MAIN_WAY if reached_by[step] in reached_at]
    place = MAIN_WAY.index(state) if state in MAIN_WAY else len(came)
    is_done = found.state == Claim.State.CLOSED
    strip = []
    for index, step in enumerate(MAIN_WAY):
        is_now = index == place and state in MAIN_WAY
        look = "done" if index < place or is_done else "now" if is_now else "next"
        strip.append(Stage(names[step], reached_at.get(reached_by[step]), look))
    return strip


@signed_in
@require_POST
def withdraw(request: HttpRequest, code: str) -> HttpResponse:
    """Take a claim back; taken back already: its page."""
    found = filing.access_claim(user=_person(request), code=code)
    if found.state == Claim.State.WITHDRAWN:
        return redirect("claim", code=code)
    try:
        services.withdraw_claim(claim=found, claimant=_person(request).code, at=clock.now())
    except DomainError as error:
        return claim_page(request, found, error, status=error.status)
    return redirect("claim", code=code)


@signed_in
@require_POST
def appeal(request: HttpRequest, code: str) -> HttpResponse:
    """Appeal against a refusal, with one further paper if there is one; the same click twice is one appeal."""
    person = _person(request).code
    found = filing.access_claim(user=_person(request), code=code)
    form = AppealForm(request.POST, request.FILES)
    if not form.is_valid():
        return claim_page(request, found, status=422, forms={"appeal_form": form})
    told = form.cleaned_data
    data = told["file"].read() if told["file"] else b""

    def act() -> dict[str, Any]:
        given = [(told["kind"], data)] if data else []
        appeals.appeal(claim=found, claimant=person, reason=told["reason"], given=given, at=clock.now())
        return {}

    try:
        once(
            scope=f"{person}/appeal/{found.code}",
            key=str(told["key"]),
            content={"reason": told["reason"], "paper": hashlib.sha256(data).hexdigest()},
            act=act,
        )
    except DomainError as error:
        found = filing.access_claim(user=_person(request), code=code)
        return claim_page(request, found, error, status=error.status, forms={"appeal_form": form})
    return redirect("claim", code=code)


@signed_in
@require_POST
def add_appeal_paper(request: HttpRequest, code: str) -> HttpResponse:
    """Add a further paper to an appeal that nobody has taken up yet."""
    found = filing.access_claim(user=_person(request), code=code)
    form = PaperForm(request.POST, request.FILES)
    if not form.is_valid():
        return claim_page(request, found, status=422, forms={"paper_form": form})
    kind, data = form.cleaned_data["kind"], form.cleaned_data["file"].read()
    try:
        add_evidence(claim=found, claimant=_person(request).code, kind=kind, data=data, at=clock.now())
    except DomainError as error:
        found = filing.access_claim(user=_person(request), code=code)
        return claim_page(request, found, error, status=error.status, forms={"paper_form": form})
    return redirect("claim", code=code)


@signed_in
@require_POST
def receipt(request: HttpRequest, code: str) -> HttpResponse:
    """Confirm that the aid has come; confirmed already: the claim's page."""
    found = filing.access_claim(user=_person(request), code=code)
    if found.state == Claim.State.CLOSED:
        return redirect("claim", code=code)
    try:
        services.confirm_receipt(claim=found, claimant=_person(request).code, at=clock.now())
    except DomainError as error:
        return claim_page(request, found, error, status=error.status)
    return redirect("claim", code=code)


@signed_in
@require_safe
def notice_board(request: HttpRequest, code: str) -> HttpResponse:
    """List the cases that are public now, or will be with the next period, for the people of the pool."""
    pool = selectors.access_notices(user=_person(request), code=code)
    today = clock.today(pool.time_zone)
    notices = selectors.notices(pool)
    faces = FacesOf([notice.award for notice in notices], MEMBERS)
    context = {
        "section": "pools",
        "pool": pool,
        "staff": duties_of(_person(request), pool),
        "is_member": Membership.objects.filter(pool=pool, person=_person(request)).exists(),
        "rows": [
            (notice, words_of(faces.told(notice.award)), _days_left(notice, today)) for notice in notices
        ],
        "crumbs": [
            (in_language(pool.name_en, pool.name_zh), reverse("pool", args=[code])),
            (_("Notice board"), ""),
        ],
    }
    return render(request, "claims/publicity/notices.html", context)


def _days_left(notice: selectors.Notice, today: dt.date) -> int:
    period = notice.award.period
    return (period.publicity_end_date - today).days if period else 0


@signed_in
@require_safe
def case(request: HttpRequest, code: str, case: str) -> HttpResponse:
    """Show one published case with its objections."""
    pool = selectors.access_notices(user=_person(request), code=code)
    return case_page(request, pool, case)


def case_page(
    request: HttpRequest,
    pool: Pool,
    case: str,
    *,
    form: ObjectForm | None = None,
    papers: dict[int, ObjectionPaperForm] | None = None,
    answers: dict[int, AnswerForm] | None = None,
    written: list[tuple[object, str]] | None = None,
    error: DomainError | None = None,
    status: int = 200,
) -> HttpResponse:
    found = selectors.access_published_claim(pool=pool, case=case)
    person = _person(request)
    award, *rests = selectors.awards_of_case(found)
    is_member = Membership.objects.filter(pool=pool, person=person).exists()
    can_object = (
        is_member
        and person.pk not in concerned_by(found)
        and found.state in {Claim.State.IN_PUBLICITY, Claim.State.OBJECTED}
        and selectors.is_in_publicity(award)
    )
    standing = selectors.objecting_of(found, award, person.code) if can_object else None
    as_reader, at = reader_of(found, person), clock.now()
    context = {
        "section": "pools",
        "pool": pool,
        "case": award,
        "rests": rests,
        "parts": [award, *rests],
        "revoked": selectors.taken_back(found),
        "claim": found,
        "face": words_of(FacesOf([award], MEMBERS).told(award)),
        "first_case": selectors.award_of(found.part_of) if found.part_of else None,
        "error": error,
        "written": written,
        "can_object": standing is not None and (standing.may or error is not None),
        "standing": standing,
        "form": form or ObjectForm(initial={"key": uuid.uuid4()}),
        "objections": [
            _shown(told(one, as_reader(one), at), papers or {}, answers or {})
            for one in objections_in_full(found)
        ],
        "crumbs": [
            (in_language(pool.name_en, pool.name_zh), reverse("pool", args=[pool.code])),
            (_("Notice board"), reverse("notice_board", args=[pool.code])),
            (award.code, ""),
        ],
    }
    return render(request, "claims/publicity/case.html", context, status=status)


def _shown(
    one: Told, papers: dict[int, ObjectionPaperForm], answers: dict[int, AnswerForm]
) -> dict[str, Any]:
    """Return an objection as this person may see it, with the form for what they may do about it."""
    number, answering = one.objection.number, one.reader == Reader.IN_FULL
    is_theirs = one.reader == Reader.WRITER and one.is_open and one.objection.replied_at is None
    takes_papers = is_theirs and len(one.papers) < PAPERS_PER_OBJECTION
    return {
        "told": one,
        "is_answering": answering,
        "is_claimant": one.reader == Reader.CLAIMANT,
        "paper_form": (papers.get(number) or ObjectionPaperForm()) if takes_papers else None,
        "form": (answers.get(number) or AnswerForm(may_uphold=one.upheld_from is None))
        if answering and one.is_open
        else None,
    }


@signed_in
@require_POST
def object_to(request: HttpRequest, code: str, case: str) -> HttpResponse:
    """Object to a case; the same click twice is one objection."""
    pool = selectors.access_notices(user=_person(request), code=code)
    found = selectors.access_published_claim(pool=pool, case=case)
    form = ObjectForm(request.POST, request.FILES)
    if not form.is_valid():
        return case_page(request, pool, case, form=form, status=422)
    person, reason, file = _person(request).code, form.cleaned_data["reason"], form.cleaned_data["file"]
    data = file.read() if file else b""

    def act() -> dict[str, Any]:
        made = services.object_to_case(claim=found, member=person, reason=reason, at=clock.now(), data=data)
        return {"number": made.number}

    try:
        once(
            scope=scope_of(person, pool.code, f"object/{case}"),
            key=str(form.cleaned_data["key"]),
            content={"reason": reason, "paper": hashlib.sha256(data).hexdigest()},
            act=act,
        )
    except DomainError as error:
        return case_page(request, pool, case, form=form, error=error, status=error.status)
    return redirect("case", code=code, case=case)


@duty_required(SECOND_REVIEWER)
@require_POST
def answer(request: HttpRequest, code: str, case: str, number: int) -> HttpResponse:
    """Answer an objection as a second reviewer who had no part in the case."""
    pool = access_pool(code=code)
    found = selectors.access_published_claim(pool=pool, case=case)
    objection = selectors.access_objection(claim=found, number=number)
    form = AnswerForm(request.POST)
    if not form.is_valid():
        return case_page(request, pool, case, answers={number: form}, status=422)
    try:
        services.answer_objection(
            objection=objection, answerer=_person(request).code, at=clock.now(), **form.cleaned_data
        )
    except DomainError as error:
        objection.refresh_from_db(fields=["state"])
        # Answered meanwhile, there is no form to give the words back in.
        told_back = None if objection.state == Objection.State.OPEN else written_in(form)
        return case_page(
            request, pool, case, answers={number: form}, written=told_back, error=error, status=error.status
        )
    return redirect("case", code=code, case=case)


def written_in(form: AnswerForm) -> list[tuple[object, str]]:
    """Return what was chosen and written in the form of an answer, each with its label."""
    upheld = form.fields["upheld"]
    chosen = dict(upheld.choices)[form.data["upheld"]]  # type: ignore[attr-defined]
    return [(upheld.label, chosen), (form.fields["answer"].label, form.cleaned_data["answer"])]


def _person(request: HttpRequest) -> User:
    return cast(User, request.user)
