"""Guards of reversals of single entries. Names are the guarantees listed in ARCHITECTURE.md.

Nobody reverses what other rows rest on: a booking of the bank, an order, a decision, a case, a share. Those have their
own ways back, which move those rows as well.
"""

import pgtrigger

from aidplatform.lib.guards import Guard, refuse
from ledger.custody.decided_sql import proposal_guards

# Costs and income that no statement of the bank and no decision stands behind.
ALONE = ("bank_charge", "interest", "other_income")
_LOCK = "PERFORM 1 FROM members_pool WHERE id = NEW.pool_id FOR NO KEY UPDATE;"


def stands_alone_sql(entry: str, pool: str) -> str:
    """Return SQL that tells whether nothing else rests on an entry of a pool; both are names of rows.

    A cost or income is taken in by the first bill that is announced after it: from then on members have shared it.
    """
    return f"""({entry}.reverses_id IS NULL AND (
        {entry}.kind = 'opening' AND {pool}.state = 'gathering' AND NOT EXISTS (
            SELECT 1 FROM ledger_bankstatement s JOIN ledger_bankaccount a ON a.id = s.account_id WHERE a.pool_id = {pool}.id)
     OR {entry}.kind IN ({", ".join(f"'{kind}'" for kind in ALONE)}) AND left({entry}.source, 10) <> 'statement '
        AND NOT EXISTS (
            SELECT 1 FROM ledger_period q WHERE q.pool_id = {pool}.id
               AND greatest(q.announced_books_no, q.books_upto_no) >= {entry}.number)))"""


_STANDS_ALONE = f"""
    IF NOT EXISTS (
        SELECT 1 FROM ledger_journalentry e JOIN ledger_book b ON b.id = e.book_id JOIN members_pool p ON p.code = b.code
         WHERE e.id = NEW.entry_id AND p.id = NEW.pool_id AND {stands_alone_sql("e", "p")}) THEN
        {refuse("only_what_stands_alone_is_reversed", "something else rests on entry %s", "NEW.entry_id")}
    END IF;
    IF EXISTS (SELECT 1 FROM ledger_journalentry r
                WHERE r.reverses_id = NEW.entry_id AND r.id IS DISTINCT FROM NEW.reversal_id) THEN
        {refuse("one_reversal_per_entry", "entry %s is reversed already", "NEW.entry_id")}
    END IF;
"""

_BOOKED = f"""
    IF NOT EXISTS (
        SELECT 1 FROM ledger_journalentry e
         WHERE e.id = NEW.reversal_id AND e.reverses_id = NEW.entry_id AND e.description = NEW.reason
           AND e.maker = NEW.proposed_by AND e.checker = NEW.decided_by) THEN
        {refuse("agreed_reversal_has_its_entry", "reversal %s is not booked as it was proposed", "NEW.number")}
    END IF;
"""

reversal_guards = [
    *proposal_guards(
        "reversal",
        "ledger_entryreversal",
        fixed=("entry_id", "reason"),
        lock=_LOCK,
        judged=_STANDS_ALONE,
        agreed=_BOOKED,
        entry="reversal_id",
    ),
    # At the end of the transaction: the log comes after everything else that is locked.
    Guard(
        name="reversal_is_in_the_log",
        when=pgtrigger.After,
        operation=pgtrigger.Update,
        timing=pgtrigger.Deferred,
        condition=pgtrigger.Condition("NEW.state = 'agreed'"),
        func=f"""
            IF NOT EXISTS (
                SELECT 1 FROM ledger_logentry l JOIN ledger_log g ON g.id = l.log_id JOIN members_pool p ON p.code = g.code
                  JOIN ledger_journalentry e ON e.id = NEW.entry_id JOIN ledger_journalentry r ON r.id = NEW.reversal_id
                 WHERE p.id = NEW.pool_id AND l.type = 'correction' AND l.key = 'reversal/' || e.number
                   AND convert_from(l.data, 'UTF8')::jsonb->'body'
                     = jsonb_build_object('entry', e.number, 'reversal', r.number, 'reason', NEW.reason)) THEN
                {refuse("reversal_is_in_the_log", "reversal %s is not in the log with its reason", "NEW.number")}
            END IF;
            RETURN NULL;
        """,
    ),
]

# Hung on the journal: what two codes on an entry claim is worth nothing without the decision of two people.
reversal_has_its_decision = Guard(
    name="reversal_has_its_decision",
    when=pgtrigger.After,
    operation=pgtrigger.Insert,
    timing=pgtrigger.Deferred,
    condition=pgtrigger.Condition("NEW.reverses_id IS NOT NULL"),
    func=f"""
        IF EXISTS (SELECT 1 FROM ledger_book b JOIN members_pool p ON p.code = b.code WHERE b.id = NEW.book_id)
           AND NOT EXISTS (SELECT 1 FROM ledger_entryreversal
                            WHERE reversal_id = NEW.id AND entry_id = NEW.reverses_id AND state = 'agreed') THEN
            {refuse("reversal_has_its_decision", "entry %s is a reversal that nobody agreed to", "NEW.number")}
        END IF;
        RETURN NULL;
    """,
)
