"""The manual: Markdown files of this project, one folder per language, rendered without raw HTML."""

import re
from dataclasses import dataclass
from functools import cache
from html import unescape
from pathlib import Path

from django.conf import settings
from django.utils.html import strip_tags
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language
from markdown_it import MarkdownIt

_CHINESE = "\u3000-\u303f\u4e00-\u9fff\uff00-\uffef“”"
_BROKEN_CHINESE = re.compile(rf"(?<=[{_CHINESE}])\n(?=[{_CHINESE}])")

# Wide tables scroll; alignment is a class, because inline styles are refused by the content policy; letters
# of the bill have an index.
_OURS = {
    "<table>": '<div class="table-frame" tabindex="0"><table>',
    "</table>": "</table></div>",
    "<pre>": '<pre tabindex="0">',
    ' style="text-align:right"': ' class="number"',
    "C_in": "C<sub>in</sub>",
    "C_out": "C<sub>out</sub>",
}

# Characters shown before and after a word that was searched for.
_AROUND = 60

# In reading order; the same names exist in every language.
PAGES = (
    "start",
    "founding",
    "moving",
    "family",
    "claims",
    "signals",
    "jury",
    "period",
    "share",
    "wallets",
    "debit",
    "arrears",
    "rules",
    "leaving",
    "going-on",
    "data",
    "complaints",
    "ending",
    "bank",
    "books",
    "open-books",
    "guarantees",
    "operating",
    "glossary",
)
FOLDERS = {"en": "en", "zh-hans": "zh"}


@dataclass(frozen=True)
class ManualPage:
    """One page of the manual: its name in the address, its title, its text as HTML and plain."""

    name: str
    title: str
    html: SafeString
    text: str

    def excerpt(self, wanted: str) -> str | None:
        """Return the surroundings of the first place that holds the words, in whatever case; None: not here."""
        place = self.text.casefold().find(wanted.casefold())
        if place < 0:
            return self.text[:_AROUND] + "…" if wanted.casefold() in self.title.casefold() else None
        start, end = max(place - _AROUND, 0), place + len(wanted) + _AROUND
        return ("…" if start else "") + self.text[start:end] + ("…" if end < len(self.text) else "")


def manual_pages() -> list[ManualPage]:
    """Return all pages in the reader's language."""
    folder = FOLDERS.get(get_language() or "en", "en")
    return [_read(folder, name) for name in PAGES]


@cache
def _read(folder: str, name: str) -> ManualPage:
    """Read and render one page; the files change with a release only, so each is read once."""
    path = Path(settings.BASE_DIR) / "templates" / "docs" / folder / f"{name}.md"
    # A line break between Chinese characters is layout, not a space.
    text = _BROKEN_CHINESE.sub("", path.read_text(encoding="utf-8"))
    title, _newline, rest = text.partition("\n")
    html = _render(rest)
    plain = " ".join(unescape(strip_tags(html)).split())
    return ManualPage(name, title.removeprefix("# ").strip(), html, plain)


def _render(text: str) -> SafeString:
    """Render Markdown with tables; raw HTML in the text is shown, not obeyed. Wide tables scroll."""
    renderer = MarkdownIt("commonmark", {"html": False}).enable("table")
    html: str = renderer.render(text)
    for plain, ours in _OURS.items():
        html = html.replace(plain, ours)
    safe: SafeString = mark_safe(html)  # noqa: S308 - our own files, rendered with raw HTML off
    return safe
