"""What of a case is told to whom, and as how wide a group: the four layers and the published steps. Pure.

A case is told by the first of STEPS at which five members at least share what is said of the person. The steps are
nested: whoever reads the same person told by two of them learns no more than the finer one says.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

SMALLEST_GROUP = 5

PUBLIC, MEMBERS, JURORS, REVIEWERS = LAYERS = ("public", "members", "jurors", "reviewers")
#: The lowest layer to which each field is told; a higher layer is told the fields of those below as well.
TOLD_FROM: dict[str, str] = {
    "case": PUBLIC,
    "aid": PUBLIC,
    "age": PUBLIC,
    "sex": PUBLIC,
    "region": PUBLIC,
    "disease": PUBLIC,
    "month": PUBLIC,
    "illness": MEMBERS,
    "joined": MEMBERS,
    "helped": MEMBERS,
    "age_band": JURORS,
    "province": JURORS,
    "event_month": JURORS,
    "joined_month": JURORS,
    "statement": JURORS,
    "story": REVIEWERS,
    "birth_date": REVIEWERS,
    "papers": REVIEWERS,
    "payee": REVIEWERS,
}


def fields_of(layer: str) -> tuple[str, ...]:
    """Return the fields that are told to a layer, those of the layers below first."""
    height = LAYERS.index(layer)
    return tuple(field for field, lowest in TOLD_FROM.items() if LAYERS.index(lowest) <= height)


def fields_told(layer: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return of these values what a layer is told; what is empty is not told."""
    found = {name: values[name] for name in fields_of(layer) if name in values}
    return {name: value for name, value in found.items() if value not in ("", None, [])}


#: Illnesses as they are filed → the class in which everyone is told of them.
DISEASE_OF: dict[str, str] = {
    "accident": "accident",
    "cancer_mild": "cancer",
    "cancer_severe": "cancer",
    "heart_attack": "circulation",
    "kidney_failure": "organs",
    "leukemia": "cancer",
    "other_illness": "other",
    "stroke_mild": "circulation",
    "stroke_severe": "circulation",
    "thyroid_cancer": "cancer",
    "transplant": "organs",
}
#: Parts of the country, each with its provinces.
PARTS: dict[str, tuple[str, ...]] = {
    "north": ("beijing", "tianjin", "hebei", "shanxi", "inner_mongolia"),
    "northeast": ("liaoning", "jilin", "heilongjiang"),
    "east": ("shanghai", "jiangsu", "zhejiang", "anhui", "fujian", "jiangxi", "shandong"),
    "central_south": ("henan", "hubei", "hunan", "guangdong", "guangxi", "hainan"),
    "southwest": ("chongqing", "sichuan", "guizhou", "yunnan", "tibet"),
    "northwest": ("shaanxi", "gansu", "qinghai", "ningxia", "xinjiang"),
    "beyond": ("hongkong", "macao", "taiwan"),
}
PART_OF = {province: part for part, provinces in PARTS.items() for province in provinces}


@dataclass(frozen=True)
class Step:
    """How widely a case is told. Of each field 0: as it is; the last one: not at all.

    age: ten years, twenty. region: province, part of the country. joined, month: month, quarter, year. Of the illness
    itself members are told while `illness` says so; its class is told at every step.
    """

    age: int
    sex: bool
    region: int
    joined: int
    month: int
    illness: bool


#: Each step tells of every field what the one before told, or something wider.
STEPS: tuple[Step, ...] = (
    Step(age=0, sex=True, region=0, joined=0, month=0, illness=True),
    Step(age=0, sex=True, region=0, joined=1, month=0, illness=True),
    Step(age=0, sex=True, region=0, joined=2, month=0, illness=True),
    Step(age=0, sex=True, region=0, joined=3, month=0, illness=True),
    Step(age=0, sex=True, region=1, joined=3, month=1, illness=True),
    Step(age=1, sex=True, region=1, joined=3, month=1, illness=True),
    Step(age=1, sex=True, region=2, joined=3, month=1, illness=True),
    Step(age=1, sex=False, region=2, joined=3, month=2, illness=True),
    Step(age=2, sex=False, region=2, joined=3, month=2, illness=False),
)
LAST_STEP = len(STEPS) - 1


@dataclass(frozen=True)
class Told:
    """A case as its claimant told it; what is empty is withheld. joined, month: YYYY-MM."""

    age_band: str = ""
    sex: str = ""
    region: str = ""
    illness: str = ""
    month: str = ""
    joined: str = ""

    @classmethod
    def of(cls, masked: Mapping[str, str]) -> "Told":
        """Read what an award carries; a field that is not there is withheld."""
        names = ("age_band", "sex", "region", "month", "joined")
        return cls(illness=masked.get("disease", ""), **{name: masked.get(name, "") for name in names})


@dataclass(frozen=True)
class Shown:
    """A case as members are told it; an empty field is not told. members: how many share what it says of the person."""

    step: int
    members: int
    age: str
    sex: str
    region: str
    joined: str
    month: str
    illness: str
    disease: str


def wider_age(band: str, level: int) -> str:
    """Return the band of ten years itself, the one of twenty that holds it, or none."""
    if not band or level > 1:
        return ""
    if level == 0:
        return band
    low = int(band.partition("-")[0]) // 20 * 20
    return f"{low}-{low + 19}"


def wider_region(region: str, level: int) -> str:
    """Return the province, its part of the country, or none; a word that is no province counts for nothing."""
    if region not in PART_OF or level > 1:
        return ""
    return PART_OF[region] if level else region


def wider_month(month: str, level: int) -> str:
    """Return a month YYYY-MM, its quarter YYYY-Qn, its year, or nothing."""
    if not month or level > 2:
        return ""
    quarter = f"{month[:4]}-Q{(int(month[5:7]) + 2) // 3}"
    return (month, quarter, month[:4])[level]


_Person = tuple[str, str, str, str]  # band of ages, sex, province, month of joining; empty: nobody knows


class Members:
    """The people of a headcount, counted by what is known of them."""

    def __init__(self, groups: Iterable[tuple[_Person, int]]) -> None:
        self._groups = list(groups)
        self.all = sum(count for _person, count in self._groups)
        self._counts: dict[tuple[int, tuple[bool, ...]], dict[_Person, int]] = {}
        known = [sum(count for one, count in self._groups if one[place]) for place in range(4)]
        self._is_known = tuple(2 * count >= self.all for count in known)

    def told_of(self, told: Told) -> _Person:
        """Return what is told of the person, without what is not known of half of the members at least.

        Else a group of five would be looked for among the few of whom it is known, and everything else be withheld.
        """
        of_person = (told.age_band, told.sex, told.region, told.joined)
        return _kept(of_person, self._is_known)

    def sharing(self, step: int, person: _Person) -> int:
        """Return how many members share the fields of the person that are not empty, as widely as the step says."""
        shown = tuple(bool(value) for value in person)
        if not any(shown):
            return self.all
        if (step, shown) not in self._counts:
            counts: dict[_Person, int] = defaultdict(int)
            for one, count in self._groups:
                counts[_kept(_widened(one, STEPS[step]), shown)] += count
            self._counts[step, shown] = counts
        return self._counts[step, shown].get(person, 0)


def _kept(person: _Person, kept: tuple[bool, ...]) -> _Person:
    age, sex, region, joined = (value if is_kept else "" for value, is_kept in zip(person, kept, strict=True))
    return age, sex, region, joined


def _widened(person: _Person, step: Step) -> _Person:
    age, sex, region, joined = person
    return (
        wider_age(age, step.age),
        sex if step.sex else "",
        wider_region(region, step.region),
        wider_month(joined, step.joined),
    )


def generalise(told: Told, members: Members) -> Shown:
    """Return a case by the first step at which five members share what is said of the person.

    At the last step nothing is said of the person, and all members share that, however few they are.
    """
    person = members.told_of(told)
    for number, step in enumerate(STEPS):
        widened = _widened(person, step)
        sharing = members.sharing(number, widened)
        if sharing >= SMALLEST_GROUP or number == LAST_STEP:
            return _shown(told, number, widened, sharing)
    raise AssertionError(told)


def _shown(told: Told, number: int, person: _Person, sharing: int) -> Shown:
    step, (age, sex, region, joined) = STEPS[number], person
    return Shown(
        step=number,
        members=sharing,
        age=age,
        sex=sex,
        region=region,
        joined=joined,
        month=wider_month(told.month, step.month),
        illness=told.illness if step.illness else "",
        disease=DISEASE_OF.get(told.illness, ""),
    )


def at_most(told: Told) -> Shown:
    """Return a case as widely as it can be told at most: by the first step, before anybody is counted."""
    person = (told.age_band, told.sex, told.region, told.joined)
    return _shown(told, 0, _widened(person, STEPS[0]), 0)


def told_at_most(layer: str, masked: Mapping[str, str]) -> dict[str, Any]:
    """Return what a layer is told of a case at most, before anybody is counted."""
    return fields_told(layer, vars(at_most(Told.of(masked))))
