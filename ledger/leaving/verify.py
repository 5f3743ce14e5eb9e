"""Hold every cover that has ended against what says why, and every membership that is over against its cover.

And whoever has gone on in this pool from another one against their cover there: one person, without gap and overlap.
"""

from django.utils.translation import gettext_noop as _

from ledger.books.findings import Report, figure
from ledger.custody.write_off_verify import HELD

SENTENCES = {
    "ended_membership_has_no_cover": _(
        "No membership is covered beyond its end, and every end has its reason."
    ),
    "reported_end_is_confirmed": _(
        "Every death and removal was reported by an admin and confirmed by a controller, another person."
    ),
    "cover_ends_with_a_reason": _("Every cover that ended has its reason, or went on at once."),
    "transfer_leaves_no_gap": _(
        "Whoever went on here from another pool at the last age is the same person, covered here from the very instant"
        " at which cover there ended, and never in both."
    ),
    "headcount_follows_transfers": _(
        "No headcount was taken before whoever was to come over by then had come, or it was said why not."
    ),
}

_OVER = """
      FROM members_membershipend e JOIN members_membership m ON m.id = e.membership_id
     WHERE m.pool_id = %(pool)s"""
_CAME = """
      FROM members_agetransfer t
      JOIN members_membership m ON m.id = t.begun_id
      JOIN members_membership o ON o.id = t.membership_id
      JOIN members_pool p ON p.id = o.pool_id
      LEFT JOIN members_membershipend e ON e.membership_id = o.id AND e.reason = 'aged_out'
     CROSS JOIN LATERAL (SELECT min(s.from_at) AS at FROM members_span s
                          WHERE s.pool_id = m.pool_id AND s.membership_id = m.id AND s.from_at < coalesce(s.to_at, 'infinity')) here
     CROSS JOIN LATERAL (SELECT max(coalesce(s.to_at, 'infinity')) AS at FROM members_span s
                          WHERE s.pool_id = o.pool_id AND s.membership_id = o.id AND s.from_at < coalesce(s.to_at, 'infinity')) there
     WHERE t.pool_id = %(pool)s AND t.state = 'begun'"""
_ENDED = "FROM members_span s WHERE s.pool_id = %(pool)s AND s.to_at IS NOT NULL"


def verify_ends(report: Report, pool_id: int, code: str, zone: str) -> None:
    """Hold a pool against SENTENCES."""
    parameters = {"pool": pool_id, "code": code, "zone": zone}
    name = "ended_membership_has_no_cover"
    report.examined(name, figure(f"SELECT count(*) {_OVER}", parameters))
    report.refute(
        name,
        """SELECT format('%%s member %%s', %(code)s::text, m.number), format('no cover from %%s on', e.end_date),
                   coalesce(max(coalesce(s.to_at, 'infinity'))::text, 'reason ' || e.reason)
              FROM members_membershipend e JOIN members_membership m ON m.id = e.membership_id
              LEFT JOIN members_span s ON s.pool_id = m.pool_id AND s.membership_id = m.id
               AND coalesce(s.to_at, 'infinity') > greatest(s.from_at, e.end_date::timestamp AT TIME ZONE %(zone)s,
                   ((e.recorded_at AT TIME ZONE %(zone)s)::date + 1)::timestamp AT TIME ZONE %(zone)s)
             WHERE m.pool_id = %(pool)s
               AND (s.from_at IS NOT NULL
                    OR e.reason NOT IN ('left', 'removed', 'aided', 'aged_out', 'deceased', 'lapsed', 'ill', 'silent'))
             GROUP BY m.number, e.end_date, e.reason ORDER BY m.number""",
        parameters,
    )
    name = "reported_end_is_confirmed"
    report.examined(
        name, figure(f"SELECT count(*) {_OVER} AND e.reason IN ('deceased', 'removed')", parameters)
    )
    report.refute(
        name,
        f"""SELECT format('%%s member %%s', %(code)s::text, m.number), 'an admin, then another person: controller',
                   coalesce((SELECT concat_ws(', ', r.state, r.reported_by, r.decided_by) FROM members_reportedend r
                              WHERE r.membership_id = m.id ORDER BY r.number DESC LIMIT 1), 'no report') {_OVER}
               AND e.reason IN ('deceased', 'removed') AND NOT EXISTS (
                   SELECT 1 FROM members_reportedend r
                    WHERE r.membership_id = m.id AND r.state = 'confirmed' AND r.reason = e.reason
                      AND r.reported_by <> r.decided_by AND r.decided_by = e.recorded_by
                      AND EXISTS ({HELD.format(person="r.reported_by", duty="pool_admin", at="r.reported_at")})
                      AND EXISTS ({HELD.format(person="r.decided_by", duty="controller", at="r.decided_at")}))
             ORDER BY m.number""",
        parameters,
    )
    name = "cover_ends_with_a_reason"
    report.examined(name, figure(f"SELECT count(*) {_ENDED}", parameters))
    report.refute(
        name,
        f"""SELECT format('%%s membership %%s', %(code)s::text, s.membership_id), 'why it ended', s.to_at::text {_ENDED}
               AND NOT EXISTS (SELECT 1 FROM members_membershipend e WHERE e.membership_id = s.membership_id)
               AND NOT EXISTS (SELECT 1 FROM members_span n WHERE n.pool_id = s.pool_id
                                  AND n.membership_id = s.membership_id AND n.from_at = s.to_at AND s.from_at < s.to_at)
               AND NOT EXISTS (SELECT 1 FROM ledger_suspension p WHERE p.pool_id = s.pool_id
                                  AND p.membership_id = s.membership_id
                                  AND p.from_date::timestamp AT TIME ZONE %(zone)s = s.to_at)
               AND NOT EXISTS (SELECT 1 FROM members_pool p WHERE p.id = s.pool_id AND p.state IN ('winding_down', 'closed'))
             ORDER BY s.membership_id""",
        parameters,
    )
    name = "transfer_leaves_no_gap"
    report.examined(name, figure(f"SELECT count(*) {_CAME}", parameters))
    report.refute(
        name,
        f"""SELECT format('%%s member %%s, before %%s member %%s', %(code)s::text, m.number, p.code, o.number),
                   format('the same person, on %%s at 00:00', t.first_date),
                   concat_ws(', ', CASE WHEN m.person_id IS DISTINCT FROM o.person_id THEN 'another person' END,
                             'here from ' || coalesce(here.at::text, 'never'), 'there until ' || coalesce(there.at::text, 'never'),
                             'ended on ' || coalesce(e.end_date::text, 'no day by age')) {_CAME}
               AND (m.person_id, m.pool_id, here.at, there.at, e.end_date) IS DISTINCT FROM
                   (o.person_id, t.pool_id, t.first_date::timestamp AT TIME ZONE %(zone)s,
                    t.first_date::timestamp AT TIME ZONE %(zone)s, t.first_date)
             ORDER BY m.number""",
        parameters,
    )
    name = "headcount_follows_transfers"
    report.examined(
        name, figure("SELECT count(*) FROM members_agetransfer WHERE pool_id = %(pool)s", parameters)
    )
    report.refute(
        name,
        """SELECT format('%%s awaits %%s member %%s', %(code)s::text, p.code, o.number), format('here before the headcount of period %%s', c.number),
                  CASE WHEN t.state = 'signed' THEN 'still signed' ELSE 'written after it' END
             FROM members_agetransfer t JOIN members_membership o ON o.id = t.membership_id
             JOIN members_pool p ON p.id = o.pool_id
             JOIN members_membershipend e ON e.membership_id = o.id AND e.reason = 'aged_out'
            CROSS JOIN LATERAL (SELECT f.number, f.headcount_recorded_at AS at FROM ledger_period f
                                 WHERE f.pool_id = t.pool_id AND f.headcount_recorded_at IS NOT NULL
                                   AND f.as_of >= e.end_date::timestamp AT TIME ZONE %(zone)s
                                 ORDER BY f.number LIMIT 1) c
            WHERE t.pool_id = %(pool)s AND (t.state = 'signed' OR t.state = 'begun' AND NOT EXISTS (
                SELECT 1 FROM members_span s
                 WHERE s.pool_id = t.pool_id AND s.membership_id = t.begun_id AND s.recorded_at <= c.at))
            ORDER BY o.number""",
        parameters,
    )
