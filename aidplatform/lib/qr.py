"""QR codes as SVG: black on a white ground of their own, so that a camera reads them in the dark theme as well."""

from functools import lru_cache

import segno
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

# ISO/IEC 18004 wants four modules of white around the symbol.
QUIET_ZONE = 4


def modules(text: str) -> list[list[bool]]:
    """Return the rows of the symbol for UTF-8 text, True where a module is dark; error correction M, no quiet zone."""
    symbol = segno.make_qr(text, error="m", boost_error=False, encoding="utf-8", eci=False)
    return [[bool(module) for module in row] for row in symbol.matrix]


# Choosing the best mask takes as long as the rest of a page, and a page is opened more often than its code changes.
@lru_cache(maxsize=4096)
def qr_html(text: str, label: str) -> SafeString:
    """Return the symbol as an image element with that label, drawn by attributes alone: no style, nothing fetched."""
    rows = modules(text)
    side = len(rows) + 2 * QUIET_ZONE
    return format_html(
        '<svg class="qr" role="img" aria-label="{}" viewBox="0 0 {} {}" shape-rendering="crispEdges">'
        '<rect width="100%" height="100%" fill="#fff"/><path d="{}" fill="#000"/></svg>',
        label,
        side,
        side,
        mark_safe("".join(_runs(rows))),  # noqa: S308 - digits and letters of a path
    )


def _runs(rows: list[list[bool]]) -> list[str]:
    """Return one rectangle for each run of dark modules in a row, as pieces of a path."""
    pieces = []
    for y, row in enumerate(rows):
        start = 0
        for x, dark in enumerate([*row, False]):
            if not dark:
                if x > start:
                    pieces.append(f"M{start + QUIET_ZONE} {y + QUIET_ZONE}h{x - start}v1h{start - x}z")
                start = x + 1
    return pieces
