"""Recompute what closed months have recorded, from postings and bookings; hold their people against their duties."""

from django.utils.translation import gettext_noop as _

from ledger.books.findings import Report, figure
from ledger.custody.write_off_verify import lacks_two_people

SENTENCES = {
    "closed_month_is_as_recorded": _(
        "Every closed month has the balances, the entries, the bank's closing and the digest that were recorded."
    ),
    "month_close_needs_two_people": _(
        "Every month was closed, and every closed month opened again, by a treasurer and another person, a controller."
    ),
}
_HOLDING = """
      FROM (SELECT c.*, (c.month_date + interval '1 month')::date AS until FROM ledger_monthclose c
             WHERE c.pool_id = %(pool)s AND c.state = 'agreed'
               AND NOT EXISTS (SELECT 1 FROM ledger_monthreopening r WHERE r.close_id = c.id AND r.state = 'agreed')) c"""
# The bank's balance at the end of a month is its first opening and every booking of a day before.
_RECOUNTED = f"""
    SELECT c.number, c.month_date, c.entries, c.bank_fen, c.later_fen, c.sha256, c.balances, j.entries AS counted,
           coalesce(k.bank_fen, 0) AS bank, coalesce(k.later_fen, 0) AS later, j.balances AS recounted
    {_HOLDING}
      LEFT JOIN LATERAL (
           SELECT string_agg(concat_ws(':', a.code, a.debit, a.credit), '|' ORDER BY a.code) AS balances, max(a.entries) AS entries
             FROM (SELECT a.code, coalesce(sum(p.amount_fen) FILTER (WHERE p.side = 'D'), 0) AS debit,
                          coalesce(sum(p.amount_fen) FILTER (WHERE p.side = 'C'), 0) AS credit,
                          (SELECT count(*) FROM ledger_journalentry n
                            WHERE n.book_id = %(book)s AND n.entry_date < c.until) AS entries
                     FROM ledger_journalentry e JOIN ledger_posting p ON p.entry_id = e.id
                     JOIN ledger_account a ON a.id = p.account_id
                    WHERE e.book_id = %(book)s AND e.entry_date < c.until GROUP BY a.code) a) j ON true
      LEFT JOIN LATERAL (
           SELECT (SELECT opening_fen FROM ledger_bankstatement WHERE account_id = %(account)s ORDER BY number LIMIT 1)
                  + coalesce(sum(CASE l.direction WHEN 'in' THEN l.amount_fen ELSE -l.amount_fen END), 0) AS bank_fen,
                  coalesce(sum(CASE l.direction WHEN 'in' THEN l.amount_fen ELSE -l.amount_fen END)
                           FILTER (WHERE s.to_date > c.until), 0) AS later_fen
             FROM ledger_statementline l JOIN ledger_bankstatement s ON s.id = l.statement_id
            WHERE s.account_id = %(account)s AND l.booking_date < c.until) k ON true"""
_RECORDED = "(SELECT string_agg(concat_ws(':', b->>0, b->>1, b->>2), '|' ORDER BY b->>0) FROM jsonb_array_elements(m.balances) b)"


def verify_months(report: Report, parameters: dict[str, object]) -> None:
    """Hold a pool against SENTENCES; where no month is closed there is nothing to say. parameters: pool, code, book, account."""
    count = figure(
        "SELECT count(*) FROM ledger_monthclose WHERE pool_id = %(pool)s AND state = 'agreed'", parameters
    )
    if not count:
        return
    report.examined("closed_month_is_as_recorded", count)
    report.refute(
        "closed_month_is_as_recorded",
        f"""SELECT format('%%s month %%s', %(code)s::text, to_char(month_date, 'YYYY-MM')), want, found
              FROM (SELECT m.month_date, m.number,
                           concat_ws('|', m.counted, m.bank, m.later, m.recounted) AS want,
                           concat_ws('|', m.entries, m.bank_fen, m.later_fen, {_RECORDED}) AS found, m.sha256,
                           encode(sha256(convert_to(concat_ws('|', %(code)s::text, to_char(m.month_date, 'YYYY-MM'), m.counted,
                                                              m.bank, m.later, m.recounted), 'UTF8')), 'hex') AS digest
                      FROM ({_RECOUNTED}) m) told
             WHERE want IS DISTINCT FROM found OR digest IS DISTINCT FROM sha256 ORDER BY number""",
        parameters,
    )
    _verify_people(report, parameters, "ledger_monthclose", "x.number", "close")
    _verify_people(
        report,
        parameters,
        "ledger_monthreopening",
        "(SELECT number FROM ledger_monthclose WHERE id = x.close_id)",
        "reopening",
    )


def _verify_people(report: Report, parameters: dict[str, object], table: str, number: str, noun: str) -> None:
    agreed = f"FROM {table} x WHERE x.pool_id = %(pool)s AND x.state = 'agreed'"
    report.examined("month_close_needs_two_people", figure(f"SELECT count(*) {agreed}", parameters))
    report.refute(
        "month_close_needs_two_people",
        f"SELECT format('%%s {noun} %%s', %(code)s::text, {number}), 'treasurer, then another person: controller',"
        f" concat_ws(', ', x.proposed_by, x.decided_by) {agreed} AND {lacks_two_people('x')} ORDER BY 1",
        parameters,
    )
