"""A year of a pool whose bank's files have faults, by chance from a printed seed: each month closes, bank = ledger.

Chance returns payments, takes receipts back, books genuine twins, lets members pay late or without their reference,
loses a file for days, sends one twice, overlapping and shuffled, cuts one short and forges a closing balance, and takes
money that is nobody's. Treasurer and controller work through the services of the platform.
"""

import datetime as dt
import os
import random
import time
from collections import Counter
from contextlib import suppress
from dataclasses import replace

import pytest
from django.db import IntegrityError, transaction

from aidplatform.lib import clock
from aidplatform.site.demo.bank import paid_orders, transfer
from aidplatform.testing.bank import Bank, membership
from aidplatform.testing.ledgers import assert_books_true
from aidplatform.testing.world import World, run_jobs, set_clock
from ledger.custody import explanations, months, reconciled_days, services
from ledger.custody.explanation_models import DebitExplanation
from ledger.custody.models import PaymentOrder, StatementLine
from ledger.custody.reconciliation import unidentified
from ledger.custody.references import INCOME, ORDER, SPONSOR, make_reference
from ledger.custody.selectors import arrears_rows, payable_awards, payable_fee_fen
from ledger.custody.statement_files import write_csv
from ledger.custody.statement_parts import IN, OUT, FileLine, FileStatement
from ledger.sharing.models import Period

State = PaymentOrder.State


class FaultyYear:
    """A pool, its faulty bank, and the two people who keep up with it. chance: all of it follows from its seed."""

    def __init__(self, members: int, seed: int) -> None:
        self.chance = random.Random(seed)
        self.world = World.founded(members=members, code="faulty")
        self.bank = Bank(self.world)
        self.members = members
        self.seen: Counter[str] = Counter()
        self.late: list[FileLine] = []
        self.back: list[FileLine] = []
        self.kept: FileStatement | None = None
        self.began = time.perf_counter()

    # --- the bank ---------------------------------------------------------------------------------------------------

    def receipts(self) -> list[FileLine]:
        """Return what members transfer of what they owe: on time, late, twice, without a reference, or never."""
        owed: Counter[int] = Counter()
        for number, _period, _share, _collected, open_fen in arrears_rows(self.world.pool):
            owed[number] += open_fen
        day = self.bank.day
        few = min(0.02, 60 / self.members)
        lines = []
        for number, fen in sorted(owed.items()):
            line = transfer(self.world.pool.code, number, fen, day)
            drawn = self.chance.random()
            if drawn < few:
                lines += [line, line]
                self.seen["twins"] += 1
            elif drawn < 2 * few:
                lines.append(replace(line, text="thank you"))
                self.seen["without a reference"] += 1
            elif drawn < 2 * few + 0.04:
                self.late.append(line)
                self.seen["late"] += 1
            elif drawn < 2 * few + 0.05:
                self.seen["never"] += 1
            else:
                lines.append(line)
                if self.chance.random() < 0.01:
                    self.back.append(replace(line, direction=OUT))
        return lines

    def statement(self, lines: list[FileLine], until: dt.date) -> FileStatement:
        """Return the days up to and without one, with these bookings somewhere among them."""
        days = (until - self.bank.day).days
        base = self.bank.statement(days=days)
        dated = sorted(
            (
                replace(line, booking_date=base.from_date + dt.timedelta(days=self.chance.randrange(days)))
                for line in lines
            ),
            key=lambda line: line.booking_date,
        )
        # Genuine twins differ in nothing but the bank's own number.
        dated = [
            replace(line, bank_reference=f"{base.bank_number}-{place:06d}")
            for place, line in enumerate(dated, 1)
        ]
        return replace(
            base, lines=tuple(dated), closing_fen=base.opening_fen + sum(line.signed_fen for line in dated)
        )

    def send(self, statement: FileStatement) -> None:
        """Import the file of a statement as the bank sends it: forged, cut, twice, overlapping the last, shuffled."""
        fault = self.chance.choice(["none", "forged", "cut", "twice", "overlapping", "shuffled"])
        self.seen[f"file {fault}"] += 1
        data = write_csv(statement)
        if fault == "forged":
            with pytest.raises(services.FileRefusedError):
                self.bank.take(replace(statement, closing_fen=statement.closing_fen + 1))
        elif fault == "cut":
            with pytest.raises(services.FileRefusedError):
                self.bank.take_bytes(data[: len(data) * 2 // 3])
        elif fault == "overlapping" and self.kept is not None:
            data = write_csv(
                replace(
                    statement,
                    from_date=self.kept.from_date,
                    opening_fen=self.kept.opening_fen,
                    lines=(*self.kept.lines, *statement.lines),
                )
            )
        elif fault == "shuffled":
            data = write_csv(
                replace(statement, lines=tuple(self.chance.sample(statement.lines, len(statement.lines))))
            )
        before = self.bank.account.statements.count()
        began = time.perf_counter()
        self.bank.take_bytes(data)
        self.seen["lines"] += len(statement.lines)
        self.seen["import ms"] += int(1000 * (time.perf_counter() - began))
        if fault == "twice":
            self.bank.take_bytes(data)
        assert self.bank.account.statements.count() == before + 1
        self.kept = statement

    def at(self, day: dt.date) -> None:
        """Let the business day be that one, at nine."""
        set_clock(clock.start_of_day(day, self.world.pool.time_zone) + dt.timedelta(hours=9))

    # --- the two people ---------------------------------------------------------------------------------------------

    def place_receipts(self) -> None:
        """Match what is nobody's where its amount says whose, and send the rest back."""
        world = self.world
        owing: dict[int, list[int]] = {}
        for number, _period, _share, _collected, open_fen in arrears_rows(world.pool):
            owing.setdefault(open_fen, []).append(number)
        for receipt in unidentified(self.bank.account):
            numbers = owing.get(receipt.open_fen, [])
            if numbers and receipt.line.kind == StatementLine.Kind.UNIDENTIFIED:
                services.identify_receipt(
                    receipt=receipt.line, membership=membership(world, numbers.pop()),
                    identifier=world.treasurer.code, at=clock.now(),
                )  # fmt: skip
                self.seen["identified"] += 1
                continue
            order = services.order_payment(
                pool=world.pool, kind="refund", receipt=receipt.line, amount_fen=receipt.open_fen,
                payee_name="Who paid", payee_account="6222 1111 0000 2222", orderer=world.treasurer.code,
                at=clock.now(),
            )  # fmt: skip
            self.bank.release(order)
            self.seen["sent back"] += 1

    def pay_out(self) -> None:
        """Order the aid that can be paid and the fee that was earned, and release what there is money for."""
        pool = self.world.pool
        while open_aid := [one for one in payable_awards(pool) if one.payable_fen]:
            for payable in open_aid:
                self.bank.order_aid(payable.award, payable.payable_fen)
        for period in pool.periods.filter(state=Period.State.POSTED).order_by("number"):
            if fee_fen := payable_fee_fen(period):
                self.bank.order_fee(period, fee_fen)
        for order in pool.payment_orders.filter(state=State.ORDERED).order_by("number"):
            # Money that was taken back, or that is nobody's yet, is missing: the order waits for what comes in.
            with suppress(IntegrityError), transaction.atomic():
                self.bank.release(order)

    def explain(self) -> None:
        """Let what the bank took be made good by whoever runs the pool."""
        for line in explanations.debits_to_explain(self.world.pool):
            made = explanations.propose_explanation(
                line=line, cause=DebitExplanation.Cause.OPERATOR, note="the bank cannot say",
                proposer=self.world.treasurer.code, at=clock.now(),
            )  # fmt: skip
            explanations.agree_to_explanation(
                explanation=made, person=self.world.controller.code, at=clock.now()
            )
            self.seen["debits explained"] += 1

    # --- a month ----------------------------------------------------------------------------------------------------

    def month(self, number: int) -> None:
        """Share, collect and pay a month, with faults; then close it."""
        world, bank = self.world, self.bank
        for case in range(1, self.chance.randint(2, 4)):
            world.award(50 * self.members + self.chance.randrange(1000), code=f"C-{number}-{case}")
        period = world.posted_period()
        self.at(period.charge_date)
        run_jobs()
        end = period.next_opening_date
        # The file of the first days is lost; the one that comes instead covers them as well.
        first = period.charge_date + dt.timedelta(days=self.chance.randint(1, 3))
        self.at(first)
        late, self.late = self.late, []
        self.send(self.statement([*self.receipts(), *late], first))
        self.place_receipts()
        self.pay_out()
        second = first + dt.timedelta(days=4)
        self.at(second)
        back, self.back = self.back, []
        self.seen["taken back"] += len(back)
        taken = bank.line(OUT, self.chance.randrange(1, 9_000), text=f"ADJ {number}")
        self.send(self.statement([*paid_orders(bank.account, bank.day), *back, taken], second))
        self.return_one()
        self.explain()
        third = second + dt.timedelta(days=3)
        self.at(third)
        late, self.late = self.late, []
        made_good = replace(taken, direction=IN, text=make_reference(world.pool.code, INCOME, SPONSOR))
        self.send(self.statement([*self.returned_lines, *late[::2], made_good], third))
        self.place_receipts()
        self.pay_out()
        self.at(end)
        # What comes last of all stays at the bank over the end of the month.
        self.send(self.statement([*paid_orders(bank.account, bank.day), *late[1::2]], end))
        self.place_receipts()
        self.pay_out()
        self.close(number)

    def return_one(self) -> None:
        """Choose a payment that the bank will return."""
        paid = list(
            self.world.pool.payment_orders.filter(state=State.CONFIRMED, kind="aid").order_by("-number")[:3]
        )
        self.returned_lines: list[FileLine] = []
        if paid and self.chance.random() < 0.7:
            order = self.chance.choice(paid)
            text = make_reference(self.world.pool.code, ORDER, order.number)
            self.returned_lines = [self.bank.line(IN, order.amount_fen, text=text)]
            self.seen["payments returned"] += 1

    def close(self, number: int) -> None:
        """Reconcile on the first day after the month, and close it by two people."""
        world = self.world
        kept = reconciled_days.keep_day(world.pool, clock.now())
        assert kept is not None
        broken = [one for one in reconciled_days.judged_of(kept).verdicts if one.state == "broken"]
        assert broken == [], broken
        found = months.next_month(world.pool)
        assert found is not None
        assert [one.name for one in found.conditions if not one.holds] == []
        made = months.propose_close(
            pool=world.pool, month_date=found.month_date, proposer=world.treasurer.code, at=clock.now()
        )
        done = months.agree_to_close(close=made, person=world.controller.code, at=clock.now())
        assert (done.number, done.later_fen) == (number, 0)
        last = self.bank.account.statements.order_by("-number")[0]
        balances = {one.code: one.balance_fen for one in months.closing_balances(done)}
        assert balances["101"] == done.bank_fen == last.closing_fen
        told = f"month {number}: bank {last.closing_fen} = ledger {balances['101']}"
        print(
            f"{told}; {self.seen['lines']} lines, {time.perf_counter() - self.began:.0f} s so far", flush=True
        )


def play(members: int, seed: int, how_many: int) -> FaultyYear:
    """Play so many months; print the seed and what happened."""
    print(f"seed {seed}", flush=True)  # first of all, so that a year that breaks can be played again
    year = FaultyYear(members, seed)
    for number in range(1, how_many + 1):
        year.month(number)
    lines, spent = year.seen["lines"], year.seen.pop("import ms")
    print(f"{members} members, {how_many} months closed, bank = ledger in each")
    print(f"{dict(sorted(year.seen.items()))}")
    print(
        f"{lines} lines at {1000 * lines // max(1, spent)} a second; {time.perf_counter() - year.began:.0f} s in all"
    )
    return year


def test_months_of_faults_close_one_after_another(db: None) -> None:
    """A third of a year, of few members; `make soak` plays a whole one of fifty thousand."""
    year = play(150, int(os.environ.get("AID_SEED", "20260107")), 4)
    for fault in (
        "twins",
        "without a reference",
        "late",
        "taken back",
        "payments returned",
        "file cut",
        "file twice",
    ):
        assert year.seen[fault] > 0, fault
    assert_books_true(year.world.pool)


@pytest.mark.soak
def test_year_of_faults_of_fifty_thousand(db: None) -> None:
    year = play(50_000, int(os.environ.get("AID_SEED", "") or random.SystemRandom().randrange(10**8)), 12)
    assert_books_true(year.world.pool)
