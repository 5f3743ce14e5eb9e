"""Recompute the bill of a period, the hash of what was shown, and who was allowed to approve it."""

import hashlib
import json
from typing import Any

from django.utils.translation import gettext_noop as _

from ledger.books.findings import Report, fetch, figure
from ledger.sharing import recompute
from ledger.sharing.verify.limits import limits_of, rooms_of
from ledger.sharing.verify.rows import MOVES, PeriodRow, read_json, text

SENTENCES = {
    "plan_version_is_permanent": _("The terms of every plan version have the hash they were published with."),
    "period_identity_holds": _("S + E + V + C_in = A + W + Φ + R + C_out."),
    "awards_sum_to_aid": _(
        "The period's awards sum to what it says; A is that, or what caps leave room for."
    ),
    "fee_follows_plan": _("Φ is what the plan's fee rule gives on A."),
    "need_follows_bill": _(
        "Need, reserve, sponsor's part, shares assessed and carry are what the bill gives."
    ),
    "share_follows_need": _("Every class's share is the need by its weight, rounded up once."),
    "shown_hash_is_of_the_figures": _("The hash that was approved is of the figures that are stored."),
    "period_approver_is_not_preparer": _("Every period was prepared by one person and approved by another."),
    "period_people_hold_their_duty": _("Both held their duty at that time."),
}

# Written out again, not imported: a column that drops out of the hash must be noticed.
SHOWN = (
    "pool_id",
    "number",
    "plan_version_id",
    "publicity_date",
    "charge_date",
    "headcount",
    "cases",
    "aid_fen",
    "fee_fen",
    "other_costs_fen",
    "reserve_contribution_fen",
    "reserve_drawn_fen",
    "sponsor_fen",
    "other_income_fen",
    "carry_in_fen",
    "carry_out_fen",
    "need_fen",
    "assessed_fen",
    "classes",
    "books_upto_no",
)


def verify_figures(report: Report, period: PeriodRow, members: dict[int, int]) -> recompute.Bill | None:
    """Recompute the bill from plan terms, awards and members per class; None where that can't be done."""
    p = period
    income = p.assessed_fen + p.sponsor_fen + p.reserve_drawn_fen + p.carry_in_fen
    costs = p.aid_fen + p.other_costs_fen + p.fee_fen + p.reserve_contribution_fen + p.carry_out_fen
    report.expect("period_identity_holds", p.where, income, costs)
    aids = [fen for (fen,) in fetch(_AIDS, p.parameters)]
    found = f"{p.cases} cases, {p.awarded_fen} fen"
    report.expect("awards_sum_to_aid", p.where, f"{len(aids)} cases, {sum(aids)} fen", found)
    terms = _terms(report, p)
    limits = limits_of(p)
    rooms = rooms_of(p, limits)
    try:
        bill = recompute.bill(
            terms,
            members,
            aids,
            other_costs=p.other_costs_fen,
            carry_in=p.carry_in_fen,
            reserve=_reserve(p),
            rooms=rooms,
            run_off=limits is not None and limits.run_off_cap is not None,
        )
    except (recompute.UnknownTermsError, KeyError, TypeError, ValueError) as fault:
        report.unchecked.append(f"{p.where}: its bill, because of {type(fault).__name__}: {fault}")
        return None
    report.expect("fee_follows_plan", p.where, bill.fee, p.fee_fen)
    report.expect("awards_sum_to_aid", f"{p.where}, aid that is shared", bill.aid, p.aid_fen)
    for name, expected, stored in (
        ("need", bill.need, p.need_fen),
        ("put into the reserve", bill.contribution, p.reserve_contribution_fen),
        ("drawn from the reserve", bill.drawn, p.reserve_drawn_fen),
        ("sponsor's part", bill.sponsored, p.sponsor_fen),
        ("shares assessed", bill.assessed, p.assessed_fen),
        ("carry out", bill.carry_out, p.carry_out_fen),
    ):
        report.expect("need_follows_bill", f"{p.where}, {name}", expected, stored)
    for row in p.classes if rooms is None else ():
        where = f"{p.where}, class {row['class_no']}"
        report.expect("share_follows_need", where, bill.shares.get(row["class_no"], 0), row["share_fen"])
    if rooms is not None:
        report.expect("share_follows_need", f"{p.where}, classes", *map(text, _rows_by_room(p, bill, rooms)))
    _verify_shown(report, p)
    return bill


def _rows_by_room(
    period: PeriodRow, bill: recompute.Bill, rooms: list[recompute.Room]
) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Return who pays alike, as class, share, members and most room: by the recomputation, and as it is stored."""
    expected: dict[tuple[int, int], tuple[int, int]] = {}
    for class_no, room, members in rooms:
        alike = (class_no, recompute.charge(bill.shares[class_no], room))
        together, most = expected.get(alike, (0, 0))
        expected[alike] = (together + members, max(most, room or 0))
    stored = [(row["class_no"], row["share_fen"], row["members"], row["cap_fen"]) for row in period.classes]
    return tuple((*alike, *rest) for alike, rest in sorted(expected.items())), tuple(sorted(stored))


def _reserve(period: PeriodRow) -> int:
    """Return what the reserve held as far as the figures take the books in."""
    return int(
        figure(
            f"SELECT coalesce(sum(fen), 0)::bigint FROM ({MOVES}) moves WHERE number <= %(upto)s",
            {
                "book": period.pool.book_id,
                "account": "260",
                "side": "C",
                "kinds": None,
                "upto": period.books_upto_no,
            },
        )
    )


_AIDS = """SELECT aid_fen FROM ledger_award WHERE period_id = %(period)s AND state IN ('final', 'shared')
            ORDER BY code"""


def _terms(report: Report, period: PeriodRow) -> dict[str, Any]:
    """Return the plan's stored terms after hashing them again."""
    terms, sha256, number = fetch(
        "SELECT terms, terms_sha256, number FROM members_planversion WHERE id = %(plan)s",
        {"plan": period.plan_version_id},
    )[0]
    read: dict[str, Any] = read_json(terms)
    text = json.dumps(read, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    where = f"{period.where}, plan version {number}"
    report.expect("plan_version_is_permanent", where, hashlib.sha256(text.encode()).hexdigest(), sha256)
    return read


def _verify_shown(report: Report, period: PeriodRow) -> None:
    columns = ", ".join(f"{column}::text" for column in SHOWN)
    row = fetch(f"SELECT {columns} FROM ledger_period WHERE id = %(period)s", period.parameters)[0]
    text = "|".join(value for value in row if value is not None)
    digest = hashlib.sha256(text.encode()).hexdigest()
    report.expect("shown_hash_is_of_the_figures", f"{period.where}, shown", digest, period.shown_sha256)
    if period.approved_by is not None:
        where = f"{period.where}, approved"
        report.expect("shown_hash_is_of_the_figures", where, digest, period.approved_sha256)


def verify_people(report: Report, period: PeriodRow) -> None:
    for name, person, at, duty in (
        ("prepared", period.prepared_by, period.prepared_at, "pool_admin"),
        ("approved", period.approved_by, period.approved_at, "controller"),
    ):
        if person is None:
            continue
        held = figure(
            """SELECT count(*) FROM members_dutygrant g JOIN members_user u ON u.id = g.person_id
                WHERE u.code = %(person)s AND g.duty = %(duty)s AND g.granted_at <= %(at)s
                  AND (g.ended_at IS NULL OR g.ended_at >= %(at)s)
                  AND (g.pool_id = %(pool)s OR g.pool_id IS NULL)""",
            {"person": person, "duty": duty, "at": at, "pool": period.pool.id},
        )
        where = f"{period.where}, {name} by {person} at {at:%Y-%m-%d %H:%M:%S}Z"
        report.examined("period_people_hold_their_duty", 1)
        if not held:
            report.false("period_people_hold_their_duty", where, f"a {duty}", "0 grants of that duty then")
    if period.approved_by is not None:
        report.examined("period_approver_is_not_preparer", 1)
        if period.approved_by == period.prepared_by:
            expected = f"an approver other than {period.prepared_by}"
            report.false("period_approver_is_not_preparer", period.where, expected, period.approved_by)
