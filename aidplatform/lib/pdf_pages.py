"""The pages of a paper: their font, their margins and their foot. `pdf` writes on them, and alone loads this."""

import logging
import re

from fpdf import FPDF
from fpdf.enums import WrapMode

from aidplatform.lib.pdf import FAMILY, FONT, MARGIN_MM, SMALL_PT, TEXT_PT

# It tells of every table of a font that it cuts.
logging.getLogger("fontTools").setLevel(logging.WARNING)


class Pages(FPDF):
    """A4 pages with the font, and at the foot of each what the document is and its number."""

    def __init__(self, foot: str, is_wide: bool) -> None:
        super().__init__(orientation="landscape" if is_wide else "portrait", format="A4")
        self._foot = foot
        self.set_margin(MARGIN_MM)
        self.set_auto_page_break(True, margin=MARGIN_MM)
        self.add_font(FAMILY, fname=FONT)
        self.set_font(FAMILY, size=TEXT_PT)

    def footer(self) -> None:
        """Write the foot of a page."""
        self.set_y(-14)
        self.set_font(FAMILY, size=SMALL_PT)
        self.cell(self.epw - 15, 5, self._foot)
        self.cell(15, 5, str(self.page_no()), align="R")

    @staticmethod
    def fold(text: str) -> WrapMode:
        """Return where lines may break: Chinese has no spaces, and a hash has none either."""
        has_long = any(len(word) > 40 for word in text.split())
        return WrapMode.CHAR if has_long or re.search(r"[\u4e00-\u9fff]", text) else WrapMode.WORD
