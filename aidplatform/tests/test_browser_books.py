"""A reader without an account checks a pool's books from its page, then again from files with the network off."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from aidplatform.testing.browser import faults_in_every_look, go_by, manage
from aidplatform.testing.plugin import chromium
from aidplatform.testing.signing import TestSigner
from aidplatform.testing.stack import Stack
from aidplatform.tests.pages_helpers import client_of, public_world
from aidplatform.tests.test_browser_check import FILES, MOST_BYTES, holding
from ledger.openbooks.tiles import tiles_of
from ledger.sharing.services import log_version

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

TRUE = "True: all that was asked holds."


def public_files(folder: Path) -> Path:
    """Return a folder with the public files, as verify.py keeps them."""
    visitor = client_of(None)
    size = int(visitor.get(f"{FILES}checkpoint").content.decode().split("\n")[1])
    tiles = [tile.path for tile in tiles_of(size) if tile.level == 0]
    names = ["checkpoint", "policy", "roll/1/part/0"]
    for name in [*names, *(f"tile/{kind}/{path}" for kind in ("0", "entries") for path in tiles)]:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(visitor.get(FILES + name).content)
    return folder


def test_reader_checks_the_books_with_and_without_a_network(stack: Stack, tmp_path: Path) -> None:
    world = public_world()
    log_version(world.pool, world.pool.plan_versions.get())
    world.award(1_000_000)
    world.posted_period()
    TestSigner(tmp_path / "signer" / "state").sign()
    files = public_files(tmp_path / "files")
    # The real settings: static files with their hashes, as readers get them.
    stack.extra["DJANGO_SETTINGS_MODULE"] = "aidplatform.settings"
    manage(stack, "prepare", AID_DATABASE_ROLE="owner")
    address = stack.start_web()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        context = browser.new_context(base_url=address, locale="en-US")
        page = context.new_page()
        noise: list[str] = []
        page.on("console", lambda said: noise.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: noise.append(str(error)))
        sizes: list[int] = []
        context.on("requestfinished", lambda sent: sizes.append(sent.sizes()["responseBodySize"]))
        page.goto("/pools/test-pool/open-books/")
        sizes.clear()
        go_by(page.get_by_role("link", name="Check the books"))
        page.wait_for_load_state("networkidle")
        assert 20_000 < sum(sizes) < MOST_BYTES
        what_is_public_is_true(page)
        assert faults_in_every_look(page, "check-books") == {}
        page.reload()
        page.wait_for_load_state("networkidle")
        context.set_offline(True)
        files_are_enough(page, files)
        assert noise == []
        browser.close()


def what_is_public_is_true(page: Page) -> None:
    """At the first visit nothing was kept; at the second what was kept is the beginning of what is shown."""
    button = page.get_by_role("button", name="Check the books in this browser")
    expect(page.get_by_text("This browser has kept nothing of this pool yet.")).to_be_visible()
    button.click()
    expect(page.get_by_text(TRUE)).to_be_visible(timeout=30_000)
    assert holding(page) == ["log", "roll", "draw", "book"]
    expect(page.get_by_text("This browser has kept the signed head of")).to_be_visible()
    expect(page.get_by_text("True: the 150 lines of period 1 are those that were frozen")).to_be_visible()
    button.click()
    expect(page.get_by_text("statements of before are the beginning of")).to_be_visible(timeout=30_000)
    expect(page.get_by_text(TRUE)).to_be_visible(timeout=30_000)
    assert holding(page) == ["log", "history", "roll", "draw", "book"]


def files_are_enough(page: Page, files: Path) -> None:
    """Nothing is asked of any network: the files are true, and a figure changed in one of them is named."""
    button = page.get_by_role("button", name="Check the books in this browser")
    page.get_by_text("Bring something of your own, or check with the network switched off").click()
    page.get_by_label("The public files, as a folder").set_input_files(files)
    button.click()
    expect(page.get_by_text(TRUE)).to_be_visible(timeout=30_000)
    assert holding(page) == ["log", "history", "roll", "draw", "book"]
    lines = files / "roll/1/part/0"
    true = lines.read_bytes()
    lines.write_bytes(true[:-1] + bytes([true[-1] ^ 1]))
    page.get_by_label("The public files, as a folder").set_input_files(files)
    button.click()
    expect(page.get_by_text("amount_is_the_rate")).to_be_visible(timeout=30_000)
    assert holding(page) == ["log", "history"]
    expect(page.locator("[data-state=false]")).to_have_attribute("data-step", "roll")
    lines.write_bytes(true)
    [told] = (files / "tile/entries").rglob("*.p/*")
    told.write_bytes(told.read_bytes().replace(b'"at":"20', b'"at":"21', 1))
    page.get_by_label("The public files, as a folder").set_input_files(files)
    button.click()
    expect(page.get_by_text("entries_have_the_signed_root")).to_be_visible(timeout=30_000)
    expect(page.get_by_text(TRUE)).to_have_count(0)
    # Without files and without a network nothing can be said.
    page.evaluate("document.getElementById('check-files').value = ''")
    button.click()
    expect(page.get_by_text("Could not check. That is no good sign and no bad one.")).to_be_visible(
        timeout=30_000
    )
    assert holding(page) == []
