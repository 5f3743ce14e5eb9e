"""Reckon from the plan how long a period's cases had to be public, and hold its dates against that."""

import calendar
import datetime as dt
from typing import Any

from django.utils.translation import gettext_noop as _

from ledger.books.findings import Report, fetch
from ledger.sharing.verify.rows import PeriodRow, logged, read_json

SENTENCES = {
    "publicity_lasts_its_days": _(
        "Every period is public for its plan's days, counted from the first noon, and charged"
        " as long after as planned."
    ),
}


def verify_publicity(report: Report, period: PeriodRow) -> None:
    """Hold an announced period's end of publicity and charge date against its plan and the first day that counts."""
    terms, first_day = fetch(
        """SELECT v.terms, (p.announced_at AT TIME ZONE %(zone)s + interval '12 hours')::date
             FROM ledger_period p JOIN members_planversion v ON v.id = p.plan_version_id WHERE p.id = %(period)s""",
        period.parameters | {"zone": period.pool.zone},
    )[0]
    try:
        plan = read_json(terms)["calendar"]
        days = dt.timedelta(days=plan["publicity_days"])
        charge_date = _planned_charge(plan["periods"], period.publicity_date)
        late = max(first_day - period.publicity_date, dt.timedelta())
    except (KeyError, TypeError, ValueError) as fault:
        report.unchecked.append(f"{period.where}: its publicity, because of {type(fault).__name__}: {fault}")
        return
    ends_date = period.publicity_date + late + days
    told = logged(period, "period.announce").get("publicity_end")
    for name, expected, found in (
        ("end of publicity", ends_date, period.publicity_end_date),
        ("end of publicity in the log", ends_date.isoformat(), told),
        ("charge date", charge_date + late, period.charge_date),
    ):
        report.expect("publicity_lasts_its_days", f"{period.where}, {name}", expected, found)


def _planned_charge(rows: list[dict[str, Any]], publicity_date: dt.date) -> dt.date:
    """Return the charge date that the calendar foresees for a publicity date. Raises: ValueError without one."""
    for row in rows:
        if _day(publicity_date, 0, row["publicity_day"]) == publicity_date:
            return _day(publicity_date, row.get("charge_months_later", 0), row["charge_day"])
    raise ValueError(f"no publicity on {publicity_date}")


def _day(date: dt.date, months_later: int, day: int) -> dt.date:
    """Return a day of the date's month or of the next; a day beyond its end is its last day."""
    first = (date.replace(day=1) + dt.timedelta(days=31 * months_later)).replace(day=1)
    return first.replace(day=min(day, calendar.monthrange(first.year, first.month)[1]))
