"""Reads of publicity: the notice board, a case's objections, the award behind a claim."""

from dataclasses import dataclass, field

from django.db.models import Count, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.crypto import unseal_text
from aidplatform.lib.errors import NotFoundError
from aidplatform.work.models import AuditEntry
from claims.filing.models import Claim
from claims.filing.selectors import history_of
from claims.filing.states import PARTS_ARE_FINAL
from claims.filing.words import DEEDS
from claims.publicity.models import Objection
from claims.review.appeals import appeal_of
from claims.review.models import Appeal, Decision, PaperRequest, Recommendation
from claims.review.openings import READS, Reader, readers_of
from claims.review.selectors import decisions_of, last_request, recommendation_of
from ledger.custody.revocation_models import AwardRevocation
from ledger.custody.revocations import revoked_of
from ledger.sharing.models import Award, Period
from members.joining.models import Membership
from members.people.models import User
from members.pools.models import Pool
from members.pools.selectors import access_pool, duties_of


@dataclass(frozen=True)
class Notice:
    """A case on the board: its award, the objections so far, and whether members may object now."""

    award: Award
    objections: int
    open_objections: int
    is_open: bool


@dataclass(frozen=True)
class ClaimFile:
    """A claim as its claimant sees it: what a reviewer asks for now, decision, award, and all that happened.

    accepted: the recommendation that the decision followed, which says what was found. rests: what goes on
    with the award in later periods. appeal: made against a refusal. first_decision: what it was made against, once the
    appeal is decided. upheld: the last objection that ended the case. revoked: what was taken back of the aid.
    """

    claim: Claim
    asked: PaperRequest | None
    decision: Decision | None
    accepted: Recommendation | None
    award: Award | None
    rests: list[Award]
    history: list[AuditEntry]
    appeal: Appeal | None = None
    first_decision: Decision | None = None
    upheld: Objection | None = None
    revoked: list[AwardRevocation] = field(default_factory=list)
    readers: list[Reader] = field(default_factory=list)

    @property
    def deeds(self) -> list[AuditEntry]:
        """Return what was done with the claim, oldest first."""
        return [line for line in self.history if line.action in DEEDS and line.action not in READS]


def file_of(claim: Claim) -> ClaimFile:
    """Return all that the claimant is shown. Ten queries at most, of a claim without an appeal eight."""
    first, decision = decisions_of(claim)
    history = history_of(claim)
    awards = awards_of_case(claim)
    return ClaimFile(
        claim=claim,
        asked=last_request(claim) if claim.state == Claim.State.PAPERS_REQUESTED else None,
        decision=decision,
        accepted=recommendation_of(claim, decision.round) if decision else None,
        award=awards[0] if awards else None,
        rests=awards[1:],
        history=history,
        readers=readers_of(claim, history),
        appeal=appeal_of(claim),
        first_decision=first,
        upheld=upheld_objection(claim),
        revoked=taken_back(claim),
    )


def may_see_notices(user: User, pool: Pool) -> bool:
    """Tell whether the person belongs to the pool, as a member or with a duty."""
    return Membership.objects.filter(pool=pool, person=user).exists() or bool(duties_of(user, pool))


def access_notices(*, user: User, code: str) -> Pool:
    """Return the pool for its members and its staff. Raises: NotFoundError for everyone else."""
    pool = access_pool(code=code)
    if not may_see_notices(user, pool):
        raise NotFoundError(_("There is no pool with this address."))
    return pool


def award_of(claim: Claim) -> Award | None:
    """Return the newest award that the ledger holds for a claim: the whole of it, whatever of it is shared later.

    An earlier one was withdrawn: an objection ended it, and an appeal brought the claim back.
    """
    return (
        Award.objects.filter(pool_id=claim.pool_id, claim_code=claim.code, rest_of=None)
        .select_related("pool", "period__plan_version")
        .order_by("-pk")
        .first()
    )


def standing_award_of(claim: Claim) -> Award | None:
    """Return the award of a claim that is not withdrawn."""
    award = award_of(claim)
    return None if award is None or award.state == Award.State.WITHDRAWN else award


def taken_back(claim: Claim) -> list[AwardRevocation]:
    """Return what was taken back of the aid of a claim before it was paid; until it is shared nothing can be."""
    may_be = claim.state in {Claim.State.REVOKED, *PARTS_ARE_FINAL}
    return revoked_of(claim.code, claim.pool) if may_be else []


def awards_of_case(claim: Claim) -> list[Award]:
    """Return the newest award of a claim and its rests, in the order in which they came."""
    found = Award.objects.filter(pool_id=claim.pool_id, claim_code=claim.code)
    awards = list(found.select_related("pool", "period__plan_version").order_by("pk"))
    return awards[max((place for place, one in enumerate(awards) if one.rest_of_id is None), default=0) :]


def notices(pool: Pool) -> list[Notice]:
    """Return the cases in publicity or waiting for it, in the order of their numbers. Three queries."""
    awards = list(
        Award.objects.filter(pool=pool, state=Award.State.ANNOUNCED).select_related("period").order_by("code")
    )
    counts: dict[str, dict[str, int]] = {
        row["claim__code"]: {"raised": row["raised"], "waiting": row["waiting"]}
        for row in Objection.objects.filter(claim__code__in=[award.claim_code for award in awards])
        .values("claim__code")
        .annotate(raised=Count("pk"), waiting=Count("pk", filter=Q(state="open")))
    }
    known = set(
        Claim.objects.filter(
            pool=pool, code__in=[award.claim_code for award in awards], state__in=["in_publicity", "objected"]
        ).values_list("code", flat=True)
    )
    return [
        Notice(
            award=award,
            objections=counts.get(award.claim_code, {}).get("raised", 0),
            open_objections=counts.get(award.claim_code, {}).get("waiting", 0),
            is_open=award.claim_code in known and award.rest_of_id is None and is_in_publicity(award),
        )
        for award in awards
    ]


def is_in_publicity(award: Award) -> bool:
    """Tell whether the award stands in a period whose cases are public now."""
    return award.period is not None and award.period.state == Period.State.ANNOUNCED


@dataclass(frozen=True)
class Objecting:
    """How far a member may object to a case. most: to so many cases of its period; left: of these."""

    is_open: bool
    is_answered: bool
    most: int
    left: int

    @property
    def may(self) -> bool:
        """Tell whether one more is heard."""
        return not self.is_open and not self.is_answered and self.left > 0


def objecting_of(claim: Claim, award: Award, member: str) -> Objecting:
    """Return how far a member may object to a case in publicity. Three queries.

    What an appeal has brought back may be objected to anew.
    """
    assert award.period is not None
    appeal = appeal_of(claim)
    own = claim.objections.filter(member=member)
    if appeal is not None:
        own = own.filter(raised_at__gt=appeal.appealed_at)
    states = set(own.values_list("state", flat=True))
    others = Objection.objects.filter(
        claim__pool=claim.pool_id, member=member, raised_at__gte=award.period.announced_at
    ).exclude(claim=claim)
    most = award.period.plan_version.plan().objections_per_period
    return Objecting(
        is_open=Objection.State.OPEN in states,
        is_answered=bool(states - {Objection.State.OPEN}),
        most=most,
        left=most - others.values("claim").distinct().count(),
    )


def access_published_claim(*, pool: Pool, case: str) -> Claim:
    """Return the claim behind a public case number. Raises: NotFoundError."""
    award = Award.objects.filter(pool=pool, code=case).first()
    found = Claim.objects.filter(pool=pool, code=award.claim_code) if award else Claim.objects.none()
    claim = found.select_related("membership").first()
    if claim is None:
        raise NotFoundError(_("This pool has published no such case."))
    return claim


def access_objection(*, claim: Claim, number: int) -> Objection:
    """Return one objection of a claim. Raises: NotFoundError."""
    objection = claim.objections.filter(number=number).select_related("claim").first()
    if objection is None:
        raise NotFoundError(_("There is no such objection."))
    return objection


def objections_of(claim: Claim) -> QuerySet[Objection]:
    """Return a claim's objections by number."""
    return claim.objections.order_by("number")


def upheld_objection(claim: Claim) -> Objection | None:
    """Return the last objection that ended the case of a claim, also when an appeal was made against that; or none."""
    if not (claim.state == Claim.State.OVERTURNED or claim.is_appeal):
        return None
    return claim.objections.filter(state=Objection.State.UPHELD).order_by("-answered_at").first()


def read_objection(objection: Objection) -> str:
    """Return what the member wrote."""
    return unseal_text(bytes(objection.reason_sealed), objection.reason_context)


def read_answer(objection: Objection) -> str:
    """Return how it was answered; empty while it is open."""
    if objection.answer_sealed is None:
        return ""
    return unseal_text(bytes(objection.answer_sealed), objection.answer_context)
