"""Guards of appeals: the claimant's, once and in time, and heard by people who had no part in the case before."""

import pgtrigger

from aidplatform.lib.guards import Guard, judged_now, refuse
from claims.filing.appeal_sql import appeal_until
from claims.filing.deputy_sql import speaks_for_claim_sql
from claims.filing.states import REFUSED
from claims.filing.triggers import CLAIMED_BY
from members.people.erasure_sql import facts_until_erased

_REFUSED = ", ".join(f"'{state}'" for state in REFUSED)

appeal_guards = [
    *facts_until_erased("appeal_is_permanent", CLAIMED_BY, reason_sealed="NEW.reason_sealed = ''"),
    # The instant of an appeal is the database's, as that of a filing is.
    Guard(
        name="appeal_fits_its_claim",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        declare=[("claim", "claims_claim"), ("until", "date"), ("today", "date")],
        func=f"""
            {judged_now()}
            SELECT * INTO claim FROM claims_claim WHERE id = NEW.claim_id FOR NO KEY UPDATE;
            IF NOT {speaks_for_claim_sql("claim", "(SELECT id FROM members_user WHERE code = NEW.appellant)")} THEN
                {refuse("appeal_is_the_claimants", "%s does not speak for claim %s", "NEW.appellant", "claim.code")}
            END IF;
            IF claim.state NOT IN ({_REFUSED}) OR claim.appeal_round IS NOT NULL THEN
                {refuse("appeal_fits_its_claim", "claim %s is not refused, or was appealed before", "claim.code")}
            END IF;
            until := {appeal_until("claim")};
            SELECT (aid_now() AT TIME ZONE time_zone)::date INTO today FROM members_pool WHERE id = claim.pool_id;
            IF until IS NULL OR today > until THEN
                {refuse("appeal_comes_in_time", "claim %s could be appealed until %s", "claim.code", "coalesce(until::text, '-')")}
            END IF;
            NEW.appealed_at := aid_now();
            RETURN NEW;
        """,
    ),
]


def answered_before_sql(claim_id: str, code: str) -> str:
    """Return SQL that tells whether the person of a code answered an objection to a claim before its appeal.

    After it, who has answered one may answer the next: they judge the same case that two others have granted.
    """
    return f"""EXISTS (SELECT 1 FROM claims_objection o JOIN claims_appeal a ON a.claim_id = o.claim_id
                            WHERE o.claim_id = {claim_id} AND o.answered_by = {code} AND o.answered_at <= a.appealed_at)"""


def heard_before_sql(claim_id: str, opened: str, code: str) -> str:
    """Return SQL that tells whether the person of a code judged a claim before the round that its appeal opened."""
    return f"""(
                   EXISTS (SELECT 1 FROM claims_recommendation
                            WHERE claim_id = {claim_id} AND round < {opened} AND reviewer = {code})
                OR EXISTS (SELECT 1 FROM claims_decision
                            WHERE claim_id = {claim_id} AND round < {opened} AND decider = {code})
                OR EXISTS (SELECT 1 FROM claims_concurrence
                            WHERE claim_id = {claim_id} AND round < {opened} AND decider = {code})
                OR EXISTS (SELECT 1 FROM claims_blindreview
                            WHERE claim_id = {claim_id} AND reviewer = {code})
                OR {answered_before_sql(claim_id, code)})"""


def heard_by_others(name: str, column: str) -> Guard:
    """Return the guard, by its own name, of what is said in the rounds of an appeal; column: who says it.

    Whoever recommended, agreed or decided before the appeal, judged it blindly, or has answered an objection, has judged
    the case already.
    """
    return Guard(
        name=name,
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        declare=[("opened", "int")],
        func=f"""
            {judged_now()}
            SELECT appeal_round INTO opened FROM claims_claim WHERE id = NEW.claim_id FOR NO KEY UPDATE;
            IF NEW.round >= opened AND {heard_before_sql("NEW.claim_id", "opened", f"NEW.{column}")} THEN
                {refuse("appeal_is_heard_by_others", "%s had a part in this case before the appeal", f"NEW.{column}")}
            END IF;
            RETURN NEW;
        """,
    )
