"""The rows a verification starts from, and how it reads and shows them."""

import datetime as dt
import json
from dataclasses import dataclass
from typing import Any

from ledger.books.findings import fetch, figure

FIGURES = (
    "id",
    "number",
    "state",
    "plan_version_id",
    "opening_date",
    "next_opening_date",
    "publicity_date",
    "publicity_end_date",
    "charge_date",
    "as_of",
    "headcount_recorded_at",
    "headcount",
    "cases",
    "awarded_fen",
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
    "announced_books_no",
    "books_upto_no",
    "shown_sha256",
    "prepared_by",
    "prepared_at",
    "approved_by",
    "approved_at",
    "approved_sha256",
    "charged_members",
    "charged_fen",
    "wallet_fen",
    "gap_fen",
    "entry_id",
)


@dataclass(frozen=True)
class PoolRow:
    """The pool, its book and its log by id."""

    id: int
    code: str
    zone: str
    book_id: int
    log_id: int


class PeriodRow:
    """A period's stored columns as attributes."""

    def __init__(self, pool: PoolRow, row: tuple[Any, ...]) -> None:
        self.pool = pool
        self.values = dict(zip(FIGURES, row, strict=True))
        if isinstance(self.values["classes"], str):
            self.values["classes"] = json.loads(self.values["classes"])

    def __getattr__(self, name: str) -> Any:
        return self.values[name]

    @property
    def is_posted(self) -> bool:
        """Tell whether its charges must be there."""
        return bool(self.state == "posted")

    @property
    def members_by_class(self) -> dict[int, int]:
        """Return how many share, by class: a class may have several rows."""
        members: dict[int, int] = {}
        for row in self.classes or []:
            members[row["class_no"]] = members.get(row["class_no"], 0) + row["members"]
        return members

    @property
    def rates(self) -> dict[int, int]:
        """Return the share of each class, which whoever has less room is charged only up to it."""
        rates: dict[int, int] = {}
        for row in self.classes or []:
            rates[row["class_no"]] = max(rates.get(row["class_no"], 0), row["share_fen"])
        return rates

    @property
    def where(self) -> str:
        """Return how a finding names it."""
        return f"period {self.pool.code}/{self.number}"

    @property
    def parameters(self) -> dict[str, Any]:
        """Return what most queries need."""
        return {"period": self.id, "pool": self.pool.id, "book": self.pool.book_id, "number": self.number}


def periods(pool: PoolRow) -> list[PeriodRow]:
    """Return the pool's periods in their order."""
    rows = fetch(
        f"SELECT {', '.join(FIGURES)} FROM ledger_period WHERE pool_id = %(pool)s ORDER BY number",
        {"pool": pool.id},
    )
    return [PeriodRow(pool, row) for row in rows]


def logged(period: PeriodRow, entry_type: str) -> dict[str, Any]:
    """Return the body of the period's log line of that type; empty without one."""
    data = figure(
        "SELECT data FROM ledger_logentry WHERE log_id = %(log)s AND type = %(type)s AND key = %(key)s",
        {"log": period.pool.log_id, "type": entry_type, "key": str(period.number)},
    )
    try:
        body = json.loads(bytes(data))["body"] if data is not None else {}
    except (ValueError, KeyError):
        return {}
    return body if isinstance(body, dict) else {}


def read_json(value: Any) -> Any:
    """Return a JSON column decoded, however the driver hands it over."""
    return json.loads(value) if isinstance(value, str) else value


def text(value: object) -> str:
    """Return a figure the same way on both sides of a comparison."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {value[key]}" for key in sorted(value, key=str)) + "}"
    if isinstance(value, tuple):
        return ", ".join(str(part.date() if isinstance(part, dt.datetime) else part) for part in value)
    return str(value)


# Net movements on an account by entries of some kinds, a reversal counting as the kind it reverses. What a period's
# entry puts into To be shared is what wallets lacked; what it takes out of it is what it shared.
_KIND = """CASE WHEN coalesce(o.kind, e.kind) = 'period' AND a.code = '120'
                         AND p.side = CASE WHEN o.id IS NULL THEN 'D' ELSE 'C' END
               THEN 'wallet_gap' ELSE coalesce(o.kind, e.kind) END"""
MOVES = f"""
    SELECT e.number, sum(CASE p.side WHEN %(side)s THEN p.amount_fen ELSE -p.amount_fen END) AS fen
      FROM ledger_posting p JOIN ledger_journalentry e ON e.id = p.entry_id
      JOIN ledger_account a ON a.id = p.account_id
      LEFT JOIN ledger_journalentry o ON o.id = e.reverses_id
     WHERE e.book_id = %(book)s AND a.code = %(account)s
       AND (%(kinds)s::text[] IS NULL OR {_KIND} = ANY(%(kinds)s::text[]))
     GROUP BY e.number"""
