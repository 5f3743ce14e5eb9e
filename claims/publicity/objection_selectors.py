"""What of an objection is told to whom: all of it to who wrote or answers it, to its claimant what two people left.

Members are told that there is one, how it was answered, and that something was taken out of it: no words, because
the claimant has signed what members read of the case, and an objection may say more.
"""

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum

from django.db.models import Prefetch, QuerySet
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.crypto import unseal_text
from aidplatform.lib.errors import NotFoundError
from aidplatform.work import audit
from claims.filing.models import Claim, Evidence
from claims.filing.papers import Paper, marked
from claims.filing.selectors import concerned_by, is_near_to, read_paper, speaks_for
from claims.publicity.models import Objection, ObjectionPaper, Redaction
from claims.publicity.selectors import access_objection, read_answer, read_objection
from claims.publicity.triggers import DAYS_FOR_TWO, DAYS_TO_REPLY
from claims.review.appeals import SECOND_REVIEWER, has_judged
from members.people.models import User
from members.pools.selectors import duties_of


class Reader(Enum):
    """As what somebody reads an objection."""

    MEMBER = "member"
    WRITER = "writer"
    CLAIMANT = "claimant"
    IN_FULL = "in_full"


@dataclass(frozen=True)
class ToldPaper:
    """A paper of an objection. state: `open` to be read, `waits` for its time, `withheld` by two people, `erased`."""

    paper: ObjectionPaper
    state: str


@dataclass(frozen=True)
class Told:
    """An objection as somebody is told of it.

    waits_until: before that the claimant reads neither words nor papers. upheld_from: before that it is not upheld.
    """

    objection: Objection
    reader: Reader
    reason: str
    reply: str
    answer: str
    papers: list[ToldPaper]
    taken_out: list[Redaction]
    waits_until: dt.datetime | None
    upheld_from: dt.datetime | None

    @property
    def is_open(self) -> bool:
        """Tell whether it waits for its answer."""
        return self.objection.state == Objection.State.OPEN

    @property
    def may_reply(self) -> bool:
        """Tell whether the claimant can still reply to what they can read."""
        return self.is_open and self.waits_until is None and self.objection.replied_at is None


def reader_of(claim: Claim, person: User) -> Callable[[Objection], Reader]:
    """Return as what the person reads each objection to a case. Seven queries at most, however many there are.

    In full a second reviewer who neither wrote it, is near nor had a part; as it is left, whose case it is.
    """
    answers = (
        SECOND_REVIEWER in duties_of(person, claim.pool)
        and person.pk not in concerned_by(claim)
        and not is_near_to(claim, person)
        and not has_judged(claim, person.code)
    )
    others = Reader.CLAIMANT if speaks_for(claim, person) else Reader.MEMBER
    return lambda one: Reader.WRITER if one.member == person.code else Reader.IN_FULL if answers else others


def objections_in_full(claim: Claim) -> QuerySet[Objection]:
    """Return a claim's objections by number, with papers and what was proposed to be taken out. Three queries."""
    papers = ObjectionPaper.objects.select_related("paper").defer("paper__sealed").order_by("pk")
    return (
        claim.objections.select_related("claim")
        .prefetch_related(
            Prefetch("papers", queryset=papers),
            Prefetch(
                "redactions",
                queryset=Redaction.objects.select_related("paper__paper")
                .defer("paper__paper__sealed")
                .order_by("pk"),
            ),
        )
        .order_by("number")
    )


def waits_until(objection: Objection, at: dt.datetime) -> dt.datetime | None:
    """Return from when the claimant reads an objection, should that come; not open any more, they read it at once."""
    begin = objection.raised_at + dt.timedelta(days=DAYS_FOR_TWO)
    return None if objection.state != Objection.State.OPEN or at >= begin else begin


def upheld_from(objection: Objection, at: dt.datetime) -> dt.datetime | None:
    """Return from when an open objection can be upheld, should that come: until then its claimant may still reply.

    Three days after they could read the last of it: a paper that comes late has its days, too.
    """
    readable = [
        objection.raised_at + dt.timedelta(days=DAYS_FOR_TWO),
        *(one.paper.added_at for one in objection.papers.all()),
    ]
    begin = max(readable) + dt.timedelta(days=DAYS_TO_REPLY)
    is_heard = objection.state != Objection.State.OPEN or objection.replied_at is not None
    return None if is_heard or at >= begin else begin


def told(objection: Objection, reader: Reader, at: dt.datetime) -> Told:
    """Return what a reader is told of an objection, of those that `objections_in_full` returns. No query."""
    taken_out = [one for one in objection.redactions.all() if one.state == Redaction.State.TAKEN_OUT]
    waits = waits_until(objection, at) if reader == Reader.CLAIMANT else None
    words = reader != Reader.MEMBER
    return Told(
        objection=objection,
        reader=reader,
        reason=_reason(objection, taken_out, reader) if words and waits is None else "",
        reply=read_reply(objection) if reader in {Reader.CLAIMANT, Reader.IN_FULL} else "",
        answer=read_answer(objection) if words else "",
        papers=[_paper(one, taken_out, reader, waits) for one in objection.papers.all()],
        taken_out=taken_out,
        waits_until=waits,
        upheld_from=upheld_from(objection, at),
    )


def _reason(objection: Objection, taken_out: Iterable[Redaction], reader: Reader) -> str:
    left = next((one for one in taken_out if one.paper_id is None), None)
    if left is None or reader != Reader.CLAIMANT:
        return read_objection(objection)
    return read_left(left)


def _paper(
    one: ObjectionPaper, taken_out: Iterable[Redaction], reader: Reader, waits: dt.datetime | None
) -> ToldPaper:
    if one.paper.wrapped is None:
        return ToldPaper(one, "erased")
    if reader == Reader.CLAIMANT and any(redaction.paper_id == one.pk for redaction in taken_out):
        return ToldPaper(one, "withheld")
    return ToldPaper(one, "waits" if waits is not None else "open")


def told_to_claimant(claim: Claim, at: dt.datetime) -> list[Told]:
    """Return what the claimant is told of each objection. Three queries."""
    return [told(one, Reader.CLAIMANT, at) for one in objections_in_full(claim)]


def papers_kept_back(claim: Claim, at: dt.datetime) -> set[str]:
    """Return the codes of the papers of objections that the claimant cannot read now. Three queries."""
    return {
        paper.paper.paper.code
        for one in told_to_claimant(claim, at)
        for paper in one.papers
        if paper.state != "open"
    }


def access_told_paper(*, claim: Claim, number: int, code: str, at: dt.datetime) -> ObjectionPaper:
    """Return a paper of an objection that its claimant can read now. Raises: NotFoundError."""
    objection = objections_in_full(claim).filter(pk=access_objection(claim=claim, number=number).pk).get()
    for one in told(objection, Reader.CLAIMANT, at).papers:
        if one.paper.paper.code == code and one.state == "open":
            return one.paper
    raise NotFoundError(_("There is no such paper."))


def note_reading(objection: Objection, person: User) -> None:
    """Note that somebody apart from the case read an objection as it was written."""
    audit.record(
        actor=person.code, action="open_objection", subject=objection.claim.code, objection=objection.number
    )


def read_told_paper(*, claim: Claim, paper: ObjectionPaper, person: User, at: dt.datetime) -> Paper:
    """Return a paper with the code of who reads it, the claim's and the instant on every page; that is noted.

    Raises: ErasedError, lib.crypto.UnreadableError, papers.PaperRefusedError.
    """
    kept = Evidence.objects.select_related("claim").get(pk=paper.paper_id)
    data = read_paper(kept)
    audit.record(
        actor=person.code,
        action="open_evidence",
        subject=claim.code,
        evidence=kept.code,
        purpose="own_file",
    )
    local = at.astimezone(dt.UTC)
    return marked(Paper(kept.media_type, data), f"{person.code} · {claim.code} · {local:%Y-%m-%d %H:%M} UTC")


def access_paper(objection: Objection, code: str) -> ObjectionPaper:
    """Return a paper of an objection. Raises: NotFoundError."""
    found = objection.papers.filter(paper__code=code).select_related("objection__claim").first()
    if found is None:
        raise NotFoundError(_("There is no such paper."))
    return found


def access_redaction(*, objection: Objection, number: int) -> Redaction:
    """Return something proposed to be taken out. Raises: NotFoundError."""
    found = objection.redactions.filter(number=number).select_related("objection__claim").first()
    if found is None:
        raise NotFoundError(_("There is no such proposal."))
    return found


def read_reply(objection: Objection) -> str:
    """Return what the claimant replied; empty: nothing yet."""
    if not objection.reply_sealed:
        return ""
    return unseal_text(bytes(objection.reply_sealed), objection.reply_context)


def read_left(redaction: Redaction) -> str:
    """Return what is left of the words."""
    return unseal_text(bytes(redaction.shown_sealed or b""), redaction.context)
