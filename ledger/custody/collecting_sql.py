"""What came of the shares of a period, and what of all periods is still owed: SQL that job and guard share.

Sums of whole periods, so that a million shares cost one pass over what was collected: what a period charges, less what
was collected of it, less what of its written-off shares nobody asks for any more.
"""

from ledger.books import chart
from ledger.custody.opening_debts import BEFORE_PERIODS, owed_sql
from ledger.custody.triggers import balance_sql, collected_sql

# Of written-off shares of a period what was never paid of them, whatever came later.
_WRITTEN = """(SELECT coalesce(sum(c.share_fen - coalesce(k.fen, 0)), 0)::bigint
      FROM ledger_writtenoffcharge w
      JOIN ledger_charge c ON c.pool_id = w.pool_id AND c.membership_id = w.membership_id AND c.period_no = w.period_no
      LEFT JOIN LATERAL (SELECT sum(amount_fen) AS fen FROM ledger_collection k WHERE k.pool_id = w.pool_id
                            AND k.membership_id = w.membership_id AND k.period_no = w.period_no) k ON true
     WHERE w.pool_id = {period}.pool_id AND w.period_no = {period}.number)"""


def written_off_sql(period: str) -> str:
    """Return SQL for what of a period's shares was written off and not paid after all (fen)."""
    return _WRITTEN.format(period=period)


def last_day_sql(period: str) -> str:
    """Return SQL for the last day on which a share of a period is paid in time, pauses of single members apart."""
    return f"""(SELECT greatest({period}.charge_date, ({period}.charges_notified_at AT TIME ZONE z.time_zone)::date)
                       + coalesce((v.terms#>>'{{arrears,grace_days}}')::int, 0)
                  FROM members_pool z, members_planversion v
                 WHERE z.id = {period}.pool_id AND v.id = {period}.plan_version_id)"""


def due_sql(pool: str) -> str:
    """Return SQL for the ids of the periods of whose last day the bank has told and that the log does not close yet."""
    return f"""
    SELECT d.id FROM ledger_period d JOIN members_pool p ON p.id = d.pool_id JOIN ledger_log g ON g.code = p.code
     WHERE d.pool_id = {pool} AND d.state = 'posted' AND d.charges_notified_at IS NOT NULL
       AND {last_day_sql("d")} < (SELECT max(s.to_date) FROM ledger_bankstatement s
                                    JOIN ledger_bankaccount a ON a.id = s.account_id WHERE a.pool_id = d.pool_id)
       AND NOT EXISTS (SELECT 1 FROM ledger_logentry l WHERE l.log_id = g.id AND l.type = 'collect.close'
                          AND l.key = d.number::text)
     ORDER BY d.number"""


def open_sql(pool: str) -> str:
    """Return SQL for a JSON list of [period, fen still owed], 0 standing for what was owed before the first period.

    Periods whose shares come from wallets owe nothing here: what wallets lack the next periods share.
    """
    return f"""(SELECT coalesce(jsonb_agg(jsonb_build_array(o.number, o.fen) ORDER BY o.number), '[]'::jsonb) FROM (
        SELECT d.number, (d.charged_fen - coalesce(k.fen, 0) - {written_off_sql("d")})::bigint AS fen
          FROM ledger_period d
          LEFT JOIN (SELECT period_no, sum(amount_fen) AS fen FROM ledger_collection
                      WHERE pool_id = {pool} GROUP BY 1) k ON k.period_no = d.number
         WHERE d.pool_id = {pool} AND d.state = 'posted' AND d.wallet_fen IS NULL
        UNION ALL
        SELECT {BEFORE_PERIODS}, (SELECT coalesce(sum(b.fen), 0) FROM ({owed_sql(pool)}) b)::bigint
             - (SELECT coalesce(sum(amount_fen), 0) FROM ledger_collection
                 WHERE pool_id = {pool} AND period_no = {BEFORE_PERIODS}
                   AND EXISTS (SELECT 1 FROM ({owed_sql(pool)}) b))::bigint) o WHERE o.fen <> 0)"""


def figures_sql(period: str) -> str:
    """Return SQL for what the log says of a period at the end of its collection, as one JSON object (fen)."""
    return f"""(SELECT jsonb_build_object(
        'period', f.number, 'charged', f.charged_fen, 'collected', f.collected, 'written_off', f.written_off,
        'arrears', f.charged_fen - f.collected - f.written_off, 'exits', f.exits, 'open', {open_sql("f.pool_id")},
        'until', f.until)
      FROM (SELECT {period}.number, {period}.pool_id, {period}.charged_fen, {collected_sql(period)}::bigint AS collected,
                   {written_off_sql(period)} AS written_off,
                   (SELECT count(*) FROM ledger_suspension s WHERE s.pool_id = {period}.pool_id
                       AND s.period_no = {period}.number) AS exits,
                   to_char({last_day_sql(period)}, 'YYYY-MM-DD') AS until) f)"""


def receivable_sql(pool: str) -> str:
    """Return SQL for what the books say is owed of all shares (fen)."""
    return balance_sql(chart.RECEIVABLE, pool)
