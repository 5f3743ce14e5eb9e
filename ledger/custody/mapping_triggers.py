"""Guards of how a bank's tables are read. Names are the guarantees listed in ARCHITECTURE.md."""

import pgtrigger

from aidplatform.lib.guards import Guard, judged_now, refuse
from ledger.custody.triggers import holds_duty

mapping_guards = [
    Guard(
        name="mapping_is_the_treasurers",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        declare=[("pool", "bigint")],
        func=f"""
            {judged_now()}
            SELECT pool_id INTO pool FROM ledger_bankaccount WHERE id = NEW.account_id FOR NO KEY UPDATE;
            IF NOT {holds_duty("made_by", "treasurer", "pool")} THEN
                {refuse("mapping_is_the_treasurers", "%s is no treasurer", "NEW.made_by")}
            END IF;
            NEW.number := coalesce((SELECT max(number) FROM ledger_statementmapping WHERE account_id = NEW.account_id), 0) + 1;
            RETURN NEW;
        """,
    ),
]

mapping_is_of_the_account = Guard(
    name="mapping_is_of_the_account",
    when=pgtrigger.Before,
    operation=pgtrigger.Insert,
    func=f"""
        IF EXISTS (SELECT 1 FROM ledger_statementmapping WHERE id = NEW.mapping_id AND account_id <> NEW.account_id) THEN
            {refuse("mapping_is_of_the_account", "mapping %s is of another account", "NEW.mapping_id")}
        END IF;
        RETURN NEW;
    """,
)
