"""Somebody signs up for a pool where addresses have to be confirmed: the mail, its link, and on into the pool.

Over HTTPS and outside the demonstration, since only there an address has to be confirmed before the account opens.
"""

import re
import ssl
import subprocess
import urllib.request
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from aidplatform.site.catalogues import compile_catalogues
from aidplatform.testing.browser import faults_of, keep_picture, manage, started_chromium
from aidplatform.testing.stack import Stack, free_port, wait_until
from aidplatform.testing.world import World
from members.joining.models import JoinApplication

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

JOIN = "/pools/test-pool/join/"
ADDRESS = "xiaoyu@example.org"
PASSWORD = "right horse battery"


def over_https(stack: Stack) -> str:
    """Start an installation as it is deployed, behind a certificate of its own; return its address."""
    port = free_port()
    address, certificate = f"https://localhost:{port}", str(stack.folder / "site.pem")
    making = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-subj",
        "/CN=localhost",
        "-days",
        "2",
    ]
    subprocess.run(
        [*making, "-keyout", certificate, "-out", f"{certificate}.crt"], check=True, capture_output=True
    )
    stack.extra |= {
        "DJANGO_SETTINGS_MODULE": "aidplatform.settings",
        "AID_DEMO": "0",
        "AID_PUBLIC_URL": address,
        "AID_PORT": str(port),
    }
    # The test has prepared the database already.
    manage(stack, "collectstatic", "--noinput")
    compile_catalogues(stack.folder / "locale")
    served = [f"--bind=127.0.0.1:{port}", f"--keyfile={certificate}", f"--certfile={certificate}.crt"]
    # A browser opens connections ahead that it may never use; without a proxy in front each holds a thread.
    served += ["--threads=32", "--no-control-socket"]
    stack.start("web", "gunicorn", "aidplatform.wsgi:application", *served)
    wait_until(lambda: answers(f"{address}/health"), seconds=120, what="the web server")
    return address


def answers(url: str) -> bool:
    """Tell whether a server answers whose certificate nobody has signed."""
    try:
        with urllib.request.urlopen(url, timeout=2, context=ssl._create_unverified_context()) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def stranger(chrome: Browser, address: str) -> Page:
    """Open a page of nobody, on a phone."""
    context = chrome.new_context(
        base_url=address, locale="en-US", ignore_https_errors=True, viewport={"width": 390, "height": 800}
    )
    return context.new_page()


def test_whoever_signs_up_confirms_their_address_on_another_device_and_goes_on_joining(stack: Stack) -> None:
    World.founded()
    address = over_https(stack)
    with started_chromium() as chrome:
        page = stranger(chrome, address)
        page.goto(JOIN)
        page.locator("main").get_by_role("link", name="Sign up by e-mail").click()
        page.get_by_label("Email").fill(ADDRESS)
        for field in page.locator("main input[type=password]").all():
            field.fill(PASSWORD)
        page.locator("main").get_by_role("button", name="Sign up").click()
        expect(page.get_by_role("heading", name="Look into your mailbox")).to_be_visible()
        assert faults_of(page) == []
        keep_picture(page, "look_into_your_mailbox")
        page = stranger(chrome, address)
        confirm(page, stack.folder / "mail", address)
        sign_in(page)
        expect(page).to_have_url(f"{address}{JOIN}")
        page.locator("main").get_by_role("button", name="Begin").click()
        expect(page).to_have_url(f"{address}{JOIN}who/")
    assert JoinApplication.objects.get().person.email == ADDRESS


def confirm(page: Page, folder: Path, address: str) -> None:
    """Read the one mail there is, open its link, and confirm."""
    (file,) = folder.glob("*.log")
    mail = message_from_bytes(file.read_bytes(), policy=policy.default)
    assert mail["To"] == ADDRESS
    link = re.search(r"https://\S+/accounts/confirm-email/\S+", mail.get_content())
    assert link
    assert link[0].startswith(address)
    page.goto(link[0])
    assert faults_of(page) == []
    keep_picture(page, "confirm_address")
    page.get_by_role("button", name="Yes, confirm it").click()


def sign_in(page: Page) -> None:
    """Sign in where the address was confirmed."""
    page.get_by_label("Email").fill(ADDRESS)
    page.get_by_label("Password").fill(PASSWORD)
    page.locator("main").get_by_role("button", name="Sign in", exact=True).click()
