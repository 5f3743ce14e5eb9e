"""Recompute every wallet from its entries and the charges; hold control account and periods against them."""

from django.utils.translation import gettext_noop as _

from ledger.books.findings import Report, fetch, figure
from ledger.custody.triggers import may_be_nobodys_sql

SENTENCES = {
    "prepaid_is_sum_of_wallets": _("Prepaid balances are what members who pay ahead have together."),
    "wallet_never_negative": _("No wallet was charged or paid back beyond what was in it."),
    "wallet_gap_is_what_is_lacking": _(
        "Every gap brought its wallet to nothing; a period notes the sum of its gaps."
    ),
    "wallet_entry_names_its_source": _(
        "Every top-up is all of its receipt, every payment back all of its order."
    ),
    "wallet_opens_as_imported": _("Every opening balance is what an approved list says of its member."),
}

# Per membership: what came and went, less what was charged.
_WALLETS = """
    SELECT coalesce(e.membership_id, c.membership_id) AS membership_id, coalesce(e.fen, 0) - coalesce(c.fen, 0) AS fen
      FROM (SELECT membership_id, sum(amount_fen) AS fen FROM ledger_walletentry WHERE pool_id = %(pool)s GROUP BY 1) e
      FULL JOIN (SELECT membership_id, sum(share_fen) AS fen FROM ledger_charge WHERE pool_id = %(pool)s GROUP BY 1) c
        ON c.membership_id = e.membership_id"""


def verify_wallets(report: Report, parameters: dict[str, object]) -> None:
    """Hold a pool whose members pay ahead against SENTENCES; of other pools there is nothing to say.

    parameters: pool, code and book, as those of the other statements about custody.
    """
    if not figure(
        "SELECT count(*) FROM members_planversion WHERE pool_id = %(pool)s AND terms ? 'funding'", parameters
    ):
        return
    count, fen = fetch(
        f"SELECT count(*), coalesce(sum(fen), 0)::bigint FROM ({_WALLETS}) wallet", parameters
    )[0]
    report.examined("wallet_never_negative", count)
    report.refute(
        "wallet_never_negative",
        f"""SELECT format('%%s wallet of membership %%s', %(code)s::text, membership_id), '0 or more', fen::text
              FROM ({_WALLETS}) wallet WHERE fen < 0 ORDER BY membership_id""",
        parameters,
    )
    booked = figure(
        """SELECT coalesce(sum(CASE p.side WHEN 'C' THEN p.amount_fen ELSE -p.amount_fen END), 0)::bigint
             FROM ledger_posting p JOIN ledger_account a ON a.id = p.account_id
            WHERE a.book_id = %(book)s AND a.code = '210'""",
        parameters,
    )
    report.expect("prepaid_is_sum_of_wallets", f"{parameters['code']} account 210", fen, booked)
    _verify_gaps(report, parameters)
    _verify_sources(report, parameters)
    _verify_openings(report, parameters)


def _verify_gaps(report: Report, parameters: dict[str, object]) -> None:
    name = "wallet_gap_is_what_is_lacking"
    gaps = "FROM ledger_walletentry WHERE pool_id = %(pool)s AND kind = 'gap'"
    report.examined(name, figure(f"SELECT count(*) {gaps}", parameters))
    # What was entered up to the gap, itself included, is what was charged up to its period.
    report.refute(
        name,
        """SELECT format('%%s wallet of membership %%s after period %%s', %(code)s::text, g.membership_id, g.period_no),
                  '0', (paid.fen - charged.fen)::text
             FROM ledger_walletentry g
             CROSS JOIN LATERAL (SELECT coalesce(sum(amount_fen), 0) AS fen FROM ledger_walletentry
                                  WHERE pool_id = g.pool_id AND membership_id = g.membership_id AND id <= g.id) paid
             CROSS JOIN LATERAL (SELECT coalesce(sum(share_fen), 0) AS fen FROM ledger_charge
                                  WHERE pool_id = %(pool)s AND membership_id = g.membership_id
                                    AND period_no <= g.period_no) charged
            WHERE g.pool_id = %(pool)s AND g.kind = 'gap' AND paid.fen <> charged.fen
            ORDER BY g.period_no, g.membership_id""",
        parameters,
    )
    for number, assessed, wallets, noted, found in fetch(
        """SELECT number, assessed_fen, wallet_fen, gap_fen,
                  (SELECT coalesce(sum(amount_fen), 0)::bigint FROM ledger_walletentry
                    WHERE pool_id = %(pool)s AND period_no = p.number)
             FROM ledger_period p WHERE pool_id = %(pool)s AND state = 'posted' ORDER BY number""",
        parameters,
    ):
        where = f"period {parameters['code']}/{number}, wallets and gaps"
        report.expect(name, where, f"{assessed - found} and {found}", f"{wallets} and {noted}")


def _verify_sources(report: Report, parameters: dict[str, object]) -> None:
    name = "wallet_entry_names_its_source"
    report.examined(
        name,
        figure(
            "SELECT count(*) FROM ledger_walletentry WHERE pool_id = %(pool)s AND kind NOT IN ('gap', 'opening')",
            parameters,
        ),
    )
    report.refute(
        name,
        f"""SELECT format('%%s receipt %%s/%%s', %(code)s::text, s.number, l.line_no), l.amount_fen::text,
                  coalesce(e.fen, 0)::text
             FROM ledger_statementline l JOIN ledger_bankstatement s ON s.id = l.statement_id
             LEFT JOIN (SELECT line_id, sum(amount_fen) AS fen FROM ledger_walletentry GROUP BY 1) e ON e.line_id = l.id
            WHERE l.account_id = %(account)s AND l.kind = 'top_up' AND l.amount_fen IS DISTINCT FROM e.fen
              AND NOT {may_be_nobodys_sql("l")}
            ORDER BY s.number, l.line_no""",
        parameters,
    )
    report.refute(
        name,
        """SELECT format('%%s payment %%s', %(code)s::text, o.number),
                  CASE WHEN o.state IN ('cancelled', 'returned') THEN '0' ELSE o.amount_fen::text END,
                  coalesce(e.fen, 0)::text
             FROM ledger_paymentorder o
             LEFT JOIN (SELECT order_id, -sum(amount_fen) AS fen FROM ledger_walletentry GROUP BY 1) e
               ON e.order_id = o.id
            WHERE o.pool_id = %(pool)s AND o.kind = 'wallet'
              AND coalesce(e.fen, 0) <> CASE WHEN o.state IN ('cancelled', 'returned') THEN 0 ELSE o.amount_fen END
            ORDER BY o.number""",
        parameters,
    )


def _verify_openings(report: Report, parameters: dict[str, object]) -> None:
    name = "wallet_opens_as_imported"
    report.examined(
        name, figure("SELECT count(*) FROM ledger_walletentry WHERE pool_id = %(pool)s", parameters)
    )
    report.refute(
        name,
        """SELECT format('%%s wallet of membership %%s', %(code)s::text, e.membership_id),
                  coalesce(r.prepaid_fen::text, 'no balance on a list'), e.amount_fen::text
             FROM ledger_walletentry e
             LEFT JOIN members_importedmember r ON r.membership_id = e.membership_id AND r.pool_id = e.pool_id
            WHERE e.pool_id = %(pool)s AND e.kind = 'opening' AND e.amount_fen IS DISTINCT FROM r.prepaid_fen
            ORDER BY e.membership_id""",
        parameters,
    )
