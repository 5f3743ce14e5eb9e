"""One figure for all the money: what two runs are compared by.

After any fault and recovery the digest equals that of the undisturbed run. Each row becomes a line of text in
which surrogate ids are replaced by what they stand for; the lines are sorted by PostgreSQL and hashed as they
stream by, so ten million charges need no memory here. Left out, each with its reason below, is what no two
runs share: ids that sequences gave, and hours of the wall clock. Business hours are in; they agree between
runs whose demo clock stands still. Runs compare that begin with the same people and pools: people appear by
their codes, and the log states the hash of approved figures, which covers the pool's id.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.db import connection, transaction

ID = "given by a sequence"
WALL = "an hour of the wall clock"
IDS_WITHIN = "made of ids that sequences gave"
SEALED = "sealed under a random key each time"

_BUCKET = 65_536


@dataclass(frozen=True)
class Part:
    """One table: which columns stand for a row, and where they come from."""

    table: str
    columns: dict[str, str]
    joins: str = ""
    left_out: dict[str, str] = field(default_factory=dict)

    def sql(self) -> str:
        """Return the query of the part's lines; t is the table."""
        return (
            f"SELECT ROW({', '.join(self.columns.values())})::text AS line FROM {self.table} t {self.joins}"  # noqa: S608
        )


class ChargesPart(Part):
    """The charges, by members' numbers, hashed in blocks: a line stands for up to 65,536 members of a period."""

    def sql(self) -> str:
        """Return one line per pool, period and block of numbers."""
        return f"""
            SELECT ROW(code, period_no, block, count(*), sum(share_fen),
                       encode(sha256(convert_to(string_agg(number || ':' || share_fen, ',' ORDER BY number, share_fen),
                                                'UTF8')), 'hex'))::text AS line
              FROM (SELECT p.code, t.period_no, m.number, m.number / {_BUCKET} AS block, t.share_fen
                      FROM ledger_charge t {self.joins}) charges
             GROUP BY code, period_no, block"""  # noqa: S608 - fixed text


# The roots of rolls follow from secrets that chance has drawn; the guards of rolls hold them against their members.
_OF_ROLLS = "t.type IN ('roll.freeze', 'roll.close')"
_WITHOUT_ROOTS = "(convert_from(t.data, 'UTF8')::jsonb #- '{body,root}' #- '{body,head}')::text"
_BOOK = "JOIN ledger_book b ON b.id = t.book_id"
_POOL = "JOIN members_pool p ON p.id = t.pool_id"
_ACCOUNT = "JOIN ledger_bankaccount a ON a.id = t.account_id"


def _plain(*names: str) -> dict[str, str]:
    return {name: f"t.{name}" for name in names}


PARTS: tuple[Part, ...] = (
    Part("ledger_book", _plain("code", "currency", "last_entry_no"), left_out={"id": ID}),
    Part(
        "ledger_account",
        {"book_id": "b.code", **_plain("code", "kind", "normal_side", "never_negative")},
        _BOOK,
        {"id": ID},
    ),
    Part(
        "ledger_journalentry",
        {
            "book_id": "b.code",
            **_plain(
                "number", "key", "kind", "entry_date", "at", "description", "source", "maker", "checker"
            ),
            "reverses_id": "r.number",
        },
        f"{_BOOK} LEFT JOIN ledger_journalentry r ON r.id = t.reverses_id",
        {"id": ID},
    ),
    Part(
        "ledger_posting",
        {"entry_id": "b.code, e.number", "account_id": "a.code", **_plain("side", "amount_fen")},
        "JOIN ledger_journalentry e ON e.id = t.entry_id JOIN ledger_book b ON b.id = e.book_id"
        " JOIN ledger_account a ON a.id = t.account_id",
        {"id": ID},
    ),
    Part(
        "ledger_accountbalance",
        {"account_id": "b.code, a.code", **_plain("debit_fen", "credit_fen")},
        "JOIN ledger_account a ON a.id = t.account_id JOIN ledger_book b ON b.id = a.book_id",
    ),
    Part("ledger_log", _plain("code", "size"), left_out={"id": ID}),
    Part(
        "ledger_logentry",
        {
            "log_id": "g.code",
            **_plain("seq", "type", "key"),
            "data": f"CASE WHEN {_OF_ROLLS} THEN {_WITHOUT_ROOTS} ELSE encode(sha256(t.data), 'hex') END",
            "leaf_hash": f"CASE WHEN {_OF_ROLLS} THEN NULL ELSE encode(t.leaf_hash, 'hex') END",
        },
        "JOIN ledger_log g ON g.id = t.log_id",
        {"id": ID},
    ),
    Part(
        "ledger_award",
        {
            "pool_id": "p.code",
            "period_id": "d.number",
            **_plain(
                "code", "claim_code", "masked", "aid_fen", "shared_fen", "state", "is_held", "announced_at"
            ),
            **_plain("lowered_fen", "announced_by"),
            "payee_hash": "encode(t.payee_hash, 'hex')",
            "rest_of_id": "w.code",
        },
        f"{_POOL} LEFT JOIN ledger_period d ON d.id = t.period_id LEFT JOIN ledger_award w ON w.id = t.rest_of_id",
        {"id": ID, "payee_sealed": SEALED},
    ),
    Part(
        "ledger_caseface",
        {
            "pool_id": "p.code",
            "period_id": "d.number",
            **_plain("claim_code", "step", "members", "age", "sex", "region", "joined", "month", "illness"),
            **_plain("disease", "helped", "is_public"),
        },
        f"{_POOL} JOIN ledger_period d ON d.id = t.period_id",
        {"id": ID},
    ),
    Part(
        "ledger_period",
        {
            "pool_id": "p.code",
            "plan_version_id": "v.number",
            **_plain("number", "state", "opening_date", "next_opening_date", "publicity_date"),
            **_plain(
                "publicity_end_date", "charge_date", "as_of", "headcount", "cases", "aid_fen", "fee_fen"
            ),
            **_plain(
                "awarded_fen",
                "other_costs_fen",
                "reserve_contribution_fen",
                "reserve_drawn_fen",
                "sponsor_fen",
            ),
            **_plain(
                "other_income_fen", "carry_in_fen", "carry_out_fen", "need_fen", "assessed_fen", "classes"
            ),
            **_plain(
                "books_upto_no", "computations", "prepared_by", "prepared_at", "approved_by", "approved_at"
            ),
            **_plain(
                "announced_at",
                "announced_books_no",
                "charged_members",
                "charged_fen",
                "posted_at",
                "charges_notified_at",
            ),
            **_plain("wallet_fen", "gap_fen"),
            "entry_id": "e.number",
        },
        f"{_POOL} JOIN members_planversion v ON v.id = t.plan_version_id"
        " LEFT JOIN ledger_journalentry e ON e.id = t.entry_id",
        {
            "id": ID,
            "headcount_recorded_at": WALL,
            "shown_sha256": IDS_WITHIN,
            "approved_sha256": IDS_WITHIN,
            "postings": "how often posting went on is in the trail",
            **dict.fromkeys(("posting_paused_at", "posting_paused_by"), "empty once a period is posted"),
        },
    ),
    Part(
        "ledger_manifestline",
        {
            "period_id": "p.code, d.number",
            "members": "sum(t.members)",
            "want_fen": "sum(t.want_fen)",
            "written_at": "bool_and(t.written_at IS NOT NULL)",
        },
        "JOIN ledger_period d ON d.id = t.period_id JOIN members_pool p ON p.id = d.pool_id"
        " GROUP BY p.code, d.number",
        {
            "id": ID,
            **dict.fromkeys(("shard_no", "first_id", "end_id", "counts", "rooms"), "shards are cut by ids"),
            "ids_hash": IDS_WITHIN,
        },
    ),
    ChargesPart(
        "ledger_charge",
        {"pool_id": "p.code", "membership_id": "m.number", **_plain("period_no", "share_fen")},
        f"{_POOL} JOIN members_membership m ON m.id = t.membership_id",
    ),
    Part(
        "ledger_bankaccount",
        {
            "pool_id": "p.code",
            **_plain("bank_name", "holder_name", "number", "opened_by", "opened_at"),
        },
        _POOL,
        {"id": ID},
    ),
    Part(
        "ledger_bankstatement",
        {
            "account_id": "a.number",
            **_plain("number", "bank_number", "format", "from_date", "to_date", "opening_fen", "closing_fen"),
            **_plain("line_count", "dropped_lines", "sha256", "imported_by", "imported_at"),
            "mapping_id": "h.number",
        },
        f"{_ACCOUNT} LEFT JOIN ledger_statementmapping h ON h.id = t.mapping_id",
        {"id": ID},
    ),
    Part(
        "ledger_statementmapping",
        {"account_id": "a.number", **_plain("number", "terms", "made_by", "made_at")},
        _ACCOUNT,
        {"id": ID},
    ),
    Part(
        "ledger_statementline",
        {
            "statement_id": "s.number",
            "account_id": "a.number",
            "membership_id": "m.number",
            **_plain("line_no", "booking_date", "direction", "amount_fen", "kind", "bank_reference", "text"),
            "content_hash": "encode(t.content_hash, 'hex')",
            "counterparty_index": "encode(t.counterparty_index, 'hex')",
            "twin_no": "t.twin_no",
            "charge_file_id": "f.number",
        },
        f"{_ACCOUNT} JOIN ledger_bankstatement s ON s.id = t.statement_id"
        " LEFT JOIN members_membership m ON m.id = t.membership_id"
        " LEFT JOIN ledger_chargefile f ON f.id = t.charge_file_id",
        {"id": ID, "counterparty": SEALED},
    ),
    Part(
        "ledger_collection",
        {
            "line_id": "s.number, l.line_no",
            "result_id": "c.payer_no, c.period_no, c.attempt, r.kind",
            "membership_id": "m.number",
            "payer_id": "b.number",
            "pool_id": "p.code",
            **_plain("period_no", "amount_fen", "recorded_by", "at", "turn"),
        },
        f"{_POOL} LEFT JOIN ledger_statementline l ON l.id = t.line_id"
        " LEFT JOIN ledger_bankstatement s ON s.id = l.statement_id"
        " LEFT JOIN ledger_chargeresult r ON r.id = t.result_id"
        " LEFT JOIN ledger_chargeinstruction c ON c.id = r.instruction_id"
        " JOIN members_membership m ON m.id = t.membership_id"
        " LEFT JOIN members_membership b ON b.id = t.payer_id",
        {"id": ID},
    ),
    Part(
        "ledger_paymentorder",
        {
            "pool_id": "p.code",
            "award_id": "w.code",
            "period_id": "d.number",
            "receipt_id": "rs.number, r.line_no",
            "debit_id": "di.payer_no, di.period_no, di.attempt",
            "membership_id": "m.number",
            "listed_id": "i.email",
            "cost_id": "oc.number",
            "confirmed_line_id": "cs.number, c.line_no",
            "returned_line_id": "ts.number, b.line_no",
            "payee_hash": "encode(t.payee_hash, 'hex')",
            **_plain("number", "kind", "amount_fen", "payee_hint", "state", "ordered_by", "ordered_at"),
            **_plain("released_by", "released_at", "proved_at", "cancelled_by", "cancelled_at"),
        },
        f"{_POOL} LEFT JOIN ledger_award w ON w.id = t.award_id LEFT JOIN ledger_period d ON d.id = t.period_id"
        " LEFT JOIN members_membership m ON m.id = t.membership_id"
        " LEFT JOIN members_importedmember i ON i.id = t.listed_id"
        " LEFT JOIN ledger_outsidecost oc ON oc.id = t.cost_id"
        " LEFT JOIN ledger_statementline r ON r.id = t.receipt_id"
        " LEFT JOIN ledger_bankstatement rs ON rs.id = r.statement_id"
        " LEFT JOIN ledger_statementline c ON c.id = t.confirmed_line_id"
        " LEFT JOIN ledger_bankstatement cs ON cs.id = c.statement_id"
        " LEFT JOIN ledger_statementline b ON b.id = t.returned_line_id"
        " LEFT JOIN ledger_bankstatement ts ON ts.id = b.statement_id"
        " LEFT JOIN ledger_chargeresult dr ON dr.id = t.debit_id"
        " LEFT JOIN ledger_chargeinstruction di ON di.id = dr.instruction_id",
        {
            "id": ID,
            "payee_name": SEALED,
            "payee_account": SEALED,
            "shown_sha256": IDS_WITHIN,
            "released_sha256": IDS_WITHIN,
        },
    ),
    Part(
        "ledger_paymentfile",
        {
            "pool_id": "p.code",
            **_plain("number", "order_count", "amount_fen", "made_by", "made_at", "xml_sha256", "csv_sha256"),
        },
        _POOL,
        {"id": ID},
    ),
    Part(
        "ledger_paymentfileline",
        {"file_id": "p.code, f.number", "order_id": "o.number"},
        "JOIN ledger_paymentfile f ON f.id = t.file_id JOIN members_pool p ON p.id = f.pool_id"
        " JOIN ledger_paymentorder o ON o.id = t.order_id",
        {"id": ID},
    ),
    Part(
        "ledger_writeoff",
        {
            "pool_id": "p.code",
            "membership_id": "m.number",
            "entry_id": "e.number",
            **_plain("number", "reason", "reminders", "upto_period_no", "charges", "amount_fen", "state"),
            **_plain("ordered_by", "ordered_at", "decided_by", "decided_at"),
        },
        f"{_POOL} JOIN members_membership m ON m.id = t.membership_id"
        " LEFT JOIN ledger_journalentry e ON e.id = t.entry_id",
        {"id": ID, "shown_sha256": IDS_WITHIN, "approved_sha256": IDS_WITHIN},
    ),
    Part(
        "ledger_writtenoffcharge",
        {
            "pool_id": "p.code",
            "membership_id": "m.number",
            "write_off_id": "o.number",
            "settlement_id": "s.number",
            "shares_return_id": "r.number",
            **_plain("period_no", "amount_fen"),
        },
        f"{_POOL} JOIN members_membership m ON m.id = t.membership_id"
        " LEFT JOIN ledger_writeoff o ON o.id = t.write_off_id"
        " LEFT JOIN ledger_finalsettlement s ON s.id = t.settlement_id"
        " LEFT JOIN ledger_sharesreturn r ON r.id = t.shares_return_id",
        {"id": ID},
    ),
    Part(
        "ledger_sharesreturn",
        {
            "pool_id": "p.code",
            "membership_id": "m.number",
            "entry_id": "e.number",
            **_plain(
                "number",
                "event_date",
                "reviewer",
                "decider",
                "charges",
                "paid_fen",
                "open_fen",
                "returned_at",
            ),
        },
        f"{_POOL} JOIN members_membership m ON m.id = t.membership_id"
        " LEFT JOIN ledger_journalentry e ON e.id = t.entry_id",
        {"id": ID, "decision": IDS_WITHIN, "payee_sealed": SEALED, "payee_hash": SEALED},
    ),
    Part(
        "ledger_monthclose",
        {
            "pool_id": "p.code",
            **_plain("number", "month_date", "balances", "entries", "bank_fen", "later_fen", "sha256"),
            **_plain("state", "proposed_by", "proposed_at", "decided_by", "decided_at"),
        },
        _POOL,
        {"id": ID},
    ),
    Part(
        "ledger_monthreopening",
        {
            "pool_id": "p.code",
            "close_id": "c.number",
            **_plain("reason", "state", "proposed_by", "proposed_at", "decided_by", "decided_at"),
        },
        f"{_POOL} JOIN ledger_monthclose c ON c.id = t.close_id",
        {"id": ID},
    ),
    Part(
        "ledger_entryreversal",
        {
            "pool_id": "p.code",
            "entry_id": "e.number",
            "reversal_id": "r.number",
            **_plain("number", "reason", "state", "proposed_by", "proposed_at", "decided_by", "decided_at"),
        },
        f"{_POOL} JOIN ledger_journalentry e ON e.id = t.entry_id"
        " LEFT JOIN ledger_journalentry r ON r.id = t.reversal_id",
        {"id": ID},
    ),
    Part(
        "ledger_matchundoing",
        {
            "pool_id": "p.code",
            "receipt_id": "s.number, l.line_no",
            "membership_id": "m.number",
            "entry_id": "e.number",
            **_plain(
                "number", "reason", "amount_fen", "recovered_fen", "state", "proposed_by", "proposed_at"
            ),
            **_plain("decided_by", "decided_at"),
        },
        f"{_POOL} JOIN ledger_statementline l ON l.id = t.receipt_id"
        " JOIN ledger_bankstatement s ON s.id = l.statement_id"
        " JOIN members_membership m ON m.id = t.membership_id"
        " LEFT JOIN ledger_journalentry e ON e.id = t.entry_id",
        {"id": ID},
    ),
    Part(
        "ledger_awardrevocation",
        {
            "pool_id": "p.code",
            "award_id": "w.code",
            "entry_id": "e.number",
            **_plain(
                "number",
                "reason",
                "aid_fen",
                "fee_fen",
                "fee_owed_fen",
                "state",
                "proposed_by",
                "proposed_at",
            ),
            **_plain("decided_by", "decided_at"),
        },
        f"{_POOL} JOIN ledger_award w ON w.id = t.award_id LEFT JOIN ledger_journalentry e ON e.id = t.entry_id",
        {"id": ID},
    ),
    Part(
        "ledger_debitexplanation",
        {
            "pool_id": "p.code",
            "line_id": "ls.number, l.line_no",
            "order_id": "o.number",
            "receipt_id": "rs.number, r.line_no",
            "entry_id": "e.number",
            **_plain("number", "cause", "note", "amount_fen", "state", "proposed_by", "proposed_at"),
            **_plain("decided_by", "decided_at"),
        },
        f"{_POOL} JOIN ledger_statementline l ON l.id = t.line_id"
        " JOIN ledger_bankstatement ls ON ls.id = l.statement_id"
        " LEFT JOIN ledger_statementline r ON r.id = t.receipt_id"
        " LEFT JOIN ledger_bankstatement rs ON rs.id = r.statement_id"
        " LEFT JOIN ledger_paymentorder o ON o.id = t.order_id"
        " LEFT JOIN ledger_journalentry e ON e.id = t.entry_id",
        {"id": ID},
    ),
    Part(
        "ledger_outsidecost",
        {
            "pool_id": "p.code",
            "entry_id": "e.number",
            **_plain("number", "amount_fen", "borne_by", "payee_hint", "state", "billed_by", "billed_at"),
            **_plain("decided_by", "decided_at"),
        },
        f"{_POOL} LEFT JOIN ledger_journalentry e ON e.id = t.entry_id",
        {
            "id": ID,
            "reference": "made at random",
            "payee_sealed": SEALED,
            "payee_hash": SEALED,
            "shown_sha256": IDS_WITHIN,
            "approved_sha256": IDS_WITHIN,
        },
    ),
    Part(
        "ledger_releaselimit",
        {
            "pool_id": "p.code",
            **_plain("number", "daily_fen", "step_up_fen", "state", "proposed_by", "proposed_at"),
            **_plain("decided_by", "decided_at"),
        },
        _POOL,
        {"id": ID},
    ),
    Part(
        "ledger_operatorinterest",
        {
            "pool_id": "p.code",
            **_plain("number", "kind", "partner", "relation", "since_date", "until_date", "replaces"),
            **_plain("state", "proposed_by", "proposed_at", "decided_by", "decided_at"),
        },
        _POOL,
        {"id": ID},
    ),
    Part(
        "ledger_incomereport",
        {
            "pool_id": "p.code",
            "period_id": "d.number",
            **_plain("number", "referral_fen", "sponsor_fen", "note"),
            **_plain("state", "proposed_by", "proposed_at", "decided_by", "decided_at"),
        },
        f"{_POOL} JOIN ledger_period d ON d.id = t.period_id",
        {"id": ID},
    ),
    Part(
        "ledger_finalsettlement",
        {
            "pool_id": "p.code",
            "entry_id": "e.number",
            **_plain("number", "figures", "state", "ordered_by", "ordered_at", "decided_by", "decided_at"),
        },
        f"{_POOL} LEFT JOIN ledger_journalentry e ON e.id = t.entry_id",
        {"id": ID, "shown_sha256": IDS_WITHIN, "approved_sha256": IDS_WITHIN},
    ),
    Part(
        "ledger_walletentry",
        {
            "pool_id": "p.code",
            "membership_id": "m.number",
            "line_id": "s.number, l.line_no",
            "order_id": "o.number",
            **_plain("kind", "amount_fen", "period_no", "recorded_by", "at", "turn"),
        },
        f"{_POOL} JOIN members_membership m ON m.id = t.membership_id"
        " LEFT JOIN ledger_statementline l ON l.id = t.line_id"
        " LEFT JOIN ledger_bankstatement s ON s.id = l.statement_id"
        " LEFT JOIN ledger_paymentorder o ON o.id = t.order_id",
        {"id": ID},
    ),
    Part("ledger_wallettotal", {"pool_id": "p.code", **_plain("entries_fen")}, _POOL),
    Part(
        "ledger_suspension",
        {
            "pool_id": "p.code",
            "membership_id": "m.number",
            **_plain("period_no", "class_no", "cause", "from_date", "until_date", "state", "ended_date"),
        },
        f"{_POOL} JOIN members_membership m ON m.id = t.membership_id",
        {"id": ID},
    ),
    Part(
        "ledger_hardshippause",
        {
            "pool_id": "p.code",
            "membership_id": "m.number",
            **_plain("number", "state", "asked_by", "asked_at", "days", "proposed_by", "proposed_at"),
            **_plain("upto_period_no", "decided_by", "decided_at"),
        },
        f"{_POOL} JOIN members_membership m ON m.id = t.membership_id",
        {"id": ID, "shown_sha256": IDS_WITHIN, "reason_sealed": SEALED},
    ),
    Part(
        "ledger_chargefile",
        {
            "pool_id": "p.code",
            **_plain(
                "number", "period_no", "scheme", "instruction_count", "amount_fen", "first_no", "last_no"
            ),
            **_plain("made_by", "made_date", "made_at"),
        },
        _POOL,
        {"id": ID},
    ),
    Part(
        "ledger_chargeexport",
        {"file_id": "p.code, f.number", **_plain("format", "size")},
        "JOIN ledger_chargefile f ON f.id = t.file_id JOIN members_pool p ON p.id = f.pool_id",
        {"id": ID, "sha256": IDS_WITHIN},
    ),
    Part(
        "ledger_chargeinstruction",
        {
            "file_id": "f.number",
            "pool_id": "p.code",
            "payer_id": "m.number",
            "mandate_id": "d.number",
            **_plain("period_no", "payer_no", "attempt", "mandate_no", "signed_date", "is_first"),
            **_plain("collection_date", "amount_fen"),
        },
        f"{_POOL} JOIN ledger_chargefile f ON f.id = t.file_id JOIN ledger_debitmandate d ON d.id = t.mandate_id"
        " JOIN members_membership m ON m.id = t.payer_id",
        {"id": ID},
    ),
    Part(
        "ledger_chargeresultfile",
        {
            "pool_id": "p.code",
            **_plain("number", "agent_number", "format", "line_count", "dropped_lines", "pending_lines"),
            **_plain("collected_fen", "rejected_fen", "returned_fen", "imported_by", "imported_at"),
        },
        _POOL,
        {"id": ID, "sha256": IDS_WITHIN},
    ),
    Part(
        "ledger_chargeresult",
        {
            "result_file_id": "p.code, f.number",
            "instruction_id": "i.payer_no, i.period_no, i.attempt",
            **_plain("kind", "amount_fen", "reason", "result_date"),
        },
        "JOIN ledger_chargeresultfile f ON f.id = t.result_file_id JOIN members_pool p ON p.id = f.pool_id"
        " JOIN ledger_chargeinstruction i ON i.id = t.instruction_id",
        {"id": ID},
    ),
    Part(
        "ledger_debitretry",
        {"pool_id": "p.code", "membership_id": "m.number", **_plain("asked_by", "asked_date", "asked_at")},
        f"{_POOL} JOIN members_membership m ON m.id = t.membership_id",
        {"id": ID},
    ),
    Part(
        "ledger_debitmandate",
        {
            "pool_id": "p.code",
            "membership_id": "m.number",
            "plan_version_id": "v.number",
            **_plain(
                "number", "creditor_name", "account_hint", "text_en", "text_zh", "text_sha256", "language"
            ),
            **_plain("signed_by", "signed_date", "signed_at", "state", "revoked_by", "revoked_at"),
        },
        f"{_POOL} JOIN members_membership m ON m.id = t.membership_id"
        " JOIN members_planversion v ON v.id = t.plan_version_id",
        {"id": ID, "reference": IDS_WITHIN, "sealed": SEALED},
    ),
    Part(
        "ledger_openingbalances",
        {
            "pool_id": "p.code",
            "entry_id": "e.number",
            **_plain(
                "number",
                "custody_fen",
                "receivable_fen",
                "prepaid_fen",
                "carried_surplus_fen",
                "reserve_fen",
                "proof",
            ),
            **_plain("state", "proposed_by", "proposed_at", "decided_by", "decided_at"),
        },
        f"{_POOL} LEFT JOIN ledger_journalentry e ON e.id = t.entry_id",
        {"id": ID, "shown_sha256": IDS_WITHIN, "approved_sha256": IDS_WITHIN},
    ),
    Part(
        "ledger_verification",
        {
            "pool_id": "p.code",
            **_plain("number", "parts", "state", "verdict", "asked_by", "asked_at", "ended_at"),
        },
        _POOL,
        {"id": ID},
    ),
    Part(
        "ledger_verificationpart",
        {"verification_id": "p.code, v.number", **_plain("place", "results", "unchecked")},
        "JOIN ledger_verification v ON v.id = t.verification_id JOIN members_pool p ON p.id = v.pool_id",
        {"id": ID},
    ),
    Part(
        "work_auditentry",
        _plain("actor", "action", "subject"),
        left_out={"id": ID, "at": "the hours of money are in the log", "detail": "may name requests"},
    ),
)


@dataclass(frozen=True)
class TableDigest:
    """The digest of one table: how many lines it came to, and their SHA-256."""

    table: str
    lines: int
    sha256: str


def money_digest(parts: tuple[Part, ...] = PARTS) -> list[TableDigest]:
    """Digest every money table as of one instant."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            cursor.execute("SET LOCAL statement_timeout = 0")
            cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            cursor.execute("SET LOCAL work_mem = '128MB'")
        return [_digest(part) for part in parts]


def total(digests: list[TableDigest]) -> str:
    """Return the one figure over all tables."""
    lines = "".join(f"{d.table} {d.lines} {d.sha256}\n" for d in digests)
    return hashlib.sha256(lines.encode()).hexdigest()


def _digest(part: Part) -> TableDigest:
    digest, lines = hashlib.sha256(), 0
    for line in _lines(part):
        digest.update(line.encode() + b"\n")
        lines += 1
    return TableDigest(part.table, lines, digest.hexdigest())


def _lines(part: Part) -> Iterator[str]:
    """Stream the part's lines in the order of their bytes, whatever the order of the rows."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(f'SELECT line FROM ({part.sql()}) lines ORDER BY line COLLATE "C"')  # noqa: S608
        while rows := cursor.fetchmany(5000):
            yield from (row[0] for row in rows)
