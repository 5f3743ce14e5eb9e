"""Guards of witnesses: two people name them, the log says so, and none of their signatures is of somebody else."""

import pgtrigger

from aidplatform.lib.guards import Guard, judged_now, kept, permanent, refuse
from members.pools.triggers import holds_pool_duty

_FIXED = ("id", "pool_id", "number", "text", "proposed_by", "proposed_at")
# The policy in force of the log that a new row's checkpoint is of.
_IN_FORCE = """(SELECT w.text FROM ledger_checkpoint c JOIN ledger_log l ON l.id = c.log_id
          JOIN members_pool p ON p.code = l.code JOIN ledger_witnesspolicy w ON w.pool_id = p.id
         WHERE c.id = NEW.checkpoint_id AND w.state = 'approved' ORDER BY w.number DESC LIMIT 1)"""

policy_guards = [
    Guard(
        name="witness_policy_begins_proposed",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        func=f"""
            {judged_now()}
            PERFORM 1 FROM members_pool WHERE id = NEW.pool_id FOR NO KEY UPDATE;
            IF num_nonnulls(NEW.decided_by, NEW.decided_at) > 0 THEN
                {refuse("witness_policy_begins_proposed", "it brings its decision along")}
            END IF;
            IF NOT {holds_pool_duty("proposed_by", "pool_admin")} THEN
                {refuse("witness_policy_people_hold_their_duty", "%s is no pool admin", "NEW.proposed_by")}
            END IF;
            NEW.proposed_at := aid_now();
            NEW.number := coalesce((SELECT max(number) FROM ledger_witnesspolicy WHERE pool_id = NEW.pool_id), 0) + 1;
            RETURN NEW;
        """,
    ),
    Guard(
        name="witness_policy_is_decided_as_shown",
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        func=f"""
            IF ({", ".join(f"NEW.{c}" for c in _FIXED)}) IS DISTINCT FROM ({", ".join(f"OLD.{c}" for c in _FIXED)})
               OR OLD.state <> 'proposed' AND NEW.state = OLD.state AND NEW IS DISTINCT FROM OLD THEN
                {refuse("witness_policy_is_decided_as_shown", "policy %s is not edited", "OLD.number")}
            END IF;
            {judged_now()}
            NEW.decided_at := aid_now();
            IF NOT {holds_pool_duty("decided_by", "controller", "auditor")}
               AND (NEW.state <> 'withdrawn' OR NOT {holds_pool_duty("decided_by", "pool_admin")}) THEN
                {refuse("witness_policy_people_hold_their_duty", "%s may not decide it", "NEW.decided_by")}
            END IF;
            RETURN NEW;
        """,
    ),
    # At the end of the transaction, because the statement follows the decision.
    Guard(
        name="witness_policy_is_logged",
        when=pgtrigger.After,
        operation=pgtrigger.Update,
        timing=pgtrigger.Deferred,
        func=f"""
            IF NEW.state = 'approved' AND NOT EXISTS (
                SELECT 1 FROM members_pool p JOIN ledger_log l ON l.code = p.code
                  JOIN ledger_logentry e ON e.log_id = l.id
                 WHERE p.id = NEW.pool_id AND e.type = 'policy.set' AND e.key = 'witnesses/' || NEW.number
                   AND convert_from(e.data, 'UTF8')::jsonb #>> '{{body,witnesses,policy}}' = NEW.text) THEN
                {refuse("witness_policy_is_logged", "the log does not say who its witnesses are")}
            END IF;
            RETURN NULL;
        """,
    ),
    kept("witness_policies_are_kept", "policies are followed by others, never deleted"),
]

cosignature_guards = [
    *permanent("cosignature_is_permanent"),
    Guard(
        name="cosignature_is_of_a_witness",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        declare=[("material", "bytea"), ("policy", "text"), ("at", "bigint")],
        func=f"""
            IF NEW.line !~ E'^[^\\n ]+ [^\\n ]+ [A-Za-z0-9+/]+=*\\n$'
               OR NOT starts_with(NEW.line, chr(8212) || ' ' || NEW.name || ' ') THEN
                {refuse("cosignature_is_of_a_witness", "this is no signature of %s", "NEW.name")}
            END IF;
            material := decode(split_part(rtrim(NEW.line, chr(10)), ' ', 3), 'base64');
            policy := {_IN_FORCE};
            -- Four bytes name the key: a policy has its name and them as `NAME+ID+…`.
            IF octet_length(material) < 76 OR policy IS NULL
               OR strpos(policy, ' ' || NEW.name || '+' || encode(substring(material FOR 4), 'hex') || '+') = 0 THEN
                {refuse("cosignature_is_of_a_witness", "%s is no witness of this log", "NEW.name")}
            END IF;
            at := ('x' || encode(substring(material FROM 5 FOR 8), 'hex'))::bit(64)::bigint;
            IF at <= 0 OR NEW.signed_at IS DISTINCT FROM to_timestamp(at) THEN
                {refuse("cosignature_tells_its_time", "the signature tells another time than %s", "NEW.signed_at")}
            END IF;
            RETURN NEW;
        """,
    ),
]

answer_guards = [*permanent("witness_refusal_is_permanent")]
