"""What the books hold of an operator's income, period by period, in SQL."""

from ledger.books import chart

# (number of the posted period, from referrals, from sponsors) in fen. The entries of a period are those that its bill
# has taken in; a reversal counts as what it reverses. All other income that is not from referrals is a sponsor's.
BOOKED = f"""
    SELECT p.number, coalesce(sum(m.fen) FILTER (WHERE m.is_referral), 0)::bigint AS referral_fen,
           coalesce(sum(m.fen) FILTER (WHERE NOT m.is_referral), 0)::bigint AS sponsor_fen
      FROM (SELECT number, books_upto_no AS upto, lag(books_upto_no, 1, 0::bigint) OVER (ORDER BY number) AS after
              FROM ledger_period WHERE pool_id = %(pool)s AND state = 'posted') p
      LEFT JOIN (SELECT e.number AS no, coalesce(r.key, e.key) LIKE '%%/referral' AS is_referral,
                        CASE o.side WHEN 'C' THEN o.amount_fen ELSE -o.amount_fen END AS fen
                   FROM ledger_book b JOIN ledger_account a ON a.book_id = b.id AND a.code = '{chart.CARRIED_SURPLUS}'
                   JOIN ledger_posting o ON o.account_id = a.id JOIN ledger_journalentry e ON e.id = o.entry_id
                   LEFT JOIN ledger_journalentry r ON r.id = e.reverses_id
                  WHERE b.code = %(code)s AND coalesce(r.kind, e.kind) = 'other_income') m
        ON m.no > p.after AND m.no <= p.upto
     GROUP BY p.number"""
# (number of the period, referrals, sponsors, number of the report): the newest confirmed report of each period.
REPORTED = """
    SELECT DISTINCT ON (p.number) p.number, i.referral_fen, i.sponsor_fen, i.number AS report
      FROM ledger_incomereport i JOIN ledger_period p ON p.id = i.period_id
     WHERE i.pool_id = %(pool)s AND i.state = 'confirmed' ORDER BY p.number, i.number DESC"""
