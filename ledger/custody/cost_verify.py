"""Recompute what investigations have cost; hold rows, entries, people and payments against it."""

from django.utils.translation import gettext_noop as _

from ledger.books.findings import Report, figure

SENTENCES = {
    "cost_needs_two_people": _(
        "Every approved cost was billed by one person and approved by another, a controller."
    ),
    "approved_cost_has_its_entry": _("Every approved cost has its entry, on the account of who bears it."),
    "cost_is_paid_once": _("No more was ordered of a cost than was approved."),
}
_ACCOUNTS = "CASE o.borne_by WHEN 'shared' THEN '120' WHEN 'operator' THEN '130' ELSE '260' END"
_APPROVED = "FROM ledger_outsidecost o WHERE o.pool_id = %(pool)s AND o.state = 'approved'"


def verify_costs(report: Report, parameters: dict[str, object]) -> None:
    """Hold a pool against SENTENCES; where nothing was investigated there is nothing to say. parameters: pool, code, book."""
    if not figure("SELECT count(*) FROM ledger_outsidecost WHERE pool_id = %(pool)s", parameters):
        return
    for name in ("cost_needs_two_people", "approved_cost_has_its_entry", "cost_is_paid_once"):
        report.examined(name, figure(f"SELECT count(*) {_APPROVED}", parameters))
    report.refute(
        "cost_needs_two_people",
        f"""SELECT format('%%s cost %%s', %(code)s::text, o.number), 'two people, the second a controller',
                   concat_ws(', ', o.billed_by, o.decided_by) {_APPROVED}
               AND (o.billed_by = o.decided_by OR NOT EXISTS (
                    SELECT 1 FROM members_dutygrant g JOIN members_user u ON u.id = g.person_id
                     WHERE u.code = o.decided_by AND g.duty = 'controller' AND g.pool_id = o.pool_id
                       AND g.granted_at <= o.decided_at AND (g.ended_at IS NULL OR g.ended_at >= o.decided_at)))
             ORDER BY o.number""",
        parameters,
    )
    report.refute(
        "approved_cost_has_its_entry",
        f"""SELECT format('%%s cost %%s', %(code)s::text, number), want, coalesce(found, 'no entry')
              FROM (SELECT o.number,
                           format('%%s D %%s, 235 C %%s', {_ACCOUNTS}, o.amount_fen, o.amount_fen) AS want,
                           (SELECT string_agg(format('%%s %%s %%s', a.code, p.side, p.amount_fen), ', ' ORDER BY p.side DESC)
                              FROM ledger_journalentry e JOIN ledger_posting p ON p.entry_id = e.id
                              JOIN ledger_account a ON a.id = p.account_id
                             WHERE e.id = o.entry_id AND e.book_id = %(book)s
                               AND e.key = 'investigation/' || o.number) AS found {_APPROVED}) told
             WHERE want IS DISTINCT FROM found ORDER BY number""",
        parameters,
    )
    report.refute(
        "cost_is_paid_once",
        """SELECT format('%%s cost %%s', %(code)s::text, o.number),
                  'at most ' || CASE o.state WHEN 'approved' THEN o.amount_fen ELSE 0 END, sum(k.amount_fen)::text
             FROM ledger_outsidecost o JOIN ledger_paymentorder k ON k.cost_id = o.id
            WHERE o.pool_id = %(pool)s AND k.state NOT IN ('cancelled', 'returned')
            GROUP BY o.id HAVING sum(k.amount_fen) > CASE o.state WHEN 'approved' THEN o.amount_fen ELSE 0 END
            ORDER BY o.number""",
        parameters,
    )
