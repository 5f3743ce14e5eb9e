"""How long claims stay in each state, and how alike people judge: by SQL over what is written down, for a year.

The steps of a claim are lines of its audit trail; a state lasts from the line that began it to the next one that
began another.
"""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from django.db import connection

from claims.review.models import ReviewNote
from claims.review.outside_selectors import judged_from_outside
from members.pools.models import Pool

YEAR = dt.timedelta(days=365)
# Of fewer than this nothing is said in public: it would tell of single people.
FEWEST = 5
STATES = (
    "filed", "papers_requested", "under_review", "under_investigation", "recommended", "in_publicity",
    "objected", "appealed", "awarded", "shared",
)  # fmt: skip

_TIMES = """
    WITH steps AS (
        SELECT a.subject, a.id, a.at,
               CASE a.action
                    WHEN 'file_claim' THEN 'filed' WHEN 'supply_papers' THEN 'filed'
                    WHEN 'assign_claim' THEN 'under_review' WHEN 'hand_over_claim' THEN 'under_review'
                    WHEN 'take_back' THEN 'under_review' WHEN 'request_papers' THEN 'papers_requested'
                    WHEN 'order_investigation' THEN 'under_investigation'
                    WHEN 'report_investigation' THEN 'under_review' WHEN 'revoke_investigation' THEN 'under_review'
                    WHEN 'recommend' THEN 'recommended'
                    WHEN 'decide' THEN CASE a.detail->>'outcome' WHEN 'returned' THEN 'under_review' ELSE 'decided' END
                    WHEN 'appeal_claim' THEN 'appealed' WHEN 'publish_case' THEN 'in_publicity'
                    WHEN 'object_to_case' THEN 'objected'
                    WHEN 'answer_objection' THEN
                         CASE a.detail->>'outcome' WHEN 'upheld' THEN 'overturned' ELSE 'in_publicity' END
                    WHEN 'claim_awarded' THEN 'awarded' WHEN 'claim_shared' THEN 'shared' WHEN 'claim_paid' THEN 'paid'
                    WHEN 'claim_revoked' THEN 'revoked'
                    WHEN 'withdraw_claim' THEN 'withdrawn' END AS state
          FROM claims_claim c JOIN work_auditentry a ON a.subject = c.code
         WHERE c.pool_id = %(pool)s AND c.filed_at IS NOT NULL
    ), begun AS (
        SELECT subject, id, at, state, lag(state) OVER (PARTITION BY subject ORDER BY id) AS before
          FROM steps WHERE state IS NOT NULL
    ), spans AS (
        SELECT state, at, lead(at) OVER (PARTITION BY subject ORDER BY id) AS left_at
          FROM begun WHERE state IS DISTINCT FROM before
    )
    SELECT state, count(*),
           round(percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM left_at - at) / 86400)::numeric, 1)
      FROM spans WHERE left_at >= %(since)s AND state = ANY(%(states)s) GROUP BY state"""

# A decision is overturned by an objection that was upheld against it, or by an appeal against it that was granted.
_RATES = """
    SELECT count(*) FILTER (WHERE d.outcome <> 'returned'),
           count(*) FILTER (WHERE d.outcome = 'returned'),
           count(*) FILTER (WHERE d.outcome = 'approved' AND EXISTS (
                   SELECT 1 FROM claims_objection o
                    WHERE o.claim_id = d.claim_id AND o.state = 'upheld' AND o.answered_at >= d.decided_at
                      AND NOT EXISTS (SELECT 1 FROM claims_decision l WHERE l.claim_id = d.claim_id
                                         AND l.round > d.round AND l.decided_at < o.answered_at))
               OR d.outcome = 'rejected' AND EXISTS (
                   SELECT 1 FROM claims_decision l
                    WHERE l.claim_id = d.claim_id AND l.round > d.round AND l.outcome = 'approved')),
           count(b.id),
           count(b.id) FILTER (WHERE (b.outcome, b.aid_fen) = (d.outcome, d.aid_fen))
      FROM claims_decision d
      JOIN claims_claim c ON c.id = d.claim_id
      JOIN claims_recommendation r ON r.claim_id = d.claim_id AND r.round = d.round
      LEFT JOIN claims_blindreview b ON b.claim_id = d.claim_id AND b.round = d.round AND d.outcome <> 'returned'
     WHERE c.pool_id = %(pool)s AND d.decided_at >= %(since)s
       AND (%(person)s = '' OR %(person)s IN (d.decider, r.reviewer))"""


@dataclass(frozen=True)
class StateTime:
    """In how many claims a state ended within a year, and how many days it had lasted in the middle one."""

    state: str
    claims: int
    days: Decimal


@dataclass(frozen=True)
class Rates:
    """What was decided within a year, what of it was sent back or overturned, and how blind reviews agree."""

    decided: int
    returned: int
    overturned: int
    blind: int
    agreed: int

    @property
    def agreement(self) -> int | None:
        """Return how many of a hundred blind reviews agree; none: there is none."""
        return self.agreed * 100 // self.blind if self.blind else None

    @property
    def overturn(self) -> int | None:
        """Return how many of a hundred decisions were overturned."""
        return self.overturned * 100 // self.decided if self.decided else None


def state_times(pool: Pool, at: dt.datetime, *, at_least: int = 1) -> list[StateTime]:
    """Return the median days of each state within the year before an instant, in the order of the way. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_TIMES, {"pool": pool.pk, "since": at - YEAR, "states": list(STATES)})
        found = {state: StateTime(state, claims, days) for state, claims, days in cursor.fetchall()}
    return [found[state] for state in STATES if state in found and found[state].claims >= at_least]


def rates(pool: Pool, at: dt.datetime, person: str = "") -> Rates:
    """Return the rates of a pool; person: of the claims in which somebody recommended or decided. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_RATES, {"pool": pool.pk, "since": at - YEAR, "person": person})
        row = cursor.fetchone()
    assert row is not None
    return Rates(*row)


def judged_outside(pool: Pool, at: dt.datetime) -> int:
    """Return in how many claims of a pool somebody from outside has judged within a year. One query."""
    return judged_from_outside(pool, at - YEAR)


def notes_written(pool: Pool, at: dt.datetime) -> int:
    """Return how many notes reviewers have written for each other within a year: an auditor reads none of them."""
    return ReviewNote.objects.filter(claim__pool=pool, written_at__gte=at - YEAR).count()
