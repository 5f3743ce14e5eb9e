"""Hold aid that was taken back before it was paid against the two people who decided it, the books and the log."""

from django.utils.translation import gettext_noop as _

from ledger.books.findings import Report, figure
from ledger.custody.write_off_verify import lacks_two_people

SENTENCES = {
    "revoked_aid_has_its_decision": _(
        "Aid was taken back only by a second reviewer's proposal, with a reason, and another person's word, a controller's."
    ),
    "revoked_aid_is_booked": _(
        "What was taken back of aid, with its fee, went to the members' surplus: no other account has it."
    ),
    "revocation_is_in_the_log": _("The log names everything that was taken back of aid, and the reason."),
}
_AGREED = """FROM ledger_awardrevocation r JOIN ledger_award w ON w.id = r.award_id
       WHERE r.pool_id = %(pool)s AND r.state = 'agreed'"""


def verify_revocations(report: Report, parameters: dict[str, object]) -> None:
    """Hold a pool against SENTENCES; where nothing was taken back there is nothing to say. parameters: pool, code, book, log."""
    count = figure(
        """SELECT (SELECT count(*) FROM ledger_awardrevocation WHERE pool_id = %(pool)s AND state = 'agreed')
                + (SELECT count(*) FROM ledger_journalentry WHERE book_id = %(book)s AND kind = 'award_revoked')""",
        parameters,
    )
    if not count:
        return
    for name in SENTENCES:
        report.examined(name, figure(f"SELECT count(*) {_AGREED}", parameters))
    report.refute(
        "revoked_aid_has_its_decision",
        f"""SELECT format('%%s revocation %%s', %(code)s::text, r.number), 'second reviewer, then another person: controller',
                   concat_ws(', ', r.proposed_by, r.decided_by) {_AGREED}
               AND {lacks_two_people("r", proposer="second_reviewer")}
            UNION ALL
            SELECT format('%%s entry %%s', %(code)s::text, e.number), 'decided by two people', e.description
              FROM ledger_journalentry e WHERE e.book_id = %(book)s AND e.kind = 'award_revoked'
               AND NOT EXISTS (SELECT 1 FROM ledger_awardrevocation r WHERE r.entry_id = e.id AND r.state = 'agreed')
             ORDER BY 1""",
        parameters,
    )
    report.refute(
        "revoked_aid_is_booked",
        f"""SELECT format('%%s revocation %%s', %(code)s::text, number), want, coalesce(entry, 'no entry')
              FROM (SELECT r.number,
                           (SELECT concat_ws('|', r.proposed_by, r.decided_by,
                                             string_agg(format('%%s %%s', line, fen), ', ' ORDER BY line))
                              FROM (VALUES ('201 D', r.aid_fen), ('230 D', r.fee_fen - r.fee_owed_fen), ('130 D', r.fee_owed_fen),
                                           ('240 C', r.aid_fen + r.fee_fen), ('401 D', r.aid_fen + r.fee_fen),
                                           ('501 C', r.aid_fen), ('510 C', r.fee_fen)) l (line, fen) WHERE fen <> 0) AS want,
                           (SELECT concat_ws('|', e.maker, e.checker, string_agg(
                                       format('%%s %%s %%s', a.code, p.side, p.amount_fen), ', ' ORDER BY a.code))
                              FROM ledger_journalentry e JOIN ledger_posting p ON p.entry_id = e.id
                              JOIN ledger_account a ON a.id = p.account_id
                             WHERE e.id = r.entry_id AND e.book_id = %(book)s AND e.key = 'award_revoked/' || r.number
                             GROUP BY e.id) AS entry
                      {_AGREED}) told WHERE want IS DISTINCT FROM entry ORDER BY number""",
        parameters,
    )
    report.refute(
        "revocation_is_in_the_log",
        f"""SELECT format('%%s revocation %%s', %(code)s::text, number), want, coalesce(found, 'nothing')
              FROM (SELECT r.number, format('%%s less by %%s, fee %%s: %%s', w.code, r.aid_fen, r.fee_fen, r.reason) AS want,
                           (SELECT format('%%s less by %%s, fee %%s: %%s', told.body->>'case',
                                          (told.body->>'was')::bigint - (told.body->>'is')::bigint,
                                          told.body->>'fee_back', told.body->>'reason')
                              FROM (SELECT convert_from(l.data, 'UTF8')::jsonb->'body' AS body FROM ledger_logentry l
                                     WHERE l.log_id = %(log)s AND l.type = 'award.adjust'
                                       AND l.key = 'revoked/' || r.number || '/' || w.code) told) AS found
                      {_AGREED}) told WHERE want IS DISTINCT FROM found ORDER BY number""",
        parameters,
    )
