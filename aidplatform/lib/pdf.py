"""Papers as PDF in English and Chinese: the same bytes for the same words, wherever and whenever they are made.

The font is a part of Noto Sans CJK SC with all of GB 2312; `fonts/OFL.txt` is its license, CONTRIBUTING.md says how the
part was cut. The fonts that PDF readers bring along know no Chinese.
"""

import datetime as dt
import re
from collections.abc import Sequence
from pathlib import Path

from aidplatform.lib.qr import QUIET_ZONE, modules

FONT = Path(__file__).parent / "fonts" / "NotoSansCJKsc-Regular-part.ttf"
FAMILY = "Noto"
MARGIN_MM = 20
_LABEL_MM = 58
_LINE_MM = 5
_HEADING = re.compile(r"(#+)\s+(.*)")
_SIZES = {1: 16, 2: 12.5, 3: 11}
TEXT_PT, SMALL_PT = 10, 8


class Sheet:
    """A document on A4 that is written from top to bottom."""

    def __init__(
        self, *, title: str, language: str, at: dt.datetime, foot: str, is_wide: bool = False
    ) -> None:
        """Begin it. at: the instant of what it tells of, never that of its making; foot: stands on every page."""
        # Its library takes a quarter of the time in which the pages of the site are loaded, and few processes write.
        from aidplatform.lib.pdf_pages import Pages

        self._pdf = Pages(foot, is_wide)
        self._pdf.set_lang(language)
        self._pdf.set_title(title)
        self._pdf.set_producer("aidplatform")
        self._pdf.set_creation_date(at)
        self._pdf.add_page()
        self.heading(title)

    def heading(self, text: str, level: int = 1) -> None:
        """Write a heading; level 1 is the largest."""
        size = _SIZES.get(level, _SIZES[3])
        if self._pdf.will_page_break(size):
            self._pdf.add_page()
        self._pdf.ln(2)
        self._write(text, size)
        self._pdf.ln(1)

    def paragraph(self, text: str, *, is_small: bool = False) -> None:
        """Write a paragraph: folded between words, and between any two Chinese characters."""
        self._write(text, SMALL_PT if is_small else TEXT_PT)
        self._pdf.ln(1.5)

    def facts(self, rows: Sequence[tuple[str, str]]) -> None:
        """Write terms on the left with what they are on the right."""
        for term, fact in rows:
            self.row((term, fact), (_LABEL_MM, self._pdf.epw - _LABEL_MM))
        self._pdf.ln(3)

    def row(self, cells: Sequence[str], widths: Sequence[float], *, right_from: int | None = None) -> None:
        """Write cells beside each other, each folded in its width (mm); from right_from on they are figures."""
        pdf = self._pdf
        pdf.set_font(FAMILY, size=TEXT_PT)
        height = max(self._height(text, width) for text, width in zip(cells, widths, strict=True))
        if pdf.will_page_break(height):
            pdf.add_page()
        left, top = pdf.l_margin, pdf.get_y()
        for place, (text, width) in enumerate(zip(cells, widths, strict=True)):
            align = "R" if right_from is not None and place >= right_from else "L"
            pdf.set_xy(left, top)
            pdf.multi_cell(width, _LINE_MM, text, wrapmode=pdf.fold(text), align=align)
            left += width
        pdf.set_draw_color(200)
        pdf.line(pdf.l_margin, top + height + 0.5, pdf.l_margin + sum(widths), top + height + 0.5)
        pdf.set_xy(pdf.l_margin, top + height + 1)

    def markdown(self, text: str) -> None:
        """Write a text of headings, paragraphs and lists as covenants have them; other marks stay as they are."""
        for block in re.split(r"\n\s*\n", text.strip()):
            heading = _HEADING.fullmatch(block.strip())
            if heading:
                self.heading(heading[2], len(heading[1]) + 1)
                continue
            for piece in re.split(r"\n(?=\s*(?:[-*]|\d+\.)\s)", block):
                self.paragraph(_joined(piece))

    def qr(self, text: str, side_mm: float = 40) -> None:
        """Draw a QR code with its quiet zone."""
        pdf, rows = self._pdf, modules(text)
        if pdf.will_page_break(side_mm):
            pdf.add_page()
        unit = side_mm / (len(rows) + 2 * QUIET_ZONE)
        pdf.set_fill_color(0)
        for y, row in enumerate(rows):
            for x, is_dark in enumerate(row):
                if is_dark:
                    left = pdf.l_margin + (x + QUIET_ZONE) * unit
                    pdf.rect(left, pdf.get_y() + (y + QUIET_ZONE) * unit, unit, unit, style="F")
        pdf.set_y(pdf.get_y() + side_mm)

    def content(self) -> bytes:
        """Return the document."""
        return bytes(self._pdf.output())

    def _height(self, text: str, width: float) -> float:
        """Return how high a cell gets (mm), without writing it."""
        found = self._pdf.multi_cell(
            width, _LINE_MM, text, wrapmode=self._pdf.fold(text), dry_run=True, output="HEIGHT"
        )
        assert isinstance(found, float | int)
        return found

    def _write(self, text: str, size: float) -> None:
        self._pdf.set_font(FAMILY, size=size)
        self._pdf.multi_cell(
            0, size * 0.55, text, wrapmode=self._pdf.fold(text), new_x="LMARGIN", new_y="NEXT", align="L"
        )


def _joined(piece: str) -> str:
    """Return the lines of a paragraph as one; between Chinese characters a line break is no space."""
    text = re.sub(
        r"(?<=[\u3000-\u9fff\uff00-\uffef])\n\s*(?=[\u3000-\u9fff\uff00-\uffef])", "", piece.strip()
    )
    text = re.sub(r"\s*\n\s*", " ", text)
    return re.sub(r"^[-*]\s+", "• ", text).replace("**", "")
