"""Papers as PDF: every character has a glyph, lines fold, and the same words give the same bytes."""

import datetime as dt
import io
import time

import polib
import pypdf
import pytest
from fontTools.ttLib import TTFont

from aidplatform.lib.pdf import FONT, Sheet
from aidplatform.tests.pages_messages import CATALOGUE
from members.pools.covenants import default_covenant

AT = dt.datetime(2026, 1, 1, 8, tzinfo=dt.UTC)


def sheet() -> Sheet:
    return Sheet(title="互助公约", language="zh-hans", at=AT, foot="test-pool #7")


def words(content: bytes) -> str:
    """Return the text of all pages without their feet and without spaces: where lines fold is their width's affair."""
    pages = pypdf.PdfReader(io.BytesIO(content)).pages
    return "".join("".join("".join(page.extract_text().splitlines()[:-1]).split()) for page in pages)


def test_every_character_of_catalogue_and_covenants_has_a_glyph() -> None:
    texts = [*default_covenant(), *default_covenant(pays_ahead=True)]
    for entry in polib.pofile(str(CATALOGUE)):
        texts += [entry.msgid, entry.msgstr, *entry.msgstr_plural.values()]
    glyphs = TTFont(FONT).getBestCmap()
    lacking = {letter for text in texts for letter in text if ord(letter) >= 32 and ord(letter) not in glyphs}
    assert lacking == set()


def test_font_knows_all_of_gb2312() -> None:
    """Names of pools and classes are of any characters in use, not only of ours."""
    glyphs = TTFont(FONT).getBestCmap()
    rows, cells = range(0xB0, 0xF8), range(0xA1, 0xFF)
    hanzi = "".join(bytes((row, cell)).decode("gb2312", "ignore") for row in rows for cell in cells)
    assert len(hanzi) == 6763
    assert [letter for letter in hanzi if ord(letter) not in glyphs] == []


@pytest.mark.parametrize("place", [0, 1])
def test_covenant_is_in_the_paper_word_for_word(place: int) -> None:
    text = default_covenant()[place]
    paper = sheet()
    paper.markdown(text)
    found = words(paper.content())
    for line in text.splitlines():
        said = "".join(line.strip().lstrip("#").replace("**", "").split())
        assert said.removeprefix("-") in found


def test_long_chinese_and_long_hashes_fold_within_the_page() -> None:
    paper = sheet()
    paper.paragraph("互助" * 100)
    paper.facts([("公约", "a1" * 32)])
    edge = 210 * 72 / 25.4 - 20 * 72 / 25.4
    starts: list[tuple[float, str]] = []

    def note(text: str, _cm: object, tm: list[float], _font: object, _size: object) -> None:
        starts.append((tm[4], "".join(text.split())))

    pypdf.PdfReader(io.BytesIO(paper.content())).pages[0].extract_text(visitor_text=note)
    lines = [(left, text) for left, text in starts if "互助互助" in text]
    assert len(lines) >= 4
    # A Chinese character is as wide as it is high: ten points.
    assert all(left + 10 * len(text) <= edge + 1 for left, text in lines)


def test_same_words_give_the_same_bytes_at_another_time() -> None:
    first = sheet().content()
    time.sleep(1.1)
    assert sheet().content() == first
