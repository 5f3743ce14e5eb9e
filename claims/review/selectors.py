"""Reads of reviewers: the queue, one claim's workspace, what a decision is shown."""

import datetime as dt
import hashlib
from collections.abc import Collection
from dataclasses import dataclass

from django.db import connection
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.crypto import unseal_text
from aidplatform.lib.errors import NotFoundError
from claims.filing.models import Claim
from claims.filing.states import ON_THE_DESK, REFUSED
from claims.review.models import Decision, PaperRequest, Recommendation
from claims.review.triggers import shown_sql
from members.pools.models import Pool

# What no list of claims reads.
_SEALED = ("birth_sealed", "story_sealed", "payee_sealed", "payee_index", "derivation", "masked")


@dataclass(frozen=True)
class Filters:
    """What the queue shows: states, only mine, a part of a code."""

    states: tuple[str, ...] = ON_THE_DESK
    reviewer_code: str = ""
    text: str = ""


def queue(pool: Pool, filters: Filters) -> QuerySet[Claim]:
    """Return the claims on the desk, most overdue first; what has no clock comes last."""
    found = Claim.objects.filter(pool=pool, state__in=filters.states).select_related("reviewer", "part_of")
    if filters.reviewer_code:
        found = found.filter(reviewer__code=filters.reviewer_code)
    if filters.text:
        found = found.filter(code__icontains=filters.text)
    return found.defer(*_SEALED).order_by("due_date", "state_since", "pk")


def find_claims(text: str, *, pools: Collection[Pool]) -> QuerySet[Claim]:
    """Return the filed claims of these pools whose code holds the text, newest first."""
    found = Claim.objects.filter(pool__in=pools, filed_at__isnull=False, code__icontains=text)
    return found.select_related("pool").defer(*_SEALED).order_by("-pk")


def access_claim_of_pool(*, pool: Pool, code: str) -> Claim:
    """Return a claim of the pool that has been filed; a draft is its claimant's alone. Raises: NotFoundError."""
    claim = (
        Claim.objects.filter(pool=pool, code=code, filed_at__isnull=False)
        .select_related("pool", "membership", "plan_version", "claimant", "reviewer", "part_of")
        .first()
    )
    if claim is None:
        raise NotFoundError(_("There is no such claim, or it is not yours to see."))
    return claim


def shown_text(claim: Claim) -> str:
    """Return the text whose SHA-256 a decision names; empty before a recommendation.

    Anyone with the text can hash it: `printf '%s' "<text>" | sha256sum`.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {shown_sql('c')} FROM claims_claim c WHERE c.id = %s",  # noqa: S608 - fixed names
            [claim.pk],
        )
        row = cursor.fetchone()
    return str(row[0]) if row and row[0] else ""


def shown_sha256(claim: Claim) -> str:
    """Return the hash a decision names; empty before a recommendation."""
    text = shown_text(claim)
    return hashlib.sha256(text.encode()).hexdigest() if text else ""


def recommendation_of(claim: Claim, round_no: int | None = None) -> Recommendation | None:
    """Return the recommendation of a round; None: the one the claim is in."""
    return claim.recommendations.filter(round=round_no or claim.round).first()


def decision_of(claim: Claim) -> Decision | None:
    """Return the decision that ended the review, or none yet."""
    return claim.decisions.exclude(outcome="returned").order_by("-round").first()


def decisions_of(claim: Claim) -> tuple[Decision | None, Decision | None]:
    """Return what was decided before an appeal that is decided itself, if there is one, and the last decision."""
    found = list(claim.decisions.exclude(outcome="returned").order_by("-round")[:2])
    return (found[1] if len(found) > 1 else None), (found[0] if found else None)


def last_request(claim: Claim) -> PaperRequest | None:
    """Return the newest request for papers."""
    return claim.paper_requests.order_by("-number").first()


def read_reason(row: Recommendation | Decision) -> str:
    """Return the reason a reviewer gave."""
    return unseal_text(bytes(row.reason_sealed), row.context)


def read_finding(decision: Decision | None) -> str:
    """Return what the first reviewer found, on which a decision rests; empty without one."""
    followed = recommendation_of(decision.claim, decision.round) if decision else None
    return read_reason(followed) if followed else ""


def read_request(request: PaperRequest) -> str:
    """Return what the reviewer wrote to the claimant."""
    return unseal_text(bytes(request.message_sealed), request.context)


def public_ref(claim: Claim) -> str:
    """Return the name a claim bears in the log: it leads nobody to the claim who does not know its code."""
    return hashlib.sha256(f"claims.ref:{claim.code}".encode()).hexdigest()[:16]


def same_payee(claim: Claim) -> int:
    """Return how many claims of other people in this pool name the same account."""
    return (
        Claim.objects.filter(pool=claim.pool, payee_index=claim.payee_index)
        .exclude(claimant=claim.claimant_id)
        .count()
    )


def same_papers(claim: Claim) -> int:
    """Return how many other claims of this pool hold one of this claim's files."""
    hashes = claim.papers.filter(removed_at=None).values("sha256")
    return (
        Claim.objects.filter(pool=claim.pool, papers__sha256__in=hashes)
        .exclude(pk=claim.pk)
        .distinct()
        .count()
    )


def same_event(claim: Claim) -> int:
    """Return how many other claims of the member tell the same event and are neither parts of this case nor refused."""
    of_the_case = Q(pk=claim.pk) | Q(part_of=claim.part_of_id or claim.pk) | Q(pk=claim.part_of_id)
    refused = [
        Claim.State.DRAFT, *REFUSED, Claim.State.REFUSED_FINALLY, Claim.State.REFUSED_BY_JURY, Claim.State.WITHDRAWN,
    ]  # fmt: skip
    told = Claim.objects.filter(
        membership=claim.membership_id, event_date=claim.event_date, illness=claim.illness
    )
    return told.exclude(of_the_case).exclude(state__in=refused).count()


def is_overdue(claim: Claim, today: dt.date) -> bool:
    """Tell whether somebody should have acted before today."""
    return claim.due_date is not None and claim.due_date < today
