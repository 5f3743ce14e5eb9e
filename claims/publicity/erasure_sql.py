"""How the claims let go of a person: story, papers and all that was written about them; figures and decisions stay."""

from members.people.erasure_sql import counted, eraser

_OWN = "(SELECT id FROM claims_claim WHERE membership_id IN (SELECT members_of_person(gone)))"
# What makes a paper unreadable for good; the row, with the hash that the decision names, stays.
_DESTROY_PAPERS = f"UPDATE claims_evidence SET sealed = '' WHERE claim_id IN {_OWN}"

ERASE = eraser(
    "claims_erase",
    counted(
        _DESTROY_PAPERS,
        f"UPDATE claims_paperrequest SET message_sealed = '' WHERE claim_id IN {_OWN}",
        f"UPDATE claims_recommendation SET reason_sealed = '' WHERE claim_id IN {_OWN}",
        f"UPDATE claims_decision SET reason_sealed = '' WHERE claim_id IN {_OWN}",
        f"UPDATE claims_appeal SET reason_sealed = '' WHERE claim_id IN {_OWN}",
        f"""UPDATE claims_objection SET reason_sealed = '', answer_sealed = CASE WHEN answer_sealed IS NOT NULL THEN ''::bytea END
         WHERE claim_id IN {_OWN}""",
        f"""UPDATE claims_claim SET birth_sealed = CASE WHEN birth_sealed IS NOT NULL THEN ''::bytea END,
               story_sealed = CASE WHEN story_sealed IS NOT NULL THEN ''::bytea END,
               payee_sealed = CASE WHEN payee_sealed IS NOT NULL THEN ''::bytea END
         WHERE id IN {_OWN}""",
    ),
)
DROP_ERASE = "DROP FUNCTION claims_erase(bigint)"
