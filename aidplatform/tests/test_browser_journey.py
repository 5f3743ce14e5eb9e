"""One case travels the whole way through the pages, by different people, in English and again in Chinese.

Nothing here knows a service: each person opens pages, fills in forms and presses buttons. Forms are found by where they
lead, so the same steps are taken in both languages.
"""

import datetime as dt
import io
import re
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from django.utils.translation import gettext, override
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from aidplatform.testing.accounting_tools import judge
from aidplatform.testing.browser import (
    Demonstration,
    become,
    faults_of,
    go_by,
    keep_picture,
    manage,
    quiet_page,
)
from ledger.books import chart
from members.joining.tests.papers import resident_id

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
PUBLICITY_DAY, CHARGE_DAY, PUBLICITY_DAYS, WAITING_DAYS = 7, 14, 3, 30
BORN = {"en-US": dt.date(1991, 4, 9), "zh-CN": dt.date(1993, 8, 17)}
PATIENCE = 180_000


@dataclass
class Journey:
    """The browsers of the claimant and of everyone else, and what the case is called by now."""

    claimant: Page
    others: Page
    language: str
    folder: Path
    pool: str = "town"
    claim: str = ""
    case: str = ""

    @property
    def born(self) -> dt.date:
        """Return the birth date of the claimant."""
        return BORN[self.language]

    def speaking(self) -> override:
        """Return the language of this journey, to say in Python what its pages say."""
        return override("zh-hans" if self.language == "zh-CN" else "en")

    @property
    def address(self) -> str:
        """Return where the pages of the pool are."""
        return f"/pools/{self.pool}/"

    # --- joining ------------------------------------------------------------------------------------------------

    def sign_up_and_join(self) -> None:
        """Make an account, and join the pool in six steps."""
        number = resident_id(BORN[self.language], "330106")
        self.join(self.claimant, f"journey-{self.language.lower()}@example.org", "林小雨", number)
        self.look("member home")

    def join(self, page: Page, email: str, name: str, number: str, by: str = "") -> None:
        """Sign up with that address and join by that identity card; by: the link of an invitation."""
        begin = by or f"{self.address}join/"
        page.goto(f"/accounts/signup/?next={self.address}join/")
        page.locator("[name=email]").fill(email)
        for field in ("password1", "password2"):
            page.locator(f"[name={field}]").fill("a long sentence nobody guesses")
        press(page.locator("form[action='/accounts/signup/']"))
        page.goto(begin)
        press(page.locator("form[action$='/join/begin/']"))
        self.say_who(page, name, number)
        for name, answer in (
            ("is_insurance", "no"), ("can_rise", "yes"), ("can_close", "yes"), ("replaces_medical", "no"),
        ):  # fmt: skip
            page.locator(f"[name={name}][value={answer}]").check()
        press(own_form(page))
        self.agree(page)
        press(own_form(page))
        assert page.url.endswith(f"{self.address}me/")

    def say_who(self, page: Page, name: str, number: str) -> None:
        """Enter an identity card, consent, and answer no to every question of the health declaration."""
        page.locator("[name=name]").fill(name)
        page.locator("[name=kind]").select_option("resident_id")
        page.locator("[name=number]").fill(number)
        self.look("join", page)
        press(own_form(page))
        self.agree(page)
        while page.url.endswith("/health/"):
            page.locator("[name=answer][value=no]").check()
            press(own_form(page))

    def agree(self, page: Page) -> None:
        """Tick every box of a step: the consents, or that the covenant was read."""
        for box in own_form(page).locator("[type=checkbox]").all():
            box.check()
        press(own_form(page))

    # --- the claim ----------------------------------------------------------------------------------------------

    def file_claim(self, event: dt.date | None = None) -> None:
        """Tell what happened, add the papers, name the account, agree to what becomes public, and file."""
        page = self.claimant
        page.goto(f"/claims/new/?pool={self.pool}")
        press(page.locator("main form[action='/claims/new/']"))
        page.locator("[name=illness]").select_option("stroke_mild")
        page.locator("[name=event_date]").fill((event or self.today()).isoformat())
        page.locator("[name=birth_date]").fill(self.born.isoformat())
        page.locator("[name=sex]").select_option("f")
        page.locator("[name=region]").select_option("zhejiang")
        page.locator("[name=story]").fill("晕倒后送医，次日确诊。")
        press(own_form(page))
        for shade, kind in enumerate(("identity", "diagnosis", "hospital_record")):
            self.add_paper(kind, shade)
        self.look("papers")
        page.goto(page.url.replace("/papers/", "/payee/"))
        page.locator("[name=payee_name]").fill("林小雨")
        page.locator("[name=payee_account]").fill("6222 0000 1234 0000 567")
        press(own_form(page))
        page.locator("[name=agreed]").check()
        self.look("what becomes public")
        press(own_form(page))
        self.claim = page.url.rstrip("/").rpartition("/")[2]
        assert self.claim.startswith("CL-")

    def add_paper(self, kind: str, shade: int) -> None:
        """Add a picture on the page of papers; a script sends it, and the page stays."""
        page, held = self.claimant, self.claimant.locator("[data-papers-held] li")
        before = held.count()
        page.locator("[name=kind]").select_option(kind)
        page.locator("[name=file]").set_input_files(self.photograph(shade))
        page.locator("main form[enctype] button.button").first.click()
        expect(held).to_have_count(before + 1)

    def review(self) -> None:
        """One reviewer takes it up and recommends; another decides."""
        page, desk = self.others, f"{self.address}review/{self.claim}/"
        become(page, "reviewer")
        page.goto(f"{self.address}review/")
        go_by(page.get_by_role("link", name=self.claim))
        press(page.locator("form[action$='/assign/']"))
        form = page.locator("form[action$='/recommend/']")
        form.locator("[name=outcome]").select_option("approved")
        form.locator("[name=clause]").select_option("aid")
        form.locator("[name=papers]").first.check()
        form.locator("[name=reason]").fill("The hospital record of that day establishes it.")
        self.look("review", page)
        press(form)
        become(page, "second_reviewer")
        page.goto(desk)
        form = page.locator("form[action$='/decide/']")
        form.locator("[name=outcome]").select_option("approved")
        form.locator("[name=clause]").select_option("aid")
        form.locator("[name=reason]").fill("I have read the same papers and agree.")
        form.locator("summary").click()
        press(form)
        link = self.claimant.locator("main a[href*='/notices/']")
        self.wait_for(link, f"/claims/{self.claim}/")
        self.case = str(link.get_attribute("href")).rstrip("/").rpartition("/")[2]

    def publish(self) -> None:
        """The day of publicity comes; a neighbor sees the case, without a name."""
        self.let_day_come(PUBLICITY_DAY)
        page = self.others
        become(page, "neighbor")
        page.goto(f"{self.address}notices/{self.case}/")
        expect(page.locator("form[action$='/object/']")).to_have_count(1)
        assert "林小雨" not in page.content()
        assert self.claim not in page.content()
        self.look("case", page)
        self.let_day_come(PUBLICITY_DAY + PUBLICITY_DAYS)
        badge = self.claimant.locator("h1 + .lead .badge, .page-header .badge").first
        self.wait_for_state(badge, "awarded")

    # --- the money ----------------------------------------------------------------------------------------------

    def share(self) -> None:
        """A pool admin does the dry run of the newest period, a controller approves it, the worker posts it."""
        page = self.others
        become(page, "pool_admin")
        page.goto(f"{self.address}periods/")
        numbers = re.findall(rf"{self.address}periods/(\d+)/", page.content())
        address = f"{self.address}periods/{max(map(int, numbers))}/"
        page.goto(address)
        press(page.locator("form[action$='/compute/']"))
        expect(page.locator(".hash").first).to_be_visible(timeout=PATIENCE)
        become(page, "controller")
        page.goto(address)
        page.locator("details.confirm summary").click()
        press(page.locator("form[action$='/approve/']"))
        # A period that needs nothing has no entry in the books, and every posted one has its charges.
        expect(page.locator("#staff-part a[href$='/charges.csv']")).to_be_visible(timeout=PATIENCE)
        self.look("period", page)

    def pay(self) -> None:
        """Members pay; the treasurer imports and orders, the controller releases, the bank confirms."""
        page = self.others
        self.let_day_come(CHARGE_DAY + 1)
        self.import_statement()
        page.goto(f"{self.address}custody/payments/")
        go_by(page.locator(f"a[href$='/payments/aid/{self.case}/']"))
        self.look("order", page)
        press(page.locator("form[action$='/order/']"))
        become(page, "controller")
        page.goto("/")
        go_by(page.locator(".todo a[href*='/custody/payments/']").first)
        if page.url.endswith("#release"):  # other cases wait as well
            go_by(page.locator("tr", has_text=self.case).locator("a[href*='/custody/payments/']").first)
        page.locator("details.confirm summary").first.click()
        self.look("release", page)
        press(page.locator("form[action$='/release/']"))
        self.move_clock(1)
        self.import_statement()
        # By its words, not by its color: the daily check rightly misses the aid of other cases, too.
        with self.speaking():
            expect(page.locator("main .alert strong").first).to_have_text(gettext("Bank = ledger"))
        receipt = self.claimant.locator("form[action$='/receipt/']")
        self.wait_for(receipt, f"/claims/{self.claim}/")
        self.look("paid")
        press(receipt)
        expect(self.claimant.locator("form[action$='/receipt/']")).to_have_count(0)

    def import_statement(self) -> None:
        """As the treasurer, take the bank's file, look at it, import it, and end on the bank's page."""
        page = self.others
        become(page, "treasurer")
        data = page.request.get(f"/demo/bank/{self.pool}/").body()
        file = self.folder / "statement.csv"
        file.write_bytes(data)
        page.goto(f"{self.address}custody/statements/")
        page.locator("[name=file]").set_input_files(file)
        press(page.locator("form[enctype]"))
        self.look("statement", page)
        press(page.locator("form[action$='/import/']"))
        page.goto(f"{self.address}custody/")

    # --- helpers ------------------------------------------------------------------------------------------------

    def today(self) -> dt.date:
        """Return the business day that the banner shows."""
        self.others.goto("/docs/")
        return dt.date.fromisoformat(str(self.others.locator("aside.demo time").get_attribute("datetime")))

    def let_day_come(self, day: int) -> None:
        """Move the clock to the next day of the month with that number."""
        today = self.today()
        coming = today + dt.timedelta(days=1)
        while coming.day != day:
            coming += dt.timedelta(days=1)
        self.move_clock((coming - today).days)

    def move_clock(self, days: int) -> None:
        """Move the clock by the form of the demonstration's page."""
        self.others.goto("/demo/")
        self.others.locator("#clock [name=days]").fill(str(days))
        press(self.others.locator("#clock form"))
        assert "since=" in self.others.url

    def wait_for(self, wanted: Locator, address: str) -> None:
        """Open the claimant's page again until something is on it."""
        for _look in range(60):
            self.claimant.goto(address)
            if wanted.count():
                return
            self.claimant.wait_for_timeout(500)
        raise AssertionError(f"{wanted} did not come to {address}")

    def wait_for_state(self, badge: Locator, state: str) -> None:
        """Open the claim again until its strip stands at a state."""
        place = ("filed", "under_review", "recommended", "in_publicity", "awarded", "shared", "paid").index(
            state
        )
        for _look in range(60):
            self.claimant.goto(f"/claims/{self.claim}/")
            if self.claimant.locator(".stages .stage").nth(place).get_attribute("aria-current") == "step":
                expect(badge).to_be_visible()
                return
            self.claimant.wait_for_timeout(500)
        raise AssertionError(f"the claim did not come to {state}")

    def photograph(self, shade: int) -> dict[str, str | bytes]:
        """Return a picture as a phone would send it; another shade is another paper."""
        out = io.BytesIO()
        Image.new("RGB", (800, 600), (60 * shade + 20, len(self.language) * 9, 90)).save(out, "JPEG")
        return {"name": f"photo {shade}.jpg", "mimeType": "image/jpeg", "buffer": out.getvalue()}

    def look(self, name: str, page: Page | None = None) -> None:
        """Look at a page as it is now: no fault of access, nothing wider than the screen, in the reader's language."""
        page = page or self.claimant
        assert faults_of(page) == [], name
        assert str(page.locator("html").get_attribute("lang")).startswith(self.language[:2].lower()), name
        keep_picture(page, f"journey-{self.language}-{name.replace(' ', '_')}")


def own_form(page: Page) -> Locator:
    """Return the form of a wizard's step: the one that is posted to its own address."""
    return page.locator("main form.stack, main form.sheet").last


def press(form: Locator) -> None:
    """Press a form's main button and wait for the page that it leads to."""
    with form.page.expect_navigation(timeout=PATIENCE):
        form.locator("button.button:not(.button-quiet)").first.click()
    assert form.page.locator(".alert-refused").count() == 0, form.page.locator(
        ".alert-refused"
    ).first.inner_text()


@pytest.mark.parametrize(("language", "width"), [("en-US", 1280), ("zh-CN", 390)])
def test_one_case_travels_the_whole_way(
    chrome: Browser, demonstration: Demonstration, language: str, width: int, tmp_path: Path
) -> None:
    """Claimant, two reviewers, neighbor, pool admin, controller, treasurer; the Chinese claimant on a phone."""
    look = {"locale": language, "viewport": {"width": width, "height": 900}}
    with (
        quiet_page(chrome, demonstration.address, **look) as claimant,
        quiet_page(chrome, demonstration.address, locale=language) as others,
    ):
        journey = Journey(claimant, others, language, tmp_path)
        journey.sign_up_and_join()
        journey.move_clock(WAITING_DAYS + 1)
        journey.share()  # the period that came due while waiting
        journey.file_claim()
        journey.review()
        journey.publish()
        journey.share()
        journey.pay()
    require_whole(demonstration, journey.case)
    books = manage(demonstration.stack, "export_books", "--format", "beancount")
    assert judge("beancount", books, tmp_path) == ""


def require_whole(demonstration: Demonstration, case: str) -> None:
    """Demand that books, bank and log are whole, and that the log holds every step of the case."""
    manage(demonstration.stack, "verify_books")
    with psycopg.connect(demonstration.stack.app_url) as connection:
        rows = connection.execute(
            """SELECT DISTINCT e.type FROM ledger_logentry e JOIN ledger_log g ON g.id = e.log_id
                WHERE g.code = 'town' AND convert_from(e.data, 'UTF8') LIKE '%%' || %s || '%%'""",
            [case],
        ).fetchall()
        said = {row[0] for row in rows}
        assert said >= {
            "claim.public",
            "period.announce",
            "period.close",
            "pay.order",
            "pay.receipt",
            "book.entry",
        }
        bank = connection.execute(
            """SELECT (SELECT closing_fen FROM ledger_bankstatement WHERE account_id = b.id
                        ORDER BY number DESC LIMIT 1),
                      (SELECT r.debit_fen - r.credit_fen FROM ledger_accountbalance r
                         JOIN ledger_account a ON a.id = r.account_id JOIN ledger_book k ON k.id = a.book_id
                        WHERE k.code = p.code AND a.code = %s)
                 FROM ledger_bankaccount b JOIN members_pool p ON p.id = b.pool_id WHERE p.code = 'town'""",
            [chart.CUSTODY],
        ).fetchone()
        assert bank is not None
        assert bank[0] == bank[1]
