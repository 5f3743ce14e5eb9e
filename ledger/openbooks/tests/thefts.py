"""Ways to take money from a pool and state it in a signed log, each as consistent as whoever does it can make it.

A thief tells the same year as `Year` but for one thing, at the first chance from some period on; what follows from it,
journal, balances, next bank days, follows. `FOUND` says under which names the cash book finds it.
"""

import dataclasses
import datetime as dt
from typing import Any

from ledger.openbooks.tests.years import Body, Lines, Year, digest
from ledger.sharing.apportion import Costs, FeeRule, Group, ShareInputError, Sharing

OVERDRAWN = "account_is_not_overdrawn"
FOUND: dict[str, tuple[str, ...]] = {
    "more aid than was granted": ("payout_is_within_the_award", OVERDRAWN),
    "the same aid twice": ("payout_is_within_the_award", OVERDRAWN),
    "aid of a case nobody decided": ("payout_follows_a_decision", OVERDRAWN),
    "aid to another payee": ("payee_is_the_decided_one",),
    "aid before its publicity was over": ("payout_follows_publicity",),
    "aid out of the members' wallets": ("members_money_is_there",),
    "more aid announced than decided": ("case_is_as_decided",),
    "a case added after its announcement": ("award_is_posted_as_announced",),
    "a case approved by one person": ("decision_has_two_people",),
    "aid that came back and is nobody's": ("aid_is_owed_until_it_is_paid", OVERDRAWN),
    "a fee above its bill": ("fee_is_within_its_bill", "members_money_is_there", OVERDRAWN),
    "a fee above the rules, in the bill": ("fee_follows_the_plan",),
    "a fee before the aid": ("fee_follows_the_aid",),
    "another plan than was published": ("rules_are_published",),
    "a payment that nobody ordered": ("payments_are_settled_orders",),
    "a payment that was cancelled": ("order_is_settled_once",),
    "money out under another name": ("bank_class_is_known",),
    "an edited closing balance": ("bank_day_sums",),
    "an edited opening balance": ("bank_day_follows_the_last",),
    "a bank day left out": ("bank_day_follows_the_last",),
    "another bank account": ("account_is_the_custody_account",),
    "interest kept": ("books_have_the_banks_balance",),
    "shares kept": ("books_have_the_banks_balance",),
    "the carry kept": ("carry_comes_back",),
    "a cost that nobody had": (OVERDRAWN,),
    "every share rounded up once more": ("carry_is_less_than_the_charged", "rates_follow_from_the_need"),
    "a lighter class for friends": ("rates_follow_from_the_need", "carry_is_less_than_the_charged"),
    "a friend left out": ("members_are_those_frozen", "bill_counts_are_those_of_the_roll"),
    "a refund of what nobody paid": (OVERDRAWN,),
    "a correction of another amount": ("reversal_mirrors_its_entry",),
    "an entry of one side": ("entry_balances",),
    "a bill twice": ("period_comes_once",),
    "arrears that came in and are told as open": ("arrears_are_in_the_journal",),
    "less told as come in than came": ("collection_adds_up",),
    "arrears of one period told of another": ("arrears_are_in_the_journal",),
    "a collection that is over twice": ("period_comes_once",),
    "aid taken back that others do not get": ("revoked_aid_goes_to_all", OVERDRAWN),
    "the fee on aid taken back": ("revoked_aid_goes_to_all", "fee_follows_the_plan"),
    "aid taken back that was paid": ("payout_is_within_the_award", OVERDRAWN),
    "who pays fixed after the cases": ("freeze_announce_close_in_order",),
}  # fmt: skip


class Thief(Year):
    """A year in which something is taken. fen: how much, 1 or more. taken: whether there was a chance."""

    def __init__(self, seed: int, theft: str, fen: int, *, periods: int = 12) -> None:
        assert theft in FOUND
        self.theft, self.fen, self.taken = theft, fen, False
        self.early: set[str] = set()
        try:
            super().__init__(seed, periods=periods, revokes="taken back" in theft)
        except ShareInputError:
            if not self.taken:
                raise  # otherwise the theft has left figures with which nobody can go on: the year ends there
        if theft == "aid before its publicity was over":
            self.taken = any(
                one["type"] == "pay.order" and one["body"]["for"] in self.early for one in self.entries
            )

    def now(self, theft: str) -> bool:
        """Say whether this is the theft and its moment; there is one."""
        if self.taken or theft != self.theft or self.rng.random() < 0.3:
            return False
        self.taken = True
        return True

    def say(self, entry_type: str, body: Body) -> None:
        body = dict(body)
        match entry_type:
            case "pay.order" if body["kind"] == "aid" and self.now("aid to another payee"):
                body["payee"] = digest("accomplice")
            case "period.announce" if body["cases"] and self.now("aid before its publicity was over"):
                later = dt.date.fromisoformat(body["publicity_end"]) + dt.timedelta(days=600)
                body["publicity_end"] = later.isoformat()
                self.early = {case for case, _fen in body["cases"]}
            case "claim.decide" if body["outcome"] == "approved" and self.now(
                "a case approved by one person"
            ):
                body["deciders"] = ["P-REVIEWER", "P-REVIEWER"]
            case "period.close" if self.now("another plan than was published"):
                body["plan"] = {"version": 1, "sha256": digest("another plan")}
            case "bank.day" if self.statements > 1 and self.now("an edited opening balance"):
                body["opening"] -= self.fen
                body["closing"] -= self.fen
            case "bank.day" if self.statements > 1 and self.now("a bank day left out"):
                body["from"] = (dt.date.fromisoformat(body["from"]) + dt.timedelta(days=1)).isoformat()
            case "bank.day" if self.now("an edited closing balance"):
                body["closing"] -= self.fen
                self.closing -= self.fen
            case "bank.day" if self.now("another bank account"):
                body["account"] = body["account"] | {"sha256": digest("another")}
            case "collect.close" if body["collected"] and self.now(
                "arrears that came in and are told as open"
            ):
                fen = min(self.fen, body["collected"])
                body |= {"collected": body["collected"] - fen, "arrears": body["arrears"] + fen}
                others = [one for one in body["open"] if one[0] != body["period"]]
                body["open"] = [*others, [body["period"], body["arrears"]]]
            case "collect.close" if body["collected"] and self.now("less told as come in than came"):
                body["collected"] -= min(self.fen, body["collected"])
            case "collect.close" if body["arrears"] and self.now("arrears of one period told of another"):
                fen, others = body["arrears"], [one for one in body["open"] if one[0] != body["period"]]
                body |= {"collected": body["collected"] + fen, "arrears": 0, "open": [[0, fen], *others]}
            case "award.adjust" if body.get("fee_back", 0) > 0 and self.now("the fee on aid taken back"):
                body["fee_back"] -= min(self.fen, body["fee_back"])
            case "roll.close" if self.now("a friend left out"):
                body |= {"tree": [body["tree"][0] - 1, *body["tree"][1:]], "n": body["n"] - 1}
            case _:
                pass
        if entry_type == "roll.freeze" and self.now("who pays fixed after the cases"):
            self.late = body
            return
        super().say(entry_type, body)
        if entry_type == "period.announce" and (late := vars(self).pop("late", None)):
            super().say("roll.freeze", late)
        if entry_type == "period.close" and self.now("a bill twice"):
            super().say("period.close", body)
        if entry_type == "collect.close" and self.now("a collection that is over twice"):
            super().say("collect.close", body)

    def post(self, key: str, kind: str, lines: Lines) -> None:
        kept = {"interest": "interest kept", "collection": "shares kept"}.get(kind)
        if kept and lines[0][2] >= self.fen and self.now(kept):
            lines = [(account, side, fen - self.fen) for account, side, fen in lines]
        if kind == "returned" and self.now("aid that came back and is nobody's"):
            lines = [lines[0], ("240", "C", lines[0][2])]
        if kind == "collection" and self.now("an entry of one side"):
            lines = [*lines[:-1], (*lines[-1][:2], lines[-1][2] - 1)]
        super().post(key, kind, lines)
        if kind == "award" and self.now("a correction of another amount"):
            less = [[account, "C" if side == "D" else "D", fen - 1] for account, side, fen in lines]
            self.number += 1
            body: Body = {
                "number": self.number,
                "key": f"reversal/{self.number}",
                "kind": "reversal",
                "source": key,
            }
            body |= {"date": self.day.isoformat(), "reverses": self.number - 1}
            super().say("book.entry", body | {"postings": sorted(less)})

    def revoked(self, aid: int, fee: int) -> Lines:
        lines = super().revoked(aid, fee)
        if self.now("aid taken back that others do not get"):
            return [(account if account != "240" else "220", side, fen) for account, side, fen in lines]
        return lines

    def case(self) -> tuple[str, int]:
        case, fen = super().case()
        return case, fen + (self.fen if self.now("more aid announced than decided") else 0)

    def award(self, shared: list[tuple[str, int]]) -> list[tuple[str, int]]:
        added = [("2026-9998", self.fen)] if self.now("a case added after its announcement") else []
        return [*shared, *added]

    def costs(self, costs: Costs) -> Costs:
        if costs.carry_in_fen and self.now("the carry kept"):
            return dataclasses.replace(
                costs, carry_in_fen=costs.carry_in_fen - min(self.fen, costs.carry_in_fen)
            )
        if self.now("a cost that nobody had"):
            return dataclasses.replace(costs, other_costs_fen=costs.other_costs_fen + self.fen)
        return costs

    def compute(self, groups: list[Group], costs: Costs, rule: FeeRule) -> Sharing:
        if costs.aid_fen and self.now("a fee above the rules, in the bill"):
            rule = FeeRule(rate=rule.rate, fixed_fen=self.fen)
        bill = super().compute(groups, costs, rule)
        free = [one for one in bill.shares if one.cap_fen is None and one.share_fen]
        if free and self.now("every share rounded up once more"):
            return _raised(bill, {one.class_no for one in free})
        if free and len(free) < len(bill.shares) and self.now("a lighter class for friends"):
            return _raised(bill, {free[0].class_no})
        return bill

    def order(self, kind: str, reason: str, fen: int, account: str) -> None:
        if kind == "aid" and self.now("more aid than was granted"):
            fen += self.fen
        # Of a fee that is taken in parts, the last part: before that, more is only sooner.
        is_last = (kind, reason) not in {one[:2] for one in self.due}
        if kind == "fee" and is_last and self.now("a fee above its bill"):
            fen += self.fen
        super().order(kind, reason, fen, account)
        if kind == "aid" and self.now("the same aid twice"):
            super().order(kind, reason, self.fen, account)

    def order_what_is_due(self) -> None:
        if self.now("aid of a case nobody decided"):
            self.order("aid", "2026-9999", self.fen, "201")
        if self.now("a refund of what nobody paid"):
            self.order("refund", "#0", self.fen - self.balance["250"], "250")
        if (
            [kind for kind, *_rest in self.due[:2]] == ["aid", "fee"]
            and super().free()
            and self.now("a fee before the aid")
        ):
            self.due.reverse()
        super().order_what_is_due()
        sent = next((case for _no, kind, case, _fen in self.open_orders if kind == "aid"), None)
        if sent and self.now("aid taken back that was paid"):
            self.post("award_revoked/9", "award_revoked", super().revoked(self.fen, 0))
            told = {"case": sent, "is": self.awarded[sent] - self.fen, "entry": self.number, "fee_back": 0}
            super().say("award.adjust", told)

    def free(self) -> int:
        free = super().free()
        if self.balance["210"] + self.balance["250"] < 0 and self.due and self.due[0][0] == "aid":
            short = self.due[0][2] - free
            if 0 < short <= -self.balance["210"] - self.balance["250"] and self.now(
                "aid out of the members' wallets"
            ):
                return free + short
        return free

    def statement(self, sums: dict[str, int], settled: list[list[Any]] | None = None) -> None:
        if "payment" in sums and self.now("a payment that nobody ordered"):
            sums = sums | {"payment": sums["payment"] + self.fen}
        if self.now("money out under another name"):
            sums = sums | {"consulting": self.fen}
        super().statement(sums, settled)

    def cancel(self, order: tuple[int, str, str, int]) -> None:
        super().cancel(order)
        if self.now("a payment that was cancelled"):
            self.open_orders.append(order)


def _raised(bill: Sharing, classes: set[int]) -> Sharing:
    """Return the bill with a fen more for everybody of these classes whom no cap protects, kept as carry."""
    shares = tuple(
        dataclasses.replace(one, share_fen=one.share_fen + (one.class_no in classes and one.cap_fen is None))
        for one in bill.shares
    )
    more = sum(one.total_fen for one in shares) - bill.assessed_fen
    return dataclasses.replace(
        bill,
        shares=shares,
        assessed_fen=bill.assessed_fen + more,
        carry_out_fen=bill.carry_out_fen + more,
    )
