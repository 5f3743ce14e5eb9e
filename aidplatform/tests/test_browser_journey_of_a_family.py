"""A family lives through a charge, an end and a parting by the pages, in English and again in Chinese on a phone.

A mother joins, adds two children, and pays for her father too. One child is ended alone; the rest leave together while
a case is in publicity. Every figure on a page is recomputed here, from who is covered and which cases are shared.
"""

import datetime as dt
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from playwright.sync_api import Browser, Page, expect

from aidplatform.testing.browser import Demonstration, manage, quiet_page
from aidplatform.tests.test_browser_journey import Journey, own_form, press
from members.joining.tests.papers import resident_id

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
POOL = "village"
FIRST_AID, SECOND_AID = 800_000, 345_600
# In each language another family: name and identity card, and of the children whether they agree themselves.
REGIONS = {"en-US": "310101", "zh-CN": "310104"}
MOTHER, FATHER = dt.date(1986, 2, 11), dt.date(1969, 10, 3)
CHILDREN = (("沈乐", dt.date(2018, 5, 6), False), ("沈宁", dt.date(2011, 1, 9), True))


@dataclass
class Family(Journey):
    """The browsers of mother and father, and of everybody else; the claimant of a journey is the mother."""

    father: Page | None = None
    demonstration: Demonstration | None = None

    # --- what they do -------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Mother and father join, the mother adds the children, and accepts to pay for her father."""
        page, father, tail = self.claimant, self.father, f"{self.language.lower()}@example.org"
        assert father is not None
        region = REGIONS[self.language]
        self.join(page, f"mother-{tail}", "沈梅", resident_id(MOTHER, region))
        self.join(father, f"father-{tail}", "沈国", resident_id(FATHER, region))
        for name, born, agrees in CHILDREN:
            page.goto(f"{self.address}me/family/add/")
            page.locator("[name=relation][value=child]").check()
            press(own_form(page))
            self.say_who(page, name, resident_id(born, region))
            self.agree(page)
            if agrees:
                page.locator("[name=has_agreed]").check()
            press(own_form(page))
            assert page.url.endswith(f"{self.address}me/family/")
        mother = self.newest_numbers(4)[0]
        father.goto(f"{self.address}me/payer/")
        father.locator("[name=number]").fill(str(mother))
        press(own_form(father))
        page.goto(f"{self.address}me/payer/")
        press(page.locator("form[action$='/accept/']"))
        self.look("payer")

    def end_child(self, number: int) -> None:
        """End the membership of one child, in two clicks, and see that it is over."""
        page = self.claimant
        page.goto(f"{self.address}me/family/")
        self.look("family")
        page.locator(f"a[href$='/me/family/{number}/leave/']").click()
        self.look("end a child")
        press(page.locator("form[action$='/leave/now/']"))
        assert page.url.endswith(f"{self.address}me/family/")
        expect(page.locator(f"a[href$='/me/family/{number}/leave/']")).to_have_count(0)

    # --- the calendar -------------------------------------------------------------------------------------------

    def hand_in(self, code: str, aid_fen: int) -> None:
        """Hand the pool a case that was decided before it moved in."""
        assert self.demonstration is not None
        case = (code, "30-39", "f", "zhejiang", "cancer_severe", aid_fen)
        said = (
            "from aidplatform.site.demo.pools import announce_cases; from members.pools.models import Pool; "
        )
        said += f"announce_cases(pool=Pool.objects.get(code={self.pool!r}), cases=({case!r},))"
        manage(self.demonstration.stack, "shell", "-c", said)

    def catch_up(self) -> None:
        """Share the months that others have let pass, so that the newest period is of the present one."""
        while self.newest()["next_opening_date"] <= self.today():
            self.until(lambda: self.newest()["state"] in {"settled", "computed"})
            number = self.newest()["number"]
            self.share()
            self.until(lambda number=number: self.newest()["number"] > number)

    def come_to(self, state: str) -> int:
        """Let days come, and the people of the pool do their part, until its newest period stands at a state."""
        for _step in range(10):
            period = self.newest()
            if period["state"] == state:
                return int(period["number"])
            if period["state"] in {"settled", "computed"}:
                self.share()
                self.until(lambda: self.newest()["is_told"] or self.newest()["state"] == "opened")
                if state == "posted":
                    return int(period["number"])
                continue
            day = {"opened": period["publicity_date"], "announced": period["publicity_end_date"]}.get(
                period["state"], self.first_of_next_month()
            )
            before = (period["number"], period["state"])
            self.move_clock(max(1, (day - self.today()).days))
            self.until(lambda before=before: self.stands() != before)
            self.until(lambda: self.stands()[1] != "frozen")
        raise AssertionError(f"no period came to {state}")

    def stands(self) -> tuple[int, str]:
        newest = self.newest()
        return newest["number"], newest["state"]

    def first_of_next_month(self) -> dt.date:
        return (self.today().replace(day=1) + dt.timedelta(days=32)).replace(day=1)

    def until(self, is_so: Callable[[], bool]) -> None:
        """Wait until the worker has done something."""
        for _look in range(300):
            if is_so():
                return
            time.sleep(0.1)
        raise AssertionError("the worker did not come to it")

    # --- figures ------------------------------------------------------------------------------------------------

    def ask(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        assert self.demonstration is not None
        with psycopg.connect(self.demonstration.stack.app_url) as connection:
            return connection.execute(sql, parameters).fetchall()

    def newest(self) -> dict[str, Any]:
        """Return the newest period of the pool."""
        columns = ("number", "state", "publicity_date", "publicity_end_date", "next_opening_date", "is_told")
        rows = self.ask(
            """SELECT e.number, e.state, e.publicity_date, e.publicity_end_date, e.next_opening_date,
                      e.charges_notified_at IS NOT NULL
                 FROM ledger_period e JOIN members_pool p ON p.id = e.pool_id
                WHERE p.code = %s ORDER BY e.number DESC LIMIT 1""",
            self.pool,
        )
        return dict(zip(columns, rows[0], strict=True))

    def newest_numbers(self, count: int) -> list[int]:
        """Return the numbers of who joined last, in the order of joining."""
        rows = self.ask(
            """SELECT m.number FROM members_membership m JOIN members_pool p ON p.id = m.pool_id
                WHERE p.code = %s ORDER BY m.number DESC LIMIT %s""",
            self.pool,
            count,
        )
        return sorted(number for (number,) in rows)

    def share_of(self, period_no: int) -> int:
        """Recompute what each member bears: the cases less what the last period left, by who is covered, rounded up."""
        (members, aid, carry), = self.ask(
            """SELECT (SELECT count(*) FROM members_span s WHERE s.pool_id = p.id
                          AND s.from_at <= e.publicity_date::timestamp AT TIME ZONE p.time_zone
                          AND coalesce(s.to_at, 'infinity') > e.publicity_date::timestamp AT TIME ZONE p.time_zone),
                      (SELECT sum(a.aid_fen) FROM ledger_award a WHERE a.period_id = e.id AND a.state <> 'blocked'),
                      (SELECT l.carry_out_fen FROM ledger_period l WHERE l.pool_id = p.id AND l.number = e.number - 1)
                 FROM ledger_period e JOIN members_pool p ON p.id = e.pool_id WHERE p.code = %s AND e.number = %s""",
            self.pool,
            period_no,
        )  # fmt: skip
        return -(-(int(aid) - int(carry)) // int(members))

    def shows(self, page: Page, address: str, *texts: str) -> None:
        """Demand that a page says something; what a job tells may come a moment later."""
        for _look in range(40):
            page.goto(address)
            said = page.locator("main").inner_text()
            if all(text in said for text in texts):
                return
            page.wait_for_timeout(250)
        raise AssertionError(f"{address} lacks {[text for text in texts if text not in said]}: {said}")


def money(fen: int) -> str:
    return f"¥{fen / 100:,.2f}"


@pytest.mark.parametrize(("language", "width"), [("en-US", 1280), ("zh-CN", 390)])
def test_family_is_charged_parts_and_leaves(
    chrome: Browser, demonstration: Demonstration, language: str, width: int, tmp_path: Path
) -> None:
    look: dict[str, Any] = {"locale": language, "viewport": {"width": width, "height": 900}}
    with (
        quiet_page(chrome, demonstration.address, **look) as mother,
        quiet_page(chrome, demonstration.address, **look) as father,
        quiet_page(chrome, demonstration.address, locale=language) as others,
    ):
        family = Family(
            mother, others, language, tmp_path, pool=POOL, father=father, demonstration=demonstration
        )
        live(family, mother, father)


def live(family: Family, mother: Page, father: Page) -> None:
    """Let the family live: join, be charged, part from one child, leave during publicity, and get the last bill."""
    me, home = f"{family.address}me/", f"{family.address}me/family/"
    family.catch_up()
    family.come_to("opened")
    family.begin()
    mother_no, _father_no, one, _other = family.newest_numbers(4)
    family.hand_in(f"F-{family.language}-1", FIRST_AID)
    family.come_to("announced")
    first = family.share_of(family.come_to("posted"))
    family.shows(mother, home, money(first))
    family.shows(mother, me, money(4 * first))
    family.shows(mother, "/notices/", f"{one}", CHILDREN[0][0], CHILDREN[1][0], money(first))
    family.end_child(one)
    family.shows(mother, "/notices/", money(first))
    family.hand_in(f"F-{family.language}-2", SECOND_AID)
    second = family.share_of(family.come_to("announced"))
    assert second != first
    family.shows(mother, f"{me}leave/", money(2 * first + 2 * second), money(second), money(first))
    family.look("leave together")
    assert mother.locator("[name=children]").count() == 1
    press(mother.locator("form[action$='/me/leave/now/']"))
    family.shows(mother, "/notices/", money(second))
    family.shows(father, f"{me}payer/", str(mother_no))
    number = family.come_to("posted")
    assert family.share_of(number) == second, "at most was exact: no case fell away"
    family.shows(mother, home, money(first), money(first + second))
    family.shows(mother, me, money(first + second))
    family.shows(father, me, money(first + second))
    family.look("family afterwards")
