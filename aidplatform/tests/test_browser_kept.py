"""What was filled in while the session ran out: after the sign-in the form stands there as it was, and is sent."""

import pytest
from playwright.sync_api import Browser, expect

from aidplatform.testing.browser import become, faults_of, go_by, keep_picture, quiet_page

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

FORM = "/pools/town/me/complaints/"
WORDS = "I was ill in May and told you so.\nPlease look again."


def test_form_stands_as_filled_after_the_session_was_lost(chrome: Browser, live: str) -> None:
    with quiet_page(chrome, live, locale="en-US") as page:
        become(page, "member")
        page.goto(FORM)
        page.get_by_label("What it is about").select_option("share")
        page.get_by_label("What happened, and what you ask for").fill(WORDS)
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
