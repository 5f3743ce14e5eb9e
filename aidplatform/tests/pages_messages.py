"""Finds every text for translation in source and templates, so that none can be left without Chinese.

`python -m aidplatform.tests.pages_messages` brings the catalogue up to date: it drops what is not used any
more, adds what is new with an empty translation, and prints what is left to translate.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import polib
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parents[2]
APPS = ("aidplatform", "members", "claims", "ledger")
CATALOGUE = ROOT / "aidplatform" / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.po"
# Sentences of a library that its own catalogue lacks, or says in other words than ours, are kept under these marks.
LIBRARIES = ("django-allauth", "django.contrib.auth")
_CALLS = {"_", "gettext", "gettext_lazy", "ngettext", "ngettext_lazy", "pgettext", "gettext_noop"}
_STRING = r'(?:u?"(?:[^"\\]|\\.)*"|u?\'(?:[^\'\\]|\\.)*\')'
_IN_TEMPLATE = re.compile(
    rf"(?P<call>gettext|ngettext|pgettext|npgettext|_)\(\s*(?P<args>{_STRING}(?:\s*,\s*{_STRING})*)"
)

# (msgid, msgid_plural or "")
Message = tuple[str, str]


def messages_of_project() -> dict[Message, set[str]]:
    """Return every message with the files that use it."""
    found: dict[Message, set[str]] = {}
    for path in source_files():
        for message in messages_of_source(path.read_text(encoding="utf-8")):
            found.setdefault(message, set()).add(str(path.relative_to(ROOT)))
    for path in template_files():
        for message in messages_of_template(path.read_text(encoding="utf-8")):
            found.setdefault(message, set()).add(str(path.relative_to(ROOT)))
    return found


def source_files() -> list[Path]:
    """Return the Python files of the product, tests left out."""
    return [
        path
        for app in APPS
        for path in sorted((ROOT / app).rglob("*.py"))
        if not {"tests", "testing", "migrations"} & set(path.parts)
    ]


def template_files() -> list[Path]:
    """Return every template."""
    return sorted((ROOT / "templates").rglob("*.html")) + sorted((ROOT / "templates").rglob("*.txt"))


def messages_of_source(text: str) -> Iterator[Message]:
    """Yield the literal messages of gettext calls in Python source."""
    for node in ast.walk(ast.parse(text)):
        if (
            not isinstance(node, ast.Call)
            or not isinstance(node.func, ast.Name)
            or node.func.id not in _CALLS
        ):
            continue
        texts = [
            arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)
        ]
        if texts:
            yield (texts[0], texts[1] if node.func.id.startswith("ngettext") else "")


def messages_of_template(text: str) -> Iterator[Message]:
    """Yield the messages of translate, blocktranslate and _() in a template."""
    for match in _IN_TEMPLATE.finditer(templatize(text)):
        texts = [ast.literal_eval(one) for one in re.findall(_STRING, match["args"])]
        plural = texts[1] if match["call"] == "ngettext" and len(texts) > 1 else ""
        yield (texts[0], plural)


def update_catalogue() -> list[str]:
    """Rewrite the catalogue from source and templates; return the messages that lack a translation."""
    catalogue = polib.pofile(str(CATALOGUE))
    known = {(entry.msgid, entry.msgid_plural or ""): entry for entry in catalogue}
    fresh = polib.POFile(wrapwidth=110)
    fresh.metadata = catalogue.metadata
    found = messages_of_project()
    for message in sorted(found, key=lambda one: (min(found[one]), one)):
        entry = known.pop(message, None) or new_entry(message)
        entry.occurrences = [(place, "") for place in sorted(found[message])]
        fresh.append(entry)
    fresh.extend(entry for entry in known.values() if is_of_library(entry))
    fresh.save(str(CATALOGUE))
    return [entry.msgid for entry in fresh if not entry.translated()]


def new_entry(message: Message) -> polib.POEntry:
    """Return an entry still to be translated."""
    one, many = message
    entry = polib.POEntry(msgid=one, flags=["python-format"] if "%(" in one else [])
    if many:
        entry.msgid_plural, entry.msgstr_plural = many, {0: ""}
    return entry


def is_of_library(entry: polib.POEntry) -> bool:
    """Tell whether an entry translates a library's sentence."""
    return any(place.startswith(LIBRARIES) for place, _line in entry.occurrences)


if __name__ == "__main__":
    for untranslated in update_catalogue():
        print(untranslated)
