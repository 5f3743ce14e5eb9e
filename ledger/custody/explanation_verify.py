"""Hold explained debits against their people, their entries and what they rest on."""

from django.utils.translation import gettext_noop as _

from ledger.books.findings import Report, figure
from ledger.custody.explanation_triggers import ACCOUNT_SQL
from ledger.custody.write_off_verify import lacks_two_people

SENTENCES = {
    "explanation_needs_two_people": _(
        "Every debit that was explained was explained by a treasurer and agreed to by another person, a controller."
    ),
    "explained_debit_has_its_entry": _(
        "Every explained debit has its entry, on the account of what it was; a payment counts as paid by it, and what"
        " came back is as much."
    ),
}
_AGREED = """FROM ledger_debitexplanation x JOIN ledger_statementline l ON l.id = x.line_id
              WHERE x.pool_id = %(pool)s AND x.state = 'agreed'"""


def verify_explanations(report: Report, parameters: dict[str, object]) -> None:
    """Hold a pool against SENTENCES; where no debit was explained there is nothing to say. parameters: pool, code, book."""
    count = figure(f"SELECT count(*) {_AGREED}", parameters)
    if not count:
        return
    for name in SENTENCES:
        report.examined(name, count)
    report.refute(
        "explanation_needs_two_people",
        "SELECT format('%%s explanation %%s', %(code)s::text, x.number), 'treasurer, then another person: controller',"
        f" concat_ws(', ', x.proposed_by, x.decided_by) {_AGREED} AND {lacks_two_people('x')} ORDER BY x.number",
        parameters,
    )
    report.refute(
        "explained_debit_has_its_entry",
        f"""SELECT format('%%s explanation %%s', %(code)s::text, number), want, concat_ws('; ', coalesce(entry, 'no entry'), paper)
              FROM (SELECT x.number,
                           format('140 C %%1$s, %%2$s D %%1$s; %%1$s', l.amount_fen, {ACCOUNT_SQL.format(cause="x.cause")}) AS want,
                           (SELECT string_agg(format('%%s %%s %%s', a.code, p.side, p.amount_fen), ', ' ORDER BY p.side)
                              FROM ledger_journalentry e JOIN ledger_posting p ON p.entry_id = e.id
                              JOIN ledger_account a ON a.id = p.account_id
                             WHERE e.id = x.entry_id AND e.book_id = %(book)s
                               AND e.key = 'debit_explained/' || x.number) AS entry,
                           CASE x.cause
                                WHEN 'payment' THEN (SELECT o.amount_fen::text FROM ledger_paymentorder o
                                                      WHERE o.id = x.order_id AND o.confirmed_line_id = x.line_id)
                                WHEN 'given_back' THEN (SELECT r.amount_fen::text FROM ledger_statementline r
                                                         WHERE r.id = x.receipt_id AND r.kind = 'unidentified')
                                ELSE x.amount_fen::text END AS paper {_AGREED}) told
             WHERE want IS DISTINCT FROM entry || '; ' || paper ORDER BY number""",
        parameters,
    )
