"""Gathers the rooms' models; rooms never import this file."""

from members.joining.models import (
    AwaitedCover,
    CovenantSignature,
    JoinApplication,
    Membership,
    MembershipSpan,
)
from members.people.models import ApiToken, Identity, Mail, Notice, User
from members.pools.models import DutyGrant, DutyInvitation, PlanDraft, PlanProposal, PlanVersion, Pool

__all__ = [
    "ApiToken",
    "AwaitedCover",
    "CovenantSignature",
    "DutyGrant",
    "DutyInvitation",
    "Identity",
    "JoinApplication",
    "Mail",
    "Membership",
    "MembershipSpan",
    "Notice",
    "PlanDraft",
    "PlanProposal",
    "PlanVersion",
    "Pool",
    "User",
]
