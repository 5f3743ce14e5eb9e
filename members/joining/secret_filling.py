"""Secrets for whoever has none yet: members of a list that moved in, and those from before there were rolls."""

from collections.abc import Sequence
from typing import Any

from django.db import connection, transaction

from aidplatform.lib import crypto
from aidplatform.lib.db import whole_tables
from members.joining.child_papers import child_opened
from members.joining.member_secrets import new_secret
from members.joining.models import Membership
from members.people.identity import Paper, opened
from members.people.models import User

BATCH = 10_000
_AT_ONCE = 1_000_000

_MISSING = """
    SELECT h.membership_id FROM members_headcount(%s, %s, %s, %s, 9223372036854775807) h
      LEFT JOIN members_membersecret s ON s.membership_id = h.membership_id
     WHERE s.membership_id IS NULL ORDER BY 1 LIMIT %s"""
_KNOWN = """
    SELECT m.id, m.number, u.code, i.sealed, f.sealed FROM members_membership m
      LEFT JOIN members_user u ON u.id = m.person_id
      LEFT JOIN members_identity i ON i.person_id = m.person_id
      LEFT JOIN members_familymember f ON f.membership_id = m.id
     WHERE m.id = ANY(%s) AND NOT EXISTS (SELECT FROM members_membersecret s WHERE s.membership_id = m.id)"""
# Two workers that fill one pool take turns: the second one then finds nothing missing in what the first has filled.
_TURN = "SELECT pg_advisory_xact_lock(hashtext('members_membersecret'), %s)"


def fill_secrets(*, pool_id: int, as_of: Any, recorded_at: Any) -> int:
    """Give everybody of a headcount a secret who has none, a batch per transaction; return how many were made.

    Two that do so at once make each secret once, and do the work once.
    """
    made, after = 0, 0
    while missing := _missing(pool_id, as_of, recorded_at, after):
        for first in range(0, len(missing), BATCH):
            with transaction.atomic(), whole_tables(), connection.cursor() as cursor:
                cursor.execute(_TURN, [pool_id])
                cursor.execute(_KNOWN, [missing[first : first + BATCH]])
                rows = [_secret_row(*row) for row in cursor.fetchall()]
                _store(rows)
            made += len(rows)
        after = missing[-1] + 1
    return made


def _missing(pool_id: int, as_of: Any, recorded_at: Any, after: int) -> list[int]:
    """Return the first members from there on, in their order, who have no secret."""
    with transaction.atomic(), whole_tables(), connection.cursor() as cursor:
        cursor.execute(_MISSING, [pool_id, as_of, recorded_at, after, _AT_ONCE])
        return [row[0] for row in cursor.fetchall()]


def _secret_row(
    membership_id: int, number: int, code: str | None, identity: bytes | None, child: bytes | None
) -> tuple[int, bytes, bytes, bytes]:
    own = new_secret(member_no=number, paper=_paper(membership_id, code, identity, child))
    return membership_id, own.sealed(membership_id), own.commit_key, own.id_inner


def _paper(membership_id: int, code: str | None, identity: bytes | None, child: bytes | None) -> Paper | None:
    """Open the document of a member with an account, or of a child; None where there is none."""
    if code is not None and identity is not None:
        return opened(User(code=code), bytes(identity))
    if child is not None and bytes(child) != crypto.ERASED:
        return child_opened(Membership(pk=membership_id), bytes(child))
    return None


def _store(rows: Sequence[tuple[int, bytes, bytes, bytes]]) -> None:
    if not rows:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO members_membersecret (membership_id, sealed, commit_key, id_inner)
               SELECT * FROM unnest(%s::bigint[], %s::bytea[], %s::bytea[], %s::bytea[]) ON CONFLICT DO NOTHING""",
            [list(column) for column in zip(*rows, strict=True)],
        )
