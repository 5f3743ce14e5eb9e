"""By which open books a notice was written, for two members to compare: who has the books tells it here."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

#: Returns by the code of a pool what notices say of its books; a pool whose log is not signed yet is left out.
Teller = Callable[[set[str]], Mapping[str, dict[str, Any]]]

_tellers: list[Teller] = []
_OF_A_POOL = re.compile(r"/pools/([-a-zA-Z0-9_]+)/")


def tells_books(teller: Teller) -> Teller:
    """Declare who knows how far the logs of pools are signed."""
    _tellers.append(teller)
    return teller


def books_of(links: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return what is to be said of the books of the pools to which these addresses lead, by address."""
    found = {link: place[1] for link in links if (place := _OF_A_POOL.match(link))}
    codes, told = set(found.values()), dict[str, dict[str, Any]]()
    for teller in _tellers if codes else ():
        told |= teller(codes)
    return {link: told[code] for link, code in found.items() if code in told}
