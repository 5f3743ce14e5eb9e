"""Openings of papers: only for who has the claim in hand, with a purpose, each noted and shown to the claimant.

What leaves here is never the paper as it is kept: every page and picture bears who opened it, for which claim and when.
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.crypto import seal_text, unseal_text
from aidplatform.lib.errors import ConflictError, DomainError, ForbiddenError, NotFoundError
from aidplatform.work import audit
from aidplatform.work.models import AuditEntry
from claims.filing import papers
from claims.filing.illnesses import OBJECTION
from claims.filing.models import Claim, Evidence
from claims.filing.selectors import ErasedError, concerned_by, is_near_to, read_paper
from claims.filing.services import locked_claim
from claims.filing.states import READ_BY_ITS_REVIEWER, READ_BY_WHO_DECIDES
from claims.filing.words import PURPOSES
from claims.review import blind
from claims.review.appeals import REVIEWER, SECOND_REVIEWER, has_judged, heard_before
from claims.review.investigation_selectors import investigates
from claims.review.opening_models import PaperOpening, Purpose
from claims.review.outside_selectors import outside_stage
from members.people.models import User
from members.pools.selectors import duties_of

READS = ("open_evidence", "open_claim")
_LOGGED_AS = {
    REVIEWER: "review",
    SECOND_REVIEWER: "second_review",
    "investigator": "investigation",
    "outside_reviewer": "outside_review",
}
_DUTY_OF = {
    "review": REVIEWER,
    "investigation": "investigator",
    "jury": "juror",
    "arbiter": "arbiter",
    "outside_review": "outside_reviewer",
}
# In which duties papers of an objection are opened.
_ANSWERING = (SECOND_REVIEWER, PaperOpening.Duty.OUTSIDE_REVIEWER.value)
# They read words alone and open no paper.
_WITHOUT_PAPERS = {"juror": _("juror"), "arbiter": _("outside arbiter")}
# How long one opening shows its paper; whoever looks again says what for again.
MINUTES_OPEN = 15


class NotInHandError(ForbiddenError):
    """Papers are opened by who has the claim in hand."""

    code = "papers_are_opened_by_who_judges_them"


class NotAnsweringError(ForbiddenError):
    """Papers of an objection are opened by who may answer it."""

    code = "papers_of_an_objection_are_opened_by_who_answers"


class PurposeMissingError(DomainError):
    """Something else than the listed purposes has to be said in words."""

    code = "opening_says_what_for"


class OpeningOverError(ConflictError):
    """This opening showed its paper for as long as one does."""

    code = "opening_is_over"


def reads_as(claim: Claim, person: User, duties: set[str]) -> str:
    """Return the duty in which the person reads the file of a claim; empty: they do not.

    The reviewer in charge, and second reviewers while there is something to decide; nobody who is concerned, near, or
    had a part in the case before an appeal.
    """
    if person.pk in concerned_by(claim) or is_near_to(claim, person):
        return ""
    if person.code in heard_before(claim):
        return ""
    if REVIEWER in duties and claim.reviewer_id == person.pk:
        return REVIEWER
    return SECOND_REVIEWER if SECOND_REVIEWER in duties and claim.state in READ_BY_WHO_DECIDES else ""


def opens_as(claim: Claim, person: User) -> str:
    """Return the duty in which the person opens papers now; who has decided on a claim has no more use for them."""
    if blind.waits_for(claim, person):
        return PaperOpening.Duty.BLIND_REVIEW.value
    if investigates(claim, person):
        return PaperOpening.Duty.INVESTIGATOR.value
    if outside_stage(claim, person):
        return PaperOpening.Duty.OUTSIDE_REVIEWER.value
    duty = reads_as(claim, person, duties_of(person, claim.pool))
    return "" if duty == REVIEWER and claim.state not in READ_BY_ITS_REVIEWER else duty


def check_opens(claim: Claim, person: User) -> str:
    """Return the duty in which the person opens papers of a claim now. Raises: NotInHandError."""
    duty = opens_as(claim, person)
    if not duty:
        raise NotInHandError(
            _(
                "Only the reviewer in charge opens papers, a second reviewer while there is something to decide, and an"
                " investigator while they look into it."
            )
        )
    return duty


def access_paper(claim: Claim, code: str) -> Evidence:
    """Return a paper of a claim that counts, without its bytes. Raises: NotFoundError."""
    paper = claim.papers.filter(code=code, removed_at=None).defer("sealed").first()
    if paper is None:
        raise NotFoundError(_("There is no such paper."))
    return paper


def check_opens_it(claim: Claim, person: User, paper: Evidence) -> str:
    """Return the duty in which the person opens this paper now. Raises: NotInHandError, NotAnsweringError.

    A paper of an objection: who may answer it, while it is open.
    """
    duty = check_opens(claim, person)
    if paper.kind != OBJECTION:
        return duty
    waits = claim.objections.filter(papers__paper=paper, state="open").exclude(member=person.code)
    if duty not in _ANSWERING or has_judged(claim, person.code) or not waits.exists():
        raise NotAnsweringError(
            _(
                "Only who answers an objection opens its papers: a second reviewer without a part in the case, or"
                " somebody from outside in their place."
            )
        )
    return duty


@transaction.atomic
def open_paper(
    *, claim: Claim, code: str, opener: str, purpose: str, note: str, at: dt.datetime
) -> PaperOpening:
    """Note that somebody opens a paper, and for what; the paper is shown under this note alone.

    Raises: NotInHandError, NotAnsweringError, NotFoundError, ErasedError, PurposeMissingError.
    """
    claim = locked_claim(claim, *Claim.State.values)
    person = User.objects.get(code=opener)
    check_opens(claim, person)
    paper = access_paper(claim, code)
    duty = check_opens_it(claim, person, paper)
    if paper.wrapped is None:
        raise ErasedError(
            _("This paper has been erased: its key was destroyed. Nobody can read it any more.")
        )
    if purpose == Purpose.OTHER and not note:
        raise PurposeMissingError(_("Write what you open it for: the claimant reads it."))
    opening = PaperOpening(paper=paper, opener=opener, duty=duty, purpose=purpose, opened_at=at)
    if note:
        opening.note_sealed = seal_text(note, opening.context)
    opening.save()
    # The instant is the database's own.
    opening.refresh_from_db(fields=["opened_at"])
    audit.record(
        actor=opener,
        action="open_evidence",
        subject=claim.code,
        evidence=paper.code,
        purpose=_LOGGED_AS.get(duty, duty),
        opening=opening.pk,
    )
    return opening


def access_opening(*, claim: Claim, person: User, opening_id: int) -> PaperOpening:
    """Return an opening by this person of a paper of this claim. Raises: NotFoundError."""
    found = PaperOpening.objects.filter(pk=opening_id, opener=person.code, paper__claim=claim)
    opening = found.select_related("paper__claim__pool").defer("paper__sealed").first()
    if opening is None:
        raise NotFoundError(_("There is no such paper."))
    return opening


def is_over(opening: PaperOpening, at: dt.datetime) -> bool:
    """Tell whether the opening shows its paper no more."""
    return at >= opening.opened_at + dt.timedelta(minutes=MINUTES_OPEN)


def marked_paper(*, claim: Claim, opening: PaperOpening, person: User, at: dt.datetime) -> papers.Paper:
    """Return the paper of an opening with the opener's code, the claim's and the instant on every page of it.

    Raises: OpeningOverError, NotInHandError, NotAnsweringError, ErasedError, lib.crypto.UnreadableError,
    papers.PaperRefusedError.
    """
    if is_over(opening, at):
        raise OpeningOverError(_("This opening is over. Open the paper again and say what for."))
    check_opens_it(claim, person, opening.paper)
    paper = papers.Paper(opening.paper.media_type, read_paper(opening.paper))
    local = opening.opened_at.astimezone(dt.UTC)
    return papers.marked(paper, f"{person.code} · {claim.code} · {local:%Y-%m-%d %H:%M} UTC")


@dataclass(frozen=True)
class Reader:
    """Somebody who read of a claim. by: their code. kind, note: of a paper that was opened, and why in their own words.

    deed: `open_evidence` for a paper, `open_claim` for the claimant's words.
    """

    deed: str
    at: dt.datetime
    by: str
    duty: str
    purpose: str
    kind: str = ""
    note: str = ""


@dataclass(frozen=True)
class OpeningTold:
    """An opening as the claimant is told of it. note: in the opener's own words, or empty."""

    opening: PaperOpening
    kind: str
    note: str


def openings_of(claim: Claim) -> list[OpeningTold]:
    """Return who opened papers of a claim, oldest first. One query."""
    found = PaperOpening.objects.filter(paper__claim=claim).select_related("paper").defer("paper__sealed")
    return [OpeningTold(one, one.paper.kind, read_note(one)) for one in found.order_by("pk")]


def readers_of(claim: Claim, history: Iterable[AuditEntry]) -> list[Reader]:
    """Return who else than the claimant read papers and words, oldest first. One query besides the history."""
    return readers_told(openings_of(claim), history)


def readers_told(openings: Iterable[OpeningTold], history: Iterable[AuditEntry]) -> list[Reader]:
    """Return who read a claim by its openings and its history, oldest first."""
    readers = [
        Reader(
            deed="open_evidence",
            at=told.opening.opened_at,
            by=told.opening.opener,
            duty=told.opening.duty,
            purpose=told.opening.purpose,
            kind=told.kind,
            note=told.note,
        )
        for told in openings
    ]
    for line in history:
        purpose = line.detail.get("purpose", "")
        # Of papers that were opened before purposes were asked for, the trail is all there is.
        if line.action in READS and purpose != "own_file" and "opening" not in line.detail:
            duty = _DUTY_OF.get(purpose, SECOND_REVIEWER)
            readers.append(Reader(deed=line.action, at=line.at, by=line.actor, duty=duty, purpose=purpose))
    return sorted(readers, key=lambda one: one.at)


def reader_words(reader: Reader) -> tuple[object, object]:
    """Return duty and purpose of a reader in words."""
    duties = {**dict(PaperOpening.Duty.choices), **_WITHOUT_PAPERS}
    return duties[reader.duty], {**PURPOSES, **dict(Purpose.choices)}[reader.purpose]


def read_note(opening: PaperOpening) -> str:
    """Return what the opener wrote."""
    return unseal_text(bytes(opening.note_sealed), opening.context) if opening.note_sealed else ""
