"""Tags and filters that every template has without loading them: money, dates, icons, progress."""

import datetime as dt
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, ngettext

from aidplatform.lib.dates import spoken_day
from aidplatform.lib.money import format_fen, format_money
from aidplatform.lib.qr import qr_html
from aidplatform.lib.templating import day_html, icon_html, in_language, instant_html, money_html

register = template.Library()

# The look of a state: done, active, waiting, stopped or quiet, with the icon that says the same.
_LOOKS: dict[str, tuple[str, str]] = {
    "done": ("badge-done", "check"),
    "active": ("badge-active", "dot"),
    "waiting": ("badge-waiting", "clock"),
    "stopped": ("badge-stopped", "stop"),
    "quiet": ("badge-quiet", "dot"),
}
_LOOK_OF_STATE: dict[str, str] = {
    # pools
    "draft": "quiet",
    "gathering": "waiting",
    "proposed": "waiting",
    "published": "done",
    "open": "done",
    "intake_stopped": "waiting",
    "winding_down": "stopped",
    "closed": "quiet",
    "given_up": "quiet",
    # periods
    "opened": "active",
    "frozen": "active",
    "announced": "active",
    "settled": "waiting",
    "computed": "waiting",
    "approved": "active",
    "posting": "active",
    "posted": "done",
    # awards
    "held": "waiting",
    "final": "done",
    "shared": "done",
    "withdrawn": "stopped",
    # payment orders
    "ordered": "waiting",
    "released": "active",
    "confirmed": "done",
    "cancelled": "quiet",
    # costs and investigations
    "billed": "waiting",
    "turned_down": "stopped",
    "reported": "done",
    "revoked": "stopped",
    "returned": "stopped",
    # claims and objections
    "filed": "waiting",
    "papers_requested": "waiting",
    "under_review": "active",
    "under_investigation": "active",
    "recommended": "active",
    "rejected": "stopped",
    "in_publicity": "active",
    "objected": "waiting",
    "overturned": "stopped",
    "appealed": "waiting",
    "refused_finally": "stopped",
    "before_jury": "active",
    "refused_by_jury": "stopped",
    # draws, seats and verdicts
    "called": "waiting",
    "committed": "waiting",
    "drawn": "active",
    "tallied": "done",
    "failed": "stopped",
    "dropped": "quiet",
    "reserve": "quiet",
    "seated": "active",
    "passed_over": "quiet",
    "refused": "stopped",
    "no_quorum": "stopped",
    "awarded": "done",
    "paid": "done",
    "dismissed": "done",
    "upheld": "stopped",
    # wallets
    "covered": "done",
    "awaited": "waiting",
    "suspended": "stopped",
    "lapsed": "quiet",
    "ended": "quiet",
    # late members and their pauses
    "grace": "waiting",
    "unheard": "waiting",
    "over": "quiet",
    "asked": "waiting",
    "granted": "done",
    "declined": "stopped",
    # verifications
    "true": "done",
    "false": "stopped",
    "unchecked": "waiting",
    # jobs
    "queued": "waiting",
    "running": "active",
    "done": "done",
    "stuck": "stopped",
}


@register.filter
def fen(amount: int | None) -> str:
    """Write an amount without its currency: 1,234.56; a dash where there is none."""
    return "–" if amount is None else format_fen(amount)


@register.filter(name="money")
def money_filter(amount: int, currency: str) -> str:
    """Write an amount with its currency as plain text, for sentences and attributes."""
    return format_money(amount, currency)


@register.simple_tag
def qr(text: str, label: str) -> SafeString:
    """Show text as a QR code; label: what it holds, for whoever does not see it."""
    return qr_html(text, label)


@register.simple_tag(name="money")
def money_tag(amount: int | None, currency: str) -> SafeString | str:
    """Write an amount as an element that aligns; a dash where there is none."""
    return "–" if amount is None else money_html(amount, currency)


@register.filter
def count(number: int | None) -> str:
    """Write a whole number with its thousands apart; a dash where there is none."""
    return "–" if number is None else f"{number:,}"


@register.filter
def percent(number: int) -> str:
    """Write a percentage in the habit of the language: 65 %, in Chinese 65%."""
    return in_language(f"{number} %", f"{number}%")


@register.filter
def time_left(seconds: int) -> str:
    """Say how long something will take: in seconds, from two minutes on in minutes rounded up."""
    if seconds < 120:
        return ngettext("about %(count)s second left", "about %(count)s seconds left", seconds) % {
            "count": seconds
        }
    minutes = -(-seconds // 60)
    return ngettext("about %(count)s minute left", "about %(count)s minutes left", minutes) % {
        "count": minutes
    }


@register.filter
def day(date: dt.date | None) -> SafeString | str:
    """Write a calendar date as the language does; a dash where there is none."""
    return "–" if date is None else day_html(date)


@register.filter
def spoken(value: object) -> object:
    """Write the text of a date, as a derivation keeps it, as the language does."""
    return spoken_day(value)


@register.filter
def day_before(date: dt.date) -> dt.date:
    """Return the last day of a span whose end is not part of it."""
    return date - dt.timedelta(days=1)


@register.simple_tag
def instant(at: dt.datetime | None, zone: str = "UTC") -> SafeString | str:
    """Write an instant in a pool's zone; a dash where there is none."""
    return "–" if at is None else instant_html(at, zone)


@register.simple_tag
def icon(name: str) -> SafeString:
    """Draw an icon beside the words that say the same."""
    return icon_html(name)


@register.simple_tag
def badge(state: str, label: object) -> SafeString:
    """Show a state by word, mark and color; the word alone would be enough."""
    css, mark = _LOOKS[_LOOK_OF_STATE.get(state, "quiet")]
    return format_html('<span class="badge {}">{}{}</span>', css, icon_html(mark), label)


@register.inclusion_tag("components/_progress.html")
def progress(percent: int, label: object, note: object = "") -> dict[str, Any]:
    """Show how far something is, in words and as a bar."""
    return {"percent": percent, "label": label, "note": note}


@register.filter
def refusal_layout(status: int) -> str:
    """Return the layout of a refusal: without the database, one that asks it nothing."""
    return "base_plain.html" if status == 503 else "base.html"


@register.filter
def dictget(mapping: dict[Any, Any], key: Any) -> Any:
    """Return the mapping's value for a key that a template variable holds, or None."""
    return mapping.get(key)


@register.filter
def named(thing: Any) -> str:
    """Return the name in the reader's language of anything that has one: a pool, a class, a person."""
    english = getattr(thing, "name_en", "") or getattr(thing, "name", "")
    return in_language(english, getattr(thing, "name_zh", "")) or str(thing)


@register.simple_tag(name="in_language")
def text_in_language(english: str, chinese: str) -> str:
    """Return the one of two texts that the reader's language asks for."""
    return in_language(english, chinese)


@register.filter
def subscripted(letter: str) -> SafeString:
    """Write C_in as a letter with its index below."""
    head, _underscore, index = letter.partition("_")
    return format_html("{}<sub>{}</sub>", head, index) if index else format_html("{}", head)


@register.filter
def short_fen(amount: int) -> str:
    """Write a round amount briefly, for an axis: 0.01, 80, 12.50, 10 k; without its currency."""
    whole, part = divmod(amount, 100)
    return format_fen(amount) if part else short_count(whole) if whole % 1_000 == 0 else f"{whole:,}"


@register.filter
def short_count(number: int) -> str:
    """Write a round number briefly, for an axis: 10 k, 100 M; in Chinese by ten thousands."""
    steps: tuple[tuple[int, str], ...]
    if (get_language() or "").startswith("zh"):
        steps = ((10**8, "亿"), (10**4, "万"))
    else:
        steps = ((10**9, " G"), (10**6, " M"), (10**3, " k"))
    for size, mark in steps:
        if number >= size:
            return f"{number // size:,}{mark}"
    return str(number)
