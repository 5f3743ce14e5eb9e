"""What was filled in while the session ran out: after the sign-in the form stands there as it was, and is sent."""

import pytest
from playwright.sync_api import Browser, Page, expect

from aidplatform.testing.browser import become, faults_of, go_by, keep_picture, quiet_page

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

FORM = "/pools/town/me/complaints/"
WORDS = "I was ill in May and told you so.\nPlease look again."


def fill_in(page: Page) -> None:
    """Fill in a complaint as a member, and do not send it."""
    become(page, "member")
    page.goto(FORM)
    page.get_by_label("What it is about").select_option("share")
    page.get_by_label("What happened, and what you ask for").fill(WORDS)


def test_form_stands_as_filled_after_the_session_was_lost(chrome: Browser, live: str) -> None:
    with quiet_page(chrome, live, locale="en-US") as page:
        fill_in(page)
        others = [one for one in page.context.cookies() if one["name"] != "sessionid"]
        page.context.clear_cookies()
        page.context.add_cookies(others)  # type: ignore[arg-type]
        go_by(page.get_by_role("button", name="File it"))
        assert page.url.startswith(f"{live}/accounts/login/?next=/kept/")
        become(page, "member")
        page.goto("/kept/")
        expect(page.get_by_role("heading", name="What you filled in is still here")).to_be_visible()
        expect(page.get_by_label("What it is about")).to_have_value("share")
        expect(page.get_by_label("What happened, and what you ask for")).to_have_value(WORDS)
        assert faults_of(page) == []
        keep_picture(page, "kept")
        go_by(page.get_by_role("button", name="File it"))
        expect(page.get_by_text("I was ill in May and told you so.")).to_be_visible()
        go_by(page.locator("a.brand").first)
        page.goto("/kept/")
        assert page.url == f"{live}/"


def test_what_is_typed_survives_a_change_of_language_and_brightness(chrome: Browser, live: str) -> None:
    with quiet_page(chrome, live, locale="en-US") as page:
        fill_in(page)
        for button in ("button[name=language][value=zh-hans]", "button[name=theme][value=dark]"):
            go_by(page.locator(f"{button}:visible").first)
            expect(page.locator("main form textarea").first).to_have_value(WORDS)
            expect(page.locator("main form select").first).to_have_value("share")
        assert page.evaluate("sessionStorage.getItem('typed')") is None


def test_what_is_wrong_has_the_focus_and_what_is_copied_has_a_button(chrome: Browser, live: str) -> None:
    with quiet_page(chrome, live, locale="en-US") as page:
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        become(page, "member")
        page.goto("/pools/town/me/")
        page.locator("button[data-copy=pay-reference]").click()
        expect(page.locator("button[data-copy=pay-reference]")).to_have_text("Copied")
        reference = page.locator("#pay-reference").inner_text()
        assert page.evaluate("navigator.clipboard.readText()") == reference
        page.goto(FORM)
        page.locator("main form textarea").first.evaluate("field => { field.form.noValidate = true }")
        go_by(page.get_by_role("button", name="File it"))
        page.wait_for_function(
            "document.activeElement.matches('main .alert-refused, main [aria-invalid=true]')", timeout=5_000
        )


# As wide as a phone of 390 pixels is for letters twice as large.
@pytest.mark.parametrize("language", ["en-US", "zh-CN"])
def test_letters_twice_as_large_fit_a_phone(chrome: Browser, live: str, language: str) -> None:
    wide = []
    with quiet_page(chrome, live, locale=language, viewport={"width": 195, "height": 400}) as page:
        become(page, "member")
        for address in (
            "/", "/pools/", "/notices/", "/my-data/", "/claims/", "/claims/new/", "/accounts/sessions/",
            "/pools/town/", "/pools/town/me/", "/pools/town/me/shares/", "/pools/town/me/leave/",
            "/pools/town/me/family/", "/pools/town/me/payer/", "/pools/town/me/invitations/",
            "/pools/orchards/me/shares/", "/pools/town/plan/",
        ):  # fmt: skip
            page.goto(address)
            over = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            if over > 0:
                wide.append((address, over))
    assert wide == []
