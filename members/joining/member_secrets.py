"""Secrets of members: made when they join, opened for themselves alone."""

import base64
import secrets
from dataclasses import dataclass

from aidplatform.lib import commitments, crypto
from members.joining.models import Membership
from members.joining.secret_models import MemberSecret
from members.people.identity import Paper

# Before the text of a secret, for whoever meets it in a QR code.
SCHEME = "huzhu-secret/1"


@dataclass(frozen=True)
class OwnSecret:
    """The secret of a membership, opened. whose: whom it commits to, see `commitments.id_string`."""

    secret: bytes
    whose: str

    @property
    def commit_key(self) -> bytes:
        """Return of what the salts are made."""
        return commitments.commit_key(self.secret)

    @property
    def id_inner(self) -> bytes:
        """Return the commitment to whom."""
        return commitments.id_inner(self.secret, self.whose)

    @property
    def text(self) -> str:
        """Return the secret as it is written down."""
        return base64.b64encode(self.secret).decode()

    def sealed(self, membership_id: int) -> bytes:
        """Return secret and whose, encrypted for their place."""
        return crypto.seal(self.secret + self.whose.encode(), _context(membership_id))

    def row(self, membership_id: int) -> MemberSecret:
        """Return it as it is kept."""
        return MemberSecret(
            membership_id=membership_id,
            sealed=self.sealed(membership_id),
            commit_key=self.commit_key,
            id_inner=self.id_inner,
        )


def new_secret(*, member_no: int, paper: Paper | None) -> OwnSecret:
    """Make a secret for a member. paper: None where no document of theirs is known."""
    kind, number = (paper.kind, paper.number) if paper else ("", "")
    return OwnSecret(
        secrets.token_bytes(commitments.SECRET_BYTES),
        commitments.id_string(kind=kind, number=number, member_no=member_no),
    )


def give_secret(*, membership: Membership, paper: Paper) -> None:
    """Make the secret of a new membership, in the transaction in which it joins."""
    new_secret(member_no=membership.number, paper=paper).row(membership.pk).save(force_insert=True)


def secret_of(membership: Membership) -> OwnSecret | None:
    """Open the secret of a membership, for itself; None before it has one, and once it is erased."""
    kept = MemberSecret.objects.filter(membership=membership).first()
    if kept is None:
        return None
    plain = crypto.unseal(bytes(kept.sealed), _context(membership.pk))
    size = commitments.SECRET_BYTES
    return OwnSecret(plain[:size], plain[size:].decode())


def written_down(membership: Membership, own: OwnSecret) -> str:
    """Return the text of the QR code on a certificate."""
    return f"{SCHEME} {membership.pool.code} {membership.number} {own.text}"


def _context(membership_id: int) -> str:
    return f"members.secret:{membership_id}"
