"""Who decides what one person has proposed: plpgsql for the guards of every table of such proposals."""

from aidplatform.lib.guards import refuse
from members.pools.triggers import holds_pool_duty


def decides_sql(noun: str, proposer: str = "treasurer") -> str:
    """Return plpgsql that judges who decides what was proposed: a controller, or either duty takes it back."""
    return f"""
            NEW.decided_at := aid_now();
            IF NOT {holds_pool_duty("decided_by", "controller")}
               AND (NEW.state <> 'withdrawn' OR NOT {holds_pool_duty("decided_by", proposer)}) THEN
                {refuse(f"{noun}_people_hold_their_duty", "%s may not decide it", "NEW.decided_by")}
            END IF;"""
