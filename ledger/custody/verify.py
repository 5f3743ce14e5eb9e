"""Recompute custody from its rows: bank against ledger, what was collected, what was paid and by whom."""

from django.utils.translation import gettext_noop as _

from ledger.books.findings import Report, fetch, figure
from ledger.custody.arrears_verify import verify_arrears
from ledger.custody.charge_verify import debits_not_used, verify_debits
from ledger.custody.cost_verify import verify_costs
from ledger.custody.explanation_verify import verify_explanations
from ledger.custody.interest_verify import verify_interests
from ledger.custody.month_verify import verify_months
from ledger.custody.opening_debts import BEFORE_PERIODS, taken_over_sql
from ledger.custody.share_return_verify import verify_share_returns
from ledger.custody.triggers import may_be_nobodys_sql
from ledger.custody.wallet_verify import verify_wallets
from ledger.custody.write_off_verify import HELD, verify_write_offs, written_and_recovered

SENTENCES = {
    "statement_follows_last": _(
        "Every bank statement begins on the day and with the balance that ended the last."
    ),
    "statement_adds_up": _("Opening balance and bookings of every statement come to its closing balance."),
    "custody_equals_bank": _("The ledger's custody account stands at the bank's last closing balance."),
    "receivable_is_charges_not_collected": _(
        "Shares receivable are all charges less what came or is written off."
    ),
    "collected_at_most_the_share": _(
        "No charge was paid beyond its share, and none before it was announced."
    ),
    "share_is_paid_for_by_its_payer": _(
        "Who paid somebody else's share paid for them then, and no more is taken back."
    ),
    "collection_fits_its_line": _("Every share paid by transfer is of a booking on the pool's own account."),
    "receipt_is_used_once": _("No receipt was used for more than it brought."),
    "unidentified_is_receipts_not_used": _("Unidentified receipts are what of the receipts is nobody's yet."),
    "in_transit_is_released_orders": _(
        "Payments in transit are the released orders the bank has not confirmed."
    ),
    "payment_has_two_people": _(
        "Every payment was ordered by a treasurer and released by another person, a controller."
    ),
    "aid_paid_at_most_the_award": _("No award was paid beyond its aid, and none that is not shared."),
    "payment_is_on_the_statement": _(
        "Every payment that is called paid is a booking of the bank of the same amount."
    ),
}


def verify_custody(report: Report, pool_id: int, code: str, book_id: int) -> None:
    """Hold a pool's custody against every statement of SENTENCES; a pool without a bank account has none."""
    parameters = {"pool": pool_id, "code": code, "book": book_id}
    account = figure("SELECT max(id) FROM ledger_bankaccount WHERE pool_id = %(pool)s", parameters)
    if account is None:
        return
    parameters["account"] = account
    _verify_statements(report, parameters)
    _verify_collections(report, parameters)
    _verify_orders(report, parameters)
    verify_debits(report, parameters, _net(parameters, "102"))
    verify_wallets(report, parameters)
    verify_write_offs(report, parameters)
    verify_share_returns(report, parameters)
    verify_costs(report, parameters)
    verify_months(report, parameters)
    verify_explanations(report, parameters)
    verify_arrears(report, parameters)
    verify_interests(report, parameters)


def _verify_statements(report: Report, parameters: dict[str, object]) -> None:
    rows = fetch(
        """SELECT s.number, s.from_date, s.to_date, s.opening_fen, s.closing_fen, s.line_count,
                  coalesce(l.lines, 0), coalesce(l.moved, 0)::bigint
             FROM ledger_bankstatement s
             LEFT JOIN (SELECT statement_id, count(*) AS lines,
                               sum(CASE direction WHEN 'in' THEN amount_fen ELSE -amount_fen END) AS moved
                          FROM ledger_statementline GROUP BY 1) l ON l.statement_id = s.id
            WHERE s.account_id = %(account)s ORDER BY s.number""",
        parameters,
    )
    last: tuple[object, ...] | None = None
    for place, (number, first, end, opening, closing, count, lines, moved) in enumerate(rows, start=1):
        where = f"{parameters['code']} statement {number}"
        joined = (place, *(last or (first, opening)))
        report.expect("statement_follows_last", where, str(joined), str((number, first, opening)))
        report.expect("statement_adds_up", where, (count, closing), (lines, opening + moved))
        last = (end, closing)
    report.refute(
        "statement_adds_up",
        """SELECT format('%%s booking %%s', %(code)s::text, l.id), 'a statement of its account', 'statement ' || l.statement_id
             FROM ledger_statementline l
             LEFT JOIN ledger_bankstatement s ON s.id = l.statement_id AND s.account_id = l.account_id
            WHERE l.account_id = %(account)s AND s.id IS NULL ORDER BY l.id""",
        parameters,
    )
    if last is not None:
        report.expect(
            "custody_equals_bank", f"{parameters['code']} account 101", last[1], _net(parameters, "101")
        )


def _verify_collections(report: Report, parameters: dict[str, object]) -> None:
    charged, collected = fetch(
        """SELECT (SELECT coalesce(sum(charged_fen - coalesce(wallet_fen + gap_fen, 0)), 0)::bigint FROM ledger_period
                    WHERE pool_id = %(pool)s AND state = 'posted'),
                  (SELECT coalesce(sum(amount_fen), 0)::bigint FROM ledger_collection WHERE pool_id = %(pool)s)""",
        parameters,
    )[0]
    written, recovered = written_and_recovered(parameters)
    excluded = (
        *("period", "collection", "identified", "match_undone", "chargeback", "write_off", "settlement"),
        *("debit_collected", "debit_returned"),
    )
    other = _net(parameters, "110", excluded=excluded)
    report.expect(
        "receivable_is_charges_not_collected",
        f"{parameters['code']} account 110",
        charged - collected - written + recovered + other,
        _net(parameters, "110"),
    )
    report.examined(
        "collected_at_most_the_share",
        figure("SELECT count(*) FROM ledger_collection WHERE pool_id = %(pool)s", parameters),
    )
    report.refute(
        "collected_at_most_the_share",
        f"""SELECT format('%%s charge of membership %%s, period %%s', %(code)s::text, k.membership_id, k.period_no),
                  format('0 … %%s, announced', coalesce(c.share_fen, d.fen, 0)),
                  k.paid || CASE WHEN d.fen > 0 OR p.charges_notified_at <= k.first THEN '' ELSE ', before the notice' END
             FROM (SELECT membership_id, period_no, sum(amount_fen) AS paid, min(at) AS first
                     FROM ledger_collection WHERE pool_id = %(pool)s GROUP BY 1, 2) k
             LEFT JOIN ledger_charge c ON c.pool_id = %(pool)s AND c.membership_id = k.membership_id
                                      AND c.period_no = k.period_no
             LEFT JOIN ledger_period p ON p.pool_id = %(pool)s AND p.number = k.period_no
             LEFT JOIN ({taken_over_sql("%(pool)s")}) d ON k.period_no = {BEFORE_PERIODS} AND d.membership_id = k.membership_id
            WHERE k.paid > coalesce(c.share_fen, d.fen, 0) OR k.paid < 0
               OR d.fen IS NULL AND (p.charges_notified_at IS NULL OR p.charges_notified_at > k.first)
            ORDER BY k.period_no, k.membership_id""",
        parameters,
    )
    report.examined(
        "collection_fits_its_line",
        figure(
            "SELECT count(line_id) FROM ledger_collection WHERE pool_id = %(pool)s",
            parameters,
        ),
    )
    report.refute(
        "collection_fits_its_line",
        """SELECT format('%%s charge of membership %%s, period %%s', %(code)s::text, k.membership_id, k.period_no),
                  'a booking of the account', 'booking ' || k.line_id
             FROM ledger_collection k LEFT JOIN ledger_statementline l ON l.id = k.line_id AND l.account_id = %(account)s
            WHERE k.pool_id = %(pool)s AND k.line_id IS NOT NULL AND l.id IS NULL ORDER BY k.id""",
        parameters,
    )
    _verify_payers(report, parameters)
    used = f"""SELECT l.id, s.number, l.line_no, l.amount_fen,
                     coalesce((SELECT sum(amount_fen) FROM ledger_collection WHERE line_id = l.id), 0)
                     + coalesce((SELECT sum(amount_fen) FROM ledger_walletentry WHERE line_id = l.id), 0)
                     + coalesce((SELECT sum(amount_fen) FROM ledger_paymentorder WHERE receipt_id = l.id
                                    AND state NOT IN ('cancelled', 'returned')), 0)
                     + coalesce((SELECT sum(amount_fen) FROM ledger_debitexplanation WHERE receipt_id = l.id
                                    AND state = 'agreed'), 0) AS used
                FROM ledger_statementline l JOIN ledger_bankstatement s ON s.id = l.statement_id
               WHERE l.account_id = %(account)s AND {may_be_nobodys_sql("l")}"""
    count, left = fetch(
        f"SELECT count(*), coalesce(sum(amount_fen - used), 0)::bigint FROM ({used}) used",
        parameters,
    )[0]
    report.examined("receipt_is_used_once", count)
    report.refute(
        "receipt_is_used_once",
        f"""SELECT format('%%s receipt %%s/%%s', %(code)s::text, number, line_no), 'at most ' || amount_fen, used::text
              FROM ({used}) used WHERE used > amount_fen ORDER BY number, line_no""",
        parameters,
    )
    report.expect(
        "unidentified_is_receipts_not_used",
        f"{parameters['code']} account 250",
        left + debits_not_used(parameters),
        -_net(parameters, "250"),
    )


def _verify_payers(report: Report, parameters: dict[str, object]) -> None:
    name = "share_is_paid_for_by_its_payer"
    report.examined(
        name, figure("SELECT count(*) FROM ledger_collection WHERE pool_id = %(pool)s", parameters)
    )
    report.refute(
        name,
        """SELECT format('%%s charge of membership %%s, period %%s', %(code)s::text, k.membership_id, k.period_no),
                  'a member who paid for them then', 'membership ' || k.payer_id
             FROM ledger_collection k
            WHERE k.pool_id = %(pool)s AND k.payer_id IS NOT NULL AND k.amount_fen > 0 AND NOT EXISTS (
                  SELECT 1 FROM members_payerlink l WHERE l.pool_id = k.pool_id AND l.payer_id = k.payer_id
                     AND l.membership_id = k.membership_id AND l.begun_at <= k.at
                     AND coalesce(l.ended_at, 'infinity') >= k.at)
            ORDER BY k.period_no, k.membership_id""",
        parameters,
    )
    report.refute(
        name,
        """SELECT format('%%s charge of membership %%s, period %%s', %(code)s::text, membership_id, period_no),
                  '0 or more', format('%%s of membership %%s', sum(amount_fen), coalesce(payer_id, membership_id))
             FROM ledger_collection WHERE pool_id = %(pool)s
            GROUP BY membership_id, period_no, payer_id HAVING sum(amount_fen) < 0
            ORDER BY period_no, membership_id""",
        parameters,
    )


def _verify_orders(report: Report, parameters: dict[str, object]) -> None:
    count, in_transit = fetch(
        """SELECT count(*), coalesce(sum(amount_fen) FILTER (WHERE state = 'released'), 0)::bigint
             FROM ledger_paymentorder WHERE pool_id = %(pool)s""",
        parameters,
    )[0]
    for name in ("payment_has_two_people", "payment_is_on_the_statement"):
        report.examined(name, count)
    report.expect(
        "in_transit_is_released_orders",
        f"{parameters['code']} account 270",
        in_transit,
        -_net(parameters, "270"),
    )
    report.refute(
        "payment_has_two_people",
        """SELECT format('%%s payment %%s', %(code)s::text, o.number), 'treasurer, then another person: controller',
                  o.ordered_by || ', ' || coalesce(o.released_by, 'nobody')
             FROM ledger_paymentorder o
            WHERE o.pool_id = %(pool)s AND (NOT EXISTS ("""
        + HELD.format(person="o.ordered_by", duty="treasurer", at="o.ordered_at")
        + """) OR o.state IN ('released', 'confirmed', 'returned') AND (o.released_by IS NULL
                   OR o.released_by = o.ordered_by OR NOT EXISTS ("""
        + HELD.format(person="o.released_by", duty="controller", at="o.released_at")
        + """))) ORDER BY o.number""",
        parameters,
    )
    report.refute(
        "payment_is_on_the_statement",
        """SELECT format('%%s payment %%s', %(code)s::text, o.number), 'a debit of ' || o.amount_fen,
                  coalesce(format('%%s %%s', l.direction, l.amount_fen), 'none')
             FROM ledger_paymentorder o LEFT JOIN ledger_statementline l
               ON l.id = o.confirmed_line_id AND l.account_id = %(account)s
            WHERE o.pool_id = %(pool)s AND o.state IN ('confirmed', 'returned')
              AND (l.direction, l.amount_fen) IS DISTINCT FROM ('out', o.amount_fen) ORDER BY o.number""",
        parameters,
    )
    awards = "FROM ledger_award w WHERE w.pool_id = %(pool)s AND w.state = 'shared'"
    report.examined("aid_paid_at_most_the_award", figure(f"SELECT count(*) {awards}", parameters))
    report.refute(
        "aid_paid_at_most_the_award",
        """SELECT format('%%s award %%s', %(code)s::text, w.code),
                  format('at most %%s, shared', coalesce(w.shared_fen, 0) - w.lowered_fen),
                  format('%%s, %%s', sum(o.amount_fen), w.state)
             FROM ledger_paymentorder o JOIN ledger_award w ON w.id = o.award_id
            WHERE o.pool_id = %(pool)s AND o.state NOT IN ('cancelled', 'returned')
            GROUP BY w.id HAVING sum(o.amount_fen) > coalesce(w.shared_fen, 0) - w.lowered_fen OR w.state <> 'shared'
            ORDER BY w.code""",
        parameters,
    )


def _net(parameters: dict[str, object], account: str, excluded: tuple[str, ...] = ()) -> int:
    """Return an account's debits less credits, by entries of all kinds but some; only what is left when some are."""
    return int(
        figure(
            """SELECT coalesce(sum(CASE p.side WHEN 'D' THEN p.amount_fen ELSE -p.amount_fen END), 0)::bigint
                 FROM ledger_posting p JOIN ledger_journalentry e ON e.id = p.entry_id
                 JOIN ledger_account a ON a.id = p.account_id
                 LEFT JOIN ledger_journalentry o ON o.id = e.reverses_id
                WHERE a.book_id = %(book)s AND a.code = %(net)s
                  AND NOT coalesce(o.kind, e.kind) = ANY(%(excluded)s::text[])""",
            parameters | {"net": account, "excluded": list(excluded)},
        )
    )
