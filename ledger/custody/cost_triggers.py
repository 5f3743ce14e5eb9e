"""Guards of costs from outside. Names are the guarantees listed in ARCHITECTURE.md.

Which investigation a cost is of, and who bears it by the plan, is held where investigations are known (`claims`).
"""

import pgtrigger

from aidplatform.lib.guards import Guard, judged_now, kept, refuse
from ledger.books import chart
from members.pools.triggers import holds_pool_duty

# Who bears a cost → what is debited for it. Nobody who claims is among them.
BORNE_ON = {
    "shared": chart.TO_BE_SHARED,
    "operator": chart.SPONSOR_RECEIVABLE,
    "reserve": chart.RESERVE,
}
_BORNE_ON_SQL = (
    "CASE NEW.borne_by " + " ".join(f"WHEN '{by}' THEN '{c}'" for by, c in BORNE_ON.items()) + " END"
)
_LOCK = "PERFORM 1 FROM ledger_bankaccount WHERE pool_id = NEW.pool_id FOR NO KEY UPDATE;"
_SHOWN = ("pool_id", "number", "reference", "amount_fen", "borne_by", "payee_hint", "billed_by")
_FIXED = (*_SHOWN, "id", "payee_sealed", "payee_hash", "shown_sha256", "billed_at")
_LATER = ("approved_sha256", "decided_by", "decided_at", "entry_id")


def shown_sql(row: str) -> str:
    """Return SQL for the text that an approval is hashed over."""
    parts = [f"{row}.{column}::text" for column in _SHOWN]
    return "concat_ws('|', " + ", ".join([*parts, f"encode({row}.payee_hash, 'hex')"]) + ")"


_ENTRY = f"""
    IF NOT EXISTS (
        SELECT 1 FROM ledger_journalentry e JOIN ledger_book b ON b.id = e.book_id JOIN members_pool p ON p.code = b.code
         WHERE e.id = NEW.entry_id AND p.id = NEW.pool_id AND e.kind = 'investigation'
           AND e.key = 'investigation/' || NEW.number AND e.maker = NEW.billed_by AND e.checker = NEW.decided_by
           AND (SELECT jsonb_object_agg(o.side, jsonb_build_array(a.code, o.amount_fen))
                  FROM ledger_posting o JOIN ledger_account a ON a.id = o.account_id WHERE o.entry_id = e.id)
             = jsonb_build_object('D', jsonb_build_array({_BORNE_ON_SQL}, NEW.amount_fen),
                                  'C', jsonb_build_array('{chart.COSTS_PAYABLE}', NEW.amount_fen))) THEN
        {refuse("approved_cost_has_its_entry", "cost %s is not booked as it was shown", "NEW.number")}
    END IF;
"""

cost_guards = [
    Guard(
        name="cost_begins_billed",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        func=f"""
            {judged_now()}
            PERFORM 1 FROM members_pool WHERE id = NEW.pool_id FOR NO KEY UPDATE;
            IF num_nonnulls({", ".join(f"NEW.{column}" for column in _LATER)}) > 0 THEN
                {refuse("cost_begins_billed", "it brings its decision along")}
            END IF;
            NEW.billed_at := aid_now();
            NEW.number := coalesce((SELECT max(number) FROM ledger_outsidecost WHERE pool_id = NEW.pool_id), 0) + 1;
            NEW.shown_sha256 := encode(sha256(convert_to({shown_sql("NEW")}, 'UTF8')), 'hex');
            RETURN NEW;
        """,
    ),
    Guard(
        name="cost_is_decided_as_shown",
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        func=f"""
            IF ({", ".join(f"NEW.{c}" for c in _FIXED)}) IS DISTINCT FROM ({", ".join(f"OLD.{c}" for c in _FIXED)})
               OR OLD.state <> 'billed' AND NEW IS DISTINCT FROM OLD THEN
                {refuse("cost_is_decided_as_shown", "cost %s is not edited", "OLD.number")}
            END IF;
            {judged_now()}
            {_LOCK}
            NEW.decided_at := aid_now();
            IF NOT {holds_pool_duty("decided_by", "controller")} THEN
                {refuse("cost_people_hold_their_duty", "%s is no controller", "NEW.decided_by")}
            END IF;
            IF NEW.state = 'approved' THEN
                {_ENTRY}
            END IF;
            RETURN NEW;
        """,
    ),
    kept("costs_are_kept", "costs are turned down, never deleted"),
]
