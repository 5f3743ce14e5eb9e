"""Recompute what was written off from charges and payments; hold rows, entries and people against it."""

import json

from django.utils.translation import gettext_noop as _

from ledger.books.findings import Report, fetch, figure

SENTENCES = {
    "charge_is_written_off_once": _(
        "No charge is written off beyond its share, and none that was paid by then."
    ),
    "write_off_has_two_people": _(
        "Every write-off was ordered by a treasurer and approved by another person, a controller."
    ),
    "write_off_has_its_entry": _(
        "Every approved write-off has its entry, and what it lists are its written-off charges."
    ),
    "loss_has_its_decision": _("Every loss that entries put on all members is one that two people decided."),
    "settlement_has_its_entry": _(
        "Every approved settlement has its entry and two people; what it lowers are its parts."
    ),
    "settlement_lowers_its_awards": _(
        "Every award is lowered by what settlements, each its part of what was unpaid, and decisions to take aid back say."
    ),
}

# A query for the duty that a person held then.
HELD = """SELECT 1 FROM members_dutygrant g JOIN members_user u ON u.id = g.person_id
            WHERE u.code = {person} AND g.duty = '{duty}' AND g.pool_id = %(pool)s AND g.granted_at <= {at}
              AND (g.ended_at IS NULL OR g.ended_at >= {at})"""


def lacks_two_people(alias: str, *, proposer: str = "treasurer", proposed: str = "proposed") -> str:
    """Return SQL that is true of a decision which somebody of a duty did not propose, or no other controller took.

    alias: of the row; proposer: the duty; proposed: what its columns for that are called.
    """
    by = HELD.format(person=f"{alias}.{proposed}_by", duty=proposer, at=f"{alias}.{proposed}_at")
    decided = HELD.format(person=f"{alias}.decided_by", duty="controller", at=f"{alias}.decided_at")
    return f"({alias}.decided_by = {alias}.{proposed}_by OR NOT EXISTS ({by}) OR NOT EXISTS ({decided}))"


# Per written-off charge: its share, what of it is written off, and what has been paid of it by now.
WRITTEN = """
    SELECT w.membership_id, w.period_no, w.amount_fen, coalesce(c.share_fen, 0) AS share_fen,
           coalesce((SELECT sum(k.amount_fen) FROM ledger_collection k WHERE k.pool_id = w.pool_id
                        AND k.membership_id = w.membership_id AND k.period_no = w.period_no), 0) AS paid_fen
      FROM ledger_writtenoffcharge w
      LEFT JOIN ledger_charge c ON c.pool_id = w.pool_id AND c.membership_id = w.membership_id AND c.period_no = w.period_no
     WHERE w.pool_id = %(pool)s"""


def written_and_recovered(parameters: dict[str, object]) -> tuple[int, int]:
    """Return what a pool has written off and settled, and what was paid of that after all (fen).

    Both stand on the approved orders; a settlement is also of what was owed before the pool moved in, which is no charge.
    """
    row = fetch(
        f"""SELECT (SELECT coalesce(sum(o.amount_fen), 0) FROM ledger_writeoff o
                     WHERE o.pool_id = %(pool)s AND o.state = 'approved')
                   + (SELECT coalesce(sum((s.figures->>'receivable')::bigint), 0) FROM ledger_finalsettlement s
                       WHERE s.pool_id = %(pool)s AND s.state = 'approved'),
                   coalesce(sum(paid_fen + amount_fen - share_fen), 0)::bigint FROM ({WRITTEN}) w""",
        parameters,
    )[0]
    return int(row[0]), int(row[1])


def verify_write_offs(report: Report, parameters: dict[str, object]) -> None:
    """Hold a pool against SENTENCES; where nothing was ever to be written off there is nothing to say.

    parameters: pool, code, book.
    """
    _verify_losses(report, parameters)
    if not figure(
        """SELECT (SELECT count(*) FROM ledger_writeoff WHERE pool_id = %(pool)s)
                  + (SELECT count(*) FROM ledger_finalsettlement WHERE pool_id = %(pool)s)
                  + (SELECT count(*) FROM ledger_awardrevocation WHERE pool_id = %(pool)s)""",
        parameters,
    ):
        return
    _verify_settlements(report, parameters)
    name = "charge_is_written_off_once"
    report.examined(
        name, figure("SELECT count(*) FROM ledger_writtenoffcharge WHERE pool_id = %(pool)s", parameters)
    )
    report.refute(
        name,
        f"""SELECT format('%%s charge of membership %%s, period %%s', %(code)s::text, membership_id, period_no),
                   'once, at most ' || max(share_fen), count(*) || ', ' || sum(amount_fen)
              FROM ({WRITTEN}) w GROUP BY membership_id, period_no
            HAVING count(*) > 1 OR sum(amount_fen) > max(share_fen) OR min(amount_fen) <= 0
             ORDER BY period_no, membership_id""",
        parameters,
    )
    approved = "FROM ledger_writeoff o WHERE o.pool_id = %(pool)s AND o.state = 'approved'"
    for name in ("write_off_has_two_people", "write_off_has_its_entry"):
        report.examined(name, figure(f"SELECT count(*) {approved}", parameters))
    report.refute(
        "write_off_has_two_people",
        "SELECT format('%%s write-off %%s', %(code)s::text, o.number), 'treasurer, then another person: controller',"
        f" concat_ws(', ', o.ordered_by, o.decided_by) {approved} AND {lacks_two_people('o', proposed='ordered')}"
        " ORDER BY o.number",
        parameters,
    )
    report.refute(
        "write_off_has_its_entry",
        """SELECT format('%%s write-off %%s', %(code)s::text, number), want, coalesce(entry, 'no entry') || '; ' || coalesce(written, 'none')
             FROM (SELECT o.number,
                          format('110 C %%1$s, 120 D %%1$s; ', o.amount_fen)
                          || (SELECT string_agg(format('%%s: %%s', c->>0, c->>1), ', ' ORDER BY (c->>0)::int)
                                FROM jsonb_array_elements(o.charges) c) AS want,
                          (SELECT string_agg(format('%%s %%s %%s', a.code, p.side, p.amount_fen), ', ' ORDER BY a.code)
                             FROM ledger_journalentry e JOIN ledger_posting p ON p.entry_id = e.id
                             JOIN ledger_account a ON a.id = p.account_id
                            WHERE e.id = o.entry_id AND e.book_id = %(book)s AND e.key = 'write_off/' || o.number) AS entry,
                          (SELECT string_agg(format('%%s: %%s', w.period_no, w.amount_fen), ', ' ORDER BY w.period_no)
                             FROM ledger_writtenoffcharge w
                            WHERE w.write_off_id = o.id AND w.membership_id = o.membership_id) AS written
                     FROM ledger_writeoff o WHERE o.pool_id = %(pool)s AND o.state = 'approved') told
            WHERE want IS DISTINCT FROM entry || '; ' || written ORDER BY number""",
        parameters,
    )


def _verify_losses(report: Report, parameters: dict[str, object]) -> None:
    name = "loss_has_its_decision"
    losses = """FROM ledger_journalentry e WHERE e.book_id = %(book)s
                 AND (e.kind IN ('waiting_refund', 'settlement', 'investigation') OR e.kind = 'write_off' AND EXISTS (
                      SELECT 1 FROM ledger_posting p JOIN ledger_account a ON a.id = p.account_id
                       WHERE p.entry_id = e.id AND a.code = '110'))"""
    found = figure(f"SELECT count(*) {losses}", parameters)
    if not found:
        return
    report.examined(name, found)
    report.refute(
        name,
        f"""SELECT format('%%s entry %%s', %(code)s::text, e.number), 'decided by two people', e.kind {losses}
               AND NOT EXISTS (SELECT 1 FROM ledger_writeoff WHERE entry_id = e.id)
               AND NOT EXISTS (SELECT 1 FROM ledger_sharesreturn WHERE entry_id = e.id)
               AND NOT EXISTS (SELECT 1 FROM ledger_outsidecost WHERE entry_id = e.id)
               AND NOT EXISTS (SELECT 1 FROM ledger_finalsettlement WHERE entry_id = e.id) ORDER BY e.number""",
        parameters,
    )


def _verify_settlements(report: Report, parameters: dict[str, object]) -> None:
    lowered: dict[str, int] = {
        code: int(fen)
        for code, fen in fetch(
            """SELECT w.code, sum(r.aid_fen) FROM ledger_awardrevocation r JOIN ledger_award w ON w.id = r.award_id
                WHERE r.pool_id = %(pool)s AND r.state = 'agreed' GROUP BY 1""",
            parameters,
        )
    }
    for number, figures, by, checker, entry in fetch(
        """SELECT s.number, s.figures::text, s.ordered_by, s.decided_by,
                  (SELECT concat_ws('|', e.maker, e.checker, string_agg(
                              format('%%s %%s %%s', a.code, p.side, p.amount_fen), ', ' ORDER BY a.code, p.side))
                     FROM ledger_journalentry e JOIN ledger_posting p ON p.entry_id = e.id
                     JOIN ledger_account a ON a.id = p.account_id
                    WHERE e.id = s.entry_id AND e.book_id = %(book)s AND e.key = 'settlement/' || s.number GROUP BY e.id)
             FROM ledger_finalsettlement s WHERE s.pool_id = %(pool)s AND s.state = 'approved' ORDER BY s.number""",
        parameters,
    ):
        where = f"{parameters['code']} settlement {number}"
        told = json.loads(figures)
        settled = told["receivable"] + told["to_be_shared"]
        lines = sorted(
            (account, side, fen)
            for account, side, fen in (
                ("110", "C", told["receivable"]),
                ("120", "D", told["receivable"]),
                ("120", "C", settled),
                ("201", "D", told["aid"]),
                ("230", "D", told["fee"]),
                ("240", "D", told["carry"]),
                ("401", "C", told["carry"]),
                ("501", "C", told["aid"]),
                ("510", "C", told["fee"]),
                ("520", "D", settled),
            )
            if fen
        )
        want = f"{by}|{checker}|" + ", ".join(f"{account} {side} {fen}" for account, side, fen in lines)
        report.expect("settlement_has_its_entry", where, want, entry or "no entry")
        report.expect(
            "settlement_has_its_entry",
            f"{where}, its parts",
            (settled, told["fee"]),
            (told["carry"] + told["fee"] + told["aid"], sum(fen for _no, fen in told["fees"])),
        )
        parts = _parts(told["aid"], [(code, unpaid) for code, unpaid, _fen in told["awards"]])
        report.expect(
            "settlement_lowers_its_awards",
            f"{where}, the parts of its awards",
            str(parts),
            str({code: fen for code, _unpaid, fen in told["awards"]}),
        )
        for code, fen in parts.items():
            lowered[code] = lowered.get(code, 0) + fen
    for code, fen in fetch(
        "SELECT code, lowered_fen FROM ledger_award WHERE pool_id = %(pool)s ORDER BY code", parameters
    ):
        where = f"{parameters['code']} award {code}"
        report.expect("settlement_lowers_its_awards", where, lowered.get(code, 0), fen)


def _parts(amount: int, awards: list[tuple[str, int]]) -> dict[str, int]:
    """Split an amount over what is unpaid of each award: whole fen, what is left over one by one to the largest rests."""
    total = sum(unpaid for _code, unpaid in awards)
    parts = {code: unpaid * amount // total for code, unpaid in awards}
    by_rest = sorted(awards, key=lambda award: (-(award[1] * amount % total), -award[1], award[0]))
    for code, _unpaid in by_rest[: amount - sum(parts.values())]:
        parts[code] += 1
    return parts
