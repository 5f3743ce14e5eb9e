"""When two names are one: told alike by the pages and by the guards. Pure."""

import re
from unicodedata import normalize

# Spaces, ASCII and Chinese punctuation, and letters that nobody sees, as a character class that Python and PostgreSQL
# read alike. Classes by name differ: under some locales PostgreSQL takes no Chinese letter for a letter.
IGNORED = (
    r"\u0001-\u002F\u003A-\u0040\u005B-\u0060\u007B-\u00A9\u00AB-\u00B4\u00B6-\u00BF\u034F\u061C\u115F\u1160\u17B4"
    r"\u17B5\u180B-\u180F\u2000-\u206F\u2800\u3000-\u3004\u3008-\u3020\u3030\u30FB\u3164\uFE00-\uFE0F\uFE30-\uFE6B"
    r"\uFEFF\uFF01-\uFF0F\uFF1A-\uFF20\uFFA0\uFFFC"
)
_IGNORED = re.compile(f"[{IGNORED}]")


def same_name(one: str, other: str) -> bool:
    """Tell whether two names are one, whatever their case, width, spaces, punctuation and invisible letters."""
    return _folded(one) == _folded(other)


def _folded(name: str) -> str:
    return _IGNORED.sub("", normalize("NFKC", name)).lower()
