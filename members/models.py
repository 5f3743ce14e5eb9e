"""Gathers the rooms' models; rooms never import this file."""

from members.ending.models import EndingProposal, PoolEnding
from members.ending.triggers import nobody_joins_an_ending_pool, pool_ends_as_announced
from members.joining.correction_models import IdentityCorrection
from members.joining.deputy_link_models import DeputyLink
from members.joining.deputy_models import Deputy
from members.joining.end_models import MembershipEnd, ReportedEnd
from members.joining.family_models import FamilyMember
from members.joining.guardian_models import GuardianRequest
from members.joining.invitation_models import Invitation
from members.joining.models import (
    AwaitedCover,
    CovenantSignature,
    ImportedMember,
    JoinApplication,
    MemberImport,
    Membership,
    MembershipSpan,
    MemberUpload,
)
from members.joining.payer_models import PayerLink
from members.joining.rule_models import RuleConsent, RuleReminder
from members.joining.rule_triggers import nobody_stays_without_consent
from members.joining.secret_models import MemberSecret
from members.joining.trait_models import LateTraits
from members.joining.transfer_models import AgeTransfer
from members.joining.transfer_triggers import headcount_follows_transfers
from members.people.account_models import AccountAddress, AccountFactor, AccountSession
from members.people.erasure_models import Erasure
from members.people.models import ApiToken, Identity, Mail, Notice, NoticeChoice, NoticeHours, User
from members.people.text_models import Phone, TextChoice, TextMessage
from members.pools.duty_models import DutyChange
from members.pools.models import DutyGrant, DutyInvitation, PlanDraft, PlanProposal, PlanVersion, Pool
from members.rights.contact_models import ContactExport, ContactPart
from members.rights.models import Complaint

# Rooms that come first know nothing of consents or of an ending; what these demand of them is hung on them here.
headcount_follows_transfers.register(Pool)  # type: ignore[arg-type]
nobody_stays_without_consent.register(Pool)  # type: ignore[arg-type]  # it takes classes
pool_ends_as_announced.register(Pool)  # type: ignore[arg-type]
nobody_joins_an_ending_pool.register(MembershipSpan)  # type: ignore[arg-type]

__all__ = [
    "AccountAddress",
    "AccountFactor",
    "AccountSession",
    "AgeTransfer",
    "ApiToken",
    "AwaitedCover",
    "Complaint",
    "ContactExport",
    "ContactPart",
    "CovenantSignature",
    "Deputy",
    "DeputyLink",
    "DutyChange",
    "DutyGrant",
    "DutyInvitation",
    "EndingProposal",
    "Erasure",
    "FamilyMember",
    "GuardianRequest",
    "Identity",
    "IdentityCorrection",
    "ImportedMember",
    "Invitation",
    "JoinApplication",
    "LateTraits",
    "Mail",
    "MemberImport",
    "MemberSecret",
    "MemberUpload",
    "Membership",
    "MembershipEnd",
    "MembershipSpan",
    "Notice",
    "NoticeChoice",
    "NoticeHours",
    "PayerLink",
    "Phone",
    "PlanDraft",
    "PlanProposal",
    "PlanVersion",
    "Pool",
    "PoolEnding",
    "ReportedEnd",
    "RuleConsent",
    "RuleReminder",
    "TextChoice",
    "TextMessage",
    "User",
]
