"""What a daily reconciliation asks the database, rule by rule.

Nothing here reads what was posted from a statement, but for the one comparison with the ledger: a booking is held
against the order, receipt, wallet or charge that it is said to be of. Each query returns (kind, ref, expected, found)
of what breaks a rule; parameters: pool, account, code, zone, today, and the days from which something is late.
"""

from ledger.books import chart
from ledger.custody.reconciled_rules import DAY, MONEY, WORD
from ledger.custody.triggers import PROTECTED, balance_sql, may_be_nobodys_sql

_LIVE = "state NOT IN ('cancelled', 'returned')"
_SIGNED = "CASE l.direction WHEN 'in' THEN l.amount_fen ELSE -l.amount_fen END"

_USED = "coalesce(c.fen, 0) + coalesce(w.fen, 0) + coalesce(b.fen, 0) + coalesce(x.fen, 0)"
_FREE = may_be_nobodys_sql("l")
# Every booking and what its documents say of it (fen): the order that it settles, the charges that it takes back, the
# wallets that it fills. Of a receipt what is used of it, and the rest is nobody's; of the rest the bank alone knows.
DOCUMENTED = f"""
    SELECT l.id, s.number, l.line_no, l.kind, l.booking_date, {_SIGNED} AS moved,
           {_USED} AS used,
           CASE l.kind WHEN 'payment' THEN -coalesce(o.fen, 0) WHEN 'returned' THEN coalesce(r.fen, 0)
                       WHEN 'chargeback' THEN coalesce(c.fen, 0)
                       WHEN 'top_up' THEN CASE WHEN {_FREE} THEN greatest(l.amount_fen, {_USED}) ELSE coalesce(w.fen, 0) END
                       WHEN 'collection' THEN greatest(l.amount_fen, {_USED})
                       WHEN 'unidentified' THEN greatest(l.amount_fen, {_USED})
                       ELSE {_SIGNED} END AS documented, {_FREE} AS is_free
      FROM ledger_statementline l JOIN ledger_bankstatement s ON s.id = l.statement_id
      LEFT JOIN (SELECT line_id, sum(amount_fen) AS fen FROM ledger_collection
                  WHERE pool_id = {{pool}} AND line_id IS NOT NULL GROUP BY 1) c ON c.line_id = l.id
      LEFT JOIN (SELECT line_id, sum(amount_fen) AS fen FROM ledger_walletentry
                  WHERE pool_id = {{pool}} AND line_id IS NOT NULL GROUP BY 1) w ON w.line_id = l.id
      LEFT JOIN (SELECT receipt_id, sum(amount_fen) AS fen FROM ledger_paymentorder
                  WHERE pool_id = {{pool}} AND receipt_id IS NOT NULL AND {_LIVE} GROUP BY 1) b ON b.receipt_id = l.id
      LEFT JOIN (SELECT receipt_id, amount_fen AS fen FROM ledger_debitexplanation
                  WHERE pool_id = {{pool}} AND receipt_id IS NOT NULL AND state = 'agreed') x ON x.receipt_id = l.id
      LEFT JOIN (SELECT confirmed_line_id, amount_fen AS fen FROM ledger_paymentorder
                  WHERE pool_id = {{pool}} AND confirmed_line_id IS NOT NULL) o ON o.confirmed_line_id = l.id
      LEFT JOIN (SELECT returned_line_id, amount_fen AS fen FROM ledger_paymentorder
                  WHERE pool_id = {{pool}} AND returned_line_id IS NOT NULL) r ON r.returned_line_id = l.id
     WHERE s.account_id = {{account}}"""
_OWN = DOCUMENTED.format(pool="%(pool)s", account="%(account)s")


def figures_sql(pool: str, account: str) -> str:
    """Return SQL for (statement_no, bank_fen, explained_fen, ledger_fen): the bank's last closing, what orders and
    receipts make of its first opening, and the books."""
    return f"""
        SELECT (SELECT max(number) FROM ledger_bankstatement WHERE account_id = {account}) AS statement_no,
               (SELECT closing_fen FROM ledger_bankstatement WHERE account_id = {account}
                 ORDER BY number DESC LIMIT 1) AS bank_fen,
               ((SELECT opening_fen FROM ledger_bankstatement WHERE account_id = {account} ORDER BY number LIMIT 1)
                + coalesce((SELECT sum(documented) FROM ({DOCUMENTED.format(pool=pool, account=account)}) d), 0))::bigint
                   AS explained_fen,
               {balance_sql(chart.CUSTODY, pool)}::bigint AS ledger_fen"""


_JOINED = """
    SELECT number, from_date, opening_fen, lag(number) OVER w AS last_number, lag(to_date) OVER w AS last_date,
           lag(closing_fen) OVER w AS last_fen
      FROM ledger_bankstatement WHERE account_id = %(account)s WINDOW w AS (ORDER BY number)"""
_SUMS = f"""
    SELECT s.id, s.number, s.opening_fen, s.closing_fen, s.line_count, count(l.id) AS lines,
           coalesce(sum({_SIGNED}), 0)::bigint AS moved
      FROM ledger_bankstatement s LEFT JOIN ledger_statementline l ON l.statement_id = s.id
     WHERE s.account_id = %(account)s GROUP BY s.id"""
_LOGGED = """
    SELECT s.number, s.closing_fen, (b.body->>'closing')::bigint AS logged_fen,
           b.body IS NULL OR (b.body->>'opening')::bigint <> s.opening_fen OR (b.body->>'lines')::int <> s.line_count
               OR b.body->>'file_sha256' <> s.sha256 OR b.body->'classes' IS DISTINCT FROM coalesce((
                  SELECT jsonb_agg(jsonb_build_array(k.kind, k.lines, k.fen) ORDER BY k.kind COLLATE "C")
                    FROM (SELECT kind, count(*) AS lines, sum(amount_fen) AS fen FROM ledger_statementline
                           WHERE statement_id = s.id GROUP BY 1) k), '[]') AS differs
      FROM ledger_bankstatement s
      LEFT JOIN LATERAL (SELECT convert_from(e.data, 'UTF8')::jsonb->'body' AS body FROM ledger_logentry e
                           JOIN ledger_log g ON g.id = e.log_id
                          WHERE g.code = %(code)s AND e.type = 'bank.day' AND e.key = s.number::text) b ON true
     WHERE s.account_id = %(account)s"""
_AID = """
      FROM ledger_paymentorder o JOIN ledger_award w ON w.id = o.award_id
      LEFT JOIN ledger_period p ON p.id = w.period_id
     WHERE o.pool_id = %(pool)s AND o.kind = 'aid' AND o.state IN ('released', 'confirmed')"""
# Of each payment of a fee: what was paid of the period's by then, and what of it was earned when it was released. What a
# bank takes back later is owed by the member again; nobody's hand was in the pool's money, and no further fee is paid.
_EARNED = """
    WITH fee AS (
        SELECT id, period_id, released_at, sum(amount_fen) OVER (PARTITION BY period_id ORDER BY released_at, id) AS paid
          FROM ledger_paymentorder
         WHERE pool_id = %(pool)s AND kind = 'fee' AND state IN ('released', 'confirmed'))
    SELECT p.number, f.paid,
           least(p.fee_fen - coalesce((SELECT sum((t->>1)::bigint) FROM ledger_finalsettlement s,
                                              jsonb_array_elements(s.figures->'fees') t
                                        WHERE s.pool_id = p.pool_id AND s.state = 'approved' AND (t->>0)::int = p.number), 0)
                           -- Aid that was taken back later made no fee too much that was paid before.
                           - coalesce((SELECT sum(r.fee_fen) FROM ledger_awardrevocation r JOIN ledger_award w ON w.id = r.award_id
                                        WHERE w.period_id = p.id AND r.state = 'agreed' AND r.decided_at <= f.released_at), 0),
                 CASE WHEN p.assessed_fen = 0 THEN p.fee_fen
                      ELSE div(p.fee_fen::numeric * (coalesce(c.fen, 0) + coalesce(p.wallet_fen, 0)
                           + CASE WHEN EXISTS (SELECT 1 FROM ledger_period n WHERE n.pool_id = p.pool_id AND n.state = 'posted'
                                                  AND n.number > p.number AND n.gap_fen = 0) THEN coalesce(p.gap_fen, 0) ELSE 0 END),
                           p.assessed_fen) END)::bigint AS earned
      FROM fee f JOIN ledger_period p ON p.id = f.period_id
      LEFT JOIN (SELECT o.id, sum(k.amount_fen) AS fen
                   FROM fee o JOIN ledger_period q ON q.id = o.period_id
                   JOIN ledger_collection k ON k.pool_id = q.pool_id AND k.period_no = q.number AND k.at <= o.released_at
                  GROUP BY 1) c ON c.id = f.id"""
# What came, by which something went back, and how much of it went.
_BACK = f"""
    SELECT 'receipt' AS kind, d.number || '/' || d.line_no AS ref, d.moved AS came, d.used AS went
      FROM ({_OWN}) d WHERE d.is_free
    UNION ALL
    SELECT 'payment', min(o.number)::text, r.amount_fen, sum(o.amount_fen)
      FROM ledger_paymentorder o JOIN ledger_chargeresult r ON r.id = o.debit_id
     WHERE o.pool_id = %(pool)s AND o.{_LIVE} GROUP BY r.id
    UNION ALL
    SELECT 'payment', min(o.number)::text, coalesce(max(r.paid_fen), 0), sum(o.amount_fen)
      FROM ledger_paymentorder o LEFT JOIN ledger_sharesreturn r ON r.pool_id = o.pool_id
           AND r.membership_id = o.membership_id AND r.entry_id IS NOT NULL
     WHERE o.pool_id = %(pool)s AND o.kind = 'shares' AND o.{_LIVE} GROUP BY o.membership_id
    UNION ALL
    SELECT 'payment', o.number::text, coalesce(i.prepaid_fen, 0), o.amount_fen
      FROM ledger_paymentorder o LEFT JOIN members_importedmember i ON i.id = o.listed_id AND i.pool_id = o.pool_id
     WHERE o.pool_id = %(pool)s AND o.kind = 'balance' AND o.{_LIVE}
    UNION ALL
    SELECT 'payment', o.number::text, coalesce(-e.amount_fen, 0), o.amount_fen
      FROM ledger_paymentorder o LEFT JOIN ledger_walletentry e ON e.order_id = o.id AND e.kind = 'refund'
     WHERE o.pool_id = %(pool)s AND o.kind = 'wallet' AND o.{_LIVE}
    UNION ALL
    SELECT 'payment', min(o.number)::text, CASE c.state WHEN 'approved' THEN c.amount_fen ELSE 0 END, sum(o.amount_fen)
      FROM ledger_paymentorder o JOIN ledger_outsidecost c ON c.id = o.cost_id
     WHERE o.pool_id = %(pool)s AND o.{_LIVE} GROUP BY c.id, c.state, c.amount_fen"""
_OF_OTHERS = " + ".join(balance_sql(code, "%(pool)s") for code in PROTECTED if code != chart.UNIDENTIFIED)
NOT_PLACED = f"""
    SELECT d.number || '/' || d.line_no AS ref, d.booking_date AS day, (d.moved - d.used)::bigint AS fen
      FROM ({_OWN}) d WHERE d.is_free AND d.moved > d.used"""
NOT_EXPLAINED = f"""
    SELECT s.number || '/' || l.line_no AS ref, l.booking_date AS day, l.amount_fen AS fen
      FROM ledger_statementline l JOIN ledger_bankstatement s ON s.id = l.statement_id
     WHERE s.account_id = %(account)s AND l.kind = 'unexplained'
       AND NOT EXISTS (SELECT 1 FROM ledger_debitexplanation x WHERE x.line_id = l.id AND x.state = 'agreed')
       AND {balance_sql(chart.UNEXPLAINED_DEBITS, "%(pool)s")} > 0"""
NOT_SHOWN = """
    SELECT o.number::text AS ref, (o.released_at AT TIME ZONE %(zone)s)::date AS day, o.amount_fen AS fen
      FROM ledger_paymentorder o WHERE o.pool_id = %(pool)s AND o.state = 'released'"""
# By charge file: what the agent says it has handed on, less what the bank shows of it.
NOT_HANDED_ON = """
    SELECT f.number::text AS ref, r.day, (r.fen - coalesce(l.fen, 0))::bigint AS fen
      FROM ledger_chargefile f
      JOIN (SELECT i.file_id, max(x.result_date) AS day,
                   sum(CASE x.kind WHEN 'collected' THEN x.amount_fen WHEN 'returned' THEN -x.amount_fen ELSE 0 END) AS fen
              FROM ledger_chargeresult x JOIN ledger_chargeinstruction i ON i.id = x.instruction_id
             WHERE i.pool_id = %(pool)s GROUP BY 1) r ON r.file_id = f.id
      LEFT JOIN (SELECT l.charge_file_id, sum(CASE l.direction WHEN 'in' THEN l.amount_fen ELSE -l.amount_fen END) AS fen
                   FROM ledger_statementline l WHERE l.account_id = %(account)s AND l.charge_file_id IS NOT NULL
                  GROUP BY 1) l ON l.charge_file_id = f.id
     WHERE r.fen <> coalesce(l.fen, 0)"""

# rule, check, unit, what breaks it
CHECKS: tuple[tuple[str, str, str, str], ...] = (
    (
        "R1",
        "number",
        WORD,
        f"""SELECT 'statement', number::text, (coalesce(last_number, 0) + 1)::text, number::text FROM ({_JOINED}) j
             WHERE number <> coalesce(last_number, 0) + 1 ORDER BY number""",
    ),
    (
        "R1",
        "days",
        DAY,
        f"SELECT 'statement', number::text, last_date, from_date FROM ({_JOINED}) j WHERE from_date <> last_date ORDER BY number",
    ),
    (
        "R1",
        "opening",
        MONEY,
        f"""SELECT 'statement', number::text, last_fen, opening_fen FROM ({_JOINED}) j
             WHERE opening_fen <> last_fen ORDER BY number""",
    ),
    (
        "R1",
        "silent",
        DAY,
        """SELECT 'statement', number::text, %(silent)s::date, to_date FROM ledger_bankstatement
            WHERE id = (SELECT id FROM ledger_bankstatement WHERE account_id = %(account)s ORDER BY number DESC LIMIT 1)
              AND to_date < %(silent)s""",
    ),
    (
        "R2",
        "sum",
        MONEY,
        f"""SELECT 'statement', number::text, closing_fen, opening_fen + moved FROM ({_SUMS}) s
             WHERE opening_fen + moved <> closing_fen ORDER BY number""",
    ),
    (
        "R2",
        "count",
        WORD,
        f"""SELECT 'statement', number::text, line_count::text, lines::text FROM ({_SUMS}) s
             WHERE line_count <> lines ORDER BY number""",
    ),
    (
        "R2",
        "log",
        MONEY,
        f"""SELECT 'statement', number::text, logged_fen, closing_fen FROM ({_LOGGED}) s
             WHERE differs OR logged_fen IS DISTINCT FROM closing_fen ORDER BY number""",
    ),
    (
        "R3",
        "award",
        WORD,
        f"""SELECT 'payment', o.number::text, 'shared', w.state {_AID}
               AND (w.state <> 'shared' OR p.state IS DISTINCT FROM 'posted' OR w.pool_id <> o.pool_id) ORDER BY o.number""",
    ),
    (
        "R3",
        "payee",
        WORD,
        f"""SELECT 'payment', o.number::text, left(encode(w.payee_hash, 'hex'), 12), left(encode(o.payee_hash, 'hex'), 12) {_AID}
               AND w.payee_hash <> o.payee_hash ORDER BY o.number""",
    ),
    (
        "R3",
        "publicity",
        DAY,
        f"""SELECT 'payment', o.number::text, p.publicity_end_date, (o.released_at AT TIME ZONE %(zone)s)::date {_AID}
               AND (o.released_at AT TIME ZONE %(zone)s)::date < p.publicity_end_date ORDER BY o.number""",
    ),
    (
        "R4",
        "case",
        MONEY,
        f"""SELECT 'case', min(w.code), sum(w.shared_fen - w.lowered_fen)::bigint, sum(o.fen)::bigint
              FROM ledger_award w LEFT JOIN (SELECT award_id, sum(amount_fen) AS fen FROM ledger_paymentorder
                                              WHERE pool_id = %(pool)s AND kind = 'aid' AND {_LIVE} GROUP BY 1) o ON o.award_id = w.id
             WHERE w.pool_id = %(pool)s GROUP BY w.claim_code
            HAVING sum(o.fen) > coalesce(sum(w.shared_fen - w.lowered_fen), 0) ORDER BY 2""",
    ),
    (
        "R5",
        "fee",
        MONEY,
        f"""SELECT DISTINCT ON (number) 'period', number::text, earned, paid::bigint FROM ({_EARNED}) e
             WHERE paid > earned ORDER BY number, paid - earned DESC""",
    ),
    (
        "R5",
        "fee_first",
        MONEY,
        """SELECT 'payment', o.number::text, a.due::bigint, a.ordered::bigint
             FROM ledger_paymentorder o JOIN LATERAL (
                  SELECT sum(w.shared_fen - w.lowered_fen) AS due,
                         sum((SELECT coalesce(sum(n.amount_fen), 0) FROM ledger_paymentorder n
                               WHERE n.award_id = w.id AND n.ordered_at <= o.ordered_at)) AS ordered
                    FROM ledger_award w WHERE w.period_id = o.period_id AND w.state = 'shared') a ON a.ordered < a.due
            WHERE o.pool_id = %(pool)s AND o.kind = 'fee' AND o.state IN ('released', 'confirmed') ORDER BY o.number""",
    ),
    (
        "R6",
        "back",
        MONEY,
        f"SELECT kind, ref, came::bigint, went::bigint FROM ({_BACK}) b WHERE went > came ORDER BY kind, ref",
    ),
    (
        "R7",
        "unplaced",
        MONEY,
        f"SELECT 'receipt', ref, 0, fen FROM ({NOT_PLACED}) n WHERE day < %(suspense)s ORDER BY day, ref",
    ),
    (
        "R7",
        "unexplained",
        MONEY,
        f"SELECT 'line', ref, 0, fen FROM ({NOT_EXPLAINED}) n WHERE day < %(suspense)s ORDER BY day, ref",
    ),
    (
        "R8",
        "collected",
        MONEY,
        """SELECT 'period', p.number::text, p.charged_fen, sum(c.amount_fen)::bigint
             FROM ledger_period p JOIN ledger_collection c ON c.pool_id = p.pool_id AND c.period_no = p.number
            WHERE p.pool_id = %(pool)s GROUP BY p.id
           HAVING sum(c.amount_fen) > coalesce(p.charged_fen, 0) ORDER BY p.number""",
    ),
    (
        "R9",
        "protected",
        MONEY,
        f"""SELECT 'account', '{chart.CUSTODY}', others::bigint, there::bigint FROM (
                SELECT {_OF_OTHERS} + coalesce((SELECT sum(fen) FROM ({NOT_PLACED}) n), 0) AS others,
                       (SELECT closing_fen FROM ledger_bankstatement WHERE account_id = %(account)s ORDER BY number DESC LIMIT 1)
                       - coalesce((SELECT sum(amount_fen) FROM ledger_paymentorder
                                    WHERE pool_id = %(pool)s AND state = 'released'), 0) AS there) m WHERE there < others""",
    ),
    (
        "R10",
        "order",
        MONEY,
        f"""SELECT 'line', number || '/' || line_no, documented::bigint, moved FROM ({_OWN}) d
             WHERE documented <> moved ORDER BY number, line_no""",
    ),
    (
        "R10",
        "account",
        WORD,
        """SELECT 'line', s.number || '/' || l.line_no, 'this one', coalesce(right(a.number, 4), '?')
             FROM ledger_statementline l JOIN ledger_bankstatement s ON s.id = l.statement_id
             LEFT JOIN ledger_bankaccount a ON a.id = l.account_id
            WHERE l.account_id <> s.account_id AND %(account)s IN (l.account_id, s.account_id) ORDER BY s.number, l.line_no""",
    ),
    (
        "R10",
        "lost",
        MONEY,
        """SELECT 'payment', o.number::text, -o.amount_fen, NULL::bigint FROM ledger_paymentorder o
             LEFT JOIN ledger_statementline l ON l.id = o.confirmed_line_id AND l.account_id = %(account)s
            WHERE o.pool_id = %(pool)s AND o.state IN ('confirmed', 'returned') AND l.id IS NULL
            UNION ALL
           SELECT 'period', c.period_no::text, sum(c.amount_fen)::bigint, NULL FROM ledger_collection c
             LEFT JOIN ledger_statementline l ON l.id = c.line_id
            WHERE c.pool_id = %(pool)s AND c.line_id IS NOT NULL AND l.id IS NULL GROUP BY c.period_no ORDER BY 1, 2""",
    ),
    (
        "R11",
        "withheld",
        MONEY,
        """SELECT 'case', w.code, w.shared_fen - w.lowered_fen, y.ordered_fen
             FROM custody_payable(%(pool)s) y JOIN ledger_award w ON w.id = y.award_id JOIN ledger_period p ON p.id = y.period_id
            WHERE y.payable_fen > 0 AND p.charge_date < %(payout)s ORDER BY w.code""",
    ),
    (
        "R11",
        "unreleased",
        MONEY,
        """SELECT 'payment', number::text, 0::bigint, amount_fen FROM ledger_paymentorder
            WHERE pool_id = %(pool)s AND state = 'ordered' AND (ordered_at AT TIME ZONE %(zone)s)::date < %(payout)s ORDER BY number""",
    ),
    (
        "R11",
        "not_shown",
        MONEY,
        f"SELECT 'payment', ref, 0::bigint, fen FROM ({NOT_SHOWN}) n WHERE day < %(told)s ORDER BY day, ref",
    ),
)

# How many rows a rule is held against: without any there is nothing to say.
_STATEMENTS = "SELECT count(*) FROM ledger_bankstatement WHERE account_id = %(account)s"
_LINES = "SELECT count(*) FROM ledger_statementline WHERE account_id = %(account)s"
_ORDERS = (
    "SELECT count(*) FROM ledger_paymentorder WHERE pool_id = %(pool)s AND kind {} AND state <> 'cancelled'"
)
EXAMINED = {
    "R1": _STATEMENTS,
    "R2": _STATEMENTS,
    "R3": _ORDERS.format("= 'aid'"),
    "R4": _ORDERS.format("= 'aid'"),
    "R5": _ORDERS.format("= 'fee'"),
    "R6": _ORDERS.format("NOT IN ('aid', 'fee')"),
    "R7": f"{_LINES} AND kind IN ('collection', 'unidentified', 'unexplained')",
    "R8": "SELECT count(DISTINCT period_no) FROM ledger_collection WHERE pool_id = %(pool)s",
    "R9": _STATEMENTS,
    "R10": f"{_LINES} AND direction = 'out'",
    "R11": "SELECT count(*) FROM ledger_award WHERE pool_id = %(pool)s AND state = 'shared'",
}
# The bookings of statements that do not add up, or are not as the log has them.
SUSPECT_LINES = """
    SELECT s.number, s.line_count, l.line_no, l.booking_date, l.direction, l.amount_fen, l.bank_reference, l.counterparty,
           l.text, l.content_hash
      FROM ledger_bankstatement s JOIN ledger_statementline l ON l.statement_id = s.id
     WHERE s.account_id = %(account)s AND s.number = ANY(%(numbers)s) ORDER BY s.number, l.line_no"""
