"""Guards of write-offs. Names are the guarantees listed in ARCHITECTURE.md.

Like collections they take the row of the pool's bank account first: a payment and a write-off of one share meet one
after the other. Which charges are written off the approval says, by the database alone: the application's role can't.
"""

import pgtrigger

from aidplatform.lib.guards import Guard, judged_now, kept, refuse
from ledger.books import chart
from members.pools.triggers import holds_pool_duty

_LOCK = "PERFORM 1 FROM ledger_bankaccount WHERE pool_id = NEW.pool_id FOR NO KEY UPDATE;"


def recovered_sql(pool: str) -> str:
    """Return SQL for what has been paid of written-off charges since (fen); below zero where the bank took more back.

    Nothing of such a charge is owed any more: money for it is a recovery, and what the bank takes back of it a cost.
    """
    return f"""(SELECT coalesce(sum(coalesce(k.fen, 0) + w.amount_fen - c.share_fen), 0)::bigint
        FROM ledger_writtenoffcharge w
        JOIN ledger_charge c ON c.pool_id = w.pool_id AND c.membership_id = w.membership_id AND c.period_no = w.period_no
        LEFT JOIN LATERAL (SELECT sum(n.amount_fen) AS fen FROM ledger_collection n
                            WHERE n.pool_id = w.pool_id AND n.membership_id = w.membership_id
                              AND n.period_no = w.period_no) k ON true
       WHERE w.pool_id = {pool})"""


# What of a membership's announced charges is neither paid nor written off. Members who pay ahead owe nothing.
_OPEN = """
    SELECT coalesce(jsonb_agg(jsonb_build_array(o.period_no, o.fen) ORDER BY o.period_no), '[]') AS charges,
           coalesce(sum(o.fen), 0)::bigint AS fen INTO open
      FROM (SELECT c.period_no, c.share_fen - coalesce((
                       SELECT sum(k.amount_fen) FROM ledger_collection k
                        WHERE k.pool_id = c.pool_id AND k.membership_id = c.membership_id AND k.period_no = c.period_no), 0) AS fen
              FROM ledger_charge c JOIN ledger_period p ON p.pool_id = c.pool_id AND p.number = c.period_no
             WHERE c.pool_id = NEW.pool_id AND c.membership_id = NEW.membership_id AND c.period_no <= NEW.upto_period_no
               AND p.charges_notified_at IS NOT NULL AND p.wallet_fen IS NULL
               AND NOT EXISTS (SELECT 1 FROM ledger_writtenoffcharge w WHERE w.pool_id = c.pool_id
                                  AND w.membership_id = c.membership_id AND w.period_no = c.period_no)) o
     WHERE o.fen > 0;
"""
_SHOWN = ("pool_id", "number", "membership_id", "reason", "reminders", "upto_period_no", "charges", "amount_fen",
          "ordered_by")  # fmt: skip
_FIXED = (*_SHOWN, "id", "shown_sha256", "ordered_at")
_LATER = ("approved_sha256", "decided_by", "decided_at", "entry_id")


def shown_sql(row: str) -> str:
    """Return SQL for the text that an approval is hashed over."""
    return "concat_ws('|', " + ", ".join(f"{row}.{column}::text" for column in _SHOWN) + ")"


# The entry of an approval, by the two people.
_ENTRY = f"""
    IF NOT EXISTS (
        SELECT 1 FROM ledger_journalentry e JOIN ledger_book b ON b.id = e.book_id JOIN members_pool p ON p.code = b.code
         WHERE e.id = NEW.entry_id AND p.id = NEW.pool_id AND e.kind = 'write_off' AND e.key = 'write_off/' || NEW.number
           AND e.maker = NEW.ordered_by AND e.checker = NEW.decided_by
           AND (SELECT jsonb_agg(jsonb_build_array(a.code, o.side, o.amount_fen) ORDER BY a.code)
                  FROM ledger_posting o JOIN ledger_account a ON a.id = o.account_id WHERE o.entry_id = e.id)
             = jsonb_build_array(jsonb_build_array('{chart.RECEIVABLE}', 'C', NEW.amount_fen),
                                 jsonb_build_array('{chart.TO_BE_SHARED}', 'D', NEW.amount_fen))) THEN
        {refuse("approved_write_off_has_its_entry", "write-off %s is not booked as it was shown", "NEW.number")}
    END IF;
"""

write_off_guards = [
    Guard(
        name="write_off_begins_ordered",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        declare=[("open", "record")],
        func=f"""
            {judged_now()}
            {_LOCK}
            IF num_nonnulls({", ".join(f"NEW.{column}" for column in _LATER)}) > 0 THEN
                {refuse("write_off_begins_ordered", "it brings its decision along")}
            END IF;
            IF NOT {holds_pool_duty("ordered_by", "treasurer")} THEN
                {refuse("write_off_people_hold_their_duty", "%s is no treasurer", "NEW.ordered_by")}
            END IF;
            {_OPEN}
            IF open.fen = 0 THEN
                {refuse("only_unpaid_shares_are_written_off", "membership %s owes nothing up to period %s", "NEW.membership_id", "NEW.upto_period_no")}
            END IF;
            NEW.charges := open.charges;
            NEW.amount_fen := open.fen;
            NEW.ordered_at := aid_now();
            NEW.number := coalesce((SELECT max(number) FROM ledger_writeoff WHERE pool_id = NEW.pool_id), 0) + 1;
            NEW.shown_sha256 := encode(sha256(convert_to({shown_sql("NEW")}, 'UTF8')), 'hex');
            RETURN NEW;
        """,
    ),
    Guard(
        name="write_off_is_decided_as_shown",
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        declare=[("open", "record")],
        func=f"""
            IF ({", ".join(f"NEW.{c}" for c in _FIXED)}) IS DISTINCT FROM ({", ".join(f"OLD.{c}" for c in _FIXED)})
               OR OLD.state <> 'ordered' AND NEW IS DISTINCT FROM OLD THEN
                {refuse("write_off_is_decided_as_shown", "write-off %s is not edited", "OLD.number")}
            END IF;
            {judged_now()}
            NEW.decided_at := aid_now();
            IF NEW.state <> 'approved' THEN
                IF NOT {holds_pool_duty("decided_by", "controller", "treasurer")} THEN
                    {refuse("write_off_people_hold_their_duty", "%s may not take it back", "NEW.decided_by")}
                END IF;
                RETURN NEW;
            END IF;
            {_LOCK}
            IF NOT {holds_pool_duty("decided_by", "controller")} THEN
                {refuse("write_off_people_hold_their_duty", "%s is no controller", "NEW.decided_by")}
            END IF;
            {_OPEN}
            IF (open.charges, open.fen) IS DISTINCT FROM (NEW.charges, NEW.amount_fen) THEN
                {refuse("only_unpaid_shares_are_written_off", "%s are open, the write-off is of %s", "open.charges", "NEW.charges")}
            END IF;
            {_ENTRY}
            RETURN NEW;
        """,
    ),
    Guard(
        name="approved_write_off_has_its_charges",
        when=pgtrigger.After,
        operation=pgtrigger.Update,
        condition=pgtrigger.Condition("NEW.state = 'approved' AND OLD.state <> 'approved'"),
        func="""
            INSERT INTO ledger_writtenoffcharge (pool_id, membership_id, period_no, amount_fen, write_off_id)
            SELECT NEW.pool_id, NEW.membership_id, (c->>0)::int, (c->>1)::bigint, NEW.id
              FROM jsonb_array_elements(NEW.charges) c;
            RETURN NULL;
        """,
    ),
    kept("write_offs_are_kept", "write-offs are withdrawn, never deleted"),
]

# Hung on the journal. Who pays after all is booked as a recovery: a mirror would leave the charge written off and owed.
written_off_stays_written_off = Guard(
    name="written_off_stays_written_off",
    when=pgtrigger.Before,
    operation=pgtrigger.Insert,
    condition=pgtrigger.Condition("NEW.reverses_id IS NOT NULL"),
    func=f"""
        IF EXISTS (SELECT 1 FROM ledger_writeoff WHERE entry_id = NEW.reverses_id)
           OR EXISTS (SELECT 1 FROM ledger_finalsettlement WHERE entry_id = NEW.reverses_id)
           OR EXISTS (SELECT 1 FROM ledger_outsidecost WHERE entry_id = NEW.reverses_id)
           OR EXISTS (SELECT 1 FROM ledger_debitexplanation WHERE entry_id = NEW.reverses_id)
           OR EXISTS (SELECT 1 FROM ledger_sharesreturn WHERE entry_id = NEW.reverses_id) THEN
            {refuse("written_off_stays_written_off", "the entry of a write-off, a settlement, a cost, an explained debit or a return of shares is not reversed")}
        END IF;
        RETURN NEW;
    """,
)
