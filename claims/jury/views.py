"""Pages of the jury: the claimant's step, the member's offer, the public draw, a juror's brief and ballot."""

import uuid
from collections.abc import Callable
from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from aidplatform.lib import clock
from aidplatform.lib.errors import DomainError
from aidplatform.lib.http import public, signed_in
from aidplatform.lib.templating import in_language
from aidplatform.work import audit
from aidplatform.work.idempotency import once, scope_of
from claims.filing import selectors as filing
from claims.filing.models import Claim
from claims.jury import selectors, services
from claims.jury.arbiter_selectors import arbitration_of, arbitrations_of
from claims.jury.exam import questions_for
from claims.jury.forms import CommitForm, ExamForm, TakeForm, VoteForm, WordsForm
from claims.jury.models import JuryDraw, JurySeat
from claims.jury.shown import ShownDraw, shown_draw
from claims.jury.words import ROLES, VOTES
from claims.review.selectors import public_ref
from ledger.openbooks.draw import juror_commitment
from ledger.sharing.faces import DISEASES, face_of
from members.joining.models import Membership
from members.people.models import User
from members.pools.jury import jury_words, threshold_words
from members.pools.models import Pool
from members.pools.plan_words import plan_lines
from members.pools.rules import access_public_pool
from members.pools.selectors import duties_of

# What of the rules a juror reads beside the ballot, whatever clause the refusal cites.
_RULES = {"aid", "waiting_days", "waiting_rules", "report_days", "lifetime_cap_fen"}


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def take(request: HttpRequest, code: str) -> HttpResponse:
    """Say what a jury is, and take a refusal there; the same click twice is once."""
    person = _person(request)
    found = filing.access_claim(user=person, code=code)
    if request.method != "POST":
        if found.state != Claim.State.REFUSED_FINALLY:
            return redirect("claim", code=code)
        return _take_page(request, found, TakeForm(initial={"key": uuid.uuid4()}))
    form = TakeForm(request.POST)
    if not form.is_valid():
        return _take_page(request, found, form, status=422)
    told = {name: form.cleaned_data[name] for name in ("statement", "shows_reasons", "shows_appeal")}

    def act() -> dict[str, Any]:
        services.take_to_jury(claim=found, claimant=person.code, at=clock.now(), **told)
        return {}

    try:
        once(
            scope=f"{person.code}/jury/{found.code}",
            key=str(form.cleaned_data["key"]),
            content=told,
            act=act,
        )
    except DomainError as error:
        return _take_page(request, found, form, error, status=error.status)
    page = "arbitration" if arbitration_of(found) else "jury_draw"
    return redirect(page, code=found.pool.code, ref=public_ref(found))


def _take_page(
    request: HttpRequest, found: Claim, form: TakeForm, error: DomainError | None = None, status: int = 200
) -> HttpResponse:
    jury = selectors.jury_terms_of(found)
    context = {
        "section": "claims",
        "claim": found,
        "pool": found.pool,
        "form": form,
        "error": error,
        "until": filing.jury_until(found),
        "rules": jury_words(jury),
        "face": face_of(found.masked) if found.masked else None,
        "crumbs": [
            (_("My claims"), reverse("my_claims")),
            (found.code, reverse("claim", args=[found.code])),
            (_("Take it to the jury"), ""),
        ],
    }
    return render(request, "claims/jury/take.html", context, status=status)


@signed_in
@require_safe
def my_jury(request: HttpRequest, code: str) -> HttpResponse:
    """Say to a member what a juror does, ask the five questions, show the seats they have."""
    return _my_jury(request, selectors.access_membership_pool(user=_person(request), code=code))


def _my_jury(
    request: HttpRequest,
    pool: Pool,
    form: ExamForm | None = None,
    error: DomainError | None = None,
    status: int = 200,
) -> HttpResponse:
    person = _person(request)
    version, jury = selectors.jury_in_force(pool, clock.today(pool.time_zone))
    offer = selectors.offer_of(person, pool)
    context = {
        "section": "pools",
        "pool": pool,
        "staff": duties_of(person, pool),
        "is_member": True,
        "rules": jury_words(jury),
        "version": version,
        "offer": offer,
        "form": None if offer else form or ExamForm(questions_for(version.plan(), jury, person.code)),
        "error": error,
        "seats": [(seat, public_ref(seat.draw.claim)) for seat in selectors.seats_of(person, pool)],
        "crumbs": [*_crumbs(pool), (_("Jury"), "")],
    }
    return render(request, "claims/jury/my_jury.html", context, status=status)


@signed_in
@require_POST
def offer(request: HttpRequest, code: str) -> HttpResponse:
    """Offer to be a juror; wrong answers are marked, and nothing is kept of them."""
    person = _person(request)
    pool = selectors.access_membership_pool(user=person, code=code)
    version, jury = selectors.jury_in_force(pool, clock.today(pool.time_zone))
    form = ExamForm(questions_for(version.plan(), jury, person.code), request.POST)
    if not form.is_valid():
        return _my_jury(request, pool, form, status=422)
    try:
        services.offer_to_judge(pool=pool, person=person, answers=form.cleaned_data, at=clock.now())
    except DomainError as error:
        for name in cast(list[str], error.extra.get("wrong", [])):
            form.add_error(name, _("This is not what the rules say."))
        return _my_jury(request, pool, form, error, status=error.status)
    return redirect("my_jury", code=code)


@signed_in
@require_POST
def step_back(request: HttpRequest, code: str) -> HttpResponse:
    """Offer no more."""
    pool = selectors.access_membership_pool(user=_person(request), code=code)
    services.step_back(pool=pool, person=_person(request), at=clock.now())
    return redirect("my_jury", code=code)


@public
@require_safe
def draws(request: HttpRequest, code: str) -> HttpResponse:
    """List the draws of a pool for everyone."""
    pool = access_public_pool(request, code)
    found = list(selectors.draws_of(pool)[:200])
    context = {
        "section": "pools",
        "pool": pool,
        **_viewer(request, pool),
        "rows": [(one, public_ref(one.claim)) for one in found],
        "arbitrations": [(one, public_ref(one.claim)) for one in arbitrations_of(pool)[:200]],
        "crumbs": [*_crumbs(pool), (_("Jury draws"), "")],
    }
    return render(request, "claims/jury/draws.html", context)


@public
@require_safe
def draw(request: HttpRequest, code: str, ref: str) -> HttpResponse:
    """Show one draw as the log tells it, and how to recompute it; to its witnesses also what waits for them."""
    pool = access_public_pool(request, code)
    return _draw_page(request, selectors.access_draw(pool=pool, ref=ref))


def _draw_page(
    request: HttpRequest,
    found: JuryDraw,
    error: DomainError | None = None,
    status: int = 200,
    forms: dict[str, Any] | None = None,
) -> HttpResponse:
    pool, shown = found.claim.pool, shown_draw(found)
    jury = selectors.jury_terms_of(found.claim)
    assert jury is not None
    context = {
        "section": "pools",
        "pool": pool,
        **_viewer(request, pool),
        "draw": found,
        "shown": shown,
        "ref": shown.ref,
        "head": bytes(found.head).hex(),
        "threshold": threshold_words(jury),
        "witnesses": _witnesses(shown),
        "drawn": _drawn(shown),
        "ballots": _ballots(shown),
        "error": error,
        "crumbs": [
            *_crumbs(pool),
            (_("Jury draws"), reverse("jury_draws", args=[pool.code])),
            (shown.ref, ""),
        ],
        **_own_part(request, found, forms or {}),
    }
    return render(request, "claims/jury/draw.html", context, status=status)


def _own_part(request: HttpRequest, found: JuryDraw, forms: dict[str, Any]) -> dict[str, Any]:
    """Return the form of who is asked to witness the draw, and the way to the ballot of who is seated."""
    if not request.user.is_authenticated:
        return {}
    person = _person(request)
    witness = selectors.witness_of(found, person)
    told: dict[str, Any] = {"witness": witness}
    # One that the claimant has taken back needs no witness any more, though its draw may end a moment later.
    state = found.state if found.claim.state == Claim.State.BEFORE_JURY else None
    is_called = state == JuryDraw.State.CALLED and witness is None
    if is_called and person.pk in selectors.asked_witnesses(found.claim):
        told["commit_form"] = forms.get("commit_form") or CommitForm()
    if state == JuryDraw.State.COMMITTED and witness is not None and witness.words is None:
        told["words_form"] = forms.get("words_form") or WordsForm()
    told["own_seat"] = found.drawn.filter(person=person).exclude(state__in=["reserve", "passed_over"]).first()
    if found.state != JuryDraw.State.CALLED and selectors.offer_of(person, found.claim.pool):
        salt = selectors.salt_of(selectors.draw_ref(found.claim, found.stage), person.code)
        told |= {"own_salt": salt.hex(), "own_name": juror_commitment(salt, person.code).hex()}
    return told


def _witnesses(shown: ShownDraw) -> list[dict[str, Any]]:
    """Return the witnesses as the log names them, with their words where they are told."""
    if shown.commit is None:
        return []
    words = {one.body["witness"]: one.body["words"] for one in shown.entries if one.type == "draw.reveal"}
    return [
        {**one, "role": ROLES.get(one["as"], one["as"]), "words": words.get(one["number"])}
        for one in shown.commit.body["beacon"]["witnesses"]
    ]


def _drawn(shown: ShownDraw) -> list[dict[str, Any]]:
    """Return who was drawn, and what has become of the place."""
    if shown.result is None:
        return []
    out = {one.body["out"]: one.body for one in shown.replaced}
    came = {one.body["by"]: one.body["out"] for one in shown.replaced if "by" in one.body}
    return [
        {
            "number": number,
            "index": index,
            "name": name,
            "is_seat": number <= shown.draw.seats,
            "out": out.get(number),
            "came_for": came.get(number),
        }
        for number, (index, name) in enumerate(shown.result.body["drawn"], start=1)
    ]


def _ballots(shown: ShownDraw) -> list[tuple[int, str, str, object]]:
    """Return the opened ballots: seat, hash, salt, vote."""
    opened = shown.tally.body.get("ballots", []) if shown.tally else []
    return [(seat, commit, salt, VOTES[vote]) for seat, commit, salt, vote in opened]


@public
@require_safe
def draw_list(request: HttpRequest, code: str, ref: str) -> HttpResponse:
    """Give out the list of the eligible, one name a line: what the head in the log is the hash of."""
    pool = access_public_pool(request, code)
    found = selectors.access_draw(pool=pool, ref=ref)
    lines = "".join(f"{name.hex()}\n" for name in selectors.names_in(found))
    return HttpResponse(lines, content_type="text/plain; charset=utf-8")


@signed_in
@require_POST
def commit(request: HttpRequest, code: str, ref: str) -> HttpResponse:
    """Keep the hash of a witness's words."""
    found, form = _found(request, code, ref), CommitForm(request.POST)
    if not form.is_valid():
        return _draw_page(request, found, status=422, forms={"commit_form": form})
    value = bytes.fromhex(form.cleaned_data["sha256"])
    return _act(
        request,
        found,
        {"commit_form": form},
        lambda: services.commit_to_words(
            draw=found, person=_person(request), commitment=value, at=clock.now()
        ),
    )


@signed_in
@require_POST
def words(request: HttpRequest, code: str, ref: str) -> HttpResponse:
    """Take a witness's words."""
    found, form = _found(request, code, ref), WordsForm(request.POST)
    if not form.is_valid():
        return _draw_page(request, found, status=422, forms={"words_form": form})
    told = form.cleaned_data["words"]
    return _act(
        request,
        found,
        {"words_form": form},
        lambda: services.tell_words(draw=found, person=_person(request), words=told, at=clock.now()),
    )


def _found(request: HttpRequest, code: str, ref: str) -> JuryDraw:
    return selectors.access_draw(pool=access_public_pool(request, code), ref=ref)


def _act(
    request: HttpRequest, found: JuryDraw, forms: dict[str, Any], deed: Callable[[], object]
) -> HttpResponse:
    """Do it and show the draw; refused, show it as it is now with the refusal and the form as sent."""
    try:
        deed()
    except DomainError as error:
        now = _found(request, found.claim.pool.code, public_ref(found.claim))
        return _draw_page(request, now, error, status=error.status, forms=forms)
    return redirect("jury_draw", code=found.claim.pool.code, ref=public_ref(found.claim))


@signed_in
@require_safe
def seat(request: HttpRequest, code: str, ref: str) -> HttpResponse:
    """Show a juror the case as far as its claimant agreed, the rules in force, and the ballot."""
    found = _seat_of(request, code, ref)
    if selectors.may_read_brief(found, clock.now()):
        claim = found.draw.claim.code
        audit.record(actor=_person(request).code, action="open_claim", subject=claim, purpose="jury")
    return _seat_page(request, found)


def _seat_page(
    request: HttpRequest,
    found: JurySeat,
    error: DomainError | None = None,
    status: int = 200,
    form: VoteForm | None = None,
) -> HttpResponse:
    claim, draw = found.draw.claim, found.draw
    pool, plan = claim.pool, claim.plan_version
    jury = selectors.jury_terms_of(claim)
    assert plan is not None
    assert jury is not None
    ballot = getattr(found, "ballot", None)
    may_read = selectors.may_read_brief(found, clock.now())
    context = {
        "section": "pools",
        "pool": pool,
        "seat": found,
        "draw": draw,
        "ref": public_ref(claim),
        "error": error,
        "is_open": may_read,
        "may_read": may_read,
        "was_taken_back": claim.state == Claim.State.WITHDRAWN,
        "ballot": ballot,
        "ballot_hash": bytes(ballot.commitment).hex() if ballot else "",
        "form": (form or VoteForm(initial={"key": uuid.uuid4()})) if may_read and ballot is None else None,
        "brief": selectors.brief_of(claim) if may_read else None,
        "face": face_of(claim.masked) if may_read and claim.masked else None,
        "illness": DISEASES[claim.illness],
        "rules": [line for line in plan_lines(plan.plan(), pool.currency) if _RULES & set(line.paths)],
        "version": plan,
        "threshold": threshold_words(jury),
        "verdict": selectors.verdict_of_draw(draw),
        "crumbs": [
            *_crumbs(pool),
            (_("Jury"), reverse("my_jury", args=[pool.code])),
            (public_ref(claim), ""),
        ],
    }
    return render(request, "claims/jury/seat.html", context, status=status)


@signed_in
@require_POST
def vote(request: HttpRequest, code: str, ref: str) -> HttpResponse:
    """Cast the ballot; the same click twice is one ballot."""
    found, form = _seat_of(request, code, ref), VoteForm(request.POST)
    if not form.is_valid():
        return _seat_page(request, found, status=422, form=form)
    told = form.cleaned_data["vote"]

    def act() -> dict[str, Any]:
        services.cast_ballot(seat=found, juror=_person(request), vote=told, at=clock.now())
        return {}

    try:
        once(
            scope=scope_of(_person(request).code, code, f"vote/{found.pk}"),
            key=str(form.cleaned_data["key"]),
            # Not the vote: what is kept of a request is no place to look for one.
            content={"seat": found.pk},
            act=act,
        )
    except DomainError as error:
        return _seat_page(request, _seat_of(request, code, ref), error, status=error.status, form=form)
    return redirect("jury_seat", code=code, ref=ref)


@signed_in
@require_POST
def decline(request: HttpRequest, code: str, ref: str) -> HttpResponse:
    """Decline the seat."""
    found = _seat_of(request, code, ref)
    try:
        services.decline_seat(seat=found, juror=_person(request), at=clock.now())
    except DomainError as error:
        return _seat_page(request, _seat_of(request, code, ref), error, status=error.status)
    return redirect("jury_seat", code=code, ref=ref)


def _seat_of(request: HttpRequest, code: str, ref: str) -> JurySeat:
    return selectors.access_seat(user=_person(request), code=code, ref=ref)


def _viewer(request: HttpRequest, pool: Pool) -> dict[str, Any]:
    """Return which tabs of the pool the viewer sees."""
    if not request.user.is_authenticated:
        return {"staff": set(), "is_member": False}
    person = _person(request)
    return {
        "staff": duties_of(person, pool),
        "is_member": Membership.objects.filter(pool=pool, person=person).exists(),
    }


def _crumbs(pool: Pool) -> list[tuple[object, str]]:
    return [(in_language(pool.name_en, pool.name_zh), reverse("pool", args=[pool.code]))]


def _person(request: HttpRequest) -> User:
    return cast(User, request.user)
