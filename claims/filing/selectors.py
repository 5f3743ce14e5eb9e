"""Reads of claims: whose they are, what they hold, where they stand."""

import datetime as dt
import hashlib
import json
from dataclasses import dataclass
from typing import Any

from django.db.models import F, Q, QuerySet, Sum
from django.utils.translation import gettext_lazy as _

from aidplatform.lib import clock
from aidplatform.lib.crypto import unseal, unseal_text
from aidplatform.lib.errors import NotFoundError
from aidplatform.work.models import AuditEntry
from claims.filing.benefits import Benefit, age_band, derive
from claims.filing.illnesses import ILLNESSES
from claims.filing.models import Claim, Evidence
from ledger.sharing.models import Award
from members.joining.models import CovenantSignature, Membership, MembershipSpan
from members.people.models import User
from members.pools.models import PlanVersion, Pool


@dataclass(frozen=True)
class Payee:
    """Who receives the aid, and on which account."""

    name: str
    account: str

    @property
    def masked_account(self) -> str:
        """Return the last four characters only."""
        return f"···· {self.account[-4:]}"


def access_claim(*, user: User, code: str) -> Claim:
    """Return the person's own claim; absent and somebody else's answer alike. Raises: NotFoundError."""
    claim = (
        Claim.objects.filter(code=code, claimant=user)
        .select_related("pool", "membership", "plan_version", "claimant", "reviewer")
        .first()
    )
    if claim is None:
        raise NotFoundError(_("There is no such claim, or it is not yours to see."))
    return claim


def claims_of(user: User) -> QuerySet[Claim]:
    """Return the person's claims, newest first."""
    return Claim.objects.filter(claimant=user).select_related("pool").order_by("-created_at", "-pk")


def find_claims_of(user: User, text: str) -> QuerySet[Claim]:
    """Return the person's own claims whose code holds the text, newest first."""
    return claims_of(user).filter(code__icontains=text)


def claimable_memberships(user: User) -> QuerySet[Membership]:
    """Return the memberships for which the person can file a claim."""
    return Membership.objects.filter(person=user).select_related("pool").order_by("pool__code")


def papers_of(claim: Claim) -> QuerySet[Evidence]:
    """Return the papers that count, without their bytes."""
    return claim.papers.filter(removed_at=None).defer("sealed").order_by("pk")


def read_birth(claim: Claim) -> dt.date | None:
    """Return the covered person's birth date."""
    if claim.birth_sealed is None:
        return None
    return dt.date.fromisoformat(unseal_text(bytes(claim.birth_sealed), context_of(claim, "birth")))


def read_story(claim: Claim) -> str:
    """Return what the claimant wrote."""
    if claim.story_sealed is None:
        return ""
    return unseal_text(bytes(claim.story_sealed), context_of(claim, "story"))


def read_payee(claim: Claim) -> Payee | None:
    """Return who receives the aid."""
    if claim.payee_sealed is None:
        return None
    return Payee(**json.loads(unseal_text(bytes(claim.payee_sealed), context_of(claim, "payee"))))


def read_paper(paper: Evidence) -> bytes:
    """Return a paper's bytes, checked against their hash. Raises: lib.crypto.UnreadableError."""
    data = unseal(bytes(paper.sealed), paper.context)
    assert hashlib.sha256(data).hexdigest() == paper.sha256, paper.code
    return data


def context_of(claim: Claim, part: str) -> str:
    """Return the place a part of a claim is sealed for."""
    return f"claims.claim:{claim.code}:{part}"


def plan_of_event(pool: Pool, event: dt.date) -> PlanVersion:
    """Return the version in force on the event day; before there was one, the first: its waiting time decides."""
    versions = pool.plan_versions.all()
    found = versions.filter(effective_date__lte=event).order_by("-effective_date").first()
    return found or versions.order_by("effective_date")[0]


def was_covered(membership: Membership, start: dt.datetime, end: dt.datetime) -> bool:
    """Tell whether the membership was covered at any instant of [start, end)."""
    return (
        MembershipSpan.objects.filter(
            pool_id=membership.pool_id, membership_id=membership.pk, from_at__lt=end
        )
        .filter(Q(to_at=None) | Q(to_at__gt=start))
        .exists()
    )


def last_day_to_file(claim: Claim) -> dt.date | None:
    """Return until when a claim that has not been filed is in time; None: no limit, no event told, or filed."""
    if claim.event_date is None or claim.filed_at is not None:
        return None
    return plan_of_event(claim.pool, claim.event_date).plan().last_day_to_report(claim.event_date)


def derived(claim: Claim, version: PlanVersion, birth: dt.date, covered: bool, at: dt.datetime) -> Benefit:
    """Derive the aid of a claim whose event and illness are told; not filed yet, as if it were filed now."""
    assert claim.event_date is not None
    plan = version.plan()
    return derive(
        plan=plan,
        severity=ILLNESSES[claim.illness].severity,
        birth=birth,
        event=claim.event_date,
        joined=claim.membership.joined_date,
        is_covered=covered,
        earlier_fen=0 if plan.lifetime_cap_fen is None else granted_before(claim),
        filed=clock.day_of(claim.filed_at or at, claim.pool.time_zone),
        proven_age=_proven_age(claim) if plan.waiting_asks_for_age else None,
        waited_since=claim.membership.waiting_since_date,
    )


def granted_before(claim: Claim) -> int:
    """Return what other claims of the membership were granted: their awards that stand, and decisions on the way."""
    others = Claim.objects.filter(membership=claim.membership_id).exclude(pk=claim.pk)
    awards = Award.objects.filter(pool=claim.pool_id, claim_code__in=others.values("code"))
    awarded = awards.exclude(state=Award.State.WITHDRAWN).aggregate(sum=Sum("aid_fen"))
    on_the_way = (
        others.filter(decisions__outcome="approved", decisions__round=F("round"))
        .exclude(state=Claim.State.WITHDRAWN)
        .exclude(code__in=awards.values("claim_code"))
        .aggregate(sum=Sum("decisions__aid_fen"))
    )
    return (awarded["sum"] or 0) + (on_the_way["sum"] or 0)


def lifetime_left(claim: Claim) -> int | None:
    """Return what the claim's plan leaves its member now, over all cases; None: without end."""
    cap_fen = claim.plan_version.plan().lifetime_cap_fen if claim.plan_version else None
    return None if cap_fen is None else max(cap_fen - granted_before(claim), 0)


def _proven_age(claim: Claim) -> int | None:
    """Return the age at joining that was signed; None for who moved in, or signed when nobody asked for it."""
    signed = CovenantSignature.objects.filter(membership=claim.membership_id)
    return signed.values_list("joined_age", flat=True).first()


def face_to_publish(claim: Claim, age: int) -> dict[str, str]:
    """Return what everyone will see of a case: band of ages, sex, region, illness, month."""
    assert claim.event_date is not None
    return {
        "age_band": age_band(age),
        "sex": claim.sex,
        "region": claim.region,
        "disease": claim.illness,
        "month": claim.event_date.strftime("%Y-%m"),
    }


def history_of(claim: Claim) -> list[AuditEntry]:
    """Return what happened to a claim, oldest first."""
    return list(AuditEntry.objects.filter(subject=claim.code).order_by("pk"))


def as_data(face: dict[str, Any]) -> str:
    """Return the published face as one text, so that a consent can name it."""
    return json.dumps(face, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
