"""Guards of the secrets by which members find themselves in a roll. Names are the guarantees listed in ARCHITECTURE.md."""

from aidplatform.lib.crypto import LENGTH_OF_NOTHING
from aidplatform.lib.guards import judges_rows, refuse
from members.people.erasure_sql import facts_until_erased, person_of

secret_guards = [
    # An erasure takes the whole row: what is left in rolls then leads to nobody, for us as for everybody.
    *facts_until_erased("member_secret_is_permanent", person_of("OLD.membership_id")),
    judges_rows(
        "member_secret_has_its_parts",
        f"""
            SELECT n.membership_id AS id INTO bad FROM new_rows n
             WHERE octet_length(n.commit_key) <> 32 OR octet_length(n.id_inner) <> 32
                OR octet_length(n.sealed) <= {LENGTH_OF_NOTHING} LIMIT 1;
            IF FOUND THEN
                {refuse("member_secret_has_its_parts", "a part of the secret of membership %s is missing", "bad.id")}
            END IF;
            RETURN NULL;
        """,
    ),
    judges_rows(
        "no_secret_of_the_erased",
        f"""
            SELECT n.membership_id AS id INTO bad FROM new_rows n JOIN members_membership m ON m.id = n.membership_id
              JOIN members_user u ON u.id = m.person_id WHERE u.erased_at IS NOT NULL LIMIT 1;
            IF FOUND THEN
                {refuse("erased_account_stays_erased", "membership %s is of somebody who was erased", "bad.id")}
            END IF;
            RETURN NULL;
        """,
    ),
]
