"""Who is told about a membership: whoever has an account, of their own; of one without an account its guardian.

Of money of a child whoever pays for it is told as well, where that is somebody else, and of a share whoever pays it.
Whoever has died is told nothing, and nobody of a membership because they may claim for its member: those learn of
the claims for which they speak (`claims.filing.selectors.speakers_of`).
The rule stands here once, in SQL that begins with who is told, so that a job reads a large pool batch by batch.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.urls import reverse

from members.joining.guardian_sql import has_died_sql
from members.joining.models import Membership
from members.joining.payer_triggers import in_force_sql
from members.people import notices
from members.people.models import User

_OWN = "SELECT own.id AS membership_id, 'own' AS part"
_ADDED = "SELECT f.membership_id, 'guardian' FROM members_familymember f WHERE f.guardian_id = own.id"
_PAID_FOR = f"""
    SELECT k.membership_id, 'payer' FROM members_payerlink k
      JOIN members_familymember f ON f.membership_id = k.membership_id AND f.guardian_id <> own.id
     WHERE k.payer_id = own.id AND {in_force_sql("k")}"""

# Of shares whoever pays is told for adults as well: their transfer pays them.
_PAYS = f"""
    SELECT k.membership_id, 'payer' FROM members_payerlink k
     WHERE k.payer_id = own.id AND {in_force_sql("k")} AND NOT EXISTS (
         SELECT 1 FROM members_familymember f JOIN members_membership c ON c.id = f.membership_id
          WHERE f.membership_id = k.membership_id AND f.guardian_id = own.id AND c.person_id IS NULL)"""
_OF_CHILDREN = "told.part = 'own' OR m.person_id IS NULL"


def _told(*about_whom: str) -> str:
    return f"""members_membership own
      CROSS JOIN LATERAL ({" UNION ALL ".join(about_whom)}) told
      JOIN members_membership m ON m.id = told.membership_id AND ({_OF_CHILDREN})"""


# A FROM of SQL: `own` is the membership of who is told, `m` the one that they are told about, as `told.part`.
TOLD = _told(_OWN, _ADDED)
TOLD_OF_MONEY = _told(_OWN, _ADDED, _PAID_FOR)
# Of shares everybody is told: each row is looked up for who is told, one after another. Of a pool that has just begun
# the statistics know a few rows, and the planner would compare every charge with every member.
TOLD_OF_SHARES = f"""members_membership own
      CROSS JOIN LATERAL ({" UNION ALL ".join((_OWN, _ADDED, _PAYS))}) told
      CROSS JOIN LATERAL (SELECT * FROM members_membership about WHERE about.id = told.membership_id
                             AND (told.part <> 'guardian' OR about.person_id IS NULL) OFFSET 0) m"""
# What a query for `notices.batches` selects first, demands, and ends with; nobody's rows are in two batches.
COLUMNS = "own.person_id, m.id, m.number, told.part"
LISTENS = f"(own.pool_id = %(pool)s AND own.person_id IS NOT NULL AND NOT {has_died_sql('own.id')})"
IN_ORDER = "AND own.person_id > %(after)s ORDER BY own.person_id FETCH FIRST (%(batch)s) ROWS WITH TIES"


def guardian_sql(membership: str) -> str:
    """Return SQL for the person who is the guardian of a membership without an account; NULL where none lives."""
    return f"""(SELECT g.person_id FROM members_familymember f JOIN members_membership g ON g.id = f.guardian_id
                  JOIN members_membership child ON child.id = f.membership_id AND child.person_id IS NULL
                 WHERE f.membership_id = {membership} AND NOT {has_died_sql("g.id")})"""


@dataclass(frozen=True)
class Told:
    """Somebody who is told about a membership. part: own, guardian, or payer of another's child."""

    person: User
    membership_id: int
    number: int
    part: str

    @property
    def is_own(self) -> bool:
        """Tell whether the membership is their own."""
        return self.part == "own"

    def key(self, key: str) -> str:
        """Return the key of a notice that knows no member yet, so that each membership is told of once."""
        return key if self.is_own else f"{key}#{self.number}"

    def news(
        self, kind: str, key: str, params: dict[str, Any], *, pool: str, page: str = "my_pool"
    ) -> notices.News:
        """Return the notice, with a page that is theirs to see. page: where their own membership leads."""
        if not self.is_own:
            params = params | {"member": self.number, "membership": self.membership_id}
            page = "family" if self.part == "guardian" else "my_payer"
        return notices.News(self.person, kind, key, params, reverse(page, args=[pool]))


def read(batch: Iterable[tuple[Any, ...]]) -> list[tuple[Told, tuple[Any, ...]]]:
    """Return the rows of a query that begins with COLUMNS as who is told, and the other columns. One query.

    Of each person their own first, though a child may have joined before its guardian of today; then in joining order.
    """
    rows = sorted(batch, key=lambda row: (row[0], row[3] != "own", row[1]))
    people = User.objects.in_bulk({row[0] for row in rows})
    return [(Told(people[row[0]], row[1], row[2], row[3]), row[4:]) for row in rows]


def told_of(membership: Membership, *, money: bool = False) -> list[Told]:
    """Return who is told about one membership; nobody where it has neither an account nor a guardian."""
    sql = f"""SELECT {COLUMNS} FROM {TOLD_OF_MONEY if money else TOLD}
               WHERE {LISTENS} AND m.id = %(one)s AND own.id IN (
                   SELECT %(one)s UNION ALL SELECT guardian_id FROM members_familymember WHERE membership_id = %(one)s
                   UNION ALL SELECT payer_id FROM members_payerlink WHERE membership_id = %(one)s)"""
    with connection.cursor() as cursor:
        cursor.execute(sql, {"pool": membership.pool_id, "one": membership.pk})
        return [told for told, _rest in read(cursor.fetchall())]
