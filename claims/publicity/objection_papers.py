"""Papers beside an objection: kept like every paper of a claim, for who answers it and for the claimant."""

import datetime as dt

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.errors import ConflictError, NotFoundError
from claims.filing import papers
from claims.filing.illnesses import OBJECTION
from claims.filing.models import Claim, Evidence
from claims.filing.paper_triggers import PAPERS_PER_OBJECTION
from claims.filing.services import keep_paper, locked_claim
from claims.publicity.models import Objection, ObjectionPaper


class PaperThereError(ConflictError):
    """The case has this very paper already, from somebody else."""

    code = "one_copy_of_a_paper"


class ObjectionOverError(ConflictError):
    """Papers are added, and replies written, while the objection is open."""

    code = "objection_paper_comes_while_it_is_open"


class TooManyPapersError(ConflictError):
    """An objection has as many papers as one takes."""

    code = "objection_papers_have_a_limit"


def add_to_objection(*, objection: Objection, member: str, data: bytes, at: dt.datetime) -> ObjectionPaper:
    """Lay a further paper beside one's own open objection; the same file again is the one that is there.

    Raises: NotFoundError for somebody else's, papers.PaperRefusedError, ObjectionOverError, TooManyPapersError,
    PaperThereError.
    """
    if objection.member != member:
        raise NotFoundError(_("There is no such objection."))
    # Outside the transaction: decoding may take seconds, and nothing is locked meanwhile.
    paper = papers.clean(data)
    with transaction.atomic():
        locked_claim(objection.claim, *Claim.State.values)
        objection.refresh_from_db(fields=["state", "replied_at"])
        if objection.state != Objection.State.OPEN:
            raise ObjectionOverError(_("This objection has been answered. Nothing is added to it any more."))
        if objection.replied_at is not None:
            raise ObjectionOverError(_("This objection is being answered. Nothing is added to it any more."))
        return keep_with_objection(objection, paper, at)


def keep_with_objection(objection: Objection, paper: papers.Paper, at: dt.datetime) -> ObjectionPaper:
    """Keep a paper that was rewritten, in a claim that is locked. Raises: TooManyPapersError, PaperThereError."""
    held = _held(objection, paper)
    if held is not None:
        return held
    if objection.papers.count() >= PAPERS_PER_OBJECTION:
        raise TooManyPapersError(
            _("An objection takes %(most)s papers at most.") % {"most": PAPERS_PER_OBJECTION}
        )
    kept = keep_paper(claim=objection.claim, claimant=objection.member, kind=OBJECTION, paper=paper, at=at)
    return ObjectionPaper.objects.create(objection=objection, paper=kept)


def _held(objection: Objection, paper: papers.Paper) -> ObjectionPaper | None:
    """Return the same paper if this objection has it. Raises: PaperThereError if another has, or the claim itself."""
    same = Evidence.objects.filter(claim=objection.claim_id, sha256=papers.sha256_of(paper), removed_at=None)
    found = same.defer("sealed").first()
    if found is None:
        return None
    held = objection.papers.filter(paper=found).first()
    if held is None:
        raise PaperThereError(_("Whoever answers your objection has this paper already."))
    return held
