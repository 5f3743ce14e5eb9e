"""Hold debits against the rows behind them: files, answers of the agent, and what stands in transit."""

from django.utils.translation import gettext_noop as _

from ledger.books.findings import Report, fetch, figure

SENTENCES = {
    "in_transit_is_debits_not_settled": _(
        "Collections in transit are what the agent says and the bank does not show yet."
    ),
    "charge_file_adds_up": _("Every charge file holds as many instructions, and as much, as it says."),
    "collection_is_of_its_result": _(
        "No debit paid more than the agent collected, and what was taken back is owed again."
    ),
}

# What debits brought that no share needed and nobody was paid back; of what was taken back nothing is left.
_REST = """
    SELECT r.id, i.payer_no, i.period_no, i.attempt, r.amount_fen,
           coalesce((SELECT sum(k.amount_fen) FROM ledger_collection k WHERE k.result_id = r.id), 0)
           + coalesce((SELECT sum(o.amount_fen) FROM ledger_paymentorder o
                        WHERE o.debit_id = r.id AND o.state NOT IN ('cancelled', 'returned')), 0) AS used,
           EXISTS (SELECT 1 FROM ledger_chargeresult b
                    WHERE b.instruction_id = r.instruction_id AND b.kind = 'returned') AS is_back
      FROM ledger_chargeresult r JOIN ledger_chargeinstruction i ON i.id = r.instruction_id
     WHERE i.pool_id = %(pool)s AND r.kind = 'collected'"""


def debits_not_used(parameters: dict[str, object]) -> int:
    """Return what came by debits and is nobody's yet (fen)."""
    return int(
        figure(
            f"SELECT coalesce(sum(amount_fen - used), 0)::bigint FROM ({_REST}) r WHERE NOT is_back",
            parameters,
        )
    )


def verify_debits(report: Report, parameters: dict[str, object], in_transit: int) -> None:
    """Hold a pool's debits; where no file was made there is nothing to say. in_transit: the balance in the books (fen)."""
    files = figure("SELECT count(*) FROM ledger_chargefile WHERE pool_id = %(pool)s", parameters)
    if not files:
        return
    report.examined("charge_file_adds_up", files)
    report.refute(
        "charge_file_adds_up",
        """SELECT format('%%s charge file %%s', %(code)s::text, f.number),
                  format('%%s instructions of %%s', f.instruction_count, f.amount_fen),
                  format('%%s of %%s', count(i.id), coalesce(sum(i.amount_fen), 0))
             FROM ledger_chargefile f LEFT JOIN ledger_chargeinstruction i ON i.file_id = f.id
            WHERE f.pool_id = %(pool)s GROUP BY f.id
           HAVING count(i.id) <> f.instruction_count OR coalesce(sum(i.amount_fen), 0) <> f.amount_fen
            ORDER BY f.number""",
        parameters,
    )
    _verify_results(report, parameters)
    said, shown = fetch(
        """SELECT (SELECT coalesce(sum(CASE r.kind WHEN 'collected' THEN r.amount_fen WHEN 'returned' THEN -r.amount_fen
                                       ELSE 0 END), 0)::bigint
                     FROM ledger_chargeresult r JOIN ledger_chargeinstruction i ON i.id = r.instruction_id
                    WHERE i.pool_id = %(pool)s),
                  (SELECT coalesce(sum(CASE direction WHEN 'in' THEN amount_fen ELSE -amount_fen END), 0)::bigint
                     FROM ledger_statementline WHERE account_id = %(account)s AND kind IN ('debited', 'debit_back'))""",
        parameters,
    )[0]
    report.expect(
        "in_transit_is_debits_not_settled", f"{parameters['code']} account 102", said - shown, in_transit
    )


def _verify_results(report: Report, parameters: dict[str, object]) -> None:
    name = "collection_is_of_its_result"
    report.examined(name, figure(f"SELECT count(*) FROM ({_REST}) r", parameters))
    report.refute(
        name,
        f"""SELECT format('%%s debit AID-%%s-%%s-%%s-%%s', %(code)s::text, %(pool)s, payer_no, period_no, attempt),
                   'at most ' || amount_fen, used::text FROM ({_REST}) r WHERE used > amount_fen
             ORDER BY payer_no, period_no, attempt""",
        parameters,
    )
    report.refute(
        name,
        """SELECT format('%%s debit AID-%%s-%%s-%%s-%%s', %(code)s::text, %(pool)s, i.payer_no, i.period_no, i.attempt),
                  '0 after it was taken back', sum(k.amount_fen)::text
             FROM ledger_chargeresult b JOIN ledger_chargeinstruction i ON i.id = b.instruction_id
             JOIN ledger_chargeresult r ON r.instruction_id = i.id
             JOIN ledger_collection k ON k.result_id = r.id
            WHERE i.pool_id = %(pool)s AND b.kind = 'returned'
            GROUP BY i.id, i.payer_no, i.period_no, i.attempt HAVING sum(k.amount_fen) <> 0
            ORDER BY i.payer_no, i.period_no, i.attempt""",
        parameters,
    )
