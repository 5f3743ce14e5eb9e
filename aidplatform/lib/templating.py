"""What every page needs from Python: icons, figures and instants as HTML, paging, and a way back.

Nothing here knows a model. Icons are drawn for this project on a 24 by 24 grid, stroked in the color of the
text beside them.
"""

import datetime as dt
from collections.abc import Iterable
from urllib.parse import urlsplit

from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

from aidplatform.lib.dates import format_day, format_instant
from aidplatform.lib.money import format_money

THEME_COOKIE = "aid_theme"
THEMES = ("auto", "light", "dark")

ICONS: dict[str, str] = {
    "alert": '<path d="M12 3.5 22 20.5H2Z"/><path d="M12 10v4.5M12 17.3v.2"/>',
    "arrow-left": '<path d="M19 12H5M11 6l-6 6 6 6"/>',
    "arrow-right": '<path d="M5 12h14M13 6l6 6-6 6"/>',
    "auto": '<circle cx="12" cy="12" r="8.5"/><path d="M12 3.5v17a8.5 8.5 0 0 0 0-17Z" fill="currentColor"/>',
    "book": '<path d="M5 4.5h11a3 3 0 0 1 3 3v12H8a3 3 0 0 1-3-3Z"/><path d="M5 16.5a3 3 0 0 1 3-3h11"/>',
    "check": '<path d="m4.5 12.5 5 5 10-11"/>',
    "clock": '<circle cx="12" cy="12" r="8.5"/><path d="M12 7v5.5l3.5 2"/>',
    "dot": '<circle cx="12" cy="12" r="4" fill="currentColor"/>',
    "download": '<path d="M12 4v11M7 10.5l5 5 5-5M4.5 20h15"/>',
    "info": '<circle cx="12" cy="12" r="8.5"/><path d="M12 11v5M12 7.8v.2"/>',
    "key": '<circle cx="8" cy="15" r="4"/><path d="m11 12 8.5-8.5M16 7l3 3"/>',
    "language": '<circle cx="12" cy="12" r="8.5"/><path d="M3.5 12h17M12 3.5c5 5 5 12 0 17M12 3.5c-5 5-5 12 0 17"/>',
    "lock": '<rect x="5" y="10.5" width="14" height="9.5" rx="1.5"/><path d="M8 10.5V8a4 4 0 0 1 8 0v2.5"/>',
    "moon": '<path d="M19.5 14.5A8 8 0 0 1 9.5 4.5a8 8 0 1 0 10 10Z"/>',
    "people": '<circle cx="9" cy="8.5" r="3.5"/><path d="M2.5 20a6.5 6.5 0 0 1 13 0"/>'
    '<path d="M16 5.300a3.5 3.5 0 0 1 0 6.400M18 14.200a6.5 6.5 0 0 1 3.5 5.8"/>',
    "refresh": '<path d="M19.5 11a7.5 7.5 0 1 0-2 6.300M19.5 5v6h-6"/>',
    "seal": '<rect x="4" y="4" width="16" height="16" rx="2"/><path d="m8 12.5 3 3 5.5-6.5"/>',
    "search": '<circle cx="10.5" cy="10.5" r="6.5"/><path d="m15.5 15.5 5 5"/>',
    "stop": '<circle cx="12" cy="12" r="8.5"/><path d="m6 6 12 12"/>',
    "sun": '<circle cx="12" cy="12" r="4"/><path d="M12 2.5v2.5M12 19v2.5M2.5 12H5M19 12h2.5"/>'
    '<path d="M5.3 5.3 7 7M17 17l1.7 1.7M18.7 5.3 17 7M7 17l-1.7 1.7"/>',
}


def in_language(english: str, chinese: str) -> str:
    """Return the one of two names that the reader's language asks for; the other where it is empty."""
    first, second = (chinese, english) if (get_language() or "").startswith("zh") else (english, chinese)
    return first or second


def listed_words(words: Iterable[object]) -> str:
    """Return words one after another, as the reader's language lists them."""
    return in_language(", ", "、").join(map(str, words))


def icon_html(name: str) -> SafeString:
    """Return the icon as decoration: hidden from readers, since words stand beside it."""
    return format_html(
        '<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">{}</svg>',
        mark_safe(ICONS[name]),  # noqa: S308 - a constant of this file
    )


def money_html(fen: int, currency: str) -> SafeString:
    """Return an amount with its currency, marked so that columns align and a minus shows."""
    css = "money money-minus" if fen < 0 else "money"
    return format_html('<span class="{}">{}</span>', css, format_money(fen, currency))


def day_html(day: dt.date) -> SafeString:
    """Return a calendar date as the language writes it, with the exact date for machines."""
    return format_html('<time class="nowrap" datetime="{}">{}</time>', day.isoformat(), format_day(day))


def instant_html(at: dt.datetime, zone: str) -> SafeString:
    """Return an instant in the given zone, to the minute, with the exact instant for machines."""
    return format_html(
        '<time class="nowrap" datetime="{}">{}</time>',
        at.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        format_instant(at, zone),
    )


def way_back(request: HttpRequest) -> str:
    """Return the address that a switch of language or theme returns to.

    For a page that was posted it is the page the form stood on: the posted address cannot be opened again.
    """
    if request.method in {"GET", "HEAD"}:
        return request.get_full_path()
    came_from = request.headers.get("Referer", "")
    return local_address(request, came_from)


def local_address(request: HttpRequest, address: str) -> str:
    """Return path and query of an address of this site; the front page for any other."""
    allowed = url_has_allowed_host_and_scheme(
        address, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    if not address or not allowed:
        return "/"
    parts = urlsplit(address)
    return f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
