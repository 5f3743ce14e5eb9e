"""Guards of explanations of bank debits. Names are the guarantees listed in ARCHITECTURE.md.

They take the row of the pool's bank account first, as all do that use up a booking or settle an order.
"""

import pgtrigger

from aidplatform.lib.guards import Guard, refuse
from ledger.books import chart
from ledger.custody.decided_sql import proposal_guards
from ledger.custody.triggers import USED

_LOCK = "PERFORM 1 FROM ledger_bankaccount WHERE pool_id = NEW.pool_id FOR NO KEY UPDATE;"
# Against which account a debit is explained.
ACCOUNTS = {
    "payment": chart.IN_TRANSIT_OUT,
    "bank_fee": chart.SPONSOR_RECEIVABLE,
    "operator": chart.SPONSOR_RECEIVABLE,
    "given_back": chart.UNIDENTIFIED,
}
ACCOUNT_SQL = (
    "CASE {cause} " + " ".join(f"WHEN '{name}' THEN '{code}'" for name, code in ACCOUNTS.items()) + " END"
)

# A payment that was released and that no booking has shown; money that came later, as much and nobody's.
_FITS = f"""
    SELECT l.amount_fen, l.kind, l.account_id, l.booking_date INTO booked FROM ledger_statementline l
      JOIN ledger_bankaccount a ON a.id = l.account_id WHERE l.id = NEW.line_id AND a.pool_id = NEW.pool_id;
    IF booked.kind IS DISTINCT FROM 'unexplained' THEN
        {refuse("only_debits_to_explain_are_explained", "line %s is no debit to explain of this pool", "NEW.line_id")}
    END IF;
    IF NEW.cause = 'payment' AND NOT EXISTS (
            SELECT 1 FROM ledger_paymentorder o WHERE o.id = NEW.order_id AND o.pool_id = NEW.pool_id
               AND o.state = 'released' AND o.amount_fen = booked.amount_fen) THEN
        {refuse("explanation_fits_its_papers", "no released payment of %s", "booked.amount_fen")}
    END IF;
    IF NEW.cause = 'given_back' AND NOT EXISTS (
            SELECT 1 FROM ledger_statementline r WHERE r.id = NEW.receipt_id AND r.account_id = booked.account_id
               AND r.kind = 'unidentified' AND r.amount_fen = booked.amount_fen AND r.booking_date >= booked.booking_date
               AND {USED.format(line="r.id")} = 0) THEN
        {refuse("explanation_fits_its_papers", "no free receipt of %s", "booked.amount_fen")}
    END IF;
"""
# The entry of an explanation, by its two people.
_ENTRY = f"""
    IF NOT EXISTS (
        SELECT 1 FROM ledger_journalentry e JOIN ledger_book b ON b.id = e.book_id JOIN members_pool p ON p.code = b.code
         WHERE e.id = NEW.entry_id AND p.id = NEW.pool_id AND e.kind = 'debit_explained'
           AND e.key = 'debit_explained/' || NEW.number AND e.maker = NEW.proposed_by AND e.checker = NEW.decided_by
           AND (SELECT jsonb_agg(jsonb_build_array(o.side, a.code, o.amount_fen) ORDER BY o.side)
                  FROM ledger_posting o JOIN ledger_account a ON a.id = o.account_id WHERE o.entry_id = e.id)
             = jsonb_build_array(jsonb_build_array('C', '{chart.UNEXPLAINED_DEBITS}', NEW.amount_fen),
                                 jsonb_build_array('D', {ACCOUNT_SQL.format(cause="NEW.cause")}, NEW.amount_fen))) THEN
        {refuse("explained_debit_has_its_entry", "explanation %s is not booked as it was proposed", "NEW.number")}
    END IF;
"""

explanation_guards = [
    *proposal_guards(
        "explanation",
        "ledger_debitexplanation",
        fixed=("line_id", "cause", "order_id", "receipt_id", "note", "amount_fen"),
        lock=_LOCK,
        judged=_FITS,
        figures="NEW.amount_fen := booked.amount_fen;",
        agreed=_ENTRY,
        declare=(("booked", "record"),),
    ),
    # Both or neither: an order that stayed released could be called off, and be paid a second time.
    Guard(
        name="explained_payment_is_confirmed",
        when=pgtrigger.After,
        operation=pgtrigger.Update,
        timing=pgtrigger.Deferred,
        condition=pgtrigger.Condition("NEW.state = 'agreed' AND NEW.cause = 'payment'"),
        func=f"""
            IF NOT EXISTS (SELECT 1 FROM ledger_paymentorder
                            WHERE id = NEW.order_id AND confirmed_line_id = NEW.line_id) THEN
                {refuse("explained_payment_is_confirmed", "payment %s is not confirmed", "NEW.order_id")}
            END IF;
            RETURN NULL;
        """,
    ),
]
