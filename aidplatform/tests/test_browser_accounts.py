"""Passkeys in a real Chromium, whose virtual authenticator stands for a phone."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, expect

from aidplatform.testing.browser import become, faults_of, go_by, keep_picture, quiet_page

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

STAFF_PAGE = "/pools/demo/custody/"
PASSWORD = "right horse battery"


@contextmanager
def phone(page: Page, *, has_passkeys: bool = True) -> Iterator[None]:
    """Give the browser a device that keeps passkeys and knows its owner's finger."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": has_passkeys,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    device = session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    yield
    session.send("WebAuthn.removeVirtualAuthenticator", device)


def add_passkey(page: Page, name: str, *, alone: bool = True) -> None:
    page.goto("/accounts/2fa/webauthn/add/")
    page.get_by_label("Name of this passkey").fill(name)
    page.get_by_label("Sign in with it alone").set_checked(alone)
    page.get_by_role("button", name="Add the passkey").click()
    expect(page.get_by_text("The passkey has been added.")).to_be_visible()


def sign_out(page: Page) -> None:
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("link", name="Sign in").first).to_be_visible()


def test_passkey_is_added_signs_in_alone_and_opens_a_staff_page(chrome: Browser, live: str) -> None:
    with quiet_page(chrome, live, locale="en-US") as page, phone(page):
        become(page, "treasurer")
        add_passkey(page, "Phone in the office")
        sign_out(page)
        page.goto(STAFF_PAGE)
        expect(page).to_have_url(re.compile("/accounts/login/"))
        assert faults_of(page) == []
        page.get_by_role("button", name="Sign in with a passkey").click()
        expect(page.get_by_role("link", name="Zhao Ming")).to_be_visible()
        expect(page).to_have_url(f"{live}{STAFF_PAGE}")
        expect(page.get_by_role("heading", name="Bank", exact=True)).to_be_visible()
        look_after_passkeys(page)


def look_after_passkeys(page: Page) -> None:
    """Rename the passkey and remove it, after a fresh proof, on pages without a fault."""
    page.goto("/accounts/2fa/")
    assert faults_of(page) == []
    page.get_by_role("link", name="Look after them").click()
    expect(page.get_by_text("Signs in alone.")).to_be_visible()
    assert faults_of(page) == []
    keep_picture(page, "passkeys")
    page.get_by_role("link", name="Rename Phone in the office").click()
    expect(page.get_by_role("heading", name="Is it you?")).to_be_visible()
    assert faults_of(page) == []
    page.get_by_role("button", name="Use a passkey").click()
    page.get_by_label("Name of this passkey").fill("Old phone")
    go_by(page.get_by_role("button", name="Save"))
    go_by(page.get_by_role("link", name="Remove Old phone"))
    assert faults_of(page) == []
    page.get_by_role("button", name="Remove it").click()
    expect(page.get_by_text("No passkey yet")).to_be_visible()


def test_passkey_is_asked_for_after_the_password(chrome: Browser, live: str) -> None:
    with quiet_page(chrome, live, locale="en-US") as page, phone(page, has_passkeys=False):
        email = "passkey@example.org"
        sign_up(page, email)
        confirm_address(page)
        page.goto("/accounts/2fa/webauthn/add/")
        page.get_by_label("Password").fill(PASSWORD)
        assert faults_of(page) == []
        page.get_by_role("button", name="Confirm").click()
        expect(page.get_by_role("heading", name="Add a passkey")).to_be_visible()
        add_passkey(page, "Security key", alone=False)
        sign_out(page)
        page.goto("/accounts/login/")
        page.get_by_label("Email").fill(email)
        page.get_by_label("Password").fill(PASSWORD)
        page.locator("main").get_by_role("button", name="Sign in", exact=True).click()
        expect(page.get_by_role("heading", name="Second factor")).to_be_visible()
        assert faults_of(page) == []
        keep_picture(page, "second_factor")
        page.get_by_role("button", name="Use a passkey").click()
        expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def sign_up(page: Page, email: str) -> None:
    page.goto("/accounts/signup/")
    page.get_by_label("Email").fill(email)
    for field in page.locator("input[type=password]").all():
        field.fill(PASSWORD)
    page.locator("main").get_by_role("button", name="Sign up").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def confirm_address(page: Page) -> None:
    """Have the mail with the link sent, and open the link."""
    page.goto("/accounts/email/")
    page.get_by_role("button", name="Re-send Verification").click()
    page.goto("/demo/mail/")
    link = re.search(r"/accounts/confirm-email/[^/\s<]+/", page.content())
    assert link
    page.goto(link[0])
    page.get_by_role("button", name="Yes, confirm it").click()


def test_broken_off_ceremony_is_said_on_the_page(chrome: Browser, live: str) -> None:
    with quiet_page(chrome, live, locale="zh-CN") as page, phone(page):
        page.goto("/accounts/login/")
        expect(page.get_by_text("没有使用通行密钥")).to_be_hidden()
        page.get_by_role("button", name="用通行密钥登录").click()
        expect(page.get_by_role("alert")).to_contain_text("没有使用通行密钥")
        assert faults_of(page) == []
