"""Recompute what went back to who fell ill in the waiting period; hold rows, entries and payments against it."""

from django.utils.translation import gettext_noop as _

from ledger.books.findings import Report, fetch, figure

SENTENCES = {
    "shares_return_has_its_entry": _(
        "Shares that went back are booked by the two people who decided, charge by charge."
    ),
    "shares_go_back_as_they_were_paid": _("No more was paid back of shares than had been paid for them."),
    "illness_ends_with_its_return": _(
        "Every membership that ended by an illness in the wait has got its shares back."
    ),
}


def verify_share_returns(report: Report, parameters: dict[str, object]) -> None:
    """Hold a pool against SENTENCES; where no shares went back there is nothing to say. parameters: pool, code, book."""
    if not figure(
        """SELECT (SELECT count(*) FROM ledger_sharesreturn WHERE pool_id = %(pool)s)
                  + (SELECT count(*) FROM members_membershipend e JOIN members_membership m ON m.id = e.membership_id
                      WHERE m.pool_id = %(pool)s AND e.reason = 'ill')""",
        parameters,
    ):
        return
    for number, want, found in fetch(
        """SELECT r.number,
                   concat_ws(', ', nullif(format('110 C %%s', r.open_fen), '110 C 0'),
                             format('120 D %%s', r.paid_fen + r.open_fen),
                             nullif(format('220 C %%s', r.paid_fen), '220 C 0'), r.reviewer, r.decider,
                             'a reviewer and another person, a second reviewer',
                             (SELECT coalesce(sum((c->>1)::bigint), 0) || ' + ' || coalesce(sum((c->>2)::bigint), 0)
                                FROM jsonb_array_elements(r.charges) c)),
                   concat_ws(', ', (SELECT string_agg(format('%%s %%s %%s', a.code, p.side, p.amount_fen), ', ' ORDER BY a.code)
                                      FROM ledger_journalentry e JOIN ledger_posting p ON p.entry_id = e.id
                                      JOIN ledger_account a ON a.id = p.account_id
                                     WHERE e.id = r.entry_id AND e.book_id = %(book)s),
                             (SELECT concat_ws(', ', e.maker, e.checker) FROM ledger_journalentry e WHERE e.id = r.entry_id),
                             CASE WHEN r.reviewer <> r.decider
                                   AND EXISTS (SELECT 1 FROM members_dutygrant g JOIN members_user u ON u.id = g.person_id
                                                WHERE u.code = r.reviewer AND g.duty = 'reviewer' AND g.pool_id = r.pool_id)
                                   AND EXISTS (SELECT 1 FROM members_dutygrant g JOIN members_user u ON u.id = g.person_id
                                                WHERE u.code = r.decider AND g.duty = 'second_reviewer' AND g.pool_id = r.pool_id)
                                  THEN 'a reviewer and another person, a second reviewer' ELSE 'not two people' END,
                             r.paid_fen || ' + ' || r.open_fen)
              FROM ledger_sharesreturn r
             WHERE r.pool_id = %(pool)s AND r.paid_fen + r.open_fen > 0 ORDER BY r.number""",
        parameters,
    ):
        report.expect("shares_return_has_its_entry", f"{parameters['code']} shares {number}", want, found)
    name = "shares_go_back_as_they_were_paid"
    orders = """FROM ledger_paymentorder o WHERE o.pool_id = %(pool)s AND o.kind = 'shares'
                 AND o.state NOT IN ('cancelled', 'returned')"""
    report.examined(name, figure(f"SELECT count(*) {orders}", parameters))
    report.refute(
        name,
        f"""SELECT format('%%s shares of membership %%s', %(code)s::text, o.membership_id),
                   'at most ' || coalesce(max(r.paid_fen), 0), sum(o.amount_fen)::text
              FROM (SELECT o.membership_id, o.amount_fen {orders}) o
              LEFT JOIN ledger_sharesreturn r ON r.membership_id = o.membership_id
             GROUP BY o.membership_id HAVING sum(o.amount_fen) > coalesce(max(r.paid_fen), 0) ORDER BY 1""",
        parameters,
    )
    name = "illness_ends_with_its_return"
    ended = """FROM members_membershipend e JOIN members_membership m ON m.id = e.membership_id
                WHERE m.pool_id = %(pool)s AND e.reason = 'ill'"""
    report.examined(name, figure(f"SELECT count(*) {ended}", parameters))
    report.refute(
        name,
        f"""SELECT format('%%s member %%s', %(code)s::text, m.number), 'its shares go back', 'they do not' {ended}
               AND NOT EXISTS (SELECT 1 FROM ledger_sharesreturn r WHERE r.membership_id = m.id
                                  AND (r.decider, r.decision) = (e.recorded_by, e.reference)) ORDER BY m.number""",
        parameters,
    )
