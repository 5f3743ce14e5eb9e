"""What members, reviewers and treasurers do, in a real Chromium; then every page of theirs in every look."""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from aidplatform.testing.browser import (
    become,
    faults_in_every_look,
    faults_of,
    go_by,
    keep_picture,
    quiet_page,
)

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

POOL = "/pools/demo"
# Beyond the waiting period of the demonstration's member, so that the plan grants aid.
DAYS_ON = 60
# What a page may weigh where the network is slow.
MOST_BYTES = 150_000
PAGES = {
    "member": [
        "/", "/claims/", "/claims/new/", "{claim}", "{claim}letters/1/", "/notices/", "/demo/mail/",
        "/accounts/2fa/webauthn/",
        f"{POOL}/me/", f"{POOL}/me/shares/", f"{POOL}/me/proofs/1/", f"{POOL}/notices/", "{case}", "/my-data/",
    ],
    "reviewer": [
        "/", f"{POOL}/review/", f"{POOL}/review/?set=late", f"{POOL}/review/load/", f"{POOL}/review/blind/",
        f"{POOL}/review/statistics/", f"{POOL}/review-times/", "{review}", "{case}",
    ],
    "treasurer": [
        f"{POOL}/custody/", f"{POOL}/custody/statements/", f"{POOL}/custody/statements/1/",
        f"{POOL}/custody/unidentified/", f"{POOL}/custody/payments/", f"{POOL}/custody/payments/1/",
        f"{POOL}/custody/payments/aid/2026-0002/",
    ],
    "pool_admin": ["/pools/town/plan/propose/", "/pools/town/plan/proposals/1/", "/pools/town/duties/"],
    "controller": [f"{POOL}/custody/payments/1/"],
}  # fmt: skip


@contextmanager
def phone_page(chrome: Browser, live: str) -> Iterator[Page]:
    with quiet_page(chrome, live, locale="en-US", viewport={"width": 390, "height": 900}) as page:
        yield page


def press(page: Page, name: str) -> None:
    """Press the page's button of that name; the page that comes is without a fault."""
    go_by(page.locator("main").get_by_role("button", name=name, exact=True))
    keep_picture(page, f"after {name} {page.url.split('/', 3)[3]}".replace("/", "_"))
    assert faults_of(page) == []


def tick_all(page: Page) -> None:
    """Tick every box of a step of joining, and go on."""
    for box in page.locator("main form input[type=checkbox]").all():
        box.check()
    press(page, "Save and go on")


def choose(page: Page, name: str, value: str) -> None:
    page.locator(f"main select[name={name}]").select_option(value)


def write(page: Page, name: str, text: str) -> None:
    page.locator(f"main form [name={name}]").fill(text)


@pytest.fixture(scope="module")
def done(chrome: Browser, live: str) -> dict[str, str]:
    """Let a claim be filed, reviewed and made public, and a payment be ordered; return their addresses."""
    with phone_page(chrome, live) as page:
        become(page, "member")
        move_clock_on(page)
        claim = file_claim(page)
        review = f"{POOL}/review/{claim.split('/')[2]}/"
        recommend(page, review)
        decide(page, review)
        case = case_of(page, claim)
        import_statement(page)
        order_payment(page)
    return {"claim": claim, "review": review, "case": case}


def move_clock_on(page: Page) -> None:
    page.goto("/demo/")
    page.locator("#clock [name=days]").fill(str(DAYS_ON))
    go_by(page.locator("#clock form button"))


def file_claim(page: Page) -> str:
    """Fill in the four steps with three photographs; return the claim's address."""
    page.goto("/claims/new/")
    press(page, "Begin Hundred thousand hands")
    address = page.url.split("edit/")[0]
    choose(page, "illness", "cancer_mild")
    today = str(page.locator(".demo time").first.get_attribute("datetime"))
    write(page, "event_date", today)
    write(page, "birth_date", "1990-05-15")
    write(page, "story", "The hospital found it.\nThe operation is next week.")
    press(page, "Save and go on")
    for shade, kind in enumerate(("identity", "diagnosis", "pathology")):
        choose(page, "kind", kind)
        photograph = {"name": f"{kind}.jpg", "mimeType": "image/jpeg", "buffer": picture(shade)}
        page.locator("input[name=file]").set_input_files(photograph)  # type: ignore[arg-type]
        page.get_by_role("button", name="Add these papers").click()
        expect(page.locator("[data-papers-held] li")).to_have_count(shade + 1)
        expect(page.locator(".sending li")).to_have_text(f"{kind}.jpgkept")
        assert faults_of(page) == []
    go_by(page.locator("main").get_by_role("link", name="Go on"))
    write(page, "payee_name", "Gao Xin")
    write(page, "payee_account", "6222 0000 9999 1111")
    press(page, "Save and go on")
    page.locator("[name=agreed]").check()
    press(page, "File the claim")
    expect(page.locator("h1 + .lead .badge")).to_have_text("filed")
    return address.removeprefix(page.url.split("/claims/")[0])


def picture(shade: int) -> bytes:
    """Return a small photograph; another shade is another paper."""
    out = io.BytesIO()
    Image.new("RGB", (80, 60), (40 * shade, 120, 90)).save(out, "JPEG")
    return out.getvalue()


def recommend(page: Page, review: str) -> None:
    """Find the claim on the desk, take it up and recommend it."""
    become(page, "reviewer")
    page.goto(f"{POOL}/review/")
    go_by(page.locator("main table a").first)
    expect(page).to_have_url(re.compile(re.escape(review)))
    press(page, "Take it up")
    page.locator("form[action$='/recommend/'] [name=papers]").first.check()
    page.locator("form[action$='/recommend/'] [name=reason]").fill("The papers agree.")
    press(page, "Recommend")
    expect(page.locator("h1 + .lead .badge")).to_have_text("second review")


def decide(page: Page, review: str) -> None:
    """Decide as the second person."""
    become(page, "second_reviewer")
    page.goto(review)
    assert faults_of(page) == []
    page.locator("form[action$='/decide/'] [name=reason]").fill("I agree.")
    page.locator("form[action$='/decide/'] summary").click()
    press(page, "Decide now")
    # The worker may have published it before the page is shown.
    expect(page.locator("h1 + .lead .badge")).to_have_text(re.compile("^(approved|in publicity)$"))


def case_of(page: Page, claim: str) -> str:
    """Wait for the case that the claim has become; return its address."""
    become(page, "member")
    page.goto(claim)
    link = page.get_by_role("link", name="As members see it")
    for _ in range(30):
        if link.count():
            break
        page.wait_for_timeout(500)
        page.reload()
    return str(link.get_attribute("href"))


def import_statement(page: Page) -> None:
    """Look at what the bank sends, and import it."""
    become(page, "treasurer")
    file = page.request.get("/demo/bank/demo/").body()
    page.goto(f"{POOL}/custody/statements/")
    upload = {"name": "statement.csv", "mimeType": "text/csv", "buffer": file}
    page.locator("input[type=file]").set_input_files(upload)  # type: ignore[arg-type]
    press(page, "Look at it first")
    press(page, "Import this statement")
    expect(page.get_by_role("heading", name="Statement 1")).to_be_visible()


def order_payment(page: Page) -> None:
    """Order part of an aid that the money in custody pays."""
    page.goto(f"{POOL}/custody/payments/aid/2026-0001/")
    write(page, "payee_name", "Family Wu")
    write(page, "payee_account", "6222000011112222")
    press(page, "Order this payment")


@pytest.mark.parametrize("language", ["en-US", "zh-CN"])
@pytest.mark.parametrize("who", PAGES)
def test_pages_of_people_are_accessible_and_fit_in_every_look(
    chrome: Browser, live: str, done: dict[str, str], who: str, language: str
) -> None:
    faults: dict[str, list[str]] = {}
    with quiet_page(chrome, live, locale=language) as page:
        become(page, who)
        for address in PAGES[who]:
            answer = page.goto(address.format(**done))
            assert answer is not None
            assert answer.ok, address
            faults |= faults_in_every_look(page, f"{who}{page.url.split('/', 3)[3]}{language}")
    assert faults == {}


def test_every_page_of_a_member_is_light_on_the_first_visit(
    chrome: Browser, live: str, done: dict[str, str]
) -> None:
    """Nothing of it is in the phone yet: styles, scripts and pictures count, as they come over the wire."""
    with phone_page(chrome, live) as page:
        become(page, "member")
        signed_in = page.context.storage_state()
    weights: dict[str, int] = {}
    for address in PAGES["member"]:
        with quiet_page(
            chrome, live, locale="zh-CN", viewport={"width": 390, "height": 844}, storage_state=signed_in
        ) as page:
            sizes: list[int] = []
            wire = page.context.new_cdp_session(page)
            wire.on(
                "Network.loadingFinished", lambda got, sizes=sizes: sizes.append(got["encodedDataLength"])
            )
            wire.send("Network.enable")
            page.goto(address.format(**done), wait_until="networkidle")
            weights[address] = round(sum(sizes))
            assert weights[address] > 5_000, "nothing was weighed"
    assert {address: weight for address, weight in weights.items() if weight > MOST_BYTES} == {}


def test_rules_are_changed_by_two_people_and_seen_by_all(chrome: Browser, live: str) -> None:
    with quiet_page(chrome, live, locale="en-US") as page:
        become(page, "pool_admin")
        page.goto("/pools/village/plan/")
        go_by(page.get_by_role("link", name="Propose a change"))
        page.locator("main textarea[name=reason]").fill("The village meeting asked for it.")
        page.locator("main input[name=waiting_days]").fill("5")
        page.locator("main input[name=aid-0-max_aid]").fill("2,500")
        press(page, "Propose")
        expect(page.locator("del", has_text="10 days after joining")).to_be_visible()
        expect(page.get_by_role("heading", name="What cases would cost")).to_be_visible()
        address = page.url
        become(page, "controller")
        page.goto("/")
        go_by(page.get_by_role("link", name="Read them").first)
        assert page.url == address
        page.locator("main summary", has_text="Publish these rules").click()
        press(page, "Publish and tell everyone")
        expect(page.locator("ins", has_text="5 days after joining")).to_be_visible()
        become(page, "neighbor")
        page.goto("/pools/village/plan/")
        expect(page.locator(".alert", has_text="Version 2 comes into force on")).to_be_visible()
        page.goto("/demo/mail/")
        expect(page.get_by_text("The village meeting asked for it.").first).to_be_attached()


def test_duty_is_proposed_by_one_person_and_given_by_another(chrome: Browser, live: str) -> None:
    with phone_page(chrome, live) as page:
        become(page, "neighbor")
        page.goto("/my-data/")
        code = page.locator("main code").first.inner_text()
        become(page, "pool_admin")
        page.goto("/pools/orchards/duties/")
        choose(page, "duty", "auditor")
        page.locator("#propose ~ form [name=person]").fill(code)
        page.locator("#propose ~ form [name=reason]").fill("Has kept the books of a cooperative.")
        press(page, "Propose")
        become(page, "controller")
        page.goto("/")
        go_by(page.get_by_role("link", name="Look at them").first)
        press(page, "Agree")
        expect(page.locator("article", has_text="auditor").filter(has_text=code)).to_be_visible()
        become(page, "neighbor")
        page.goto("/notices/")
        expect(page.get_by_text("You are auditor of").first).to_be_visible()


def test_visitor_signs_up_and_joins_on_a_phone(chrome: Browser, live: str) -> None:
    with phone_page(chrome, live) as page:
        page.goto(f"{POOL}/join/")
        go_by(page.locator("main").get_by_role("link", name="Sign up by e-mail"))
        page.locator("main input[type=email]").fill("newcomer@example.org")
        for field in page.locator("main input[type=password]").all():
            field.fill("right horse battery")
        press(page, "Sign up")
        press(page, "Begin")
        write(page, "name", "Guo Jing")
        choose(page, "kind", "passport")
        write(page, "number", "12AB34567")
        write(page, "country", "FR")
        write(page, "birth_date", "1990-05-15")
        press(page, "Save and go on")
        tick_all(page)
        while "/health/" in page.url:
            page.get_by_label("No", exact=True).check()
            press(page, "Save and go on")
        for question, answer in (("is_insurance", "no"), ("can_rise", "yes"), ("can_close", "yes")):
            page.locator(f"[name={question}][value={answer}]").check()
        page.locator("[name=replaces_medical][value=yes]").check()
        press(page, "Save and go on")
        expect(page.get_by_text("Keep your medical cover.")).to_be_visible()
        page.locator("[name=replaces_medical][value=no]").check()
        press(page, "Save and go on")
        tick_all(page)
        press(page, "Sign and join")
        expect(page.get_by_role("heading", name="Your place")).to_be_visible()
