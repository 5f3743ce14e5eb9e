"""How claims end: each ending is played by its people through the pages, in English and in Chinese.

Papers are asked for twice, then the aid is granted. Two reviews refuse, and a jury grants. An objection is upheld. A
claim is taken back while a jury is drawn. Two second reviewers decide at the same instant. That a claim is approved and
paid is a journey of its own.
"""

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from aidplatform.site.demo.people import born_of
from aidplatform.testing.browser import Demonstration, become, manage, quiet_page, running
from aidplatform.tests.test_browser_journey import PATIENCE, Journey, own_form, press
from claims.filing.models import Claim
from claims.publicity.triggers import DAYS_FOR_TWO, DAYS_TO_REPLY

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]
POOL, BROKER, PASSWORD = "harbor", "gw12", "a long sentence nobody guesses"
WAITED, PUBLICITY_DAY, PUBLICITY_ENDS = dt.date(2026, 3, 13), dt.date(2026, 4, 7), dt.date(2026, 4, 10)
HEARD = PUBLICITY_DAY + dt.timedelta(days=DAYS_FOR_TWO + DAYS_TO_REPLY)
# Of either language, the number of who lives which ending.
ENDINGS = ("asked", "judged", "objected", "withdrew", "raced")
CLAIMANTS = {"en-US": 1, "zh-CN": 1 + len(ENDINGS)}
# The demonstration is played by its cast; claimants and jurors sign in with a password.
FOUND = f"""
import datetime as dt
from aidplatform.lib import clock
from aidplatform.site.demo import deeds
from aidplatform.site.demo.clock import let_clock_run_from, morning_of, stop_clock_at
from aidplatform.site.demo.people import NEIGHBOR, cast_member, make_villager
from aidplatform.site.demo.pools import Founding, aid_rows, found, small_terms
from aidplatform.work.models import Installation
from claims.jury.exam import questions_for
from claims.jury.selectors import jury_in_force
from claims.jury.services import offer_to_judge
opened = dt.date(2026, 3, 1)
stop_clock_at(morning_of(opened))
terms = small_terms(
    aid=aid_rows(900_000, 600_000, 200_000), waiting_days=10, minimum_members=5, appeal_days=30,
    jury=dict(
        tenure_days=5, seats=5, reserves=4, quorum=3, threshold_permille=500, inclusive=True, voting_hours=72,
        take_days=30,
    ),
)
pool = found(Founding({POOL!r}, "Harbor", "港湾互助", {{0: 100}}, opened, terms, "6222 0000 0000 0058 01"))
deeds.join(pool, cast_member(NEIGHBOR), 99)
version, jury = jury_in_force(pool, opened)
for number in range(1, 45):
    person = make_villager(pool.code, number)
    person.set_password({PASSWORD!r})
    person.save()
    deeds.join(pool, person, number)
    if number > {2 * len(ENDINGS)}:
        answers = {{one.code: one.right for one in questions_for(version.plan(), jury, person.code)}}
        offer_to_judge(pool=pool, person=person, answers=answers, at=clock.now())
let_clock_run_from(morning_of(opened))
Installation.objects.update(demo_ready=True)
"""
WORDS = {
    "claimant": "seven red kettles", "pool_admin": "a late tram in the rain", "controller": "blue gate and wet dog",
    "treasurer": "nine cold plums", "auditor": "an owl over the mill",
}  # fmt: skip
VOTES = ("for", "against", "for", "for")


@dataclass
class Ending(Journey):
    """One claim: the browser of its claimant, the browser of everybody else, and how it ends."""

    pool: str = POOL
    role: str = ""

    @property
    def number(self) -> int:
        """Return which villager claims."""
        return CLAIMANTS[self.language] + ENDINGS.index(self.role)

    @property
    def born(self) -> dt.date:
        """Return the birth date of the claimant."""
        return born_of(self.number + 40 * len(self.pool))

    @property
    def desk(self) -> str:
        """Return the reviewers' page of the claim."""
        return f"{self.address}review/{self.claim}/"

    def look(self, name: str, page: Page | None = None) -> None:
        """Look at a page, named by the ending as well."""
        super().look(f"{self.role} {name}", page)

    def sign_in(self, number: int) -> None:
        """Let a villager sign in at the claimant's browser."""
        page = self.claimant
        page.context.clear_cookies()
        page.goto("/accounts/login/")
        page.locator("[name=login]").fill(f"{self.pool}-{number:02d}@demo.invalid")
        page.locator("[name=password]").fill(PASSWORD)
        press(page.locator("form[action='/accounts/login/']"))

    def begin(self) -> None:
        """Sign in and file."""
        self.sign_in(self.number)
        self.file_claim()

    def stands_at(self, *states: str) -> None:
        """Demand where the claim's own page says that it is; a job may take a moment to bring it there."""
        with self.speaking():
            wanted = {str(Claim.State(state).label) for state in states}
        badge = self.claimant.locator(".page-header .badge").first
        for _look in range(120):
            self.claimant.goto(f"/claims/{self.claim}/")
            if (said := badge.inner_text().strip()) in wanted:
                return
            self.claimant.wait_for_timeout(250)
        raise AssertionError(f"{self.role} {self.language}: {said}, not {wanted}")

    # --- reviewers ----------------------------------------------------------------------------------------------

    def take_up(self, reviewer: str = "reviewer") -> Page:
        """Let a reviewer take the claim up and look at it."""
        page = self.others
        become(page, reviewer)
        page.goto(self.desk)
        press(page.locator("form[action$='/assign/']"))
        return page

    def ask_for(self, kind: str) -> None:
        """Take the claim up, and ask for a paper."""
        page = self.take_up()
        form = page.locator("form[data-work=a]")
        form.locator(f"[name=kinds][value={kind}]").check()
        form.locator("[name=message]").fill(f"Please add: {kind}")
        with page.expect_navigation(timeout=PATIENCE):
            form.locator("button").first.click()
        self.stands_at("papers_requested")
        expect(self.claimant.locator("main .alert-warning")).to_contain_text(f"Please add: {kind}")
        self.look(f"asked for {kind}")

    def supply(self, kind: str, shade: int) -> None:
        """Add the paper that was asked for, and hand the claim back."""
        page = self.claimant
        page.goto(f"/claims/{self.claim}/edit/papers/")
        self.add_paper(kind, shade)
        page.goto(page.url.replace("/papers/", "/public/"))
        page.locator("[name=agreed]").check()
        press(own_form(page))
        self.stands_at("filed", "under_review")

    def judge(self, outcome: str, *, decider: str = "second_reviewer") -> None:
        """Recommend, and decide likewise."""
        page = self.others
        self.fill_in(page.locator("form[action*='/recommend/']"), outcome)
        press(page.locator("form[action*='/recommend/']"))
        become(page, decider)
        page.goto(self.desk)
        self.ready_to_decide(page, outcome)
        press(page.locator("form[action*='/decide/']"))

    def fill_in(self, form: Locator, outcome: str) -> None:
        """Fill in a judgment."""
        form.locator("[name=outcome]").select_option(outcome)
        form.locator("[name=clause]").select_option("aid")
        form.locator("[name=papers]").first.check()
        form.locator("[name=reason]").fill(f"I have read the papers: {outcome}.")

    def ready_to_decide(self, page: Page, outcome: str) -> None:
        """Fill in a decision and open its confirmation."""
        form = page.locator("form[action*='/decide/']")
        self.fill_in(form, outcome)
        form.locator("details.confirm summary").click()

    def refuse_twice(self) -> None:
        """Refuse; the claimant appeals; two other people refuse again."""
        self.take_up()
        self.judge("rejected")
        self.stands_at("rejected")
        page = self.claimant
        page.locator("#appeal ~ details summary, [aria-labelledby=appeal] summary").first.click()
        form = page.locator("form[action$='/appeal/']")
        form.locator("[name=reason]").fill("The second report was not read.")
        self.look("before the appeal")
        press(form)
        self.stands_at("appealed")
        self.take_up("other_reviewer")
        self.judge("rejected", decider="third_reviewer")
        self.stands_at("refused_finally")
        self.look("refused on appeal")

    # --- the jury -----------------------------------------------------------------------------------------------

    def take_to_jury(self) -> str:
        """Take it to the jury; returns the address of the draw."""
        page = self.claimant
        page.goto(f"/claims/{self.claim}/jury/")
        page.locator("[name=statement]").fill("Please read the second report: it names the stroke.")
        page.locator("[name=shows_reasons]").check()
        self.look("before the jury")
        press(page.locator("main form.stack"))
        draw = page.url
        self.stands_at("before_jury")
        return draw

    def commit(self, page: Page, draw: str, role: str) -> None:
        """Commit to words as a witness; the browser hashes them."""
        page.goto(draw)
        page.locator("#own-words").fill(WORDS[role])
        expect(page.locator("[name=sha256]")).to_have_value(re.compile("^[0-9a-f]{64}$"))
        press(page.locator("form[action$='/commit/']"))

    def tell(self, page: Page, draw: str, role: str) -> None:
        """Tell these words."""
        page.goto(draw)
        page.locator("[name=words]").fill(WORDS[role])
        press(page.locator("form[action$='/words/']"))

    def draw_jury(self, draw: str) -> None:
        """All five witnesses commit, and then tell their words."""
        for act in (self.commit, self.tell):
            act(self.claimant, draw, "claimant")
            for role in list(WORDS)[1:]:
                become(self.others, role)
                act(self.others, draw, role)
        self.others.goto(draw)
        expect(self.others.locator("[aria-labelledby=drawn] tbody tr")).to_have_count(9)
        self.look("draw", self.others)


@dataclass
class Harbor:
    """The pool of all endings."""

    demonstration: Demonstration
    staff: Journey

    def go_to(self, day: dt.date) -> None:
        """Let the days come up to that one."""
        days = (day - self.staff.today()).days
        if days > 0:
            self.staff.move_clock(days)

    def seated(self, claim: str) -> list[int]:
        """Return which villagers sit on the jury of a claim, in the order of the draw: no page tells it."""
        with psycopg.connect(self.demonstration.stack.app_url) as connection:
            rows = connection.execute(
                """SELECT u.email FROM claims_juryseat s JOIN claims_jurydraw d ON d.id = s.draw_id
                     JOIN claims_claim c ON c.id = d.claim_id JOIN members_user u ON u.id = s.person_id
                    WHERE c.code = %s AND s.state = 'seated' ORDER BY s.number""",
                [claim],
            ).fetchall()
        return [int(email.partition("@")[0].rpartition("-")[2]) for (email,) in rows]

    def decisions(self, claim: str) -> int:
        """Return how many decisions stand on a claim."""
        with psycopg.connect(self.demonstration.stack.app_url) as connection:
            row = connection.execute(
                """SELECT count(*) FROM claims_decision d JOIN claims_claim c ON c.id = d.claim_id
                    WHERE c.code = %s""",
                [claim],
            ).fetchone()
        assert row is not None
        return int(row[0])


@pytest.fixture(scope="module")
def harbor_demonstration(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demonstration]:
    """Run a demonstration of its own, whose calendar nobody else moves."""
    with running(tmp_path_factory.mktemp("harbor"), BROKER, AID_TICK_SECONDS="2") as made:
        manage(made.stack, "shell", "-c", FOUND)
        yield made


def test_every_ending(chrome: Browser, harbor_demonstration: Demonstration, tmp_path: Path) -> None:
    """Play all of them in both languages: the calendar is one for all."""
    address = harbor_demonstration.address
    with (
        quiet_page(chrome, address, locale="en-US", viewport={"width": 390, "height": 844}) as english,
        quiet_page(chrome, address, locale="zh-CN", viewport={"width": 390, "height": 844}) as chinese,
        quiet_page(chrome, address, locale="en-US", viewport={"width": 1280, "height": 900}) as staff,
        quiet_page(chrome, address, locale="zh-CN", viewport={"width": 1280, "height": 900}) as chinese_staff,
    ):
        pages = {"en-US": (english, staff), "zh-CN": (chinese, chinese_staff)}
        harbor = Harbor(harbor_demonstration, Journey(staff, staff, "en-US", tmp_path, pool=POOL))
        harbor.go_to(WAITED)
        harbor.staff.share()  # the first period, without a case
        played = {
            (role, language): Ending(claimant, others, language, tmp_path, role=role)
            for language, (claimant, others) in pages.items()
            for role in ENDINGS
        }
        for ending in played.values():
            ending.begin()
            PLAY[ending.role](harbor, ending)
        judged = [ending for ending in played.values() if ending.role == "judged"]
        harbor.go_to(WAITED + dt.timedelta(days=4))
        for ending in judged:
            ending.sign_in(ending.number)
            ending.stands_at("approved", "in_publicity")
            ending.look("granted by the jury")
        harbor.go_to(PUBLICITY_DAY)
        for ending in played.values():
            if ending.role == "objected":
                object_to(ending)
        harbor.go_to(PUBLICITY_ENDS)
        objected = {ending.language: ending for ending in played.values() if ending.role == "objected"}
        reply(objected["en-US"])
        uphold(objected["en-US"])
        harbor.go_to(HEARD)
        uphold(objected["zh-CN"])
        ends = {"asked": "awarded", "judged": "awarded", "objected": "overturned", "withdrew": "withdrawn",
                "raced": "rejected"}  # fmt: skip
        for ending in played.values():
            ending.sign_in(ending.number)
            ending.stands_at(ends[ending.role])
            ending.look("end")


def be_asked(_harbor: Harbor, ending: Ending) -> None:
    """Two papers are asked for, one after the other; then the aid is granted."""
    for shade, kind in enumerate(("pathology", "bill"), start=3):
        ending.ask_for(kind)
        ending.supply(kind, shade)
    ending.take_up()
    ending.judge("approved")
    ending.stands_at("approved", "in_publicity")


def be_judged(harbor: Harbor, ending: Ending) -> None:
    """Two reviews refuse, and drawn members grant."""
    ending.refuse_twice()
    draw = ending.take_to_jury()
    ending.draw_jury(draw)
    seated = harbor.seated(ending.claim)
    assert len(seated) == 5
    for number, vote in zip(seated, VOTES, strict=False):
        ending.sign_in(number)
        page = ending.claimant
        page.goto(f"{draw}seat/")
        page.locator(f"[name=vote][value={vote}]").check()
        ending.look(f"ballot {vote}")
        press(page.locator("form[action$='/vote/']"))
        assert page.locator("form[action$='/vote/']").count() == 0
    page.goto(draw)
    shown = page.locator("[aria-labelledby=verdict]").inner_text()
    assert "4" in shown
    assert page.locator("[aria-labelledby=verdict] .badge").count() == 0


def be_objected_to(_harbor: Harbor, ending: Ending) -> None:
    """It is granted; what comes of it is told when it is public."""
    ending.take_up()
    ending.judge("approved")
    link = ending.claimant.locator("main a[href*='/notices/']")
    ending.wait_for(link, f"/claims/{ending.claim}/")
    ending.case = str(link.get_attribute("href")).rstrip("/").rpartition("/")[2]


def object_to(ending: Ending) -> None:
    """A neighbor objects to the public case; nobody upholds it before its claimant could read it and reply."""
    page, case = ending.others, f"{ending.address}notices/{ending.case}/"
    become(page, "neighbor")
    page.goto(case)
    page.locator("[aria-labelledby=object] summary").click()
    page.locator("form[action$='/object/'] [name=reason]").fill(
        "It was known a year before the person joined."
    )
    ending.look("object", page)
    press(page.locator("form[action$='/object/']"))
    ending.sign_in(ending.number)
    ending.stands_at("objected")
    become(page, "third_reviewer")
    page.goto(case)
    form = page.locator("form[action$='/answer/']")
    expect(form.locator("[name=upheld] option")).to_have_count(1)
    ending.look("not to be upheld yet", page)


def reply(ending: Ending) -> None:
    """The claimant reads what is held against the case, and replies."""
    page = ending.claimant
    ending.sign_in(ending.number)
    page.goto(f"/claims/{ending.claim}/")
    form = page.locator("form[action$='/reply/']")
    form.locator("[name=text]").fill("The older report is of my sister.")
    ending.look("reply")
    press(form)
    expect(page.locator("main")).to_contain_text("The older report is of my sister.")


def uphold(ending: Ending) -> None:
    """A second reviewer who had no part in the case upholds what was held against it."""
    page, case = ending.others, f"{ending.address}notices/{ending.case}/"
    become(page, "third_reviewer")
    page.goto(case)
    form = page.locator("form[action$='/answer/']")
    form.locator("[name=upheld]").select_option("yes")
    form.locator("[name=answer]").fill("An older report was found: it began before joining.")
    ending.look("answer", page)
    press(form)
    ending.sign_in(ending.number)
    ending.stands_at("overturned")
    expect(ending.claimant.locator("main")).to_contain_text("An older report was found")


def be_withdrawn(_harbor: Harbor, ending: Ending) -> None:
    """Two reviews refuse; while its jury is being drawn the claimant takes the claim back."""
    ending.refuse_twice()
    draw = ending.take_to_jury()
    ending.commit(ending.claimant, draw, "claimant")
    page = ending.claimant
    page.goto(f"/claims/{ending.claim}/")
    page.locator("details.confirm:has(form[action$='/withdraw/']) summary").click()
    press(page.locator("form[action$='/withdraw/']"))
    ending.stands_at("withdrawn")
    ending.look("withdrawn before the jury")
    become(ending.others, "pool_admin")
    ending.others.goto(draw)
    assert ending.others.locator("form[action$='/commit/']").count() == 0


def be_raced(harbor: Harbor, ending: Ending) -> None:
    """Two second reviewers look at the same recommendation and decide in the same instant: one does, one is told."""
    ending.take_up()
    page = ending.others
    ending.fill_in(page.locator("form[action*='/recommend/']"), "rejected")
    press(page.locator("form[action*='/recommend/']"))
    with page.context.browser.new_context(  # type: ignore[union-attr]
        base_url=harbor.demonstration.address, locale=ending.language
    ) as context:
        rival = context.new_page()
        answers: list[int] = []
        for one, decider in ((page, "second_reviewer"), (rival, "third_reviewer")):
            become(one, decider)
            one.goto(ending.desk)
            ending.ready_to_decide(one, "rejected")
        for one in (page, rival):
            one.on("response", lambda got: answers.append(got.status) if "/decide/" in got.url else None)
        for one in (page, rival):
            one.locator("form[action*='/decide/']").evaluate(
                "form => setTimeout(() => form.requestSubmit(form.querySelector('.confirm button')), 50)"
            )
        for _look in range(120):
            if len(answers) == 2:
                break
            page.wait_for_timeout(250)
        assert sorted(answers) == [302, 409]
        late = rival if answers[1] == 409 and rival.locator(".alert-refused").count() else page
        late.wait_for_load_state()
        refused = [one for one in (page, rival) if one.locator(".alert-refused").count()]
        assert len(refused) == 1
        assert refused[0].locator(".alert-refused").first.inner_text().strip()
    assert harbor.decisions(ending.claim) == 1


PLAY = {
    "asked": be_asked,
    "judged": be_judged,
    "objected": be_objected_to,
    "withdrew": be_withdrawn,
    "raced": be_raced,
}
