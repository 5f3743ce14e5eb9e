"""Somebody from outside looks into a claim: played by its people through the pages, in English and in Chinese.

A reviewer asks for it, the guest opens the link with a passkey, reads and reports, the claimant answers, two decide.
"""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from aidplatform.testing.browser import (
    Demonstration,
    become,
    manage,
    quiet_page,
    running,
)
from aidplatform.tests.test_browser_accounts import phone
from aidplatform.tests.test_browser_ends import PASSWORD, Ending
from aidplatform.tests.test_browser_journey import own_form, press

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
POOL, BROKER = "quay", "gw11"
WAITED = dt.date(2026, 3, 13)
# Of either language, the numbers of who claims and of the guest, who is no member.
CLAIMANTS, GUESTS = {"en-US": 1, "zh-CN": 2}, {"en-US": 21, "zh-CN": 22}
FOUND = f"""
import datetime as dt
from allauth.account.models import EmailAddress
from aidplatform.site.demo import deeds
from aidplatform.site.demo.clock import let_clock_run_from, morning_of, stop_clock_at
from aidplatform.site.demo.people import make_villager
from aidplatform.site.demo.pools import Founding, aid_rows, found, small_terms
from aidplatform.work.models import Installation
opened = dt.date(2026, 3, 1)
stop_clock_at(morning_of(opened))
terms = small_terms(
    aid=aid_rows(900_000, 600_000, 200_000), waiting_days=10, minimum_members=5,
    investigation=dict(days=14, agreed_above_fen=50_000, most_fen=300_000, borne_by="shared", answer_days=7),
)
pool = found(Founding({POOL!r}, "Quay", "码头互助", {{0: 100}}, opened, terms, "6222 0000 0000 0058 02"))
for number in (*range(1, 21), *{tuple(GUESTS.values())!r}):
    person = make_villager(pool.code, number)
    person.set_password({PASSWORD!r})
    person.save()
    if number <= 20:
        deeds.join(pool, person, number)
    else:  # second factors are for proven addresses
        EmailAddress.objects.update_or_create(
            user=person, email=person.email, defaults=dict(verified=True, primary=True)
        )
let_clock_run_from(morning_of(opened))
Installation.objects.update(demo_ready=True)
"""


@dataclass
class Investigated(Ending):
    """One claim that somebody from outside looks into."""

    pool: str = POOL
    role: str = "investigated"

    @property
    def number(self) -> int:
        """Return which villager claims."""
        return CLAIMANTS[self.language]

    def order(self) -> str:
        """Take the claim up and ask somebody from outside; returns the link that is shown once."""
        page = self.take_up()
        page.goto(f"{self.desk}investigations/order/")
        page.locator("[name=question]").fill("Was she treated there in March?")
        page.locator("[name=reason]").fill("The stamp of the hospital is not readable.")
        page.locator("[name=name]").fill("Wang Fang, Tianjin")
        page.locator("[name=most]").fill("400")
        self.look("order", page)
        press(own_form(page))
        press(page.locator("form[action$='/link/']"))
        self.look("link", page)
        link = page.locator("[aria-labelledby=made] code").inner_text().strip()
        page.goto(page.url.removesuffix("link/"))
        expect(page.locator("[aria-labelledby=made]")).to_have_count(0)
        self.stands_at("under_investigation")
        return link

    def take_on(self, guest: Page, link: str) -> str:
        """Let the guest sign in with a passkey and take it on; returns the address of the case."""
        self.sign_in_with_passkey(guest, link)
        self.look("by the link", guest)
        assert self.claim not in guest.content()
        press(guest.locator("main form.section"))
        self.look("the case", guest)
        expect(guest.locator("[aria-labelledby=question]")).to_contain_text("Was she treated there in March?")
        expect(guest.locator("[aria-labelledby=papers] li")).to_have_count(3)
        return guest.url

    def sign_in_with_passkey(self, guest: Page, link: str) -> None:
        """Add a passkey to the guest's account, and come back with it by the link."""
        guest.goto("/accounts/login/")
        guest.locator("[name=login]").fill(f"{self.pool}-{GUESTS[self.language]:02d}@demo.invalid")
        guest.locator("[name=password]").fill(PASSWORD)
        press(guest.locator("form[action='/accounts/login/']"))
        guest.goto("/accounts/2fa/webauthn/add/")
        guest.locator("[name=password]").fill(PASSWORD)  # a fresh proof
        press(guest.locator("main form").first)
        guest.locator("[name=name]").fill("Phone")
        guest.locator("[name=passwordless]").check()
        with guest.expect_navigation():
            guest.locator("#mfa_webauthn_add").click()
        guest.context.clear_cookies()
        guest.goto(link)
        with guest.expect_navigation(url=f"**{link.rpartition('/investigations')[2]}"):
            guest.locator("#passkey_login").click()

    def report(self, guest: Page, case: str) -> None:
        """Let the guest hand the report in, whereupon the case is absent for them."""
        form = guest.locator("form[action$='/report/']")
        form.locator("[name=text]").fill("The archive of the hospital has her file.")
        form.locator("[name=bill]").fill("300")
        form.locator("[name=payee_name]").fill("Wang Fang")
        form.locator("[name=payee_account]").fill("6222 1111 2222 3333")
        press(form)
        self.look("reported", guest)
        answer = guest.goto(case)
        assert answer is not None
        assert answer.status == 404

    def answer(self) -> None:
        """Let the claimant read what was found, and answer it once."""
        page = self.claimant
        page.goto(f"/claims/{self.claim}/findings/1/")
        expect(page.locator("[aria-labelledby=found]")).to_contain_text("The archive of the hospital")
        page.locator("[name=text]").fill("That is my file.")
        self.look("findings", page)
        press(own_form(page))
        assert page.locator("[name=text]").count() == 0
        self.look("answered", page)

    def decide(self) -> None:
        """Let the reviewer read the answer and recommend, and another decide."""
        page = self.others
        become(page, "reviewer")
        page.goto(self.desk)
        told = page.locator("[aria-labelledby=investigations]")
        expect(told).to_contain_text("That is my file.")
        self.judge("approved")
        self.stands_at("approved", "in_publicity")
        self.look("decided")


@pytest.fixture(scope="module")
def quay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demonstration]:
    """Run a demonstration of its own, whose plan knows investigations."""
    with running(tmp_path_factory.mktemp("quay"), BROKER, AID_TICK_SECONDS="2") as made:
        manage(made.stack, "shell", "-c", FOUND)
        yield made


@contextmanager
def pages(chrome: Browser, address: str, language: str) -> Iterator[tuple[Page, Page, Page]]:
    """Open the pages of claimant, of everybody else and of the guest, the outer two on phones."""
    small = {"locale": language, "viewport": {"width": 390, "height": 844}}
    with (
        quiet_page(chrome, address, **small) as claimant,
        quiet_page(chrome, address, locale=language, viewport={"width": 1280, "height": 900}) as others,
        quiet_page(chrome, address, **small) as guest,
        phone(guest),
    ):
        yield claimant, others, guest


def test_claim_is_looked_into_from_outside(chrome: Browser, quay: Demonstration, tmp_path: Path) -> None:
    """Play it in both languages, one after the other on one calendar."""
    for language in CLAIMANTS:
        with pages(chrome, quay.address, language) as (claimant, others, guest):
            played = Investigated(claimant, others, language, tmp_path)
            days = (WAITED - played.today()).days
            if days > 0:
                played.move_clock(days)
                played.share()  # the first period, without a case
            played.begin()
            link = played.order()
            case = played.take_on(guest, link)
            played.report(guest, case)
            played.answer()
            played.decide()
