"""Each signal by a table: it shows, it does not, and where it begins; and what holds for all of them."""

import datetime as dt
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from claims.review.poisson import tail_ppm
from claims.review.signal_versions import CURRENT, VERSIONS
from claims.review.signal_words import LOOK_AT, NAMES, ROUTES, sentence
from claims.review.signals import ROUTES as ROUTE_NAMES
from claims.review.signals import SIGNALS, Features, assess, route_of

DAY = dt.date(2026, 5, 4)


def day(days: int) -> dt.date:
    return DAY + dt.timedelta(days=days)


ORDINARY = Features(
    illness="thyroid_cancer",
    sex="f",
    age=36,
    joined_date=day(-400),
    eligible_date=day(-310),
    event_date=DAY,
    filed_date=day(16),
    seen_date=day(16),
    symptom_date=day(-20),
    diagnosis_date=DAY,
    issued=(("diagnosis", day(1)), ("pathology", day(3))),
    hospital_claims=2,
    hospital_expected_milli=1500,
)

# Signal, what differs from an ordinary claim, the level that it has then (0: it does not show).
TABLE: list[tuple[str, dict[str, Any], int]] = [
    ("same_file", {"same_file": 0}, 0),
    ("same_file", {"same_file": 1}, 1),
    ("same_file", {"same_file": 2}, 2),
    ("similar_page", {"similar_page": 1}, 1),
    ("similar_page", {"similar_page": 7}, 2),
    ("same_report", {"same_report": 1}, 1),
    ("same_account", {"same_account": 1}, 1),
    ("same_account", {"same_account": 2}, 2),
    ("account_of_another", {"is_account_of_another": True}, 1),
    ("account_changed", {"is_account_changed": True}, 1),
    ("soon_after_waiting", {"eligible_date": day(1)}, 0),
    ("soon_after_waiting", {"eligible_date": DAY}, 2),
    ("soon_after_waiting", {"eligible_date": day(-14)}, 2),
    ("soon_after_waiting", {"eligible_date": day(-15)}, 1),
    ("soon_after_waiting", {"eligible_date": day(-60)}, 1),
    ("soon_after_waiting", {"eligible_date": day(-61)}, 0),
    ("soon_after_waiting", {"eligible_date": None}, 0),
    ("before_cover", {"symptom_date": day(-310)}, 0),
    ("before_cover", {"symptom_date": day(-311)}, 1),
    ("before_cover", {"symptom_date": day(-400)}, 1),
    ("before_cover", {"symptom_date": day(-401)}, 2),
    ("before_cover", {"symptom_date": None}, 0),
    ("earlier_illness", {"has_earlier_illness": True}, 1),
    ("dates_out_of_order", {"diagnosis_date": day(31), "issued": ()}, 1),  # after the day of the look
    ("dates_out_of_order", {"diagnosis_date": day(31), "issued": (), "seen_date": day(40)}, 0),
    ("dates_out_of_order", {"diagnosis_date": day(32), "issued": (), "seen_date": day(40)}, 1),
    ("dates_out_of_order", {"diagnosis_date": day(-20)}, 0),
    ("dates_out_of_order", {"diagnosis_date": day(-21)}, 1),
    ("dates_out_of_order", {"issued": (("diagnosis", day(-1)),)}, 1),
    ("dates_out_of_order", {"issued": (("diagnosis", DAY),)}, 0),
    ("dates_out_of_order", {"issued": (("pathology", day(-1)),)}, 0),  # an examination may come before
    ("dates_out_of_order", {"issued": (("pathology", day(-21)),)}, 1),
    ("dates_out_of_order", {"issued": (("pathology", day(17)), ("diagnosis", day(17)))}, 2),
    ("unusual_age_or_sex", {"illness": "heart_attack", "age": 34}, 1),
    ("unusual_age_or_sex", {"illness": "heart_attack", "age": 35}, 0),
    ("unusual_age_or_sex", {"illness": "thyroid_cancer", "age": 76}, 1),
    ("unusual_age_or_sex", {"illness": "prostate_cancer"}, 2),
    ("unusual_age_or_sex", {"illness": "prostate_cancer", "sex": "m"}, 0),
    ("unusual_age_or_sex", {"illness": "prostate_cancer", "sex": ""}, 0),
    ("unusual_age_or_sex", {"illness": "accident", "age": 3}, 0),
    ("hospital_burst", {"hospital_claims": 2, "hospital_expected_milli": 1}, 0),  # two are never a cluster
    ("hospital_burst", {"hospital_claims": 3, "hospital_expected_milli": 300}, 1),
    ("hospital_burst", {"hospital_claims": 3, "hospital_expected_milli": 500}, 0),
    ("hospital_burst", {"hospital_claims": 3, "hospital_expected_milli": 100}, 2),
    ("hospital_burst", {"hospital_claims": 9, "hospital_expected_milli": 0}, 0),  # nothing known to expect
    ("doctor_burst", {"doctor_claims": 4, "doctor_expected_milli": 200}, 2),
    ("inviter_cluster", {"inviter_claims": 5, "inviter_expected_milli": 5000}, 0),
    ("inviter_cluster", {"inviter_claims": 5, "inviter_expected_milli": 500}, 2),
    ("joined_together", {"joined_together": 3}, 0),
    ("joined_together", {"joined_together": 4}, 1),
    ("joined_together", {"joined_together": 8}, 2),
    ("arrears_paid", {"arrears_paid_date": day(-15)}, 0),
    ("arrears_paid", {"arrears_paid_date": day(-14)}, 1),
    ("arrears_paid", {"arrears_paid_date": DAY}, 1),
    ("arrears_paid", {"arrears_paid_date": day(1)}, 2),
    ("arrears_paid", {"arrears_paid_date": day(16)}, 2),
    ("arrears_paid", {"arrears_paid_date": day(17)}, 0),
    ("several_claims", {"other_claims": 1}, 1),
    ("several_claims", {"other_claims": 2}, 2),
    ("several_claims", {"same_event": 1}, 2),
    ("other_pools", {"other_pools": 1}, 1),
    ("other_pools", {"other_pools": 3}, 2),
    ("objections", {"objections": 1}, 1),
    ("objections", {"objections": 2}, 2),
]


@pytest.mark.parametrize(("signal", "differs", "level"), TABLE)
def test_signal_shows_from_its_limit_on(signal: str, differs: dict[str, Any], level: int) -> None:
    found = SIGNALS[signal](replace(ORDINARY, **differs), CURRENT)
    assert (found[0] if found else 0) == level


def test_every_signal_is_in_the_table_both_ways() -> None:
    assert len(SIGNALS) >= 12
    assert {signal for signal, _differs, level in TABLE if level} == set(SIGNALS)


def test_ordinary_claim_shows_nothing_and_so_does_an_unknown_one() -> None:
    for features in (ORDINARY, Features()):
        judged = assess(features, CURRENT)
        assert (judged.findings, judged.points, judged.route) == ((), 0, "nothing")


@pytest.mark.parametrize(
    ("points", "route"),
    [
        (0, "nothing"),
        (99, "nothing"),
        (100, "paper"),
        (149, "paper"),
        (150, "second_look"),
        (219, "second_look"),
        (220, "visit"),
        (9999, "visit"),
    ],
)
def test_route_follows_the_sum_of_points(points: int, route: str) -> None:
    assert route_of(points, CURRENT) == route


def test_no_route_is_an_outcome_of_a_claim() -> None:
    from claims.filing.states import STEPS
    from claims.review.models import Outcome

    assert not set(ROUTE_NAMES) & (set(STEPS) | set(Outcome.values))
    assert set(ROUTE_NAMES) == set(ROUTES)


@pytest.mark.parametrize("version", VERSIONS.values(), ids=str)
def test_version_says_everything_of_every_signal(version: Any) -> None:
    assert set(version.points) == set(version.base_rates) == set(SIGNALS)
    assert all(0 < first <= second for first, second in version.points.values())
    assert all(0 < rate < 200 for rate in version.base_rates.values())
    assert VERSIONS[version.number] is version


def test_limits_of_version_one_are_frozen() -> None:
    """A change of limits is a new version: what was found by an old one must stay explainable."""
    frozen = VERSIONS[1]
    assert (frozen.paper_points, frozen.second_look_points, frozen.visit_points) == (100, 150, 220)
    assert (frozen.soon_days, frozen.arrears_days, frozen.cluster_least) == (60, 14, 3)
    assert sum(first * 7 + second for first, second in frozen.points.values()) == FROZEN_SUM


FROZEN_SUM = sum(
    first * 7 + second
    for first, second in (
        (115, 160), (90, 130), (130, 160), (80, 130), (35, 35), (65, 65), (30, 50), (85, 120), (80, 80), (90, 140),
        (20, 100), (65, 110), (60, 110), (75, 120), (30, 75), (50, 100), (30, 110), (20, 105), (50, 105),
    )
)  # fmt: skip

DATES = st.none() | st.dates(min_value=dt.date(2025, 1, 1), max_value=dt.date(2027, 1, 1))
COUNTS = st.integers(0, 12)
ANY_FEATURES = st.builds(
    Features,
    illness=st.sampled_from(["thyroid_cancer", "heart_attack", "prostate_cancer", "accident"]),
    sex=st.sampled_from(["f", "m", ""]),
    age=st.none() | st.integers(0, 100),
    **{field.name: DATES for field in fields(Features) if field.name.endswith("_date")},
    issued=st.lists(
        st.tuples(st.sampled_from(["diagnosis", "pathology"]), DATES.filter(bool)), max_size=2
    ).map(tuple),
    **{
        name: st.booleans() for name in ("has_earlier_illness", "is_account_of_another", "is_account_changed")
    },
    **{
        field.name: COUNTS if not field.name.endswith("_milli") else st.integers(0, 5000)
        for field in fields(Features)
        if field.type is int
    },
)
# Many small draws take long on a busy machine; that is no fault of what is tested.
calm = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
COUNTED = sorted(
    field.name for field in fields(Features) if field.type is int and "expected" not in field.name
)


@calm
@given(ANY_FEATURES, st.sampled_from(COUNTED))
def test_less_found_never_raises_the_points(features: Features, name: str) -> None:
    less = replace(features, **{name: max(getattr(features, name) - 1, 0)})
    assert assess(less, CURRENT).points <= assess(features, CURRENT).points


@calm
@given(ANY_FEATURES, st.sampled_from(["hospital", "doctor", "inviter"]), st.integers(1, 5000))
def test_more_expected_never_raises_the_points(features: Features, group: str, more: int) -> None:
    name = f"{group}_expected_milli"
    known = replace(features, **{name: max(getattr(features, name), 1)})
    raised = replace(known, **{name: getattr(known, name) + more})
    assert assess(raised, CURRENT).points <= assess(known, CURRENT).points


@calm
@given(ANY_FEATURES, st.sampled_from(["has_earlier_illness", "is_account_of_another", "is_account_changed"]))
def test_explanation_never_raises_the_points(features: Features, name: str) -> None:
    assert assess(replace(features, **{name: False}), CURRENT).points <= assess(features, CURRENT).points


@calm
@given(ANY_FEATURES)
def test_assessment_is_the_sum_of_its_findings_and_says_each_in_words(features: Features) -> None:
    judged = assess(features, CURRENT)
    assert judged == assess(features, CURRENT)
    assert judged.points == sum(finding.points for finding in judged.findings)
    assert [finding.points for finding in judged.findings] == sorted(
        (finding.points for finding in judged.findings), reverse=True
    )
    for finding in judged.findings:
        assert "%" not in sentence(finding.signal, finding.data)
        assert NAMES[finding.signal]
        assert LOOK_AT[finding.signal]


@pytest.mark.parametrize(
    ("count", "mean_milli", "ppm"),
    [
        (0, 5, 1_000_000),
        (1, 1, 1_000),  # 1 - e^-0.001 = 0.0009995
        (3, 100, 155),  # 0.000154653
        (3, 500, 14_388),  # 0.014387678
        (5, 1000, 3_660),  # 0.003659847
        (10, 2000, 47),  # 0.000046498
    ],
)
def test_tail_of_poisson_agrees_with_the_tables(count: int, mean_milli: int, ppm: int) -> None:
    assert tail_ppm(count, mean_milli) == ppm


@given(st.integers(0, 60), st.integers(1, 20_000))
def test_tail_falls_with_the_count_and_rises_with_the_mean(count: int, mean_milli: int) -> None:
    here = tail_ppm(count, mean_milli)
    assert tail_ppm(count + 1, mean_milli) <= here <= tail_ppm(count, mean_milli + 1)


def test_tail_refuses_what_cannot_be() -> None:
    for count, mean in ((-1, 5), (3, 0)):
        with pytest.raises(ValueError, match=str(mean)):
            tail_ppm(count, mean)
