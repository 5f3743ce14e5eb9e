"""Tells how the pages of one paper look: `python -I page_hash.py MEDIA_TYPE < in > out`, a line of 64 hex digits each.

Made grey, shrunk to 17 by 16 points, and for each point one bit: is its right neighbor darker? So a photograph of the
same page gives nearly the same bits, while another form of the same hospital differs in many; with 8 by 8 points it
would not. A page without features gives an empty line. Decoding happens here, in a process of its own, as when papers
are rewritten; knows nothing of the application.
"""

import io
import itertools
import resource
import sys
from typing import Any

MEMORY = 1536 * 2**20
SECONDS = 20
MOST_PIXELS = 40_000_000
MOST_PAGES = 20
SIDE = 16
# Of 256 bits; with fewer set, or fewer unset, a page is blank or ruled and looks like all of its kind.
FEWEST = 24


def main() -> int:
    """Read, look, write."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    data = sys.stdin.buffer.read()
    try:
        pages = pages_of_pdf(data) if sys.argv[1] == "application/pdf" else [_opened(data)]
        lines = [bits_of(page) if page is not None else "" for page in pages]
    except Exception as error:
        sys.stderr.write(f"unreadable {type(error).__name__}")
        return 3
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return 0


def bits_of(image: Any) -> str:
    """Return the bits of a picture as hex; empty where it has too few features."""
    from PIL import Image

    small = image.convert("L").resize((SIDE + 1, SIDE), Image.Resampling.LANCZOS)
    points = small.tobytes()
    bits = 0
    for row in range(SIDE):
        line = points[row * (SIDE + 1) : (row + 1) * (SIDE + 1)]
        for left, right in itertools.pairwise(line):
            bits = bits << 1 | (left > right)
    is_plain = not FEWEST <= bits.bit_count() <= SIDE * SIDE - FEWEST
    return "" if is_plain else f"{bits:064x}"


def pages_of_pdf(data: bytes) -> list[Any]:
    """Return of each page its largest picture, as scans have it; None of a page without one."""
    import pikepdf

    found: list[Any] = []
    picture: Any = pikepdf.PdfImage
    with pikepdf.open(io.BytesIO(data), suppress_warnings=True) as pdf:
        for page in pdf.pages[:MOST_PAGES]:
            pictures = [picture(raw) for raw in page.images.values()]
            fitting = [
                one
                for one in pictures
                if min(one.width, one.height) >= 200 and one.width * one.height <= MOST_PIXELS
            ]
            largest = max(fitting, key=lambda one: one.width * one.height, default=None)
            found.append(largest.as_pil_image() if largest is not None else None)
    return found


def _opened(data: bytes) -> Any:
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    return Image.open(io.BytesIO(data), formats=["JPEG", "PNG"])


if __name__ == "__main__":
    sys.exit(main())
