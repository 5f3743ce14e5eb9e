"""Gathers the rooms' models; rooms never import this file."""

from members.joining.models import (
    CovenantSignature,
    ImportedMember,
    JoinApplication,
    MemberImport,
    Membership,
    MembershipSpan,
    MemberUpload,
)
from members.people.models import ApiToken, Identity, Mail, Notice, User
from members.pools.models import DutyGrant, DutyInvitation, PlanDraft, PlanProposal, PlanVersion, Pool

__all__ = [
    "ApiToken",
    "CovenantSignature",
    "DutyGrant",
    "DutyInvitation",
    "Identity",
    "ImportedMember",
    "JoinApplication",
    "Mail",
    "MemberImport",
    "MemberUpload",
    "Membership",
    "MembershipSpan",
    "Notice",
    "PlanDraft",
    "PlanProposal",
    "PlanVersion",
    "Pool",
    "User",
]
