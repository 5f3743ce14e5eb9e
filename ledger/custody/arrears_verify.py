"""Hold every suspension for an unpaid share, every way back and every pause against the rows behind them."""

from django.utils.translation import gettext_noop as _

from ledger.books.findings import Report, figure
from ledger.custody.write_off_verify import HELD

SENTENCES = {
    "suspension_waits_for_the_grace": _(
        "Nobody was suspended for an unpaid share before its grace was over."
    ),
    "suspension_waits_for_the_bank": _(
        "Before every such suspension a statement had told about the last day."
    ),
    "suspension_ends_once_all_is_paid": _(
        "Whoever came back had paid everything that was asked for until then."
    ),
    "hardship_pause_needs_two_people": _(
        "Every pause was proposed by an admin and granted by another, a controller."
    ),
    "hardship_pause_keeps_to_the_plan": _(
        "No pause added more days than the rules of a share it was for allow."
    ),
}

# Per suspension the last day of its share's grace, as it was known then: by what was recorded before its first day.
_SUSPENDED = """
    SELECT s.id, s.from_date, m.number, s.period_no, start.at,
           greatest(p.charge_date, (p.charges_notified_at AT TIME ZONE z.time_zone)::date, (
               SELECT min(coalesce(l.booking_date, r.result_date)) FROM ledger_collection k
                 LEFT JOIN ledger_statementline l ON l.id = k.line_id
                 LEFT JOIN ledger_chargeresult r ON r.id = k.result_id
                WHERE k.pool_id = s.pool_id AND k.membership_id = s.membership_id AND k.period_no = s.period_no
                  AND k.amount_fen < 0 AND k.turn = 0 AND k.at < start.at), (
               SELECT max(k.at AT TIME ZONE z.time_zone)::date FROM ledger_collection k
                WHERE k.pool_id = s.pool_id AND k.membership_id = s.membership_id AND k.period_no = s.period_no
                  AND k.turn < 0 AND k.at < start.at))
           + (v.terms#>>'{arrears,grace_days}')::int
           + coalesce((SELECT sum(h.days)::int FROM ledger_hardshippause h
                        WHERE h.membership_id = s.membership_id AND h.state = 'granted'
                          AND h.upto_period_no >= s.period_no AND h.decided_at < start.at), 0) AS last_date
      FROM ledger_suspension s
      JOIN members_pool z ON z.id = s.pool_id
      JOIN members_membership m ON m.id = s.membership_id
      JOIN ledger_period p ON p.pool_id = s.pool_id AND p.number = s.period_no
      JOIN members_planversion v ON v.id = p.plan_version_id
     CROSS JOIN LATERAL (SELECT s.from_date::timestamp AT TIME ZONE z.time_zone AS at) start
     WHERE s.pool_id = %(pool)s AND s.cause = 'unpaid'"""
_RESTORED = (
    "FROM ledger_suspension s WHERE s.pool_id = %(pool)s AND s.cause = 'unpaid' AND s.state = 'restored'"
)
_GRANTED = "FROM ledger_hardshippause h WHERE h.pool_id = %(pool)s AND h.state = 'granted'"


def verify_arrears(report: Report, parameters: dict[str, object]) -> None:
    """Hold a pool against SENTENCES; where nobody was suspended or asked for a pause there is nothing to say."""
    held = """SELECT (SELECT count(*) FROM ledger_suspension WHERE pool_id = %(pool)s AND cause = 'unpaid')
                   + (SELECT count(*) FROM ledger_hardshippause WHERE pool_id = %(pool)s)"""
    if not figure(held, parameters):
        return
    _verify_suspensions(report, parameters)
    _verify_returns(report, parameters)
    _verify_pauses(report, parameters)


def _verify_suspensions(report: Report, parameters: dict[str, object]) -> None:
    count = figure(f"SELECT count(*) FROM ({_SUSPENDED}) s", parameters)
    report.examined("suspension_waits_for_the_grace", count)
    report.refute(
        "suspension_waits_for_the_grace",
        f"""SELECT format('%%s member %%s, period %%s', %(code)s::text, number, period_no),
                   'after ' || coalesce(last_date::text, 'no day: its rules suspend nobody'), from_date::text
              FROM ({_SUSPENDED}) s WHERE last_date IS NULL OR from_date <= last_date ORDER BY number, from_date""",
        parameters,
    )
    report.examined("suspension_waits_for_the_bank", count)
    report.refute(
        "suspension_waits_for_the_bank",
        f"""SELECT format('%%s member %%s, period %%s', %(code)s::text, number, period_no),
                   format('a statement before %%s that tells about %%s', from_date, last_date), 'none'
              FROM ({_SUSPENDED}) s WHERE NOT EXISTS (
                   SELECT 1 FROM ledger_bankstatement b JOIN ledger_bankaccount a ON a.id = b.account_id
                    WHERE a.pool_id = %(pool)s AND b.to_date > s.last_date AND b.imported_at < s.at)
             ORDER BY number, from_date""",
        parameters,
    )


def _verify_returns(report: Report, parameters: dict[str, object]) -> None:
    name = "suspension_ends_once_all_is_paid"
    report.examined(name, figure(f"SELECT count(*) {_RESTORED}", parameters))
    report.refute(
        name,
        f"""SELECT format('%%s member %%s, back on %%s', %(code)s::text, number, ended_date), '0 fen open',
                   open_fen || ' fen open'
              FROM (SELECT m.number, s.ended_date, sum(greatest(c.share_fen - k.fen, 0)) AS open_fen
                      FROM (SELECT * {_RESTORED}) s
                      JOIN members_membership m ON m.id = s.membership_id
                      JOIN members_pool z ON z.id = s.pool_id
                      JOIN ledger_charge c ON c.pool_id = s.pool_id AND c.membership_id = s.membership_id
                      JOIN ledger_period p ON p.pool_id = s.pool_id AND p.number = c.period_no
                       AND p.charges_notified_at < (s.ended_date - 1)::timestamp AT TIME ZONE z.time_zone
                     CROSS JOIN LATERAL (
                           SELECT coalesce(sum(n.amount_fen), 0) AS fen FROM ledger_collection n
                            WHERE n.pool_id = s.pool_id AND n.membership_id = s.membership_id
                              AND n.period_no = c.period_no
                              AND n.at < s.ended_date::timestamp AT TIME ZONE z.time_zone) k
                     WHERE c.period_no >= s.period_no OR NOT EXISTS (
                           SELECT 1 FROM ledger_writtenoffcharge w WHERE w.pool_id = s.pool_id
                              AND w.membership_id = s.membership_id AND w.period_no = c.period_no)
                     GROUP BY s.id, m.number, s.ended_date) back
             WHERE open_fen > 0 ORDER BY number""",
        parameters,
    )


def _verify_pauses(report: Report, parameters: dict[str, object]) -> None:
    count = figure(f"SELECT count(*) {_GRANTED}", parameters)
    report.examined("hardship_pause_needs_two_people", count)
    report.refute(
        "hardship_pause_needs_two_people",
        f"""SELECT format('%%s pause %%s', %(code)s::text, h.number), 'an admin, then another person: controller',
                   concat_ws(', ', h.proposed_by, h.decided_by) {_GRANTED}
               AND NOT (h.proposed_by <> h.decided_by
                        AND EXISTS ({HELD.format(person="h.proposed_by", duty="pool_admin", at="h.proposed_at")})
                        AND EXISTS ({HELD.format(person="h.decided_by", duty="controller", at="h.decided_at")}))
             ORDER BY h.number""",
        parameters,
    )
    report.examined("hardship_pause_keeps_to_the_plan", count)
    report.refute(
        "hardship_pause_keeps_to_the_plan",
        f"""SELECT format('%%s pause %%s', %(code)s::text, number), most || ' days at most', days || ' days'
              FROM (SELECT h.number, h.days, coalesce((
                           SELECT max((v.terms#>>'{{arrears,hardship_days}}')::int) FROM ledger_period p
                             JOIN members_planversion v ON v.id = p.plan_version_id
                            WHERE p.pool_id = h.pool_id AND p.number <= h.upto_period_no), 0) AS most {_GRANTED}) one
             WHERE days > most ORDER BY number""",
        parameters,
    )
