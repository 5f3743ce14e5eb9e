"""Guards of who holds a duty in a running pool: nobody gives or takes one alone, but everybody may lay their own down.

Names are the guarantees listed in ARCHITECTURE.md.
"""

import pgtrigger

from aidplatform.lib.guards import Guard, judged_now, kept, refuse

_FIXED = ("id", "pool_id", "number", "kind", "person_id", "duty", "reason", "proposed_by", "proposed_at")


def _row(prefix: str) -> str:
    return "(" + ", ".join(f"{prefix}.{column}" for column in _FIXED) + ")"


def _holds(column: str, which: str = "") -> str:
    """Return SQL that tells whether the person in that column holds a duty where the change is of, or everywhere."""
    return f"""EXISTS (
        SELECT 1 FROM members_dutygrant g JOIN members_user u ON u.id = g.person_id
         WHERE u.code = NEW.{column} AND g.ended_at IS NULL {which} AND (g.pool_id IS NULL OR g.pool_id = NEW.pool_id))"""


_IS_THEIRS = "NEW.person_id = (SELECT id FROM members_user WHERE code = NEW.proposed_by)"
_ENDS_A_GRANT = """EXISTS (
    SELECT 1 FROM members_dutygrant g WHERE g.id = NEW.grant_id AND g.pool_id = NEW.pool_id
       AND g.person_id = NEW.person_id AND g.duty = NEW.duty AND g.ended_at IS NULL)"""

change_guards = [
    Guard(
        name="duty_change_begins_open",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        declare=[("pool_state", "text")],
        func=f"""
            {judged_now()}
            SELECT state INTO pool_state FROM members_pool WHERE id = NEW.pool_id FOR NO KEY UPDATE;
            IF pool_state IN ('draft', 'given_up') OR pool_state = 'closed' AND NEW.kind <> 'laid_down' THEN
                {refuse("duty_change_begins_open", "the pool is %s", "pool_state")}
            END IF;
            IF (NEW.kind = 'grant') <> (NEW.grant_id IS NULL) OR NEW.kind <> 'grant' AND NOT {_ENDS_A_GRANT} THEN
                {refuse("duty_change_begins_open", "it names another grant than the one it ends")}
            END IF;
            IF NEW.kind = 'laid_down' THEN
                IF NOT {_IS_THEIRS} OR NEW.state <> 'done' OR NEW.decided_by IS DISTINCT FROM NEW.proposed_by THEN
                    {refuse("duty_change_takes_two_people", "%s lays down somebody else's duty", "NEW.proposed_by")}
                END IF;
                NEW.decided_at := aid_now();
            ELSE
                IF NEW.state <> 'open' OR NEW.decided_by IS NOT NULL OR NEW.decided_at IS NOT NULL THEN
                    {refuse("duty_change_begins_open", "it brings its decision along")}
                END IF;
                IF {_IS_THEIRS} OR NOT {_holds("proposed_by", "AND g.duty = 'pool_admin'")} THEN
                    {refuse("duty_change_takes_two_people", "%s is no pool admin, or speaks of themselves", "NEW.proposed_by")}
                END IF;
            END IF;
            NEW.proposed_at := aid_now();
            RETURN NEW;
        """,
    ),
    Guard(
        name="duty_change_is_decided_once",
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        func=f"""
            {judged_now()}
            IF OLD.state <> 'open' OR NEW.state = 'open' OR {_row("NEW")} IS DISTINCT FROM {_row("OLD")}
               OR NEW.grant_id IS DISTINCT FROM OLD.grant_id AND (OLD.kind, NEW.state) <> ('grant', 'done') THEN
                {refuse("duty_change_is_decided_once", "change %s is %s", "OLD.number", "OLD.state")}
            END IF;
            IF NEW.state = 'done' AND (NEW.decided_by = NEW.proposed_by OR NOT {_holds("decided_by")}
               OR NEW.person_id = (SELECT id FROM members_user WHERE code = NEW.decided_by)) THEN
                {refuse("duty_change_takes_two_people", "%s has proposed it, is concerned, or has no duty there", "NEW.decided_by")}
            END IF;
            IF NEW.state = 'done' AND NEW.kind = 'grant' AND NOT EXISTS (
                SELECT 1 FROM members_dutygrant g JOIN members_user p ON p.id = g.proposed_by_id
                  JOIN members_user c ON c.id = g.confirmed_by_id
                 WHERE g.id = NEW.grant_id AND g.pool_id = NEW.pool_id AND g.person_id = NEW.person_id
                   AND g.duty = NEW.duty AND p.code = NEW.proposed_by AND c.code = NEW.decided_by) THEN
                {refuse("duty_change_is_decided_once", "no such duty was given by change %s", "NEW.number")}
            END IF;
            NEW.decided_at := aid_now();
            RETURN NEW;
        """,
    ),
    kept("duty_changes_are_kept", "changes of duties are never deleted"),
]

# Hung on the grant: whoever could take a controller's duty away alone could go on alone.
duty_ends_by_its_change = Guard(
    name="duty_ends_by_its_change",
    when=pgtrigger.Before,
    operation=pgtrigger.Update,
    condition=pgtrigger.Condition(
        "OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL AND OLD.pool_id IS NOT NULL"
    ),
    declare=[("pool_state", "text")],
    func=f"""
        {judged_now()}
        SELECT state INTO pool_state FROM members_pool WHERE id = NEW.pool_id FOR NO KEY UPDATE;
        IF pool_state = 'draft' THEN
            RETURN NEW;
        END IF;
        IF NOT EXISTS (SELECT 1 FROM members_dutychange c
                        WHERE c.grant_id = NEW.id AND c.kind IN ('end', 'laid_down') AND c.state = 'done') THEN
            {refuse("duty_ends_by_its_change", "nobody has agreed to end the duty %s", "NEW.duty")}
        END IF;
        IF NEW.duty = 'pool_admin' AND pool_state <> 'closed' AND NOT EXISTS (
            SELECT 1 FROM members_dutygrant g WHERE (g.pool_id = NEW.pool_id OR g.pool_id IS NULL)
               AND g.duty = 'pool_admin' AND g.ended_at IS NULL AND g.id <> NEW.id) THEN
            {refuse("pool_keeps_an_admin", "the last admin of a pool stays until there is another")}
        END IF;
        RETURN NEW;
    """,
)
