"""Ten claims by keyboard alone: a reviewer recommends, a second one decides, and nobody touches a mouse."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, expect

from aidplatform.testing.browser import as_deployed, faults_of, heard_page, keep_picture, started_chromium
from aidplatform.testing.claim_cases import ClaimCases
from aidplatform.testing.stack import Stack
from aidplatform.tests.pages_helpers import session_of
from claims.filing.models import Claim
from claims.review.models import Decision, Recommendation

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

CLAIMS = 10
REFUSED = {3, 7}
DESK = "/pools/test-pool/review/"
# Counts what only a pointer does; a key that presses a button sends a click without either.
POINTERS = """window.addEventListener("DOMContentLoaded", () => {
    for (const name of ["mousedown", "pointerdown", "touchstart"])
        document.addEventListener(name, () => console.error("a pointer was used"), true);
});"""


@contextmanager
def keyboard(address: str, person: str) -> Iterator[Page]:
    """Open a page as the person of a session; any noise of the page, a pointer's among it, fails the test."""
    noise: list[str] = []
    with started_chromium() as chrome:
        page = heard_page(chrome, address, noise, person)
        page.context.add_init_script(POINTERS)
        yield page
        assert noise == []


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def go_on(page: Page, *keys: str) -> None:
    """Press keys, the last of which leads to another page."""
    press(page, *keys[:-1])
    with page.expect_navigation():
        page.keyboard.press(keys[-1])


def cite_two_papers(page: Page) -> None:
    """Open the papers one after another, and cite the second and the third."""
    press(page, "o", "o", "x", "o", "x")
    expect(page.locator("#viewer img")).to_be_visible()
    assert page.evaluate("document.querySelector('#viewer img').src").startswith(page.url.split("?")[0])
    assert page.locator("[data-cites] input:checked").count() == 2


def test_ten_claims_are_recommended_and_decided_without_a_mouse(stack: Stack) -> None:
    cases = ClaimCases.founded()
    for _claim in range(CLAIMS):
        cases.filed()
    sessions = session_of(cases.reviewer), session_of(cases.second)
    address = as_deployed(stack)
    with keyboard(address, sessions[0]) as page:
        recommend_all(page)
    with keyboard(address, sessions[1]) as page:
        decide_all(page)
    outcomes = list(Decision.objects.order_by("pk").values_list("outcome", flat=True))
    assert (outcomes.count("approved"), outcomes.count("rejected")) == (CLAIMS - len(REFUSED), len(REFUSED))
    assert Recommendation.objects.filter(outcome="rejected", clause="waiting").count() == len(REFUSED)
    assert all(len(one.papers) == 2 for one in Recommendation.objects.filter(outcome="approved"))
    # One is in the second round: it was taken back a moment later.
    assert sorted(Claim.objects.values_list("round", flat=True)) == [1] * (CLAIMS - 1) + [2]


def recommend_all(page: Page) -> None:
    page.goto(f"{DESK}?set=unassigned")
    press(page, "j")
    go_on(page, "Enter")
    press(page, "?")
    expect(page.locator("dialog.keys")).to_be_visible()
    assert faults_of(page) == []
    press(page, "Escape")
    for number in range(CLAIMS):
        go_on(page, "t")
        expect(page.get_by_role("heading", name="Recommend", exact=True)).to_be_visible()
        recommend(page, number)
        if number == 0:
            page_is_without_faults(page, "workbench")
            take_back(page)
    expect(page.get_by_text("No claim fits these filters.")).to_be_visible()


def recommend(page: Page, number: int) -> None:
    """Fill in the form by keys and send it; the next claim comes by itself."""
    cite_two_papers(page)
    if number in REFUSED:
        press(page, "2", "c", "c")
        expect(page.locator("[data-clause=waiting]")).to_be_visible()
        expect(page.locator("[data-clause=aid]")).to_be_hidden()
    press(page, "w")
    page.keyboard.type("The papers agree.")
    go_on(page, "Control+Enter")


def take_back(page: Page) -> None:
    """See the wrong claim recommended, take it back, and recommend it again."""
    expect(page.get_by_text("Nobody has acted on it yet.")).to_be_visible()
    go_on(page, "z")
    recommend(page, 0)


def decide_all(page: Page) -> None:
    page.goto(f"{DESK}?set=second")
    press(page, "j")
    go_on(page, "Enter")
    for number in range(CLAIMS):
        press(page, "d", "Escape", "o")
        expect(page.locator("#viewer img")).to_be_visible()
        press(page, "w")
        page.keyboard.type("I have read the same papers and agree.")
        press(page, "Control+Enter")
        expect(page.get_by_role("button", name="Decide now")).to_be_visible()
        if number == 0:
            page_is_without_faults(page, "workbench-decide")
        go_on(page, "Enter")
    expect(page.get_by_text("No claim fits these filters.")).to_be_visible()


def page_is_without_faults(page: Page, name: str) -> None:
    keep_picture(page, name)
    assert faults_of(page) == []
