"""Guards of the limits of releases. Names are the guarantees listed in ARCHITECTURE.md."""

import pgtrigger

from aidplatform.lib.guards import Guard, judged_now, kept, refuse
from members.pools.triggers import holds_pool_duty

FRESH_MINUTES = 5
_FIXED = ("id", "pool_id", "number", "daily_fen", "step_up_fen", "proposed_by", "proposed_at")


def in_force_sql(pool: str) -> str:
    """Return SQL for the limits (daily_fen, step_up_fen) that are in force in a pool."""
    return f"""SELECT daily_fen, step_up_fen FROM ledger_releaselimit
         WHERE pool_id = {pool} AND state = 'approved' ORDER BY number DESC LIMIT 1"""


def released_sql(pool: str, day: str, but: str = "0") -> str:
    """Return SQL for what was released in a pool on a day in its zone (fen), also what was cancelled since."""
    return f"""(SELECT coalesce(sum(o.amount_fen), 0)::bigint FROM ledger_paymentorder o JOIN members_pool p ON p.id = o.pool_id
         WHERE o.pool_id = {pool} AND o.id <> {but} AND (o.released_at AT TIME ZONE p.time_zone)::date = {day})"""


_TODAY = "(SELECT (aid_now() AT TIME ZONE time_zone)::date FROM members_pool WHERE id = NEW.pool_id)"
_RELEASED_ON = (
    "(SELECT (NEW.released_at AT TIME ZONE time_zone)::date FROM members_pool WHERE id = NEW.pool_id)"
)

limit_guards = [
    Guard(
        name="release_limit_begins_proposed",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        func=f"""
            {judged_now()}
            PERFORM 1 FROM members_pool WHERE id = NEW.pool_id FOR NO KEY UPDATE;
            IF num_nonnulls(NEW.decided_by, NEW.decided_at) > 0 THEN
                {refuse("release_limit_begins_proposed", "it brings its decision along")}
            END IF;
            IF NOT {holds_pool_duty("proposed_by", "pool_admin")} THEN
                {refuse("release_limit_people_hold_their_duty", "%s is no pool admin", "NEW.proposed_by")}
            END IF;
            NEW.proposed_at := aid_now();
            NEW.number := coalesce((SELECT max(number) FROM ledger_releaselimit WHERE pool_id = NEW.pool_id), 0) + 1;
            RETURN NEW;
        """,
    ),
    # Under the lock that releases take: one that waits meanwhile is judged by the new limits.
    Guard(
        name="release_limit_is_decided_as_shown",
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        func=f"""
            IF ({", ".join(f"NEW.{c}" for c in _FIXED)}) IS DISTINCT FROM ({", ".join(f"OLD.{c}" for c in _FIXED)})
               OR OLD.state <> 'proposed' AND NEW IS DISTINCT FROM OLD THEN
                {refuse("release_limit_is_decided_as_shown", "limits %s are not edited", "OLD.number")}
            END IF;
            {judged_now()}
            PERFORM 1 FROM ledger_bankaccount WHERE pool_id = NEW.pool_id FOR NO KEY UPDATE;
            NEW.decided_at := aid_now();
            IF NOT {holds_pool_duty("decided_by", "controller")}
               AND (NEW.state <> 'withdrawn' OR NOT {holds_pool_duty("decided_by", "pool_admin")}) THEN
                {refuse("release_limit_people_hold_their_duty", "%s may not decide it", "NEW.decided_by")}
            END IF;
            RETURN NEW;
        """,
    ),
    kept("release_limits_are_kept", "limits are withdrawn or followed by others, never deleted"),
]

release_guards = [
    Guard(
        name="releases_stay_within_the_day",
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        declare=[("limits", "record"), ("used", "numeric")],
        func=f"""
            IF NEW.released_at IS NOT DISTINCT FROM OLD.released_at THEN
                RETURN NEW;
            END IF;
            {judged_now()}
            PERFORM 1 FROM ledger_bankaccount WHERE pool_id = NEW.pool_id FOR NO KEY UPDATE;
            SELECT l.daily_fen, l.step_up_fen INTO limits FROM ({in_force_sql("NEW.pool_id")}) l;
            IF limits.step_up_fen IS NOT NULL AND NEW.amount_fen > limits.step_up_fen
               AND coalesce(NEW.proved_at NOT BETWEEN aid_now() - interval '{FRESH_MINUTES} minutes' AND aid_now() + interval '1 minute', true) THEN
                {refuse("large_release_needs_a_fresh_factor", "%s is more than %s, and nothing was proved", "NEW.amount_fen", "limits.step_up_fen")}
            END IF;
            IF limits.daily_fen IS NOT NULL THEN
                IF {_RELEASED_ON} IS DISTINCT FROM {_TODAY} THEN
                    {refuse("releases_stay_within_the_day", "%s is not today", "NEW.released_at")}
                END IF;
                used := {released_sql("NEW.pool_id", _TODAY, "NEW.id")};
                IF used + NEW.amount_fen > limits.daily_fen THEN
                    {refuse("releases_stay_within_the_day", "%s is released today; with %s more than %s", "used", "NEW.amount_fen", "limits.daily_fen")}
                END IF;
            END IF;
            RETURN NEW;
        """,
    ),
]
