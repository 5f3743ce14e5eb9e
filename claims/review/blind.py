"""Reads of blind reviews: which decided claims are judged once more, chosen by a hash so that nobody chooses."""

import datetime as dt
import hashlib

from django.conf import settings
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from aidplatform.lib import clock
from claims.filing.models import Claim
from claims.filing.selectors import concerned_by, is_near_to, may_appeal, near_to
from claims.filing.states import JUDGED
from claims.review.models import BlindReview, Concurrence, Decision
from members.people.models import User
from members.pools.models import Pool

_LISTED = 50
# What was decided longer ago tells little of how cases are judged now.
_DAYS = 90


def is_chosen(claim: Claim) -> bool:
    """Tell whether a claim is among those that are judged once more."""
    return _place(claim.code) < settings.BLIND_REVIEW_PER_MILLE


def _place(code: str) -> int:
    """Return the place of a claim among a thousand: nobody sees it before there is a code, or can change it."""
    return int(hashlib.sha256(f"claims.blind:{code}".encode()).hexdigest()[:8], 16) % 1000


def knows_the_case(claim: Claim, person: User) -> bool:
    """Tell whether the person judged the case before, took part in it or is near to whom it is about."""
    return (
        person.pk in concerned_by(claim)
        or claim.reviewer_id == person.pk
        or is_near_to(claim, person)
        or claim.recommendations.filter(reviewer=person.code).exists()
        or claim.decisions.filter(decider=person.code).exists()
        or claim.concurrences.filter(decider=person.code).exists()
        or claim.objections.filter(member=person.code).exists()
        or claim.objections.filter(answered_by=person.code).exists()
    )


def waits_for(claim: Claim, person: User) -> bool:
    """Tell whether this claim waits for a blind review by somebody like this person."""
    return (
        claim.state in JUDGED
        and is_chosen(claim)
        and not _may_come_back(claim)
        and not BlindReview.objects.filter(claim=claim).exists()
        and not knows_the_case(claim, person)
    )


def _may_come_back(claim: Claim) -> bool:
    """Tell whether an appeal may still come: whoever judges the claim meanwhile could not hear it."""
    return may_appeal(claim, clock.today(claim.pool.time_zone))


def waiting_claims(pool: Pool, person: User) -> list[Claim]:
    """Return the claims of a pool that wait for a blind review by this person, as `waits_for` says, oldest first."""
    since = clock.now() - dt.timedelta(days=_DAYS)
    found = (
        Claim.objects.filter(pool=pool, state__in=JUDGED, blind_review=None)
        .filter(decisions__round=F("round"), decisions__decided_at__gte=since)
        .exclude(recommendations__reviewer=person.code)
        .exclude(reviewer=person)
        .exclude(Q(claimant=person) | Q(membership__person=person) | near_to(person))
        .order_by("pk")
    )
    had_part = Q(objections__member=person.code) | Q(objections__answered_by=person.code)
    found = found.exclude(Exists(Claim.objects.filter(had_part, pk=OuterRef("pk"))))
    found = found.exclude(Exists(Decision.objects.filter(claim=OuterRef("pk"), decider=person.code)))
    found = found.exclude(Exists(Concurrence.objects.filter(claim=OuterRef("pk"), decider=person.code)))
    share = settings.BLIND_REVIEW_PER_MILLE
    codes = [code for code in found.values_list("code", flat=True) if _place(code) < share]
    chosen: QuerySet[Claim] = Claim.objects.filter(code__in=codes[:_LISTED]).defer(
        "birth_sealed", "story_sealed", "payee_sealed", "payee_index", "derivation", "masked"
    )
    chosen = chosen.select_related("pool", "plan_version")
    waiting = [claim for claim in chosen if not _may_come_back(claim)]
    return sorted(waiting, key=lambda claim: codes.index(claim.code))
