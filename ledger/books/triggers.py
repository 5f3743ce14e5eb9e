"""Guards of the books. Names are the guarantees listed in ARCHITECTURE.md."""

import pgtrigger

from aidplatform.lib.guards import Guard, judges_rows, permanent, refuse
from ledger.books.chart import CHART

_CHART = ", ".join(
    f"('{line.code}', '{line.kind}', '{line.normal_side}', {str(line.never_negative).lower()})"
    for line in CHART
)

# A number that does not start at nothing would be a gap.
book_guards = [
    Guard(
        name="book_starts_empty",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        func=f"""
            IF NEW.last_entry_no <> 0 THEN
                {refuse("book_starts_empty", "%s entries in a new book", "NEW.last_entry_no")}
            END IF;
            RETURN NEW;
        """,
    ),
]

account_guards = [
    *permanent("account_is_permanent"),
    # An account outside the chart could do what the chart's own may not, such as fall below zero.
    Guard(
        name="account_is_in_the_chart",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        func=f"""
            IF (NEW.code::text, NEW.kind::text, NEW.normal_side::text, NEW.never_negative) NOT IN (VALUES {_CHART}) THEN
                {refuse("account_is_in_the_chart", "no account %s of this kind", "NEW.code")}
            END IF;
            RETURN NEW;
        """,
    ),
    Guard(
        name="account_has_a_balance",
        when=pgtrigger.After,
        operation=pgtrigger.Insert,
        func="""
            INSERT INTO ledger_accountbalance (account_id, debit_fen, credit_fen) VALUES (NEW.id, 0, 0);
            RETURN NULL;
        """,
    ),
]

entry_guards = [
    Guard(
        name="entry_number_follows_last",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        func="""
            UPDATE ledger_book SET last_entry_no = last_entry_no + 1 WHERE id = NEW.book_id
            RETURNING last_entry_no INTO NEW.number;
            RETURN NEW;
        """,
    ),
    Guard(
        name="one_reversal_per_entry",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        func=f"""
            IF EXISTS (SELECT 1 FROM ledger_journalentry WHERE reverses_id = NEW.reverses_id) THEN
                {refuse("one_reversal_per_entry", "entry %s is reversed already", "NEW.reverses_id")}
            END IF;
            RETURN NEW;
        """,
    ),
    # A deferred trigger alone could be walked around with SET CONSTRAINTS … IMMEDIATE; that is harmless here,
    # because postings that come later than their entry's statement are judged by the posting guard.
    Guard(
        name="journal_entry_has_postings",
        when=pgtrigger.After,
        operation=pgtrigger.Insert,
        timing=pgtrigger.Deferred,
        func=f"""
            IF NOT EXISTS (SELECT 1 FROM ledger_posting WHERE entry_id = NEW.id) THEN
                {refuse("journal_entry_has_postings", "entry %s has no postings", "NEW.number")}
            END IF;
            RETURN NULL;
        """,
    ),
]

# All postings of an entry come in one statement: this guard sees that statement's rows, demands that each
# entry balances and now has exactly these postings, and keeps the balances. Linear in the rows inserted.
posting_guards = [
    judges_rows(
        "journal_entry_balances",
        f"""
            SELECT entry_id, sum(amount_fen) FILTER (WHERE side = 'D') AS debit,
                   sum(amount_fen) FILTER (WHERE side = 'C') AS credit
              INTO bad FROM new_rows GROUP BY entry_id
            HAVING coalesce(sum(amount_fen) FILTER (WHERE side = 'D'), 0)
                <> coalesce(sum(amount_fen) FILTER (WHERE side = 'C'), 0) LIMIT 1;
            IF FOUND THEN
                {refuse("journal_entry_balances", "entry %s: debits %s, credits %s", "bad.entry_id", "bad.debit", "bad.credit")}
            END IF;

            SELECT n.entry_id, n.count AS new_count, p.count AS all_count INTO bad
              FROM (SELECT entry_id, count(*) FROM new_rows GROUP BY entry_id) n
              JOIN LATERAL (SELECT count(*) FROM ledger_posting WHERE entry_id = n.entry_id) p ON true
             WHERE p.count <> n.count LIMIT 1;
            IF FOUND THEN
                {refuse("journal_entry_is_permanent", "entry %s: a posting was added later", "bad.entry_id")}
            END IF;

            SELECT n.entry_id INTO bad FROM new_rows n
              JOIN ledger_account a ON a.id = n.account_id JOIN ledger_journalentry e ON e.id = n.entry_id
             WHERE a.book_id <> e.book_id LIMIT 1;
            IF FOUND THEN
                {refuse("entry_stays_in_its_book", "entry %s posts to another book", "bad.entry_id")}
            END IF;

            SELECT n.entry_id,
                   sum(CASE WHEN n.side = 'C' THEN amount_fen ELSE -amount_fen END) FILTER (WHERE a.kind = 'income') AS income,
                   sum(CASE WHEN n.side = 'D' THEN amount_fen ELSE -amount_fen END) FILTER (WHERE a.kind = 'expense') AS expense
              INTO bad FROM new_rows n JOIN ledger_account a ON a.id = n.account_id GROUP BY n.entry_id
            HAVING coalesce(sum(CASE WHEN n.side = 'C' THEN amount_fen ELSE -amount_fen END) FILTER (WHERE a.kind = 'income'), 0)
                <> coalesce(sum(CASE WHEN n.side = 'D' THEN amount_fen ELSE -amount_fen END) FILTER (WHERE a.kind = 'expense'), 0)
             LIMIT 1;
            IF FOUND THEN
                {refuse("income_equals_expense", "entry %s: income %s, expense %s", "bad.entry_id", "bad.income", "bad.expense")}
            END IF;

            SELECT n.entry_id INTO bad FROM (SELECT DISTINCT entry_id FROM new_rows) n
              JOIN ledger_journalentry e ON e.id = n.entry_id
             WHERE e.reverses_id IS NOT NULL AND (
                   EXISTS (SELECT account_id, side, amount_fen FROM new_rows WHERE entry_id = n.entry_id
                           EXCEPT SELECT account_id, CASE side WHEN 'D' THEN 'C' ELSE 'D' END, amount_fen
                             FROM ledger_posting WHERE entry_id = e.reverses_id)
                OR EXISTS (SELECT account_id, CASE side WHEN 'D' THEN 'C' ELSE 'D' END, amount_fen
                             FROM ledger_posting WHERE entry_id = e.reverses_id
                           EXCEPT SELECT account_id, side, amount_fen FROM new_rows WHERE entry_id = n.entry_id)
                OR EXISTS (SELECT 1 FROM ledger_journalentry o WHERE o.id = e.reverses_id
                              AND (o.reverses_id IS NOT NULL OR o.book_id <> e.book_id))) LIMIT 1;
            IF FOUND THEN
                {refuse("reversal_mirrors_entry", "entry %s is no mirror of what it reverses", "bad.entry_id")}
            END IF;

            UPDATE ledger_accountbalance b
               SET debit_fen = b.debit_fen + n.debit, credit_fen = b.credit_fen + n.credit
              FROM (SELECT account_id, coalesce(sum(amount_fen) FILTER (WHERE side = 'D'), 0) AS debit,
                           coalesce(sum(amount_fen) FILTER (WHERE side = 'C'), 0) AS credit
                      FROM (SELECT * FROM new_rows ORDER BY account_id) ordered GROUP BY account_id) n
             WHERE b.account_id = n.account_id;

            SELECT a.code, b.debit_fen, b.credit_fen INTO bad
              FROM ledger_accountbalance b JOIN ledger_account a ON a.id = b.account_id
             WHERE a.never_negative AND b.account_id IN (SELECT account_id FROM new_rows)
               AND CASE a.normal_side WHEN 'D' THEN b.debit_fen < b.credit_fen ELSE b.credit_fen < b.debit_fen END
             LIMIT 1;
            IF FOUND THEN
                {refuse("account_never_negative", "account %s: debits %s, credits %s", "bad.code", "bad.debit_fen", "bad.credit_fen")}
            END IF;
            RETURN NULL;
        """,
    ),
]
