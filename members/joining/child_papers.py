"""Who a child without an account is on paper: sealed in its own record, opened for who speaks or pays for it."""

from aidplatform.lib import crypto
from members.joining.family_models import FamilyMember
from members.joining.models import Membership
from members.people.identity import Paper


def child_opened(membership: Membership, sealed: bytes) -> Paper:
    """Open what is, was or is to be recorded of a child."""
    return Paper.from_text(crypto.unseal_text(sealed, _context(membership)))


def sealed_for_child(membership: Membership, paper: Paper) -> bytes:
    """Seal a document for the place of the child's record."""
    return crypto.seal_text(paper.to_text(), _context(membership))


def paper_of_family(member: FamilyMember) -> Paper:
    """Open who a family member is."""
    return child_opened(member.membership, bytes(member.sealed))


def _context(membership: Membership) -> str:
    return f"members.family:{membership.pk}"
