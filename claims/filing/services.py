"""Writes of filing: start a claim, tell it, add papers, file it. The claimant acts in all of them."""

import datetime as dt
import json
import secrets
from collections.abc import Iterable, Mapping
from zoneinfo import ZoneInfo

from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from aidplatform.lib import clock
from aidplatform.lib.crypto import blind_index, seal_apart, seal_text
from aidplatform.lib.dates import format_day
from aidplatform.lib.errors import ConflictError, DomainError, NotFoundError
from aidplatform.work import audit, jobs
from claims.filing import consent, papers
from claims.filing.benefits import Benefit
from claims.filing.illnesses import ILLNESSES, KINDS, missing_papers
from claims.filing.models import Claim, Evidence
from claims.filing.selectors import (
    asks_for_spend,
    cases_shared,
    claimable_memberships,
    context_of,
    derived,
    face_to_publish,
    known_birth,
    papers_needed,
    papers_of,
    plan_of_event,
    read_birth,
    speaks_for,
    was_covered,
)
from claims.filing.states import OPEN_TO_CLAIMANT, STEPS, TAKES_PAPERS
from members.ending.selectors import live_ending
from members.joining.models import Membership
from members.people import notices
from members.people.deputy_words import DEPUTY_BEGAN
from members.people.models import User
from members.pools.models import PlanVersion, Pool

TELL = "claims.tell_step"


class ClaimMovedOnError(ConflictError):
    """The claim is not where this deed needs it to be."""

    code = "claim_moved_on"


class IncompleteError(DomainError):
    """Something is missing before the claim can be filed; `extra["missing"]` names it."""

    code = "claim_incomplete"


class ConsentError(ConflictError):
    """What would be published is not what the claimant agreed to."""

    code = "consent_is_to_what_is_shown"


class BadDateError(DomainError):
    """A date cannot be: in the future, or an event before the birth."""

    code = "bad_date"


class PartOfCaseError(ConflictError):
    """Further bills belong to a case that is decided, tell no other event, and come one after another."""

    code = "part_follows_its_case"


class RunOffOverError(ConflictError):
    """The pool ends, and the days on which cases are still taken are over."""

    code = "claims_come_in_the_run_off"


@transaction.atomic
def start_claim(*, membership: Membership, claimant: str, at: dt.datetime) -> Claim:
    """Begin a claim for one's own membership, a child's, or that of a member who has named one.

    A draft that is there already is gone on with; a member's own is nobody else's to go on with while they live. A
    child's birth date is the one that its guardian signed for.

    Raises: NotFoundError for somebody else's membership; RunOffOverError.
    """
    person = User.objects.get(code=claimant)
    locked = claimable_memberships(person).filter(pk=membership.pk).first()
    if locked is None:
        raise NotFoundError(_("You are not a member of this pool."))
    Pool.objects.select_for_update().get(pk=locked.pool_id)
    drafts = Claim.objects.filter(membership=locked, state=Claim.State.DRAFT)
    started = min(
        (draft for draft in drafts.order_by("pk") if speaks_for(draft, person)),
        key=lambda draft: draft.claimant_id != person.pk,
        default=None,
    )
    if started is not None:
        return started
    _check_still_taken(locked.pool, at)
    claim = Claim(pool=locked.pool, membership=locked, claimant=person, created_at=at, state_since=at)
    birth = known_birth(claim)
    if birth is not None:
        claim.birth_sealed = seal_text(birth.isoformat(), context_of(claim, "birth"))
    claim.save()
    audit.record(actor=claimant, action="start_claim", subject=claim.code)
    _tell_member(claim)
    return claim


def _tell_member(claim: Claim) -> None:
    """Tell a member at once that somebody whom they have named has begun a claim for them."""
    member = claim.membership.person
    if member is None or member.pk == claim.claimant_id:
        return
    params = {"pool_en": claim.pool.name_en, "pool_zh": claim.pool.name_zh, "claim": claim.code}
    news = notices.News(member, DEPUTY_BEGAN, claim.code, params, reverse("claim", args=[claim.code]))
    notices.tell([news], batch=f"{DEPUTY_BEGAN}/{claim.code}", actor=claim.claimant.code)


@transaction.atomic
def save_draft(
    *,
    claim: Claim,
    claimant: str,
    at: dt.datetime,
    event_date: dt.date | None = None,
    illness: str | None = None,
    birth_date: dt.date | None = None,
    story: str | None = None,
    sex: str | None = None,
    region: str | None = None,
    payee_name: str | None = None,
    payee_account: str | None = None,
    spend_fen: int | None = None,
) -> Claim:
    """Keep what the claimant has told so far; None leaves a part as it is.

    spend_fen: what treatment has cost, of a part of a case its further bills alone.

    Raises: ClaimMovedOnError, BadDateError, PartOfCaseError.
    """
    claim = locked_claim(claim, *OPEN_TO_CLAIMANT)
    _check_dates(claim, event_date, birth_date, at)
    if claim.part_of_id is not None and (event_date, illness, birth_date) != (None, None, None):
        raise PartOfCaseError(_("Further bills are of the event that the first claim told."))
    told = {
        "event_date": event_date,
        "illness": illness,
        "sex": sex,
        "region": region,
        "spend_fen": spend_fen,
    }
    for name, value in told.items():
        if value is not None:
            setattr(claim, name, value)
    if illness is not None:
        claim.severity = ILLNESSES[illness].severity
    if birth_date is not None:
        claim.birth_sealed = seal_text(birth_date.isoformat(), context_of(claim, "birth"))
    if story is not None:
        claim.story_sealed = seal_text(story, context_of(claim, "story"))
    if payee_name is not None and payee_account is not None:
        keep_payee(claim, payee_name, payee_account)
    # What was derived and agreed to before is not what is told now.
    claim.aid_fen, claim.joined_age, claim.cases_shared, claim.derivation = None, None, None, None
    claim.masked, claim.consented_at, claim.consent_sha256 = None, None, None
    claim.save(update_fields=Claim.CHANGEABLE)
    audit.record(actor=claimant, action="save_draft", subject=claim.code)
    return claim


def _check_dates(
    claim: Claim, event_date: dt.date | None, birth_date: dt.date | None, at: dt.datetime
) -> None:
    """Refuse dates to come, an event before the birth and one after the end of cover. Raises: BadDateError."""
    today = at.astimezone(ZoneInfo(claim.pool.time_zone)).date()
    birth = birth_date or read_birth(claim)
    event = event_date or claim.event_date
    if birth_date not in {None, known_birth(claim) or birth_date}:
        raise BadDateError(_("This is not the birth date with which the guardian has added them."))
    if any(day is not None and day > today for day in (birth, event)):
        raise BadDateError(_("This day has not come yet."), today=today.isoformat())
    if birth and event and event < birth:
        raise BadDateError(_("The illness cannot begin before the birth."))
    ending = live_ending(claim.pool)
    if event and ending is not None and event >= ending.cover_end_date:
        raise BadDateError(
            _("This pool ends: from %(day)s on nobody was covered.")
            % {"day": format_day(ending.cover_end_date)},
            cover_end=ending.cover_end_date.isoformat(),
        )


def _check_still_taken(pool: Pool, at: dt.datetime) -> None:
    """Refuse a new case once a pool that ends takes none any more. Raises: RunOffOverError."""
    ending = live_ending(pool)
    if ending is not None and clock.day_of(at, pool.time_zone) >= ending.run_off_end_date:
        raise RunOffOverError(
            _("This pool ends: cases were taken until 00:00 of %(day)s.")
            % {"day": format_day(ending.run_off_end_date)},
            run_off_end=ending.run_off_end_date.isoformat(),
        )


def keep_payee(claim: Claim, name: str, account: str) -> None:
    """Seal who receives the aid, and index the account so that equal ones are found."""
    compact = "".join(account.split()).upper()
    data = json.dumps({"name": name.strip(), "account": compact}, ensure_ascii=False)
    claim.payee_sealed = seal_text(data, context_of(claim, "payee"))
    claim.payee_index = blind_index(compact, "claims.payee")


def add_evidence(*, claim: Claim, claimant: str, kind: str, data: bytes, at: dt.datetime) -> Evidence:
    """Take one paper: rewritten, sealed, kept. The same paper again is the one that is there.

    Raises: papers.PaperRefusedError, ClaimMovedOnError; IntegrityError evidence_has_a_limit.
    """
    if kind not in KINDS:
        raise NotFoundError(_("There is no such kind of paper."))
    # Outside the transaction: decoding may take seconds, and nothing is locked meanwhile.
    paper = papers.clean(data)
    with transaction.atomic():
        claim = locked_claim(claim, *TAKES_PAPERS)
        return keep_paper(claim=claim, claimant=claimant, kind=kind, paper=paper, at=at)


def keep_paper(*, claim: Claim, claimant: str, kind: str, paper: papers.Paper, at: dt.datetime) -> Evidence:
    """Keep a paper that was rewritten, in a claim that is locked and takes papers."""
    sha256 = papers.sha256_of(paper)
    held = claim.papers.filter(sha256=sha256, removed_at=None).defer("sealed").first()
    if held is not None:
        return held
    evidence = Evidence(
        claim=claim,
        kind=kind,
        media_type=paper.media_type,
        size=len(paper.data),
        sha256=sha256,
        added_at=at,
    )
    evidence.sealed, wrapped = seal_apart(paper.data, evidence.context)
    evidence.key_id, evidence.key_wrapped = wrapped.key_id, wrapped.key
    evidence.save()
    audit.record(actor=claimant, action="add_evidence", subject=claim.code, evidence=evidence.code, kind=kind)
    return evidence


@transaction.atomic
def remove_evidence(*, claim: Claim, claimant: str, code: str, at: dt.datetime) -> None:
    """Take a paper out before review; taken out already: nothing happens.

    Raises: ClaimMovedOnError, NotFoundError.
    """
    claim = locked_claim(claim, *OPEN_TO_CLAIMANT)
    evidence = claim.papers.filter(code=code, kind__in=KINDS).defer("sealed").first()
    if evidence is None:
        raise NotFoundError(_("There is no such paper."))
    if evidence.removed_at is not None:
        return
    evidence.removed_at = at
    evidence.save(update_fields=["removed_at"])
    audit.record(actor=claimant, action="remove_evidence", subject=claim.code, evidence=code)


@transaction.atomic
def file_claim(
    *,
    claim: Claim,
    claimant: str,
    at: dt.datetime,
    shown_face: Mapping[str, str] | None = None,
    shown_sha256: str | None = None,
) -> Claim:
    """Hand the claim to the reviewers, with consent to what each layer is told of it, exactly as it was shown.

    shown_sha256: over all of that, as the page named it. shown_face alone: it is signed as it is now, with this face.
    Without either nothing was shown.

    A claim that the plan grants nothing for can be filed all the same: two people decide, not a program. Asked for
    papers, filing again hands it back.

    Raises: ClaimMovedOnError, IncompleteError, ConsentError, BadDateError, RunOffOverError.
    """
    claim = locked_claim(claim, *OPEN_TO_CLAIMANT)
    if claim.filed_at is None:
        _check_still_taken(claim.pool, at)
    _check_dates(claim, None, None, at)
    held = list(papers_of(claim))
    missing = what_is_missing(claim, held)
    if missing:
        raise IncompleteError(_("Some parts are still missing; this page names them."), missing=missing)
    benefit = _derive(claim, at)
    # Of a child whose birth date was corrected since it was begun.
    claim.birth_sealed = seal_text(str(read_birth(claim)), context_of(claim, "birth"))
    claim.masked = face_to_publish(claim, benefit.age)
    consented = consent.shown_sha256(claim, consent.layers_of(claim, benefit.age, benefit.aid_fen, held))
    was_shown = shown_face is not None or shown_sha256 is not None
    if not was_shown or shown_face not in (None, claim.masked) or shown_sha256 not in (None, consented):
        raise ConsentError(_("What would be published has changed. Look at it again, then agree."))
    claim.consented_at, claim.consent_sha256 = at, consented
    claim.filed_at = claim.filed_at or at
    again = claim.state != Claim.State.DRAFT
    step_claim(claim, Claim.State.FILED, at)
    # The instant of the first filing is the database's own.
    claim.refresh_from_db(fields=["filed_at"])
    audit.record(
        actor=claimant,
        action="supply_papers" if again else "file_claim",
        subject=claim.code,
        aid_fen=benefit.aid_fen,
    )
    return claim


@transaction.atomic
def supply_papers(*, claim: Claim, claimant: str, at: dt.datetime) -> Claim:
    """Hand a claim back whose papers were asked for, with nothing else of it changed.

    Raises: ClaimMovedOnError, IncompleteError; ConsentError when what would be published has changed.
    """
    claim = locked_claim(claim, Claim.State.PAPERS_REQUESTED)
    return file_claim(claim=claim, claimant=claimant, shown_face=claim.masked or {}, at=at)


def what_is_missing(claim: Claim, papers: Iterable[Evidence] | None = None) -> list[str]:
    """Return the parts that filing still needs: event, story, spend, payee, or kinds of paper.

    papers: those that count, where they have been read.
    """
    missing = []
    if not (claim.event_date and claim.illness and claim.birth_sealed):
        missing.append("event")
    if not claim.story_sealed:
        missing.append("story")
    if claim.spend_fen is None and asks_for_spend(claim):
        missing.append("spend")
    if not claim.payee_sealed:
        missing.append("payee")
    if claim.illness:
        held = {paper.kind for paper in (papers_of(claim) if papers is None else papers)}
        missing += missing_papers(papers_needed(claim), held)
    return missing


def preview(claim: Claim, at: dt.datetime, spend_fen: int | None = None) -> tuple[Benefit, dict[str, str]]:
    """Return what the plan grants if it is filed now and what would be published, without keeping either.

    spend_fen: what of the bills counts; None: what was told.

    Raises: IncompleteError before event, illness and birth are told.
    """
    _version, benefit = _granted(claim, at, spend_fen)
    return benefit, face_to_publish(claim, benefit.age)


def _granted(claim: Claim, at: dt.datetime, spend_fen: int | None = None) -> tuple[PlanVersion, Benefit]:
    """Return the plan of the event day and what it grants. Raises: IncompleteError."""
    birth = read_birth(claim)
    if claim.event_date is None or not claim.illness or birth is None:
        raise IncompleteError(_("First tell what happened."), missing=["event"])
    version = plan_of_event(claim.pool, claim.event_date)
    return version, derived(claim, version, birth, _is_covered(claim, claim.event_date), at, spend_fen)


def _derive(claim: Claim, at: dt.datetime) -> Benefit:
    """Set plan version, age, aid and derivation from what is told."""
    claim.plan_version, benefit = _granted(claim, at)
    claim.age, claim.joined_age = benefit.age, benefit.joined_age
    plan = claim.plan_version.plan()
    claim.cases_shared = cases_shared(claim) if plan.case_steps else None
    if not plan.asks_for_spend:
        claim.spend_fen = None
    claim.aid_fen, claim.derivation = benefit.aid_fen, benefit.to_json()
    return benefit


def _is_covered(claim: Claim, event: dt.date) -> bool:
    """Tell whether the membership was covered at any time of the event day; before the pool opened nobody was."""
    opened_date = claim.pool.opened_date
    if opened_date is None or event < opened_date:
        return False
    zone = claim.pool.time_zone
    start, end = clock.start_of_day(event, zone), clock.start_of_day(event + dt.timedelta(days=1), zone)
    return was_covered(claim.membership, start, end)


def locked_claim(claim: Claim, *states: str) -> Claim:
    """Lock the claim and demand one of the states. Raises: ClaimMovedOnError."""
    locked = (
        Claim.objects.select_for_update(of=["self"])
        .select_related("pool", "membership__family_member", "claimant", "reviewer", "part_of")
        .get(pk=claim.pk)
    )
    if locked.state not in states:
        raise moved_on(locked)
    return locked


def moved_on(claim: Claim) -> ClaimMovedOnError:
    """Return the refusal that says where the claim is now."""
    return ClaimMovedOnError(
        _("This claim has moved on: it is “%(state)s”. Reload the page.")
        % {"state": claim.get_state_display()},
        state=claim.state,
    )


def step_claim(
    claim: Claim, state: str, at: dt.datetime, *, is_undone: bool = False, due_date: dt.date | None = None
) -> None:
    """Take a locked claim to its next state with the date by which the next person should act; order the telling.

    is_undone: a step was taken back at once. Nobody hears of it, and what was told to others is put away. due_date:
    where something else than the days of the state says it.
    """
    days, before = STEPS[state].days, claim.state
    today = at.astimezone(ZoneInfo(claim.pool.time_zone)).date()
    claim.state, claim.state_since = state, at
    claim.due_date = due_date or (None if days is None else today + dt.timedelta(days=days))
    claim.save(update_fields=Claim.CHANGEABLE)
    due = claim.due_date.isoformat() if claim.due_date else None
    # A claim may come to the same state again, while a demonstration's clock stands still even at the same instant.
    step = f"{claim.code}/{state}/{secrets.token_hex(4)}"
    jobs.enqueue(
        kind=TELL,
        key=step,
        payload={
            "claim": claim.pk,
            "step": step,
            "before": before,
            "state": state,
            "due": due,
            "is_undone": is_undone,
        },
        actor="service",
    )
