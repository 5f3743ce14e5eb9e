"""The presets: each can be published as it stands, and says of every value where it comes from."""

from fractions import Fraction

import pytest

from claims.filing.illnesses import ILLNESSES
from members.pools import presets
from members.pools.aid_terms import check_claimable
from members.pools.plan_terms import FeeTerms, PlanTerms, break_even_members
from members.pools.plan_words import plan_lines
from members.pools.presets import Preset, Source, all_presets, find_preset

CODES = [preset.code for preset in all_presets()]
each_preset = pytest.mark.parametrize("preset", all_presets(), ids=CODES)

SMALL = Preset(
    code="small",
    name_en="Small",
    name_zh="小",
    about_en="For a test.",
    about_zh="测试用。",
    expected_members=4,
    terms={
        "fee": {"rate": "0"},
        "aid": [{"severity": "mild", "age_from": 0}, {"severity": "severe", "age_from": 40}],
        "aid_of_old": 1,
    },
    wind_down={"run_off_days": 90},
    sources={
        "fee": Source("fee", "费", is_ours=True),
        "aid": Source("aid", "金", is_ours=False),
        "aid[1].age_from": Source("age", "龄", is_ours=True),
        "wind_down": Source("end", "终", is_ours=False),
    },
)


def read(*paths: str) -> list[str]:
    return [source.en for source in SMALL.sources_of(*paths)]


def test_presets_stand_in_their_order_and_no_file_is_left_out():
    ours, afterwards = (
        ["village", "association"],
        ["xianghubao", "xianghubao_senior", "meituan_first", "meituan", "baidu"],
    )
    assert [*ours, *afterwards, "waterdrop", "qingsong", "kangai"] == CODES
    assert {path.stem for path in presets._FOLDER.glob("*.json")} == set(CODES)
    assert [find_preset(code).code for code in CODES] == CODES
    assert all_presets() is all_presets()


def test_a_code_that_does_not_exist_is_refused():
    with pytest.raises(KeyError, match="elsewhere"):
        find_preset("elsewhere")


@each_preset
def test_terms_are_valid_and_leave_the_founders_to_name_operator_and_payer(preset):
    plan = preset.plan()
    assert (plan.operator, plan.wind_down) == (None, None)
    assert "payer" not in preset.wind_down
    whole = PlanTerms.from_json(preset.terms | {"wind_down": {"payer": "A payer", **preset.wind_down}})
    assert whole.wind_down is not None
    assert whole.wind_down.to_json() == {"payer": "A payer", **preset.wind_down}
    assert preset.expected_members >= plan.minimum_members


@each_preset
def test_terms_are_written_as_plans_tell_them_but_for_rates_in_percent(preset):
    told = preset.plan().to_json()
    assert Fraction(told.pop("fee").pop("rate")) == Fraction(preset.terms["fee"]["rate"])
    written = {name: value for name, value in preset.terms.items() if name != "fee"}
    for step in (*told.get("vesting", []), *([told["reimbursement"]] if "reimbursement" in told else [])):
        step["part"] = step["part"].removesuffix("/1")
    rows = sorted(written.pop("aid"), key=lambda row: (row["severity"], row["age_from"]))
    assert told.pop("aid") == rows
    # What every plan says unless it says otherwise is written out, because it has its source.
    assert told | {"change_by": preset.plan().change_by} == written


@each_preset
def test_every_value_has_a_source(preset):
    without = []
    for leaf in preset.leaves():
        try:
            assert len(preset.sources_of(leaf)) == 1
        except KeyError:
            without.append(leaf)
    assert without == []


@each_preset
def test_every_source_belongs_to_a_value(preset):
    # A source that only deeper ones stand before would never be read.
    read_at_least_once = set(preset.sources_of(*preset.leaves()))
    assert [path for path in preset.sources if not preset.sources_of(path)] == []
    assert set(preset.sources.values()) == read_at_least_once


@each_preset
def test_everything_is_said_in_both_languages(preset):
    english = [preset.name_en, preset.about_en, *(source.en for source in preset.sources.values())]
    chinese = [preset.name_zh, preset.about_zh, *(source.zh for source in preset.sources.values())]
    assert [text for text in english if not text.strip() or has_chinese(text)] == []
    assert [text for text in chinese if not has_chinese(text)] == []


def has_chinese(text: str) -> bool:
    return any("一" <= sign <= "鿿" for sign in text)


@each_preset
def test_a_default_of_ours_is_called_ours_and_a_fact_is_not(preset):
    for source in preset.sources.values():
        is_called_ours = source.en.startswith("Our ") and "我们" in source.zh
        assert is_called_ours == source.is_ours, source


@pytest.mark.parametrize(
    "code",
    [code for code in CODES if code not in {"village", "association"}],
)
def test_platforms_are_named_as_models_only(code):
    preset = find_preset(code)
    assert preset.name_en.startswith("In the manner of ")
    assert preset.name_zh.startswith("仿")


@pytest.mark.parametrize(("code", "floor"), [("xianghubao", 3_300_000), ("xianghubao_senior", 110_000)])
def test_floor_of_a_capped_plan_is_where_one_case_breaks_even(code, floor):
    """The fee was 10 % when the floor of 3.3 million was set: 300,000 × 1.10 / 0.10."""
    plan = find_preset(code).plan()
    of_first_weeks = FeeTerms(Fraction(10, 100))
    assert plan.per_case_cap_fen is not None
    needed = break_even_members(
        max_aid_fen=plan.max_aid_fen, fee=of_first_weeks, per_case_cap_fen=plan.per_case_cap_fen
    )
    assert plan.minimum_members == needed == floor


def test_floors_are_those_that_were_published():
    floors = {preset.code: preset.plan().floor for preset in all_presets()}
    assert {code: floor.members for code, floor in floors.items() if floor} == {
        "xianghubao": 3_300_000,
        "baidu": 500_000,
    }
    for code in ("xianghubao", "baidu"):
        sources = find_preset(code).sources_of("floor.members", "floor.notice_days")
        assert [source.is_ours for source in sources] == [False, True]


def test_presets_with_a_cap_on_a_case_are_these():
    plans = {preset.code: preset.plan() for preset in all_presets()}
    capped = {
        code: plan.per_case_cap_fen for code, plan in plans.items() if plan.per_case_cap_fen is not None
    }
    assert capped == {"xianghubao": 10, "xianghubao_senior": 100, "kangai": 200}


def test_main_plan_says_what_was_published():
    preset = find_preset("xianghubao")
    plan = preset.plan()
    assert plan.fee == FeeTerms(Fraction(8, 100))
    assert plan.calendar.publicity_days == 3
    assert [(days.publicity_day, days.charge_day) for days in plan.calendar.periods] == [(7, 14), (21, 28)]
    assert (plan.per_case_cap_fen, plan.waiting_days, plan.minimum_members) == (10, 90, 3_300_000)
    published = ("fee", "calendar.publicity_days", "aid", "per_case_cap_fen", "waiting_days", "wind_down")
    assert [source for source in preset.sources_of(*published) if source.is_ours] == []
    assert [source.is_ours for source in preset.sources_of("calendar.periods[1].opening_day")] == [True]


def test_every_severity_and_rule_of_a_preset_has_its_words():
    """What nobody can claim is no promise: each severity is that of an illness that claims name."""
    severities = {row.severity for preset in all_presets() for row in preset.plan().aid}
    assert severities == {"severe", "mild", "accident"}
    for preset in all_presets():
        check_claimable(preset.terms)
    assert severities <= {illness.severity for illness in ILLNESSES.values()}
    for preset in all_presets():
        assert all(line.says for line in plan_lines(preset.plan(), "CNY"))


def test_leaves_are_the_single_values_in_the_order_of_the_file():
    assert SMALL.leaves() == (
        "fee.rate",
        "aid[0].severity",
        "aid[0].age_from",
        "aid[1].severity",
        "aid[1].age_from",
        "aid_of_old",
        "wind_down.run_off_days",
    )


def test_a_value_has_the_source_of_the_longest_path_to_it():
    assert read("fee") == ["fee"]
    assert read("aid[0]") == ["aid"]
    assert read("aid[1].age_from") == ["age"]
    assert read("aid[1]") == ["aid", "age"]
    assert read("wind_down.run_off_days", "aid[0].severity", "aid[0].age_from") == ["aid", "end"]


def test_a_path_is_no_prefix_of_a_longer_name_and_nothing_has_no_source():
    assert read("aid") == ["aid", "age"]
    assert read("ai", "aid[", "fee.rate.x") == []
    assert read() == []
    with pytest.raises(KeyError, match="aid_of_old"):
        read("aid_of_old")


def test_both_versions_of_meituan_say_how_spend_counts():
    first, second = find_preset("meituan_first").plan(), find_preset("meituan").plan()
    assert first.reimbursement is not None
    at_once_fen = first.reimbursement.at_once_fen(first.max_aid_fen)
    assert (first.max_aid_fen, at_once_fen) == (35_000_000, 7_000_000)
    assert first.reimbursement.bills_fen(first.max_aid_fen, 99_000_000) == 28_000_000
    for spend_fen, aid_fen in ((11_999_999, 0), (12_000_000, 15_000_000), (24_000_000, 30_000_000)):
        counted, _step = second.counted_as(severity="other", age=30, spend_fen=spend_fen)
        assert second.max_aid_at(severity=counted, age=30) == aid_fen


def test_three_platforms_have_their_members_pay_ahead_as_was_published():
    ahead = {preset.code: preset.plan().funding for preset in all_presets() if preset.plan().funding}
    levels = {code: (terms.join_fen, terms.warn_below_fen) for code, terms in ahead.items()}
    assert levels == {"waterdrop": (900, 300), "qingsong": (1000, 500), "kangai": (3000, 1000)}
    told = {code: [source.is_ours for source in find_preset(code).sources_of("funding")] for code in ahead}
    assert told == {
        "waterdrop": [False, True, True],
        "qingsong": [False, False, True],
        "kangai": [True, True, True],
    }


def test_platforms_that_asked_afterwards_say_when_somebody_was_out_as_was_published():
    late = {preset.code: preset.plan().arrears for preset in all_presets() if preset.plan().arrears}
    days = {code: (terms.grace_days, terms.make_up_days, terms.hardship_days) for code, terms in late.items()}
    assert days == {
        "village": (30, 90, 90),
        "association": (30, 60, 60),
        "xianghubao": (17, 30, 30),
        "xianghubao_senior": (17, 30, 30),
    }
    told = [source.is_ours for source in find_preset("xianghubao").sources_of("arrears")]
    assert told == [True, False]
    assert [source.is_ours for source in find_preset("village").sources_of("arrears")] == [True]


def test_kangai_says_what_was_published():
    preset = find_preset("kangai")
    plan = preset.plan()
    days = [(day.opening_day, day.charge_day) for day in plan.calendar.periods]
    assert (days, plan.per_case_cap_fen) == ([(1, 15), (16, 31)], 200)
    waits = {
        (cause, age): plan.waits(cause=cause, joined_age=age)
        for cause in ("illness", "accident")
        for age in (39, 40)
    }
    assert waits == {
        ("illness", 39): 180,
        ("illness", 40): 365,
        ("accident", 39): 30,
        ("accident", 40): 30,
    }
    vested = [plan.vested_part(days) for days in (0, 364, 365, 729, 730)]
    assert vested == [Fraction(1, 3), Fraction(1, 3), Fraction(2, 3), Fraction(2, 3), 1]
    published = (
        "waiting_days",
        "waiting_rules",
        "vesting",
        "per_case_cap_fen",
        "calendar.periods[0].charge_day",
    )
    assert [source for source in preset.sources_of(*published) if source.is_ours] == []
    ours = ("fee", "on_infeasible", "minimum_members", "calendar.periods[0].publicity_day")
    assert [source.is_ours for source in preset.sources_of(*ours)] == [True] * 4


def test_cap_of_kangai_is_where_its_fewest_members_bear_a_case():
    plan = find_preset("kangai").plan()
    needed = break_even_members(max_aid_fen=plan.max_aid_fen, fee=plan.fee, per_case_cap_fen=200)
    assert plan.minimum_members == needed == 155_000
