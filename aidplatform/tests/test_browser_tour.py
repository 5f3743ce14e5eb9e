"""The first page of a demonstration, as somebody who has never seen it: one bill, one case, a theft, the bank, size."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from aidplatform.site.demo.tricks import TRICKS
from aidplatform.testing.browser import Demonstration, faults_of, manage, quiet_page

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
MOST_CLICKS = 16
FIVE = ["bill", "case", "fen", "bank", "million"]


def test_first_page_shows_five_things_in_order_and_recomputes(chrome: Browser, live: str) -> None:
    with quiet_page(chrome, live, locale="en-US") as page:
        page.goto("/")
        parts = page.locator(".tour-part").evaluate_all("parts => parts.map((part) => part.id)")
        assert parts == FIVE
        expect(page.locator("#bill .term-result")).to_contain_text("4.86")
        page.get_by_role("button", name="Recompute in this browser").click()
        expect(page.get_by_text("Agrees: every share")).to_be_visible()
        expect(page.locator("#bank .alert")).to_contain_text("Bank = ledger")


@pytest.mark.parametrize("width", [1280, 390])
def test_one_button_leads_a_case_to_its_aid(chrome: Browser, live: str, width: int) -> None:
    """Nobody types anything; the second time it is another case of the same person."""
    with quiet_page(chrome, live, locale="zh-CN", viewport={"width": width, "height": 900}) as page:
        page.goto("/demo/")
        begin = page.locator("form[action='/demo/case/another/'] button")
        if begin.count():
            with page.expect_navigation():
                begin.click()
        people, clicks = follow(page)
        assert clicks <= MOST_CLICKS
        assert people >= {"高欣", "王芳", "李娜", "林远", "陈静", "赵明"}
        expect(page.locator("#case .alert-good")).to_contain_text("互助金已到账")
        assert faults_of(page) == []


def follow(page: Page) -> tuple[set[str], int]:
    """Press the button until the aid has arrived; return who acted, and how often it was pressed."""
    people: set[str] = set()
    for clicks in range(MOST_CLICKS + 1):
        button = page.locator("#case .tour-next button")
        if not button.count():
            return people, clicks
        people.add(page.locator("#case .tour-next strong").inner_text())
        button.click()
        expect(page.locator("#case .tour-done")).to_be_visible(timeout=180_000)
        shown = page.request.get(str(page.locator("#case .tour-done a").get_attribute("href")))
        assert shown.status == 200
    raise AssertionError("the aid has not arrived")


def test_every_trick_is_refused_and_leaves_no_trace(chrome: Browser, demonstration: Demonstration) -> None:
    before = manage(demonstration.stack, "money_digest")
    with quiet_page(chrome, demonstration.address, locale="en-US") as page:
        page.goto("/")
        page.locator("#trick").select_option("friend")
        page.get_by_role("button", name="Try it").click()
        expect(page.locator("#fen-result")).to_contain_text("Refused by the database")
        page.get_by_role("button", name=re.compile("Try all")).click()
        rows = page.locator("#fen-result tbody tr")
        expect(rows).to_have_count(len(TRICKS))
        outcomes = rows.locator("td").all_inner_texts()
        assert [text for text in outcomes if "NOT" in text] == []
        assert len({text for text in outcomes if "_" in text}) >= 9, outcomes
        assert faults_of(page) == []
    assert manage(demonstration.stack, "money_digest") == before
