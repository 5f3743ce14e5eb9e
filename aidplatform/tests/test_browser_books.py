"""A reader without an account checks a pool's books from its page, then again from files with the network off."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from aidplatform.testing.browser import (
    as_deployed,
    faults_in_every_look,
    go_by,
    heard_page,
    sizes_of,
    started_chromium,
)
from aidplatform.testing.signing import TestSigner
from aidplatform.testing.stack import Stack
from aidplatform.tests.pages_helpers import public_world
from aidplatform.tests.test_browser_check import MOST_BYTES, copied, holding
from ledger.sharing.services import log_version

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

TRUE = "True: all that was asked holds."


def test_reader_checks_the_books_with_and_without_a_network(stack: Stack, tmp_path: Path) -> None:
    world = public_world()
    log_version(world.pool, world.pool.plan_versions.get())
    world.award(1_000_000)
    world.posted_period()
    TestSigner(tmp_path / "signer" / "state").sign()
    files = copied(tmp_path / "files", ("0", "entries"), ("keys", "roll/1/part/0"))
    address = as_deployed(stack)
    noise: list[str] = []
    with started_chromium() as chrome:
        page = heard_page(chrome, address, noise)
        sizes = sizes_of(page)
        page.goto("/pools/test-pool/open-books/")
        sizes.clear()
        go_by(page.get_by_role("link", name="Check the books"))
        page.wait_for_load_state("networkidle")
        assert 20_000 < sum(sizes) < MOST_BYTES
        what_is_public_is_true(page)
        assert faults_in_every_look(page, "check-books") == {}
        page.reload()
        page.wait_for_load_state("networkidle")
        page.context.set_offline(True)
        files_are_enough(page, files)
        assert noise == []


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
