"""The aid of a case in SQL: a second implementation of `benefits`, on purpose; do not call the first.

Two functions, installed by a migration and called by guards alone, which run as the owner.
"""

from members.pools.triggers import waiting_days

# As `benefits.cause_of`, written apart on purpose.
_CAUSE = "CASE WHEN claim.severity = 'accident' THEN 'accident' ELSE 'illness' END"


def _part(amount: str, part: str) -> str:
    """Return SQL for a part of an amount, rounded down; a whole one may be written without its denominator."""
    return f"""div({amount} * split_part({part}, '/', 1)::numeric,
                    coalesce(nullif(split_part({part}, '/', 2), ''), '1')::numeric)"""


def granted_before(membership: str, claim: str) -> str:
    """Return SQL for what other claims of a member were granted: awards that stand, and decisions on the way.

    Those of an earlier membership count: joining again gives nobody the most for one person anew.

    An award counts with all that was granted; a rest of it that is shared later is no more than that. Of aid that was
    taken back, what was paid before counts.
    """
    return f"""(SELECT coalesce(sum(CASE WHEN c.state = 'revoked' THEN (
                    SELECT sum(w.shared_fen - w.lowered_fen) FROM ledger_award w
                     WHERE w.pool_id = c.pool_id AND w.claim_code = c.code)
               ELSE coalesce(a.aid_fen, d.aid_fen) END), 0) FROM claims_claim c
        LEFT JOIN ledger_award a ON a.pool_id = c.pool_id AND a.claim_code = c.code AND a.rest_of_id IS NULL
              AND a.state <> 'withdrawn'
        LEFT JOIN claims_decision d ON d.claim_id = c.id AND d.round = c.round AND d.outcome = 'approved'
              AND c.state NOT IN ('withdrawn', 'overturned')
        WHERE c.membership_id IN (SELECT members_chain({membership})) AND c.id IS DISTINCT FROM {claim})"""


def lock_member(membership: str) -> str:
    """Return plpgsql by which decisions on cases of one person wait for each other, of whichever membership."""
    return f"""PERFORM 1 FROM members_membership WHERE id IN (SELECT members_chain({membership}))
              ORDER BY id FOR NO KEY UPDATE;"""


def cases_shared(membership: str, pool: str, event: str) -> str:
    """Return SQL for the cases that a membership had shared before an event day: of periods posted by then.

    A case that was shared in several periods counts once.
    """
    return f"""(SELECT count(DISTINCT a.claim_code) FROM ledger_award a JOIN ledger_period p ON p.id = a.period_id
        JOIN members_pool m ON m.id = p.pool_id
        WHERE p.pool_id = {pool} AND p.state = 'posted' AND a.state = 'shared'
          AND p.posted_at < {event}::timestamp AT TIME ZONE m.time_zone
          AND EXISTS (SELECT 1 FROM ledger_charge c WHERE c.pool_id = p.pool_id AND c.period_no = p.number
                         AND c.membership_id = {membership}))"""


# days: since the end of the wait. spend: of the whole case; NULL where the plan does not ask for it, as for cases.
AID_OF_CASE = f"""
CREATE OR REPLACE FUNCTION claims_aid_of_case(plan jsonb, severity text, age int, days int, cases bigint, spend bigint)
RETURNS bigint LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, public, pg_temp AS $aid$
DECLARE
    aid numeric;
    at_once numeric;
    part text;
BEGIN
    SELECT coalesce(max((a->>'max_aid_fen')::bigint), 0) INTO aid FROM jsonb_array_elements(plan->'aid') a
     WHERE claims_aid_of_case.age >= (a->>'age_from')::int AND claims_aid_of_case.age < (a->>'age_before')::int
       AND (a->>'severity' = claims_aid_of_case.severity OR a->>'severity' IN (
            SELECT s->>'counts_as' FROM jsonb_array_elements(plan->'spend_steps') s
             WHERE (s->>'from_fen')::bigint <= spend));
    IF plan ? 'vesting' THEN
        SELECT s->>'part' INTO part FROM jsonb_array_elements(plan->'vesting') s
         WHERE (s->>'from_days')::int <= greatest(days, 0) ORDER BY (s->>'from_days')::int DESC LIMIT 1;
        aid := {_part("aid", "part")};
    END IF;
    IF plan ? 'case_steps' THEN
        SELECT s->>'part' INTO part FROM jsonb_array_elements(plan->'case_steps') s
         WHERE (s->>'from_cases')::int <= cases ORDER BY (s->>'from_cases')::int DESC LIMIT 1;
        aid := {_part("aid", "part")};
    END IF;
    IF plan ? 'reimbursement' THEN
        at_once := {_part("aid", "plan#>>'{reimbursement,at_once}'")};
        spend := greatest(spend - coalesce((plan#>>'{{reimbursement,deductible_fen}}')::bigint, 0), 0);
        aid := least(aid, at_once + {_part("spend", "plan#>>'{reimbursement,part}'")});
    END IF;
    RETURN aid;
END $aid$;
"""

# Without the most for one person, which the guards take off: it changes as other cases are decided.
AID_BY_PLAN = f"""
CREATE OR REPLACE FUNCTION claims_aid_by_plan(claim claims_claim, spend bigint)
RETURNS bigint LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $aid$
DECLARE
    plan jsonb;
    opened date;
    joined date;
    first_date date;
    earlier record;
BEGIN
    SELECT v.terms, p.opened_date, m.joined_date,
           coalesce(m.waiting_since_date, m.joined_date) + 1 + {waiting_days("v.terms", _CAUSE, "claim.joined_age")}
      INTO plan, opened, joined, first_date
      FROM members_planversion v JOIN members_pool p ON p.id = v.pool_id
      JOIN members_membership m ON m.id = claim.membership_id WHERE v.id = claim.plan_version_id;
    -- Waiting time served elsewhere covers nobody here before they joined.
    IF claim.event_date < first_date OR claim.event_date <= joined OR opened IS NULL OR claim.event_date < opened THEN
        RETURN 0;
    END IF;
    SELECT coalesce(sum(a.aid_fen), 0) AS aid, coalesce(sum(r.accepted_spend_fen), 0) AS spend INTO earlier
      FROM claims_claim c
      JOIN ledger_award a ON a.pool_id = c.pool_id AND a.claim_code = c.code AND a.rest_of_id IS NULL
      LEFT JOIN claims_recommendation r ON r.claim_id = c.id AND r.round = c.round
     WHERE claim.part_of_id IN (c.id, c.part_of_id) AND c.id <> claim.id AND a.state <> 'withdrawn';
    RETURN greatest(claims_aid_of_case(plan, claim.severity, claim.age, claim.event_date - first_date,
                                       claim.cases_shared, spend + earlier.spend::bigint) - earlier.aid, 0);
END $aid$;
"""
NAMES = (
    "claims_aid_of_case(jsonb, text, int, int, bigint, bigint)",
    "claims_aid_by_plan(claims_claim, bigint)",
)
INSTALL = [AID_OF_CASE, AID_BY_PLAN, *(f"REVOKE ALL ON FUNCTION {name} FROM PUBLIC" for name in NAMES)]
UNINSTALL = [f"DROP FUNCTION {name}" for name in reversed(NAMES)]
