"""People from outside look into a claim, review an appeal and decide in place of a jury: played in both languages.

A reviewer asks an investigator, who opens the link with a passkey, reads and reports; the claimant answers, two decide.
A tiny pool lacks people: somebody from outside recommends on an appeal, and an arbiter decides where no jury is drawn.
"""

import datetime as dt
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

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

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]
POOL, TINY, BROKER = "quay", "inlet", "gw11"
WAITED = dt.date(2026, 3, 13)
# Of either language, the numbers of who claims and of the guests, who are no members.
CLAIMANTS, GUESTS = {"en-US": 1, "zh-CN": 2}, {"en-US": (21, 22), "zh-CN": (23, 24)}
# The tiny pool is older: its two claims wait with their appeals on the day on which the other one begins.
FOUND = f"""
import datetime as dt
from allauth.account.models import EmailAddress
from aidplatform.site.demo import deeds
from aidplatform.site.demo.appeal import appeal
from aidplatform.site.demo.clock import let_clock_run_from, morning_of, stop_clock_at
from aidplatform.site.demo.people import cast_member, make_villager
from aidplatform.site.demo.pools import Founding, aid_rows, found, small_terms
from aidplatform.testing.world import lay_down_all
from aidplatform.work.models import Installation
def people(pool, members):
    for number in (*range(1, members + 1), *{[number for pair in GUESTS.values() for number in pair]!r}):
        person = make_villager(pool.code, number)
        person.set_password({PASSWORD!r})
        person.save()
        if number <= members:
            deeds.join(pool, person, number)
        else:  # second factors are for proven addresses
            EmailAddress.objects.update_or_create(
                user=person, email=person.email, defaults=dict(verified=True, primary=True)
            )
opened = dt.date(2026, 3, 1)
common = dict(aid=aid_rows(900_000, 600_000, 200_000), waiting_days=10, minimum_members=5)
before = opened - dt.timedelta(days=22)
stop_clock_at(morning_of(before))
terms = small_terms(
    **common, appeal_days=30,
    jury=dict(
        tenure_days=5, seats=5, reserves=4, quorum=3, threshold_permille=500, inclusive=True, voting_hours=72,
        take_days=30,
    ),
)
pool = found(Founding({TINY!r}, "Inlet", "小湾互助", {{0: 100}}, before, terms, "6222 0000 0000 0058 03"))
people(pool, 8)
stop_clock_at(morning_of(opened))
for number in {tuple(CLAIMANTS.values())!r}:
    person = make_villager(pool.code, number)
    deeds.file_claim(deeds.draft_claim(pool, person, "stroke_mild"))
    claim = deeds.latest_claim(pool, person)
    deeds.take_up(claim)
    deeds.recommend(claim, "rejected")
    deeds.decide(claim, "rejected")
    appeal(pool, person)
# Who could hear the appeals gives the duty up: the reviewer who is left has heard the claims before.
lay_down_all(cast_member("other_reviewer"))
terms = small_terms(
    **common,
    investigation=dict(days=14, agreed_above_fen=50_000, most_fen=300_000, borne_by="shared", answer_days=7),
)
people(found(Founding({POOL!r}, "Quay", "码头互助", {{0: 100}}, opened, terms, "6222 0000 0000 0058 02")), 20)
let_clock_run_from(morning_of(opened))
Installation.objects.update(demo_ready=True)
"""


def sign_in_with_passkey(guest: Page, email: str, link: str) -> None:
    """Add a passkey to the account of a guest, and come back with it by the link."""
    guest.goto("/accounts/login/")
    guest.locator("[name=login]").fill(email)
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
    with guest.expect_navigation(url=f"**{urlsplit(link).path}"):
        guest.locator("#passkey_login").click()


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
        sign_in_with_passkey(guest, f"{self.pool}-{GUESTS[self.language][0]:02d}@demo.invalid", link)
        self.look("by the link", guest)
        assert self.claim not in guest.content()
        press(guest.locator("main form.section"))
        self.look("the case", guest)
        expect(guest.locator("[aria-labelledby=question]")).to_contain_text("Was she treated there in March?")
        expect(guest.locator("[aria-labelledby=papers] li")).to_have_count(3)
        return guest.url

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


@dataclass
class Lacking(Ending):
    """One claim for which the pool lacks a reviewer, and then jurors."""

    pool: str = TINY
    role: str = "outside"

    @property
    def number(self) -> int:
        """Return which villager claims."""
        return CLAIMANTS[self.language]

    def find_claim(self) -> None:
        """Sign in as the claimant, and open the claim that waits with its appeal."""
        self.sign_in(self.number)
        self.claimant.goto("/claims/")
        address = self.claimant.locator("main a[href*='/claims/CL-']").first.get_attribute("href")
        self.claim = str(address).rstrip("/").rpartition("/")[2]
        self.stands_at("appealed")

    def appoint(self, address: str, name: str, **more: str) -> str:
        """Let a pool admin propose somebody and a controller agree; returns the link, which is mailed as well."""
        page = self.others
        become(page, "pool_admin")
        page.goto(address)
        form = page.locator("form[action$='/propose/']")
        for field, text in {"name": name, **more}.items():
            form.locator(f"[name={field}]").fill(text)
        self.look("to be proposed", page)
        press(form)
        become(page, "controller")
        page.goto(address)
        press(page.locator("form[action$='/agree/']"))
        become(page, "pool_admin")
        page.goto(address)
        form = page.locator("form[action$='/link/']")
        form.locator("[name=address]").fill("guest@example.net")
        press(form)
        expect(page.locator("[aria-labelledby=made]")).to_contain_text("guest@example.net")
        self.look("link made", page)
        return page.locator("#made-link").inner_text().strip()

    def take_on(self, guest: Page, number: int, link: str) -> str:
        """Let a guest sign in with a passkey and take it on; returns the address of what they see."""
        sign_in_with_passkey(guest, f"{self.pool}-{number:02d}@demo.invalid", link)
        self.look("by the link", guest)
        assert self.claim not in guest.content()
        press(guest.locator("main form.section"))
        return guest.url

    def recommend(self, guest: Page, case: str) -> None:
        """Let the outside reviewer open a paper for a purpose, recommend, and see nothing any more."""
        guest.locator("[aria-labelledby=papers] a").first.click()
        guest.locator("[name=purpose]").select_option(index=1)
        press(own_form(guest))
        self.look("a paper", guest)
        guest.goto(case)
        self.look("the claim", guest)
        form = guest.locator("form[action$='/recommend/']")
        self.fill_in(form, "rejected")
        press(form)
        self.look("recommended", guest)
        self.is_absent(guest, case)

    def refuse(self) -> None:
        """Let the second reviewer who is left agree."""
        page = self.others
        become(page, "third_reviewer")
        page.goto(self.desk)
        self.ready_to_decide(page, "rejected")
        press(page.locator("form[action*='/decide/']"))
        self.stands_at("refused_finally")
        self.look("refused")

    def take_to_jury(self) -> str:
        """Take it to the jury, for which the pool is too small; returns the address of the arbitration."""
        page = self.claimant
        page.goto(f"/claims/{self.claim}/jury/")
        page.locator("[name=statement]").fill("Please read the second report: it names the stroke.")
        page.locator("[name=shows_reasons]").check()
        self.look("no jury can be drawn")
        press(page.locator("main form.stack"))
        self.stands_at("before_jury")
        self.look("waits for an arbiter")
        address = page.locator("main a[href*='/arbitrations/']").first.get_attribute("href")
        return str(address)

    def decide_as_arbiter(self, guest: Page, case: str) -> None:
        """Let the arbiter read what jurors would, grant the aid, and see nothing any more."""
        self.look("the case", guest)
        form = guest.locator("form[action$='/decide/']")
        form.locator("[name=outcome][value=for]").check()
        form.locator("[name=reason]").fill("The second report names the stroke, and it is in the plan.")
        press(form)
        self.look("decided", guest)
        self.is_absent(guest, case)
        self.stands_at("approved", "in_publicity")
        self.look("granted")

    def is_absent(self, guest: Page, address: str) -> None:
        """Demand that a guest has no more access."""
        answer = guest.goto(address)
        assert answer is not None
        assert answer.status == 404


@pytest.fixture(scope="module")
def shore(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demonstration]:
    """Run a demonstration of its own: a pool whose plan knows investigations, and a tiny one that lacks people."""
    with running(tmp_path_factory.mktemp("shore"), BROKER, AID_TICK_SECONDS="2") as made:
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


@pytest.mark.parametrize("language", list(CLAIMANTS))
def test_people_from_outside_review_and_decide_where_a_pool_lacks_them(
    chrome: Browser, shore: Demonstration, tmp_path: Path, language: str
) -> None:
    small = {"locale": language, "viewport": {"width": 390, "height": 844}}
    wide = {"locale": language, "viewport": {"width": 1280, "height": 900}}
    with ExitStack() as opened:
        claimant, others, reviewer, arbiter = (
            opened.enter_context(quiet_page(chrome, shore.address, **look))
            for look in (small, wide, small, wide)
        )
        for guest in (reviewer, arbiter):
            opened.enter_context(phone(guest))
        played = Lacking(claimant, others, language, tmp_path)
        first, second = GUESTS[language]
        played.find_claim()
        appointing = f"{played.address}outside-reviews/{played.claim}/"
        link = played.appoint(appointing, "Dr Zhou, oncologist, Ningbo", reason="Nobody of ours is left.")
        case = played.take_on(reviewer, first, link)
        played.recommend(reviewer, case)
        played.refuse()
        link = played.appoint(played.take_to_jury(), "Zhao Min, mediation centre of Tianjin")
        played.decide_as_arbiter(arbiter, played.take_on(arbiter, second, link))


def test_claim_is_looked_into_from_outside(chrome: Browser, shore: Demonstration, tmp_path: Path) -> None:
    """Play it in both languages, one after the other on one calendar."""
    for language in CLAIMANTS:
        with pages(chrome, shore.address, language) as (claimant, others, guest):
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
