"""What a browser says of log, rolls, draws, cash book and witnesses is what verify.py says, in real Chromium."""

import json
import sys
from base64 import b64encode
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ledger.openbooks.standalone import verify as stranger
from ledger.openbooks.tests.books_cases import Judged, cases
from ledger.openbooks.tests.test_mutations import Memory, native
from ledger.openbooks.tests.test_two_verifiers import page_of

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

COUNT, ALL = 600, 20_000
# So many at once: the files of all of them are more than a page should hold.
AT_ONCE = 500
JUDGE = """async () => {
    const cases = await (await fetch("cases.json")).json(), found = [];
    const bytes = (text) => Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
    for (const one of cases) {
        const read = async (name) => {
            if (!Object.hasOwn(one.files, name)) throw new huzhu.parts.Unchecked(name, "fetch");
            return bytes(one.files[name]);
        };
        const source = huzhu.books.sourceOf(read, { key: one.key });
        const given = one.check === "roll" ? BigInt(one.given) : one.given;
        const { steps, ...told } = await huzhu.books[one.check](source, given);
        found.push(told);
    }
    return found;
}"""


def of_browser(folder: Path, given: list[Judged]) -> list[dict[str, Any]]:
    rows = [
        one.__dict__ | {"files": {name: b64encode(data).decode() for name, data in one.files.items()}}
        for one in given
    ]
    (folder / "cases.json").write_text(json.dumps(rows))
    with page_of(folder) as page:
        found: list[dict[str, Any]] = page.evaluate(JUDGE)
    return found


def of_python(folder: Path, case: Judged) -> dict[str, Any]:
    """Return what verify.py says, in the words of the scripts."""
    source, own = Memory(case.files), folder / "own"
    own.write_text(str(case.given))
    checks: dict[str, Callable[[], Any]] = {
        "log": lambda: stranger.check_log(source, case.key),
        "history": lambda: stranger.check_history(str(own), source, case.key),
        "roll": lambda: stranger.check_roll(source, case.given, case.key),
        "draw": lambda: stranger.check_draw(source, case.given, case.key),
        "book": lambda: stranger.check_book(source, case.key, case.given),
        "witnesses": lambda: stranger.check_witnesses(source, str(own)),
    }
    try:
        said = checks[case.check]()
    except stranger.IsFalse as false:
        figures = {
            name: str(value)
            for name, value in (("wanted", false.wanted), ("found", false.found))
            if isinstance(value, int | str)
        }
        return {"verdict": "false", "code": false.code, "sentences": false.sentences, **figures}
    except (stranger.Unchecked, *stranger.FAULTS):
        return {"verdict": "unchecked"}
    return {"verdict": "true", "said": list(said)}


def agreed(folder: Path, given: list[Judged]) -> Counter[str]:
    """Demand that both say the same of every case; return how often each verdict and code was said."""
    said: Counter[str] = Counter()
    differing = []
    for first in range(0, len(given), AT_ONCE):
        some = given[first : first + AT_ONCE]
        for case, browser in zip(some, of_browser(folder, some), strict=True):
            python = of_python(folder, case)
            if python.get("code") == "cosignature_is_of_the_past":
                del python["wanted"]  # the time of each
            if {name: browser.get(name) for name in python} != python or browser.get("reason") == "internal":
                differing.append((case.name, case.check, python, browser))
            said[python.get("code", f"{case.check} {python['verdict']}")] += 1
    assert differing[:3] == [], f"{len(differing)} of {len(given)}"
    return said


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let verify.py have the standard library alone, as a browser has no ML-DSA-44; its Ed25519 in less time."""
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.asymmetric.mldsa", None)
    monkeypatch.setattr(stranger, "is_signed", native)


@pytest.mark.usefixtures("bare")
def test_both_say_the_same_of_every_log(tmp_path: Path) -> None:
    given = list(cases(1, COUNT))
    said = agreed(tmp_path, given)
    assert len(given) > COUNT
    for check in ("log", "history", "roll", "draw", "book", "witnesses"):
        assert said[f"{check} true"] > 0, check
        assert said[f"{check} unchecked"] > 0, check
    # Every lie that has a name for whoever reads the files, but those that a member alone can see, and the self-test.
    of_members = {
        "commitment_is_mine", "salt_is_mine", "path_fits_its_place", "left_members_are_my_index", "sibling_has_members",
        "statement_stands_in_the_log", "statements_are_of_the_period", "selftest",
        # True ones.
        "log", "history", "roll", "draw", "book", "witnesses",
    }  # fmt: skip
    assert set(stranger.SENTENCES) - set(said) - of_members == set()


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.usefixtures("bare")
def test_both_say_the_same_of_very_many_logs(tmp_path: Path) -> None:
    said = agreed(tmp_path, list(cases(2, ALL)))
    assert said["book true"] > 100
