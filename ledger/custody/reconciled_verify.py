"""Recompute what daily reconciliations have kept; hold statements against what the log said when they came."""

from django.utils.translation import gettext_noop as _

from ledger.books.findings import Report, figure
from ledger.custody.triggers import may_be_nobodys_sql

SENTENCES = {
    "reconciliation_is_as_counted": _(
        "Every kept reconciliation says what bank, orders and receipts said by its statement."
    ),
    "statement_is_as_logged": _(
        "Every bank statement has the balances, the file and the sums of which its log entry tells."
    ),
}

# What each statement brought by its documents: orders, charges taken back, wallets; of the rest by its bookings.
_BROUGHT = f"""
    SELECT s.number, s.closing_fen, first_value(s.opening_fen) OVER (ORDER BY s.number) + sum(sum(d.fen)) OVER (ORDER BY s.number) AS explained
      FROM ledger_bankstatement s JOIN LATERAL (
           SELECT 0 AS fen
           UNION ALL
           SELECT CASE l.direction WHEN 'in' THEN l.amount_fen ELSE -l.amount_fen END FROM ledger_statementline l
            WHERE l.statement_id = s.id AND (l.kind NOT IN ('payment', 'returned', 'chargeback', 'top_up')
                 OR l.kind = 'top_up' AND {may_be_nobodys_sql("l")})
           UNION ALL
           SELECT CASE l.kind WHEN 'payment' THEN -o.amount_fen ELSE o.amount_fen END
             FROM ledger_statementline l JOIN ledger_paymentorder o
               ON l.id = CASE l.kind WHEN 'payment' THEN o.confirmed_line_id ELSE o.returned_line_id END
            WHERE l.statement_id = s.id AND l.kind IN ('payment', 'returned')
           UNION ALL
           SELECT c.amount_fen FROM ledger_statementline l JOIN ledger_collection c ON c.line_id = l.id
            WHERE l.statement_id = s.id AND l.kind = 'chargeback'
           UNION ALL
           SELECT w.amount_fen FROM ledger_statementline l JOIN ledger_walletentry w ON w.line_id = l.id
            WHERE l.statement_id = s.id AND l.kind = 'top_up' AND NOT {may_be_nobodys_sql("l")}) d ON true
     WHERE s.account_id = %(account)s GROUP BY s.id"""


def verify_reconciled(report: Report, pool_id: int, code: str) -> None:
    """Hold a pool against SENTENCES; a pool without a bank account has nothing to hold."""
    parameters: dict[str, object] = {"pool": pool_id, "code": code}
    account = figure("SELECT max(id) FROM ledger_bankaccount WHERE pool_id = %(pool)s", parameters)
    if account is None:
        return
    parameters["account"] = account
    _verify_days(report, parameters)
    _verify_logged(report, parameters)


def _verify_days(report: Report, parameters: dict[str, object]) -> None:
    name = "reconciliation_is_as_counted"
    report.examined(
        name, figure("SELECT count(*) FROM ledger_reconciledday WHERE pool_id = %(pool)s", parameters)
    )
    report.refute(
        name,
        f"""SELECT format('%%s reconciliation of %%s', %(code)s::text, day),
                   format('bank %%s, orders and receipts %%s, %%s broken', closing_fen, explained, red),
                   format('bank %%s, orders and receipts %%s, %%s broken', bank_fen, explained_fen, broken)
              FROM (SELECT d.*, b.closing_fen, b.explained,
                           (SELECT count(*) FROM jsonb_array_elements(d.verdicts) v WHERE v->>'state' = 'broken') AS red
                      FROM ledger_reconciledday d LEFT JOIN ({_BROUGHT}) b ON b.number = d.statement_no
                     WHERE d.pool_id = %(pool)s) kept
             WHERE (bank_fen, explained_fen, broken) IS DISTINCT FROM (closing_fen, explained, red) ORDER BY day""",
        parameters,
    )


def _verify_logged(report: Report, parameters: dict[str, object]) -> None:
    name = "statement_is_as_logged"
    report.examined(
        name, figure("SELECT count(*) FROM ledger_bankstatement WHERE account_id = %(account)s", parameters)
    )
    report.refute(
        name,
        """SELECT format('%%s statement %%s', %(code)s::text, number), coalesce(told, 'no log entry'), shown
             FROM (SELECT s.number,
                          concat_ws(' ', s.opening_fen, s.closing_fen, s.line_count, left(s.sha256, 12),
                                    (SELECT string_agg(concat(k.kind, ':', k.lines, ':', k.fen), ',' ORDER BY k.kind COLLATE "C")
                                       FROM (SELECT kind, count(*) AS lines, sum(amount_fen) AS fen FROM ledger_statementline
                                              WHERE statement_id = s.id GROUP BY 1) k)) AS shown,
                          (SELECT concat_ws(' ', b->>'opening', b->>'closing', b->>'lines', left(b->>'file_sha256', 12),
                                            (SELECT string_agg(concat(c->>0, ':', c->>1, ':', c->>2), ',' ORDER BY (c->>0) COLLATE "C")
                                               FROM jsonb_array_elements(b->'classes') c))
                             FROM (SELECT convert_from(e.data, 'UTF8')::jsonb->'body' AS b FROM ledger_logentry e
                                     JOIN ledger_log g ON g.id = e.log_id
                                    WHERE g.code = %(code)s AND e.type = 'bank.day' AND e.key = s.number::text) log) AS told
                     FROM ledger_bankstatement s WHERE s.account_id = %(account)s) compared
            WHERE told IS DISTINCT FROM shown ORDER BY number""",
        parameters,
    )
