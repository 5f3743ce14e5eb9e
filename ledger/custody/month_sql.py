"""What the close of a month is judged by and what it records, in SQL: for its guards and its page alike.

Placeholders: {pool} its id, {month} the first day of the month, as SQL.
"""

from ledger.books import chart

# The first day after the month; it is also the first day that is open again once the month is closed.
END = "({month} + interval '1 month')::date"
_BOOK = "(SELECT b.id FROM ledger_book b JOIN members_pool p ON p.code = b.code WHERE p.id = {pool})"
_ACCOUNT = "(SELECT id FROM ledger_bankaccount WHERE pool_id = {pool})"
IN_FORCE = """c.state = 'agreed'
           AND NOT EXISTS (SELECT 1 FROM ledger_monthreopening o WHERE o.close_id = c.id AND o.state = 'agreed')"""
# The month that is closed next: the one after the last closed one, else that of the first entry of the books.
NEXT = f"""coalesce(
        (SELECT (max(c.month_date) + interval '1 month')::date FROM ledger_monthclose c WHERE c.pool_id = {{pool}} AND {IN_FORCE}),
        (SELECT date_trunc('month', min(e.entry_date))::date FROM ledger_journalentry e WHERE e.book_id = {_BOOK}))"""
_TODAY = "(SELECT (aid_now() AT TIME ZONE time_zone)::date FROM members_pool WHERE id = {pool})"

# Every account with its sums at the end of the month, how many entries they come from, and custody (fen): in the
# books; at the bank; and what of the bank's was booked here with a statement that ends after the month.
FIGURES = f"""
    SELECT t.balances, t.entries, t.ledger_fen, k.closing_fen + k.later_fen AS bank_fen, k.later_fen
      FROM (SELECT coalesce(jsonb_agg(jsonb_build_array(s.code, s.debit, s.credit) ORDER BY s.code), '[]') AS balances,
                   (SELECT count(*) FROM ledger_journalentry e
                     WHERE e.book_id = {_BOOK} AND e.entry_date < {END}) AS entries,
                   coalesce(sum(s.debit - s.credit) FILTER (WHERE s.code = '{chart.CUSTODY}'), 0)::bigint AS ledger_fen
              FROM (SELECT a.code, coalesce(sum(o.amount_fen) FILTER (WHERE o.side = 'D'), 0)::bigint AS debit,
                           coalesce(sum(o.amount_fen) FILTER (WHERE o.side = 'C'), 0)::bigint AS credit
                      FROM ledger_account a JOIN ledger_posting o ON o.account_id = a.id
                      JOIN ledger_journalentry e ON e.id = o.entry_id
                     WHERE a.book_id = {_BOOK} AND e.entry_date < {END} GROUP BY a.code) s) t,
           (SELECT coalesce((SELECT s.closing_fen FROM ledger_bankstatement s
                              WHERE s.account_id = {_ACCOUNT} AND s.to_date <= {END} ORDER BY s.number DESC LIMIT 1),
                            (SELECT s.opening_fen FROM ledger_bankstatement s
                              WHERE s.account_id = {_ACCOUNT} ORDER BY s.number LIMIT 1), 0)::bigint AS closing_fen,
                   coalesce((SELECT sum(CASE l.direction WHEN 'in' THEN l.amount_fen ELSE -l.amount_fen END)
                               FROM ledger_bankstatement s JOIN ledger_statementline l ON l.statement_id = s.id
                              WHERE s.account_id = {_ACCOUNT} AND s.to_date > {END} AND s.from_date < {END}
                                AND l.booking_date < {END}), 0)::bigint AS later_fen) k"""

# What must be so before a month is closed, by the name of its guarantee. The daily reconciliation holds that no receipt
# is nobody's and no debit unexplained for more than five bank days.
CONDITIONS = {
    "closed_month_is_over": f"{END} <= {_TODAY}",
    "months_close_in_order": f"{{month}} IS NOT DISTINCT FROM {NEXT}",
    "closed_month_has_its_statements": f"""EXISTS (SELECT 1 FROM ledger_bankstatement s
        WHERE s.account_id = {_ACCOUNT} AND s.to_date >= {END})""",
    "closed_month_agrees_with_its_bank": f"EXISTS (SELECT 1 FROM ({FIGURES}) f WHERE f.bank_fen - f.later_fen = f.ledger_fen)",
    "closed_month_is_reconciled": f"""coalesce((SELECT d.broken = 0 AND d.day >= {END} FROM ledger_reconciledday d
        WHERE d.pool_id = {{pool}} ORDER BY d.day DESC LIMIT 1), false)""",
    "closed_month_has_its_awards": f"""NOT EXISTS (SELECT 1 FROM ledger_period d
        WHERE d.pool_id = {{pool}} AND d.state = 'announced' AND d.publicity_end_date < {END})""",
}

# The text whose SHA-256 a close bears: what it records, in this order.
RECORDED = """concat_ws('|', (SELECT code FROM members_pool WHERE id = {row}.pool_id), to_char({row}.month_date, 'YYYY-MM'),
        {row}.entries, {row}.bank_fen, {row}.later_fen,
        (SELECT string_agg(concat_ws(':', b->>0, b->>1, b->>2), '|' ORDER BY b->>0) FROM jsonb_array_elements({row}.balances) b))"""


def digest_sql(row: str) -> str:
    """Return SQL for the digest of a close, as hexadecimal digits."""
    return f"encode(sha256(convert_to({RECORDED.format(row=row)}, 'UTF8')), 'hex')"
