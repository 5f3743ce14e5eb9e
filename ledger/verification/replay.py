"""The books of a pool as its log alone tells them: balances, rates, one member's bills; held against what is stored.

The first half reads statements and nothing else; the second compares. A member's bills take their own proof besides:
its secret finds their line in the public rolls, and the way from that line to the root that the log states is checked.
"""

import base64
import json
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext_noop as _

from aidplatform.lib import commitments
from ledger.books.findings import Report, fetch, stream
from ledger.openbooks.rolls import Tree
from ledger.sharing.roll_models import Roll
from ledger.sharing.roll_selectors import place_of
from ledger.sharing.verify.rows import PoolRow

BALANCES, RATES, BILLS = "log_replays_to_balances", "log_replays_to_rates", "log_replays_to_bills"
SENTENCES = {
    BALANCES: _("Replaying the log alone gives the sums of every account."),
    RATES: _("Replaying the log alone gives the share of every class of every posted period."),
    BILLS: _("The log and a member's own proof give every share that the member was charged."),
}


@dataclass
class Replayed:
    """What a log tells. balances: (account, D or C) → fen. rates: period → rows of its bill. roots: period → roll."""

    balances: defaultdict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    rates: dict[int, list[list[int]]] = field(default_factory=dict)
    rolls: dict[int, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def of(cls, entries: Iterable[bytes]) -> "Replayed":
        """Replay statements in their order."""
        replayed = cls()
        for data in entries:
            told = json.loads(data)
            body = told["body"]
            match told["type"]:
                case "book.entry":
                    for account, side, fen in body["postings"]:
                        replayed.balances[account, side] += fen
                case "period.close":
                    replayed.rates[body["period"]] = body["classes"]
                case "roll.close":
                    replayed.rolls[body["period"]] = body
                case _:
                    pass
        return replayed


@dataclass(frozen=True)
class Certificate:
    """What a member has of their own: their secret, and whom it is of."""

    secret: bytes
    member_no: int
    whose: str

    @classmethod
    def read(cls, text: str, document: str) -> "Certificate":
        """Read a member's own proof. document: the number of theirs, however it is written. Raises: ValueError."""
        try:
            bundle = json.loads(text)
            member = bundle["member"]
            kind, number = member["doc_kind"], int(member["member_no"])
            secret = base64.b64decode(bundle["id_inner"]["secret"], validate=True)
        except (KeyError, TypeError) as error:
            raise ValueError(f"this is no proof of a member: {error}") from None
        told = re.sub(r"[\s-]", "", document).upper() if kind else ""
        return cls(secret, number, commitments.id_string(kind=kind, number=told, member_no=number))

    def line_in(self, code: str, period: int) -> bytes:
        """Return the commitment by which the roll of a period names the member."""
        salted = commitments.salt(commitments.commit_key(self.secret), code, period)
        return commitments.commitment(salted, commitments.id_inner(self.secret, self.whose), code, period)


def replayed_log(row: PoolRow) -> Replayed:
    """Replay the log of a pool."""
    sql = "SELECT data FROM ledger_logentry WHERE log_id = %(log)s ORDER BY seq"
    return Replayed.of(bytes(data) for (data,) in stream(sql, {"log": row.log_id}))


def verify_replay(report: Report, row: PoolRow, certificate: Certificate | None) -> Replayed:
    """Hold what the log tells against the books; return what it tells. Raises: LookupError for who is no member."""
    replayed = replayed_log(row)
    _verify_balances(report, row, replayed)
    _verify_rates(report, row, replayed)
    if certificate is not None:
        _verify_bills(report, row, replayed, certificate)
    return replayed


def _verify_balances(report: Report, row: PoolRow, replayed: Replayed) -> None:
    rows = fetch(
        """SELECT a.code, coalesce(b.debit_fen, 0), coalesce(b.credit_fen, 0) FROM ledger_account a
             LEFT JOIN ledger_accountbalance b ON b.account_id = a.id WHERE a.book_id = %(book)s""",
        {"book": row.book_id},
    )
    stored = {(account, side): fen for account, *fens in rows for side, fen in zip("DC", fens, strict=True)}
    for account, side in sorted(stored.keys() | replayed.balances.keys()):
        where = f"{row.code} account {account}, {'debits' if side == 'D' else 'credits'}"
        report.expect(BALANCES, where, replayed.balances[account, side], stored.get((account, side), 0))


def _verify_rates(report: Report, row: PoolRow, replayed: Replayed) -> None:
    rows = fetch(
        """SELECT number, classes FROM ledger_period
            WHERE pool_id = %(pool)s AND state = 'posted' ORDER BY number""",
        {"pool": row.id},
    )
    stored = {number: _rows(classes) for number, classes in rows}
    for number in sorted(stored.keys() | replayed.rates.keys()):
        where = f"{row.code}/{number}"
        report.expect(RATES, where, replayed.rates.get(number), stored.get(number))


def _rows(classes: Any) -> list[list[int]]:
    told = json.loads(classes) if isinstance(classes, str) else classes or []
    names = ("class_no", "weight", "members", "share_fen", "cap_fen")
    return [[one[name] for name in names if name in one] for one in told]


def _verify_bills(report: Report, row: PoolRow, replayed: Replayed, certificate: Certificate) -> None:
    found = fetch(
        "SELECT id FROM members_membership WHERE pool_id = %(pool)s AND number = %(number)s",
        {"pool": row.id, "number": certificate.member_no},
    )
    if not found:
        raise LookupError(f"{row.code} has no member {certificate.member_no}")
    charged = dict(
        fetch(
            "SELECT period_no, share_fen FROM ledger_charge WHERE pool_id = %(pool)s AND membership_id = %(member)s",
            {"pool": row.id, "member": found[0][0]},
        )
    )
    for period, told in sorted(replayed.rolls.items()):
        stated = _bill_in(row.code, period, told, certificate)
        report.expect(
            BILLS, f"{row.code}/{period} member {certificate.member_no}", stated, charged.get(period)
        )


def _bill_in(code: str, period: int, told: dict[str, Any], certificate: Certificate) -> int | str | None:
    """Return what the stated roll of a period says of the member; None where it does not know them."""
    roll = Roll.objects.select_related("period__pool").get(
        period__pool__code=code, period__number=period, stage=Roll.Stage.CLOSE
    )
    place = place_of(roll, certificate.line_in(code, period))
    if place is None:
        return None
    tree = Tree(len(told["classes"]))
    leaf = tree.leaf(place.record.encode())
    root = tree.root_of_path(leaf, place.index, told["n"], place.path)
    return place.record.fen if root.hash.hex() == told["root"] else "a line that leads to another root"
