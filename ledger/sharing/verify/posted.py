"""Hold a posted period's journal entry, carry and log lines against its figures."""

import hashlib
import json
from typing import Any

from django.utils.translation import gettext_noop as _

from ledger.books.findings import Report, fetch, figure
from ledger.sharing.verify.rows import MOVES, PeriodRow, logged, text

SENTENCES = {
    "period_entry_is_the_bill": _("The period's journal entry posts its bill, account by account."),
    "carry_follows_the_books": _(
        "C_in is the carried surplus as the books had it; W and other income were booked."
    ),
    "close_is_logged": _("The log states the close of every posted period with its figures."),
    "nothing_added_after_announcement": _("Every award shared was announced in the log with its amount."),
}

COSTS = {
    "write_off": "520",
    "bank_charge": "530",
    "waiting_refund": "540",
    "investigation": "550",
    "wallet_gap": "520",
}
INCOMES = ("other_income", "interest")


def verify_entry(report: Report, period: PeriodRow) -> None:
    """Hold the period's journal entry against its bill: net debits per account."""
    p = period
    other = p.other_costs_fen
    wallets, gap = p.wallet_fen or 0, p.gap_fen or 0
    net = {
        "110": p.assessed_fen - wallets - gap,
        "120": gap - (p.aid_fen + other),
        "130": p.sponsor_fen,
        "210": wallets,
        "230": -p.fee_fen,
        "240": p.carry_in_fen - p.carry_out_fen,
        "260": p.reserve_drawn_fen - p.reserve_contribution_fen,
        "401": -(p.aid_fen + other + p.fee_fen - p.sponsor_fen - p.other_income_fen),
        "410": -(p.sponsor_fen + p.other_income_fen),
        "501": p.aid_fen,
        "510": p.fee_fen,
    }
    rows = dict(
        fetch(
            """SELECT a.code, sum(CASE p.side WHEN 'D' THEN p.amount_fen ELSE -p.amount_fen END)::bigint
                 FROM ledger_posting p JOIN ledger_account a ON a.id = p.account_id
                WHERE p.entry_id = %(entry)s GROUP BY a.code""",
            {"entry": p.entry_id},
        )
    )
    costs = {account: rows.pop(account, 0) for account in set(COSTS.values())}
    for account in sorted(net.keys() | rows.keys()):
        where = f"{p.where}, its entry, account {account}"
        report.expect("period_entry_is_the_bill", where, net.get(account, 0), rows.get(account, 0))
    report.expect(
        "period_entry_is_the_bill", f"{p.where}, its entry, other costs", other, sum(costs.values())
    )
    if p.entry_id is not None:
        told = fetch(
            "SELECT book_id, key, maker, checker FROM ledger_journalentry WHERE id = %(entry)s",
            {"entry": p.entry_id},
        )
        expected = (p.pool.book_id, f"period/{p.number}", p.prepared_by, p.approved_by)
        where = f"{p.where}, its entry's book, key, maker, checker"
        report.expect("period_entry_is_the_bill", where, text(expected), text(told[0] if told else "none"))


def verify_carry(report: Report, period: PeriodRow) -> None:
    """Hold C_in, other income and other costs against the books as far as the figures take them in.

    Once posted, each other cost by its expense; before there is an entry, their sum.
    """
    rows = fetch(
        """SELECT coalesce(max(p.books_upto_no), 0), coalesce(max(e.number), 0) FROM ledger_period p
             LEFT JOIN ledger_journalentry e ON e.id = p.entry_id
            WHERE p.pool_id = %(pool)s AND p.number < %(number)s""",
        period.parameters,
    )
    taken_in, last_entry = rows[0]
    upto = period.books_upto_no
    expected = max(period.announced_books_no, taken_in, last_entry)
    report.expect("carry_follows_the_books", f"{period.where}, the books up to entry", expected, upto)
    moved = {"pool": period.pool.id, "book": period.pool.book_id, "upto": upto}
    costs = [("other costs", period.other_costs_fen, list(COSTS))]
    if period.is_posted:
        costs = [
            (", ".join(kinds), _expensed(period, expense), kinds)
            for expense in sorted(set(COSTS.values()))
            for kinds in [[kind for kind, account in COSTS.items() if account == expense]]
        ]
    for name, stored, account, side, kinds, since in (
        ("carry in", period.carry_in_fen, "240", "C", None, 0),
        ("other income", period.other_income_fen, "240", "C", list(INCOMES), taken_in),
        *((name, stored, "120", "D", kinds, taken_in) for name, stored, kinds in costs),
    ):
        fen = figure(
            f"""SELECT coalesce(sum(fen), 0)::bigint FROM ({MOVES}) moves
                 WHERE number > %(since)s AND number <= %(upto)s""",
            moved | {"account": account, "side": side, "kinds": kinds, "since": since},
        )
        report.expect("carry_follows_the_books", f"{period.where}, {name}", fen, stored)


def _expensed(period: PeriodRow, account: str) -> int:
    """Return what the period's entry charges to an expense account."""
    return int(
        figure(
            """SELECT coalesce(sum(CASE p.side WHEN 'D' THEN p.amount_fen ELSE -p.amount_fen END), 0)::bigint
                 FROM ledger_posting p JOIN ledger_account a ON a.id = p.account_id
                WHERE p.entry_id = %(entry)s AND a.code = %(account)s""",
            {"entry": period.entry_id, "account": account},
        )
    )


def verify_close(report: Report, period: PeriodRow) -> None:
    """Hold what the log says of the period's close and of its announcement against the rows."""
    p = period
    awards = fetch(
        "SELECT code, aid_fen, shared_fen, state FROM ledger_award WHERE period_id = %(period)s ORDER BY code",
        p.parameters,
    )
    plan = fetch(
        "SELECT number, terms_sha256, terms->>'on_infeasible' FROM members_planversion WHERE id = %(plan)s",
        {"plan": p.plan_version_id},
    )[0]
    told = logged(p, "period.close")
    standing = [award for award in awards if award[3] != "withdrawn"]
    expected = {
        "period": p.number,
        "plan": {"version": plan[0], "sha256": plan[1]},
        "headcount": p.headcount,
        "classes": [
            [c[name] for name in ("class_no", "weight", "members", "share_fen", "cap_fen") if name in c]
            for c in p.classes
        ],
        **{"A": p.aid_fen, "W": p.other_costs_fen, "fee": p.fee_fen, "S": p.assessed_fen, "E": p.sponsor_fen},
        **{"R": p.reserve_contribution_fen, "V": p.reserve_drawn_fen},
        **{"C_in": p.carry_in_fen, "C_out": p.carry_out_fen},
        **({} if p.wallet_fen is None else {"wallets": p.wallet_fen, "gap": p.gap_fen}),
        **_cases_as_told([code for code, *_rest in standing], told),
        "approved": p.approved_sha256,
    }
    for name in sorted(expected.keys() | told.keys()):
        where = f"{p.where}, “{name}” in the log"
        report.expect("close_is_logged", where, text(expected.get(name)), text(told.get(name)))
    announced = logged(p, "period.announce")
    stayed, left = [[code, fen] for code, fen, *_rest in awards], _left(p)
    cases = _cases_as_told(sorted(stayed + left) if left else stayed, announced)
    for name, value in cases.items():
        where = f"{p.where}, “{name}” of its announcement"
        report.expect("nothing_added_after_announcement", where, text(announced.get(name)), text(value))
    where = f"{p.where}, the books up to entry, of its announcement"
    # Announcements of before the database kept this number say nothing of it.
    told_no = announced.get("books_upto", p.announced_books_no)
    report.expect("nothing_added_after_announcement", where, p.announced_books_no, told_no)
    _verify_parts(report, p, standing, "waits" if plan[2] == "defer" else "lowered")


def _verify_parts(report: Report, period: PeriodRow, awards: list[Any], deed: str) -> None:
    """Hold what is shared of every award against the part it has of the period's aid, and what the log says of it.

    awards: code, aid, what is shared of it, state; in the order of their codes, none that is withdrawn. deed: what by
    the plan becomes of the rest, as the log calls it.
    """
    parts = parts_of(period.aid_fen, [fen for _code, fen, _shared, _state in awards])
    adjusted = dict(
        fetch(
            """SELECT key, (convert_from(data, 'UTF8')::jsonb#>>'{body,is}')::bigint FROM ledger_logentry
                WHERE log_id = %(log)s AND type = 'award.adjust' AND key LIKE %(key)s""",
            {"log": period.pool.log_id, "key": f"{deed}/{period.number}/%"},
        )
    )
    for (code, fen, shared, state), part in zip(awards, parts, strict=True):
        where = f"{period.where}, award {code}"
        report.expect("awards_sum_to_aid", f"{where}, its state", "shared", state)
        report.expect("awards_sum_to_aid", f"{where}, its part", part, shared)
        told = adjusted.get(f"{deed}/{period.number}/{code}", fen)
        report.expect("close_is_logged", f"{where}, its part in the log", part, told)


def parts_of(amount: int, awards: list[int]) -> list[int]:
    """Split an amount in proportion to the awards: whole fen, what is left over one by one to the largest rests."""
    total = sum(awards)
    parts = [award * amount // total for award in awards]
    rests = [(-(award * amount % total), -award, place) for place, award in enumerate(awards)]
    for _rest, _award, place in sorted(rests)[: amount - sum(parts)]:
        parts[place] += 1
    return parts


def _left(period: PeriodRow) -> list[list[Any]]:
    """Return the announced cases that left the period because an objection was open, as the log tells."""
    rows = fetch(
        """SELECT data FROM ledger_logentry
            WHERE log_id = %(log)s AND type = 'award.adjust' AND key LIKE %(key)s ORDER BY key""",
        {"log": period.pool.log_id, "key": f"{period.number}/%"},
    )
    bodies = [json.loads(bytes(data))["body"] for (data,) in rows]
    return [[body["case"], body["was"]] for body in bodies]


def _cases_as_told(cases: list[Any], told: dict[str, Any]) -> dict[str, Any]:
    """Return the cases in the form the log line has: the list, or count and hash of a long one."""
    if "cases_sha256" not in told:
        return {"cases": cases}
    data = json.dumps(cases, ensure_ascii=False, separators=(",", ":")).encode()
    return {"case_count": len(cases), "cases_sha256": hashlib.sha256(data).hexdigest()}
