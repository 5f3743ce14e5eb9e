"""The guard of what the log says at the end of a period's collection; its name is a guarantee of ARCHITECTURE.md."""

import pgtrigger

from aidplatform.lib.guards import Guard, judged_now, refuse
from ledger.custody.collecting_sql import due_sql, figures_sql, receivable_sql

# Attached to the log, which knows no money. It is asked before the entry is there, when the period still is due.
log_states_collections_as_they_are = Guard(
    name="log_states_collections_as_they_are",
    when=pgtrigger.Before,
    operation=pgtrigger.Insert,
    condition=pgtrigger.Condition("NEW.type = 'collect.close'"),
    declare=[("pool", "bigint"), ("told", "jsonb"), ("owed", "bigint")],
    func=f"""
        {judged_now()}
        SELECT p.id INTO pool FROM members_pool p JOIN ledger_log g ON g.code = p.code WHERE g.id = NEW.log_id;
        PERFORM 1 FROM ledger_bankaccount WHERE pool_id = pool ORDER BY id FOR NO KEY UPDATE;
        SELECT {figures_sql("d")} INTO told FROM ledger_period d
         WHERE d.pool_id = pool AND d.number::text = NEW.key AND d.id IN ({due_sql("pool")});
        IF told IS NULL THEN
            {refuse("log_states_collections_as_they_are", "the collection of period %s is not over", "NEW.key")}
        END IF;
        IF told IS DISTINCT FROM convert_from(NEW.data, 'UTF8')::jsonb->'body' THEN
            {refuse("log_states_collections_as_they_are", "the figures of period %s are others", "NEW.key")}
        END IF;
        SELECT coalesce(sum((o->>1)::bigint), 0) INTO owed FROM jsonb_array_elements(told->'open') o;
        IF owed <> {receivable_sql("pool")} THEN
            {refuse("log_states_collections_as_they_are", "%s fen of shares are open, not what the books say", "owed")}
        END IF;
        RETURN NEW;
    """,
)
