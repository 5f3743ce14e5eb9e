"""A small pool with a bank account, and its bank: what tests of custody begin from."""

import datetime as dt
from dataclasses import replace

from aidplatform.lib import clock
from aidplatform.site.demo.bank import next_statement
from aidplatform.testing.world import World, set_clock
from ledger.custody import services
from ledger.custody.models import BankAccount, PaymentOrder
from ledger.custody.references import MEMBERSHIP, make_reference
from ledger.custody.services import ImportResult
from ledger.custody.statement_files import write_csv
from ledger.custody.statement_parts import IN, FileLine, FileStatement
from ledger.sharing.models import Award, Period
from members.joining.models import Membership

ZONE = "Asia/Shanghai"


class Bank:
    """The pool's account and the day the bank is at; `world` has the people."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.account = BankAccount.objects.select_related("pool").get(pool=world.pool)

    @property
    def day(self) -> dt.date:
        """Return the day after the last statement, or the pool's first day."""
        last = self.account.statements.order_by("-number").first()
        return last.to_date if last else self.world.pool.opened_date or dt.date(2026, 1, 1)

    def statement(self, *lines: FileLine, days: int = 1) -> FileStatement:
        """Return a statement of the next days with exactly these bookings."""
        base = next_statement(
            self.account, until=self.day + dt.timedelta(days=days), unpaid=1.0, from_date=self.day
        )
        opening = base.opening_fen
        return replace(base, lines=lines, closing_fen=opening + sum(line.signed_fen for line in lines))

    def take(self, statement: FileStatement) -> ImportResult:
        """Import a statement as the treasurer."""
        return self.take_bytes(write_csv(statement))

    def take_bytes(self, data: bytes) -> ImportResult:
        """Import a file as the treasurer."""
        return services.import_statement(
            account=self.account,
            data=data,
            filename="statement.csv",
            importer=self.world.treasurer.code,
            at=clock.now(),
        )

    def all_pay(self, unpaid: float = 0.0) -> ImportResult:
        """Let members pay what they owe, and the bank what was released."""
        return self.take(
            next_statement(
                self.account, until=self.day + dt.timedelta(days=1), unpaid=unpaid, from_date=self.day
            )
        )

    def reference(self, number: int) -> str:
        """Return a membership's reference."""
        return make_reference(self.world.pool.code, MEMBERSHIP, number)

    def receipt(self, number: int, fen: int, **fields: str) -> FileLine:
        """Return a member's transfer of that much on the bank's day."""
        return self.line(IN, fen, text=self.reference(number), **fields)

    def line(self, direction: str, fen: int, **fields: str) -> FileLine:
        """Return any booking of the bank's day."""
        given = {"bank_reference": "", "counterparty": "", "text": "", "code": ""} | fields
        return FileLine(booking_date=self.day, direction=direction, amount_fen=fen, **given)

    def order_aid(self, award: Award, fen: int) -> PaymentOrder:
        """Order aid as the treasurer."""
        return services.order_payment(
            pool=self.world.pool,
            kind="aid",
            award=award,
            amount_fen=fen,
            payee_name="Zhang San",
            payee_account="6222 9999 0000 1111",
            orderer=self.world.treasurer.code,
            at=clock.now(),
        )

    def order_fee(self, period: Period, fen: int) -> PaymentOrder:
        """Order the fee as the treasurer."""
        return services.order_payment(
            pool=self.world.pool,
            kind="fee",
            period=period,
            amount_fen=fen,
            payee_name="The operator",
            payee_account="6222 5555 0000 2222",
            orderer=self.world.treasurer.code,
            at=clock.now(),
        )

    def order_back(self, number: int, fen: int) -> PaymentOrder:
        """Order that much of a member's wallet to be paid back, as the treasurer."""
        return services.order_payment(
            pool=self.world.pool,
            kind="wallet",
            membership=membership(self.world, number),
            amount_fen=fen,
            payee_name="Li Si",
            payee_account="6222 7777 0000 3333",
            orderer=self.world.treasurer.code,
            at=clock.now(),
        )

    def release(self, order: PaymentOrder) -> PaymentOrder:
        """Release an order as the controller."""
        return services.release_payment(
            order=order,
            releaser=self.world.controller.code,
            shown_sha256=order.shown_sha256 or "",
            at=clock.now(),
        )


def charged_world(*aids: int, members: int = 7, code: str = "test-pool") -> tuple[World, Bank, Period]:
    """Return a pool whose first period is posted and announced, on its charge day, and its bank."""
    world = World.founded(members=members, code=code)
    bank = Bank(world)
    for number, aid in enumerate(aids or (100_000,), start=1):
        world.award(aid, code=f"C-{number}")
    period = world.posted_period()
    set_clock(clock.start_of_day(period.charge_date, ZONE) + dt.timedelta(hours=10))
    return world, bank, period


def membership(world: World, number: int) -> Membership:
    """Return a membership by its number."""
    return Membership.objects.select_related("pool").get(pool=world.pool, number=number)
