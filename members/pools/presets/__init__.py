"""Plans to begin with: rules of real pools and of known platforms, each value with the source it comes from. Pure.

One JSON file per preset. Whoever runs a pool and who pays when it ends is for its founders to name, so that the terms
here have no operator, and the ending lacks its payer.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from members.pools.plan_terms import PlanTerms

_FOLDER = Path(__file__).resolve().parent
# Those for who founds a pool today, then the platforms.
_ORDER = (
    "village",
    "association",
    "xianghubao",
    "xianghubao_senior",
    "meituan_first",
    "meituan",
    "baidu",
    "waterdrop",
    "qingsong",
    "kangai",
)


@dataclass(frozen=True, slots=True)
class Source:
    """Where a value comes from. is_ours: it was never published, and the value is a default of this software."""

    en: str
    zh: str
    is_ours: bool


@dataclass(frozen=True, slots=True)
class Preset:
    """A plan to begin with.

    expected_members: for how many its consequences are shown at first. terms: without operator and wind_down.
    wind_down: what it suggests for the ending, without a payer. sources: by the path of a term, of a place in a list
    (`aid[0]`) or of whatever begins so; those of wind_down begin with its name. Presets are shared: copy, then change.
    """

    code: str
    name_en: str
    name_zh: str
    about_en: str
    about_zh: str
    expected_members: int
    terms: dict[str, Any]
    wind_down: dict[str, Any]
    sources: Mapping[str, Source]

    def plan(self) -> PlanTerms:
        """Return the terms as the pure, validated object."""
        return PlanTerms.from_json(self.terms)

    def leaves(self) -> tuple[str, ...]:
        """Return the path of every single value, in the order of the file."""
        return tuple(_leaves({**self.terms, "wind_down": self.wind_down}))

    def sources_of(self, *paths: str) -> tuple[Source, ...]:
        """Return the distinct sources of every value at these paths or below them, in the order of the file.

        Raises: KeyError for a value without a source.
        """
        leaves = [leaf for leaf in self.leaves() if any(path in _prefixes(leaf) for path in paths)]
        return tuple(dict.fromkeys(self._source_of(leaf) for leaf in leaves))

    def _source_of(self, leaf: str) -> Source:
        for path in _prefixes(leaf):
            if path in self.sources:
                return self.sources[path]
        raise KeyError(leaf)


@lru_cache(maxsize=1)
def all_presets() -> tuple[Preset, ...]:
    """Return every preset, those for the pools of today first."""
    return tuple(_read(code) for code in _ORDER)


def find_preset(code: str) -> Preset:
    """Return a preset by its code. Raises: KeyError."""
    for preset in all_presets():
        if preset.code == code:
            return preset
    raise KeyError(code)


def _read(code: str) -> Preset:
    data = json.loads((_FOLDER / f"{code}.json").read_text(encoding="utf-8"))
    sources = {path: Source(**source) for path, source in data.pop("sources").items()}
    return Preset(**data, sources=sources)


def _leaves(value: object, path: str = "") -> Iterator[str]:
    """Yield the path of every value that is neither an object nor a list."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _leaves(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from _leaves(inner, f"{path}[{place}]")
    else:
        yield path


def _prefixes(leaf: str) -> tuple[str, ...]:
    """Return a path and all that it lies in, the longest first: `aid[0].severity`, `aid[0]`, `aid`."""
    ends = [place for place, sign in enumerate(leaf) if sign in ".["]
    return (leaf, *(leaf[:end] for end in reversed(ends)))
