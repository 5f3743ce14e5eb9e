"""How the claims let go of a person: story, papers and all that was written about them; figures and decisions stay."""

from members.people.erasure_sql import counted, eraser

_OWN = "(SELECT id FROM claims_claim WHERE membership_id IN (SELECT members_of_person(gone)))"
# What makes a paper unreadable for good; the row, with the hash that the decision names, stays.
_DESTROY_PAPERS = (
    f"UPDATE claims_evidence SET sealed = '', key_id = NULL, key_wrapped = NULL WHERE claim_id IN {_OWN}"
)
_PAPERS = f"(SELECT id FROM claims_evidence WHERE claim_id IN {_OWN})"
# What was written of a claim, by the table and its column.
_WRITTEN = (
    ("claims_paperrequest", "message_sealed"),
    ("claims_recommendation", "reason_sealed"),
    ("claims_decision", "reason_sealed"),
    ("claims_concurrence", "reason_sealed"),
    ("claims_appeal", "reason_sealed"),
    ("claims_reviewnote", "text_sealed"),
    ("claims_blindreview", "reason_sealed"),
    ("claims_signalmark", "reason_sealed"),
    ("claims_jurycase", "statement_sealed"),
)

ERASE = eraser(
    "claims_erase",
    counted(
        _DESTROY_PAPERS,
        f"DELETE FROM claims_pagehash WHERE evidence_id IN {_PAPERS}",
        f"UPDATE claims_paperopening SET note_sealed = '' WHERE note_sealed IS NOT NULL AND paper_id IN {_PAPERS}",
        *(f"UPDATE {table} SET {column} = '' WHERE claim_id IN {_OWN}" for table, column in _WRITTEN),
        f"""UPDATE claims_paperreading SET content_sealed = '', hospital_index = NULL, doctor_index = NULL,
               report_index = NULL WHERE claim_id IN {_OWN}""",
        f"UPDATE claims_signalrun SET details_sealed = '', payee_index = NULL WHERE claim_id IN {_OWN}",
        f"""UPDATE claims_investigation SET question_sealed = '', reason_sealed = '', name_sealed = '',
               report_sealed = CASE WHEN report_sealed IS NOT NULL THEN ''::bytea END,
               answer_sealed = CASE WHEN answer_sealed IS NOT NULL THEN ''::bytea END WHERE claim_id IN {_OWN}""",
        f"""UPDATE claims_arbitration SET name_sealed = CASE WHEN name_sealed IS NOT NULL THEN ''::bytea END,
               reason_sealed = CASE WHEN reason_sealed IS NOT NULL THEN ''::bytea END WHERE claim_id IN {_OWN}""",
        f"UPDATE claims_outsidereview SET name_sealed = '', reason_sealed = '' WHERE claim_id IN {_OWN}",
        f"""UPDATE claims_objection SET reason_sealed = '',
               reply_sealed = CASE WHEN reply_sealed IS NOT NULL THEN ''::bytea END,
               answer_sealed = CASE WHEN answer_sealed IS NOT NULL THEN ''::bytea END WHERE claim_id IN {_OWN}""",
        f"""UPDATE claims_redaction SET shown_sealed = '' WHERE shown_sealed IS NOT NULL
               AND objection_id IN (SELECT id FROM claims_objection WHERE claim_id IN {_OWN})""",
        f"""UPDATE claims_claim SET birth_sealed = CASE WHEN birth_sealed IS NOT NULL THEN ''::bytea END,
               story_sealed = CASE WHEN story_sealed IS NOT NULL THEN ''::bytea END,
               payee_sealed = CASE WHEN payee_sealed IS NOT NULL THEN ''::bytea END
         WHERE id IN {_OWN}""",
    ),
)
DROP_ERASE = "DROP FUNCTION claims_erase(bigint)"
