"""Marks a paper for one reader, in a process of its own: `python -I mark_paper.py MEDIA_TYPE FONT TEXT < in > out`.

The paper is one that `clean_paper.py` has written. The text is laid over every page again and again, in the pixels of
a picture and behind everything else in what a page of a PDF draws, so that a copy says whose it is. Knows nothing of
the application.
"""

import io
import resource
import sys
import warnings
from typing import Any

MEMORY = 1536 * 2**20
SECONDS = 30
REFUSED = 3
_RED = (200, 30, 30)
_STRENGTH = 90


def main() -> int:
    """Read, mark, write."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    warnings.simplefilter("ignore")
    media_type, font, text = sys.argv[1:4]
    data = sys.stdin.buffer.read()
    try:
        marked = mark_pdf(data, text) if media_type == "application/pdf" else mark_image(data, font, text)
    except Exception as error:
        sys.stderr.write(f"unreadable {type(error).__name__}")
        return REFUSED
    sys.stdout.buffer.write(marked)
    sys.stdout.buffer.flush()
    return 0


def mark_image(data: bytes, font_path: str, text: str) -> bytes:
    """Lay the text over a picture, slanting, in rows that leave no large part of it free."""
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = None
    with Image.open(io.BytesIO(data), formats=["JPEG", "PNG"]) as image:
        form = image.format
        picture = image.convert("RGB")
    tile = _tile(font_path, text, max(12, min(picture.size) // 32))
    color = Image.new("RGB", tile.size, _RED)
    # Lines that slant alike stand a third of their height apart, from corner to corner of the picture.
    for top in range(-(tile.height // 2), picture.height, max(tile.height // 3, 1)):
        for left in range(-(tile.width // 2), picture.width, tile.width):
            picture.paste(color, (left, top), tile)
    out = io.BytesIO()
    picture.save(out, form, **({"quality": 88} if form == "JPEG" else {}))
    return out.getvalue()


def _tile(font_path: str, text: str, size: int) -> Any:
    """Return the text as how strongly it covers each pixel."""
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.truetype(font_path, size, layout_engine=ImageFont.Layout.BASIC)
    left, top, right, bottom = font.getbbox(text)
    plate = Image.new("L", (int(right - left) + size, int(bottom - top) + size), 0)
    ImageDraw.Draw(plate).text((size // 2 - left, size // 2 - top), text, fill=_STRENGTH, font=font)
    return plate.rotate(24, expand=True, resample=Image.Resampling.BICUBIC)


def mark_pdf(data: bytes, text: str) -> bytes:
    """Draw every page as a whole first, and the text over it."""
    import pikepdf

    pdf = pikepdf.open(io.BytesIO(data))
    font = pdf.make_indirect(
        pikepdf.Dictionary(
            Type=pikepdf.Name.Font,
            Subtype=pikepdf.Name.Type1,
            BaseFont=pikepdf.Name.Helvetica,
            Encoding=pikepdf.Name.WinAnsiEncoding,
        )
    )
    look = pdf.make_indirect(pikepdf.Dictionary(Type=pikepdf.Name.ExtGState, ca=0.4))
    for page in pdf.pages:
        # As a thing of its own, what a page draws cannot leave the pen in a state that moves or hides the text.
        whole = pdf.make_indirect(page.as_form_xobject(handle_transformations=False))
        edges = [float(edge) for edge in page.mediabox]
        page.Resources = pikepdf.Dictionary(
            XObject=pikepdf.Dictionary(Page=whole),
            Font=pikepdf.Dictionary(Mark=font),
            ExtGState=pikepdf.Dictionary(Mark=look),
        )
        page.Contents = pdf.make_stream(b"q /Page Do Q\n" + _rows(edges, text))
    out = io.BytesIO()
    pdf.save(out)
    return out.getvalue()


def _rows(edges: list[float], text: str) -> bytes:
    """Return what draws the text in slanting rows over a page."""
    left, bottom, right, top = edges
    size = max(6.0, min(right - left, top - bottom) / 34)
    said = text.encode("cp1252", "replace")
    for mark in (b"\\", b"(", b")"):
        said = said.replace(mark, b"\\" + mark)
    step = max((top - bottom) / 7, size * 4)
    drawn = [f"q /Mark gs 0.78 0.12 0.12 rg BT /Mark {size:.1f} Tf".encode()]
    row, height = 0, bottom - step / 2
    while height < top:
        start = left + (right - left) * (0.03 if row % 2 else 0.28)
        drawn.append(f"0.914 0.407 -0.407 0.914 {start:.1f} {height:.1f} Tm (".encode() + said + b") Tj")
        row, height = row + 1, height + step
    return b"\n".join([*drawn, b"ET Q"])


if __name__ == "__main__":
    sys.exit(main())
