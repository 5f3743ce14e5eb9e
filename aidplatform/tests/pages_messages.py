"""Finds every text for translation in source and templates, so that none can be left without Chinese."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parents[2]
APPS = ("aidplatform", "members", "ledger")
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
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.func.id not in _CALLS:
            continue
        texts = [arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
        if texts:
            yield (texts[0], texts[1] if node.func.id.startswith("ngettext") else "")


def messages_of_template(text: str) -> Iterator[Message]:
    """Yield the messages of translate, blocktranslate and _() in a template."""
    for match in _IN_TEMPLATE.finditer(templatize(text)):
        texts = [ast.literal_eval(one) for one in re.findall(_STRING, match["args"])]
        plural = texts[1] if match["call"] == "ngettext" and len(texts) > 1 else ""
        yield (texts[0], plural)
