"""The day of a treasurer and a controller in two browsers: every press is counted, and the bank agrees in the end.

Import, match, order, release, send, import again; and the close of the month. They go from the start page by what it
says waits for them, so that a step that no page leads to would fail here.
"""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import psycopg
import pytest
from playwright.sync_api import Locator, Page, expect

from aidplatform.lib import clock
from aidplatform.testing.bank import ZONE, Bank
from aidplatform.testing.browser import (
    as_deployed,
    faults_in_every_look,
    heard_page,
    manage,
    started_chromium,
)
from aidplatform.testing.stack import Stack
from aidplatform.testing.world import World, set_clock
from aidplatform.tests.pages_helpers import session_of
from ledger.custody.models import PaymentOrder
from ledger.custody.reconciliation import reconcile
from ledger.custody.references import ORDER, make_reference
from ledger.custody.statement_files import write_csv
from ledger.custody.statement_parts import OUT, FileLine, FileStatement
from ledger.sharing.payees import Payee

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

AIDS = (100_000, 50_000, 30_000, 20_000)
MEMBERS = 7
# A press is a link, a button, a box, or a file that is chosen. With this many cases to pay a day has no more of them.
TREASURERS_DAY, CONTROLLERS_DAY, CLOSE_OF_MONTH = 14, 4, 5


@dataclass
class Hand:
    """Somebody at a browser; counts what they press."""

    page: Page
    presses: int = 0
    faults: dict[str, list[str]] = field(default_factory=dict)

    def press(self, what: Locator) -> None:
        """Press what leads to another page."""
        self.presses += 1
        with self.page.expect_navigation():
            what.click()
        assert self.page.locator(".alert-refused").count() == 0, self.page.locator("main").inner_text()

    def tick(self, what: Locator) -> None:
        """Press what stays on the page."""
        self.presses += 1
        what.click()

    def go(self, text: str) -> None:
        """Go from the start page where a line among what waits leads; the line has these words."""
        self.page.goto("/")
        row = self.page.locator(".todo li", has_text=text)
        expect(row).to_have_count(1)
        self.press(row.locator("a"))

    def look(self, name: str) -> None:
        """Look at the page in every look."""
        self.faults |= faults_in_every_look(self.page, f"treasury-{name}")
        self.page.set_viewport_size({"width": 1280, "height": 900})


@contextmanager
def two_browsers(address: str, treasurer: str, controller: str) -> Iterator[tuple[Hand, Hand]]:
    """Open a browser for each of two sessions; console errors and script errors fail the test."""
    noise: list[str] = []
    with started_chromium() as chrome:
        hands = [Hand(heard_page(chrome, address, noise, session)) for session in (treasurer, controller)]
        yield hands[0], hands[1]
    assert noise == []
    assert {name: found for hand in hands for name, found in hand.faults.items()} == {}


def charged() -> tuple[World, Bank, int]:
    """Make a pool that has shared four cases, on its charge day; return it, its bank and the share of each (fen)."""
    world = World.founded(members=MEMBERS)
    for number, fen in enumerate(AIDS, start=1):
        world.award(
            fen, code=f"C-{number}", payee=Payee.of(f"Patient {number}", f"6222 9999 0000 111{number}")
        )
    period = world.posted_period()
    set_clock(clock.start_of_day(period.charge_date, ZONE) + dt.timedelta(hours=10))
    return world, Bank(world), int(period.classes[0]["share_fen"])


def days_of(bank: Bank, share: int) -> tuple[FileStatement, FileStatement]:
    """Return the bank's files: in the first all pay, one with a slip in the reference; in the second all aid leaves."""
    slipped = bank.reference(4)[:-1] + "6"
    paid = [bank.receipt(number, share) for number in range(1, MEMBERS + 1) if number != 4]
    first = bank.statement(*paid, bank.line("in", share, text=slipped, counterparty="Wang Fang"))
    until = (first.to_date + dt.timedelta(days=31)).replace(day=1)
    leaving = tuple(
        FileLine(first.to_date, OUT, fen, f"out-{number}", "", make_reference("test-pool", ORDER, number), "")
        for number, fen in enumerate(AIDS, start=1)
    )
    second = replace(
        first,
        bank_number=f"{first.bank_number}-2",
        from_date=first.to_date,
        to_date=until,
        opening_fen=first.closing_fen,
        closing_fen=first.closing_fen - sum(AIDS),
        lines=leaving,
    )
    return first, second


def let_day_come(stack: Stack, day: dt.date) -> None:
    """Let it be nine o'clock of a day."""
    at = clock.start_of_day(day, ZONE) + dt.timedelta(hours=9)
    with psycopg.connect(stack.owner_url, autocommit=True) as owner:
        owner.execute("UPDATE work_installation SET clock_at = %s", [at])


def check_the_day(stack: Stack) -> None:
    """Hold bank against ledger, as the schedule does every day."""
    check = "reconciled_days.keep_day(Pool.objects.get(), clock.now())"
    imports = "from aidplatform.lib import clock; from ledger.custody import reconciled_days"
    manage(stack, "shell", "--command", f"{imports}; {check}")


def take_statement(hand: Hand, file: Path) -> None:
    """Choose the bank's file, look at what it would do, import it."""
    hand.page.goto("/pools/test-pool/custody/statements/")
    hand.presses += 1
    hand.page.locator("[name=file]").set_input_files(file)
    hand.press(hand.page.locator("form[enctype] button.button"))
    hand.press(hand.page.locator("form[action$='/import/'] button.button"))


def test_a_day_of_treasurer_and_controller_takes_few_presses(stack: Stack, tmp_path: Path) -> None:
    world, bank, share = charged()
    files = []
    for number, statement in enumerate(days_of(bank, share), start=1):
        files.append(tmp_path / f"bank-{number}.csv")
        files[-1].write_bytes(write_csv(statement))
    month_over = statement.to_date
    sessions = session_of(world.treasurer), session_of(world.controller)
    address = as_deployed(stack)
    with two_browsers(address, *sessions) as (treasurer, controller):
        take_statement(treasurer, files[0])
        match(treasurer)
        order(treasurer)
        release(controller)
        send(treasurer)
        let_day_come(stack, month_over)
        take_statement(treasurer, files[1])
        check_the_day(stack)
        day = treasurer.presses, controller.presses
        close_month(treasurer, controller)
        month = treasurer.presses + controller.presses - sum(day)
    assert (day[0] <= TREASURERS_DAY, day[1] <= CONTROLLERS_DAY, month <= CLOSE_OF_MONTH) == (
        True,
        True,
        True,
    ), (day, month)
    assert set(PaymentOrder.objects.values_list("state", flat=True)) == {"confirmed"}
    found = reconcile(world.pool)
    assert found is not None
    assert (found.difference_fen, found.unidentified_fen, found.unconfirmed_fen) == (0, 0, 0)
    manage(stack, "verify_books")


def match(hand: Hand) -> None:
    """One receipt has a slip in its reference: the one who owes it is the first suggestion."""
    hand.go("nobody's yet")
    hand.look("unidentified")
    choices = hand.page.locator("fieldset.choice [type=radio]:not([value=''])")
    assert choices.first.get_attribute("value") == "4"
    hand.tick(choices.first)
    hand.press(hand.page.get_by_role("button", name="Match the chosen"))
    expect(hand.page.get_by_text("1 receipt is matched.")).to_be_visible()


def order(hand: Hand) -> None:
    hand.go("whose aid can be paid: 4")
    hand.look("to order")
    hand.press(hand.page.get_by_role("button", name="Order the chosen"))
    expect(hand.page.get_by_text("4 payments are ordered.")).to_be_visible()


def release(hand: Hand) -> None:
    """Tick all by one press after having read them, and confirm."""
    hand.go("wait for your release: 4")
    hand.press(hand.page.get_by_role("link", name="Choose all"))
    hand.look("to release")
    for number in range(1, len(AIDS) + 1):
        expect(hand.page.get_by_text(f"Patient {number}")).to_be_visible()
    hand.tick(hand.page.locator("details.confirm summary", has_text="Release the chosen"))
    hand.press(hand.page.get_by_role("button", name="Release the chosen payments"))
    expect(hand.page.get_by_text("4 payments are released.")).to_be_visible()


def send(hand: Hand) -> None:
    hand.go("wait to be sent to the bank: 4")
    hand.press(hand.page.get_by_role("button", name="Make the next file"))
    hand.presses += 1
    with hand.page.expect_download() as held:
        hand.page.get_by_role("link", name="pain.001").first.click()
    assert b"Patient 4" in Path(held.value.path()).read_bytes()


def close_month(treasurer: Hand, controller: Hand) -> None:
    treasurer.page.goto("/pools/test-pool/ledger/months/")
    treasurer.look("months")
    treasurer.press(treasurer.page.locator("form[action$='/propose/'] button.button"))
    controller.go("close")
    controller.look("month")
    summary = controller.page.locator("details.confirm summary")
    if summary.count():
        controller.tick(summary.first)
    controller.press(controller.page.locator("form[action$='/agree/'] button.button"))
    expect(controller.page.get_by_text("closed", exact=True).first).to_be_visible()
