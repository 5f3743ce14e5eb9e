"""Which shares are open, since when they are asked for, and until when nobody loses anything by it: SQL for reads and guards.

The days of a share begin with its charge day, or later: when it was announced, when its payment was taken back for
the first time, or when a wrong match was undone that had paid it. They follow the rules of its own period, whatever the plan says by now.
"""

from members.joining.kin_triggers import nobody_answers_sql

# What the bank takes back counts from the first time; a wrong match is nobody's fault, and counts from its undoing.
_BACK = """min(coalesce(l.booking_date, r.result_date)) FILTER (WHERE k.amount_fen < 0 AND k.turn = 0) AS back_date,
               max(k.at) FILTER (WHERE k.turn < 0) AS undone_at"""
_PAID_OF_ONE = f"""LEFT JOIN LATERAL (
        SELECT sum(k.amount_fen) AS fen, {_BACK}
          FROM ledger_collection k LEFT JOIN ledger_statementline l ON l.id = k.line_id
          LEFT JOIN ledger_chargeresult r ON r.id = k.result_id
         WHERE k.pool_id = c.pool_id AND k.membership_id = c.membership_id AND k.period_no = c.period_no) k ON true"""
# Of a whole pool: one pass over what was collected, in the place of a look at each charge.
_PAID_OF_ALL = """LEFT JOIN (
        SELECT k.membership_id, k.period_no, sum(k.amount_fen) AS fen, {back}
          FROM ledger_collection k LEFT JOIN ledger_statementline l ON l.id = k.line_id
          LEFT JOIN ledger_chargeresult r ON r.id = k.result_id
         WHERE k.pool_id = {pool} GROUP BY 1, 2) k ON k.membership_id = c.membership_id AND k.period_no = c.period_no"""


def open_shares_sql(pool: str, member: str | None = None) -> str:
    """Return SQL for the announced shares that are neither paid nor written off, of one membership or of all.

    Columns: membership_id, period_no, open_fen; arrears: the rules of its period, NULL where there were none, and for a
    child for whom nobody answers; asked_date, last_date: since when it is asked for, and the last day of grace, pauses included.
    """
    paid = _PAID_OF_ALL.format(pool=pool, back=_BACK) if member is None else _PAID_OF_ONE
    who = "" if member is None else f"AND c.membership_id = {member}"
    return f"""
    SELECT o.*, o.asked_date + (o.arrears->>'grace_days')::int
                + least(o.paused_days, coalesce((o.arrears->>'hardship_days')::int, 0)) AS last_date
      FROM (SELECT c.membership_id, c.period_no, (c.share_fen - coalesce(k.fen, 0))::bigint AS open_fen,
                   CASE WHEN {nobody_answers_sql("c.membership_id")} THEN NULL ELSE v.terms->'arrears' END AS arrears,
                   greatest(p.charge_date, (p.charges_notified_at AT TIME ZONE z.time_zone)::date, k.back_date,
                            (k.undone_at AT TIME ZONE z.time_zone)::date) AS asked_date,
                   coalesce((SELECT sum(h.days) FROM ledger_hardshippause h
                              WHERE h.pool_id = c.pool_id AND h.membership_id = c.membership_id
                                AND h.state = 'granted' AND h.upto_period_no >= c.period_no), 0)::int AS paused_days
              FROM ledger_charge c
              JOIN ledger_period p ON p.pool_id = c.pool_id AND p.number = c.period_no
                                  AND p.charges_notified_at IS NOT NULL AND p.wallet_fen IS NULL
              JOIN members_planversion v ON v.id = p.plan_version_id
              JOIN members_pool z ON z.id = c.pool_id
              {paid}
             WHERE c.pool_id = {pool} {who} AND c.share_fen > coalesce(k.fen, 0)
               AND NOT EXISTS (SELECT 1 FROM ledger_writtenoffcharge w WHERE w.pool_id = c.pool_id
                                  AND w.membership_id = c.membership_id AND w.period_no = c.period_no)) o"""


def keeps_out_sql(suspension: str, until: str = "'infinity'::date") -> str:
    """Return SQL that tells whether a suspended membership still has something to make up.

    until: money booked later does not count. What was written off since the share it was suspended for counts as not
    paid: otherwise whoever is written off would be let in again by it.
    """
    return f"""EXISTS (
        SELECT 1 FROM ledger_charge c
          JOIN ledger_period p ON p.pool_id = c.pool_id AND p.number = c.period_no AND p.charges_notified_at IS NOT NULL
          LEFT JOIN LATERAL (
               SELECT coalesce(sum(k.amount_fen), 0) AS fen,
                      coalesce(sum(k.amount_fen) FILTER (WHERE coalesce(l.booking_date, r.result_date) <= {until}), 0) AS in_time_fen
                 FROM ledger_collection k LEFT JOIN ledger_statementline l ON l.id = k.line_id
          LEFT JOIN ledger_chargeresult r ON r.id = k.result_id
                WHERE k.pool_id = c.pool_id AND k.membership_id = c.membership_id AND k.period_no = c.period_no) k ON true
         WHERE c.pool_id = {suspension}.pool_id AND c.membership_id = {suspension}.membership_id
           AND c.share_fen > least(k.fen, k.in_time_fen)
           AND (c.period_no >= {suspension}.period_no OR NOT EXISTS (
                SELECT 1 FROM ledger_writtenoffcharge w WHERE w.pool_id = c.pool_id
                   AND w.membership_id = c.membership_id AND w.period_no = c.period_no)))"""
