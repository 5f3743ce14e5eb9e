"""Pages in a real Chromium on a running installation: accessible, quiet, of one origin, and alive."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from aidplatform.site.manual import PAGES
from aidplatform.testing.browser import (
    become,
    faults_in_every_look,
    faults_of,
    go_by,
    keep_picture,
    quiet_page,
)

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

PUBLIC = [
    "/search/", "/search/?q=demo", "/search/?q=1",
    "/", "/demo/", "/no/such/page/", "/accounts/login/", "/accounts/password/reset/", "/accounts/signup/",
    *(f"/docs/{name}/" for name in PAGES),
    "/pools/demo/", "/pools/demo/periods/", "/pools/demo/periods/1/", "/pools/demo/periods/2/",
    "/pools/town/plan/", "/pools/town/plan/2/", "/pools/demo/log/", "/pools/demo/log/3/",
    "/pools/demo/history/", "/pools/town/history/", "/pools/village/history/",
]  # fmt: skip
STAFF = [
    "/search/?q=1", "/search/?q=demo/1",
    "/", "/jobs/", "/pools/demo/", "/pools/demo/periods/1/", "/pools/demo/periods/2/",
    "/pools/demo/ledger/", "/pools/demo/ledger/trial-balance/", "/pools/demo/ledger/accounts/110/",
    "/pools/demo/ledger/accounts/101/", "/pools/demo/ledger/entries/", "/pools/demo/ledger/exports/",
    "/pools/demo/ledger/figures/",
    "/pools/demo/ledger/entries/?since=2026-02-01&until=2026-01-01", "/pools/demo/ledger/entries/4/",
    "/pools/town/plan/proposals/1/", "/pools/orchards/periods/4/", "/pools/orchards/custody/write-offs/",
    "/pools/harbor/custody/wallets/", "/pools/mill-lane/ending/", "/pools/mill-lane/ending/settlement/",
    "/pools/hillside/founding/", "/pools/hillside/move-in/", "/pools/hillside/move-in/1/",
    "/accounts/2fa/", "/accounts/2fa/totp/activate/", "/accounts/password/set/", "/accounts/email/",
    "/accounts/logout/",
]  # fmt: skip


@pytest.mark.parametrize("language", ["en-US", "zh-CN"])
@pytest.mark.parametrize(("who", "addresses"), [(None, PUBLIC), ("controller", STAFF)])
def test_every_page_is_accessible_and_fits_in_every_look(
    chrome: Browser, live: str, language: str, who: str | None, addresses: list[str]
) -> None:
    faults: dict[str, list[str]] = {}
    with quiet_page(chrome, live, locale=language) as page:
        if who:
            become(page, who)
        for address in addresses:
            page.goto(address)
            faults |= faults_in_every_look(page, f"{who or 'visitor'}{address}{language}")
    assert faults == {}


def test_period_is_prepared_approved_posted_and_recomputed(chrome: Browser, live: str) -> None:
    with quiet_page(chrome, live, locale="en-US") as page:
        become(page, "pool_admin")
        page.goto("/pools/demo/periods/2/")
        page.get_by_role("button", name="Dry run").click()
        expect(page.get_by_text("You prepared these figures")).to_be_visible(timeout=300_000)
        assert faults_of(page) == []
        become(page, "controller")
        page.goto("/")
        go_by(page.locator(".todo a[href='/pools/demo/periods/2/']"))
        page.locator("summary", has_text="Approve these figures").click()
        assert faults_of(page) == []
        page.get_by_role("button", name="Approve and charge").click()
        expect(page.get_by_text("members charged in")).to_be_visible(timeout=300_000)
        expect(page.locator("h1 + .lead .badge")).to_have_text("posted")
        page.get_by_role("button", name="Recompute in this browser").click()
        expect(page.get_by_text("Agrees: every share")).to_be_visible()
        assert faults_of(page) == []
        go_by(page.locator("#staff-part").get_by_role("link", name=re.compile("Journal entry")))
        expect(page.get_by_role("heading", name="Postings")).to_be_hidden()
        expect(page.locator("caption", has_text="Postings")).to_be_visible()


def forged(html: str) -> str:
    assert '"share": "486"' in html
    return html.replace('"share": "486"', '"share": "487"')


def test_recomputation_in_the_browser_notices_a_wrong_figure(chrome: Browser, live: str) -> None:
    with quiet_page(chrome, live, locale="en-US") as page:
        page.route("**/periods/1/", lambda route: route.fulfill(body=forged(route.fetch().text())))
        page.goto("/pools/demo/periods/1/")
        page.get_by_role("button", name="Recompute in this browser").click()
        expect(page.get_by_text("Does not agree")).to_be_visible()


def test_everything_works_without_javascript(chrome: Browser, live: str) -> None:
    with quiet_page(chrome, live, locale="en-US", java_script_enabled=False) as page:
        become(page, "auditor")
        expect(page.locator(".demo-people summary")).to_contain_text("Sun Li")
        page.get_by_role("button", name="简体中文").click()
        expect(page.locator("html")).to_have_attribute("lang", "zh-hans")
        go_by(page.get_by_role("button", name="English"))
        page.get_by_role("button", name="Dark").click()
        expect(page.locator("html")).to_have_attribute("data-theme", "dark")
        page.goto("/pools/demo/ledger/entries/")
        page.get_by_label("Kind").select_option("period")
        go_by(page.get_by_role("button", name="Filter"))
        assert "kind=period" in page.url
        expect(page.locator("tbody")).to_contain_text("Period 1 shared among its members")


def test_theme_follows_the_system_until_it_is_chosen(chrome: Browser, live: str) -> None:
    def paper(page: Page) -> str:
        return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))

    with quiet_page(chrome, live, locale="en-US", color_scheme="dark") as page:
        page.goto("/docs/")
        dark = paper(page)
        page.get_by_role("button", name="Light", exact=True).click()
        expect(page.locator("html")).to_have_attribute("data-theme", "light")
        assert page.url == f"{live}/docs/"
        light = paper(page)
        page.goto("/")
        assert (dark, paper(page)) == ("rgb(14, 21, 19)", light)
        assert light == "rgb(245, 248, 246)"
        page.get_by_role("button", name="As the system").click()
        expect(page.locator("html")).not_to_have_attribute("data-theme", "light")
        assert paper(page) == dark


def test_keyboard_reaches_content_and_people(chrome: Browser, live: str) -> None:
    with quiet_page(chrome, live, locale="en-US") as page:
        page.goto("/")
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
        expect(page.get_by_role("link", name="Skip to the content")).to_be_in_viewport()
        page.keyboard.press("Enter")
        expect(page.locator("#main")).to_be_focused()
        people = page.locator("details.demo-people")
        people.locator("summary").focus()
        page.keyboard.press("Enter")
        expect(people).to_have_attribute("open", "")
        page.keyboard.press("Escape")
        expect(people).not_to_have_attribute("open", "")
        expect(people.locator("summary")).to_be_focused()


@pytest.mark.parametrize("scripts", [True, False])
def test_search_box_finds_with_and_without_scripts(chrome: Browser, live: str, scripts: bool) -> None:
    with quiet_page(chrome, live, locale="en-US", java_script_enabled=scripts) as page:
        page.goto("/pools/demo/")
        box = page.get_by_role("searchbox", name="Search")
        if scripts:
            page.keyboard.press("/")
            expect(box).to_be_focused()
            expect(box).to_have_value("")
        box.focus()
        page.keyboard.type("demo/1")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Exactly this")).to_be_visible()
        expect(box).to_have_value("demo/1")
        go_by(page.get_by_role("link", name="Period 1"))
        assert page.url == f"{live}/pools/demo/periods/1/"


def test_paper_shows_figures_and_no_controls(chrome: Browser, live: str) -> None:
    with quiet_page(chrome, live, locale="en-US", color_scheme="dark") as page:
        page.goto("/pools/demo/periods/1/")
        page.emulate_media(media="print")
        for hidden in (".switches", ".topnav", ".crumbs", ".demo-people"):
            expect(page.locator(hidden).first).to_be_hidden()
        expect(page.locator(".bill")).to_be_visible()
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        keep_picture(page, "paper_period")


def test_motion_stops_for_those_who_ask(chrome: Browser, live: str) -> None:
    with quiet_page(chrome, live, reduced_motion="reduce") as page:
        page.goto("/")
        assert page.evaluate("getComputedStyle(document.querySelector('a')).transitionDuration") == "1e-05s"


def test_million_is_made_divided_and_shown_live(chrome: Browser, live: str) -> None:
    with quiet_page(chrome, live, locale="en-US") as page:
        become(page, "pool_admin")
        page.goto("/demo/")
        page.get_by_role("button", name="Divide over a million now").click()
        page.get_by_role("button", name="Let these days pass").click(timeout=300_000)
        page.get_by_role("link", name="Open its period").click(timeout=300_000)
        page.get_by_role("button", name="Dry run").click()
        expect(page.get_by_text("You prepared these figures")).to_be_visible(timeout=300_000)
        period = page.url
        become(page, "controller")
        page.goto(period)
        page.locator("summary", has_text="Approve these figures").click()
        page.get_by_role("button", name="Approve and charge").click()
        expect(page.locator("progress")).to_be_visible()
        # The run belongs to no tab: one opened later shows it too.
        other = page.context.new_page()
        other.goto(period)
        for tab in (other, page):
            expect(tab.get_by_text("1,000,000 members charged in")).to_be_visible(timeout=300_000)
