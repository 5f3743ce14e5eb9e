"""Guard of losses that all members bear: no entry of their kinds without what was decided. Hung on journal entries."""

import pgtrigger

from aidplatform.lib.guards import Guard, refuse
from ledger.books import chart

loss_has_its_decision = Guard(
    name="loss_has_its_decision",
    when=pgtrigger.After,
    operation=pgtrigger.Insert,
    timing=pgtrigger.Deferred,
    condition=pgtrigger.Condition(
        "NEW.kind IN ('write_off', 'waiting_refund', 'settlement', 'investigation')"
    ),
    func=f"""
        -- What is recovered, or taken back by the bank after that, is booked as it comes, and asks nobody.
        IF NEW.kind = 'write_off' AND NOT EXISTS (
            SELECT 1 FROM ledger_posting p JOIN ledger_account a ON a.id = p.account_id
             WHERE p.entry_id = NEW.id AND a.code = '{chart.RECEIVABLE}') THEN
            RETURN NULL;
        END IF;
        IF NOT EXISTS (SELECT 1 FROM ledger_writeoff WHERE entry_id = NEW.id)
           AND NOT EXISTS (SELECT 1 FROM ledger_sharesreturn WHERE entry_id = NEW.id)
           AND NOT EXISTS (SELECT 1 FROM ledger_outsidecost WHERE entry_id = NEW.id)
           AND NOT EXISTS (SELECT 1 FROM ledger_finalsettlement WHERE entry_id = NEW.id) THEN
            {refuse("loss_has_its_decision", "entry %s puts a %s on all members that nobody decided", "NEW.number", "NEW.kind")}
        END IF;
        RETURN NULL;
    """,
)
