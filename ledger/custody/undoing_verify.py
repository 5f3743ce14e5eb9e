"""Hold every wrong match that was undone against the two people who decided it, the books and what was taken back."""

from django.utils.translation import gettext_noop as _

from ledger.books.findings import Report, figure
from ledger.custody.undoing_triggers import KIND, RECOVERED_KEY, UNDONE_KEY
from ledger.custody.write_off_verify import lacks_two_people

SENTENCES = {
    "undone_match_has_its_decision": _(
        "A receipt was taken from whom it was matched to only by a treasurer's proposal, with a reason, and another person's word, a controller's."
    ),
    "undone_match_is_booked": _("All of an undone match is nobody's money in the books, by its two people."),
    "undone_match_is_taken_back": _(
        "What an undone match had paid counts as not paid: no more, and no less."
    ),
}
_AGREED = """FROM ledger_matchundoing x WHERE x.pool_id = %(pool)s AND x.state = 'agreed'"""
_ENTRIES = f"""e.key IN ('{UNDONE_KEY}/' || x.number, '{RECOVERED_KEY}/' || x.number)"""


def verify_undoings(report: Report, parameters: dict[str, object]) -> None:
    """Hold a pool against SENTENCES; where nothing was undone there is nothing to say. parameters: pool, code, book."""
    count = figure(
        f"""SELECT (SELECT count(*) {_AGREED})
                + (SELECT count(*) FROM ledger_journalentry WHERE book_id = %(book)s AND kind = '{KIND}')
                + (SELECT count(*) FROM ledger_collection WHERE pool_id = %(pool)s AND turn < 0)
                + (SELECT count(*) FROM ledger_walletentry WHERE pool_id = %(pool)s AND turn < 0)""",
        parameters,
    )
    if not count:
        return
    for name in SENTENCES:
        report.examined(name, figure(f"SELECT count(*) {_AGREED}", parameters))
    report.refute(
        "undone_match_has_its_decision",
        f"""SELECT format('%%s undoing %%s', %(code)s::text, x.number), 'treasurer, then another person: controller',
                   concat_ws(', ', x.proposed_by, x.decided_by) {_AGREED}
               AND {lacks_two_people("x")}
            UNION ALL
            SELECT format('%%s entry %%s', %(code)s::text, e.number), 'decided by two people', e.description
              FROM ledger_journalentry e WHERE e.book_id = %(book)s AND e.kind = '{KIND}'
               AND NOT EXISTS (SELECT 1 {_AGREED} AND {_ENTRIES})
             ORDER BY 1""",
        parameters,
    )
    report.refute(
        "undone_match_is_booked",
        f"""SELECT format('%%s undoing %%s', %(code)s::text, number), want, coalesce(booked, 'no entry')
              FROM (SELECT x.number, concat_ws('|', x.proposed_by, x.decided_by, '250 C ' || x.amount_fen) AS want,
                           (SELECT concat_ws('|', min(e.maker), min(e.checker), '250 C ' || sum(p.amount_fen))
                              FROM ledger_journalentry e JOIN ledger_posting p ON p.entry_id = e.id AND p.side = 'C'
                              JOIN ledger_account a ON a.id = p.account_id AND a.code = '250'
                             WHERE e.book_id = %(book)s AND {_ENTRIES}
                            HAVING count(DISTINCT (e.maker, e.checker)) = 1) AS booked
                      {_AGREED}) told WHERE want IS DISTINCT FROM booked ORDER BY number""",
        parameters,
    )
    report.refute(
        "undone_match_is_taken_back",
        f"""SELECT format('%%s undoing %%s', %(code)s::text, number), amount_fen::text, back::text
              FROM (SELECT x.number, x.amount_fen,
                           -coalesce((SELECT sum(k.amount_fen) FROM ledger_collection k WHERE k.line_id = x.receipt_id
                                         AND k.turn = -x.number AND coalesce(k.payer_id, k.membership_id) = x.membership_id), 0)
                           - coalesce((SELECT sum(w.amount_fen) FROM ledger_walletentry w WHERE w.line_id = x.receipt_id
                                          AND w.turn = -x.number AND w.membership_id = x.membership_id), 0) AS back
                      {_AGREED}) told WHERE back <> amount_fen
            UNION ALL
            SELECT format('%%s membership %%s', %(code)s::text, k.membership_id), 'an undoing that was agreed to', k.amount_fen::text
              FROM (SELECT line_id, membership_id, turn, amount_fen FROM ledger_collection WHERE pool_id = %(pool)s
                     UNION ALL
                    SELECT line_id, membership_id, turn, amount_fen FROM ledger_walletentry WHERE pool_id = %(pool)s) k
             WHERE k.turn < 0 AND NOT EXISTS (SELECT 1 {_AGREED} AND x.number = -k.turn AND x.receipt_id = k.line_id)
             ORDER BY 1""",
        parameters,
    )
