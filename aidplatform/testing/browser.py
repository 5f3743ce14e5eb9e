"""A running demonstration and a real Chromium for browser tests: all files share them, in one test process.

With AID_SCREENSHOTS=<folder> every page is also kept as a picture.
"""

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, BrowserContext, Locator, Page, sync_playwright

from aidplatform.site.demo.people import CAST
from aidplatform.testing.plugin import chromium, redis_url_of_worker, test_services
from aidplatform.testing.stack import ROOT, Stack

BROKER = "gw14"  # the last database of the broker
# Width, scheme, and the rules that can differ from the look before: a scheme changes colors only.
LOOKS = (
    (1280, "light", None),
    (1280, "dark", "color-contrast"),
    (390, "dark", None),
    (390, "light", "color-contrast"),
)


@dataclass(frozen=True)
class Demonstration:
    """A running demonstration: its address, and what it stands on."""

    address: str
    stack: Stack


@pytest.fixture(scope="session")
def live(demonstration: Demonstration) -> str:
    """Return the address of the running demonstration."""
    return demonstration.address


@pytest.fixture(scope="session")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demonstration]:
    """Run a whole demonstration: database, worker, scheduler, web."""
    with running(tmp_path_factory.mktemp("live"), BROKER) as made:
        manage(made.stack, "first_start")
        manage(made.stack, "demo_history")
        yield made


@contextmanager
def running(folder: Path, broker: str, **extra: str) -> Iterator[Demonstration]:
    """Run an installation of a demonstration in which nothing has been made yet.

    broker: the database of the broker that it has for itself, beside the installations of other tests. extra: more of
    its environment.
    """
    services = test_services()
    name = f"aid_browser_{uuid.uuid4().hex[:12]}"
    owner_url, app_url = services.create_database(name, "aid_template")
    address = redis_url_of_worker(services.redis_url, broker)
    # A second one there would take messages of the first.
    assert redis.Redis.from_url(address).set("owner", name, nx=True), "two processes make a demonstration"
    stack = Stack(app_url, owner_url, address, folder)
    # The real settings: static files with their hashes, as members get them.
    stack.extra |= {
        "DJANGO_SETTINGS_MODULE": "aidplatform.settings",
        "AID_BLIND_REVIEW_PER_MILLE": "0",
        **extra,
    }
    try:
        manage(stack, "prepare", AID_DATABASE_ROLE="owner")
        stack.start_worker()
        stack.start_beat()
        yield Demonstration(stack.start_web(), stack)
    finally:
        stack.stop()
        services.drop_database(name)


def manage(stack: Stack, *arguments: str, **environment: str) -> str:
    """Run a command of manage.py on that installation; return what it says. A failure shows why it failed."""
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={**stack.environment(), **environment},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, f"{arguments}: {done.stderr[-4000:]}\n{stack.log_of('worker')[-4000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def chrome() -> Iterator[Browser]:
    """Start the system's Chromium for one file: its driver's event loop forbids other tests the database."""
    with started_chromium() as browser:
        yield browser


@contextmanager
def started_chromium() -> Iterator[Browser]:
    """Start the system's Chromium, for a test that has made in the database what it needs there."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        yield browser
        browser.close()


def as_deployed(stack: Stack) -> str:
    """Start an installation with the real settings, its static files with their hashes; return its address."""
    stack.extra["DJANGO_SETTINGS_MODULE"] = "aidplatform.settings"
    manage(stack, "prepare", AID_DATABASE_ROLE="owner")
    return stack.start_web()


def heard_page(chrome: Browser, address: str, noise: list[str], session: str = "") -> Page:
    """Open a page, of a session or of nobody; console errors and script errors are written down in noise."""
    context = chrome.new_context(base_url=address, locale="en-US")
    if session:
        context.add_cookies([{"name": "sessionid", "value": session, "url": address}])
    page = context.new_page()
    page.on("console", lambda said: noise.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: noise.append(str(error)))
    return page


def sizes_of(page: Page) -> list[int]:
    """Return how many bytes each answer has that the page gets from now on: the list grows with them."""
    sizes: list[int] = []
    page.context.on("requestfinished", lambda sent: sizes.append(sent.sizes()["responseBodySize"]))
    return sizes


@contextmanager
def quiet_page(chrome: Browser, live: str, **options: object) -> Iterator[Page]:
    """Open a page that fails the test on any console error, script error or request to another origin."""
    context: BrowserContext = chrome.new_context(base_url=live, **options)  # type: ignore[arg-type]
    page = context.new_page()
    noise: list[str] = []
    page.on("console", lambda said: noise.append(said.text) if said.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: noise.append(str(error)))
    page.on("request", lambda sent: None if is_ours(sent.url, live) else noise.append(f"asked {sent.url}"))
    yield page
    # Statuses that a test asks for on purpose are reported by Chromium as errors too.
    assert [line for line in noise if "the server responded with a status of 4" not in line] == []
    context.close()


def is_ours(url: str, live: str) -> bool:
    """Tell whether an address is of this installation."""
    return url.startswith((f"{live}/", "data:"))


def go_by(way: Locator) -> None:
    """Press a link or a button and wait for the page that it leads to: a click alone returns before it has come."""
    with way.page.expect_navigation():
        way.click()


def become(page: Page, duty: str) -> None:
    """Switch to the person of the demonstration who holds that duty, or to its member, by the banner."""
    page.goto("/docs/")
    page.locator(".demo-people summary").click()
    go_by(page.locator(".demo-people button.person").nth([role.key for role in CAST].index(duty)))


def keep_picture(page: Page, name: str) -> None:
    """Keep the page as a picture, where pictures are wanted."""
    folder = os.environ.get("AID_SCREENSHOTS")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


# Only the faults are handed over, not what axe has passed.
_LINES = """({violations}) => violations.flatMap(
    (fault) => fault.nodes.map((node) => `${fault.id}: ${node.html.slice(0, 160)}`))"""


def faults_of(page: Page, rule: str | None = None, *, by_thumb: bool = False) -> list[str]:
    """Return what axe finds (by one rule, or by all), and whether the page is wider than the screen.

    by_thumb: whether what is pressed is large enough, too (WCAG 2.2, 2.5.8), which axe judges only when asked.
    """
    options: dict[str, object] = {"resultTypes": ["violations"]}
    if by_thumb:
        options["rules"] = {"target-size": {"enabled": True}}
    if rule:
        options["runOnly"] = {"type": "rule", "values": [rule]}
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    faults: list[str] = page.evaluate(f"axe.run({json.dumps(options)}).then({_LINES})")
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return faults + ([f"{wide} px wider than the screen"] if wide > 0 else [])


def faults_in_every_look(page: Page, name: str) -> dict[str, list[str]]:
    """Return the faults of the page, wide and on a phone, light and dark, by look; keep its pictures."""
    faults = {}
    for width, scheme, rule in LOOKS:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        keep_picture(page, f"{name}-{scheme}-{width}".replace("/", "_"))
        if found := faults_of(page, rule):
            faults[f"{name} {scheme} {width}"] = found
    return faults
