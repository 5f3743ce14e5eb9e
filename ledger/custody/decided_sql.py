"""The guards of every table of what one person proposes and a controller agrees to."""

import pgtrigger

from aidplatform.lib.guards import Guard, judged_now, kept, refuse
from aidplatform.lib.proposals import is_agreed_once
from members.pools.triggers import holds_pool_duty

TREASURER = "treasurer"


def decides_sql(noun: str, proposer: str = TREASURER) -> str:
    """Return plpgsql that judges who decides what was proposed: a controller, or either duty takes it back."""
    return f"""
            NEW.decided_at := aid_now();
            IF NOT {holds_pool_duty("decided_by", "controller")}
               AND (NEW.state <> 'withdrawn' OR NOT {holds_pool_duty("decided_by", proposer)}) THEN
                {refuse(f"{noun}_people_hold_their_duty", "%s may not decide it", "NEW.decided_by")}
            END IF;"""


def proposal_guards(
    noun: str,
    table: str,
    *,
    fixed: tuple[str, ...],
    lock: str,
    judged: str,
    agreed: str,
    figures: str = "",
    entry: str = "entry_id",
    proposer: str = TREASURER,
    declare: tuple[tuple[str, str], ...] = (),
) -> list[Guard]:
    """Return the four guards of a table of proposals; they bear the noun in their names.

    fixed: the columns that a proposal never changes, those that all have left out. lock, judged: plpgsql that runs
    when it is proposed and once more when it is agreed to; figures: what the database fills in at the first, agreed:
    what it demands at the second. entry: the column that names the journal entry. declare: variables of all of it.
    """
    columns = ("id", "pool_id", "number", "proposed_by", "proposed_at", *fixed)
    return [
        is_agreed_once(f"{noun}_is_decided_once", "agreed"),
        Guard(
            name=f"{noun}_begins_proposed",
            when=pgtrigger.Before,
            operation=pgtrigger.Insert,
            declare=list(declare),
            func=f"""
            {judged_now()}
            {lock}
            IF num_nonnulls(NEW.decided_by, NEW.decided_at, NEW.{entry}) > 0 THEN
                {refuse(f"{noun}_begins_proposed", "it brings its decision along")}
            END IF;
            IF NOT {holds_pool_duty("proposed_by", proposer)} THEN
                {refuse(f"{noun}_people_hold_their_duty", f"%s is no {proposer.replace('_', ' ')}", "NEW.proposed_by")}
            END IF;
            {judged}
            {figures}
            NEW.proposed_at := aid_now();
            NEW.number := coalesce((SELECT max(number) FROM {table} WHERE pool_id = NEW.pool_id), 0) + 1;
            RETURN NEW;
        """,
        ),
        Guard(
            name=f"{noun}_is_agreed_as_proposed",
            when=pgtrigger.Before,
            operation=pgtrigger.Update,
            declare=list(declare),
            func=f"""
            IF ({", ".join(f"NEW.{c}" for c in columns)}) IS DISTINCT FROM ({", ".join(f"OLD.{c}" for c in columns)})
               OR OLD.state <> 'proposed' AND NEW IS DISTINCT FROM OLD THEN
                {refuse(f"{noun}_is_agreed_as_proposed", f"{noun} %s is not edited", "OLD.number")}
            END IF;
            {judged_now()}
            {lock}{decides_sql(noun, proposer)}
            IF NEW.state = 'agreed' THEN
                {judged}
                {agreed}
            END IF;
            RETURN NEW;
        """,
        ),
        kept(f"{noun}s_are_kept", f"{noun}s are withdrawn, never deleted"),
    ]
