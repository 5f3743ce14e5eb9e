"""Guards of wrong matches that are undone. Names are the guarantees listed in ARCHITECTURE.md.

They take the rows of pool and bank account first, as all do that use up a receipt: a payment, a refund and an undoing
of one pool wait for each other. Nothing is edited: what the receipt had paid is taken back by rows of its own.
"""

import pgtrigger

from aidplatform.lib.guards import Guard, refuse
from ledger.books import chart
from ledger.custody.decided_sql import proposal_guards

KIND = "match_undone"
_LOCK = """
            PERFORM 1 FROM members_pool WHERE id = NEW.pool_id FOR NO KEY UPDATE;
            PERFORM 1 FROM ledger_bankaccount WHERE pool_id = NEW.pool_id FOR NO KEY UPDATE;"""

# What the receipt still pays as that membership's money, and whether that is still there: of shares none of it was taken
# back by the bank or paid back with the shares; of a wallet what is in it beyond what a period may take.
_JUDGED = f"""
    IF NOT EXISTS (SELECT 1 FROM ledger_statementline l JOIN ledger_bankaccount a ON a.id = l.account_id
                    WHERE l.id = NEW.receipt_id AND a.pool_id = NEW.pool_id AND l.direction = 'in') THEN
        {refuse("only_a_standing_match_is_undone", "line %s is no receipt of this pool", "NEW.receipt_id")}
    END IF;
    SELECT coalesce(sum(k.fen), 0) AS fen, coalesce(sum(k.fen) FILTER (WHERE w.id IS NOT NULL AND k.period_no > 0), 0) AS recovered,
           coalesce(bool_or(w.shares_return_id IS NOT NULL OR standing.fen < k.fen), false) AS is_gone INTO paid
      FROM (SELECT membership_id, period_no, payer_id, sum(amount_fen) AS fen FROM ledger_collection
             WHERE line_id = NEW.receipt_id AND coalesce(payer_id, membership_id) = NEW.membership_id
             GROUP BY 1, 2, 3 HAVING sum(amount_fen) > 0) k
      CROSS JOIN LATERAL (SELECT sum(n.amount_fen) AS fen FROM ledger_collection n
                           WHERE n.pool_id = NEW.pool_id AND n.membership_id = k.membership_id AND n.period_no = k.period_no
                             AND n.payer_id IS NOT DISTINCT FROM k.payer_id) standing
      LEFT JOIN ledger_writtenoffcharge w ON w.pool_id = NEW.pool_id AND w.membership_id = k.membership_id
                                         AND w.period_no = k.period_no;
    SELECT coalesce(sum(amount_fen), 0) INTO held FROM ledger_walletentry
     WHERE line_id = NEW.receipt_id AND membership_id = NEW.membership_id;
    IF paid.fen + held <= 0 THEN
        {refuse("only_a_standing_match_is_undone", "nothing of receipt %s counts as money of this membership", "NEW.receipt_id")}
    END IF;
    there := least(held, wallet_balance(NEW.pool_id, NEW.membership_id) - wallet_reserved(NEW.pool_id, NEW.membership_id));
    IF paid.is_gone OR held > 0 AND there <= 0 THEN
        {refuse("undone_money_is_still_there", "of %s nothing is left to take back", "paid.fen + held")}
    END IF;
    IF EXISTS (SELECT 1 FROM ledger_finalsettlement WHERE pool_id = NEW.pool_id AND state = 'approved') THEN
        {refuse("undoing_comes_before_the_settlement", "pool %s is settled", "NEW.pool_id")}
    END IF;
"""
_POSTED = """(SELECT jsonb_agg(jsonb_build_array(a.code, o.side, o.amount_fen) ORDER BY a.code)
       FROM ledger_journalentry e JOIN ledger_book b ON b.id = e.book_id JOIN members_pool p ON p.code = b.code
       JOIN ledger_posting o ON o.entry_id = e.id JOIN ledger_account a ON a.id = o.account_id
      WHERE p.id = NEW.pool_id AND e.kind = '{kind}' AND e.key = '{key}/' || NEW.number
        AND e.maker = NEW.proposed_by AND e.checker = NEW.decided_by)"""
UNDONE_KEY, RECOVERED_KEY = KIND, "recovery_undone"
_PAIR = """(CASE WHEN {fen} > 0 THEN (SELECT jsonb_agg(l ORDER BY l->>0)
       FROM (VALUES (jsonb_build_array({debited}, 'D', {fen})),
                    (jsonb_build_array('{credited}', 'C', {fen}))) pair (l)) END)"""
_BOOKED = f"""
    IF (NEW.amount_fen, NEW.recovered_fen) IS DISTINCT FROM ((paid.fen + greatest(there, 0))::bigint, paid.recovered::bigint) THEN
        {refuse("undoing_is_of_the_books", "%s by now, of it recovered %s", "paid.fen + greatest(there, 0)", "paid.recovered")}
    END IF;
    IF {_POSTED.format(kind=KIND, key=UNDONE_KEY)} IS DISTINCT FROM
       {_PAIR.format(
           fen="NEW.amount_fen - NEW.recovered_fen", credited=chart.UNIDENTIFIED,
           debited=f"CASE WHEN held > 0 THEN '{chart.PREPAID}' ELSE '{chart.RECEIVABLE}' END",
       )}
       OR {_POSTED.format(kind="write_off", key=RECOVERED_KEY)} IS DISTINCT FROM
       {_PAIR.format(fen="NEW.recovered_fen", credited=chart.UNIDENTIFIED, debited=f"'{chart.TO_BE_SHARED}'")} THEN
        {refuse("agreed_undoing_has_its_entry", "undoing %s is not booked as it was proposed", "NEW.number")}
    END IF;
"""  # fmt: skip

undoing_guards = [
    *proposal_guards(
        "undoing",
        "ledger_matchundoing",
        fixed=("receipt_id", "membership_id", "reason", "amount_fen", "recovered_fen"),
        lock=_LOCK,
        judged=_JUDGED,
        figures="NEW.amount_fen := paid.fen + greatest(there, 0); NEW.recovered_fen := paid.recovered;",
        agreed=_BOOKED,
        declare=(("paid", "record"), ("held", "numeric"), ("there", "numeric")),
    ),
    # At the end of the transaction: what was agreed to is done, all of it.
    Guard(
        name="agreed_undoing_takes_its_match_back",
        when=pgtrigger.After,
        operation=pgtrigger.Update,
        timing=pgtrigger.Deferred,
        condition=pgtrigger.Condition("NEW.state = 'agreed'"),
        declare=[("back", "numeric")],
        func=f"""
            back := coalesce((SELECT sum(amount_fen) FROM ledger_collection
                               WHERE line_id = NEW.receipt_id AND turn = -NEW.number), 0)
                  + coalesce((SELECT sum(amount_fen) FROM ledger_walletentry
                               WHERE line_id = NEW.receipt_id AND turn = -NEW.number), 0);
            IF back <> -NEW.amount_fen THEN
                {refuse("agreed_undoing_takes_its_match_back", "%s of %s is taken back", "-back", "NEW.amount_fen")}
            END IF;
            RETURN NULL;
        """,
    ),
]

# Hung on the journal: what two codes on an entry claim is worth nothing without the decision of two people.
undone_match_has_its_decision = Guard(
    name="undone_match_has_its_decision",
    when=pgtrigger.After,
    operation=pgtrigger.Insert,
    timing=pgtrigger.Deferred,
    condition=pgtrigger.Condition(f"NEW.kind = '{KIND}' OR starts_with(NEW.key, '{RECOVERED_KEY}/')"),
    func=f"""
        IF NOT EXISTS (
            SELECT 1 FROM ledger_matchundoing u JOIN members_pool p ON p.id = u.pool_id JOIN ledger_book b ON b.code = p.code
             WHERE b.id = NEW.book_id AND u.state = 'agreed'
               AND NEW.key IN ('{UNDONE_KEY}/' || u.number, '{RECOVERED_KEY}/' || u.number)) THEN
            {refuse("undone_match_has_its_decision", "entry %s undoes a match, and nobody agreed to it", "NEW.number")}
        END IF;
        RETURN NULL;
    """,
)


def turn_fits_sql(bad: str) -> str:
    """Return plpgsql that judges new rows that belong to an undoing: of what is taken back, and of what comes after.

    bad: a record. A row below zero that a receipt made is only of an undoing that was agreed to, of that receipt and
    that member's money. turn: of what comes after, the undoing that made the receipt free.
    """
    return f"""
            SELECT n.membership_id, n.turn INTO {bad} FROM (SELECT * FROM new_rows WHERE turn <> 0) n
             WHERE NOT EXISTS (
                SELECT 1 FROM ledger_matchundoing u
                 WHERE u.pool_id = n.pool_id AND u.number = abs(n.turn) AND u.receipt_id = n.line_id AND u.state = 'agreed'
                   AND (n.turn > 0 OR n.amount_fen < 0 AND u.membership_id = {{payer}} AND u.decided_at = n.at)) LIMIT 1;
            IF FOUND THEN
                {refuse("match_is_undone_by_two_people", "%s of membership %s is of no undoing that was agreed to", f"{bad}.turn", f"{bad}.membership_id")}
            END IF;"""
