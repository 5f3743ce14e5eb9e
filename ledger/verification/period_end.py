"""What is to be done before a period is over with: each line a condition, read from rows, and who acts on it."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.urls import reverse
from django.utils.translation import gettext as _

from aidplatform.lib import clock
from aidplatform.lib.dates import format_day
from aidplatform.lib.money import format_money
from ledger.books import chart
from ledger.custody.charge_selectors import is_anything_due
from ledger.custody.reconciliation import unidentified
from ledger.custody.selectors import account_of
from ledger.custody.triggers import balance_sql, collected_sql
from ledger.sharing.models import Period
from members.pools.models import DutyGrant, Pool

Duty = DutyGrant.Duty
DONE, OPEN, NONE = "done", "open", "none"
_POSTED = Period.State.POSTED


@dataclass(frozen=True)
class Line:
    """One condition: its code, what must be so, done, open or none (it does not apply), the figures, who acts, where.

    duty: empty where a program acts.
    """

    code: str
    title: str
    state: str
    note: str
    duty: str
    address: str

    @property
    def is_open(self) -> bool:
        """Tell whether somebody still has to act."""
        return self.state == OPEN

    @property
    def who(self) -> str:
        """Return who acts, in words."""
        return str(Duty(self.duty).label) if self.duty else _("the system")


def last_over(pool: Pool) -> Period | None:
    """Return the newest period that is over by its dates."""
    found = pool.periods.filter(next_opening_date__lte=clock.today(pool.time_zone))
    return found.select_related("pool", "plan_version").order_by("-number").first()


def checklist(period: Period) -> list[Line]:
    """Return the lines of a period, in the order in which they are worked off. The number of queries is fixed."""
    figures = _figures(period)
    return [
        *_of_bank(period, figures),
        *_of_payments(period, figures),
        *_of_debits(period, figures),
        *_of_books(period, figures),
    ]


def open_lines(period: Period, duties: set[str]) -> list[Line]:
    """Return the open lines on which a holder of these duties acts."""
    return [line for line in checklist(period) if line.is_open and line.duty in duties]


def _of_bank(period: Period, figures: dict[str, Any]) -> Iterator[Line]:
    """Yield the lines about statements, the daily reconciliation, and money that is nobody's."""
    pool = period.pool
    until = min(period.next_opening_date, clock.today(pool.time_zone))
    told: dt.date | None = figures["statements_until"]
    yield Line(
        "statements",
        _("Statements of every day are in"),
        _state(told is not None and told >= until),
        _("up to %(day)s, needed up to %(until)s")
        % {"day": format_day(told - dt.timedelta(days=1)), "until": format_day(until - dt.timedelta(days=1))}
        if told
        else _("none is in"),
        Duty.TREASURER,
        reverse("custody_statements", args=[pool.code]),
    )
    broken = figures["rules_broken"]
    yield Line(
        "reconciliation",
        _("The newest daily reconciliation is green"),
        _state(broken == 0),
        _("nothing was reconciled yet")
        if broken is None
        else _("rules broken: %(count)s") % {"count": broken},
        Duty.TREASURER,
        reverse("custody_reconciliation", args=[pool.code]),
    )
    account = account_of(pool)
    receipts = [one for one in (unidentified(account) if account else []) if one.line.booking_date < until]
    yield Line(
        "unidentified",
        _("No receipt is unidentified"),
        _state(not receipts),
        _("receipts: %(count)s, %(amount)s in all; days that the oldest waits: %(days)s")
        % {
            "count": len(receipts),
            "amount": format_money(sum(one.open_fen for one in receipts), pool.currency),
            "days": max(one.days for one in receipts),
        }
        if receipts
        else "",
        Duty.TREASURER,
        reverse("custody_unidentified", args=[pool.code]),
    )
    suspense = figures["suspense_fen"]
    yield Line(
        "suspense",
        _("No bank debit is left to explain"),
        _state(suspense == 0),
        format_money(suspense, pool.currency),
        Duty.TREASURER,
        reverse("custody_explanations", args=[pool.code]),
    )


def _of_payments(period: Period, figures: dict[str, Any]) -> Iterator[Line]:
    """Yield the lines about payment orders and the fee."""
    pool = period.pool
    payments = reverse("custody_payments", args=[pool.code])
    for code, title, duty in (
        ("returns", _("Every payment that the bank returned is ordered anew"), Duty.TREASURER),
        ("released", _("Every order is released or cancelled"), Duty.CONTROLLER),
        ("confirmed", _("Every released payment is on a statement"), Duty.TREASURER),
    ):
        count = figures[f"not_{code}"]
        yield Line(code, title, _state(count == 0), _("%(count)s left") % {"count": count}, duty, payments)
    earned, taken = figures["fee_earned_fen"], figures["fee_taken_fen"]
    yield Line(
        "fee",
        _("The fee that was taken is earned by what came in"),
        _state(taken <= earned),
        _("taken %(taken)s of %(earned)s earned")
        % {"taken": format_money(taken, pool.currency), "earned": format_money(earned, pool.currency)},
        Duty.CONTROLLER,
        payments,
    )


def _of_debits(period: Period, figures: dict[str, Any]) -> Iterator[Line]:
    """Yield the lines about files of debits, where the rules have members debited."""
    pool = period.pool
    has_debits = "debit" in period.plan_version.terms
    address = reverse("custody_debits", args=[pool.code])
    is_due = has_debits and is_anything_due(period, clock.today(pool.time_zone))
    yield Line(
        "charge_files",
        _("Every debit that is due is in a charge file"),
        _state(not is_due) if has_debits else NONE,
        "" if has_debits else _("nobody is debited by these rules"),
        Duty.TREASURER,
        address,
    )
    waiting = figures["debits_waiting"]
    yield Line(
        "results",
        _("The agent's answer to every debit is in"),
        _state(waiting == 0) if has_debits else NONE,
        _("%(count)s left") % {"count": waiting} if has_debits else _("nobody is debited by these rules"),
        Duty.TREASURER,
        address,
    )


def _of_books(period: Period, figures: dict[str, Any]) -> Iterator[Line]:
    """Yield the lines about the bill, what the operator states, and the proof of all of it."""
    pool = period.pool
    page = reverse("period", args=[pool.code, period.number])
    yield Line(
        "posted",
        _("The period is posted: nothing of it can change any more"),
        _state(period.state == _POSTED),
        str(period.get_state_display()),
        Duty.POOL_ADMIN,
        page,
    )
    reported, waits = figures["income_reported"], figures["income_waits"]
    yield Line(
        "interests",
        _("The operator has stated its income"),
        _state(reported),
        _("stated") if reported else _("waits for a second person") if waits else _("not stated"),
        Duty.CONTROLLER if waits and not reported else Duty.POOL_ADMIN,
        reverse("custody_interests", args=[pool.code]),
    )
    verdict = figures["verdict"]
    yield Line(
        "verified",
        _("The books were verified after the posting, and everything was true"),
        _state(verdict == "true"),
        {"true": _("everything is true"), None: _("not verified since")}.get(
            verdict, _("look at what was found")
        ),
        Duty.CONTROLLER,
        reverse("verifications", args=[pool.code]),
    )
    yield Line(
        "signed",
        _("The end of the period stands in the signed log"),
        _state(figures["is_signed"]),
        "",
        "",
        reverse("open_books", args=[pool.code]),
    )


def _state(is_done: bool) -> str:
    return DONE if is_done else OPEN


def _figures(period: Period) -> dict[str, Any]:
    """Return what the lines are judged by, by name. One query."""
    names = ", ".join(f"({sql}) AS {name}" for name, sql in _FIGURES.items())
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {names}",
            {
                "pool": period.pool_id,
                "code": period.pool.code,
                "period": period.pk,
                "number": period.number,
                "until": clock.start_of_day(period.next_opening_date, period.pool.time_zone),
                "day": period.next_opening_date,
            },
        )
        assert cursor.description
        return dict(zip([column.name for column in cursor.description], cursor.fetchone(), strict=True))


# What an order pays: of two that pay the same, the later one has taken the place of the returned one.
_PAYS = ("award_id", "period_id", "receipt_id", "debit_id", "membership_id", "listed_id", "cost_id")
_SAME = " AND ".join(f"n.{column} IS NOT DISTINCT FROM o.{column}" for column in _PAYS)
_ORDERS = "SELECT count(*) FROM ledger_paymentorder o WHERE o.pool_id = %(pool)s"
_FIGURES = {
    "statements_until": """SELECT max(s.to_date) FROM ledger_bankstatement s JOIN ledger_bankaccount a
                            ON a.id = s.account_id WHERE a.pool_id = %(pool)s""",
    "rules_broken": "SELECT broken FROM ledger_reconciledday WHERE pool_id = %(pool)s ORDER BY day DESC LIMIT 1",
    "suspense_fen": f"SELECT {balance_sql(chart.UNEXPLAINED_DEBITS, '%(pool)s')}::bigint",
    "not_returns": f"""{_ORDERS} AND o.state = 'returned' AND o.released_at < %(until)s AND NOT EXISTS (
                       SELECT 1 FROM ledger_paymentorder n WHERE n.pool_id = o.pool_id AND n.number > o.number
                          AND n.kind = o.kind AND n.state <> 'cancelled' AND {_SAME})""",
    "not_released": f"{_ORDERS} AND o.state = 'ordered' AND o.ordered_at < %(until)s",
    "not_confirmed": f"{_ORDERS} AND o.state = 'released' AND o.released_at < %(until)s",
    "fee_earned_fen": f"""SELECT coalesce(CASE WHEN d.assessed_fen = 0 THEN d.fee_fen
                                 ELSE div(d.fee_fen::numeric * {collected_sql("d")}, d.assessed_fen) END, 0)::bigint
                            FROM ledger_period d WHERE d.id = %(period)s""",
    "fee_taken_fen": """SELECT coalesce(sum(amount_fen), 0)::bigint FROM ledger_paymentorder
                         WHERE period_id = %(period)s AND state IN ('released', 'confirmed')""",
    "debits_waiting": """SELECT count(*) FROM ledger_chargeinstruction i
                          WHERE i.pool_id = %(pool)s AND i.period_no = %(number)s AND i.collection_date < %(day)s
                            AND NOT EXISTS (SELECT 1 FROM ledger_chargeresult r WHERE r.instruction_id = i.id)""",
    "income_reported": """SELECT EXISTS (SELECT 1 FROM ledger_incomereport
                           WHERE period_id = %(period)s AND state = 'confirmed')""",
    "income_waits": """SELECT EXISTS (SELECT 1 FROM ledger_incomereport
                        WHERE period_id = %(period)s AND state = 'proposed')""",
    "verdict": """SELECT v.verdict FROM ledger_verification v JOIN ledger_period d ON d.id = %(period)s
                    JOIN ledger_journalentry e ON e.id = d.entry_id
                   WHERE v.pool_id = %(pool)s AND v.state = 'done' AND v.asked_at >= e.at
                   ORDER BY v.number DESC LIMIT 1""",
    "is_signed": """SELECT EXISTS (
                     SELECT 1 FROM ledger_log g JOIN ledger_logentry l ON l.log_id = g.id
                       JOIN ledger_checkpoint c ON c.log_id = g.id AND c.size > l.seq
                      WHERE g.code = %(code)s AND l.type = 'period.close' AND l.key = %(number)s::text)""",
}
