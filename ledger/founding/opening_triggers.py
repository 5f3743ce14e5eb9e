"""Guards of opening balances: first in the books, once, by two people, with the receivable of the approved list."""

import pgtrigger

from aidplatform.lib.guards import Guard, judged_now, kept, refuse
from ledger.books import chart
from ledger.custody.opening_debts import opening_in_force_sql
from members.joining.import_triggers import holds_duty

# Account, side and column of each line of the entry, in the order of the accounts.
LINES = (
    (chart.CUSTODY, "D", "custody_fen"),
    (chart.RECEIVABLE, "D", "receivable_fen"),
    # Of who has confirmed it goes into the wallets once the bank has shown it; until then it is owed to people.
    (chart.REFUNDS_PAYABLE, "C", "prepaid_fen"),
    (chart.CARRIED_SURPLUS, "C", "carried_surplus_fen"),
    (chart.RESERVE, "C", "reserve_fen"),
)
_FIXED = ("id", "pool_id", "number", *(column for _c, _s, column in LINES), "proof", "shown_sha256", "proposed_by",
          "proposed_at")  # fmt: skip
_SHOWN = ("pool_id", "number", *(column for _c, _s, column in LINES), "proof", "proposed_by")


def listed_sql(pool: str, column: str) -> str:
    """Return SQL for what the approved imports of a pool say is owed, or prepaid (fen); rows taken back say nothing."""
    return f"""(SELECT coalesce(sum(r.{column}), 0)::bigint FROM members_importedmember r
         JOIN members_memberimport i ON i.id = r.member_import_id
        WHERE r.pool_id = {pool} AND r.state <> 'withdrawn' AND i.state = 'approved')"""


_WHILE_GATHERING = f"""
    SELECT state, code INTO pool FROM members_pool WHERE id = NEW.pool_id FOR UPDATE;
    IF pool.state <> 'gathering' THEN
        {refuse("books_begin_while_gathering", "the pool is %s", "pool.state")}
    END IF;
"""
_EXPECTED = " UNION ALL ".join(f"SELECT '{code}', '{side}', NEW.{column}" for code, side, column in LINES)

# Whatever stands in the books besides this entry has been taken back to nothing, and the bank has told nothing yet.
_IS_FIRST = f"""
    IF EXISTS (SELECT 1 FROM ledger_journalentry e JOIN ledger_book b ON b.id = e.book_id
                 LEFT JOIN ledger_journalentry r ON r.id = e.reverses_id
                WHERE b.code = pool.code AND coalesce(r.kind, e.kind) <> 'opening')
       OR EXISTS ({opening_in_force_sql("NEW.pool_id")} AND o.id <> NEW.id)
       OR EXISTS (SELECT 1 FROM ledger_bankstatement s JOIN ledger_bankaccount a ON a.id = s.account_id
                   WHERE a.pool_id = NEW.pool_id) THEN
        {refuse("opening_comes_first_and_once", "the books or the bank of this pool have begun")}
    END IF;
"""

opening_guards = [
    Guard(
        name="opening_begins_proposed",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        declare=[("pool", "record")],
        func=f"""
            {judged_now()}
            {_WHILE_GATHERING}
            {_IS_FIRST}
            IF NOT {holds_duty("NEW.proposed_by", "pool_admin", "treasurer")} THEN
                {refuse("opening_people_hold_their_duty", "%s is neither pool admin nor treasurer", "NEW.proposed_by")}
            END IF;
            IF num_nonnulls(NEW.decided_by, NEW.decided_at, NEW.approved_sha256, NEW.entry_id) > 0 THEN
                {refuse("opening_begins_proposed", "it brings its decision along")}
            END IF;
            NEW.number := coalesce((SELECT max(number) FROM ledger_openingbalances WHERE pool_id = NEW.pool_id), 0) + 1;
            NEW.proposed_at := aid_now();
            NEW.receivable_fen := {listed_sql("NEW.pool_id", "owed_fen")};
            NEW.prepaid_fen := {listed_sql("NEW.pool_id", "prepaid_fen")};
            NEW.shown_sha256 := encode(sha256(convert_to(
                jsonb_build_array({", ".join(f"NEW.{column}" for column in _SHOWN)})::text, 'UTF8')), 'hex');
            RETURN NEW;
        """,
    ),
    Guard(
        name="opening_is_decided_as_shown",
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        declare=[("pool", "record")],
        func=f"""
            IF ({", ".join(f"NEW.{c}" for c in _FIXED)}) IS DISTINCT FROM ({", ".join(f"OLD.{c}" for c in _FIXED)})
               OR OLD.state <> 'proposed' AND NEW IS DISTINCT FROM OLD THEN
                {refuse("opening_is_decided_as_shown", "opening %s is not edited", "OLD.number")}
            END IF;
            {judged_now()}
            NEW.decided_at := aid_now();
            IF NEW.state <> 'approved' THEN
                IF NOT {holds_duty("NEW.decided_by", "controller", "pool_admin", "treasurer")} THEN
                    {refuse("opening_people_hold_their_duty", "%s may not take it back", "NEW.decided_by")}
                END IF;
                RETURN NEW;
            END IF;
            {_WHILE_GATHERING}
            {_IS_FIRST}
            IF NOT {holds_duty("NEW.decided_by", "controller")} THEN
                {refuse("opening_people_hold_their_duty", "%s is no controller", "NEW.decided_by")}
            END IF;
            IF (NEW.receivable_fen, NEW.prepaid_fen)
               <> ({listed_sql("NEW.pool_id", "owed_fen")}, {listed_sql("NEW.pool_id", "prepaid_fen")}) THEN
                {refuse("opening_owes_what_the_list_says", "receivable %s, prepaid %s; the approved lists say otherwise", "NEW.receivable_fen", "NEW.prepaid_fen")}
            END IF;
            IF NOT EXISTS (
                SELECT 1 FROM ledger_journalentry e JOIN ledger_book b ON b.id = e.book_id
                 WHERE e.id = NEW.entry_id AND b.code = pool.code AND e.kind = 'opening'
                   AND e.key = 'opening/' || NEW.number AND e.maker = NEW.proposed_by AND e.checker = NEW.decided_by)
               OR (SELECT jsonb_agg(jsonb_build_array(a.code, p.side, p.amount_fen) ORDER BY a.code)
                     FROM ledger_posting p JOIN ledger_account a ON a.id = p.account_id WHERE p.entry_id = NEW.entry_id)
                  IS DISTINCT FROM
                  (SELECT jsonb_agg(jsonb_build_array(code, side, fen) ORDER BY code)
                     FROM ({_EXPECTED}) line (code, side, fen) WHERE fen <> 0) THEN
                {refuse("approved_opening_has_its_entry", "opening %s is not booked as it was shown", "NEW.number")}
            END IF;
            RETURN NEW;
        """,
    ),
    kept("openings_are_kept", "openings are withdrawn, never deleted"),
]

# Hung on the journal: nobody books an opening that was not approved.
opening_entry_is_approved = Guard(
    name="opening_entry_is_approved",
    when=pgtrigger.After,
    operation=pgtrigger.Insert,
    timing=pgtrigger.Deferred,
    condition=pgtrigger.Condition("NEW.kind = 'opening'"),
    func=f"""
        IF NOT EXISTS (SELECT 1 FROM ledger_openingbalances WHERE entry_id = NEW.id AND state = 'approved') THEN
            {refuse("opening_entry_is_approved", "entry %s is no approved opening", "NEW.number")}
        END IF;
        RETURN NULL;
    """,
)

# Hung on imports and their rows: what the books took over as owed is what the lists say is owed.
import_leaves_the_opening = Guard(
    name="import_leaves_the_opening",
    when=pgtrigger.Before,
    operation=pgtrigger.Update,
    condition=pgtrigger.Condition(
        "NEW.state = 'approved' AND OLD.state <> 'approved' AND (NEW.owed_fen > 0 OR NEW.prepaid_fen > 0)"
    ),
    func=f"""
        PERFORM 1 FROM members_pool WHERE id = NEW.pool_id FOR UPDATE;
        IF EXISTS ({opening_in_force_sql("NEW.pool_id")}) THEN
            {refuse("opening_owes_what_the_list_says", "the books have begun without import %s", "NEW.number")}
        END IF;
        RETURN NEW;
    """,
)
imported_member_leaves_the_opening = Guard(
    name="imported_member_leaves_the_opening",
    when=pgtrigger.Before,
    operation=pgtrigger.Update,
    condition=pgtrigger.Condition(
        "NEW.state = 'withdrawn' AND OLD.state <> 'withdrawn' AND (NEW.owed_fen > 0 OR NEW.prepaid_fen > 0)"
    ),
    func=f"""
        PERFORM 1 FROM members_pool WHERE id = NEW.pool_id FOR UPDATE;
        IF EXISTS (SELECT 1 FROM members_memberimport WHERE id = NEW.member_import_id AND state = 'approved')
           AND EXISTS ({opening_in_force_sql("NEW.pool_id")}) THEN
            {refuse("opening_owes_what_the_list_says", "the books hold what row %s owes or has paid ahead", "NEW.row_no")}
        END IF;
        RETURN NEW;
    """,
)
