"""What is taken out of an objection before its claimant reads it: one second reviewer proposes, another person decides.

What was written stays, sealed: whoever answers reads all of it, and so does an auditor.
"""

import datetime as dt
from collections.abc import Sequence

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.crypto import seal_text
from aidplatform.lib.errors import ConflictError, DomainError, ForbiddenError
from aidplatform.work import audit
from claims.filing.models import Claim
from claims.filing.selectors import concerned_by, is_near_to
from claims.filing.services import locked_claim
from claims.publicity.models import Objection, ObjectionPaper, Redaction
from claims.publicity.selectors import read_objection
from claims.review.appeals import has_judged
from members.people.models import User
from members.pools.models import DutyGrant
from members.pools.selectors import duties_of

PROPOSES = {DutyGrant.Duty.SECOND_REVIEWER.value}
# A paper is opened by second reviewers alone: nobody else can judge what it is about.
DECIDES_ON_PAPERS = PROPOSES
DECIDES_ON_WORDS = PROPOSES | {DutyGrant.Duty.CONTROLLER.value}
# What stands in the place of words.
GONE = "▇▇▇"


class NotApartError(ForbiddenError):
    """Whoever is party to the case, or had a part in it, takes nothing out of an objection."""

    code = "redaction_is_by_people_apart"


class NoSuchWordsError(DomainError):
    """Only words that stand in the objection can be taken out of it."""

    code = "words_are_not_there"


class RedactionWaitsError(ConflictError):
    """Something waits to be decided, or was taken out already."""

    code = "one_open_redaction_per_objection"


class SecondPersonError(ForbiddenError):
    """Another person decides than the one who proposed."""

    code = "redaction_takes_two_people"


class RedactionDecidedError(ConflictError):
    """It was decided meanwhile."""

    code = "redaction_is_decided_as_shown"


@transaction.atomic
def propose_words(
    *, objection: Objection, proposer: str, ground: str, words: Sequence[str], at: dt.datetime
) -> Redaction:
    """Propose to take words, as they stand in an objection, out of what its claimant reads.

    Raises: NotApartError, NoSuchWordsError, RedactionWaitsError.
    """
    claim = _locked(objection, proposer, PROPOSES)
    made = _proposed(objection, proposer, ground, None, at)
    left = without(read_objection(objection), words)
    made.shown_sealed = seal_text(left, made.context)
    return _saved(made, claim)


@transaction.atomic
def propose_paper(*, paper: ObjectionPaper, proposer: str, at: dt.datetime) -> Redaction:
    """Propose to withhold a paper of an objection from its claimant, because it is about other people.

    Raises: NotApartError, RedactionWaitsError.
    """
    claim = _locked(paper.objection, proposer, PROPOSES)
    return _saved(_proposed(paper.objection, proposer, Redaction.Ground.OTHERS, paper, at), claim)


@transaction.atomic
def decide_redaction(*, redaction: Redaction, decider: str, takes_out: bool, at: dt.datetime) -> Redaction:
    """Take out exactly what was proposed, or leave what was written, as another person.

    Raises: NotApartError, SecondPersonError, RedactionDecidedError.
    """
    claim = _locked(redaction.objection, decider, deciding_on(redaction))
    locked = Redaction.objects.select_for_update(of=["self"]).get(pk=redaction.pk)
    if locked.proposed_by == decider:
        raise SecondPersonError(_("You proposed this. Another person decides."))
    if locked.state != Redaction.State.PROPOSED:
        raise RedactionDecidedError(_("Somebody has decided this meanwhile. Reload the page."))
    locked.state = Redaction.State.TAKEN_OUT if takes_out else Redaction.State.LEFT
    locked.decided_by, locked.decided_at = decider, at
    locked.save(update_fields=["state", "decided_by", "decided_at"])
    _record(locked, claim, decider, "decide_redaction")
    return locked


def without(text: str, words: Sequence[str]) -> str:
    """Return a text without some of its words; nothing else of it changes. Raises: NoSuchWordsError."""
    for one in words:
        if one not in text:
            raise NoSuchWordsError(
                _("These words do not stand in the objection: “%(words)s”. Copy them from it.")
                % {"words": one}
            )
        text = text.replace(one, GONE)
    return text


def deciding_on(redaction: Redaction) -> set[str]:
    """Return the duties in which somebody decides on a proposal."""
    return DECIDES_ON_WORDS if redaction.paper_id is None else DECIDES_ON_PAPERS


def check_apart(objection: Objection, person: User) -> None:
    """Refuse whoever is party to the case of an objection or had a part in it. Raises: NotApartError."""
    claim = objection.claim
    if (
        person.code == objection.member
        or person.pk in concerned_by(claim)
        or is_near_to(claim, person)
        or has_judged(claim, person.code)
    ):
        raise NotApartError(
            _(
                "Only people who are not party to a case and had no part in it read an objection as it was written."
            )
        )


def _locked(objection: Objection, code: str, duties: set[str]) -> Claim:
    """Lock the claim of an objection for somebody who is apart and on duty. Raises: NotApartError."""
    claim = locked_claim(objection.claim, *Claim.State.values)
    person = User.objects.get(code=code)
    if not duties & duties_of(person, claim.pool):
        raise NotApartError(_("Your duties in this pool do not include this."))
    check_apart(objection, person)
    return claim


def _proposed(
    objection: Objection, proposer: str, ground: str, paper: ObjectionPaper | None, at: dt.datetime
) -> Redaction:
    """Return a proposal, unsaved. Raises: RedactionWaitsError."""
    found = list(objection.redactions.all())
    if any(one.state == Redaction.State.PROPOSED for one in found):
        raise RedactionWaitsError(_("A proposal waits for this objection. It is decided first."))
    if any(one.state == Redaction.State.TAKEN_OUT and one.paper == paper for one in found):
        raise RedactionWaitsError(
            _("Two people have taken something out here already."), code="nothing_is_taken_out_twice"
        )
    number = len(found) + 1
    return Redaction(
        objection=objection, number=number, paper=paper, ground=ground, proposed_by=proposer, proposed_at=at
    )


def _saved(made: Redaction, claim: Claim) -> Redaction:
    made.save()
    _record(made, claim, made.proposed_by, "propose_redaction")
    return made


def _record(redaction: Redaction, claim: Claim, actor: str, action: str) -> None:
    audit.record(
        actor=actor,
        action=action,
        subject=claim.code,
        objection=redaction.objection.number,
        redaction=redaction.number,
        state=redaction.state,
    )
