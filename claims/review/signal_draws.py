"""Draws for the generator of made-up claims: the same seed gives the same claims, on every machine. Pure."""

from collections.abc import Sequence
from typing import TypeVar

_WORD = 2**64
Item = TypeVar("Item")


class Draws:
    """A sequence of whole numbers from a seed (SplitMix64): no chance of the machine, no fraction."""

    def __init__(self, seed: int) -> None:
        self._state = seed % _WORD

    def below(self, end: int) -> int:
        """Return one of 0, 1 … end - 1, each as likely up to one in 2^60."""
        self._state = (self._state + 0x9E3779B97F4A7C15) % _WORD
        mixed = self._state
        mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9 % _WORD
        mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB % _WORD
        return (mixed ^ (mixed >> 31)) * end // _WORD

    def between(self, first: int, last: int) -> int:
        """Return one of first … last, both included."""
        return first + self.below(last - first + 1)

    def chance(self, per_mille: int) -> bool:
        """Return yes so many times in a thousand."""
        return self.below(1000) < per_mille

    def pick(self, items: Sequence[Item]) -> Item:
        """Return one of the items."""
        return items[self.below(len(items))]

    def count(self, mean_milli: int) -> int:
        """Return how many of a hundred independent things happen that are expected mean_milli / 1000 times."""
        return sum(self.below(100_000) < mean_milli for _one in range(100))
