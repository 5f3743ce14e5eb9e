"""What is told of a case, and how widely: the pure rules, on published examples and on generated pools."""

from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.sharing.faces import DISEASES, REGIONS
from ledger.sharing.layers import (
    DISEASE_OF,
    LAST_STEP,
    LAYERS,
    PART_OF,
    SMALLEST_GROUP,
    STEPS,
    TOLD_FROM,
    Members,
    Shown,
    Told,
    at_most,
    fields_of,
    generalise,
    wider_age,
    wider_month,
    wider_region,
)
from members.joining.documents import NO_TRAITS, PROVINCES, Traits, traits_of

TOLD = Told("30-39", "f", "tibet", "leukemia", "2026-04", "2025-05")


def test_every_layer_is_told_what_the_one_below_is() -> None:
    told = [set(fields_of(layer)) for layer in LAYERS]
    assert all(lower < higher for lower, higher in pairwise(told))
    assert told[-1] == set(TOLD_FROM)


@pytest.mark.parametrize(
    ("band", "level", "wider"),
    [("30-39", 0, "30-39"), ("30-39", 1, "20-39"), ("0-9", 1, "0-19"), ("60-69", 2, ""), ("", 0, "")],
)
def test_ages_widen(band: str, level: int, wider: str) -> None:
    assert wider_age(band, level) == wider


@pytest.mark.parametrize(
    ("month", "level", "wider"),
    [
        ("2026-01", 0, "2026-01"),
        ("2026-01", 1, "2026-Q1"),
        ("2026-03", 1, "2026-Q1"),
        ("2026-04", 1, "2026-Q2"),
        ("2026-12", 1, "2026-Q4"),
        ("2026-12", 2, "2026"),
        ("2026-12", 3, ""),
        ("", 0, ""),
    ],
)
def test_months_widen(month: str, level: int, wider: str) -> None:
    assert wider_month(month, level) == wider


@pytest.mark.parametrize(
    ("region", "level", "wider"),
    [("tibet", 0, "tibet"), ("tibet", 1, "southwest"), ("tibet", 2, ""), ("atlantis", 0, ""), ("", 1, "")],
)
def test_regions_widen(region: str, level: int, wider: str) -> None:
    assert wider_region(region, level) == wider


def test_every_province_has_its_part_and_every_illness_its_class() -> None:
    assert set(PART_OF) == set(REGIONS) == set(PROVINCES.values())
    assert set(DISEASE_OF) == set(DISEASES)


@pytest.mark.parametrize(
    ("kind", "number", "traits"),
    [
        ("resident_id", "330106198503080029", Traits("f", "zhejiang")),
        ("resident_id", "54010219900228001X", Traits("m", "tibet")),
        ("passport", "G12345678", NO_TRAITS),
    ],
)
def test_resident_number_says_sex_and_province(kind: str, number: str, traits: Traits) -> None:
    assert traits_of(kind, number) == traits


def _pool(**counts: int) -> Members:
    """Return members that share ever less with the woman of TOLD; the names say in what they differ from her."""
    people = {
        "same": ("30-39", "f", "tibet", "2025-05"),
        "other_month": ("30-39", "f", "tibet", "2025-06"),
        "other_quarter": ("30-39", "f", "tibet", "2025-11"),
        "other_year": ("30-39", "f", "tibet", "2024-11"),
        "other_province": ("30-39", "f", "sichuan", "2024-11"),
        "other_band": ("20-29", "f", "sichuan", "2024-11"),
        "other_part": ("20-29", "f", "hebei", "2024-11"),
        "man": ("20-29", "m", "hebei", "2024-11"),
        "old": ("70-79", "m", "hebei", "2024-11"),
    }
    return Members((people[name], count) for name, count in counts.items())


@pytest.mark.parametrize(
    ("differs", "step", "shown"),
    [
        ("same", 0, ("30-39", "f", "tibet", "2025-05", "2026-04", "leukemia", "cancer")),
        ("other_month", 1, ("30-39", "f", "tibet", "2025-Q2", "2026-04", "leukemia", "cancer")),
        ("other_quarter", 2, ("30-39", "f", "tibet", "2025", "2026-04", "leukemia", "cancer")),
        ("other_year", 3, ("30-39", "f", "tibet", "", "2026-04", "leukemia", "cancer")),
        ("other_province", 4, ("30-39", "f", "southwest", "", "2026-Q2", "leukemia", "cancer")),
        ("other_band", 5, ("20-39", "f", "southwest", "", "2026-Q2", "leukemia", "cancer")),
        ("other_part", 6, ("20-39", "f", "", "", "2026-Q2", "leukemia", "cancer")),
        ("man", 7, ("20-39", "", "", "", "2026", "leukemia", "cancer")),
        ("old", 8, ("", "", "", "", "2026", "", "cancer")),
    ],
)
def test_case_is_told_by_the_first_step_that_five_share(
    differs: str, step: int, shown: tuple[str, ...]
) -> None:
    counts = {"same": 4} | {differs: 1 if differs != "same" else 5}
    found = generalise(TOLD, _pool(**counts))
    assert (found.step, found.members) == (step, 5)
    told = (found.age, found.sex, found.region, found.joined, found.month, found.illness, found.disease)
    assert told == shown


def test_four_members_in_all_are_told_nothing_of_the_person() -> None:
    found = generalise(TOLD, _pool(same=4))
    assert (found.step, found.members) == (LAST_STEP, 4)
    assert (found.age, found.sex, found.region, found.joined) == ("", "", "", "")


def test_what_is_not_known_of_half_of_the_members_is_not_told() -> None:
    members = Members([(("", "f", "tibet", "2025-05"), 11), (("30-39", "f", "tibet", "2025-05"), 10)])
    found = generalise(TOLD, members)
    assert (found.step, found.age, found.sex, found.region, found.members) == (0, "", "f", "tibet", 21)


def test_what_the_claimant_withholds_narrows_nothing() -> None:
    found = generalise(Told("30-39", "", "", "accident", "2026-04", ""), _pool(same=2, other_province=3))
    assert (found.step, found.members, found.sex, found.region) == (0, 5, "", "")


def test_unknown_words_count_for_nothing() -> None:
    found = generalise(Told("30-39", "f", "Zhejiang", "thyroid cancer", "", ""), _pool(same=5))
    assert (found.step, found.region, found.disease) == (0, "", "")


BANDS = st.sampled_from(["", "0-9", "20-29", "30-39", "40-49", "70-79"])
MONTHS = st.sampled_from(["2024-11", "2025-05", "2025-06", "2025-11"])
PEOPLE = st.tuples(BANDS, st.sampled_from(["", "f", "m"]), st.sampled_from(["", *PART_OF]), MONTHS)


def _says(shown: str, of: str, widths: list[str]) -> bool:
    return shown in {"", *widths} and (shown == "" or of != "")


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    groups=st.lists(st.tuples(PEOPLE, st.integers(1, 9)), max_size=30),
    person=PEOPLE,
    month=MONTHS,
    illness=st.sampled_from(list(DISEASE_OF)),
)
def test_five_share_whatever_is_told_of_anybody(
    groups: list[tuple[tuple[str, str, str, str], int]],
    person: tuple[str, str, str, str],
    month: str,
    illness: str,
) -> None:
    band, sex, region, joined = person
    told = Told(band, sex, region, illness, month, joined)
    found = generalise(told, Members(groups))
    # Counted again, one by one, by what is told alone.
    sharing = sum(
        count
        for (age, own_sex, own_region, own_joined), count in groups
        if _says(found.age, age, [age, wider_age(age, 1)])
        and found.sex in {"", own_sex}
        and _says(found.region, own_region, [own_region, wider_region(own_region, 1)])
        and _says(found.joined, own_joined, [own_joined, wider_month(own_joined, 1), own_joined[:4]])
    )
    assert sharing == found.members
    assert sharing >= SMALLEST_GROUP or not any((found.age, found.sex, found.region, found.joined))
    # And nothing is told that is not so.
    assert found.age in {"", band, wider_age(band, 1)}
    assert found.sex in {"", sex}
    assert found.region in {"", region, wider_region(region, 1)}
    assert found.joined in {"", joined, wider_month(joined, 1), joined[:4]}


def test_steps_are_nested() -> None:
    for one, following in pairwise(STEPS):
        assert one.age <= following.age
        assert one.region <= following.region
        assert one.joined <= following.joined
        assert one.month <= following.month
        assert one.sex >= following.sex
        assert one.illness >= following.illness


def test_what_is_signed_is_the_first_step() -> None:
    assert at_most(TOLD) == Shown(0, 0, "30-39", "f", "tibet", "2025-05", "2026-04", "leukemia", "cancer")
