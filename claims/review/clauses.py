"""Find in a covenant the text of a clause that a decision cites. Pure.

A covenant is Markdown with an article under each heading of the second level and numbered paragraphs in it, as the
default one is. Where another is ordered otherwise, the whole article is shown, and of a missing one nothing: the page
links to the covenant as well.
"""

import re

# Clause → its article, and the paragraphs of it; empty: all of them.
PLACES: dict[str, tuple[int, tuple[int, ...]]] = {
    "aid": (3, (1, 3)),
    "cover": (3, (1,)),
    "waiting": (3, (1,)),
    "report": (3, ()),
    "declaration": (3, (2,)),
    "papers": (3, (1,)),
}
_PARAGRAPH = re.compile(r"(\d+)\.\s+(.*)")


def clause_text(covenant: str, clause: str) -> list[str]:
    """Return heading and paragraphs of a clause in one language; empty where the covenant has no such article."""
    article, wanted = PLACES[clause]
    articles = [part.strip() for part in re.split(r"^##\s+", covenant, flags=re.MULTILINE)[1:]]
    if len(articles) < article:
        return []
    heading, _line, body = articles[article - 1].partition("\n")
    paragraphs = [
        " ".join(part.split()) for part in re.split(r"\n(?=\s*\d+\.\s)|\n\s*\n", body.strip()) if part.strip()
    ]
    numbered = {}
    for text in paragraphs:
        found = _PARAGRAPH.fullmatch(text)
        if found:
            numbered[int(found[1])] = text
    chosen = [numbered[number] for number in wanted if number in numbered]
    return [
        _plain(heading),
        *(_plain(text) for text in (chosen if wanted and len(chosen) == len(wanted) else paragraphs)),
    ]


def _plain(text: str) -> str:
    """Return a text without the marks of Markdown."""
    return text.replace("**", "").strip()
