"""How well one version of limits tells made-up fraud from honest claims: whole numbers, per mille. Pure."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from claims.review.signal_files import Case
from claims.review.signals import NOTHING, SIGNALS, Thresholds, assess

LEAST_RECALL, MOST_HONEST = 950, 50
# A signal is a sign of a kind that at least a fifth of its claims show.
_SIGN = 200


def per_mille(part: int, whole: int, *, up: bool = False) -> int:
    """Return part of whole in thousandths, rounded against whoever measures; nothing of nothing is 0."""
    if not whole:
        return 0
    return -(-1000 * part // whole) if up else 1000 * part // whole


@dataclass
class KindFigures:
    """One kind of fraud: how many there were, how many a look was suggested for, and by which signals."""

    kind: str
    is_held_out: bool
    count: int = 0
    routed: int = 0
    shown: Counter[str] = field(default_factory=Counter)
    precision: int = 0

    @property
    def recall(self) -> int:
        """Return how many in a thousand of them were found."""
        return per_mille(self.routed, self.count)

    @property
    def signs(self) -> set[str]:
        """Return the signals that at least a fifth of them show."""
        return {name for name, count in self.shown.items() if per_mille(count, self.count) >= _SIGN}


@dataclass
class SignalFigures:
    """One signal: how many in a thousand honest claims, and of fraud, show it."""

    signal: str
    honest: int
    fraud: int


@dataclass
class Measured:
    """What a version makes of a list of claims.

    recall, precision, honest_flagged: of everything but held-out kinds, per mille; a claim is found, or flagged, when
    any look is suggested. Of a kind precision is: of the claims that a look was suggested for and that show a sign of
    it, how many are fraud.
    """

    version: int
    honest: int
    honest_routed: int
    routes: dict[str, int]
    kinds: list[KindFigures]
    signals: list[SignalFigures]

    @property
    def recall(self) -> int:
        """Return how many in a thousand frauds of the known kinds were found."""
        known = [kind for kind in self.kinds if not kind.is_held_out]
        return per_mille(sum(kind.routed for kind in known), sum(kind.count for kind in known))

    @property
    def precision(self) -> int:
        """Return how many in a thousand of those that a look is suggested for are fraud."""
        found = sum(kind.routed for kind in self.kinds if not kind.is_held_out)
        return per_mille(found, found + self.honest_routed)

    @property
    def honest_flagged(self) -> int:
        """Return for how many in a thousand honest claims a look is suggested."""
        return per_mille(self.honest_routed, self.honest, up=True)

    @property
    def holds(self) -> bool:
        """Tell whether both bars hold."""
        return self.recall >= LEAST_RECALL and self.honest_flagged <= MOST_HONEST


def measure(cases: Iterable[Case], limits: Thresholds) -> Measured:
    """Judge every claim by the limits, and count."""
    kinds: dict[str, KindFigures] = {}
    honest: Counter[str] = Counter()
    routes: Counter[str] = Counter()
    honest_count = 0
    routed: list[tuple[str, frozenset[str]]] = []
    for case in cases:
        judged = assess(case.features, limits)
        shown = frozenset(finding.signal for finding in judged.findings)
        is_routed = judged.route != NOTHING
        if case.fraud:
            kind = kinds.setdefault(case.fraud, KindFigures(case.fraud, case.is_held_out))
            kind.count += 1
            kind.routed += is_routed
            kind.shown.update(shown)
        else:
            honest_count += 1
            honest.update(shown)
            routes[judged.route] += 1
        if is_routed and not case.is_held_out:
            routed.append((case.fraud, shown))
    for kind in kinds.values():
        with_sign = [fraud for fraud, shown in routed if shown & kind.signs]
        with_sign += [kind.kind] * (kind.routed if kind.is_held_out else 0)
        kind.precision = per_mille(sum(map(bool, with_sign)), len(with_sign))
    known = [kind for kind in kinds.values() if not kind.is_held_out]
    frauds = sum(kind.count for kind in known)
    return Measured(
        version=limits.number,
        honest=honest_count,
        honest_routed=honest_count - routes[NOTHING],
        routes=dict(routes),
        kinds=sorted(kinds.values(), key=lambda kind: (kind.is_held_out, kind.kind)),
        signals=[
            SignalFigures(
                name,
                per_mille(honest[name], honest_count, up=True),
                per_mille(sum(kind.shown[name] for kind in known), frauds),
            )
            for name in SIGNALS
        ],
    )
