"""Recompute the books from their postings alone."""

from django.utils.translation import gettext_noop as _

from ledger.books.findings import Report, fetch

SENTENCES = {
    "journal_entry_balances": _("The debits of every entry equal its credits."),
    "journal_entry_has_postings": _("Every entry has postings."),
    "entry_stays_in_its_book": _("Every posting is on an account of its entry's book."),
    "entry_numbers_have_no_gap": _("The entries of a book are numbered 1, 2, 3 …, up to its last number."),
    "income_equals_expense": _("Every entry moves income and expense by the same amount."),
    "reversal_mirrors_entry": _("Every reversal mirrors what it reverses, posting by posting."),
    "entry_checker_is_not_maker": _("Nobody has checked an entry of their own."),
    "balance_is_sum_of_postings": _("The stored sums of every account are those of its postings."),
    "account_never_negative": _("No account that may not has ever been below zero."),
    "account_fits_chart": _("Type and normal side of every account follow from its code."),
    "trial_balance_closes": _("The two columns of the trial balance are equal."),
}

_POSTINGS = """
      FROM ledger_posting p JOIN ledger_journalentry e ON e.id = p.entry_id
      JOIN ledger_account a ON a.id = p.account_id
     WHERE e.book_id = %(book)s"""
_NET = "CASE p.side WHEN 'D' THEN p.amount_fen ELSE -p.amount_fen END"


def verify_book(report: Report, book_id: int, code: str) -> None:
    """Hold one book against every statement of SENTENCES."""
    parameters = {"book": book_id, "code": code}
    _verify_entries(report, parameters)
    _verify_reversals(report, parameters)
    _verify_accounts(report, parameters)


def _verify_entries(report: Report, parameters: dict[str, object]) -> None:
    entries, last, first, highest = fetch(
        """SELECT count(e.id), b.last_entry_no, coalesce(min(e.number), 1), coalesce(max(e.number), 0)
             FROM ledger_book b LEFT JOIN ledger_journalentry e ON e.book_id = b.id
            WHERE b.id = %(book)s GROUP BY b.id""",
        parameters,
    )[0]
    for name in (
        "journal_entry_balances",
        "journal_entry_has_postings",
        "entry_stays_in_its_book",
        "income_equals_expense",
        "entry_checker_is_not_maker",
    ):
        report.examined(name, entries)
    where = f"book {parameters['code']}"
    report.expect(
        "entry_numbers_have_no_gap",
        where,
        f"1…{last}, {last} entries",
        f"{first}…{highest}, {entries} entries",
    )
    report.refute(
        "journal_entry_balances",
        f"""SELECT format('%%s entry %%s', %(code)s::text, e.number),
                   format('debits = credits = %%s', sum(p.amount_fen) FILTER (WHERE p.side = 'D')),
                   format('credits %%s', coalesce(sum(p.amount_fen) FILTER (WHERE p.side <> 'D'), 0))
              {_POSTINGS} GROUP BY e.id HAVING sum({_NET}) <> 0 ORDER BY e.number""",
        parameters,
    )
    report.refute(
        "journal_entry_has_postings",
        """SELECT format('%%s entry %%s', %(code)s::text, e.number), 'at least 2 postings', '0 postings'
             FROM ledger_journalentry e
            WHERE e.book_id = %(book)s AND NOT EXISTS (SELECT 1 FROM ledger_posting p WHERE p.entry_id = e.id)""",
        parameters,
    )
    report.refute(
        "entry_stays_in_its_book",
        f"""SELECT format('%%s entry %%s', %(code)s::text, e.number), 'book ' || e.book_id,
                   format('account %%s of book %%s', a.code, a.book_id)
              {_POSTINGS} AND a.book_id <> e.book_id ORDER BY e.number""",
        parameters,
    )
    report.refute(
        "income_equals_expense",
        f"""SELECT format('%%s entry %%s', %(code)s::text, e.number),
                   format('income = expense = %%s', coalesce(sum({_NET}) FILTER (WHERE a.code LIKE '5%%'), 0)),
                   format('income %%s', -coalesce(sum({_NET}) FILTER (WHERE a.code LIKE '4%%'), 0))
              {_POSTINGS} GROUP BY e.id
            HAVING coalesce(sum({_NET}) FILTER (WHERE a.code LIKE '4%%' OR a.code LIKE '5%%'), 0) <> 0
             ORDER BY e.number""",
        parameters,
    )
    report.refute(
        "entry_checker_is_not_maker",
        """SELECT format('%%s entry %%s', %(code)s::text, number), 'a checker other than ' || maker, checker
             FROM ledger_journalentry WHERE book_id = %(book)s AND checker = maker ORDER BY number""",
        parameters,
    )


def _verify_reversals(report: Report, parameters: dict[str, object]) -> None:
    """Add up each reversal with what it reverses: every account and side must come to nothing."""
    (count,) = fetch(
        "SELECT count(*) FROM ledger_journalentry WHERE book_id = %(book)s AND reverses_id IS NOT NULL",
        parameters,
    )[0]
    report.examined("reversal_mirrors_entry", count)
    report.refute(
        "reversal_mirrors_entry",
        """SELECT format('%%s entry %%s, account %%s', %(code)s::text, number, account),
                  format('%%s %%s', CASE side WHEN 'D' THEN 'credit' ELSE 'debit' END, sum(original)),
                  sum(mirror)::text
             FROM (SELECT r.number, a.code AS account, p.side, p.amount_fen AS original, 0 AS mirror
                     FROM ledger_journalentry r JOIN ledger_posting p ON p.entry_id = r.reverses_id
                     JOIN ledger_account a ON a.id = p.account_id WHERE r.book_id = %(book)s
                    UNION ALL
                   SELECT r.number, a.code, CASE p.side WHEN 'D' THEN 'C' ELSE 'D' END, 0, p.amount_fen
                     FROM ledger_journalentry r JOIN ledger_posting p ON p.entry_id = r.id
                     JOIN ledger_account a ON a.id = p.account_id
                    WHERE r.book_id = %(book)s AND r.reverses_id IS NOT NULL) pair
            GROUP BY number, account, side HAVING sum(original) <> sum(mirror) ORDER BY number, account""",
        parameters,
    )
    report.refute(
        "reversal_mirrors_entry",
        """SELECT format('%%s entry %%s', %(code)s::text, r.number), 'reverses an entry that was not reversed',
                  format('entry %%s, itself a reversal or of another book', o.number)
             FROM ledger_journalentry r JOIN ledger_journalentry o ON o.id = r.reverses_id
            WHERE r.book_id = %(book)s AND (o.book_id <> r.book_id OR o.reverses_id IS NOT NULL)""",
        parameters,
    )


def _verify_accounts(report: Report, parameters: dict[str, object]) -> None:
    (accounts,) = fetch("SELECT count(*) FROM ledger_account WHERE book_id = %(book)s", parameters)[0]
    for name in ("balance_is_sum_of_postings", "account_never_negative", "account_fits_chart"):
        report.examined(name, accounts)
    for side, letter in (("debit", "D"), ("credit", "C")):
        report.refute(
            "balance_is_sum_of_postings",
            f"""SELECT format('%%s account %%s, {side}s', %(code)s::text, a.code),
                       coalesce(s.fen, 0)::text, coalesce(b.{side}_fen::text, 'no balance row')
                  FROM ledger_account a LEFT JOIN ledger_accountbalance b ON b.account_id = a.id
                  LEFT JOIN (SELECT account_id, sum(amount_fen) AS fen FROM ledger_posting
                              WHERE side = '{letter}' GROUP BY account_id) s ON s.account_id = a.id
                 WHERE a.book_id = %(book)s AND coalesce(s.fen, 0) IS DISTINCT FROM b.{side}_fen
                 ORDER BY a.code""",
            parameters,
        )
    report.refute(
        "account_never_negative",
        f"""SELECT format('%%s account %%s after entry %%s', %(code)s::text, account, number), 'at least 0',
                   balance::text
              FROM (SELECT a.code AS account, e.number,
                           sum(sum(CASE WHEN p.side = a.normal_side THEN p.amount_fen ELSE -p.amount_fen END))
                               OVER (PARTITION BY a.id ORDER BY e.number) AS balance
                      {_POSTINGS} AND a.never_negative GROUP BY a.id, e.id) running
             WHERE balance < 0 ORDER BY number, account""",
        parameters,
    )
    report.refute(
        "account_fits_chart",
        """SELECT format('%%s account %%s', %(code)s::text, code), wanted, kind || ' ' || normal_side
             FROM (SELECT *, CASE left(code, 1) WHEN '1' THEN 'asset D' WHEN '2' THEN 'liability C'
                                                WHEN '4' THEN 'income C' WHEN '5' THEN 'expense D' END AS wanted
                     FROM ledger_account WHERE book_id = %(book)s) account
            WHERE wanted IS DISTINCT FROM kind || ' ' || normal_side ORDER BY code""",
        parameters,
    )
    columns = fetch(
        """SELECT coalesce(sum(greatest(b.debit_fen - b.credit_fen, 0)), 0)::text,
                  coalesce(sum(greatest(b.credit_fen - b.debit_fen, 0)), 0)::text
             FROM ledger_accountbalance b JOIN ledger_account a ON a.id = b.account_id
            WHERE a.book_id = %(book)s""",
        parameters,
    )[0]
    report.expect("trial_balance_closes", f"book {parameters['code']}: debits, credits", *columns)
