"""Every table's kind and what the application's role may do with it: the written list.

`manage.py prepare` makes the grants from it and a test compares it with the catalogue. A table that is
missing here gets no grant and fails that test.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """What aid_app may do: SELECT always; more as the kind says. columns: those a state row may update."""

    name: str
    insert: bool = False
    update: bool = False
    delete: bool = False
    columns: tuple[str, ...] = ()


FACT = Kind("fact", insert=True)
#: Facts that the signer alone states, by its own role.
SIGNED = Kind("fact")
DERIVED = Kind("derived")
PLAIN = Kind("plain", insert=True, update=True, delete=True)


def state(*columns: str, insert: bool = True) -> Kind:
    """Return the kind of rows whose named columns move on while the rest stays."""
    return Kind("state", insert=insert, columns=columns)


APP_FUNCTIONS = (
    "aid_now()",
    "members_class_at(bigint, date, date)",
    "members_read_traits(bigint[], text[], text[])",
    "members_chain(bigint)",
    "members_headcount(bigint, timestamptz, timestamptz, bigint, bigint)",
    "members_erase(bigint)",
    "ledger_erase(bigint)",
    "claims_erase(bigint)",
    "take_headcount(bigint, bigint)",
    "caps_of_period(bigint)",
    "take_rooms(bigint)",
    "open_charge_shelf(bigint)",
    "write_charge_shard(bigint)",
    "close_charge_shelf(bigint)",
    "discard_charge_shelf(bigint)",
    "charges_of_membership(bigint, bigint, integer, integer)",
    "custody_payable(bigint)",
    "custody_settlement(bigint)",
    "wallet_balance(bigint, bigint)",
    "wallet_reserved(bigint, bigint)",
    "most_charged(bigint, bigint)",
)

TABLES: dict[str, Kind] = {
    # The framework's own: sessions, accounts, second factors, cache.
    "account_emailaddress": PLAIN,
    "account_emailconfirmation": PLAIN,
    "auth_group": DERIVED,
    "auth_group_permissions": DERIVED,
    "auth_permission": DERIVED,
    "django_content_type": DERIVED,
    "django_migrations": DERIVED,
    "django_session": PLAIN,
    "mfa_authenticator": PLAIN,
    "usersessions_usersession": PLAIN,
    "work_cache": PLAIN,
    # Work
    "work_installation": state("clock_at", "clock_offset", "demo_ready", insert=False),
    "work_job": state(
        "state",
        "attempt",
        "failures",
        "takeovers",
        "lease_until",
        "due_at",
        "last_error",
        "result",
        "started_at",
        "finished_at",
    ),
    "work_outboxmessage": Kind("state", insert=True, delete=True, columns=("sent_at",)),
    "work_idempotencykey": state("answer"),
    "work_auditentry": FACT,
    # Members
    "members_user": state("password", "last_login", "email", "name", "name_zh", "is_active", "language"),
    "members_identity": FACT,
    "members_erasure": state("state", "rows", "ended_at"),
    "members_complaint": state(
        "state",
        "answer_sealed",
        "answered_by",
        "answered_at",
        "judged_at",
        "remark_sealed",
        "second_due_date",
        "second_sealed",
        "second_by",
        "second_at",
    ),
    "members_contactexport": state(
        "state",
        "agreed_sha256",
        "decided_by",
        "decided_at",
        "people",
        "parts",
        "size",
        "ready_at",
        "until_at",
        "taken_at",
    ),
    "members_contactpart": Kind("state", insert=True, delete=True),
    "members_notice": state("read_at", "digest_date"),
    "members_noticechoice": state("way", "changed_at"),
    "members_noticehours": state(
        "time_zone", "digest_hour", "quiet_from_hour", "quiet_to_hour", "changed_at"
    ),
    "members_mail": state("sent_at"),
    "members_phone": Kind("state", insert=True, delete=True, columns=("confirmed_at", "tries")),
    "members_textchoice": Kind("state", insert=True, delete=True),
    "members_textmessage": state("sent_at"),
    "members_apitoken": state("ended_at"),
    "members_joinapplication": state(
        "state",
        "plan_version_id",
        "relation",
        "invitation_id",
        "identity_sealed",
        "answers_sealed",
        "understood",
        "has_read_covenant",
        "consent_health",
        "consent_publication",
        "changed_at",
    ),
    "members_covenantsignature": FACT,
    "members_pool": state("state", "opened_date", "headcount_recorded_at", "ages_followed_date"),
    "members_plandraft": state(
        "terms",
        "covenant_en",
        "covenant_zh",
        "expected_members",
        "changed_by",
        "changed_at",
    ),
    "members_planproposal": state("state", "decided_by", "decided_at"),
    "members_planversion": FACT,
    "members_endingproposal": state("state", "decided_by", "decided_at"),
    "members_poolending": state("cancelled_at"),
    "members_dutychange": state("state", "grant_id", "decided_by", "decided_at"),
    "members_dutygrant": state("ended_at"),
    "members_dutyinvitation": state("state", "person_id", "decided_at"),
    "members_membership": state("person_id"),
    "members_memberupload": PLAIN,
    "members_memberimport": state("state", "approved_sha256", "decided_by", "decided_at"),
    "members_importedmember": state("state", "membership_id"),
    "members_familymember": FACT,
    "members_membersecret": FACT,
    "members_latetraits": DERIVED,
    "members_identitycorrection": state("state", "proposed_by", "proposed_at", "decided_by", "decided_at"),
    "members_guardianrequest": state("state", "proposed_by", "proposed_at", "decided_by", "decided_at"),
    "members_invitation": state("state", "used_by_id"),
    "members_agetransfer": state("state", "reason", "begun_id", "first_date", "closed_at"),
    "members_ruleconsent": FACT,
    "members_rulereminder": FACT,
    "members_deputylink": state("state", "deputy_id", "name_sealed"),
    "members_deputy": state("state", "accepted_by", "ended_by"),
    "members_payerlink": state("state", "accepted_by", "ended_by"),
    "members_span": state("to_at"),
    "members_awaitedcover": FACT,
    "members_membershipend": FACT,
    "members_reportedend": state("state", "decided_by", "decided_at"),
    # Ledger
    "ledger_book": FACT,
    "ledger_account": FACT,
    "ledger_journalentry": FACT,
    "ledger_posting": FACT,
    "ledger_accountbalance": DERIVED,
    "ledger_openingbalances": state("state", "approved_sha256", "decided_by", "decided_at", "entry_id"),
    "ledger_log": FACT,
    "ledger_logentry": FACT,
    "ledger_logkey": SIGNED,
    "ledger_checkpoint": SIGNED,
    "ledger_heartbeat": SIGNED,
    "ledger_witnesspolicy": state("state", "decided_by", "decided_at"),
    "ledger_cosignature": FACT,
    "ledger_witnessrefusal": FACT,
    "ledger_timestamp": FACT,
    "ledger_period": state(
        "state",
        "cases",
        "awarded_fen",
        "aid_fen",
        "fee_fen",
        "other_costs_fen",
        "reserve_contribution_fen",
        "reserve_drawn_fen",
        "sponsor_fen",
        "other_income_fen",
        "carry_in_fen",
        "carry_out_fen",
        "need_fen",
        "assessed_fen",
        "classes",
        "books_upto_no",
        "computations",
        "prepared_by",
        "prepared_at",
        "approved_by",
        "approved_at",
        "approved_sha256",
        "postings",
        "posting_paused_at",
        "posting_paused_by",
        "posted_at",
        "charges_notified_at",
        "entry_id",
    ),
    "ledger_award": state("state", "period_id", "is_held"),
    "ledger_caseface": FACT,
    "ledger_manifestline": state("want_fen", insert=False),
    "ledger_charge": DERIVED,
    "ledger_roll": FACT,
    "ledger_rollsubtree": FACT,
    # Claims
    "claims_claim": state(
        "state",
        "event_date",
        "illness",
        "severity",
        "plan_version_id",
        "age",
        "joined_age",
        "spend_fen",
        "cases_shared",
        "aid_fen",
        "derivation",
        "birth_sealed",
        "story_sealed",
        "payee_sealed",
        "payee_index",
        "sex",
        "region",
        "masked",
        "consented_at",
        "consent_sha256",
        "reviewer_id",
        "round",
        "appeal_round",
        "due_date",
        "filed_at",
        "state_since",
    ),
    "claims_evidence": state("removed_at", "key_id", "key_wrapped"),
    "claims_paperopening": FACT,
    "claims_paperrequest": FACT,
    "claims_recommendation": FACT,
    "claims_decision": FACT,
    "claims_concurrence": FACT,
    "claims_withdrawal": FACT,
    "claims_reviewnote": FACT,
    "claims_blindreview": FACT,
    "claims_appeal": FACT,
    "claims_paperreading": FACT,
    "claims_investigation": state(
        "state",
        "decided_by",
        "decided_at",
        "token_sha256",
        "link_until_at",
        "investigator_id",
        "accepted_at",
        "until_date",
        "extended_by",
        "extended_at",
        "ended_by",
        "ended_at",
        "report_sealed",
        "reported_at",
        "bill_fen",
        "answer_until_date",
        "answer_sealed",
        "answered_by",
        "answered_at",
    ),
    "claims_pagehash": FACT,
    "claims_signalrun": FACT,
    "claims_signalmark": FACT,
    "claims_juror": state("ended_at"),
    "claims_jurycase": FACT,
    "claims_jurydraw": state("state", "reveal_until_at", "closes_at"),
    "claims_jurywitness": state("words", "told_at"),
    "claims_juryseat": state("state"),
    "claims_juryballot": FACT,
    "claims_juryverdict": FACT,
    "claims_arbitration": state(
        "state",
        "name_sealed",
        "proposed_by",
        "proposed_at",
        "agreed_by",
        "agreed_at",
        "token_sha256",
        "link_until_at",
        "arbiter_id",
        "accepted_at",
        "until_date",
        "outcome",
        "aid_fen",
        "reason_sealed",
        "ended_by",
        "ended_at",
    ),
    "claims_outsidereview": state(
        "state",
        "name_sealed",
        "reason_sealed",
        "agreed_by",
        "agreed_at",
        "token_sha256",
        "link_until_at",
        "person_id",
        "accepted_at",
        "until_date",
        "ended_by",
        "ended_at",
    ),
    "claims_objection": state(
        "state", "reply_sealed", "replied_by", "replied_at", "answer_sealed", "answered_by", "answered_at"
    ),
    "claims_objectionpaper": FACT,
    "claims_redaction": state("state", "decided_by", "decided_at"),
    "ledger_bankaccount": FACT,
    "ledger_bankstatement": FACT,
    "ledger_verification": state("state", "verdict", "ended_at"),
    "ledger_verificationpart": FACT,
    "ledger_statementmapping": FACT,
    "ledger_reconciledday": FACT,
    "ledger_monthclose": state("state", "decided_by", "decided_at"),
    "ledger_monthreopening": state("state", "decided_by", "decided_at"),
    "ledger_operatorinterest": state("state", "decided_by", "decided_at"),
    "ledger_incomereport": state("state", "decided_by", "decided_at"),
    "ledger_releaselimit": state("state", "decided_by", "decided_at"),
    "ledger_paymentfile": FACT,
    "ledger_paymentfileline": FACT,
    "ledger_statementline": FACT,
    "ledger_collection": FACT,
    "ledger_paymentorder": state(
        "state",
        "released_by",
        "released_at",
        "proved_at",
        "released_sha256",
        "confirmed_line_id",
        "returned_line_id",
        "cancelled_by",
        "cancelled_at",
    ),
    "ledger_statementupload": PLAIN,
    "ledger_writeoff": state("state", "approved_sha256", "decided_by", "decided_at", "entry_id"),
    "ledger_writtenoffcharge": DERIVED,
    "ledger_sharesreturn": state("entry_id"),
    "ledger_entryreversal": state("state", "decided_by", "decided_at", "reversal_id"),
    "ledger_matchundoing": state("state", "decided_by", "decided_at", "entry_id"),
    "ledger_awardrevocation": state("state", "decided_by", "decided_at", "entry_id"),
    "ledger_debitexplanation": state("state", "decided_by", "decided_at", "entry_id"),
    "ledger_outsidecost": state("state", "approved_sha256", "decided_by", "decided_at", "entry_id"),
    "ledger_finalsettlement": state("state", "approved_sha256", "decided_by", "decided_at", "entry_id"),
    "ledger_walletentry": FACT,
    "ledger_wallettotal": DERIVED,
    "ledger_chargefile": FACT,
    "ledger_chargeexport": FACT,
    "ledger_chargeinstruction": FACT,
    "ledger_chargeresultfile": FACT,
    "ledger_chargeresult": FACT,
    "ledger_debitretry": FACT,
    "ledger_debitmandate": state("state", "revoked_by", "revoked_at"),
    "ledger_suspension": state("state", "ended_date"),
    "ledger_hardshippause": state(
        "state",
        "days",
        "proposed_by",
        "proposed_at",
        "decided_by",
        "decided_at",
    ),
    # Site
    "site_dataexport": state("state", "steps_done", "parts", "size", "ready_at", "until_at"),
    "site_exportpart": Kind("state", insert=True, delete=True),
}

#: What the role aid_signer may read, and what it may add; it changes and removes nothing.
SIGNER_READS = (
    "work_installation",
    "ledger_log",
    "ledger_logentry",
    "ledger_logkey",
    "ledger_checkpoint",
    "ledger_heartbeat",
)
SIGNER_ADDS = ("ledger_logkey", "ledger_checkpoint", "ledger_heartbeat")


def grant_statements() -> list[str]:
    """Return the SQL that brings the rights of both roles to exactly these lists; safe to run again."""
    return [*_app_statements(), *_signer_statements()]


def _signer_statements() -> list[str]:
    return [
        "REVOKE ALL ON ALL TABLES IN SCHEMA public FROM aid_signer",
        "REVOKE ALL ON ALL FUNCTIONS IN SCHEMA public FROM aid_signer",
        "REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM aid_signer",
        "GRANT USAGE ON SCHEMA public TO aid_signer",
        "GRANT EXECUTE ON FUNCTION aid_now() TO aid_signer",
        *(f"GRANT SELECT ON {table} TO aid_signer" for table in SIGNER_READS),
        *(f"GRANT INSERT ON {table} TO aid_signer" for table in SIGNER_ADDS),
        *(f"GRANT USAGE ON SEQUENCE {table}_id_seq TO aid_signer" for table in SIGNER_ADDS),
    ]


def _app_statements() -> list[str]:
    statements = [
        "REVOKE ALL ON ALL TABLES IN SCHEMA public FROM aid_app",
        "REVOKE ALL ON ALL FUNCTIONS IN SCHEMA public FROM aid_app",
        "GRANT USAGE ON SCHEMA public TO aid_app",
        "GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO aid_app",
    ]
    for table, kind in TABLES.items():
        rights = ["SELECT"]
        rights += ["INSERT"] if kind.insert else []
        rights += ["UPDATE"] if kind.update else []
        rights += ["DELETE"] if kind.delete else []
        rights += [f"UPDATE ({', '.join(kind.columns)})"] if kind.columns else []
        statements.append(f"GRANT {', '.join(rights)} ON {table} TO aid_app")
    statements += [f"GRANT EXECUTE ON FUNCTION {name} TO aid_app" for name in APP_FUNCTIONS]
    return statements
