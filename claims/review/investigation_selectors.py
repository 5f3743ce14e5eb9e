"""Reads of investigations: who investigates what now, what was asked, found and answered."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from aidplatform.lib import clock
from aidplatform.lib.crypto import unseal_text
from aidplatform.lib.errors import NotFoundError
from claims.filing.models import Claim
from claims.filing.selectors import claims_of
from claims.review.investigation_models import Investigation
from members.people.models import User
from members.people.services import hash_of
from members.pools.investigation_terms import InvestigationTerms

State = Investigation.State


def terms_of(claim: Claim) -> InvestigationTerms | None:
    """Return what the plan of a claim's event day says of investigations; None: it knows none."""
    return claim.plan_version.plan().investigation if claim.plan_version else None


def investigations_of(claim: Claim) -> list[Investigation]:
    """Return every investigation of a claim, oldest first. One query."""
    return list(claim.investigations.select_related("investigator").order_by("number"))


def live_of(claim: Claim) -> Investigation | None:
    """Return the investigation of a claim that is not over, or none."""
    return claim.investigations.filter(state__in=Investigation.LIVE).first()


def running_of(person: User) -> list[Investigation]:
    """Return what a person investigates today, oldest first; what is over is absent."""
    found = Investigation.objects.filter(investigator=person, state=State.RUNNING)
    rows = found.select_related("claim__pool", "claim__membership__person", "claim__plan_version").order_by(
        "pk"
    )
    return [one for one in rows if not is_past(one)]


def access_investigation(*, person: User, code: str) -> Investigation:
    """Return an investigation that is this person's to do now; any other is absent. Raises: NotFoundError."""
    found = next((one for one in running_of(person) if one.code == code), None)
    if found is None:
        raise NotFoundError(_("There is no such page, or it is not yours to see."))
    return found


def reported_by(person: User, code: str) -> Investigation | None:
    """Return the investigation that this person has finished under that code, or none."""
    return Investigation.objects.filter(investigator=person, code=code, state=State.REPORTED).first()


def investigates(claim: Claim, person: User) -> bool:
    """Tell whether a person looks into a claim from outside now. One query."""
    found = claim.investigations.filter(state=State.RUNNING, investigator=person)
    return any(not is_past(one) for one in found.select_related("claim__pool"))


def is_past(one: Investigation) -> bool:
    """Tell whether its last day is over."""
    return one.until_date is None or clock.today(one.claim.pool.time_zone) > one.until_date


def find_by_link(token: str, at: dt.datetime) -> Investigation | None:
    """Return the investigation that a link offers while somebody can accept it; None: the link is over, or none."""
    found = Investigation.objects.filter(token_sha256=hash_of(token)).select_related("claim__pool").first()
    return found if found is not None and found.has_link(at) and not is_past(found) else None


def access_of_claim(claim: Claim, number: int) -> Investigation:
    """Return one investigation of a claim. Raises: NotFoundError."""
    found = claim.investigations.filter(number=number).select_related("claim__pool").first()
    if found is None:
        raise NotFoundError(_("There is no such investigation."))
    return found


def agreements_wanted(pools: Sequence[int], person: User) -> QuerySet[Investigation]:
    """Return the investigations in these pools that wait for a second person who is not the one who ordered them."""
    waiting = Investigation.objects.filter(claim__pool__in=pools, state=State.ASKED)
    return waiting.exclude(ordered_by=person.code).select_related("claim__pool").order_by("pk")


def answers_wanted(person: User) -> list[Investigation]:
    """Return the findings that wait for an answer by this person, oldest first. Two queries."""
    found = Investigation.objects.filter(
        state=State.REPORTED, answered_at=None, claim__state=Claim.State.UNDER_REVIEW
    ).filter(claim__in=claims_of(person).values("pk"))
    return [one for one in found.select_related("claim__pool").order_by("pk") if is_answer_open(one)]


@dataclass(frozen=True)
class InvestigationTold:
    """An investigation in words. answer_open: its claimant may still answer, and nothing is recommended before."""

    investigation: Investigation
    question: str
    reason: str
    name: str
    report: str
    answer: str
    answer_open: bool

    @property
    def state_words(self) -> object:
        """Return the state in words."""
        return self.investigation.get_state_display()


def told(one: Investigation) -> InvestigationTold:
    """Return an investigation with everything that is sealed of it."""
    return InvestigationTold(
        investigation=one,
        question=_read(one, "question", one.question_sealed),
        reason=_read(one, "reason", one.reason_sealed),
        name=_read(one, "name", one.name_sealed),
        report=_read(one, "report", one.report_sealed),
        answer=_read(one, "answer", one.answer_sealed),
        answer_open=is_answer_open(one),
    )


def is_answer_open(one: Investigation) -> bool:
    """Tell whether the findings still wait for an answer: until its last day, while nobody has recommended."""
    if one.state != State.REPORTED or one.answered_at is not None or one.answer_until_date is None:
        return False
    claim = one.claim
    if claim.state != Claim.State.UNDER_REVIEW or claim.round != one.round:
        return False
    return clock.today(claim.pool.time_zone) <= one.answer_until_date


def waits_for_findings(claim: Claim) -> Investigation | None:
    """Return the investigation for which a recommendation has to wait now, or none."""
    for one in claim.investigations.filter(state__in=[State.ASKED, State.REPORTED]).select_related(
        "claim__pool"
    ):
        if one.state == State.ASKED or is_answer_open(one):
            return one
    return None


def _read(one: Investigation, part: str, sealed: "bytes | memoryview[int] | None") -> str:
    return unseal_text(bytes(sealed), one.place(part)) if sealed else ""
