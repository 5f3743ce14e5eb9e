"""ARCHITECTURE.md and its neighbors against the code: what they name exists, and what exists is named."""

import ast
import re
from functools import cache
from pathlib import Path

import psycopg
import pytest
from django.utils.module_loading import import_string
from pgtrigger import registered

from aidplatform.lib.errors import GUARANTEES
from aidplatform.testing.plugin import ROOT
from aidplatform.tests.test_catalogue import constraint_names

ROW = re.compile(r"^\| `(\w+)` \| (.+?) \| (.+?) \| (.*?) \| (.+) \|$")
# A name that the functions of the charges raise and that no model knows.
RAISED = re.compile(r"CONSTRAINT = '(\w+)'")


@cache
def rows() -> dict[str, tuple[str, str, str, str]]:
    """Return the guarantees of ARCHITECTURE.md: id → (sentence, held by, asserted by, tested by)."""
    found: dict[str, tuple[str, str, str, str]] = {}
    for line in (ROOT / "ARCHITECTURE.md").read_text().splitlines():
        match = ROW.match(line)
        if match:
            name, *cells = match.groups()
            assert name not in found, f"{name} is listed twice"
            found[name] = (cells[0], cells[1], cells[2], cells[3])
    return found


@cache
def test_functions() -> set[str]:
    """Return the name of every test function of the project."""
    return {
        node.name
        for path in ROOT.glob("*/**/tests/**/test_*.py")
        if ".venv" not in path.parts
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


test_functions.__test__ = False  # type: ignore[attr-defined]


def _raised(owner: psycopg.Connection) -> set[str]:
    """Return every name with which a function of this database refuses."""
    bodies = owner.execute(
        "SELECT prosrc FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace"
        " WHERE n.nspname = 'public'"
    ).fetchall()
    return {name for (body,) in bodies for name in RAISED.findall(body)}


def test_every_guarantee_of_the_database_is_listed_and_no_other(owner: psycopg.Connection) -> None:
    held = {name for _model, name in constraint_names()} | _raised(owner)
    guards = {trigger.name for _model, trigger in registered() if not trigger.name.endswith("_whole")}
    ids, text = set(rows()), " ".join(cell for row in rows().values() for cell in row)
    assert held - ids == set(), "not listed in ARCHITECTURE.md, section 6"
    assert {guard for guard in guards - ids if f"`{guard}`" not in text} == set(), "a guard that no row names"
    assert ids - held - guards == set(), "listed, and nowhere in the database"


@pytest.mark.parametrize("name", rows())
def test_guarantee_is_one_sentence_with_its_holder_and_its_tests(name: str) -> None:
    sentence, held_by, asserted_by, tested_by = rows()[name]
    assert sentence.endswith(".")
    assert held_by
    tests = re.findall(r"`(\w+)`", tested_by)
    assert tests
    assert set(tests) <= test_functions()
    for path in re.findall(r"`([\w.]+)`", asserted_by):
        assert callable(import_string(path))


def test_guarantees_that_people_are_told_of_exist(owner: psycopg.Connection) -> None:
    """A field that is unique by itself has the name that the framework gives its constraint."""
    unnamed = {name for (name,) in owner.execute("SELECT conname FROM pg_constraint").fetchall()}
    assert set(GUARANTEES) <= set(rows()) | unnamed


@pytest.mark.parametrize("path", sorted((ROOT / "templates" / "docs").glob("*/guarantees.md")), ids=str)
def test_guarantees_of_the_manual_are_guarantees(path: Path) -> None:
    named = set(re.findall(r"^\| `(\w+)` \|", path.read_text(), re.MULTILINE))
    assert named
    assert named <= set(rows())


@pytest.mark.parametrize("name", ["ARCHITECTURE.md", "CONTRIBUTING.md"])
def test_paths_that_documents_name_exist(name: str) -> None:
    """`folder/file.py` in running text, with a slash and an ending, is a file of this project."""
    named = set(
        re.findall(
            r"`((?:aidplatform|members|claims|ledger|templates|\.ci)/[\w/.-]+)`", (ROOT / name).read_text()
        )
    )
    assert {path for path in named if not (ROOT / path).exists()} == set()


def test_variables_that_documents_name_are_settings() -> None:
    from aidplatform.variables import VARIABLES

    for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md"):
        text = (ROOT / name).read_text() if (ROOT / name).exists() else ""
        assert set(re.findall(r"\bAID_[A-Z_]+[A-Z]\b", text)) <= set(VARIABLES), name


def test_commands_that_documents_name_exist() -> None:
    from django.core.management import get_commands

    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"):
        text = (ROOT / name).read_text()
        assert set(re.findall(r"`manage\.py (\w+)", text)) <= set(get_commands()), name
        assert set(re.findall(r"`make (\w+)", text)) <= targets, name
