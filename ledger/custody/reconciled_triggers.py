"""The guard of daily reconciliations. Its name is a guarantee listed in ARCHITECTURE.md."""

import pgtrigger

from aidplatform.lib.guards import Guard, judged_now, refuse
from ledger.custody.reconciled_sql import figures_sql

reconciled_guards = [
    # Nobody writes a green day that is red: the figures are the database's own, and the rules are counted again.
    Guard(
        name="reconciliation_is_as_counted",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        declare=[("account", "bigint"), ("figures", "record"), ("red", "int")],
        func=f"""
            {judged_now()}
            SELECT id INTO account FROM ledger_bankaccount WHERE pool_id = NEW.pool_id FOR NO KEY UPDATE;
            SELECT f.* INTO figures FROM ({figures_sql("NEW.pool_id", "account")}) f;
            IF (NEW.statement_no, NEW.bank_fen, NEW.explained_fen, NEW.ledger_fen) IS DISTINCT FROM
               (figures.statement_no, figures.bank_fen, figures.explained_fen, figures.ledger_fen) THEN
                {refuse("reconciliation_is_as_counted", "statement %s: bank %s, orders and receipts %s, ledger %s", "figures.statement_no", "figures.bank_fen", "figures.explained_fen", "figures.ledger_fen")}
            END IF;
            SELECT count(*) FILTER (WHERE v->>'state' = 'broken') INTO red FROM jsonb_array_elements(NEW.verdicts) v;
            IF NEW.broken <> red OR (SELECT count(DISTINCT v->>'rule') FROM jsonb_array_elements(NEW.verdicts) v) <> 12 THEN
                {refuse("reconciliation_is_as_counted", "%s rules are broken, not %s", "red", "NEW.broken")}
            END IF;
            IF EXISTS (SELECT 1 FROM ledger_reconciledday d WHERE d.pool_id = NEW.pool_id AND d.day > NEW.day)
               OR abs(NEW.day - (NEW.at AT TIME ZONE (SELECT time_zone FROM members_pool WHERE id = NEW.pool_id))::date) > 0 THEN
                {refuse("reconciliation_is_as_counted", "%s is not today", "NEW.day")}
            END IF;
            RETURN NEW;
        """,
    ),
]
