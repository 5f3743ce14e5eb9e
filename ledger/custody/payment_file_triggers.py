"""Guards of the files that take payments to the bank. Names are the guarantees listed in ARCHITECTURE.md."""

import pgtrigger

from aidplatform.lib.guards import Guard, judged_now, refuse
from ledger.custody.triggers import holds_duty

#: For so many days after a payment was sent, a bank may still book it: until its statements tell of them, nobody knows.
FATE_DAYS = 5
_LOCK = "PERFORM 1 FROM ledger_bankaccount WHERE pool_id = {pool} FOR NO KEY UPDATE;"


def _adds_up(file: str) -> str:
    """Return SQL that judges, at the commit of a file or of a line, that the file holds what it says."""
    return f"""
    SELECT f.number, f.order_count, f.amount_fen, count(l.id) AS lines, coalesce(sum(o.amount_fen), 0) AS fen INTO held
      FROM ledger_paymentfile f LEFT JOIN ledger_paymentfileline l ON l.file_id = f.id
      LEFT JOIN ledger_paymentorder o ON o.id = l.order_id
     WHERE f.id = {file} GROUP BY f.id;
    IF (held.order_count, held.amount_fen) IS DISTINCT FROM (held.lines::int, held.fen::bigint) THEN
        {refuse("payment_file_adds_up", "file %s says %s payments of %s and holds %s of %s", "held.number", "held.order_count", "held.amount_fen", "held.lines", "held.fen")}
    END IF;
    RETURN NULL;
"""


file_guards = [
    Guard(
        name="payment_file_is_the_treasurers",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        func=f"""
            {judged_now()}
            {_LOCK.format(pool="NEW.pool_id")}
            IF NOT {holds_duty("made_by", "treasurer", "NEW.pool_id")} THEN
                {refuse("payment_file_is_the_treasurers", "%s is no treasurer", "NEW.made_by")}
            END IF;
            IF NEW.number <> coalesce((SELECT max(number) FROM ledger_paymentfile WHERE pool_id = NEW.pool_id), 0) + 1 THEN
                {refuse("payment_file_follows_last", "file %s is not the next one", "NEW.number")}
            END IF;
            RETURN NEW;
        """,
    ),
    Guard(
        name="payment_file_adds_up",
        when=pgtrigger.After,
        operation=pgtrigger.Insert,
        timing=pgtrigger.Deferred,
        declare=[("held", "record")],
        func=_adds_up("NEW.id"),
    ),
]

line_guards = [
    Guard(
        name="payment_file_holds_released_orders",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        declare=[("pool", "bigint")],
        func=f"""
            {judged_now()}
            SELECT pool_id INTO pool FROM ledger_paymentfile WHERE id = NEW.file_id;
            {_LOCK.format(pool="pool")}
            IF NOT EXISTS (SELECT 1 FROM ledger_paymentorder WHERE id = NEW.order_id AND pool_id = pool AND state = 'released') THEN
                {refuse("payment_file_holds_released_orders", "order %s is not released, or of another pool", "NEW.order_id")}
            END IF;
            RETURN NEW;
        """,
    ),
    Guard(
        name="payment_file_has_its_lines",
        when=pgtrigger.After,
        operation=pgtrigger.Insert,
        timing=pgtrigger.Deferred,
        declare=[("held", "record")],
        func=_adds_up("NEW.file_id"),
    ),
]

# What was sent and is on no statement yet may still be paid: an order that replaced it would pay twice.
sent_payment_waits_for_the_bank = Guard(
    name="sent_payment_waits_for_the_bank",
    when=pgtrigger.Before,
    operation=pgtrigger.Update,
    declare=[("sent", "date"), ("told", "date")],
    func=f"""
        IF NEW.state <> 'cancelled' OR OLD.state <> 'released' THEN RETURN NEW; END IF;
        {judged_now()}
        {_LOCK.format(pool="NEW.pool_id")}
        SELECT (f.made_at AT TIME ZONE p.time_zone)::date INTO sent FROM ledger_paymentfileline l
          JOIN ledger_paymentfile f ON f.id = l.file_id JOIN members_pool p ON p.id = f.pool_id WHERE l.order_id = NEW.id;
        SELECT max(s.to_date) INTO told FROM ledger_bankstatement s JOIN ledger_bankaccount a ON a.id = s.account_id
         WHERE a.pool_id = NEW.pool_id;
        IF sent IS NOT NULL AND (told IS NULL OR told <= sent + {FATE_DAYS}) THEN
            {refuse("sent_payment_waits_for_the_bank", "sent on %s; statements tell up to %s", "sent", "told")}
        END IF;
        RETURN NEW;
    """,
)
