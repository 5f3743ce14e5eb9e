"""Gathers the rooms' models; rooms never import this file."""

from members.joining.models import Membership, MembershipSpan
from members.people.models import User
from members.pools.models import DutyGrant, PlanVersion, Pool

__all__ = ["DutyGrant", "Membership", "MembershipSpan", "PlanVersion", "Pool", "User"]
