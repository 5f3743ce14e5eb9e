"""The join wizard: six short steps, each saved, each a plain form."""

import datetime as dt
from collections.abc import Callable
from typing import Any, cast

from django.conf import settings
from django.contrib import messages
from django.db.models import QuerySet
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from aidplatform.lib import clock
from aidplatform.lib.addresses import block_of
from aidplatform.lib.errors import DomainError, NotFoundError
from aidplatform.lib.http import attempt, public, signed_in
from aidplatform.lib.templating import in_language
from members.joining import applications
from members.joining.again import AlreadyMemberError, check_return, is_over, last_membership
from members.joining.eligibility import (
    age_on,
    age_window,
    birthday,
    covered_from,
    eligible_by_plan,
    excluding,
    unanswered,
)
from members.joining.entering import DocumentRefusedError, enter_identity
from members.joining.forms import (
    AnswerForm,
    ConsentForm,
    CovenantForm,
    GuardianConsentForm,
    PlainlyForm,
    SignForm,
    WhoForm,
)
from members.joining.giving_up import KEPT_DAYS, give_up
from members.joining.invitation_models import Invitation
from members.joining.invitations import find_live, masked_name, pays_for_joiner
from members.joining.limits import count_beginning
from members.joining.listed import (
    OtherAddressError,
    OtherDocumentError,
    counted_since,
    find_listed,
    last_day_to_confirm,
    listed_at_address,
)
from members.joining.models import JoinApplication
from members.joining.signing_texts import answers_given, signing_texts
from members.people.identity import OtherIdentityError
from members.people.models import User
from members.people.services import remember_language
from members.pools.aid_words import severity_words
from members.pools.covenants import Question
from members.pools.document_kinds import document_words, kind_words
from members.pools.models import Pool
from members.pools.plan_terms import ClassTerms, PlanTerms
from members.pools.selectors import access_pool, coming_versions, funding_in_force, plan_in_force

Step = Callable[[HttpRequest, JoinApplication], HttpResponse]
STEP_NAMES = {
    "who": _("Who you are"),
    "consent": _("Consent"),
    "health": _("Your health"),
    "plainly": _("Four plain questions"),
    "covenant": _("The covenant"),
    "sign": _("Signature"),
}
FAMILY_STEP_NAMES = STEP_NAMES | {"who": _("Who they are"), "health": _("Their health")}


@public
@require_safe
def join(request: HttpRequest, code: str) -> HttpResponseBase:
    """Say what joining takes; a signed-in person begins, or goes on, from here."""
    return intro(request, joinable(code))


def intro(
    request: HttpRequest, pool: Pool, invitation: Invitation | None = None, token: str = ""
) -> HttpResponseBase:
    """Say what joining takes. token: of the link that was opened; invitation: what it is, None where it is over."""
    person = request.user if request.user.is_authenticated else None
    today = clock.today(pool.time_zone)
    earlier = last_membership(pool, person) if person else None
    if earlier and not is_over(earlier, today):
        return redirect("my_pool", code=pool.code)
    begun = person is not None and _own(pool, person).exists()
    listed = listed_at_address(pool, person) if person else None
    version = plan_in_force(pool, today)
    is_asked = invitation is None and listed is None and applications.needs_invitation(version, person)
    context = {
        "pool": pool,
        "needs_invitation": is_asked,
        "listed": listed,
        "last_day": last_day_to_confirm(listed.member_import) if listed else None,
        "since": counted_since(listed, today),
        "earlier": earlier,
        "refusal": attempt(lambda: check_return(earlier, version.plan(), today))[1],
        "begun": begun,
        "kept_days": KEPT_DAYS,
        "token": token,
        "invitation": invitation,
        "inviter": masked_name(invitation.inviter) if invitation else None,
        "inviter_pays": pays_for_joiner(invitation),
        "funding": funding_in_force(pool, today),
        "document_words": document_words(version.plan()),
        "here": request.path,
        "crumbs": _crumbs(pool),
        "section": "pools",
    }
    return render(request, "members/joining/intro.html", context)


@signed_in
@require_POST
def join_begin(request: HttpRequest, code: str) -> HttpResponseBase:
    """Begin an application, or go on with the one there is."""
    pool = joinable(code)
    person = cast(User, request.user)
    now, token = clock.now(), request.POST.get("invitation", "")
    invitation = find_live(pool=pool, token=token, now=now) if token else None
    if not _own(pool, person).exists():
        day = clock.today(pool.time_zone)
        count_beginning(pool=pool, block=block_of(request), invitation=invitation, day=day)
    application = applications.start_application(pool=pool, person=person, at=now, invitation=invitation)
    return redirect("join_step", code=pool.code, step=applications.next_step(application))


@signed_in
@require_POST
def join_give_up(request: HttpRequest, code: str) -> HttpResponseBase:
    """Throw away what the person has entered here; without anything entered there is nothing to do."""
    pool = joinable(code)
    for application in _own(pool, cast(User, request.user)):
        throw_away(request, application)
    return redirect("join", code=code)


def throw_away(request: HttpRequest, application: JoinApplication) -> None:
    """Give an application up, and say so; or why not."""
    refusal = attempt(lambda: give_up(application=application, at=clock.now()))[1]
    if refusal is None:
        messages.success(request, _("What you had entered is thrown away. Nothing of it is kept."))
    else:
        messages.error(request, str(refusal))


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def join_step(request: HttpRequest, code: str, step: str) -> HttpResponseBase:
    """Show or take one step of the person's own application; without one, back to the beginning."""
    pool = joinable(code)
    if step not in _STEPS:
        raise NotFoundError(_("There is no such page, or it is not yours to see."))
    person = cast(User, request.user)
    if not _own(pool, person).exists():
        # Signed just now, by another click; or not begun.
        joined = last_membership(pool, person)
        goes_on = joined is not None and not is_over(joined, clock.today(pool.time_zone))
        return redirect("my_pool" if goes_on else "join", code=code)
    try:
        application = applications.start_application(pool=pool, person=person, at=clock.now())
    except AlreadyMemberError:
        return redirect("my_pool", code=code)
    ahead = applications.next_step(application)
    if applications.STEPS.index(step) > applications.STEPS.index(ahead):
        return redirect("join_step", code=code, step=ahead)
    return _STEPS[step](request, application)


def _own(pool: Pool, person: User) -> QuerySet[JoinApplication]:
    draft = JoinApplication.State.DRAFT
    return JoinApplication.objects.filter(pool=pool, person=person, relation="", state=draft)


def who(request: HttpRequest, application: JoinApplication) -> HttpResponse:
    """Ask by which document who joins is known."""
    documents = application.plan_version.plan().taken_documents
    form = WhoForm(request.POST or None, initial=_known(application), documents=documents)
    if form.is_valid():
        entered, refusal = attempt(
            lambda: enter_identity(
                application=application, paper=form.paper(), block=block_of(request), at=clock.now()
            )
        )
        if entered is not None:
            return redirect("my_pool", code=application.pool.code)
        if refusal is None:
            return onward(application)
        form.add_error("number" if isinstance(refusal, _OF_THE_NUMBER) else form.born_field, str(refusal))
    recorded = None if application.is_family else applications.identity_of(application)
    is_other_kind = recorded is not None and not applications.takes_kind(application, recorded)
    context = {
        "form": form,
        "documents": documents,
        "recorded_kind": kind_words(recorded.kind) if recorded and is_other_kind else "",
    }
    return step_page(request, application, "who", context, form)


# What is wrong with a document, and not with an age.
_OF_THE_NUMBER = (
    OtherDocumentError,
    OtherAddressError,
    OtherIdentityError,
    DocumentRefusedError,
    applications.DocumentNotTakenError,
)


def _known(application: JoinApplication) -> dict[str, object]:
    """Return what is known of the person, to begin with; in a demonstration a document nobody can hold."""
    paper = applications.identity_of(application)
    if paper is not None:
        return {**paper.__dict__}
    person = application.person
    if settings.DEMO and person.is_demo and not application.is_family:
        name = in_language(person.name, person.name_zh)
        document = {"kind": "passport", "country": "XX", "number": person.code.removeprefix("P-")}
        return {"name": name, "birth_date": dt.date(1990, 5, 15), **document}
    return {}


def health(request: HttpRequest, application: JoinApplication) -> HttpResponse:
    """Ask one question; the meaning of its answer stands beside it before it is given."""
    questions = application.plan_version.questions()
    form = AnswerForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        code = form.cleaned_data["code"]
        if code not in {question.code for question in questions}:
            raise NotFoundError(_("There is no such page, or it is not yours to see."))
        answer = form.cleaned_data["answer"] == "yes"
        applications.save_answer(application=application, code=code, answer=answer, at=clock.now())
        return onward(application)
    answers = applications.answers_of(application)
    asked = _asked(request, questions, answers)
    if not form.is_bound:
        given = answers.get(asked.code) if asked else None
        chosen = {} if given is None else {"answer": "yes" if given else "no"}
        form = AnswerForm(initial={"code": asked.code if asked else "", **chosen})
    context = {
        "form": form,
        "question": asked,
        "question_number": questions.index(asked) + 1 if asked else 0,
        "questions": [(question, answers.get(question.code)) for question in questions],
        "barring": excluding(questions, answers),
    }
    return step_page(request, application, "health", context, form)


def _asked(
    request: HttpRequest, questions: tuple[Question, ...], answers: dict[str, bool]
) -> Question | None:
    """Return the question to show: the one named in the address, or the first without an answer.

    After an answer with which nobody can join none is asked: what follows would be told for nothing.
    """
    wanted = request.POST.get("code") or request.GET.get("question")
    named = next((question for question in questions if question.code == wanted), None)
    return named or (None if excluding(questions, answers) else unanswered(questions, answers))


def _plainly(request: HttpRequest, application: JoinApplication) -> HttpResponse:
    form = PlainlyForm(request.POST or None)
    if form.is_valid():
        applications.save_understood(application=application, at=clock.now())
        return onward(application)
    return step_page(request, application, "plainly", {"form": form}, form)


def covenant(request: HttpRequest, application: JoinApplication) -> HttpResponse:
    """Show the covenant to who signs it."""
    form = CovenantForm(request.POST or None)
    if form.is_valid():
        applications.save_covenant_read(application=application, at=clock.now())
        return onward(application)
    version = application.plan_version
    context = {
        "form": form,
        "texts": signing_texts(version, application.pool.currency),
        "plan": version.plan(),
        "version": version,
        "coming": coming_versions(application.pool, clock.today(application.pool.time_zone)),
    }
    return step_page(request, application, "covenant", context, form)


def consent(request: HttpRequest, application: JoinApplication) -> HttpResponse:
    """Ask for each consent by itself; a guardian gives them for the child."""
    kind = GuardianConsentForm if application.is_family else ConsentForm
    form = kind(request.POST or None)
    if form.is_valid():
        applications.save_consents(application=application, health=True, publication=True, at=clock.now())
        return onward(application)
    return step_page(request, application, "consent", {"form": form}, form)


def _sign(request: HttpRequest, application: JoinApplication) -> HttpResponse:
    version = application.plan_version
    form = SignForm(request.POST or None, initial={"shown_sha256": version.covenant_sha256})
    if form.is_valid():
        refusal = _try_to_sign(request, application, form)
        if refusal is None:
            messages.success(request, _("You have joined. What you signed is on its way to you by e-mail."))
            return redirect("my_pool", code=application.pool.code)
        form.add_error(None, str(refusal))
    today, plan = clock.today(application.pool.time_zone), version.plan()
    paper = applications.identity_of(application)
    assert paper is not None
    listed, misfit = attempt(lambda: find_listed(application.pool, cast(User, request.user), paper))
    since = counted_since(listed, today)
    class_no = listed.class_no if listed else None
    context = {
        "form": form,
        "refusal": misfit,
        "texts": signing_texts(version, application.pool.currency),
        "answers": answers_given(application),
        "place": _place(
            plan, plan.class_at(age_on(paper.birth_date, today)) if class_no is None else class_no
        ),
        "version": version,
        "covered": covered_from(today),
        "funding": plan.funding,
        "pays_until": today + dt.timedelta(days=plan.funding.top_up_days) if plan.funding else None,
        "eligible": eligible_by_plan(plan, paper.birth_date, today, since_date=since),
        "after_accident": eligible_by_plan(plan, paper.birth_date, today, "accident", since),
        **age_facts(plan, paper.birth_date, today),
        "covenant_address": reverse("join_step", args=[application.pool.code, "covenant"]),
        "listed": listed,
        "since": since,
        "paper": paper,
        "earlier": last_membership(application.pool, cast(User, request.user)),
        "invitation": application.invitation,
        "inviter": masked_name(application.invitation.inviter) if application.invitation else None,
        "inviter_pays": pays_for_joiner(application.invitation),
        "is_invited": application.invitation is not None and application.invitation.is_live(clock.now()),
    }
    return step_page(request, application, "sign", context, form)


def age_facts(plan: PlanTerms, birth_date: dt.date, today: dt.date) -> dict[str, object]:
    """Return what the rules say to somebody of that age: the most aid by severity (words, fen), and the last day."""
    age = age_on(birth_date, today)
    aid = [
        (severity_words(row.severity), row.max_aid_fen)
        for row in plan.aid
        if row.age_from <= age < row.age_before
    ]
    return {"aid_now": aid, "ages_out": birthday(birth_date, age_window(plan).before)}


def _place(plan: PlanTerms, class_no: int) -> ClassTerms:
    return next(row for row in plan.classes if row.class_no == class_no)


def _try_to_sign(request: HttpRequest, application: JoinApplication, form: SignForm) -> DomainError | None:
    """Sign; return the refusal that the form shows, None when the person has joined."""
    person, language = cast(User, request.user), get_language() or "en"
    remember_language(person=person, language=language)
    return attempt(
        lambda: applications.sign_covenant(
            application=application,
            signer=person,
            shown_sha256=form.cleaned_data["shown_sha256"],
            language=language,
            at=clock.now(),
        )
    )[1]


_STEPS: dict[str, Step] = {
    "who": who,
    "consent": consent,
    "health": health,
    "plainly": _plainly,
    "covenant": covenant,
    "sign": _sign,
}


def address_of(application: JoinApplication, step: str) -> str:
    """Return the address of a step."""
    name = "family_step" if application.is_family else "join_step"
    return reverse(name, args=[application.pool.code, step])


def onward(application: JoinApplication) -> HttpResponse:
    """Lead to the first step that is not done."""
    application.refresh_from_db()
    return redirect(address_of(application, applications.next_step(application)))


def step_page(
    request: HttpRequest, application: JoinApplication, step: str, more: dict[str, Any], form: Form
) -> HttpResponse:
    """Show a step; forms that were refused answer 422. A guardian signs on a page of its own."""
    template, step = step, step.removeprefix("family_")
    steps = applications.FAMILY_STEPS if application.is_family else applications.STEPS
    names = FAMILY_STEP_NAMES if application.is_family else STEP_NAMES
    reached = steps.index(applications.next_step(application))
    here = steps.index(step)
    context = {
        "section": "pools",
        "pool": application.pool,
        "step": step,
        "step_name": names[step],
        "steps": [
            (address_of(application, name), names[name], place == here, place <= reached)
            for place, name in enumerate(steps)
        ],
        "step_number": here + 1,
        "step_count": len(steps),
        "here_address": address_of(application, step),
        "give_up": reverse(
            "family_give_up" if application.is_family else "join_give_up", args=[application.pool.code]
        ),
        "kept_days": KEPT_DAYS,
        "next_address": address_of(application, steps[min(here + 1, len(steps) - 1)]),
        "is_family": application.is_family,
        "crumbs": family_crumbs(application.pool) if application.is_family else _crumbs(application.pool),
        **more,
    }
    status = 422 if form.is_bound and form.errors else 200
    return render(request, f"members/joining/{template}.html", context, status=status)


def joinable(code: str) -> Pool:
    """Return a pool that is public. Raises: NotFoundError."""
    pool = access_pool(code=code)
    if pool.is_private:
        raise NotFoundError(_("There is no pool with this address."))
    return pool


def _crumbs(pool: Pool) -> list[tuple[object, str]]:
    return [
        (in_language(pool.name_en, pool.name_zh), reverse("pool", args=[pool.code])),
        (_("Join"), ""),
    ]


def family_crumbs(pool: Pool) -> list[tuple[object, str]]:
    """Return the way to where a member adds somebody."""
    return [
        (in_language(pool.name_en, pool.name_zh), reverse("pool", args=[pool.code])),
        (_("My place"), reverse("my_pool", args=[pool.code])),
        (_("My family"), reverse("family", args=[pool.code])),
        (_("Add somebody"), ""),
    ]
