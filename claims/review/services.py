"""Writes of reviewers: take a claim up, ask for papers, recommend, and, by a second person, decide."""

import datetime as dt
from collections.abc import Sequence

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.crypto import seal_text
from aidplatform.lib.dates import format_day, format_instant
from aidplatform.lib.errors import ConflictError, DomainError, ForbiddenError
from aidplatform.lib.failpoints import failpoint
from aidplatform.lib.money import format_money
from aidplatform.work import audit, jobs
from claims.filing.benefits import Benefit
from claims.filing.illnesses import KINDS
from claims.filing.models import Claim
from claims.filing.selectors import is_near_to, lifetime_left, papers_of
from claims.filing.services import ClaimMovedOnError, locked_claim, preview, step_claim
from claims.review.appeals import REVIEWER, SECOND_REVIEWER, check_not_heard_before, deciders_needed
from claims.review.investigation_selectors import waits_for_findings
from claims.review.models import Concurrence, Decision, Outcome, PaperRequest, Recommendation
from claims.review.outside_selectors import stands_in
from claims.review.selectors import judged_last, payee_commitment, public_ref, staff_name
from claims.review.selectors import shown_sha256 as current_sha256
from ledger.openbooks import services as openbooks
from members.joining.again import lock_member
from members.people.claim_words import OF_REVIEWERS
from members.people.models import User
from members.people.notices import put_away
from members.pools.models import DutyGrant

PUBLISH = "claims.publish_case"


class OwnClaimError(ForbiddenError):
    """Nobody reviews the own claim."""

    code = "reviewer_is_not_claimant"


class NearError(ConflictError):
    """Nobody judges a case of their own family, of whom they pay for, or of whom they have just invited."""

    code = "nobody_judges_their_own_circle"


class JudgedFirstError(ClaimMovedOnError):
    """Somebody else has recommended or decided meanwhile. by: their code; judged_at: when."""


class SameReviewerError(ConflictError):
    """The second pair of eyes must be somebody else's."""

    code = "decider_is_not_recommender"


class NotYoursError(ConflictError):
    """Another reviewer has taken this claim up."""

    code = "claim_is_with_another_reviewer"


class ShownChangedError(ConflictError):
    """The second reviewer saw something else than what is stored now."""

    code = "decision_is_of_what_was_shown"


class AgreedAlreadyError(ConflictError):
    """Two different second reviewers have to agree."""

    code = "decision_has_enough_deciders"


class DisagreementError(ConflictError):
    """Two people have to agree on an outcome; who does not, returns the claim."""

    code = "decision_needs_two_who_agree"


class AidTooHighError(DomainError):
    """More aid than the plan grants, or aid that does not fit the outcome."""

    code = "recommended_aid_within_derived"


class AcceptedSpendError(DomainError):
    """More spend is accepted than the claim tells of."""

    code = "accepted_spend_carries_the_aid"


class CitedPapersError(DomainError):
    """A judgment rests on papers of its claim, an approval on one at least."""

    code = "decision_rests_on_its_papers"


class FindingsError(ConflictError):
    """An investigation waits for a second person, or its findings for the claimant's answer."""

    code = "recommendation_waits_for_the_findings"


class LifetimeCapError(ConflictError):
    """Earlier cases of the member leave less than this."""

    code = "aid_within_lifetime_cap"


@transaction.atomic
def assign_claim(*, claim: Claim, reviewer: str, at: dt.datetime) -> Claim:
    """Take a filed or appealed claim up, or over from another reviewer; taken up already by oneself: as it is.

    Raises: ClaimMovedOnError, ForbiddenError, OwnClaimError, NearError, HeardBeforeError.
    """
    claim = locked_claim(claim, Claim.State.FILED, Claim.State.APPEALED, Claim.State.UNDER_REVIEW)
    person = check_reviewing(claim, reviewer, REVIEWER)
    if claim.state == Claim.State.UNDER_REVIEW and claim.reviewer_id == person.pk:
        return claim
    claim.reviewer = person
    step_claim(claim, Claim.State.UNDER_REVIEW, at)
    audit.record(actor=reviewer, action="assign_claim", subject=claim.code)
    return claim


@transaction.atomic
def request_papers(
    *, claim: Claim, reviewer: str, kinds: Sequence[str], message: str, at: dt.datetime
) -> PaperRequest:
    """Ask the claimant for papers or a correction; the claim waits for them.

    Raises: ClaimMovedOnError, NotYoursError, ForbiddenError.
    """
    claim = locked_claim(claim, Claim.State.UNDER_REVIEW)
    check_reviewing(claim, reviewer, REVIEWER)
    _check_is_mine(claim, reviewer)
    unknown = set(kinds) - set(KINDS)
    assert not unknown, unknown
    request = PaperRequest(
        claim=claim,
        number=claim.paper_requests.count() + 1,
        kinds=list(kinds),
        requested_by=reviewer,
        requested_at=at,
    )
    request.message_sealed = seal_text(message, request.context)
    request.save()
    step_claim(claim, Claim.State.PAPERS_REQUESTED, at)
    audit.record(actor=reviewer, action="request_papers", subject=claim.code, kinds=list(kinds))
    return request


@transaction.atomic
def recommend(
    *,
    claim: Claim,
    reviewer: str,
    outcome: str,
    aid_fen: int,
    clause: str,
    papers: Sequence[str],
    reason: str,
    at: dt.datetime,
    accepted_spend_fen: int | None = None,
) -> Recommendation:
    """Say what the first reviewer holds right; it decides nothing.

    papers: codes of those that establish it. accepted_spend_fen: what of the bills counts, where the plan asks for
    them; None: all that was told.

    Raises: JudgedFirstError, ClaimMovedOnError, NotYoursError, FindingsError, AcceptedSpendError, AidTooHighError,
    LifetimeCapError, CitedPapersError, ForbiddenError.
    """
    claim = _locked_unless_judged(claim, Claim.State.UNDER_REVIEW, reviewer, REVIEWER)
    check_reviewing(claim, reviewer, REVIEWER, from_outside=True)
    _check_is_mine(claim, reviewer)
    _check_findings(claim)
    accepted_fen, benefit = _accepted(claim, outcome, accepted_spend_fen, at)
    most_fen = min(claim.aid_fen or 0, benefit.aid_fen) if benefit else claim.aid_fen or 0
    if outcome == Outcome.APPROVED and not 0 < aid_fen <= most_fen:
        raise AidTooHighError(
            _("The plan grants at most what is derived on this page, and an approval is of some aid."),
            aid_fen=aid_fen,
            most_fen=most_fen,
        )
    if outcome == Outcome.APPROVED:
        _check_lifetime_cap(claim, aid_fen)
    recommendation = Recommendation(
        claim=claim,
        round=claim.round,
        reviewer=reviewer,
        outcome=outcome,
        aid_fen=aid_fen if outcome == Outcome.APPROVED else 0,
        accepted_spend_fen=accepted_fen,
        derivation=benefit.to_json() if benefit else None,
        clause=clause,
        papers=check_cited(claim, outcome, papers),
        recommended_at=at,
    )
    recommendation.reason_sealed = seal_text(reason, recommendation.context)
    recommendation.save()
    step_claim(claim, Claim.State.RECOMMENDED, at)
    failpoint("claims.recommended")
    audit.record(actor=reviewer, action="recommend", subject=claim.code, outcome=outcome, round=claim.round)
    return recommendation


@transaction.atomic
def decide(
    *,
    claim: Claim,
    decider: str,
    outcome: str,
    clause: str,
    papers: Sequence[str],
    reason: str,
    shown_sha256: str,
    at: dt.datetime,
) -> Decision | Concurrence:
    """Decide as a second person over exactly what was shown; an approval is published by a job.

    Where the plan asks for two second reviewers, the first one's word is kept, and the claim waits for the other.

    outcome: the recommended one, or `returned`, which opens the next round. papers: codes of those on which it rests.

    Raises: JudgedFirstError, ClaimMovedOnError, SameReviewerError, DisagreementError, ShownChangedError,
    LifetimeCapError, CitedPapersError, AgreedAlreadyError, OwnClaimError, ForbiddenError.
    """
    claim = _locked_unless_judged(claim, Claim.State.RECOMMENDED, decider, SECOND_REVIEWER)
    check_reviewing(claim, decider, SECOND_REVIEWER, not_recommender=True, from_outside=True)
    advised = claim.recommendations.get(round=claim.round)
    if outcome not in {advised.outcome, Outcome.RETURNED}:
        raise DisagreementError(
            _("Two people must agree. Return the claim with your reason if you see it otherwise."),
            recommended=advised.outcome,
        )
    if shown_sha256 != current_sha256(claim):
        raise ShownChangedError(_("The claim is not what you were shown. Look at it again, then decide."))
    if outcome == Outcome.APPROVED:
        _check_lifetime_cap(claim, advised.aid_fen)
    agreed = claim.concurrences.filter(round=claim.round).first()
    if outcome != Outcome.RETURNED and agreed is None and deciders_needed(claim) > 1:
        return _agree(claim, advised, decider, clause, papers, reason, shown_sha256, at)
    if outcome != Outcome.RETURNED and agreed is not None and agreed.decider == decider:
        raise AgreedAlreadyError(_("You have agreed already. Another second reviewer decides."))
    decision = Decision(
        claim=claim,
        round=claim.round,
        decider=decider,
        outcome=outcome,
        aid_fen=0 if outcome == Outcome.RETURNED else advised.aid_fen,
        clause=clause,
        papers=check_cited(claim, outcome, papers),
        shown_sha256=shown_sha256,
        decided_at=at,
    )
    decision.reason_sealed = seal_text(reason, decision.context)
    decision.save()
    _go_on(claim, decision, at)
    failpoint("claims.decided")
    audit.record(actor=decider, action="decide", subject=claim.code, outcome=outcome, sha256=shown_sha256)
    return decision


def _agree(
    claim: Claim,
    advised: Recommendation,
    decider: str,
    clause: str,
    papers: Sequence[str],
    reason: str,
    shown_sha256: str,
    at: dt.datetime,
) -> Concurrence:
    """Keep the word of the first of two second reviewers; it decides nothing, and is off their list."""
    made = Concurrence(
        claim=claim,
        round=claim.round,
        decider=decider,
        outcome=advised.outcome,
        aid_fen=advised.aid_fen,
        clause=clause,
        papers=check_cited(claim, advised.outcome, papers),
        shown_sha256=shown_sha256,
        agreed_at=at,
    )
    made.reason_sealed = seal_text(reason, made.context)
    made.save()
    put_away(people=[User.objects.get(code=decider)], kinds=OF_REVIEWERS, subject=claim.code, at=at)
    audit.record(
        actor=decider, action="agree", subject=claim.code, outcome=advised.outcome, sha256=shown_sha256
    )
    return made


def _check_findings(claim: Claim) -> None:
    """Refuse a recommendation before an investigation is agreed to and its findings are answered.

    Raises: FindingsError.
    """
    waits_for = waits_for_findings(claim)
    if waits_for is None:
        return
    until = waits_for.answer_until_date
    raise FindingsError(
        _("The claimant may answer the findings until %(day)s. Recommend after that.")
        % {"day": format_day(until)}
        if until
        else _("An investigation waits for a second person. Take it back, or wait for their word."),
        until=until.isoformat() if until else None,
    )


def check_cited(claim: Claim, outcome: str, papers: Sequence[str]) -> list[str]:
    """Return the papers on which a judgment rests, in the order in which they came. Raises: CitedPapersError."""
    held = [paper.code for paper in papers_of(claim)]
    if not set(papers) <= set(held):
        raise CitedPapersError(_("One of the papers is not in this claim any more. Look at them again."))
    if outcome == Outcome.APPROVED and not papers:
        raise CitedPapersError(_("Say which paper establishes it: an approval rests on one at least."))
    return [code for code in held if code in set(papers)]


def _accepted(
    claim: Claim, outcome: str, accepted_fen: int | None, at: dt.datetime
) -> tuple[int | None, Benefit | None]:
    """Return the spend that an approval accepts and what the plan grants for it; nothing where it asks for none.

    Raises: AcceptedSpendError for more than was told.
    """
    if outcome != Outcome.APPROVED or claim.spend_fen is None:
        return None, None
    accepted_fen = claim.spend_fen if accepted_fen is None else accepted_fen
    if accepted_fen > claim.spend_fen:
        raise AcceptedSpendError(
            _("The claim tells of %(told)s. Accept at most that, or ask the claimant for a correction.")
            % {"told": format_money(claim.spend_fen, claim.pool.currency)},
            told_fen=claim.spend_fen,
        )
    benefit, _face = preview(claim, at, accepted_fen)
    return accepted_fen, benefit


def _check_lifetime_cap(claim: Claim, aid_fen: int) -> None:
    """Lock the membership and demand that its cases stay within the plan's limit. Raises: LifetimeCapError."""
    lock_member(claim.membership_id)
    left_fen = lifetime_left(claim)
    if left_fen is not None and aid_fen > left_fen:
        raise LifetimeCapError(
            _("Other cases of this member leave %(left)s of the most for one person. Grant at most that.")
            % {"left": format_money(left_fen, claim.pool.currency)},
            left_fen=left_fen,
        )


def _go_on(claim: Claim, decision: Decision, at: dt.datetime) -> None:
    """Take the claim where its decision sends it; state the decision in the log, order its publication."""
    if decision.outcome == Outcome.RETURNED:
        claim.round += 1
        step_claim(claim, Claim.State.UNDER_REVIEW, at)
        return
    refused_again = claim.is_appeal and decision.outcome == Outcome.REJECTED
    step_claim(claim, Claim.State.REFUSED_FINALLY if refused_again else decision.outcome, at)
    openbooks.append(
        code=claim.pool.code,
        entry_type="claim.decide",
        key=f"{public_ref(claim)}/{claim.round}",
        body={
            "ref": public_ref(claim),
            "round": claim.round,
            "outcome": decision.outcome,
            "aid": decision.aid_fen,
            "clause": decision.clause,
            "payee": payee_commitment(claim),
            "deciders": [
                claim.recommendations.get(round=claim.round).reviewer,
                *claim.concurrences.filter(round=claim.round).values_list("decider", flat=True),
                decision.decider,
            ],
            "shown": decision.shown_sha256,
            "on_appeal": claim.is_appeal,
        },
        at=at,
    )
    if decision.outcome == Outcome.APPROVED:
        # An appeal may bring a claim back that was published before: each round has a job of its own.
        key = f"{claim.code}/{claim.round}"
        jobs.enqueue(kind=PUBLISH, key=key, payload={"claim": claim.pk}, actor=decision.decider)


def _locked_unless_judged(claim: Claim, state: str, code: str, duty: str) -> Claim:
    """Lock a claim that is to be judged; whoever comes second reads who was first, if they could have been it.

    Raises: JudgedFirstError, ClaimMovedOnError.
    """
    try:
        return locked_claim(claim, state)
    except ClaimMovedOnError as moved:
        claim = locked_claim(claim, *Claim.State.values)
        first = judged_last(claim)
        if first is None:
            raise
        try:
            check_reviewing(claim, code, duty, from_outside=True)
        except DomainError:
            raise moved from None
        by, at = User.objects.get(code=first.by), format_instant(first.at, claim.pool.time_zone)
        text = (
            _("%(name)s decided on this claim first, on %(at)s. Your word was not taken.")
            if first.is_decision
            else _("%(name)s recommended on this claim first, on %(at)s. Your word was not taken.")
        )
        raise JudgedFirstError(
            text % {"name": staff_name(by), "at": at}, by=first.by, judged_at=first.at.isoformat()
        ) from moved


def check_reviewing(
    claim: Claim, code: str, duty: str, *, not_recommender: bool = False, from_outside: bool = False
) -> User:
    """Return the acting person, who holds the duty and is not concerned.

    from_outside: or stands in for those who hold it, as the claim's outside reviewer.

    Raises: ForbiddenError, OwnClaimError, NearError, SameReviewerError, HeardBeforeError.
    """
    person = User.objects.get(code=code)
    if person.pk in {claim.claimant_id, claim.membership.person_id}:
        raise OwnClaimError(_("This is your own claim. Somebody else reviews it."))
    check_not_near(claim, person)
    check_not_heard_before(claim, code)
    if not_recommender and claim.recommendations.filter(reviewer=code).exists():
        raise SameReviewerError(_("You recommended on this claim; somebody else decides."))
    holds = DutyGrant.objects.filter(person=person, pool=claim.pool, duty=duty, ended_at=None).exists()
    if not (holds or (from_outside and stands_in(claim, person, duty))):
        raise ForbiddenError(_("Your duties in this pool do not include this."))
    return person


def check_in_charge(claim: Claim, reviewer: str) -> None:
    """Demand that the person reviews the claim now. Raises: NotYoursError, OwnClaimError, NearError, ForbiddenError."""
    check_reviewing(claim, reviewer, REVIEWER)
    _check_is_mine(claim, reviewer)


def check_not_near(claim: Claim, person: User) -> None:
    """Refuse whoever is near to the covered person. Raises: NearError."""
    if is_near_to(claim, person):
        raise NearError(
            _("You are near to this member: family, payer or invitation. Somebody else looks at the case.")
        )


def _check_is_mine(claim: Claim, reviewer: str) -> None:
    if claim.reviewer is None or claim.reviewer.code != reviewer:
        raise NotYoursError(_("Another reviewer has taken this claim up. Take it over first."))
