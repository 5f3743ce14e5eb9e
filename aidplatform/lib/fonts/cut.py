"""Cuts from Noto Sans CJK what our papers need, with TrueType outlines: `python cut.py NotoSansCJK-Regular.ttc`.

All of GB 2312, so that names in use have their characters, and Latin letters. Outlines are brought from cubic to
quadratic curves because PDF readers find the text of such a font again by its plainest encoding.
"""

import sys
from pathlib import Path

from fontTools.fontBuilder import FontBuilder
from fontTools.pens.cu2quPen import Cu2QuPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTCollection, TTFont

OUT = Path(__file__).parent / "NotoSansCJKsc-Regular-part.ttf"
NAME = "Noto Sans CJK SC"
LATIN = ((0x20, 0x7E), (0xA0, 0x17F), (0x2010, 0x2027), (0x2030, 0x203A), (0x2190, 0x2193), (0x2260, 0x2265))
SINGLE = (0x20AC, 0x2212, 0x2713)
WIDE = ((0x3000, 0x303F), (0xFF00, 0xFFEF))
# In thousandths of an em: as fine as print shows at the sizes of a paper.
TOLERANCE = 1.0


def wanted() -> set[int]:
    """Return the code points of the part."""
    ranges = (*LATIN, *WIDE)
    points = {point for first, last in ranges for point in range(first, last + 1)} | set(SINGLE)
    rows, cells = range(0xA1, 0xF8), range(0xA1, 0xFF)
    return points | {
        ord(letter)
        for row in rows
        for cell in cells
        for letter in bytes((row, cell)).decode("gb2312", "ignore")
    }


def cut(source: Path) -> None:
    """Write the part of the simplified Chinese face of the collection."""
    fonts = TTCollection(str(source)).fonts
    face = next(font for font in fonts if font["name"].getDebugName(4) == NAME)
    cmap, glyphs = face.getBestCmap(), face.getGlyphSet()
    names = {point: cmap[point] for point in sorted(wanted() & cmap.keys())}
    order = [".notdef", *dict.fromkeys(names.values())]
    outlines, metrics = {}, {}
    for name in order:
        pen = TTGlyphPen(None)
        glyphs[name].draw(Cu2QuPen(pen, TOLERANCE, reverse_direction=True))
        outlines[name] = pen.glyph()
        metrics[name] = (face["hmtx"][name][0], 0)
    _build(face, order, names, outlines, metrics)


def _build(
    face: TTFont,
    order: list[str],
    names: dict[int, str],
    outlines: dict[str, object],
    metrics: dict[str, tuple[int, int]],
) -> None:
    builder = FontBuilder(face["head"].unitsPerEm, isTTF=True)
    builder.setupGlyphOrder(order)
    builder.setupCharacterMap(names)
    builder.setupGlyf(outlines)
    table = builder.font["glyf"]
    builder.setupHorizontalMetrics(
        {name: (width, getattr(table[name], "xMin", 0)) for name, (width, _) in metrics.items()}
    )
    builder.setupHorizontalHeader(ascent=face["hhea"].ascent, descent=face["hhea"].descent)
    builder.setupNameTable(
        {
            "copyright": face["name"].getDebugName(0),
            "familyName": NAME,
            "styleName": "Regular",
            "uniqueFontIdentifier": f"{NAME} part",
            "fullName": NAME,
            "psName": "NotoSansCJKsc-Regular",
            "licenseDescription": face["name"].getDebugName(13),
            "licenseInfoURL": face["name"].getDebugName(14),
        }
    )
    os2 = face["OS/2"]
    builder.setupOS2(
        sTypoAscender=os2.sTypoAscender, sTypoDescender=os2.sTypoDescender, usWinAscent=os2.usWinAscent,
        usWinDescent=os2.usWinDescent, sCapHeight=os2.sCapHeight, sxHeight=os2.sxHeight, fsType=os2.fsType,
    )  # fmt: skip
    builder.setupPost(keepGlyphNames=False)
    # The same part from the same face: its date is that of the face.
    builder.font["head"].created = builder.font["head"].modified = face["head"].modified
    builder.font.recalcTimestamp = False
    builder.save(str(OUT))


if __name__ == "__main__":
    cut(Path(sys.argv[1]))
