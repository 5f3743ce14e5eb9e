"""Who is near to a member, in SQL: guards of review use it, and the reads that hide what they would refuse."""

from members.joining.deputy_sql import deputised_sql
from members.joining.guardian_sql import has_died_sql
from members.joining.payer_triggers import in_force_sql

# How long who has invited somebody, and who has joined by it, do not judge each other's cases.
MONTHS_NEAR = 12
# How long after a child has a guardian again nothing follows from what nobody has answered or paid meanwhile.
DAYS_TO_ANSWER = 30


def near_sql(membership: str) -> str:
    """Return SQL for the memberships near to one; whoever is near to another has that one near.

    Its guardian, whom it is the guardian of, children of the same guardian, payers in force in both directions, who
    has joined by an invitation of the other in the last twelve months, and who stands by for it or it for them, or has
    in the last twelve months. Of whoever has joined again all memberships are near, whichever of them it was.
    """
    since = f"aid_now() - interval '{MONTHS_NEAR} months'"
    lately = f"i.ended_at > {since}"
    return f"""(
        SELECT members_chain(near_one.id) AS id FROM members_chain({membership}) of_one (id) CROSS JOIN LATERAL (
        SELECT f.guardian_id AS id FROM members_familymember f WHERE f.membership_id = of_one.id
        UNION ALL SELECT f.membership_id FROM members_familymember f WHERE f.guardian_id = of_one.id
        UNION ALL SELECT f.membership_id FROM members_familymember o
          JOIN members_familymember f ON f.guardian_id = o.guardian_id AND f.membership_id <> o.membership_id
         WHERE o.membership_id = of_one.id
        UNION ALL SELECT k.payer_id FROM members_payerlink k
         WHERE k.membership_id = of_one.id AND {in_force_sql("k")}
        UNION ALL SELECT k.membership_id FROM members_payerlink k
         WHERE k.payer_id = of_one.id AND {in_force_sql("k")}
        UNION ALL SELECT i.inviter_id FROM members_invitation i WHERE i.used_by_id = of_one.id AND {lately}
        UNION ALL SELECT i.used_by_id FROM members_invitation i
         WHERE i.inviter_id = of_one.id AND i.used_by_id IS NOT NULL AND {lately}
        UNION ALL SELECT other.id FROM members_deputy d JOIN members_membership named ON named.id = d.membership_id
          JOIN members_membership other ON other.person_id = d.person_id AND other.pool_id = named.pool_id
         WHERE d.membership_id = of_one.id AND {deputised_sql("d", since)}
        UNION ALL SELECT d.membership_id FROM members_membership self
          JOIN members_deputy d ON d.person_id = self.person_id AND {deputised_sql("d", since)}
          JOIN members_membership named ON named.id = d.membership_id AND named.pool_id = self.pool_id
         WHERE self.id = of_one.id) near_one)"""


def stands_by_sql(membership: str, person: str) -> str:
    """Return SQL that tells whether a person stands by for a membership, or has not long ago; member of the pool or not."""
    since = f"aid_now() - interval '{MONTHS_NEAR} months'"
    return f"""EXISTS (
        SELECT 1 FROM members_deputy d
         WHERE d.membership_id = {membership} AND d.person_id = {person} AND {deputised_sql("d", since)})"""


def speaks_for_sql(membership: str, person: str) -> str:
    """Return SQL that tells whether a person speaks for a membership: its own, or as guardian of one without account.

    The account of a guardian who has died speaks for nobody but itself.
    """
    return f"""EXISTS (
        SELECT 1 FROM members_membership own LEFT JOIN members_familymember f ON f.membership_id = own.id
          LEFT JOIN members_membership g ON g.id = f.guardian_id AND NOT {has_died_sql("g.id")}
         WHERE own.id = {membership} AND coalesce(own.person_id, g.person_id) = {person})"""


def nobody_answers_sql(membership: str) -> str:
    """Return SQL that tells whether a child without an account has no guardian, or has a new one only just now.

    Who has left a pool still speaks for a child that stays; who has died does not.
    """
    return f"""EXISTS (
        SELECT 1 FROM members_familymember alone JOIN members_membership child
            ON child.id = alone.membership_id AND child.person_id IS NULL
         WHERE alone.membership_id = {membership} AND (
            {has_died_sql("alone.guardian_id")}
            OR EXISTS (SELECT 1 FROM members_guardianrequest anew
                        WHERE anew.membership_id = alone.membership_id AND anew.state = 'granted'
                          AND anew.decided_at > aid_now() - interval '{DAYS_TO_ANSWER} days')))"""
