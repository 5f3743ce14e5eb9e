"""Reads of reviewers: the queue, one claim's workspace, what a decision is shown."""

import datetime as dt
import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from django.db import connection
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.crypto import unseal_text
from aidplatform.lib.errors import NotFoundError
from aidplatform.lib.templating import in_language
from claims.filing.models import Claim, Evidence
from claims.filing.selectors import read_payee
from claims.filing.states import ON_THE_DESK
from claims.review.models import Concurrence, Decision, PaperRequest, Recommendation
from claims.review.triggers import shown_sql
from ledger.sharing.payees import Payee
from members.people.models import User
from members.pools.models import DutyGrant, Pool

# What no list of claims reads.
_SEALED = ("birth_sealed", "story_sealed", "payee_sealed", "payee_index", "derivation", "masked")


# How many claims of the queue one walks through by “next” and “previous”.
_WALKED = 500
_SIMILAR = 10


@dataclass(frozen=True)
class Filters:
    """What the queue shows: states, only mine, a part of a code, and what fits besides."""

    states: tuple[str, ...] = ON_THE_DESK
    reviewer_code: str = ""
    text: str = ""
    fits: Q = field(default_factory=Q)


def queue(pool: Pool, filters: Filters) -> QuerySet[Claim]:
    """Return the claims on the desk, most overdue first; what has no clock comes last."""
    found = Claim.objects.filter(pool=pool, state__in=filters.states).select_related("reviewer", "part_of")
    if filters.reviewer_code:
        found = found.filter(reviewer__code=filters.reviewer_code)
    if filters.text:
        found = found.filter(code__icontains=filters.text)
    return found.filter(filters.fits).defer(*_SEALED).order_by("due_date", "state_since", "pk")


def set_of(name: str, person: User, today: dt.date) -> Q:
    """Return what belongs to one of the sets that everybody has, for a person on a day."""
    match name:
        case "mine":
            return Q(reviewer=person, state__in=("filed", "under_review"))
        case "unassigned":
            return Q(reviewer=None, state__in=("filed", "appealed"))
        case "second":
            mine = Recommendation.objects.filter(claim=OuterRef("pk"), reviewer=person.code)
            agreed = Concurrence.objects.filter(
                claim=OuterRef("pk"), round=OuterRef("round"), decider=person.code
            )
            return Q(~Exists(mine), ~Exists(agreed), state="recommended")
        case "late":
            return Q(due_date__lt=today)
        case "appeals":
            return Q(appeal_round__isnull=False)
    return Q()


def set_counts(pool: Pool, person: User, today: dt.date, names: Iterable[str]) -> dict[str, int]:
    """Return how many claims on the desk belong to each set. One query."""
    desk = Claim.objects.filter(pool=pool, state__in=ON_THE_DESK)
    return desk.aggregate(**{name: Count("pk", filter=set_of(name, person, today)) for name in names})


def beside(pool: Pool, filters: Filters, code: str) -> tuple[str, str]:
    """Return the codes of the claims before and after one in the queue; empty: there is none. One query.

    A claim that is not in it, as when it was just decided, stands before the first.
    """
    codes = list(queue(pool, filters).values_list("code", flat=True)[:_WALKED])
    if code not in codes:
        return "", codes[0] if codes else ""
    place = codes.index(code)
    return codes[place - 1] if place else "", codes[place + 1] if place + 1 < len(codes) else ""


def staff_name(person: User) -> str:
    """Return how colleagues call somebody: by name, else by code, never by an address."""
    return in_language(person.name, person.name_zh) or person.code


@dataclass(frozen=True)
class Load:
    """A reviewer of a pool, and how much they have in hand."""

    person: User
    open: int
    late: int
    appeals: int


def loads(pool: Pool, today: dt.date) -> list[Load]:
    """Return the reviewers of a pool with what each has taken up, the least first. Two queries."""
    grants = DutyGrant.objects.filter(pool=pool, duty=DutyGrant.Duty.REVIEWER, ended_at=None)
    people = [grant.person for grant in grants.select_related("person").order_by("pk")]
    in_hand = Claim.objects.filter(pool=pool, reviewer__in=people, state__in=("filed", "under_review"))
    rows = in_hand.values("reviewer").annotate(
        in_hand=Count("pk"),
        overdue=Count("pk", filter=Q(due_date__lt=today)),
        appealed=Count("pk", filter=Q(appeal_round__isnull=False)),
    )
    held = {row["reviewer"]: (row["in_hand"], row["overdue"], row["appealed"]) for row in rows}
    return sorted((Load(one, *held.get(one.pk, (0, 0, 0))) for one in people), key=lambda load: load.open)


@dataclass(frozen=True)
class Similar:
    """How an earlier case of the same illness was decided, and how many months ago."""

    outcome: object
    aid_fen: int
    clause: object
    months: int


def similar_decisions(claim: Claim, at: dt.datetime) -> list[Similar]:
    """Return how the last cases of the same illness and severity were decided in the pool. One query.

    Of each only what was decided: no code, no face, no day.
    """
    found = Decision.objects.filter(
        claim__pool=claim.pool_id, claim__illness=claim.illness, claim__severity=claim.severity
    )
    last = found.exclude(outcome="returned").exclude(claim=claim).order_by("-decided_at", "-pk")[:_SIMILAR]
    return [
        Similar(
            one.get_outcome_display(), one.aid_fen, one.get_clause_display(), (at - one.decided_at).days // 30
        )
        for one in last
    ]


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


def concurrence_of(claim: Claim, round_no: int) -> Concurrence | None:
    """Return the word of the first of two second reviewers in a round; None: there is none, or none was needed."""
    return claim.concurrences.filter(round=round_no).first()


def decision_of(claim: Claim) -> Decision | None:
    """Return the decision that ended the review, or none yet."""
    return claim.decisions.exclude(outcome="returned").order_by("-round").first()


@dataclass(frozen=True)
class Judged:
    """Who recommended or decided, by code, and when."""

    by: str
    at: dt.datetime
    is_decision: bool


def judged_last(claim: Claim) -> Judged | None:
    """Return the newest word of the round, or the one that has just opened it by returning the claim."""
    decision = claim.decisions.order_by("-round").first()
    if decision is not None and (decision.round == claim.round or decision.decided_at == claim.state_since):
        return Judged(decision.decider, decision.decided_at, is_decision=True)
    advised = claim.recommendations.filter(round=claim.round).first()
    return Judged(advised.reviewer, advised.recommended_at, is_decision=False) if advised else None


def decisions_of(claim: Claim) -> tuple[Decision | None, Decision | None]:
    """Return what was decided before an appeal that is decided itself, if there is one, and the last decision."""
    found = list(claim.decisions.exclude(outcome="returned").order_by("-round")[:2])
    return (found[1] if len(found) > 1 else None), (found[0] if found else None)


def last_request(claim: Claim) -> PaperRequest | None:
    """Return the newest request for papers."""
    return claim.paper_requests.order_by("-number").first()


def read_reason(row: Recommendation | Decision | Concurrence) -> str:
    """Return the reason a reviewer gave."""
    return unseal_text(bytes(row.reason_sealed), row.context)


def read_finding(decision: Decision | None) -> str:
    """Return what the first reviewer found, on which a decision rests; empty without one."""
    followed = recommendation_of(decision.claim, decision.round) if decision else None
    return read_reason(followed) if followed else ""


def cited_papers(decision: Decision) -> QuerySet[Evidence]:
    """Return the papers on which a decision rests, without their bytes."""
    found = Evidence.objects.filter(claim=decision.claim_id, code__in=decision.papers)
    return found.defer("sealed").order_by("pk")


def read_request(request: PaperRequest) -> str:
    """Return what the reviewer wrote to the claimant."""
    return unseal_text(bytes(request.message_sealed), request.context)


def public_ref(claim: Claim) -> str:
    """Return the name a claim bears in the log: it leads nobody to the claim who does not know its code."""
    return hashlib.sha256(f"claims.ref:{claim.code}".encode()).hexdigest()[:16]


def payee_of(claim: Claim) -> Payee | None:
    """Return to whom the claimant asked the aid to be paid, as the ledger compares payees; None before they said it."""
    told = read_payee(claim)
    return None if told is None else Payee.of(told.name, told.account)


def payee_commitment(claim: Claim) -> str:
    """Return what the log says of the payee, and says again in each payment; nothing before they are told."""
    payee = payee_of(claim)
    return "" if payee is None else payee.index.hex()


def is_overdue(claim: Claim, today: dt.date) -> bool:
    """Tell whether somebody should have acted before today."""
    return claim.due_date is not None and claim.due_date < today
