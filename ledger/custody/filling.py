"""Which charges money pays: those of whose reference it bears, then those of whom they pay for, oldest first.

Money of a payer, laid end to end, over what is owed, laid end to end in the order in which it is to be filled: where
the two overlap, that much of the line pays that charge. One statement of SQL for all lines; windows are exact integers.

First everybody's money pays their own charges. What is left of a payer's then pays for the others, in joining order,
and last what of them all is written off: of that nothing is owed any more, it is a recovery. Two passes, because
somebody who is paid for may pay as well: their own money comes first, and no charge is filled twice.
"""

import datetime as dt
from dataclasses import dataclass

from django.db import connection

from aidplatform.lib.db import whole_tables
from ledger.custody import opening_debts
from ledger.custody.charge_models import ChargeResultFile
from ledger.custody.models import BankStatement, StatementLine
from ledger.custody.opening_debts import BEFORE_PERIODS
from ledger.custody.proposal_models import Proposal
from members.joining.models import Membership
from members.joining.payer_models import PayerLink
from members.joining.payer_triggers import in_force_sql
from members.pools.models import Pool

MANY_LINES = 1_000

_LINKS = f"""
    SELECT k.payer_id, k.membership_id, m.number FROM members_payerlink k
      JOIN members_membership m ON m.id = k.membership_id
     WHERE k.pool_id = %(pool)s AND k.payer_id IN (SELECT payer FROM money) AND {in_force_sql("k")}"""
_FILL = """
    WITH money AS (
        SELECT l.id AS line_id, l.payer, l.fen,
               sum(l.fen) OVER (PARTITION BY l.payer ORDER BY l.id) - l.fen AS before
          FROM ({money}) l WHERE l.fen > 0
    ), link AS MATERIALIZED ({links}
    ), filled_for AS (
        SELECT DISTINCT payer, payer AS membership_id, 0::bigint AS place FROM money {others}
    ), owed AS (
        -- What is owed from before the pool moved in is the oldest debt of all.
        SELECT f.payer, c.membership_id, c.period_no, c.share_fen - coalesce(k.paid, 0) AS fen,
               sum(c.share_fen - coalesce(k.paid, 0))
                   OVER (PARTITION BY f.payer ORDER BY w.id IS NOT NULL, f.place, c.period_no)
                   - (c.share_fen - coalesce(k.paid, 0)) AS before
          FROM {owed}
         WHERE c.share_fen > coalesce(k.paid, 0) AND w.shares_return_id IS NULL {which}
    ), filled AS (
        INSERT INTO ledger_collection ({source}, membership_id, pool_id, period_no, amount_fen, payer_id,
                                       recorded_by, at, turn)
        SELECT m.line_id, o.membership_id, %(pool)s, o.period_no,
               least(m.before + m.fen, o.before + o.fen) - greatest(m.before, o.before),
               nullif(m.payer, o.membership_id), %(by)s, %(at)s, %(turn)s
          FROM money m JOIN owed o ON o.payer = m.payer
         WHERE least(m.before + m.fen, o.before + o.fen) > greatest(m.before, o.before)
         ORDER BY m.payer, o.before, m.line_id
        RETURNING amount_fen)
    SELECT coalesce(sum(amount_fen), 0)::bigint FROM filled"""
# Of many the tables are read whole, and joined by hashing.
_OWED_OF_MANY = """(SELECT h.membership_id, h.period_no, h.share_fen FROM ledger_charge h
                  JOIN ledger_period p ON p.pool_id = h.pool_id AND p.number = h.period_no
                                      AND p.charges_notified_at IS NOT NULL
                 WHERE h.pool_id = %(pool)s AND h.membership_id IN (SELECT membership_id FROM filled_for)
                 UNION ALL
                SELECT membership_id, {before}, fen FROM ({debts}) debt) c
          JOIN filled_for f ON f.membership_id = c.membership_id
          LEFT JOIN (SELECT membership_id, period_no, sum(amount_fen) AS paid FROM ledger_collection
                      WHERE pool_id = %(pool)s AND membership_id IN (SELECT membership_id FROM filled_for)
                      GROUP BY 1, 2) k ON k.membership_id = c.membership_id AND k.period_no = c.period_no
          LEFT JOIN ledger_writtenoffcharge w ON w.pool_id = %(pool)s AND w.membership_id = c.membership_id
                                             AND w.period_no = c.period_no"""
# Of few each is looked up, whatever the planner takes the tables for: it would compare each with each.
_OWED_OF_FEW = """filled_for f
         CROSS JOIN LATERAL (SELECT h.membership_id, h.period_no, h.share_fen FROM ledger_charge h
                  JOIN ledger_period p ON p.pool_id = h.pool_id AND p.number = h.period_no
                                      AND p.charges_notified_at IS NOT NULL
                 WHERE h.pool_id = %(pool)s AND h.membership_id = f.membership_id
                 UNION ALL
                SELECT membership_id, {before}, fen FROM ({debts}) debt OFFSET 0) c
         CROSS JOIN LATERAL (SELECT sum(amount_fen) AS paid FROM ledger_collection
                              WHERE pool_id = %(pool)s AND membership_id = c.membership_id
                                AND period_no = c.period_no) k
          LEFT JOIN LATERAL (SELECT id, shares_return_id FROM ledger_writtenoffcharge
                              WHERE pool_id = %(pool)s AND membership_id = c.membership_id
                                AND period_no = c.period_no LIMIT 1) w ON true"""
_OWED = {
    True: _OWED_OF_MANY.format(
        before=BEFORE_PERIODS,
        debts=opening_debts.owed_sql("%(pool)s", "r.membership_id IN (SELECT membership_id FROM filled_for)"),
    ),
    False: _OWED_OF_FEW.format(
        before=BEFORE_PERIODS, debts=opening_debts.owed_sql("%(pool)s", "r.membership_id = f.membership_id")
    ),
}
# Of whoever pays for others, what is written off waits for the second pass.
_OWN = {
    "others": "",
    "which": "AND (w.id IS NULL OR c.membership_id NOT IN (SELECT payer_id FROM link))",
}
_OF_ALL = {"others": "UNION ALL SELECT payer_id, membership_id, number FROM link", "which": ""}

_OF_STATEMENT = """SELECT id, membership_id AS payer, amount_fen AS fen FROM ledger_statementline
                    WHERE statement_id = %(statement)s AND kind = 'collection'"""
_LEFT_OF_STATEMENT = """
    SELECT l.id, l.membership_id AS payer, l.amount_fen - coalesce((
               SELECT sum(k.amount_fen) FROM ledger_collection k WHERE k.line_id = l.id), 0) AS fen
      FROM ledger_statementline l
     WHERE l.statement_id = %(statement)s AND l.kind = 'collection'
       AND l.membership_id IN (SELECT payer_id FROM members_payerlink WHERE pool_id = %(pool)s AND state = 'live')"""
_OF_RESULTS = """SELECT r.id, i.payer_id AS payer, r.amount_fen AS fen FROM ledger_chargeresult r
                   JOIN ledger_chargeinstruction i ON i.id = r.instruction_id
                  WHERE r.result_file_id = %(file)s AND r.kind = 'collected'"""
_LEFT_OF_RESULTS = f"""
    SELECT l.id, l.payer, l.fen - coalesce((
               SELECT sum(k.amount_fen) FROM ledger_collection k WHERE k.result_id = l.id), 0) AS fen
      FROM ({_OF_RESULTS}) l
     WHERE l.payer IN (SELECT payer_id FROM members_payerlink WHERE pool_id = %(pool)s AND state = 'live')"""
_OF_RECEIPT = "SELECT %(line)s::bigint AS id, %(payer)s::bigint AS payer, %(fen)s::bigint AS fen"


@dataclass(frozen=True)
class Recorded:
    """By whom and when money is recorded as paying charges."""

    by: str
    at: dt.datetime


def fill_by_statement(*, pool: Pool, statement: BankStatement, recorded: Recorded) -> int:
    """Let the receipts of a statement pay announced charges and debts of before; return what was paid (fen)."""
    parameters, many = {"statement": statement.pk}, statement.line_count >= MANY_LINES
    with whole_tables():
        return _fill(pool, recorded, _OF_STATEMENT, _OWN, parameters, many=many) + _fill_for_others(
            pool, recorded, _LEFT_OF_STATEMENT, parameters, many=many
        )


def fill_by_results(*, pool: Pool, result_file: ChargeResultFile, recorded: Recorded) -> int:
    """Let the debits that a file says were collected pay as transfers do; return what was paid (fen)."""
    parameters, many = {"file": result_file.pk}, result_file.line_count >= MANY_LINES
    with whole_tables():
        return _fill(pool, recorded, _OF_RESULTS, _OWN, parameters, "result_id", many) + _fill_for_others(
            pool, recorded, _LEFT_OF_RESULTS, parameters, "result_id", many
        )


def fill_by_receipt(
    *, pool: Pool, receipt: StatementLine, fen: int, membership: Membership, recorded: Recorded
) -> int:
    """Let that much (fen) of a receipt pay charges as money of a membership; return what was paid (fen)."""
    parameters = {
        "line": receipt.pk,
        "payer": membership.pk,
        "fen": fen,
        "turn": last_undoing(receipt),
    }
    paid_fen = _fill(pool, recorded, _OF_RECEIPT, _OWN, parameters)
    parameters["fen"] -= paid_fen
    return paid_fen + _fill_for_others(pool, recorded, _OF_RECEIPT, parameters)


def last_undoing(receipt: StatementLine) -> int:
    """Return the number of the last match of a receipt that was undone; 0 where none was."""
    undone = receipt.undoings.filter(state=Proposal.State.AGREED).order_by("-number")
    return undone.values_list("number", flat=True).first() or 0


def _fill_for_others(
    pool: Pool,
    recorded: Recorded,
    money: str,
    parameters: dict[str, int],
    source: str = "line_id",
    many: bool = False,
) -> int:
    """Let what is left of payers' money pay for the others; where nobody pays for anybody, ask no further."""
    if not PayerLink.objects.filter(pool=pool, state=PayerLink.State.LIVE).exists():
        return 0
    return _fill(pool, recorded, money, _OF_ALL, parameters, source, many)


def _fill(
    pool: Pool,
    recorded: Recorded,
    money: str,
    which: dict[str, str],
    parameters: dict[str, int],
    source: str = "line_id",
    many: bool = False,
) -> int:
    """Fill charges by one statement; return what was paid (fen). source: the column that names the money."""
    with connection.cursor() as cursor:
        cursor.execute(
            _FILL.format(money=money, links=_LINKS, owed=_OWED[many], source=source, **which),
            {"turn": 0} | parameters | {"pool": pool.pk, "by": recorded.by, "at": recorded.at},
        )
        fen: int = cursor.fetchone()[0]
    return fen
