"""The life of a member on a slow phone: each page is light on the first visit, and all goes without scripts.

With scripts as well, no page has a fault of access, and what is pressed fits a thumb.

The name of the file puts it before those that move the demonstration's calendar beyond the member's last age.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, CDPSession, Page, expect

from aidplatform.testing.browser import become, faults_of, go_by, quiet_page
from aidplatform.tests.test_browser_journey import own_form, press
from aidplatform.tests.test_browser_people import MOST_BYTES

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

# The neighbor of the demonstration joins the guild, to which she does not belong yet.
GUILD, MAKERS, VILLAGE = "/pools/guild/", "/pools/makers/me/", "/pools/village/me/"
STEPS = ("who", "consent", "health", "plainly", "covenant", "sign")
LIFE = [
    "/", VILLAGE, f"{VILLAGE}shares/", f"{VILLAGE}family/", f"{VILLAGE}family/add/", f"{VILLAGE}payer/",
    f"{VILLAGE}invitations/", f"{VILLAGE}deputies/", f"{VILLAGE}guardianships/", f"{VILLAGE}identity/",
    f"{VILLAGE}leave/", "/pools/town/me/mandate/", "/pools/town/me/rules/2/", "/pools/orchards/me/pause/",
    "/pools/harbor/me/wallet/", MAKERS, f"{MAKERS}going-on/", "/notices/", "/notices/choices/",
    "/notices/phone/", "/accounts/sessions/", "/my-data/", "/my-data/erase/", f"{GUILD}join/",
    "/pools/village/", "/pools/village/me/complaints/",
]  # fmt: skip

# What a member opens besides: of the site, of sign-in, of cases.
BESIDE = [
    "/claims/", "/claims/new/", "/standing-by/", "/my-data/readers/", "/pools/village/notices/",
    f"{VILLAGE}proofs/1/", "/accounts/email/", "/accounts/2fa/", "/accounts/password/change/",
]  # fmt: skip
# Slow 3G: 400 kbit/s, and 400 ms until anything comes.
SLOW_BYTES, LATENCY_MS = 400_000 // 8, 400


@dataclass
class Scale:
    """Weighs each page that is opened, with all that belongs to it, as it comes over the wire to an empty phone."""

    page: Page
    wire: CDPSession
    weights: dict[str, int] = field(default_factory=dict)
    millis: dict[str, float] = field(default_factory=dict)
    _sizes: list[float] = field(default_factory=list)

    def listen(self) -> None:
        """Begin to listen; nothing stays in the phone between two pages."""
        self.wire.on("Network.loadingFinished", lambda got: self._sizes.append(got["encodedDataLength"]))
        self.wire.send("Network.enable")
        self.wire.send("Network.setCacheDisabled", {"cacheDisabled": True})

    def slow_down(self) -> None:
        """From now on let everything come as over slow 3G."""
        slow = {
            "offline": False,
            "latency": LATENCY_MS,
            "downloadThroughput": SLOW_BYTES,
            "uploadThroughput": SLOW_BYTES,
        }
        self.wire.send("Network.emulateNetworkConditions", slow)

    def open(self, address: str) -> None:
        """Open a page of ours and weigh it."""
        self._sizes.clear()
        answer = self.page.goto(address, wait_until="networkidle")
        assert answer is not None
        assert answer.ok, f"{address}: {answer.status}"
        self.weights[address] = round(sum(self._sizes))
        self.millis[address] = answer.request.timing["responseEnd"]
        assert self.weights[address] > 5_000, f"nothing of {address} was weighed"

    @property
    def too_heavy(self) -> dict[str, int]:
        """Return the pages that weigh more than one may."""
        return {address: weight for address, weight in self.weights.items() if weight > MOST_BYTES}


@contextmanager
def scale(chrome: Browser, live: str, who: str) -> Iterator[Scale]:
    """Give the test a phone without scripts, of somebody who is signed in."""
    look = {"viewport": {"width": 390, "height": 844}, "java_script_enabled": False}
    with quiet_page(chrome, live, locale="zh-CN", **look) as page:
        become(page, who)
        made = Scale(page, page.context.new_cdp_session(page))
        made.listen()
        yield made


def test_joining_is_light_and_goes_without_scripts_over_slow_3g(chrome: Browser, live: str) -> None:
    with scale(chrome, live, "neighbor") as phone:
        page = phone.page
        phone.slow_down()
        phone.open(f"{GUILD}join/")
        press(page.locator("form[action$='/join/begin/']"))
        while not page.url.endswith("/sign/"):
            answer_step(page)
        for step in STEPS:
            phone.open(f"{GUILD}join/{step}/")
        press(own_form(page))
        assert page.url.endswith(f"{GUILD}me/")
        for address in (f"{GUILD}me/", f"{GUILD}me/invitations/", f"{GUILD}me/leave/"):
            phone.open(address)
    assert phone.too_heavy == {}
    # It was as slow as that, or nothing is shown by it.
    assert min(phone.millis.values()) >= LATENCY_MS


def answer_step(page: Page) -> None:
    """Fill in a step of joining as a healthy person who has read everything, and send it."""
    step = page.url.rstrip("/").rpartition("/")[2]
    assert step in STEPS, page.url
    form = own_form(page)
    if step == "health":
        form.locator("[name=answer][value=no]").check()
    elif step == "plainly":
        for name, answer in (
            ("is_insurance", "no"),
            ("can_rise", "yes"),
            ("can_close", "yes"),
            ("replaces_medical", "no"),
        ):
            form.locator(f"[name={name}][value={answer}]").check()
    elif step in {"covenant", "consent"}:
        for box in form.locator("[type=checkbox]").all():
            box.check()
    press(form)


def test_belonging_is_light_and_goes_without_scripts(chrome: Browser, live: str) -> None:
    with scale(chrome, live, "member") as phone:
        page = phone.page
        for address in LIFE:
            phone.open(address)
        # An adult of the family is invited.
        phone.open(f"{VILLAGE}family/add/")
        own_form(page).locator("[name=relation][value=spouse]").check()
        press(own_form(page))
        expect(page.locator("[name=pays]")).to_be_checked()
        press(own_form(page))
        expect(page.locator("code", has_text=re.compile("/pools/village/join/by/"))).to_have_count(1)
        go_by(page.locator("form[action$='/take-back/'] button").first)
        # Going on at the last age is signed and taken back.
        phone.open(f"{MAKERS}going-on/")
        for box in page.locator("#ahead [type=checkbox]").all():
            box.check()
        press(page.locator("#ahead"))
        expect(page.locator("#ahead")).to_have_count(0)
        page.locator("details.confirm summary").click()
        press(page.locator("form[action$='/take-back/']"))
        expect(page.locator("#ahead")).to_have_count(1)
        # Leaving is shown with whom it takes along, and nothing is done yet.
        phone.open(f"{VILLAGE}leave/")
        expect(page.locator("[name=children]")).to_have_count(2)
    assert phone.too_heavy == {}


@pytest.mark.parametrize(("locale", "scheme"), [("en-US", "light"), ("zh-CN", "dark")])
def test_pages_of_a_member_have_no_fault_and_fit_a_thumb(
    chrome: Browser, live: str, locale: str, scheme: str
) -> None:
    look = {"viewport": {"width": 390, "height": 844}, "color_scheme": scheme}
    faults = {}
    with quiet_page(chrome, live, locale=locale, **look) as page:
        become(page, "member")
        for address in LIFE + BESIDE:
            answer = page.goto(address)
            assert answer is not None
            assert answer.ok, f"{address}: {answer.status}"
            assert str(page.locator("html").get_attribute("lang")).startswith(locale[:2])
            if found := faults_of(page, by_thumb=True):
                faults[address] = found
    assert faults == {}
