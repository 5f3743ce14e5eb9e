"""A mother lives with her children in a pool, on a phone, through pages alone: they join, share, and leave together.

She adds two children, falls ill herself, and leaves with both while her case is in publicity. What the page said that
they would still owe at most is what they are charged, and what anybody reckons from the public figures of the period.
"""

import datetime as dt
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from aidplatform.testing.browser import Demonstration, become, quiet_page
from aidplatform.tests.test_browser_journey import (
    POOL,
    PUBLICITY_DAY,
    PUBLICITY_DAYS,
    WAITING_DAYS,
    Journey,
    own_form,
    press,
    require_whole,
)

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
BORN = {"en-US": dt.date(1985, 2, 3), "zh-CN": dt.date(1987, 12, 30)}
AMOUNT = re.compile(r"¥([\d,]+)\.(\d\d)")


@dataclass
class Family(Journey):
    """The mother, and everyone else."""

    def add_child(self, name: str, age: int, relation: str = "child") -> None:
        """Sign for a child, with its own agreement from fourteen on."""
        page = self.claimant
        page.goto(f"{POOL}me/family/add/")
        page.locator(f"[name=relation][value={relation}]").check()
        press(own_form(page))
        self.say_who(
            name, self.today() - dt.timedelta(days=int(age * 365.25) + 100 + len(self.language + name))
        )
        self.look("child")
        press(own_form(page))
        self.answer_no()
        for boxes in (["has_read"], ["health", "publication", "guardian"]):
            for box in boxes:
                page.locator(f"[name={box}]").check()
            press(own_form(page))
        agrees = page.locator("[name=has_agreed]")
        assert agrees.count() == (age >= 14)
        if age >= 14:
            agrees.check()
        self.look("sign for a child")
        press(own_form(page))
        assert page.url.endswith(f"{POOL}me/family/")

    def leave_together(self) -> dict[str, int]:
        """Leave with both children; return what the page says that each is charged at most, and all together (fen)."""
        page = self.claimant
        page.goto(f"{POOL}me/")
        page.locator(f"main a[href='{POOL}me/leave/']").click()
        self.look("leave")
        children = page.locator("fieldset.choice ul")
        assert children.count() == 2
        said = {
            "mother": fen(page.locator("#owed + ul").inner_text()),
            "children": sum(fen(one) for one in children.all_inner_texts()),
            "all": fen(page.locator("fieldset.choice + p").inner_text()),
        }
        page.locator("form[action$='/leave/'] button.button-danger").click()
        page.wait_for_load_state()
        assert page.locator(".alert-refused").count() == 0
        return said

    def newest_period(self) -> dict[str, Any]:
        """Return the newest period as anybody reads it."""
        rows = self.others.request.get("/api/v1/pools/town/periods/").json()["results"]
        newest: dict[str, Any] = max(rows, key=lambda row: row["number"])
        return newest


def fen(text: str) -> int:
    """Return the last amount of a sentence (fen)."""
    whole, cents = AMOUNT.findall(text)[-1]
    return int(whole.replace(",", "")) * 100 + int(cents)


def rates(period: dict[str, Any]) -> dict[int, int]:
    """Reckon each class's charge from the bill's sums and the headcount: need × weight / Σ weight, rounded up."""
    costs = sum(period[f"{name}_fen"] for name in ("aid", "fee", "other_costs", "reserve_contribution"))
    need = costs - sum(period[f"{name}_fen"] for name in ("carry_in", "reserve_drawn", "sponsor"))
    weights = sum(row["members"] * row["weight"] for row in period["classes"])
    return {row["class_no"]: -(-need * row["weight"] // weights) for row in period["classes"]}


@pytest.mark.parametrize("language", ["en-US", "zh-CN"])
def test_mother_joins_with_her_children_and_leaves_with_them(
    chrome: Browser, demonstration: Demonstration, language: str, tmp_path: Path
) -> None:
    look = {"locale": language, "viewport": {"width": 390, "height": 844}}
    with (
        quiet_page(chrome, demonstration.address, **look) as mother,
        quiet_page(chrome, demonstration.address, locale=language) as others,
    ):
        family = Family(mother, others, language, tmp_path, "family", BORN[language])
        family.sign_up_and_join()
        family.add_child("林小石", 8)
        family.add_child("林小禾", 15)
        expect(mother.locator("main article")).to_have_count(2)
        family.look("family")
        family.move_clock(WAITING_DAYS + 1)
        family.share()  # the period that came due while waiting
        family.file_claim()
        family.review()
        family.let_day_come(PUBLICITY_DAY)
        become(others, "neighbor")
        others.goto(f"{POOL}notices/{family.case}/")
        said = family.leave_together()
        assert said["all"] == said["mother"] + said["children"]
        family.let_day_come(PUBLICITY_DAY + PUBLICITY_DAYS)
        family.share()
        period = family.newest_period()
        rate = rates(period)
        assert {row["class_no"]: row["share_fen"] for row in period["classes"]} == rate
        mother.goto(f"{POOL}me/shares/")
        assert fen(mother.locator("main article .spread p").first.inner_text()) == said["mother"]
        assert said["mother"] in rate.values()
        mother.goto(f"{POOL}me/family/")
        family.look("family that has left")
    require_whole(demonstration, family.case)
