"""Guards of custody. Names are the guarantees listed in ARCHITECTURE.md.

Whatever judges money against other rows first takes the row of the pool's bank account: imports, orders and
releases of one pool wait for each other, so two releases can't both pass on the same money. An order of locks:
pool (services), bank account (these guards), orders, account balances.
"""

import pgtrigger

from aidplatform.lib.guards import Guard, judged_now, judges_rows, kept, refuse
from ledger.books import chart
from ledger.custody.opening_debts import balance_waits_sql

_LOCK_ACCOUNT = "PERFORM 1 FROM ledger_bankaccount WHERE {where} FOR NO KEY UPDATE;"

# Everything a controller sees before releasing, in this order, joined by '|'.
SHOWN_COLUMNS = (
    "pool_id",
    "number",
    "kind",
    "award_id",
    "period_id",
    "receipt_id",
    "amount_fen",
    "payee_hint",
    "ordered_by",
)
PAYABLE = {
    "aid": chart.AID_PAYABLE,
    "fee": chart.FEE_PAYABLE,
    "refund": chart.REFUNDS_PAYABLE,
    "wallet": chart.REFUNDS_PAYABLE,
    "balance": chart.REFUNDS_PAYABLE,
    "shares": chart.REFUNDS_PAYABLE,
    "cost": chart.COSTS_PAYABLE,
}
# What such an order takes is set aside for its payee before it is made, or with it.
SET_ASIDE = "('refund', 'wallet', 'balance', 'shares', 'cost')"
PROTECTED = (chart.PREPAID, chart.REFUNDS_PAYABLE, chart.COSTS_PAYABLE, chart.UNIDENTIFIED, chart.RESERVE)
_PAYABLE_SQL = "CASE {row}.kind " + " ".join(f"WHEN '{k}' THEN '{c}'" for k, c in PAYABLE.items()) + " END"


def shown_sql(row: str) -> str:
    """Return SQL for the text that a release is hashed over; missing parts are written as nothing."""
    parts = [f"coalesce({row}.{column}::text, '')" for column in SHOWN_COLUMNS]
    # Last, and left out where there is none, so that orders of before hash as they did.
    parts += [
        f"encode({row}.payee_hash, 'hex')",
        f"{row}.membership_id::text",
        f"'row ' || {row}.listed_id::text",
        f"'debit ' || {row}.debit_id::text",
        f"'cost ' || {row}.cost_id::text",
    ]
    return "concat_ws('|', " + ", ".join(parts) + ")"


def holds_duty(column: str, duty: str, pool: str) -> str:
    """Return SQL that tells whether the person in that column holds the duty in the pool now."""
    return f"""EXISTS (
        SELECT 1 FROM members_dutygrant g JOIN members_user u ON u.id = g.person_id
         WHERE u.code = NEW.{column} AND g.duty = '{duty}' AND g.ended_at IS NULL AND g.pool_id = {pool})"""


def balance_sql(code: str, pool: str) -> str:
    """Return SQL for an account's balance on its normal side."""
    side = (
        "b.debit_fen - b.credit_fen"
        if chart.BY_CODE[code].normal_side == "D"
        else "b.credit_fen - b.debit_fen"
    )
    return f"""(SELECT {side} FROM ledger_accountbalance b JOIN ledger_account a ON a.id = b.account_id
                 JOIN ledger_book k ON k.id = a.book_id JOIN members_pool p ON p.code = k.code
                WHERE p.id = {pool} AND a.code = '{code}')"""


# What of a receipt is used: by shares paid, by wallets, by payments back of the receipt itself, and where the bank gave
# back with it what it had taken by mistake.
USED = """(coalesce((SELECT sum(c.amount_fen) FROM ledger_collection c WHERE c.line_id = {line}), 0)
         + coalesce((SELECT sum(w.amount_fen) FROM ledger_walletentry w WHERE w.line_id = {line}), 0)
         + coalesce((SELECT sum(o.amount_fen) FROM ledger_paymentorder o
                      WHERE o.receipt_id = {line} AND o.state NOT IN ('cancelled', 'returned')), 0)
         + coalesce((SELECT sum(x.amount_fen) FROM ledger_debitexplanation x
                      WHERE x.receipt_id = {line} AND x.state = 'agreed'), 0))"""


def may_be_nobodys_sql(line: str) -> str:
    """Return SQL that tells whether a booking can hold money that is nobody's: not what is all in a wallet."""
    return f"""({line}.kind IN ('collection', 'unidentified') OR {line}.kind = 'top_up' AND EXISTS (
        SELECT 1 FROM ledger_matchundoing u WHERE u.receipt_id = {line}.id AND u.state = 'agreed'))"""


def collected_sql(period: str) -> str:
    """Return SQL for what has come in for a period (fen): shares paid, or what it took from wallets.

    What wallets lacked has come in once a later period, which shares it, took everything from wallets that it asked for.
    """
    return f"""(coalesce((SELECT sum(c.amount_fen) FROM ledger_collection c
                           WHERE c.pool_id = {period}.pool_id AND c.period_no = {period}.number), 0)
        + coalesce({period}.wallet_fen, 0)
        + CASE WHEN {period}.gap_fen > 0 AND EXISTS (
                    SELECT 1 FROM ledger_period later WHERE later.pool_id = {period}.pool_id AND later.state = 'posted'
                       AND later.number > {period}.number AND later.gap_fen = 0)
               THEN {period}.gap_fen ELSE 0 END)"""


def fee_lowered_sql(period: str) -> str:
    """Return SQL for what settlements of a pool that ends and aid taken back have taken from a period's fee (fen)."""
    return f"""(coalesce((SELECT sum((f->>1)::bigint) FROM ledger_finalsettlement s, jsonb_array_elements(s.figures->'fees') f
         WHERE s.pool_id = {period}.pool_id AND s.state = 'approved' AND (f->>0)::int = {period}.number), 0)
        + coalesce((SELECT sum(r.fee_fen) FROM ledger_awardrevocation r JOIN ledger_award w ON w.id = r.award_id
                     WHERE w.period_id = {period}.id AND r.state = 'agreed'), 0))"""


def free_money_sql(pool: str) -> str:
    """Return SQL for what custody holds beyond what belongs to others and what released orders will take (fen)."""
    protected = " + ".join(balance_sql(code, pool) for code in PROTECTED)
    return f"""({balance_sql(chart.CUSTODY, pool)} - ({protected})
        - coalesce((SELECT sum(o.amount_fen) FROM ledger_paymentorder o
                     WHERE o.pool_id = {pool} AND o.state = 'released'), 0))"""


account_guards = [
    # What the books held before the first statement must be at the bank: the opening balance is compared with it.
    Guard(
        name="bank_account_has_books",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        func=f"""
            IF NOT EXISTS (SELECT 1 FROM ledger_book b JOIN members_pool p ON p.code = b.code WHERE p.id = NEW.pool_id) THEN
                {refuse("bank_account_has_books", "pool %s has no books", "NEW.pool_id")}
            END IF;
            RETURN NEW;
        """,
    ),
]

statement_guards = [
    Guard(
        name="statement_follows_last",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        declare=[("last", "record"), ("pool", "bigint"), ("booked", "bigint")],
        func=f"""
            {judged_now()}
            {_LOCK_ACCOUNT.format(where="id = NEW.account_id")}
            SELECT pool_id INTO pool FROM ledger_bankaccount WHERE id = NEW.account_id;
            IF NOT {holds_duty("imported_by", "treasurer", "pool")} THEN
                {refuse("custody_people_hold_their_duty", "%s is no treasurer", "NEW.imported_by")}
            END IF;
            SELECT number, to_date, closing_fen INTO last FROM ledger_bankstatement
             WHERE account_id = NEW.account_id ORDER BY number DESC LIMIT 1;
            booked := {balance_sql(chart.CUSTODY, "pool")};
            NEW.number := coalesce(last.number, 0) + 1;
            IF NEW.from_date <> coalesce(last.to_date, NEW.from_date)
               OR NEW.opening_fen <> coalesce(last.closing_fen, booked) THEN
                {refuse("statement_follows_last", "from %s with %s; the last one ends at %s with %s", "NEW.from_date", "NEW.opening_fen", "last.to_date", "coalesce(last.closing_fen, booked)")}
            END IF;
            RETURN NEW;
        """,
    ),
    # At the commit: the lines have come, and the entries that book them leave the ledger at the bank's figure.
    Guard(
        name="custody_equals_bank",
        when=pgtrigger.After,
        operation=pgtrigger.Insert,
        timing=pgtrigger.Deferred,
        declare=[("lines", "record"), ("booked", "bigint")],
        func=f"""
            SELECT count(*) AS lines, coalesce(sum(CASE direction WHEN 'in' THEN amount_fen ELSE -amount_fen END), 0) AS moved
              INTO lines FROM ledger_statementline WHERE statement_id = NEW.id;
            IF lines.lines <> NEW.line_count OR NEW.opening_fen + lines.moved <> NEW.closing_fen THEN
                {refuse("statement_adds_up", "opening %s + lines %s, closing %s", "NEW.opening_fen", "lines.moved", "NEW.closing_fen")}
            END IF;
            IF EXISTS (SELECT 1 FROM ledger_bankstatement WHERE account_id = NEW.account_id AND number > NEW.number) THEN
                RETURN NULL;
            END IF;
            booked := {balance_sql(chart.CUSTODY, "(SELECT pool_id FROM ledger_bankaccount WHERE id = NEW.account_id)")};
            IF booked <> NEW.closing_fen THEN
                {refuse("custody_equals_bank", "bank %s, ledger %s", "NEW.closing_fen", "booked")}
            END IF;
            RETURN NULL;
        """,
    ),
]

line_guards = [
    # All lines of a statement come in one INSERT, as the postings of an entry do; a later one is refused. So is one of
    # a statement or account that is not there: as statements are never changed or deleted, no foreign key is needed,
    # which would look for the same two rows with each of half a million lines, at the commit.
    judges_rows(
        "statement_adds_up",
        f"""
            SELECT s.number, s.opening_fen, s.closing_fen, n.moved INTO bad
              FROM (SELECT statement_id, account_id, count(*) AS lines, min(booking_date) AS first_day, max(booking_date) AS last_day,
                           sum(CASE direction WHEN 'in' THEN amount_fen ELSE -amount_fen END) AS moved
                      FROM new_rows GROUP BY 1, 2) n
              LEFT JOIN ledger_bankstatement s ON s.id = n.statement_id
             WHERE s.id IS NULL OR s.account_id <> n.account_id
                OR s.opening_fen + n.moved <> s.closing_fen OR s.line_count <> n.lines
                OR n.first_day < s.from_date OR n.last_day >= s.to_date
                OR (SELECT count(*) FROM ledger_statementline l WHERE l.statement_id = s.id) <> n.lines LIMIT 1;
            IF FOUND THEN
                {refuse("statement_adds_up", "statement %s: opening %s + lines %s, closing %s", "bad.number", "bad.opening_fen", "bad.moved", "bad.closing_fen")}
            END IF;
            SELECT n.line_no INTO bad FROM new_rows n JOIN ledger_bankaccount a ON a.id = n.account_id
              LEFT JOIN members_membership m ON m.id = n.membership_id AND m.pool_id = a.pool_id
             WHERE n.membership_id IS NOT NULL AND m.id IS NULL LIMIT 1;
            IF FOUND THEN
                {refuse("line_payer_is_of_the_pool", "line %s names a membership of another pool", "bad.line_no")}
            END IF;
            RETURN NULL;
        """,
    ),
    # A booking that is called a payment made, or one returned, is that of exactly one order.
    Guard(
        name="payment_line_has_its_order",
        when=pgtrigger.After,
        operation=pgtrigger.Insert,
        timing=pgtrigger.Deferred,
        condition=pgtrigger.Condition("NEW.kind IN ('payment', 'returned')"),
        func=f"""
            IF NOT EXISTS (SELECT 1 FROM ledger_paymentorder
                            WHERE (NEW.kind = 'payment' AND confirmed_line_id = NEW.id)
                               OR (NEW.kind = 'returned' AND returned_line_id = NEW.id)) THEN
                {refuse("payment_line_has_its_order", "line %s settles no order", "NEW.line_no")}
            END IF;
            RETURN NULL;
        """,
    ),
]

_STATE_COLUMNS = (
    "state", "released_by", "released_at", "proved_at", "released_sha256", "confirmed_line_id", "returned_line_id",
    "cancelled_by", "cancelled_at",
)  # fmt: skip
_TERMS = (
    "pool_id", "number", "kind", "award_id", "period_id", "receipt_id", "debit_id", "membership_id", "listed_id",
    "cost_id", "amount_fen", "payee_name", "payee_account", "payee_hash", "payee_hint", "ordered_by", "ordered_at",
)  # fmt: skip
_LIVE = "state NOT IN ('cancelled', 'returned')"

# floor(Φ × collected / S) of the period; a period that charged nobody has its fee from the carry.
_FEE_LIMIT = (
    """
    SELECT p.state, p.pool_id, p.fee_fen,
           p.aid_fen - coalesce((SELECT sum(w.lowered_fen) FROM ledger_award w WHERE w.period_id = p.id), 0) AS aid_fen,
           least(p.fee_fen - {lowered},
                 CASE WHEN p.assessed_fen = 0 THEN p.fee_fen
                      ELSE div(p.fee_fen::numeric * {collected}, p.assessed_fen) END) AS earned,
           coalesce((SELECT sum(o.amount_fen) FROM ledger_paymentorder o
                      WHERE o.period_id = p.id AND o.{live} AND o.id <> coalesce(NEW.id, 0)), 0) AS taken,
           coalesce((SELECT sum(o.amount_fen) FROM ledger_paymentorder o JOIN ledger_award w ON w.id = o.award_id
                      WHERE w.period_id = p.id AND o.{live}), 0) AS aided
      INTO fee FROM ledger_period p WHERE p.id = NEW.period_id;
""".replace("{live}", _LIVE)
    .replace("{collected}", collected_sql("p"))
    .replace("{lowered}", fee_lowered_sql("p"))
)

_CHECK_FEE = f"""
    {_FEE_LIMIT}
    IF fee.state IS DISTINCT FROM 'posted' OR fee.pool_id <> NEW.pool_id THEN
        {refuse("fee_follows_the_aid", "the period is not posted")}
    END IF;
    IF fee.aided < fee.aid_fen THEN
        {refuse("fee_follows_the_aid", "aid ordered %s of %s", "fee.aided", "fee.aid_fen")}
    END IF;
    IF fee.taken + NEW.amount_fen > fee.earned THEN
        {refuse("fee_follows_the_cash", "fee %s + %s; %s is earned by what was collected", "fee.taken", "NEW.amount_fen", "fee.earned")}
    END IF;
"""

_CHECK_AID = f"""
    SELECT w.state, w.pool_id, w.shared_fen - w.lowered_fen AS aid_fen, w.payee_hash, p.state AS period_state INTO award
      FROM ledger_award w LEFT JOIN ledger_period p ON p.id = w.period_id WHERE w.id = NEW.award_id;
    IF award.state IS DISTINCT FROM 'shared' OR award.period_state IS DISTINCT FROM 'posted' OR award.pool_id <> NEW.pool_id THEN
        {refuse("aid_order_needs_a_shared_award", "the award is %s", "award.state")}
    END IF;
    IF award.payee_hash IS NOT NULL AND NEW.payee_hash IS DISTINCT FROM award.payee_hash THEN
        {refuse("aid_goes_to_the_named_payee", "the award names another payee than the order")}
    END IF;
    SELECT coalesce(sum(amount_fen), 0) INTO ordered FROM ledger_paymentorder WHERE award_id = NEW.award_id AND {_LIVE};
    IF ordered + NEW.amount_fen > award.aid_fen THEN
        {refuse("aid_paid_at_most_the_award", "ordered %s + %s of %s", "ordered", "NEW.amount_fen", "award.aid_fen")}
    END IF;
    IF EXISTS (SELECT 1 FROM ledger_awardrevocation WHERE award_id = NEW.award_id AND state IN ('proposed', 'agreed')) THEN
        {refuse("revoked_aid_is_not_ordered", "aid of the case is taken back, or is to be")}
    END IF;
    SELECT payable_fen INTO payable FROM custody_payable(NEW.pool_id) WHERE award_id = NEW.award_id;
    IF NEW.amount_fen > coalesce(payable, 0) THEN
        {refuse("aid_is_paid_as_collected", "%s asked for, %s can be paid now", "NEW.amount_fen", "coalesce(payable, 0)")}
    END IF;
"""

# Of a debit what it brought and no share needed, once: what was taken back is not paid back as well.
_CHECK_DEBIT_REFUND = f"""
    SELECT r.amount_fen - coalesce((SELECT sum(k.amount_fen) FROM ledger_collection k WHERE k.result_id = r.id), 0)
           - coalesce((SELECT sum(o.amount_fen) FROM ledger_paymentorder o
                        WHERE o.debit_id = r.id AND o.{_LIVE} AND o.id <> coalesce(NEW.id, 0)), 0) AS open_fen INTO receipt
      FROM ledger_chargeresult r JOIN ledger_chargeinstruction i ON i.id = r.instruction_id
     WHERE r.id = NEW.debit_id AND r.kind = 'collected' AND i.pool_id = NEW.pool_id
       AND NOT EXISTS (SELECT 1 FROM ledger_chargeresult b WHERE b.instruction_id = r.instruction_id AND b.kind = 'returned');
    IF receipt.open_fen IS NULL OR NEW.amount_fen > receipt.open_fen THEN
        {refuse("debit_is_paid_back_once", "%s is left of the debit; refund %s", "coalesce(receipt.open_fen, 0)", "NEW.amount_fen")}
    END IF;
"""

_CHECK_REFUND = f"""
    SELECT l.amount_fen, l.direction, {may_be_nobodys_sql("l")} AS is_free, a.pool_id INTO receipt
      FROM ledger_statementline l JOIN ledger_bankaccount a ON a.id = l.account_id WHERE l.id = NEW.receipt_id;
    ordered := {USED.format(line="NEW.receipt_id")};
    IF receipt.direction <> 'in' OR NOT receipt.is_free OR receipt.pool_id <> NEW.pool_id
       OR ordered + NEW.amount_fen > receipt.amount_fen THEN
        {refuse("receipt_is_used_once", "%s of %s is used; refund %s", "ordered", "receipt.amount_fen", "NEW.amount_fen")}
    END IF;
"""

# All of the balance, of somebody who has not confirmed: who confirms later finds an empty wallet.
_CHECK_BALANCE = f"""
    SELECT r.prepaid_fen INTO receipt FROM members_importedmember r
     WHERE r.id = NEW.listed_id AND r.pool_id = NEW.pool_id AND r.state = 'open' AND {balance_waits_sql("r")};
    IF receipt.prepaid_fen IS DISTINCT FROM NEW.amount_fen THEN
        {refuse("balance_is_paid_back_whole_and_once", "%s is no balance that waits for nobody", "NEW.amount_fen")}
    END IF;
"""

# What was paid goes back, in one payment or several: a family's payers may be more than one.
_CHECK_SHARES = f"""
    SELECT r.paid_fen, r.payee_hash,
           EXISTS (SELECT 1 FROM ledger_collection k WHERE k.pool_id = r.pool_id AND k.membership_id = r.membership_id
                      AND k.payer_id IS NOT NULL) AS another_paid INTO receipt FROM ledger_sharesreturn r
     WHERE r.pool_id = NEW.pool_id AND r.membership_id = NEW.membership_id AND r.entry_id IS NOT NULL;
    SELECT coalesce(sum(amount_fen), 0) INTO ordered FROM ledger_paymentorder
     WHERE pool_id = NEW.pool_id AND kind = 'shares' AND membership_id = NEW.membership_id AND {_LIVE};
    IF ordered + NEW.amount_fen > coalesce(receipt.paid_fen, 0) THEN
        {refuse("shares_go_back_as_they_were_paid", "%s of %s is ordered; another %s", "ordered", "coalesce(receipt.paid_fen, 0)", "NEW.amount_fen")}
    END IF;
    IF NOT receipt.another_paid AND NEW.payee_hash IS DISTINCT FROM receipt.payee_hash THEN
        {refuse("shares_go_back_to_the_named_payee", "the claim names another payee than the order")}
    END IF;
"""

# To the account that the bill names, in one payment or several, and no more than was approved.
_CHECK_COST = f"""
    SELECT c.amount_fen, c.payee_hash INTO receipt FROM ledger_outsidecost c
     WHERE c.id = NEW.cost_id AND c.pool_id = NEW.pool_id AND c.state = 'approved';
    SELECT coalesce(sum(amount_fen), 0) INTO ordered FROM ledger_paymentorder WHERE cost_id = NEW.cost_id AND {_LIVE};
    IF ordered + NEW.amount_fen > coalesce(receipt.amount_fen, 0) THEN
        {refuse("cost_is_paid_once", "%s of %s is ordered; another %s", "ordered", "coalesce(receipt.amount_fen, 0)", "NEW.amount_fen")}
    END IF;
    IF NEW.payee_hash IS DISTINCT FROM receipt.payee_hash THEN
        {refuse("cost_goes_to_its_payee", "the bill names another payee than the order")}
    END IF;
"""

# The entry of a release: Dr what is owed / Cr payments in transit, by the two people.
_RELEASE_ENTRY = f"""
    IF NOT EXISTS (
        SELECT 1 FROM ledger_journalentry e JOIN ledger_book b ON b.id = e.book_id JOIN members_pool p ON p.code = b.code
         WHERE p.id = NEW.pool_id AND e.key = 'payment/' || NEW.number || '/released' AND e.kind = 'payment_released'
           AND e.maker = NEW.ordered_by AND e.checker = NEW.released_by
           AND (SELECT jsonb_agg(jsonb_build_array(a.code, o.side, o.amount_fen) ORDER BY a.code)
                  FROM ledger_posting o JOIN ledger_account a ON a.id = o.account_id WHERE o.entry_id = e.id)
             = jsonb_build_array(jsonb_build_array({_PAYABLE_SQL.format(row="NEW")}, 'D', NEW.amount_fen),
                                 jsonb_build_array('{chart.IN_TRANSIT_OUT}', 'C', NEW.amount_fen))) THEN
        {refuse("released_order_has_its_entry", "payment %s is not booked", "NEW.number")}
    END IF;
"""

order_guards = [
    Guard(
        name="order_begins_as_ordered",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        declare=[
            ("award", "record"),
            ("fee", "record"),
            ("receipt", "record"),
            ("ordered", "numeric"),
            ("payable", "numeric"),
        ],
        func=f"""
            {judged_now()}
            {_LOCK_ACCOUNT.format(where="pool_id = NEW.pool_id")}
            IF NOT FOUND THEN
                {refuse("order_needs_a_bank_account", "pool %s has no bank account", "NEW.pool_id")}
            END IF;
            IF num_nonnulls({", ".join(f"NEW.{c}" for c in _STATE_COLUMNS if c != "state")}) > 0 THEN
                {refuse("order_begins_as_ordered", "order %s brings later steps along", "NEW.number")}
            END IF;
            IF NOT {holds_duty("ordered_by", "treasurer", "NEW.pool_id")} THEN
                {refuse("custody_people_hold_their_duty", "%s is no treasurer", "NEW.ordered_by")}
            END IF;
            NEW.number := coalesce((SELECT max(number) FROM ledger_paymentorder WHERE pool_id = NEW.pool_id), 0) + 1;
            NEW.shown_sha256 := encode(sha256(convert_to({shown_sql("NEW")}, 'UTF8')), 'hex');
            IF NEW.kind = 'aid' THEN {_CHECK_AID}
            ELSIF NEW.kind = 'fee' THEN {_CHECK_FEE}
            ELSIF NEW.kind = 'refund' AND NEW.debit_id IS NOT NULL THEN {_CHECK_DEBIT_REFUND}
            ELSIF NEW.kind = 'refund' THEN {_CHECK_REFUND}
            ELSIF NEW.kind = 'balance' THEN {_CHECK_BALANCE}
            ELSIF NEW.kind = 'shares' THEN {_CHECK_SHARES}
            ELSIF NEW.kind = 'cost' THEN {_CHECK_COST}
            END IF;
            RETURN NEW;
        """,
    ),
    Guard(
        name="order_keeps_its_terms",
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        func=f"""
            IF ({", ".join(f"NEW.{c}" for c in (*_TERMS, "shown_sha256"))}) IS DISTINCT FROM
               ({", ".join(f"OLD.{c}" for c in (*_TERMS, "shown_sha256"))})
               OR OLD.released_by IS NOT NULL AND (NEW.released_by, NEW.released_at, NEW.released_sha256, NEW.proved_at) IS DISTINCT FROM
                  (OLD.released_by, OLD.released_at, OLD.released_sha256, OLD.proved_at)
               OR OLD.confirmed_line_id IS NOT NULL AND NEW.confirmed_line_id IS DISTINCT FROM OLD.confirmed_line_id
               OR OLD.state IN ('cancelled', 'returned') AND NEW IS DISTINCT FROM OLD THEN
                {refuse("order_keeps_its_terms", "order %s is not edited: cancel it and make another", "OLD.number")}
            END IF;
            IF NEW.cancelled_by IS NOT NULL AND OLD.cancelled_by IS NULL
               AND NOT {holds_duty("cancelled_by", "controller", "NEW.pool_id")}
               AND (OLD.state = 'released' OR NOT {holds_duty("cancelled_by", "treasurer", "NEW.pool_id")}) THEN
                {refuse("custody_people_hold_their_duty", "%s may not cancel it", "NEW.cancelled_by")}
            END IF;
            RETURN NEW;
        """,
    ),
    # The money is judged under the lock of the account: of two releases at once the second sees the first.
    Guard(
        name="aid_never_spends_protected_money",
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        declare=[("fee", "record"), ("free", "numeric")],
        func=f"""
            IF NEW.state <> 'released' OR OLD.state = 'released' THEN
                IF NEW.released_by IS DISTINCT FROM OLD.released_by THEN
                    {refuse("order_keeps_its_terms", "order %s is not being released", "OLD.number")}
                END IF;
                RETURN NEW;
            END IF;
            {judged_now()}
            {_LOCK_ACCOUNT.format(where="pool_id = NEW.pool_id")}
            IF NOT {holds_duty("released_by", "controller", "NEW.pool_id")} THEN
                {refuse("custody_people_hold_their_duty", "%s is no controller", "NEW.released_by")}
            END IF;
            {_RELEASE_ENTRY}
            IF NEW.kind = 'fee' THEN {_CHECK_FEE} END IF;
            free := {free_money_sql("NEW.pool_id")};
            IF free < NEW.amount_fen THEN
                {refuse("aid_never_spends_protected_money", "%s can be spent, the order takes %s", "free", "NEW.amount_fen")}
            END IF;
            RETURN NEW;
        """,
    ),
    Guard(
        name="order_is_settled_by_its_line",
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        declare=[("line", "record")],
        func=f"""
            IF NEW.confirmed_line_id IS DISTINCT FROM OLD.confirmed_line_id THEN
                SELECT l.kind, l.amount_fen, a.pool_id INTO line FROM ledger_statementline l
                  JOIN ledger_bankaccount a ON a.id = l.account_id WHERE l.id = NEW.confirmed_line_id;
                -- A debit that came without its reference is a payment once two people have found out that it is this one.
                IF line.kind = 'unexplained' AND EXISTS (
                        SELECT 1 FROM ledger_debitexplanation WHERE line_id = NEW.confirmed_line_id
                           AND order_id = NEW.id AND cause = 'payment' AND state = 'agreed') THEN
                    line.kind := 'payment';
                END IF;
                IF (line.kind, line.amount_fen, line.pool_id) IS DISTINCT FROM ('payment'::varchar, NEW.amount_fen, NEW.pool_id) THEN
                    {refuse("order_is_settled_by_its_line", "the line is no payment of %s", "NEW.amount_fen")}
                END IF;
            END IF;
            IF NEW.returned_line_id IS DISTINCT FROM OLD.returned_line_id THEN
                SELECT l.kind, l.amount_fen, a.pool_id INTO line FROM ledger_statementline l
                  JOIN ledger_bankaccount a ON a.id = l.account_id WHERE l.id = NEW.returned_line_id;
                IF (line.kind, line.amount_fen, line.pool_id) IS DISTINCT FROM ('returned'::varchar, NEW.amount_fen, NEW.pool_id) THEN
                    {refuse("order_is_settled_by_its_line", "the line is no return of %s", "NEW.amount_fen")}
                END IF;
            END IF;
            RETURN NEW;
        """,
    ),
    kept("orders_are_kept", "payment orders are cancelled, never deleted"),
]
