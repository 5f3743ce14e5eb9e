"""Five lives in one pool, on a phone, in English and in Chinese at once, and every figure worked out by hand.

A young single joins, pays by a debit mandate, falls ill and is aided. A mother adds two children, pays for her father,
and parts from one child. Somebody fails two charges and is reinstated. Somebody leaves while cases are public. Somebody
falls ill in the waiting period, and the shares come back. People open pages and press buttons; the calendar and the
bank are a demonstration's. The mandate is announced and debited, a debit is taken back by the bank, tried again, and
the mandate is revoked.

At every step each figure of each life has to be what `five_lives_reckoning` works out: shares, what is paid and open,
the bill, the year so far.

The pool has 20 members without an account and, in either language, eight people of these lives. A case of before is
shared in March and one in May; in April the two singles are aided, and what went back is shared.

    period  members                     aid       fee  other costs  carried in      need    share  carried on
    March   20 + 2 × 8 = 36         812,345    64,988            0           0   877,333   24,371          23
    April   less 2 who fell ill     400,000    32,000       48,742          23   480,719   14,139           7
    May     less 2 left, 2 children 345,678    27,655            0           7   373,326   12,445          24
"""

import datetime as dt
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
from playwright.sync_api import Browser, Page, expect

from aidplatform.lib.dates import format_day
from aidplatform.testing.browser import Demonstration, become, manage, quiet_page, running
from aidplatform.tests import five_lives_reckoning as reckoning
from aidplatform.tests.test_browser_journey import Journey, own_form, press
from members.joining.tests.papers import resident_id

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]
POOL, BROKER = "lane", "gw13"
MARCH, APRIL, MAY = 24_371, 14_139, 12_445
PASSWORD = "a long sentence nobody guesses"
CARDS = {"en-US": "6222020111122220002", "zh-CN": "6222020111122220010"}
CASES = {"MARCH": 812_345, "MAY": 345_678}
# In either language other people: the districts of their identity cards.
REGIONS = {"en-US": "310101", "zh-CN": "310104"}
NAMES = {
    "single": "林小雨",
    "mother": "沈梅",
    "father": "沈国",
    "late": "何迟",
    "leaver": "高远",
    "ill": "周病",
}
BORN = {
    "single": dt.date(1999, 4, 9), "mother": dt.date(1986, 2, 11), "father": dt.date(1969, 10, 3),
    "late": dt.date(1990, 7, 1), "leaver": dt.date(1983, 12, 24), "ill": dt.date(1979, 6, 30),
}  # fmt: skip
# Of the children who agrees to it themselves.
CHILDREN = (("沈乐", dt.date(2018, 5, 6), False), ("沈宁", dt.date(2011, 1, 9), True))
FOUND = """
import datetime as dt
from aidplatform.site.demo.clock import let_clock_run_from, morning_of, stop_clock_at
from aidplatform.site.demo.pools import Founding, aid_rows, bands, found, small_terms
from aidplatform.work.models import Installation
opened = dt.date(2026, 3, 1)
stop_clock_at(morning_of(opened))
terms = small_terms(
    aid=aid_rows(900_000, 600_000, 200_000, youngest=0), classes=bands(1, 1, 1, 1, youngest=0), waiting_days=20,
    minimum_members=5, appeal_days=7, illness_in_wait="shares_back",
    arrears={"reminder_days": [3], "grace_days": 40, "make_up_days": 30, "hardship_days": 15},
    debit={"scheme": "card", "creditor_id": "Agreement 0056 (invented)", "first_notice_days": 5,
           "later_notice_days": 3},
)
found(Founding("lane", "Lantern lane", "灯笼巷互助", {2: 20}, opened, terms, "6222 0000 0000 0056 01"))
let_clock_run_from(morning_of(opened))
Installation.objects.update(demo_ready=True)
"""
HAND_IN = """
from aidplatform.site.demo.pools import announce_cases
from members.pools.models import Pool
case = ({code!r}, "30-39", "f", "zhejiang", "cancer_severe", {fen})
announce_cases(pool=Pool.objects.get(code="lane"), cases=(case,))
"""
BANK = """
import datetime as dt
from aidplatform.lib import clock
from aidplatform.site.demo.deeds import import_bank
from ledger.custody.statement_parts import FileLine
from members.pools.models import Pool
today = clock.today("Asia/Shanghai")
extra = tuple(
    FileLine(today - dt.timedelta(days=1), way, fen, "", "Agent", text, "") for way, fen, text in {booked!r}
)
import_bank(Pool.objects.get(code="lane"), today, 0, silent={silent!r}, extra=extra)
"""


@dataclass
class Life(Journey):
    """One person of a life: their phone, and the browser of everybody else."""

    role: str = ""
    pool: str = POOL
    number: int = 0

    @property
    def born(self) -> dt.date:
        """Return the birth date of this person."""
        return BORN[self.role]

    @property
    def me(self) -> str:
        """Return the page of the membership."""
        return f"{self.address}me/"

    def look(self, name: str, page: Page | None = None) -> None:
        """Look at a page of this person; those of the staff are looked at in another journey."""
        if page is not self.others:
            super().look(f"{self.role} {name}", page)

    def begin(self, by: str = "") -> None:
        """Sign up and join; by: the link of an invitation."""
        email = f"{self.role}-{self.language.lower()}@example.org"
        document = resident_id(self.born, REGIONS[self.language])
        self.join(self.claimant, email, NAMES[self.role], document, by=by)

    def open_mandate(self) -> Page:
        """Open the page of mandates, with the password where it is asked for again."""
        page = self.claimant
        page.goto(f"{self.me}mandate/")
        if "/reauthenticate/" in page.url:
            page.locator("[name=password]").fill(PASSWORD)
            press(page.locator("form", has=page.locator("[name=password]")))
        assert page.url.endswith(f"{self.me}mandate/")
        return page

    def give_mandate(self) -> None:
        """Let the shares be debited from a card."""
        page = self.open_mandate()
        page.locator("[name=holder_name]").fill(NAMES[self.role])
        page.locator("[name=account]").fill(CARDS[self.language])
        page.locator("[name=agreed]").check()
        self.look("mandate", page)
        press(own_form(page))
        expect(page.locator("form[action$='/mandate/revoke/']")).to_have_count(1)

    def asked(self, what: str) -> Any:
        """Return what a program of this person reads about their membership."""
        answer = self.claimant.request.get(f"/api/v1{self.address}{what}/")
        assert answer.ok, f"{self.role} {what}: {answer.status}"
        return answer.json()

    def invite_father(self) -> str:
        """Ask to add a parent, and return the link to which that leads: their shares are paid by who sends it."""
        page = self.claimant
        page.goto(f"{self.me}family/add/")
        page.locator("[name=relation][value=parent]").check()
        press(own_form(page))
        expect(page.locator("[name=pays]")).to_be_checked()
        self.look("invitation prepared")
        press(own_form(page))
        self.look("invitation made")
        return page.locator("#made ~ p code").inner_text()

    def add_children(self) -> None:
        """Add two children, as their guardian."""
        page, region = self.claimant, REGIONS[self.language]
        for name, born, agrees in CHILDREN:
            page.goto(f"{self.me}family/add/")
            page.locator("[name=relation][value=child]").check()
            press(own_form(page))
            self.say_who(page, name, resident_id(born, region))
            self.agree(page)
            if agrees:
                page.locator("[name=has_agreed]").check()
            press(own_form(page))
            assert page.url.endswith(f"{self.me}family/")

    def writes(self, day: dt.date) -> str:
        """Return a day as the language of this life writes it."""
        with self.speaking():
            return format_day(day)

    def shows(self, address: str, *texts: str) -> None:
        """Demand that a page says something; what a job tells may come a moment later."""
        page = self.claimant
        for _look in range(80):
            page.goto(address)
            said = page.locator("main").inner_text()
            if all(text in said for text in texts):
                return
            page.wait_for_timeout(250)
        lacking = [text for text in texts if text not in said]
        raise AssertionError(f"{self.role} {self.language}: {address} lacks {lacking}: {said}")


def money(fen: int) -> str:
    return f"¥{fen / 100:,.2f}"


@dataclass
class Lane:
    """The pool with its lives; `staff` looks for everybody who works for it."""

    demonstration: Demonstration
    staff: Journey
    lives: dict[tuple[str, str], Life] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)

    def of(self, role: str) -> list[Life]:
        """Return who lives that life, in both languages."""
        return [life for (one, _language), life in self.lives.items() if one == role]

    def run(self, code: str) -> None:
        """Let the demonstration do something that no page is for."""
        manage(self.demonstration.stack, "shell", "-c", code)

    def ask(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Ask the database what no page says to everyone."""
        with psycopg.connect(self.demonstration.stack.app_url) as connection:
            return connection.execute(sql, parameters).fetchall()

    def go_to(self, day: dt.date) -> None:
        """Let the days come up to that one."""
        days = (day - self.staff.today()).days
        if days > 0:
            self.staff.move_clock(days)

    def collect(self, silent: set[int], booked: Sequence[tuple[str, int, str]] = ()) -> None:
        """Let the bank tell of its days so far: everybody pays what they owe but those numbers.

        booked: what else, as direction, amount and text.
        """
        self.run(BANK.format(silent=silent, booked=list(booked)))

    def number_of(self, email: str) -> int:
        """Return the number of a membership."""
        rows = self.ask(
            """SELECT m.number FROM members_membership m JOIN members_user u ON u.id = m.person_id
                 JOIN members_pool p ON p.id = m.pool_id WHERE u.email = %s AND p.code = %s""",
            email,
            POOL,
        )
        return int(rows[0][0])

    def children_of(self, mother: int) -> list[int]:
        """Return the numbers of whom a member has added, in that order."""
        return [
            int(number)
            for (number,) in self.ask(
                """SELECT m.number FROM members_familymember f JOIN members_membership m ON m.id = f.membership_id
                     JOIN members_membership g ON g.id = f.guardian_id JOIN members_pool p ON p.id = g.pool_id
                    WHERE g.number = %s AND p.code = %s ORDER BY m.number""",
                mother,
                POOL,
            )
        ]

    def figures(self) -> list[tuple[int, ...]]:
        """Return of every posted period headcount, aid, fee, other costs, carried in, need, share, carried on."""
        return self.ask(
            """SELECT e.headcount, e.aid_fen, e.fee_fen, e.other_costs_fen, e.carry_in_fen, e.need_fen,
                      (e.classes->0->>'share_fen')::int, e.carry_out_fen
                 FROM ledger_period e JOIN members_pool p ON p.id = e.pool_id
                WHERE p.code = %s AND e.state = 'posted' ORDER BY e.number""",
            POOL,
        )

    def wait_until_told(self, periods: int) -> None:
        """Wait until that many periods are posted and every charge is announced."""
        for _look in range(240):
            rows = self.ask(
                """SELECT count(*) FROM ledger_period e JOIN members_pool p ON p.id = e.pool_id
                    WHERE p.code = %s AND e.charges_notified_at IS NOT NULL""",
                POOL,
            )
            if rows[0][0] == periods:
                return
            self.staff.others.wait_for_timeout(250)
        raise AssertionError(f"not {periods} periods are announced")


@pytest.fixture(scope="module")
def lane_demonstration(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demonstration]:
    """Run a demonstration of its own, whose calendar nobody else moves."""
    with running(tmp_path_factory.mktemp("lane"), BROKER, AID_TICK_SECONDS="2") as made:
        manage(made.stack, "shell", "-c", FOUND)
        yield made


def test_five_lives(chrome: Browser, lane_demonstration: Demonstration, tmp_path: Path) -> None:
    """Live all of them month by month, in both languages."""
    address = lane_demonstration.address
    with ExitStack() as open_pages:

        def page(language: str, width: int) -> Page:
            look: dict[str, Any] = {"locale": language, "viewport": {"width": width, "height": 844}}
            return open_pages.enter_context(quiet_page(chrome, address, **look))

        staff = page("en-US", 1280)
        lane = Lane(lane_demonstration, Journey(staff, staff, "en-US", tmp_path, pool=POOL))
        for language in REGIONS:
            for role in NAMES:
                life = Life(page(language, 390), staff, language, tmp_path, role=role)
                lane.lives[role, language] = life
        join(lane)
        march(lane)
        wait_ends(lane)
        april(lane)
        reinstate(lane)
        may(lane)
    verify(lane)


# --- the months ---------------------------------------------------------------------------------------------------


def join(lane: Lane) -> None:
    """1 March: everybody joins, the father by the link of the mother, who pays for him. She adds her children."""
    for (role, language), life in lane.lives.items():
        life.begin(by=lane.lives["mother", language].invite_father() if role == "father" else "")
        life.number = lane.number_of(f"{life.role}-{life.language.lower()}@example.org")
        life.shows(life.me, life.writes(dt.date(2026, 3, 22)))
    for mother, father in zip(lane.of("mother"), lane.of("father"), strict=True):
        mother.add_children()
        mother.shows(f"{mother.me}family/", str(father.number))
        mother.look("family")
        mother.shows(f"{mother.me}payer/", str(father.number))
        mother.look("payer")
    for life in lane.of("single"):
        life.give_mandate()


# --- figures and debits -------------------------------------------------------------------------------------------


def reckon(lane: Lane, posted: int, *, open_of: Mapping[str, Collection[int]]) -> None:
    """Demand of each life that every figure is what happened makes it.

    posted: how many months are. open_of: role → the numbers of the months that they have not paid; all others have.
    """
    assert lane.figures() == [month.figures for month in reckoning.MONTHS[:posted]]
    charged = lane.ask(CHARGED)
    for month in reckoning.MONTHS[:posted]:
        assert [share for number, share in charged if number == month.number] == [
            month.share_fen
        ] * month.members
    for (role, _language), life in lane.lives.items():
        months = reckoning.shares_until(role, posted)
        unpaid = {month.number for month in months} & set(open_of.get(role, ()))
        told = [told_of(row) for row in life.asked("my-charges")["results"]]
        assert told == [expected_of(month, is_open=month.number in unpaid) for month in months], (role, told)
        place, sum_fen = life.asked("my-place"), sum(month.share_fen for month in months)
        assert (place["year_fen"], place["all_fen"], place["periods"]) == (sum_fen, sum_fen, len(months)), (
            role
        )
        life.shows(life.me, money(sum_fen), *([money(open_fen(months, unpaid))] if unpaid else []))
        if role == "mother":
            rows = life.asked("my-family")
            for row, child in zip(rows, ("ended", "child"), strict=True):
                theirs = reckoning.shares_until(child, posted)
                assert row["open_fen"] == open_fen(theirs, set(open_of.get(role, ()))), (child, row)


def open_fen(months: list[reckoning.Month], unpaid: Collection[int]) -> int:
    return sum(month.share_fen for month in months if month.number in unpaid)


def told_of(row: dict[str, Any]) -> dict[str, int]:
    """Return the figures of a share that a program reads."""
    bill = row["bill"]
    return {
        "number": row["period"], "share": row["share_fen"], "open": row["open_fen"], "paid": row["collected_fen"],
        "heads": bill["headcount"], "aid": bill["aid_fen"], "fee": bill["fee_fen"], "others": bill["other_costs_fen"],
        "in": bill["carry_in_fen"], "on": bill["carry_out_fen"], "parts": sum(part["amount"] for part in row["parts"]),
    }  # fmt: skip


def expected_of(month: reckoning.Month, *, is_open: bool) -> dict[str, int]:
    """Return the same as it has to be; parts are in hundredths of a fen."""
    share = month.share_fen
    return {
        "number": month.number, "share": share, "open": share if is_open else 0, "paid": 0 if is_open else share,
        "heads": month.members, "aid": month.aid_fen, "fee": month.fee_fen, "others": month.others_fen,
        "in": month.carried_in_fen, "on": month.carried_on_fen, "parts": share * 100,
    }  # fmt: skip


CHARGED = """
    SELECT c.period_no, c.share_fen FROM ledger_charge c JOIN members_pool p ON p.id = c.pool_id
     WHERE p.code = 'lane'"""
DEBITS = """
    SELECT i.period_no, i.attempt, i.is_first, i.collection_date, i.amount_fen FROM ledger_chargeinstruction i
      JOIN members_pool p ON p.id = i.pool_id WHERE p.code = 'lane' AND i.file_id = (
           SELECT max(id) FROM ledger_chargefile) ORDER BY i.payer_no"""


def debit(lane: Lane, month: reckoning.Month, attempt: int, day: dt.date) -> list[str]:
    """The treasurer makes the file of a month; the singles are told day and amount. Return what the agent calls it."""
    page, desk = lane.staff.others, f"/pools/{POOL}/custody/debits/"
    files = lane.ask("SELECT count(*) FROM ledger_chargefile")[0][0]
    become(page, "treasurer")
    page.goto(desk)
    press(page.locator(f"form[action$='/periods/{month.number}/']"))
    for _look in range(120):
        if lane.ask("SELECT count(*) FROM ledger_chargeexport")[0][0] > 2 * files + 1:
            break
        page.wait_for_timeout(250)
    assert lane.ask(DEBITS) == [(month.number, attempt, files == 0, day, month.share_fen)] * 2
    for life in lane.of("single"):
        life.shows("/notices/", money(month.share_fen), life.writes(day))
        life.open_mandate()
        life.shows(f"{life.me}mandate/", money(month.share_fen), life.writes(day))
        life.look("debit announced")
    rows = page.request.get(f"{desk}files/{files + 1}.csv").text().splitlines()
    head = next(place for place, row in enumerate(rows) if row.startswith("end_to_end_id,"))
    return [row.partition(",")[0] for row in rows[head + 1 :]]


def answered(lane: Lane, names: list[str], month: reckoning.Month, status: str, day: dt.date) -> None:
    """The treasurer takes what the agent says of these debits."""
    page, ((account,),) = (
        lane.staff.others,
        lane.ask(
            "SELECT a.number FROM ledger_bankaccount a JOIN members_pool p ON p.id = a.pool_id WHERE p.code = %s",
            POOL,
        ),
    )
    fen, reason = (
        f"{month.share_fen // 100}.{month.share_fen % 100:02}",
        "MD06" if status == "returned" else "",
    )
    total = f"{2 * month.share_fen // 100}.{2 * month.share_fen % 100:02}"
    rows = [
        ["results", f"{month.number}-{status}-{day}"],
        ["account", account],
        ["lines", "2"],
        ["sum", total],
    ]
    rows += [["end_to_end_id", "status", "reason", "amount", "date"]]
    rows += [[name, status, reason, fen, day.isoformat()] for name in names]
    become(page, "treasurer")
    page.goto(f"/pools/{POOL}/custody/debits/")
    text = "".join(",".join(row) + "\n" for row in rows)
    file = {"name": "answer.csv", "mimeType": "text/csv", "buffer": text.encode()}
    form = page.locator("form[action$='/results/']")
    form.locator("[name=file]").set_input_files([file])  # type: ignore[list-item]
    press(form)
    expect(page.locator(".hash").first).to_be_visible()


def march(lane: Lane) -> None:
    """The first case is shared; everybody pays but those who are late."""
    lane.run(HAND_IN.format(code="MARCH", fen=CASES["MARCH"]))
    lane.go_to(dt.date(2026, 3, 10))
    lane.staff.share()
    lane.wait_until_told(1)
    assert lane.figures() == [(36, 812_345, 64_988, 0, 0, 877_333, MARCH, 23)]
    everybody = dict.fromkeys(NAMES, (1,))
    reckon(lane, 1, open_of=everybody)
    names = debit(lane, reckoning.MARCH, 1, dt.date(2026, 3, 15))
    for life in lane.of("single"):
        life.shows(f"{life.me}shares/", money(MARCH), "36")
        life.look("shares")
    for life in lane.of("mother"):
        one, other = lane.children_of(life.number)
        life.shows(f"{life.me}family/", money(MARCH))
        life.shows("/notices/", f"{one}", f"{other}", money(MARCH))
        life.shows(life.me, money(4 * MARCH))
    lane.go_to(dt.date(2026, 3, 16))
    answered(lane, names, reckoning.MARCH, "collected", dt.date(2026, 3, 15))
    lane.collect({life.number for life in lane.of("late")}, [("in", MARCH, name) for name in names])
    reckon(lane, 1, open_of={"late": (1,)})
    for life in lane.of("mother"):
        life.shows(f"{life.me}family/", money(0))
    for life in lane.of("ill"):
        life.file_claim(dt.date(2026, 3, 15))
        refuse_by_the_wait(lane, life)


def refuse_by_the_wait(lane: Lane, life: Life) -> None:
    """Two people see that the illness began in the waiting period, and what that ends."""
    page, desk = lane.staff.others, f"{life.address}review/{life.claim}/"
    for duty, deed in (("reviewer", "recommend"), ("second_reviewer", "decide")):
        become(page, duty)
        page.goto(desk)
        if duty == "reviewer":
            press(page.locator("form[action$='/assign/']"))
        form = page.locator(f"form[action$='/{deed}/']")
        form.locator("[name=outcome]").select_option("rejected")
        form.locator("[name=clause]").select_option("waiting")
        form.locator("[name=reason]").fill("The hospital record is of 15 March; it counts from 22 March.")
        if deed == "decide":
            form.locator("summary").click()
        press(form)
    life.shows(f"/claims/{life.claim}/", life.writes(dt.date(2026, 3, 23)))
    life.look("refused in the wait")


def wait_ends(lane: Lane) -> None:
    """23 March: the wait is over, and the singles fall ill. The appeal is over on the 24th: the shares go back."""
    lane.go_to(dt.date(2026, 3, 23))
    for life in lane.of("single"):
        life.file_claim(dt.date(2026, 3, 22))
        life.review()
    lane.go_to(dt.date(2026, 3, 24))
    for life in lane.of("ill"):
        life.shows("/notices/", money(MARCH), life.writes(dt.date(2026, 3, 25)))
        life.look("shares go back")
        pay_back(lane, life)
    lane.go_to(dt.date(2026, 3, 27))
    lane.collect({life.number for life in lane.of("late")})
    paid = lane.ask("SELECT amount_fen, state FROM ledger_paymentorder WHERE kind = 'shares'")
    assert paid == [(MARCH, "confirmed")] * 2


def pay_back(lane: Lane, life: Life) -> None:
    """The treasurer orders what goes back, and the controller releases it."""
    page = lane.staff.others
    become(page, "treasurer")
    page.goto("/")
    page.locator(".todo a[href$='/custody/payments/']").first.click()
    page.locator("li", has_text=f"Member {life.number}:").locator("a[href*='/payments/shares/']").click()
    assert money(MARCH) in page.locator("main dl").inner_text()
    lane.staff.look("pay shares back", page)
    press(page.locator("main form[method=post]"))
    become(page, "controller")
    page.goto("/")
    page.locator(".todo a[href*='/custody/payments/']").first.click()
    page.locator("details.confirm summary").first.click()
    press(page.locator("form[action$='/release/']"))


def april(lane: Lane) -> None:
    """The singles' cases go public; the leavers leave, and a child is ended; the late ones are late again."""
    lane.go_to(dt.date(2026, 4, 7))
    for life in lane.of("leaver"):
        life.shows(f"{life.me}leave/", money(APRIL))
        life.look("leave")
        press(life.claimant.locator("form[action$='/me/leave/now/']"))
        life.shows("/notices/", money(APRIL))
    for life in lane.of("mother"):
        child = lane.children_of(life.number)[0]
        life.shows(f"{life.me}family/{child}/leave/", money(APRIL))
        press(life.claimant.locator("form[action$='/leave/now/']"))
        expect(life.claimant.locator(f"a[href$='/me/family/{child}/leave/']")).to_have_count(0)
    lane.go_to(dt.date(2026, 4, 10))
    lane.staff.share()
    lane.wait_until_told(2)
    assert lane.figures()[1] == (34, 400_000, 32_000, 2 * MARCH, 23, 480_719, APRIL, 7)
    reckon(lane, 2, open_of=dict.fromkeys(NAMES, (2,)) | {"late": (1, 2)})
    names = debit(lane, reckoning.APRIL, 1, dt.date(2026, 4, 14))
    for life in lane.of("leaver"):
        # At most was exact: no case fell away.
        life.shows(life.me, money(APRIL))
    for life in lane.of("ill"):
        life.shows(f"{life.me}shares/", money(MARCH))
        assert money(APRIL) not in life.claimant.locator("main").inner_text()
    lane.go_to(dt.date(2026, 4, 15))
    answered(lane, names, reckoning.APRIL, "collected", dt.date(2026, 4, 14))
    lane.collect({life.number for life in lane.of("late")}, [("in", APRIL, name) for name in names])
    reckon(lane, 2, open_of={"late": (1, 2)})
    lane.names = names
    for life in lane.of("single"):
        be_paid(lane, life)
    for life in lane.of("late"):
        life.shows(life.me, money(MARCH + APRIL))
        life.look("late")


def be_paid(lane: Lane, life: Life) -> None:
    """The aid is ordered, released, and on the bank's statement of the next days; the claimant says that it came."""
    page = lane.staff.others
    link = life.claimant.locator("main a[href*='/notices/']")
    life.wait_for(link, f"/claims/{life.claim}/")
    case = str(link.get_attribute("href")).rstrip("/").rpartition("/")[2]
    become(page, "treasurer")
    page.goto(f"{life.address}custody/payments/aid/{case}/")
    press(page.locator("form[action$='/order/']"))
    become(page, "controller")
    page.goto("/")
    page.locator(".todo a[href*='/custody/payments/']").first.click()
    page.locator("details.confirm summary").first.click()
    press(page.locator("form[action$='/release/']"))


def reinstate(lane: Lane) -> None:
    """Grace of the first charge ends; who is suspended then pays both, and goes on with the wait kept."""
    lane.go_to(dt.date(2026, 4, 25))
    # Nobody is suspended before the bank has told of the last day.
    returned = [("out", APRIL, f"RETURN {name}") for name in lane.names]
    lane.collect({life.number for life in lane.of("late")}, returned)
    names = debit_again(lane)
    for life in lane.of("late"):
        life.shows("/notices/", money(MARCH + APRIL))
        life.shows(life.me, money(MARCH + APRIL))
        life.look("suspended")
    covered = lane.ask(IS_COVERED, [life.number for life in lane.of("late")])
    assert covered == [(0,)]
    lane.go_to(dt.date(2026, 4, 28))
    answered(lane, names, reckoning.APRIL, "collected", dt.date(2026, 4, 28))
    lane.collect(set(), [("in", APRIL, name) for name in names])
    reckon(lane, 2, open_of={})
    for life in lane.of("single"):
        receipt = life.claimant.locator("form[action$='/receipt/']")
        life.wait_for(receipt, f"/claims/{life.claim}/")
        life.look("paid")
        press(receipt)
    lane.go_to(dt.date(2026, 4, 30))
    for life in lane.of("late"):
        life.shows(life.me, life.writes(dt.date(2026, 3, 22)))
        life.look("reinstated")
    assert lane.ask(IS_COVERED, [life.number for life in lane.of("late")]) == [(2,)]


def debit_again(lane: Lane) -> list[str]:
    """The singles have their bank take the debit back, and it is tried again; return what the agent calls that."""
    answered(lane, lane.names, reckoning.APRIL, "returned", dt.date(2026, 4, 25))
    for life in lane.of("single"):
        life.shows("/notices/", money(APRIL))
        life.open_mandate()
        life.shows(f"{life.me}mandate/", life.writes(dt.date(2026, 4, 25)))
        # The days of the plan for another attempt are over: it goes with the next file, announced three days ahead.
        life.shows(f"{life.me}mandate/", money(APRIL), life.writes(dt.date(2026, 4, 28)))
        life.look("debit taken back")
    reckon(lane, 2, open_of={"single": (2,), "late": (1, 2)})
    return debit(lane, reckoning.APRIL, 2, dt.date(2026, 4, 28))


IS_COVERED = """
    SELECT count(*) FROM members_span s JOIN members_membership m ON m.id = s.membership_id
      JOIN members_pool p ON p.id = m.pool_id
     WHERE p.code = 'lane' AND m.number = ANY(%s) AND s.to_at IS NULL AND s.from_at <= (
           SELECT now() + coalesce(clock_offset, interval '0') FROM work_installation)"""


def may(lane: Lane) -> None:
    """The last case is shared by those who are left."""
    for life in lane.of("single"):
        life.open_mandate().locator("details.confirm summary").first.click()
        press(life.claimant.locator("form[action$='/mandate/revoke/']"))
        expect(life.claimant.locator("form[action$='/mandate/revoke/']")).to_have_count(0)
    lane.run(HAND_IN.format(code="MAY", fen=CASES["MAY"]))
    lane.go_to(dt.date(2026, 5, 10))
    lane.staff.share()
    lane.wait_until_told(3)
    assert lane.figures()[2] == (30, 345_678, 27_655, 0, 7, 373_326, MAY, 24)
    reckon(lane, 3, open_of=dict.fromkeys(NAMES, (3,)))
    # Without a mandate nothing is debited any more: the singles transfer like everybody.
    become(lane.staff.others, "treasurer")
    lane.staff.others.goto(f"/pools/{POOL}/custody/debits/")
    assert lane.staff.others.locator("form[action*='/debits/periods/']").count() == 0
    for life in lane.of("single"):
        life.shows(f"{life.me}shares/", money(MAY), money(APRIL), money(MARCH))
        life.look("shares of three months")
    for life in lane.of("mother"):
        life.shows(life.me, money(3 * MAY))
    for life in lane.of("leaver"):
        life.claimant.goto(life.me)
        assert money(MAY) not in life.claimant.locator("main").inner_text()
    lane.go_to(dt.date(2026, 5, 16))
    lane.collect(set())
    reckon(lane, 3, open_of={})


def verify(lane: Lane) -> None:
    """Demand that books, bank, log and everything else are whole."""
    manage(lane.demonstration.stack, "verify_books")
