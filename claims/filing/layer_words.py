"""What each layer is told of a claim, in words, as its claimant sees it before the signature."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from aidplatform.lib.dates import spoken_day
from aidplatform.lib.money import format_money
from claims.filing.words import KINDS
from ledger.sharing.faces import CLASSES, DISEASES, REGIONS, SEXES

_TITLES: dict[str, tuple[object, object]] = {
    "public": (
        _("Everyone"),
        _(
            "Your pool's pages, its log, its feed. A pool of fewer than 100 members shows everyone sums of years alone."
        ),
    ),
    "members": (
        _("Members, besides"),
        _("Who belongs to the pool or has a duty in it, on the notice board."),
    ),
    "jurors": (
        _("Jurors, besides"),
        _(
            "Only if you take a refusal to the jury: as it is, and the words that you then choose to show them."
        ),
    ),
    "reviewers": (
        _("Reviewers, besides"),
        _("The people who decide on your claim; each opening is listed for you."),
    ),
}
_FIELDS: dict[str, object] = {
    "aid": _("Aid, at most"),
    "age": _("Age"),
    "sex": _("Sex"),
    "region": _("Region"),
    "disease": _("Kind of illness"),
    "month": _("Month"),
    "illness": _("Illness"),
    "joined": _("Member since"),
    "age_band": _("Age"),
    "province": _("Region"),
    "event_month": _("Month"),
    "joined_month": _("Member since"),
    "story": _("What you told"),
    "birth_date": _("Birth date"),
    "papers": _("Papers"),
    "payee": _("The account for the aid"),
}
_WORDS: dict[str, dict[str, object]] = {
    "sex": SEXES,
    "region": REGIONS,
    "province": REGIONS,
    "disease": CLASSES,
    "illness": DISEASES,
}


@dataclass(frozen=True)
class LayerRows:
    """One layer as it is previewed: who is meant, and what they are told besides the layers before."""

    title: object
    lead: object
    rows: list[tuple[object, object]]


def layer_rows(layers: dict[str, dict[str, Any]], currency: str) -> list[LayerRows]:
    """Return the layers in words, from everyone to reviewers."""
    return [
        LayerRows(
            *_TITLES[layer],
            [(_FIELDS[name], _in_words(name, value, currency)) for name, value in told.items()],
        )
        for layer, told in layers.items()
    ]


def _in_words(name: str, value: Any, currency: str) -> object:
    if name == "aid":
        return format_money(value, currency)
    if name == "papers":
        return [KINDS[paper["kind"]] for paper in value]
    if name in {"age", "age_band"}:
        return value.replace("-", "–")
    if name == "birth_date":
        return spoken_day(value)
    return _WORDS.get(name, {}).get(value, value)
