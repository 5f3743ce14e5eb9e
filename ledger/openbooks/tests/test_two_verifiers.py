"""What a browser says of a member's proof is what verify.py says of it, case by case, in real Chromium."""

import json
import re
from argparse import Namespace
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from playwright.sync_api import Page

from aidplatform.testing.browser import started_chromium
from aidplatform.testing.plugin import ROOT
from ledger.openbooks.standalone import verify as stranger
from ledger.openbooks.tests.member_cases import Case, cases
from ledger.openbooks.tests.roll_story import Story
from ledger.openbooks.tests.test_mutations import Memory, native, published
from ledger.openbooks.tests.test_standalone import KEY, entry
from ledger.openbooks.tests.test_standalone_rolls import ME

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

JS = ROOT / "aidplatform/static/js"
SCRIPT, WORDS = JS / "verify.js", JS / "sentences.js"
# As pages load them, one after the other.
SCRIPTS = ("sentences", "verify", "books_log", "books_roll", "books_draw", "books_cash", "books_witnesses")
SENTENCE = re.compile(r'^    (\w+): \["(.*)", "(.*)"\],$', re.MULTILINE)
# Of a copy of the log, not of a bundle.
OF_COPIES = {"hashes_have_the_signed_root", "nothing_was_rewritten"}
Forge = Callable[[list[bytes]], list[bytes]]
COUNT, ALL = 2_000, 50_000
# Judges all cases at once. Figures of the steps are left out: they may be whole numbers that JSON has not.
JUDGE = """async () => {
    const cases = await (await fetch("cases.json")).json(), found = [];
    for (const one of cases) {
        const told = await huzhu.member(one.text, { id: one.number, secret: one.secret, key: one.key });
        found.push({ ...told, steps: told.steps.map((step) => step.name) });
    }
    return found;
}"""


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_said: Any) -> None:
        """Say nothing."""


@contextmanager
def page_of(folder: Path) -> Iterator[Page]:
    """Open a page that has the scripts, on this machine: elsewhere a browser checks signatures over https only."""
    tags = "".join(f'<script src="{name}.js"></script>' for name in SCRIPTS)
    (folder / "index.html").write_text(f'<!DOCTYPE html><meta charset="utf-8">{tags}')
    for name in SCRIPTS:
        (folder / f"{name}.js").write_bytes((JS / f"{name}.js").read_bytes())
    with (
        ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server,
        started_chromium() as chrome,
    ):
        Thread(target=server.serve_forever, daemon=True).start()
        page = chrome.new_page()
        page.goto(f"http://127.0.0.1:{server.server_port}/index.html")
        yield page
        server.shutdown()


def of_browser(folder: Path, given: list[Case]) -> list[dict[str, Any]]:
    (folder / "cases.json").write_text(json.dumps([one.__dict__ for one in given]))
    with page_of(folder) as page:
        found: list[dict[str, Any]] = page.evaluate(JUDGE)
    return found


def of_python(folder: Path, case: Case) -> dict[str, Any]:
    """Return what verify.py says, in the words of the script."""
    file = folder / "bundle.json"
    file.write_text(case.text, encoding="utf-8", errors="surrogatepass")
    given = Namespace(bundle=str(file), id=case.number, secret=case.secret, key=case.key)
    try:
        stranger.check_member(given)
    except stranger.IsFalse as false:
        figures = {
            name: str(value)
            for name, value in (("wanted", false.wanted), ("found", false.found))
            if isinstance(value, int | str)
        }
        return {"verdict": "false", "code": false.code, "sentences": false.sentences, **figures}
    except stranger.Unchecked:
        return {"verdict": "unchecked"}
    return {"verdict": "true"}


def agreed(folder: Path, given: list[Case]) -> Counter[str]:
    """Demand that both say the same of every case; return how often each verdict and code was said."""
    said: Counter[str] = Counter()
    differing = []
    for case, browser in zip(given, of_browser(folder, given), strict=True):
        python = of_python(folder, case)
        if {name: browser.get(name) for name in python} != python or browser.get("reason") == "internal":
            differing.append((case.name, python, browser))
        said[python.get("code", python["verdict"])] += 1
    assert differing[:3] == [], f"{len(differing)} of {len(given)}"
    return said


def test_both_say_the_same_of_every_proof(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stranger, "is_signed", native)
    given = list(cases(1, COUNT))
    said = agreed(tmp_path, given)
    assert len(given) > COUNT
    assert said["true"] > 150
    assert said["unchecked"] > 150
    script = SCRIPT.read_text()
    codes = {code for code in stranger.SENTENCES if "_" in code and f'"{code}"' in script} - OF_COPIES
    assert codes == set(said) - {"true", "unchecked"}


def test_both_say_it_in_the_same_words() -> None:
    told = SENTENCE.findall(WORDS.read_text())
    assert {code: both for code, *both in told} == stranger.SENTENCES


def changed(entries: list[bytes]) -> list[bytes]:
    return [entries[0].replace(b"2026", b"2027"), *entries[1:]]


@pytest.mark.parametrize(
    ("shown", "hashed", "code"),
    [
        (lambda whole: whole[:4], None, "true"),
        (lambda whole: whole, lambda whole: whole, "true"),
        (lambda whole: whole, None, "unchecked"),
        (lambda whole: changed(whole[:4]), None, "nothing_was_rewritten"),
        (changed, changed, "nothing_was_rewritten"),
        (lambda whole: whole, changed, "hashes_have_the_signed_root"),
    ],
    ids=["the same", "longer", "longer without hashes", "another", "another that is longer", "other hashes"],
)
def test_copy_of_the_log_is_held_against_the_proof(
    tmp_path: Path, shown: Forge, hashed: Forge | None, code: str
) -> None:
    """As `verify.py history` does, with the head of the proof as the one that was kept."""
    mine = list(Story().entries().values())
    whole = [*mine, *(entry(seq) for seq in range(4, 9))]
    files, other = published(shown(whole)), published(hashed(whole)) if hashed else {}
    hashes = b"".join(data for name, data in sorted(other.items()) if name.startswith("tile/0/"))
    with page_of(tmp_path) as page:
        told = page.evaluate(
            """([text, id, checkpoint, hashes]) => huzhu.member(text, { id, copies: [
                { checkpoint, hashes: Uint8Array.from(hashes) }] })""",
            [json.dumps(Story().bundle(ME)), ME.document, files["checkpoint"].decode(), [*hashes]],
        )
    assert told.get("code", told["verdict"]) == code
    kept = tmp_path / "kept"
    kept.write_bytes(published(mine)["checkpoint"])
    tiles = {name: data for name, data in (other or files).items() if name.startswith("tile/0/")}
    if code != "unchecked":
        heads = {name: files[name] for name in ("checkpoint", "keys")}
        assert history(kept, {**heads, **tiles}) == code


def history(kept: Path, files: dict[str, bytes]) -> str:
    """Return what verify.py says of the two heads."""
    try:
        stranger.check_history(str(kept), Memory(files), KEY)
    except stranger.IsFalse as false:
        return str(false.code)
    return "true"


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_both_say_the_same_of_very_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stranger, "is_signed", native)
    assert agreed(tmp_path, list(cases(2, ALL)))["true"] > 100


def test_browser_without_the_means_ticks_nothing(tmp_path: Path) -> None:
    """Ed25519 taken out of the browser, and then all of its cryptography."""
    case = next(one for one in cases(3, 100) if one.name == "honest" and one.number)
    with page_of(tmp_path) as page:
        judge = "([text, id]) => huzhu.member(text, { id })"
        assert page.evaluate(judge, [case.text, case.number])["verdict"] == "true"
        page.evaluate("() => { SubtleCrypto.prototype.verify = () => Promise.reject(new Error('none')); }")
        told = page.evaluate(judge, [case.text, case.number])
        assert (told["verdict"], told["reason"], told["steps"]) == ("unchecked", "browser", [])
        page.evaluate("Object.defineProperty(Crypto.prototype, 'subtle', { get: () => undefined })")
        told = page.evaluate(judge, [case.text, case.number])
        assert (told["verdict"], told["reason"], told["steps"]) == ("unchecked", "browser", [])
