"""A year of a pool as its log states it, from a seed: cases, bills, bank days, payments, all in order and honest.

Shares come from `compute_shares`, which the verifier does not know. What happens to a pool happens here: aid that comes
back, orders that are cancelled, shares charged back, receipts of nobody, wallets, write-offs, days without a booking,
money that comes a month late, caps that leave some members less, a reserve.
"""

import datetime as dt
import hashlib
import json
import random
from collections import defaultdict
from fractions import Fraction
from math import ceil
from typing import Any

from ledger.openbooks.canonical import canonical_bytes
from ledger.sharing.apportion import Costs, FeeRule, Group, OnCap, Sharing, compute_shares

POOL = "test-pool"
ACCOUNT = "6222000000000001"
Body = dict[str, Any]
Lines = list[tuple[str, str, int]]


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


class Year:
    """The log of a year. entries: envelopes in order. Everything that is random comes from the seed.

    revokes: of each period the first aid that is unpaid then is taken back.
    """

    def __init__(self, seed: int, *, periods: int = 12, revokes: bool = False) -> None:
        self.revokes, self.awarded, self.revocations = revokes, dict[str, int](), 0
        self.rng = random.Random(seed)
        self.entries: list[Body] = []
        self.balance: defaultdict[str, int] = defaultdict(int)
        self.number, self.orders, self.statements, self.cases = 0, 0, 0, 0
        self.day = dt.date(2026, 1, 1)
        self.closing, self.carried = 0, [0]
        self.charged: dict[int, int] = {}
        self.due: list[tuple[str, str, int]] = []  # (kind, what for, fen) not ordered yet, in their order
        self.payees: dict[str, str] = {}
        self.open_orders: list[tuple[int, str, str, int]] = []
        self.classes = [
            (number, weight, self.rng.randint(20, 400))
            for number, weight in enumerate(self.rng.choice([[1], [1, 2, 3]]))
        ]
        self.fee_rate = self.rng.choice([Fraction(2, 25), Fraction(1, 20), Fraction(0)])
        self.reserve = self.rng.random() < 0.4
        self.on_cap: OnCap = "redistribute" if self.rng.random() < 0.5 else "reserve_pays"
        self._founded()
        for period in range(1, periods + 1):
            self._period(period)

    def say(self, entry_type: str, body: Body) -> None:
        """State something."""
        at = f"{self.day.isoformat()}T01:00:00Z"
        envelope = {
            "v": 1,
            "pool": POOL,
            "type": entry_type,
            "at": at,
            "seq": len(self.entries),
            "body": body,
        }
        self.entries.append(envelope)

    def post(self, key: str, kind: str, lines: Lines) -> None:
        """Post an entry, unless it would say nothing."""
        lines = sorted(line for line in lines if line[2])
        if not lines:
            return
        self.number += 1
        for account, side, fen in lines:
            self.balance[account] += fen if side == "D" else -fen
        self.carried.append(-self.balance["240"])
        body = {"number": self.number, "key": key, "kind": kind, "date": self.day.isoformat(), "source": key}
        self.say("book.entry", body | {"postings": [list(line) for line in lines]})

    def _founded(self) -> None:
        terms = {
            "fee": {"rate": f"{self.fee_rate.numerator}/{self.fee_rate.denominator}", "fixed_fen": 0},
            "on_cap": self.on_cap,
        }
        self.plan = {"version": 1, "sha256": hashlib.sha256(canonical_bytes(terms)).hexdigest()}
        rules = {"version": 1, "effective": "2026-01-01", "terms": terms, "terms_sha256": self.plan["sha256"]}
        self.say("rule.publish", rules | {"covenant_sha256": digest("c"), "declaration_sha256": digest("d")})
        account = {"ends": ACCOUNT[-4:], "sha256": digest(ACCOUNT)}
        self.say("policy.set", {"custody_account": account | {"bank": "Bank", "holder": "Members"}})
        self.account = account

    # --- a period -------------------------------------------------------------------------------------------------

    def _period(self, period: int) -> None:
        rng, start = self.rng, self.day
        approved = [self.case() for _case in range(rng.choice([0, 1, 1, 1, 2, 3]))]
        self.day = start + dt.timedelta(days=7)
        counts = [count for _no, _weight, count in self.classes]
        roll = {"period": period, "n": sum(counts), "classes": [no for no, *_rest in self.classes]}
        roll |= {"root": digest(f"root {period}"), "head": digest(f"head {period}")}
        self.say("roll.freeze", roll | {"tree": counts + [0] * len(counts), "x": 0})
        end = self.day + dt.timedelta(days=3)
        upto = self.number
        self.say(
            "period.announce",
            {"period": period, "cases": [[case, fen] for case, fen in approved], "provisional": [],
             "books_upto": upto, "publicity_end": end.isoformat()},
        )  # fmt: skip
        self.window = {account: self.balance[account] for account in ("120", "240", "260")}
        self.day = end
        shared = self.award([case for case in approved if not self._objected(case[0], case[1], period)])
        for case, fen in shared:
            self.post(f"award/{case}", "award", [("120", "D", fen), ("201", "C", fen)])
        self._bill(period, roll, shared)
        self._money(period)
        self.day = start + dt.timedelta(days=30)

    def case(self) -> tuple[str, int]:
        self.cases += 1
        case, fen = f"2026-{self.cases:04d}", self.rng.randint(10_000, 5_000_000)
        ref, payee = digest(case)[:16], digest(f"payee {case}")
        decision = {"ref": ref, "round": 1, "clause": "aid", "on_appeal": False, "shown": digest("shown")}
        people = ["P-REVIEWER", "P-CONTROLLER"]
        if self.rng.random() < 0.2:
            refused = decision | {"aid": 0, "outcome": "rejected", "payee": payee, "deciders": people}
            self.say("claim.decide", refused)
            decision |= {"round": 2, "on_appeal": True}
        self.say(
            "claim.decide", decision | {"aid": fen, "outcome": "approved", "payee": payee, "deciders": people}
        )
        public = {"case": case, "ref": ref, "aid": fen, "evidence": digest("e"), "face_sha256": digest("f")}
        self.say("claim.public", public)
        self.payees[case] = payee
        return case, fen

    def award(self, shared: list[tuple[str, int]]) -> list[tuple[str, int]]:
        """Return the cases that are shared, with their aid."""
        return shared

    def _objected(self, case: str, fen: int, period: int) -> bool:
        if self.rng.random() >= 0.05:
            return False
        adjusted = {"case": case, "period": period, "was": fen, "is": 0, "why": "objection_open"}
        self.say("award.adjust", adjusted)
        return True

    def _bill(self, period: int, roll: Body, shared: list[tuple[str, int]]) -> None:
        groups = []
        for number, weight, count in self.classes:
            cap = self.rng.choice([None, None, 5_000, 50_000])
            few = self.rng.randint(0, count // 4) if cap is not None else 0
            groups.append(Group(number, count - few, weight, cap))
            groups += [Group(number, few, weight, self.rng.randint(1, 200))] if few else []
        costs = Costs(
            aid_fens=tuple(fen for _case, fen in shared),
            other_costs_fen=self.window["120"],
            reserve_contribution_fen=self.rng.randint(1, 5_000) if self.reserve and shared else 0,
            reserve_fen=-self.window["260"],
            carry_in_fen=-self.window["240"],
        )
        costs = self.costs(costs)
        bill = self.compute(groups, costs, FeeRule(rate=self.fee_rate))
        carry_in, other = costs.carry_in_fen, costs.other_costs_fen
        contributions = bill.aid_fen + bill.fee_fen + other - bill.sponsor_fen
        self.post(
            f"period/{period}",
            "period",
            [
                ("110", "D", bill.assessed_fen), ("130", "D", bill.sponsor_fen), ("260", "D", bill.reserve_drawn_fen),
                ("240", "D", carry_in), ("501", "D", bill.aid_fen), ("510", "D", bill.fee_fen), ("520", "D", other),
                ("120", "C", bill.aid_fen + other), ("230", "C", bill.fee_fen),
                ("260", "C", bill.reserve_contribution_fen), ("240", "C", bill.carry_out_fen),
                ("401", "C", contributions), ("410", "C", bill.sponsor_fen),
            ],
        )  # fmt: skip
        figures: Body = {
            "A": bill.aid_fen,
            "W": other,
            "fee": bill.fee_fen,
            "R": bill.reserve_contribution_fen,
        }
        figures |= {
            "V": bill.reserve_drawn_fen,
            "E": bill.sponsor_fen,
            "C_in": carry_in,
            "S": bill.assessed_fen,
        }
        figures |= {"C_out": bill.carry_out_fen, "cases": [case for case, _fen in shared], "plan": self.plan}
        rows = [
            [
                one.class_no,
                one.weight,
                one.count,
                one.share_fen,
                *([] if one.cap_fen is None else [one.cap_fen]),
            ]
            for one in bill.shares
        ]
        told = {"period": period, "headcount": roll["n"], "classes": rows, "approved": digest("approved")}
        self.say("period.close", told | figures)
        self.say("roll.close", roll | _tree(roll["classes"], bill))
        self.charged[period] = bill.assessed_fen
        self.awarded |= dict(shared)
        self.shared = dict(shared)
        self.due += [("aid", case, fen) for case, fen in shared]
        self.due += [("fee", str(period), bill.fee_fen)] if bill.fee_fen else []

    def costs(self, costs: Costs) -> Costs:
        """Return what is to be shared."""
        return costs

    def compute(self, groups: list[Group], costs: Costs, rule: FeeRule) -> Sharing:
        """Divide what is to be shared."""
        return compute_shares(groups=groups, costs=costs, fee_rule=rule, on_cap=self.on_cap)

    # --- money ----------------------------------------------------------------------------------------------------

    def _money(self, period: int) -> None:
        """Let money come, be ordered, go out, and some of it come back."""
        self.day += dt.timedelta(days=self.rng.randint(1, 6))
        come = {"collection": self._part("110", 900, 1000), "unidentified": self._maybe(500)}
        self.statement(come | {"top_up": self._maybe(900), "interest": self._maybe(60)})
        if self.rng.random() < 0.2:
            self.post(f"write_off/{period}", "write_off", _pair("120", "110", min(self.balance["110"], 300)))
        if self.revokes:
            self._revoke(period)
        self.order_what_is_due()
        self._give_back()
        self.day += dt.timedelta(days=2)
        paid = self.open_orders
        if paid and self.rng.random() < 0.15:
            self.cancel(paid.pop())
        back = min(self._maybe(40), sum(self.charged.values()) - self.balance["110"])
        self.statement(
            {"payment": sum(fen for *_order, fen in paid), "chargeback": back},
            [[number, "payment", fen] for number, *_order, fen in paid],
        )
        self.open_orders = []
        aid = [one for one in paid if one[1] == "aid"]
        self.day += dt.timedelta(days=self.rng.randint(1, 5))
        returned = aid[0] if aid and self.rng.random() < 0.15 else None
        late = {"collection": self._part("110", 0, 1000)}
        if returned is not None:
            number, kind, reason, fen = returned
            self.statement(late | {"returned": fen}, [[number, "returned", fen]])
            self.due.insert(0, (kind, reason, fen))
        else:
            self.statement(late)
        self.say("collect.close", self.collected(period))

    def _revoke(self, period: int) -> None:
        """Give the first aid of the period that is not paid back to all, with the fee on it."""
        place = next((at for at, (kind, case, _fen) in enumerate(self.due) if case in self.shared), None)
        if place is None:
            return
        _kind, case, unpaid = self.due.pop(place)
        fee = next((at for at, one in enumerate(self.due) if one[:2] == ("fee", str(period))), None)
        before = sum(self.awarded[one] for one in self.shared)
        back = ceil(self.fee_rate * before) - ceil(self.fee_rate * (before - unpaid))
        if fee is not None:
            left = self.due[fee][2] - back
            self.due[fee : fee + 1] = [("fee", str(period), left)] if left else []
        was, self.awarded[case] = self.awarded[case], self.awarded[case] - unpaid
        self.revocations += 1
        self.post(f"award_revoked/{self.revocations}", "award_revoked", self.revoked(unpaid, back))
        told = {"case": case, "period": period, "was": was, "is": self.awarded[case], "why": "revoked"}
        self.say("award.adjust", told | {"reason": "found", "entry": self.number, "fee_back": back})

    def revoked(self, aid: int, fee: int) -> Lines:
        """Return the entry that gives aid and its fee back."""
        return [
            ("201", "D", aid), ("230", "D", fee), ("240", "C", aid + fee), ("401", "D", aid + fee), ("501", "C", aid),
            ("510", "C", fee),
        ]  # fmt: skip

    def collected(self, period: int) -> Body:
        """Return what came of a period's shares; money pays the oldest first, so that the newest are open."""
        left, open_fens = self.balance["110"], []
        for number, charged in sorted(self.charged.items(), reverse=True):
            fen = min(left, charged)
            left -= fen
            open_fens += [[number, fen]] if fen else []
        arrears = dict(open_fens).get(period, 0)
        told = {"period": period, "until": self.day.isoformat(), "charged": self.charged[period]}
        told |= {"collected": self.charged[period] - arrears, "written_off": 0, "arrears": arrears}
        return told | {"exits": 0, "open": open_fens[::-1]}

    def _part(self, account: str, least: int, most: int) -> int:
        return self.balance[account] * self.rng.randint(least, most) // 1000

    def _maybe(self, most: int) -> int:
        return self.rng.randint(1, most) if self.rng.random() < 0.3 else 0

    def statement(self, sums: dict[str, int], settled: list[list[Any]] | None = None) -> None:
        """Take over what the bank says, up to yesterday."""
        self.statements += 1
        accounts = {
            "collection": ("101", "110"), "unidentified": ("101", "250"), "top_up": ("101", "210"),
            "interest": ("101", "240"), "payment": ("270", "101"), "chargeback": ("110", "101"),
            "returned": ("101", "201"), "consulting": ("520", "101"),
        }  # fmt: skip
        sums = {kind: fen for kind, fen in sums.items() if fen}
        for kind, fen in sums.items():
            self.post(f"statement/{self.statements}/{kind}", kind, _pair(*accounts[kind], fen))
        opening = self.closing
        self.closing += sum(-fen if accounts[kind][1] == "101" else fen for kind, fen in sums.items())
        last = next((one["body"]["to"] for one in reversed(self.entries) if one["type"] == "bank.day"), None)
        to = self.day - dt.timedelta(days=1)
        first = to if last is None else dt.date.fromisoformat(last) + dt.timedelta(days=1)
        self.say(
            "bank.day",
            {"statement": self.statements, "account": self.account, "from": first.isoformat(), "to": to.isoformat(),
             "opening": opening, "closing": self.closing, "lines": len(sums),
             "file_sha256": digest(str(self.statements)),
             "classes": [[kind, 1, fen] for kind, fen in sorted(sums.items())],
             "settled": settled or [], "settled_count": len(settled or [])},
        )  # fmt: skip

    def free(self) -> int:
        """Return what may go out: what the bank holds, without what is on its way and what is the members' own."""
        own = -sum(self.balance[account] for account in ("210", "220", "235", "250", "260"))
        return self.balance["101"] + self.balance["270"] - own

    def order_what_is_due(self) -> None:
        """Order aid and fees in their order; a fee waits for all aid before it."""
        while self.due:
            kind, reason, fen = self.due[0]
            sent = min(fen, self.free()) if kind == "fee" else fen
            if sent > self.free() or sent <= 0:
                return
            self.due[0:1] = [(kind, reason, fen - sent)] if sent < fen else []
            self.order(kind, reason, sent, "201" if kind == "aid" else "230")

    def order(self, kind: str, reason: str, fen: int, account: str) -> None:
        self.orders += 1
        if kind in {"refund", "wallet"}:
            self.post(f"payment/{self.orders}/due", "refund_due", _pair(account, "220", fen))
            account = "220"
        self.post(f"payment/{self.orders}/released", "payment_released", _pair(account, "270", fen))
        payee = self.payees.get(reason, digest(reason))
        self.say("pay.order", {"order": self.orders, "kind": kind, "for": reason, "fen": fen, "payee": payee})
        self.open_orders.append((self.orders, kind, reason, fen))

    def _give_back(self) -> None:
        for kind, account in (("refund", "250"), ("wallet", "210")):
            if self.balance[account] < 0 and self.rng.random() < 0.4:
                self.order(kind, f"#{self.orders}", self.rng.randint(1, -self.balance[account]), account)

    def cancel(self, order: tuple[int, str, str, int]) -> None:
        number, kind, reason, fen = order
        back = {"aid": "201", "fee": "230", "refund": "250", "wallet": "210"}[kind]
        self.post(f"payment/{number}/cancelled", "payment_cancelled", _pair("270", back, fen))
        if kind in {"aid", "fee"}:
            self.due.insert(0, (kind, reason, fen))


def _pair(debited: str, credited: str, fen: int) -> Lines:
    return [(debited, "D", fen), (credited, "C", fen)]


def _tree(classes: list[int], bill: Sharing) -> Body:
    """Return how the roll counts what a bill charges: by class at the rate, then with own amounts."""
    rates = {no: max(one.share_fen for one in bill.shares if one.class_no == no) for no in classes}
    counts: defaultdict[tuple[int, bool], int] = defaultdict(int)
    own = 0
    for one in bill.shares:
        is_own = one.share_fen < rates[one.class_no]
        counts[one.class_no, is_own] += one.count
        own += one.total_fen if is_own else 0
    return {"tree": [counts[no, is_own] for is_own in (False, True) for no in classes], "x": own}


def copied(entries: list[Body]) -> list[Body]:
    """Return envelopes of one's own to change."""
    found: list[Body] = json.loads(json.dumps(entries))
    return found
