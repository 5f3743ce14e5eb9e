"""Hold every reversal of a pool's entries against the two people who decided it, and against the log."""

from django.utils.translation import gettext_noop as _

from ledger.books.findings import Report, figure
from ledger.custody.write_off_verify import lacks_two_people

SENTENCES = {
    "reversal_has_its_decision": _(
        "Every reversal was proposed with its reason by a treasurer and agreed to by another person, a controller."
    ),
    "reversal_is_in_the_log": _(
        "The log names every reversal, the entry that it takes back, and the reason."
    ),
}
_AGREED = """FROM ledger_journalentry r JOIN ledger_journalentry e ON e.id = r.reverses_id
        LEFT JOIN ledger_entryreversal x ON x.reversal_id = r.id AND x.entry_id = e.id AND x.state = 'agreed'
       WHERE r.book_id = %(book)s"""


def verify_reversals(report: Report, parameters: dict[str, object]) -> None:
    """Hold a pool against SENTENCES; where nothing was reversed there is nothing to say. parameters: pool, code, book, log."""
    count = figure(f"SELECT count(*) {_AGREED}", parameters)
    if not count:
        return
    for name in SENTENCES:
        report.examined(name, count)
    report.refute(
        "reversal_has_its_decision",
        f"""SELECT format('%%s entry %%s', %(code)s::text, r.number),
                   format('treasurer %%s, then another person: controller %%s; %%s', r.maker, r.checker, r.description),
                   CASE WHEN x.id IS NULL THEN 'no decision' ELSE format('%%s, %%s; %%s', x.proposed_by, x.decided_by, x.reason) END
              {_AGREED} AND (x.id IS NULL OR (x.proposed_by, x.decided_by, x.reason)
                                          IS DISTINCT FROM (r.maker, r.checker, r.description)
                   OR {lacks_two_people("x")}) ORDER BY r.number""",
        parameters,
    )
    report.refute(
        "reversal_is_in_the_log",
        f"""SELECT format('%%s entry %%s', %(code)s::text, number), want, coalesce(found, 'nothing')
              FROM (SELECT r.number, format('%%s by %%s: %%s', e.number, r.number, x.reason) AS want,
                           (SELECT format('%%s by %%s: %%s', told.body->>'entry', told.body->>'reversal', told.body->>'reason')
                              FROM (SELECT convert_from(l.data, 'UTF8')::jsonb->'body' AS body FROM ledger_logentry l
                                     WHERE l.log_id = %(log)s AND l.type = 'correction'
                                       AND l.key = 'reversal/' || e.number) told) AS found
                      {_AGREED} AND x.id IS NOT NULL) told
             WHERE want IS DISTINCT FROM found ORDER BY number""",
        parameters,
    )
