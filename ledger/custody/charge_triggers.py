"""Guards of debits: who is debited, by which mandate, how much and when; what the agent says of it.

Names are the guarantees listed in ARCHITECTURE.md. Whatever judges money takes the row of the pool's bank account first,
as all guards of custody do.
"""

import pgtrigger

from aidplatform.lib.guards import Guard, judged_now, judges_rows, refuse
from ledger.books import chart
from ledger.custody.arrears_sql import open_shares_sql
from members.joining.payer_triggers import in_force_sql

_LOCK = "PERFORM 1 FROM ledger_bankaccount WHERE pool_id = {pool} FOR NO KEY UPDATE;"
_LOCK_OF_ROWS = (
    """PERFORM 1 FROM ledger_bankaccount WHERE pool_id IN ({pools}) ORDER BY id FOR NO KEY UPDATE;"""
)


def _is_treasurer(column: str) -> str:
    return f"""EXISTS (
        SELECT 1 FROM members_dutygrant g JOIN members_user u ON u.id = g.person_id
         WHERE u.code = NEW.{column} AND g.duty = 'treasurer' AND g.ended_at IS NULL AND g.pool_id = NEW.pool_id)"""


def _today(pool: str) -> str:
    return f"(SELECT (aid_now() AT TIME ZONE z.time_zone)::date FROM members_pool z WHERE z.id = {pool})"


file_guards = [
    Guard(
        name="charge_file_is_of_an_announced_period",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        func=f"""
            {judged_now()}
            {_LOCK.format(pool="NEW.pool_id")}
            IF NOT {_is_treasurer("made_by")} THEN
                {refuse("custody_people_hold_their_duty", "%s is no treasurer", "NEW.made_by")}
            END IF;
            IF NOT EXISTS (SELECT 1 FROM ledger_period p WHERE p.pool_id = NEW.pool_id AND p.number = NEW.period_no
                              AND p.state = 'posted' AND p.charges_notified_at IS NOT NULL AND p.wallet_fen IS NULL) THEN
                {refuse("charge_file_is_of_an_announced_period", "the charges of period %s are not announced", "NEW.period_no")}
            END IF;
            NEW.number := coalesce((SELECT max(number) FROM ledger_chargefile WHERE pool_id = NEW.pool_id), 0) + 1;
            NEW.made_at := aid_now();
            NEW.made_date := {_today("NEW.pool_id")};
            RETURN NEW;
        """,
    ),
    # At the commit: a file without instructions would say what nobody is asked for.
    Guard(
        name="charge_file_has_its_instructions",
        when=pgtrigger.After,
        operation=pgtrigger.Insert,
        timing=pgtrigger.Deferred,
        func=f"""
            IF NOT EXISTS (SELECT 1 FROM ledger_chargeinstruction WHERE file_id = NEW.id) THEN
                {refuse("charge_file_adds_up", "file %s has no instructions", "NEW.number")}
            END IF;
            RETURN NULL;
        """,
    ),
]

# What of a period is open of payers, theirs and of whom they pay for.
_OPEN_OF_PAYERS = f"""
    SELECT f.pool_id, f.period_no, coalesce(k.payer_id, o.membership_id) AS payer_id, sum(o.open_fen) AS fen
      FROM (SELECT DISTINCT pool_id, period_no FROM new_rows) f
     CROSS JOIN LATERAL (SELECT * FROM ({open_shares_sql("f.pool_id")}) s WHERE s.period_no = f.period_no) o
      LEFT JOIN members_payerlink k ON k.pool_id = f.pool_id AND k.membership_id = o.membership_id AND {in_force_sql("k")}
     GROUP BY 1, 2, 3"""

# Set-based: a million instructions are judged by one pass for each question.
instruction_guards = [
    judges_rows(
        "charge_file_adds_up",
        f"""
            {judged_now()}
            {_LOCK_OF_ROWS.format(pools="SELECT DISTINCT pool_id FROM new_rows")}
            SELECT f.number, f.amount_fen, n.fen INTO bad
              FROM (SELECT file_id, count(*) AS rows, sum(amount_fen) AS fen, min(payer_no) AS first_no, max(payer_no) AS last_no,
                           count(DISTINCT (pool_id, period_no)) AS kinds, min(pool_id) AS pool_id, min(period_no) AS period_no
                      FROM new_rows GROUP BY 1) n
              JOIN ledger_chargefile f ON f.id = n.file_id
             WHERE (f.instruction_count, f.amount_fen, f.first_no, f.last_no, f.pool_id, f.period_no, 1)
                   IS DISTINCT FROM (n.rows, n.fen, n.first_no, n.last_no, n.pool_id, n.period_no, n.kinds)
                OR (SELECT count(*) FROM ledger_chargeinstruction i WHERE i.file_id = f.id) <> n.rows LIMIT 1;
            IF FOUND THEN
                {refuse("charge_file_adds_up", "file %s says %s, its instructions %s", "bad.number", "bad.amount_fen", "bad.fen")}
            END IF;
            RETURN NULL;
        """,
    ),
    judges_rows(
        "instruction_needs_a_mandate",
        f"""
            SELECT n.payer_no INTO bad FROM new_rows n JOIN ledger_chargefile f ON f.id = n.file_id
              LEFT JOIN ledger_debitmandate d ON d.id = n.mandate_id
              LEFT JOIN members_planversion v ON v.id = d.plan_version_id
              LEFT JOIN members_membership m ON m.id = n.payer_id
             WHERE d.state IS DISTINCT FROM 'live' OR d.membership_id <> n.payer_id OR d.pool_id <> n.pool_id
                OR m.number IS DISTINCT FROM n.payer_no OR v.terms#>>'{{debit,scheme}}' IS DISTINCT FROM f.scheme
                OR (d.number, d.signed_date) IS DISTINCT FROM (n.mandate_no, n.signed_date) LIMIT 1;
            IF FOUND THEN
                {refuse("instruction_needs_a_mandate", "member %s has not given this mandate, or has revoked it", "bad.payer_no")}
            END IF;
            RETURN NULL;
        """,
    ),
    judges_rows(
        "debit_is_announced_ahead",
        f"""
            SELECT n.payer_no, n.collection_date INTO bad FROM new_rows n JOIN ledger_chargefile f ON f.id = n.file_id
              JOIN ledger_period p ON p.pool_id = n.pool_id AND p.number = n.period_no
              JOIN ledger_debitmandate d ON d.id = n.mandate_id JOIN members_planversion v ON v.id = d.plan_version_id
             WHERE n.collection_date < p.charge_date
                OR n.collection_date < f.made_date + (v.terms#>>ARRAY['debit', CASE WHEN n.is_first
                       THEN 'first_notice_days' ELSE 'later_notice_days' END])::int
                OR n.is_first IS DISTINCT FROM NOT EXISTS (SELECT 1 FROM ledger_chargeinstruction b
                       WHERE b.mandate_id = n.mandate_id AND b.id < n.id) LIMIT 1;
            IF FOUND THEN
                {refuse("debit_is_announced_ahead", "%s is too early for member %s", "bad.collection_date", "bad.payer_no")}
            END IF;
            RETURN NULL;
        """,
    ),
    judges_rows(
        "instruction_at_most_what_is_open",
        f"""
            SELECT n.payer_no, n.amount_fen, w.fen INTO bad FROM new_rows n
              LEFT JOIN ({_OPEN_OF_PAYERS}) w ON w.pool_id = n.pool_id AND w.period_no = n.period_no AND w.payer_id = n.payer_id
             WHERE n.amount_fen > coalesce(w.fen, 0) LIMIT 1;
            IF FOUND THEN
                {refuse("instruction_at_most_what_is_open", "member %s: %s asked for, %s open", "bad.payer_no", "bad.amount_fen", "coalesce(bad.fen, 0)")}
            END IF;
            RETURN NULL;
        """,
    ),
    # Nobody is debited twice because an answer is late: the attempt before has its result.
    judges_rows(
        "attempts_follow_each_other",
        f"""
            SELECT n.payer_no, n.attempt INTO bad FROM new_rows n
             WHERE (n.attempt > 1 AND NOT EXISTS (
                        SELECT 1 FROM ledger_chargeinstruction b JOIN ledger_chargeresult r ON r.instruction_id = b.id
                         WHERE b.pool_id = n.pool_id AND b.payer_id = n.payer_id AND b.period_no = n.period_no
                           AND b.attempt = n.attempt - 1))
                OR EXISTS (SELECT 1 FROM ledger_chargeinstruction b WHERE b.pool_id = n.pool_id AND b.payer_id = n.payer_id
                              AND b.period_no = n.period_no AND b.attempt > n.attempt) LIMIT 1;
            IF FOUND THEN
                {refuse("attempts_follow_each_other", "member %s: nothing is known yet of the attempt before %s", "bad.payer_no", "bad.attempt")}
            END IF;
            RETURN NULL;
        """,
    ),
]

_NET_IN_TRANSIT = f"""(SELECT b.debit_fen - b.credit_fen FROM ledger_accountbalance b JOIN ledger_account a ON a.id = b.account_id
    JOIN ledger_book k ON k.id = a.book_id JOIN members_pool p ON p.code = k.code
   WHERE p.id = {{pool}} AND a.code = '{chart.IN_TRANSIT_IN}')"""


def in_transit_sql(pool: str) -> str:
    """Return SQL for what the agent has collected, as it says, and has not handed on, as the bank says (fen)."""
    return f"""(coalesce((SELECT sum(f.collected_fen - f.returned_fen) FROM ledger_chargeresultfile f WHERE f.pool_id = {pool}), 0)
        - coalesce((SELECT sum(CASE l.direction WHEN 'in' THEN l.amount_fen ELSE -l.amount_fen END)
                      FROM ledger_statementline l JOIN ledger_bankaccount a ON a.id = l.account_id
                     WHERE a.pool_id = {pool} AND l.charge_file_id IS NOT NULL), 0))"""


def _books_follow(pool: str) -> str:
    return f"""
        IF {_NET_IN_TRANSIT.format(pool=pool)} IS DISTINCT FROM {in_transit_sql(pool)} THEN
            {refuse("in_transit_is_debits_not_settled", "the books say %s, the agent and the bank %s", _NET_IN_TRANSIT.format(pool=pool), in_transit_sql(pool))}
        END IF;"""


result_file_guards = [
    Guard(
        name="result_file_begins_as_imported",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        func=f"""
            {judged_now()}
            {_LOCK.format(pool="NEW.pool_id")}
            IF NOT {_is_treasurer("imported_by")} THEN
                {refuse("custody_people_hold_their_duty", "%s is no treasurer", "NEW.imported_by")}
            END IF;
            NEW.number := coalesce((SELECT max(number) FROM ledger_chargeresultfile WHERE pool_id = NEW.pool_id), 0) + 1;
            RETURN NEW;
        """,
    ),
    # At the commit its results have come, and the entries that book them.
    Guard(
        name="in_transit_is_debits_not_settled",
        when=pgtrigger.After,
        operation=pgtrigger.Insert,
        timing=pgtrigger.Deferred,
        func=f"""
            IF NOT EXISTS (SELECT 1 FROM ledger_chargeresult WHERE result_file_id = NEW.id) THEN
                {refuse("result_file_adds_up", "file %s has no results", "NEW.number")}
            END IF;
            {_books_follow("NEW.pool_id")}
            RETURN NULL;
        """,
    ),
]

result_guards = [
    judges_rows(
        "result_file_adds_up",
        f"""
            {judged_now()}
            {_LOCK_OF_ROWS.format(pools="SELECT f.pool_id FROM new_rows n JOIN ledger_chargeresultfile f ON f.id = n.result_file_id")}
            SELECT f.number INTO bad
              FROM (SELECT result_file_id, count(*) AS rows,
                           coalesce(sum(amount_fen) FILTER (WHERE kind = 'collected'), 0) AS collected,
                           coalesce(sum(amount_fen) FILTER (WHERE kind = 'rejected'), 0) AS rejected,
                           coalesce(sum(amount_fen) FILTER (WHERE kind = 'returned'), 0) AS returned
                      FROM new_rows GROUP BY 1) n
              JOIN ledger_chargeresultfile f ON f.id = n.result_file_id
             WHERE (f.line_count, f.collected_fen, f.rejected_fen, f.returned_fen)
                   IS DISTINCT FROM (n.rows, n.collected, n.rejected, n.returned)
                OR (SELECT count(*) FROM ledger_chargeresult r WHERE r.result_file_id = f.id) <> n.rows LIMIT 1;
            IF FOUND THEN
                {refuse("result_file_adds_up", "file %s and its results differ", "bad.number")}
            END IF;
            RETURN NULL;
        """,
    ),
    judges_rows(
        "result_is_of_its_instruction",
        f"""
            SELECT n.instruction_id, n.kind INTO bad FROM new_rows n
              JOIN ledger_chargeresultfile f ON f.id = n.result_file_id
              LEFT JOIN ledger_chargeinstruction i ON i.id = n.instruction_id AND i.pool_id = f.pool_id
             WHERE i.amount_fen IS DISTINCT FROM n.amount_fen
                OR n.kind NOT IN ('collected', 'rejected', 'returned')
                OR n.result_date > {_today("f.pool_id")} LIMIT 1;
            IF FOUND THEN
                {refuse("result_is_of_its_instruction", "%s is not what instruction %s asked for", "bad.kind", "bad.instruction_id")}
            END IF;
            RETURN NULL;
        """,
    ),
    # Not carried out, or collected; what was collected may be taken back.
    judges_rows(
        "results_follow_each_other",
        f"""
            SELECT n.instruction_id, n.kind INTO bad FROM new_rows n
             WHERE (n.kind = 'returned') IS DISTINCT FROM EXISTS (SELECT 1 FROM ledger_chargeresult r
                        WHERE r.instruction_id = n.instruction_id AND r.kind = 'collected') AND n.kind <> 'collected'
                OR n.kind = 'collected' AND EXISTS (SELECT 1 FROM ledger_chargeresult r
                        WHERE r.instruction_id = n.instruction_id AND r.kind = 'rejected')
                OR n.kind = 'returned' AND EXISTS (SELECT 1 FROM ledger_chargeresult r
                        WHERE r.instruction_id = n.instruction_id AND r.kind = 'rejected') LIMIT 1;
            IF FOUND THEN
                {refuse("results_follow_each_other", "instruction %s can not be %s after what is known", "bad.instruction_id", "bad.kind")}
            END IF;
            RETURN NULL;
        """,
    ),
]

retry_guards = [
    Guard(
        name="retry_is_asked_by_its_payer",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        func=f"""
            {judged_now()}
            PERFORM 1 FROM members_pool WHERE id = NEW.pool_id FOR NO KEY UPDATE;
            IF NOT EXISTS (SELECT 1 FROM members_membership m JOIN members_user u ON u.id = m.person_id
                            WHERE m.id = NEW.membership_id AND m.pool_id = NEW.pool_id AND u.code = NEW.asked_by) THEN
                {refuse("retry_is_asked_by_its_payer", "%s is not the member", "NEW.asked_by")}
            END IF;
            IF NOT EXISTS (SELECT 1 FROM ledger_debitmandate d WHERE d.membership_id = NEW.membership_id AND d.state = 'live')
               OR NOT EXISTS (SELECT 1 FROM ledger_chargeinstruction i JOIN ledger_chargeresult r ON r.instruction_id = i.id
                               WHERE i.pool_id = NEW.pool_id AND i.payer_id = NEW.membership_id
                                 AND r.kind IN ('rejected', 'returned')) THEN
                {refuse("retry_needs_a_failed_attempt", "no debit of the member has failed, or there is no mandate")}
            END IF;
            NEW.asked_at := aid_now();
            NEW.asked_date := {_today("NEW.pool_id")};
            RETURN NEW;
        """,
    ),
]

# Hung on the collections: what a result pays is the money of its payer, and no more than it brought.
collection_is_of_its_result = judges_rows(
    "collection_is_of_its_result",
    f"""
        SELECT n.membership_id, n.period_no INTO bad FROM new_rows n
          JOIN ledger_chargeresult r ON r.id = n.result_id
          JOIN ledger_chargeinstruction i ON i.id = r.instruction_id
         WHERE i.pool_id <> n.pool_id OR i.payer_id <> coalesce(n.payer_id, n.membership_id)
            OR r.kind <> CASE WHEN n.amount_fen > 0 THEN 'collected' ELSE 'returned' END
            OR n.amount_fen < 0 AND NOT EXISTS (
               SELECT 1 FROM ledger_collection k JOIN ledger_chargeresult c ON c.id = k.result_id AND c.kind = 'collected'
                WHERE c.instruction_id = r.instruction_id AND k.pool_id = n.pool_id AND k.membership_id = n.membership_id
                  AND k.period_no = n.period_no AND k.amount_fen = -n.amount_fen) LIMIT 1;
        IF FOUND THEN
            {refuse("collection_is_of_its_result", "the debit does not pay membership %s, period %s", "bad.membership_id", "bad.period_no")}
        END IF;
        SELECT r.id, r.amount_fen INTO bad FROM (SELECT DISTINCT result_id FROM new_rows) n
          JOIN ledger_chargeresult r ON r.id = n.result_id
         WHERE r.amount_fen < abs((SELECT sum(k.amount_fen) FROM ledger_collection k WHERE k.result_id = r.id))
               + coalesce((SELECT sum(o.amount_fen) FROM ledger_paymentorder o
                            WHERE o.debit_id = r.id AND o.state NOT IN ('cancelled', 'returned')), 0) LIMIT 1;
        IF FOUND THEN
            {refuse("collection_is_of_its_result", "a debit of %s pays more than that", "bad.amount_fen")}
        END IF;
        RETURN NULL;
    """,
)

# Hung on the bookings of the bank: a debit's money is of a file of this pool, and stands in transit.
settled_debits_have_their_file = judges_rows(
    "settled_debits_have_their_file",
    f"""
        SELECT n.line_no INTO bad FROM new_rows n JOIN ledger_bankaccount a ON a.id = n.account_id
          LEFT JOIN ledger_chargefile f ON f.id = n.charge_file_id AND f.pool_id = a.pool_id
         WHERE n.charge_file_id IS NOT NULL AND f.id IS NULL LIMIT 1;
        IF FOUND THEN
            {refuse("settled_debits_have_their_file", "line %s names no charge file of the pool", "bad.line_no")}
        END IF;
        RETURN NULL;
    """,
)
statement_settles_debits = Guard(
    name="statement_settles_debits",
    when=pgtrigger.After,
    operation=pgtrigger.Insert,
    timing=pgtrigger.Deferred,
    declare=[("pool", "bigint")],
    func=f"""
        SELECT pool_id INTO pool FROM ledger_bankaccount WHERE id = NEW.account_id;
        {_books_follow("pool")}
        RETURN NULL;
    """,
)

# Hung on the journal: once the agent may have been told, a period's charges stand.
instructed_period_stays_posted = Guard(
    name="instructed_period_stays_posted",
    when=pgtrigger.Before,
    operation=pgtrigger.Insert,
    condition=pgtrigger.Condition("NEW.reverses_id IS NOT NULL"),
    func=f"""
        IF EXISTS (SELECT 1 FROM ledger_period p JOIN ledger_chargefile f ON f.pool_id = p.pool_id AND f.period_no = p.number
                    WHERE p.entry_id = NEW.reverses_id) THEN
            {refuse("instructed_period_stays_posted", "a charge file was made of this period")}
        END IF;
        RETURN NEW;
    """,
)
