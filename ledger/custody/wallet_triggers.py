"""Guards of wallets. Names are the guarantees listed in ARCHITECTURE.md.

A wallet's balance is no column: it is the sum of its entries less the charges of posted periods. Entries and the closing
of a period wait for each other at the row of the pool's bank account.
"""

import pgtrigger

from aidplatform.lib.guards import Guard, judged_now, judges_rows, kept, refuse
from ledger.books import chart
from ledger.custody.opening_debts import opening_in_force_sql
from ledger.custody.triggers import USED, balance_sql, may_be_nobodys_sql
from ledger.custody.undoing_triggers import turn_fits_sql

_PAYS_AHEAD = "EXISTS (SELECT 1 FROM members_planversion v WHERE v.pool_id = {pool} AND v.terms ? 'funding')"

# Wallets hold what the control account says: an O(1) comparison, whatever the number of members.
_CONTROL = f"""
    booked := coalesce({balance_sql(chart.PREPAID, "{pool}")}, 0);
    held := coalesce((SELECT entries_fen FROM ledger_wallettotal WHERE pool_id = {{pool}}), 0)
          - coalesce((SELECT sum(wallet_fen + gap_fen) FROM ledger_period WHERE pool_id = {{pool}}), 0);
    IF booked <> held THEN
        {refuse("prepaid_is_sum_of_wallets", "the wallets hold %s, the books %s", "held", "booked")}
    END IF;
"""
# What the rules of the day ask for, before them those of the first version.
_FUNDING = """
    SELECT v.terms->'funding' AS terms FROM members_planversion v JOIN members_pool m ON m.id = v.pool_id
     WHERE v.pool_id = n.pool_id
     ORDER BY v.effective_date <= (aid_now() AT TIME ZONE m.time_zone)::date DESC,
              abs(v.effective_date - (aid_now() AT TIME ZONE m.time_zone)::date) LIMIT 1"""
_DECLARED = [("booked", "numeric"), ("held", "numeric")]

entry_guards = [
    # Set-based: a hundred thousand top-ups are judged by one pass over what they touch.
    judges_rows(
        "wallet_entry_follows_its_source",
        f"""
            {judged_now()}
            PERFORM 1 FROM ledger_bankaccount WHERE pool_id IN (SELECT DISTINCT pool_id FROM new_rows)
              ORDER BY id FOR NO KEY UPDATE;
            SELECT n.pool_id INTO bad FROM (SELECT DISTINCT pool_id FROM new_rows) n
             WHERE NOT {_PAYS_AHEAD.format(pool="n.pool_id")} LIMIT 1;
            IF FOUND THEN
                {refuse("wallets_are_of_pools_that_pay_ahead", "members of pool %s pay afterwards", "bad.pool_id")}
            END IF;
            SELECT n.membership_id INTO bad FROM new_rows n
              LEFT JOIN members_membership m ON m.id = n.membership_id AND m.pool_id = n.pool_id WHERE m.id IS NULL LIMIT 1;
            IF FOUND THEN
                {refuse("wallet_is_of_the_pool", "membership %s is of another pool", "bad.membership_id")}
            END IF;
            {turn_fits_sql("bad").format(payer="n.membership_id")}
            -- A receipt that bore the reference is all of its member's, until that is undone; another as far as it is free.
            SELECT n.membership_id, n.amount_fen, l.amount_fen AS came INTO bad
              FROM (SELECT * FROM new_rows WHERE kind = 'top_up') n JOIN ledger_statementline l ON l.id = n.line_id JOIN ledger_bankaccount a ON a.id = l.account_id
             WHERE a.pool_id <> n.pool_id OR l.direction <> 'in' OR l.kind NOT IN ('top_up', 'unidentified')
                OR NOT {may_be_nobodys_sql("l")} AND (l.membership_id, l.amount_fen) IS DISTINCT FROM (n.membership_id, n.amount_fen)
                OR {may_be_nobodys_sql("l")} AND {USED.format(line="l.id")} > l.amount_fen LIMIT 1;
            IF FOUND THEN
                {refuse("top_up_is_of_its_receipt", "%s for membership %s of a receipt of %s", "bad.amount_fen", "bad.membership_id", "bad.came")}
            END IF;
            SELECT n.recorded_by INTO bad FROM (SELECT DISTINCT pool_id, recorded_by FROM new_rows WHERE kind IN ('top_up', 'undone')) n
             WHERE NOT EXISTS (
                SELECT 1 FROM members_dutygrant g JOIN members_user u ON u.id = g.person_id
                 WHERE u.code = n.recorded_by AND g.duty = 'treasurer' AND g.ended_at IS NULL AND g.pool_id = n.pool_id) LIMIT 1;
            IF FOUND THEN
                {refuse("custody_people_hold_their_duty", "%s is no treasurer", "bad.recorded_by")}
            END IF;
            SELECT n.membership_id, n.amount_fen INTO bad FROM new_rows n
             WHERE n.kind = 'opening' AND NOT EXISTS (
                SELECT 1 FROM members_importedmember r
                  JOIN members_memberimport i ON i.id = r.member_import_id AND i.state = 'approved'
                 WHERE r.pool_id = n.pool_id AND r.membership_id = n.membership_id AND r.state = 'confirmed'
                   AND r.prepaid_fen = n.amount_fen AND EXISTS ({opening_in_force_sql("n.pool_id")})
                   AND EXISTS (SELECT 1 FROM ledger_bankstatement s JOIN ledger_bankaccount a ON a.id = s.account_id
                                WHERE a.pool_id = n.pool_id)
                   AND NOT EXISTS (SELECT 1 FROM ledger_paymentorder b
                                    WHERE b.listed_id = r.id AND b.state NOT IN ('cancelled', 'returned'))) LIMIT 1;
            IF FOUND THEN
                {refuse("wallet_opens_as_imported", "%s for membership %s is no balance that the opening took over", "bad.amount_fen", "bad.membership_id")}
            END IF;
            SELECT n.membership_id, n.amount_fen, o.amount_fen AS ordered INTO bad
              FROM new_rows n JOIN ledger_paymentorder o ON o.id = n.order_id
             WHERE (o.kind, o.pool_id, o.membership_id) IS DISTINCT FROM ('wallet'::varchar, n.pool_id, n.membership_id)
                OR abs(n.amount_fen) <> o.amount_fen
                OR (n.kind = 'refund') <> (o.state = 'ordered')
                OR n.kind = 'refund_undone' AND o.state NOT IN ('cancelled', 'returned') LIMIT 1;
            IF FOUND THEN
                {refuse("wallet_is_paid_back_by_its_order", "%s of membership %s; the order is over %s", "bad.amount_fen", "bad.membership_id", "bad.ordered")}
            END IF;
            -- While a period's headcount is frozen and it is not posted, what it may take stays.
            SELECT n.membership_id, wallet_balance(n.pool_id, n.membership_id) AS left_fen,
                   wallet_reserved(n.pool_id, n.membership_id) AS reserved INTO bad
              FROM new_rows n WHERE n.kind IN ('refund', 'undone')
               AND wallet_balance(n.pool_id, n.membership_id) < wallet_reserved(n.pool_id, n.membership_id) LIMIT 1;
            IF FOUND AND bad.left_fen < 0 THEN
                {refuse("wallet_never_negative", "membership %s would have %s", "bad.membership_id", "bad.left_fen")}
            ELSIF FOUND THEN
                {refuse("refund_leaves_the_next_share", "membership %s would have %s; a period may take %s", "bad.membership_id", "bad.left_fen", "bad.reserved")}
            END IF;
            -- Charges of a period stand among the others from the moment they are closed: then, and only then, a gap fits.
            SELECT n.membership_id, n.amount_fen INTO bad FROM new_rows n
              LEFT JOIN ledger_period p ON p.pool_id = n.pool_id AND p.number = n.period_no
             WHERE n.kind = 'gap' AND (p.state IS DISTINCT FROM 'posting' OR wallet_balance(n.pool_id, n.membership_id) <> 0) LIMIT 1;
            IF FOUND THEN
                {refuse("wallet_gap_is_what_is_lacking", "%s is not what the wallet of membership %s lacks", "bad.amount_fen", "bad.membership_id")}
            END IF;
            INSERT INTO ledger_wallettotal AS t (pool_id, entries_fen)
            SELECT pool_id, sum(amount_fen) FROM new_rows GROUP BY 1 ORDER BY 1
                ON CONFLICT (pool_id) DO UPDATE SET entries_fen = t.entries_fen + excluded.entries_fen;
            RETURN NULL;
        """,
    ),
]

total_guards = [
    Guard(
        name="prepaid_is_sum_of_wallets",
        when=pgtrigger.After,
        operation=pgtrigger.Insert | pgtrigger.Update,
        timing=pgtrigger.Deferred,
        declare=_DECLARED,
        func=f"{_CONTROL.format(pool='NEW.pool_id')} RETURN NULL;",
    ),
]

# Hung on the journal where both are known: an entry that moves the control account alone is refused as well.
prepaid_moves_with_its_wallets = Guard(
    name="prepaid_moves_with_its_wallets",
    when=pgtrigger.After,
    operation=pgtrigger.Insert,
    timing=pgtrigger.Deferred,
    declare=[*_DECLARED, ("pool", "bigint")],
    func=f"""
        SELECT m.id INTO pool FROM ledger_book k JOIN members_pool m ON m.code = k.code
         WHERE k.id = NEW.book_id AND EXISTS (
               SELECT 1 FROM ledger_posting p JOIN ledger_account a ON a.id = p.account_id
                WHERE p.entry_id = NEW.id AND a.code = '{chart.PREPAID}');
        IF pool IS NULL THEN
            RETURN NULL;
        END IF;
        {_CONTROL.format(pool="pool")}
        RETURN NULL;
    """,
)

wallet_order_has_its_entry = Guard(
    name="wallet_is_paid_back_by_its_order",
    when=pgtrigger.After,
    operation=pgtrigger.Insert | pgtrigger.Update,
    timing=pgtrigger.Deferred,
    condition=pgtrigger.Condition("NEW.kind = 'wallet'"),
    declare=[("taken", "numeric"), ("wanted", "numeric")],
    func=f"""
        SELECT coalesce(-sum(amount_fen), 0) INTO taken FROM ledger_walletentry WHERE order_id = NEW.id;
        SELECT CASE WHEN state IN ('cancelled', 'returned') THEN 0 ELSE amount_fen END INTO wanted
          FROM ledger_paymentorder WHERE id = NEW.id;
        IF taken <> wanted THEN
            {refuse("wallet_is_paid_back_by_its_order", "order %s takes %s from its wallet", "NEW.number", "taken")}
        END IF;
        RETURN NULL;
    """,
)

# Hung on the spans of memberships: those that wait for money do not begin or go on without it.
cover_waits_for_its_money = judges_rows(
    "cover_waits_for_its_money",
    f"""
        -- Where nobody pays ahead, a million who join are not looked up one by one.
        IF NOT EXISTS (SELECT 1 FROM members_planversion v
                        WHERE v.pool_id IN (SELECT DISTINCT pool_id FROM new_rows) AND v.terms ? 'funding') THEN
            RETURN NULL;
        END IF;
        SELECT w.membership_id, w.needed INTO bad FROM (
            SELECT n.pool_id, n.membership_id, (f.terms->>'join_fen')::bigint AS needed, false AS is_over
              FROM new_rows n JOIN members_awaitedcover a ON a.membership_id = n.membership_id
              CROSS JOIN LATERAL ({_FUNDING}) f
             WHERE NOT EXISTS (SELECT 1 FROM members_span s WHERE s.pool_id = n.pool_id
                                  AND s.membership_id = n.membership_id AND s.from_at < n.from_at)
             UNION ALL
            SELECT n.pool_id, n.membership_id, greatest((f.terms->>'warn_below_fen')::bigint, 1), p.state IN ('lapsed', 'ended')
              FROM new_rows n JOIN LATERAL (
                    SELECT state FROM ledger_suspension s WHERE s.pool_id = n.pool_id AND s.membership_id = n.membership_id
                     ORDER BY period_no DESC LIMIT 1) p ON p.state <> 'restored'
              CROSS JOIN LATERAL ({_FUNDING}) f) w
         WHERE w.is_over OR wallet_balance(w.pool_id, w.membership_id) < w.needed LIMIT 1;
        IF FOUND THEN
            {refuse("cover_waits_for_its_money", "membership %s counts from %s in its wallet on, and not once it has lapsed or ended", "bad.membership_id", "bad.needed")}
        END IF;
        RETURN NULL;
    """,
)

suspension_guards = [
    Guard(
        name="suspension_keeps_its_days",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert | pgtrigger.Update,
        func=f"""
            IF TG_OP = 'UPDATE' AND
               (NEW.pool_id, NEW.membership_id, NEW.period_no, NEW.class_no, NEW.cause, NEW.from_date, NEW.until_date)
               IS DISTINCT FROM
               (OLD.pool_id, OLD.membership_id, OLD.period_no, OLD.class_no, OLD.cause, OLD.from_date, OLD.until_date)
               OR NEW.until_date < NEW.from_date THEN
                {refuse("suspension_keeps_its_days", "a suspension is ended, never edited")}
            END IF;
            IF TG_OP = 'INSERT' AND NEW.cause = 'gap' AND NOT EXISTS (
                SELECT 1 FROM ledger_walletentry WHERE pool_id = NEW.pool_id AND membership_id = NEW.membership_id
                   AND kind = 'gap' AND period_no = NEW.period_no) THEN
                {refuse("suspension_follows_a_gap", "period %s lacked nothing of this wallet", "NEW.period_no")}
            END IF;
            RETURN NEW;
        """,
    ),
    Guard(
        name="suspension_that_is_over_is_an_end",
        when=pgtrigger.After,
        operation=pgtrigger.Update,
        timing=pgtrigger.Deferred,
        condition=pgtrigger.Condition("NEW.state IN ('lapsed', 'ended')"),
        func=f"""
            IF NOT EXISTS (SELECT 1 FROM members_membershipend WHERE membership_id = NEW.membership_id) THEN
                {refuse("suspension_that_is_over_is_an_end", "nothing says why membership %s does not go on", "NEW.membership_id")}
            END IF;
            RETURN NULL;
        """,
    ),
    kept("suspensions_are_kept", "suspensions are ended, never deleted"),
]
