"""The one statement that reads what the application knows about a claim for its signals."""

from claims.filing.states import REFUSED
from members.joining.payer_triggers import in_force_sql

# Pages of one form differ in about 57 of 256 bits, hardly ever in fewer than 28; photographs of one page in 8 to 14.
NEAR_BITS = 18
# A page that looks like those of more claims is a form with little on it, and tells nothing.
MOST_ALIKE = 5
RECENT_DAYS, PAST_DAYS, LEAST_PAST = 90, 3 * 365, 20
TOGETHER_DAYS = 3
LATE_DAYS = 14
_NOTHING_CAME = "('draft', 'refused_finally', 'refused_by_jury', 'withdrawn', {})".format(
    ", ".join(f"'{one}'" for one in REFUSED)
)
# A burst is judged against the group's own part of the pool's earlier claims, one added so that none is impossible.
GROUPS = ("hospital", "doctor")


def _group_sql(group: str) -> str:
    """Return SQL for claims of unrelated people with papers of the same hospital or doctor: lately and before."""
    same = f"r.{group}_index = own_reading.{group}_index"
    return f"""(SELECT count(*) FILTER (WHERE is_recent AND {same}) AS {group}_recent,
            count(*) FILTER (WHERE NOT is_recent AND {same}) AS {group}_past,
            count(*) FILTER (WHERE is_recent AND r.{group}_index IS NOT NULL) AS {group}_recent_all,
            count(*) FILTER (WHERE NOT is_recent AND r.{group}_index IS NOT NULL) AS {group}_past_all
          FROM readings r) {group}_counts"""


# The family and whoever pays may share an account, a scanner and a doctor; who invited is no reason for that.
FEATURES = f"""
WITH own AS (SELECT c.*, m.person_id, m.joined_date FROM claims_claim c
               JOIN members_membership m ON m.id = c.membership_id WHERE c.id = %(claim)s),
  household AS (
    SELECT membership_id AS id FROM own
    UNION SELECT f.guardian_id FROM members_familymember f, own WHERE f.membership_id = own.membership_id
    UNION SELECT f.membership_id FROM members_familymember f, own WHERE f.guardian_id = own.membership_id
    UNION SELECT f.membership_id FROM own JOIN members_familymember o ON o.membership_id = own.membership_id
            JOIN members_familymember f ON f.guardian_id = o.guardian_id
    UNION SELECT k.payer_id FROM members_payerlink k, own
           WHERE k.membership_id = own.membership_id AND {in_force_sql("k")}
    UNION SELECT k.membership_id FROM members_payerlink k, own
           WHERE k.payer_id = own.membership_id AND {in_force_sql("k")}),
  others AS (
    SELECT o.id, o.membership_id, o.payee_index, o.filed_at FROM claims_claim o, own
     WHERE o.pool_id = own.pool_id AND o.filed_at IS NOT NULL AND o.claimant_id <> own.claimant_id
       AND o.membership_id NOT IN (SELECT id FROM household)),
  papers AS (SELECT e.id, e.kind, e.sha256 FROM claims_evidence e, own
              WHERE e.claim_id = own.id AND e.removed_at IS NULL),
  own_reading AS (SELECT r.* FROM own LEFT JOIN LATERAL (
      SELECT * FROM claims_paperreading WHERE claim_id = own.id ORDER BY number DESC LIMIT 1) r ON true),
  readings AS (
    SELECT r.*, o.filed_at > own.filed_at - interval '{RECENT_DAYS} days' AS is_recent
      FROM own, others o JOIN LATERAL (
        SELECT * FROM claims_paperreading WHERE claim_id = o.id ORDER BY number DESC LIMIT 1) r ON true
     WHERE o.filed_at BETWEEN own.filed_at - interval '{PAST_DAYS} days' AND own.filed_at),
  invited AS (
    SELECT m.id, m.joined_date FROM own
      JOIN members_invitation i ON i.used_by_id = own.membership_id
      JOIN members_invitation s ON s.inviter_id = i.inviter_id AND s.used_by_id <> own.membership_id
      JOIN members_membership m ON m.id = s.used_by_id)
SELECT own.joined_date, own_reading.number AS reading_number, own_reading.content_sealed,
  (SELECT count(DISTINCT e.claim_id) FROM claims_evidence e JOIN others o ON o.id = e.claim_id
    WHERE e.removed_at IS NULL AND e.sha256 IN (SELECT sha256 FROM papers)) AS same_file,
  coalesce((SELECT max(near.claims) FROM (
     SELECT count(DISTINCT e.claim_id) AS claims FROM papers p JOIN claims_pagehash h ON h.evidence_id = p.id
       JOIN claims_evidence e ON e.kind = p.kind AND e.sha256 <> p.sha256 AND e.removed_at IS NULL
       JOIN others o ON o.id = e.claim_id JOIN claims_pagehash g ON g.evidence_id = e.id
      WHERE bit_count(('x' || h.bits)::bit(256) # ('x' || g.bits)::bit(256)) <= {NEAR_BITS}
      GROUP BY h.id) near WHERE near.claims <= {MOST_ALIKE}), 0) AS similar_page,
  (SELECT count(DISTINCT r.claim_id) FROM claims_paperreading r JOIN others o ON o.id = r.claim_id
    WHERE r.report_index = own_reading.report_index) AS same_report,
  (SELECT count(*) FROM others o WHERE o.payee_index = own.payee_index) AS same_account,
  coalesce((SELECT payee_index <> own.payee_index FROM claims_signalrun
             WHERE claim_id = own.id ORDER BY number LIMIT 1), false) AS is_account_changed,
  (SELECT count(*) FROM invited) AS invited,
  (SELECT count(DISTINCT o.membership_id) FROM others o JOIN invited ON invited.id = o.membership_id) AS inviter_claims,
  (SELECT count(*) FROM others) AS claims_all,
  (SELECT max(number) FROM members_membership WHERE pool_id = own.pool_id) AS members_all,
  (SELECT count(*) FROM invited WHERE abs(invited.joined_date - own.joined_date) <= {TOGETHER_DAYS}) AS joined_together,
  (SELECT max(l.booking_date) FROM ledger_collection k JOIN ledger_statementline l ON l.id = k.line_id
     JOIN ledger_period p ON p.pool_id = k.pool_id AND p.number = k.period_no
    WHERE k.pool_id = own.pool_id AND k.membership_id = own.membership_id AND k.amount_fen > 0
      AND NOT EXISTS (SELECT 1 FROM ledger_collection u WHERE u.line_id = k.line_id AND u.membership_id = k.membership_id
                         AND u.period_no = k.period_no AND u.turn < 0 AND u.id > k.id)
      AND l.booking_date > p.charge_date + {LATE_DAYS} AND l.booking_date <= %(filed)s) AS arrears_paid_date,
  (SELECT count(*) FROM claims_claim s WHERE s.membership_id = own.membership_id AND s.event_date = own.event_date
      AND s.illness = own.illness AND coalesce(s.part_of_id, s.id) <> coalesce(own.part_of_id, own.id)
      AND s.state NOT IN {_NOTHING_CAME}) AS same_event,
  (SELECT count(*) FROM claims_claim s WHERE s.membership_id = own.membership_id
      AND (s.event_date, s.illness) IS DISTINCT FROM (own.event_date, own.illness)
      AND abs(s.event_date - own.event_date) <= 365 AND s.part_of_id IS NULL
      AND s.state NOT IN {_NOTHING_CAME}) AS other_claims,
  (SELECT count(DISTINCT s.pool_id) FROM claims_claim s JOIN members_membership m ON m.id = s.membership_id
    WHERE m.person_id = own.person_id AND s.pool_id <> own.pool_id AND s.filed_at IS NOT NULL
      AND s.state <> 'withdrawn' AND abs(s.event_date - own.event_date) <= {RECENT_DAYS}) AS other_pools,
  (SELECT count(*) FROM claims_objection WHERE claim_id = own.id AND state IN ('open', 'upheld')) AS objections,
  hospital_counts.*, doctor_counts.*
 FROM own CROSS JOIN own_reading
 CROSS JOIN LATERAL {_group_sql("hospital")} CROSS JOIN LATERAL {_group_sql("doctor")}"""
