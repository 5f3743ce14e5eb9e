"""A member checks their charge in three taps from their shares, then again from files with the network off."""

import json
from collections.abc import Sequence
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
from aidplatform.tests.pages_helpers import client_of, public_world
from ledger.openbooks.tiles import tiles_of
from members.joining.tests.papers import paper
from members.joining.tests.test_secrets import joined

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

MINE = "/pools/test-pool/me/"
FILES = "/t/test-pool/"
MOST_BYTES = 150_000


def copied(folder: Path, kinds: Sequence[str] = ("0",), more: Sequence[str] = ()) -> Path:
    """Return a folder with head and hashes of the log and more of its files, as verify.py keeps them."""
    visitor = client_of(None)
    size = int(visitor.get(f"{FILES}checkpoint").content.decode().split("\n")[1])
    tiles = [tile.path for tile in tiles_of(size) if tile.level == 0]
    for name in ["checkpoint", *more, *(f"tile/{kind}/{path}" for kind in kinds for path in tiles)]:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(visitor.get(FILES + name).content)
    return folder


def holding(page: Page) -> list[str]:
    """Return the steps that hold, by name."""
    found: list[str] = page.evaluate(
        "[...document.querySelectorAll('[data-state=true]')].map((one) => one.dataset.step)"
    )
    return found


def test_member_checks_their_charge_with_and_without_a_network(stack: Stack, tmp_path: Path) -> None:
    world = public_world()
    membership = joined(world)
    world.award(1_000_000)
    world.posted_period()
    TestSigner(tmp_path / "signer" / "state").sign()
    client = client_of(membership.person)
    proof = tmp_path / "proof.json"
    proof.write_bytes(client.get(f"{MINE}proofs/1.json").content)
    log = copied(tmp_path / "log")
    address = as_deployed(stack)
    noise: list[str] = []
    with started_chromium() as chrome:
        page = heard_page(chrome, address, noise, str(client.cookies["sessionid"].value))
        sizes = sizes_of(page)
        page.goto(f"{MINE}shares/")
        sizes.clear()
        go_by(page.get_by_role("link", name="Check my charge of period 1"))
        page.wait_for_load_state("networkidle")
        assert 20_000 < sum(sizes) < MOST_BYTES
        the_network_is_asked(page)
        assert faults_in_every_look(page, "check") == {}
        page.reload()
        page.context.set_offline(True)
        files_are_enough(page, proof, log)
        assert noise == []


def the_network_is_asked(page: Page) -> None:
    button = page.get_by_role("button", name="Check it in this browser")
    button.click()
    expect(page.get_by_text("Could not check.")).to_be_visible()
    expect(page.get_by_text("only by it you see that the line is yours alone")).to_be_visible()
    assert "mine" not in holding(page)
    page.get_by_label("Number of the document with which you joined").fill(paper().number)
    button.click()
    expect(page.get_by_text("True: you are charged")).to_be_visible()
    assert holding(page) == ["log", "copy", "order", "mine", "frozen", "roll", "bill", "amount"]
    expect(page.get_by_text("one of 151 members")).to_be_visible()


def files_are_enough(page: Page, proof: Path, log: Path) -> None:
    """Nothing is asked of any network: a proof of one fen more is false, and without a proof nothing is checked."""
    button = page.get_by_role("button", name="Check it in this browser")
    page.get_by_label("Number of the document with which you joined").fill(paper().number)
    page.get_by_text("Check from files, without any network").click()
    page.get_by_label("My proof, as a file").set_input_files(proof)
    page.get_by_label("A copy of the log, as a folder").set_input_files(log)
    button.click()
    expect(page.get_by_text("True: you are charged")).to_be_visible()
    assert len(holding(page)) == 8
    bundle = json.loads(proof.read_text())
    bundle["leaf"]["fen"] += 1
    proof.write_text(json.dumps(bundle))
    page.get_by_label("My proof, as a file").set_input_files(proof)
    button.click()
    expect(page.get_by_text("root_is_the_stated_one")).to_be_visible()
    expect(page.get_by_text("True: you are charged")).to_have_count(0)
    assert holding(page) == ["log", "copy", "order", "mine", "frozen"]
    expect(page.locator("[data-state=false]")).to_have_attribute("data-step", "roll")
    page.get_by_label("My proof, as a file").set_input_files([])
