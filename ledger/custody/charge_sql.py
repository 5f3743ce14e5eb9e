"""Which debits of a period are due, and what they come to: SQL for the making of files and for pages.

Due is a payer with a mandate in force of whom something of the period is open: at first as soon as the charges are
announced, then on the retry days of the plan, or once the payer asks for it. While the agent has not said what became
of the last attempt there is no other.
"""

from ledger.custody.arrears_sql import open_shares_sql
from members.joining.payer_triggers import in_force_sql

# An instruction of which nobody knows yet what becomes of it.
PENDING = "NOT EXISTS (SELECT 1 FROM ledger_chargeresult r WHERE r.instruction_id = {row}.id)"
# What payers owe, by period: own shares and those of whom they pay for.
_OWED = f"""
    SELECT coalesce(k.payer_id, o.membership_id) AS payer_id, o.period_no, sum(o.open_fen)::bigint AS fen,
           max(o.asked_date) AS asked_date, (array_agg(o.arrears))[1] AS arrears
      FROM {{open}} o
      LEFT JOIN members_payerlink k ON k.pool_id = %(pool)s AND k.membership_id = o.membership_id AND {in_force_sql("k")}
     WHERE {{which}} GROUP BY 1, 2"""
_OF_PERIOD = _OWED.format(open=f"({open_shares_sql('%(pool)s')})", which="o.period_no = %(period)s")
# Of one member nothing is read that is not theirs to pay.
_OF_PAYER = _OWED.format(
    open=f"""(SELECT %(payer)s::bigint AS membership_id UNION
              SELECT l.membership_id FROM members_payerlink l WHERE l.pool_id = %(pool)s AND l.payer_id = %(payer)s
                 AND l.state = 'live') x CROSS JOIN LATERAL ({open_shares_sql("%(pool)s", "x.membership_id")})""",
    which="coalesce(k.payer_id, o.membership_id) = %(payer)s",
)


def _next_sql(owed: str) -> str:
    """Return SQL for the next attempt of each payer and period that something is open of.

    earliest: the first day that the notice allows. retry_date: the day of the plan, today where the payer has asked,
    NULL where the plan has no day left. is_pending: nothing is known yet of the attempt before.
    """
    return f"""
    SELECT w.payer_id, m.number AS payer_no, w.period_no, w.fen, d.id AS mandate_id, d.number AS mandate_no,
           d.signed_date, n.is_first, coalesce(i.attempt, 0) + 1 AS attempt,
           v.terms#>>'{{debit,scheme}}' AS scheme,
           %(today)s::date + (v.terms#>>ARRAY['debit', CASE WHEN n.is_first THEN 'first_notice_days'
                                                            ELSE 'later_notice_days' END])::int AS earliest,
           CASE WHEN i.id IS NULL THEN p.charge_date
                WHEN EXISTS (SELECT 1 FROM ledger_debitretry t WHERE t.membership_id = w.payer_id
                                AND t.asked_at > f.made_at) THEN %(today)s::date
                ELSE (SELECT min(w.asked_date + day::int) FROM jsonb_array_elements_text(w.arrears->'reminder_days') day
                       WHERE w.asked_date + day::int > i.collection_date) END AS retry_date,
           i.id IS NOT NULL AND {PENDING.format(row="i")} AS is_pending
      FROM ({owed}) w
      JOIN members_membership m ON m.id = w.payer_id
      JOIN ledger_period p ON p.pool_id = %(pool)s AND p.number = w.period_no
      JOIN ledger_debitmandate d ON d.membership_id = w.payer_id AND d.state = 'live'
      JOIN members_planversion v ON v.id = d.plan_version_id
      LEFT JOIN LATERAL (SELECT * FROM ledger_chargeinstruction i WHERE i.pool_id = %(pool)s AND i.payer_id = w.payer_id
                            AND i.period_no = w.period_no ORDER BY i.attempt DESC LIMIT 1) i ON true
      LEFT JOIN ledger_chargefile f ON f.id = i.file_id
     CROSS JOIN LATERAL (SELECT NOT EXISTS (SELECT 1 FROM ledger_chargeinstruction b WHERE b.mandate_id = d.id) AS is_first) n
     WHERE NOT EXISTS (SELECT 1 FROM members_membershipend e WHERE e.membership_id = w.payer_id AND e.reason = 'deceased')"""


# collection_date: the charge day or retry day, and never before the notice is over; NULL where the plan has no day left.
_COMING = """
    SELECT n.*, CASE WHEN n.retry_date IS NOT NULL THEN greatest(n.earliest, n.retry_date) END AS collection_date,
           NOT n.is_pending AND (n.attempt = 1 OR coalesce(n.retry_date <= n.earliest, false)) AS is_due
      FROM ({next}) n"""
COMING = _COMING.format(next=_next_sql(_OF_PERIOD))
COMING_OF_PAYER = _COMING.format(next=_next_sql(_OF_PAYER))
DUE = f"SELECT * FROM ({COMING}) coming WHERE is_due"

MAKE = f"""
    WITH due AS MATERIALIZED (
        SELECT * FROM ({DUE}) due WHERE scheme = %(scheme)s ORDER BY payer_no LIMIT %(most)s
    ), file AS (
        INSERT INTO ledger_chargefile (pool_id, number, period_no, scheme, instruction_count, amount_fen, first_no,
                                       last_no, made_by, made_date, made_at)
        SELECT %(pool)s, 0, %(period)s, %(scheme)s, count(*), sum(fen), min(payer_no), max(payer_no), %(by)s,
               %(today)s, %(at)s FROM due HAVING count(*) > 0
        RETURNING id
    ), written AS (
        INSERT INTO ledger_chargeinstruction (file_id, pool_id, period_no, payer_id, payer_no, attempt, mandate_id,
               mandate_no, signed_date, is_first, collection_date, amount_fen)
        SELECT file.id, %(pool)s, %(period)s, payer_id, payer_no, attempt, mandate_id, mandate_no, signed_date, is_first,
               collection_date, fen FROM due, file ORDER BY payer_no)
    SELECT id FROM file"""
