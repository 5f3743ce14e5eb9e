"""Guards of the operator's interests and of what it reports of its income. Names stand in ARCHITECTURE.md."""

import pgtrigger

from aidplatform.lib.guards import Guard, judged_now, kept, refuse
from aidplatform.lib.proposals import is_agreed_once
from members.pools.triggers import holds_pool_duty

_COMMON = ("id", "pool_id", "number", "proposed_by", "proposed_at")
_INTEREST = (*_COMMON, "kind", "partner", "relation", "since_date", "until_date", "replaces")
_INCOME = (*_COMMON, "period_id", "referral_fen", "sponsor_fen", "note")


def _guards(noun: str, table: str, fixed: tuple[str, ...], begins: str, log_key: str) -> list[Guard]:
    """Return the guards of a table whose rows a pool admin proposes and a controller confirms.

    begins: SQL that judges a new row further. log_key: SQL for the key under which a confirmed row is in the log.
    """
    return [
        is_agreed_once(f"{noun}_is_decided_once", "confirmed"),
        Guard(
            name=f"{noun}_begins_proposed",
            when=pgtrigger.Before,
            operation=pgtrigger.Insert,
            func=f"""
            {judged_now()}
            PERFORM 1 FROM members_pool WHERE id = NEW.pool_id FOR NO KEY UPDATE;
            IF num_nonnulls(NEW.decided_by, NEW.decided_at) > 0 THEN
                {refuse(f"{noun}_begins_proposed", "it brings its decision along")}
            END IF;
            IF NOT {holds_pool_duty("proposed_by", "pool_admin")} THEN
                {refuse(f"{noun}_people_hold_their_duty", "%s is no pool admin", "NEW.proposed_by")}
            END IF;
            {begins}
            NEW.proposed_at := aid_now();
            NEW.number := coalesce((SELECT max(number) FROM {table} WHERE pool_id = NEW.pool_id), 0) + 1;
            RETURN NEW;
        """,
        ),
        Guard(
            name=f"{noun}_is_decided_as_shown",
            when=pgtrigger.Before,
            operation=pgtrigger.Update,
            func=f"""
            IF ({", ".join(f"NEW.{c}" for c in fixed)}) IS DISTINCT FROM ({", ".join(f"OLD.{c}" for c in fixed)})
               OR OLD.state <> 'proposed' AND NEW IS DISTINCT FROM OLD THEN
                {refuse(f"{noun}_is_decided_as_shown", "%s is not edited", "OLD.number")}
            END IF;
            {judged_now()}
            NEW.decided_at := aid_now();
            IF NOT {holds_pool_duty("decided_by", "controller")}
               AND (NEW.state <> 'withdrawn' OR NOT {holds_pool_duty("decided_by", "pool_admin")}) THEN
                {refuse(f"{noun}_people_hold_their_duty", "%s may not decide it", "NEW.decided_by")}
            END IF;
            IF NEW.state = 'confirmed' AND NOT EXISTS (
                SELECT 1 FROM ledger_logentry l JOIN ledger_log g ON g.id = l.log_id JOIN members_pool p ON p.code = g.code
                 WHERE p.id = NEW.pool_id AND l.type = 'stats' AND l.key = {log_key}) THEN
                {refuse(f"{noun}_is_in_the_log", "%s is not in the log", "NEW.number")}
            END IF;
            RETURN NEW;
        """,
        ),
        kept(f"{noun}s_are_kept", "they are withdrawn or followed by others, never deleted"),
    ]


interest_guards = _guards(
    "interest",
    "ledger_operatorinterest",
    _INTEREST,
    f"""
            IF NEW.replaces IS NOT NULL AND NOT EXISTS (
                SELECT 1 FROM ledger_operatorinterest
                 WHERE pool_id = NEW.pool_id AND number = NEW.replaces AND state = 'confirmed') THEN
                {refuse("interest_replaces_a_confirmed_one", "%s is not confirmed", "NEW.replaces")}
            END IF;
    """,
    "'interest/' || NEW.number",
)

income_guards = _guards(
    "income_report",
    "ledger_incomereport",
    _INCOME,
    f"""
            IF NOT EXISTS (SELECT 1 FROM ledger_period
                            WHERE id = NEW.period_id AND pool_id = NEW.pool_id AND state = 'posted') THEN
                {refuse("income_report_is_of_a_posted_period", "period %s is not posted here", "NEW.period_id")}
            END IF;
    """,
    "'income/' || NEW.number",
)
