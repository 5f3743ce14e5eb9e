"""Ages, waiting periods and answers: the arithmetic of joining, and documents that cannot be."""

import datetime as dt

import pytest

from aidplatform.testing.world import ACCIDENT_AID, TERMS
from members.joining.documents import DocumentError, read_passport, read_resident_id
from members.joining.eligibility import (
    age_on,
    age_refusal,
    age_window,
    covered_from,
    eligible_by_plan,
    eligible_from,
    excluding,
    unanswered,
)
from members.joining.tests.papers import BORN, resident_id
from members.pools.covenants import default_covenant, default_declaration, read_declaration
from members.pools.plan_terms import Cause, PlanTerms, TermsError

PLAN = PlanTerms.from_json(TERMS)
QUESTIONS = read_declaration(default_declaration())


@pytest.mark.parametrize(
    ("born", "day", "age"),
    [
        ("1990-05-15", "2026-05-14", 35),
        ("1990-05-15", "2026-05-15", 36),
        ("2000-02-29", "2025-02-28", 24),
        ("2000-02-29", "2025-03-01", 25),
        ("2000-02-29", "2028-02-28", 27),
        ("2000-02-29", "2028-02-29", 28),
    ],
)
def test_age_is_completed_years_and_leap_days_count_on_the_first_of_march(
    born: str, day: str, age: int
) -> None:
    assert age_on(dt.date.fromisoformat(born), dt.date.fromisoformat(day)) == age


@pytest.mark.parametrize(
    ("born", "reason"),
    [
        ("2026-01-02", "born_in_future"),
        ("1890-01-01", "too_old_to_be_true"),
        ("2008-01-02", "minor"),
        ("2008-01-01", None),
        ("1966-01-02", None),
        ("1966-01-01", "above_ages"),
    ],
)
def test_age_is_refused_outside_the_plan_and_the_right_to_sign(born: str, reason: str | None) -> None:
    assert age_refusal(PLAN, dt.date.fromisoformat(born), dt.date(2026, 1, 1)) == reason


def test_plan_that_begins_late_refuses_younger_people() -> None:
    aid = [{"severity": "severe", "age_from": 60, "age_before": 71, "max_aid_fen": 1}]
    senior = PlanTerms.from_json(TERMS | {"aid": aid})
    assert age_refusal(senior, dt.date(1970, 1, 1), dt.date(2026, 1, 1)) == "below_ages"
    assert (age_window(senior).first, age_window(senior).before) == (60, 71)


def test_cover_begins_tomorrow_and_waiting_ends_n_days_later() -> None:
    joined = dt.date(2026, 1, 1)
    assert covered_from(joined) == dt.date(2026, 1, 2)
    assert eligible_from(joined, 90) == dt.date(2026, 4, 2)
    assert eligible_from(joined, 0) == covered_from(joined)


@pytest.mark.parametrize(
    ("born", "cause", "eligible"),
    [
        ("1986-01-02", "illness", "2026-07-01"),  # 39 on the day of joining, 40 on the first day of cover
        ("1986-01-01", "illness", "2027-01-02"),
        ("1986-01-01", "accident", "2026-02-01"),
    ],
)
def test_wait_follows_cause_and_age_on_the_day_of_joining(born: str, cause: Cause, eligible: str) -> None:
    rules = [{"cause": "accident", "days": 30}, {"joined_from": 40, "days": 365}]
    aid = [*TERMS["aid"], ACCIDENT_AID]
    plan = PlanTerms.from_json(TERMS | {"aid": aid, "waiting_days": 180, "waiting_rules": rules})
    found = eligible_by_plan(plan, dt.date.fromisoformat(born), dt.date(2026, 1, 1), cause)
    assert found == dt.date.fromisoformat(eligible)


def test_answers_exclude_only_where_the_question_says_so() -> None:
    answers = {question.code: False for question in QUESTIONS}
    assert excluding(QUESTIONS, answers) is None
    assert excluding(QUESTIONS, answers | {"chronic": True}) is None
    barred = excluding(QUESTIONS, answers | {"serious_illness": True})
    assert barred is not None
    assert barred.code == "serious_illness"
    open_question = unanswered(QUESTIONS, {"serious_illness": False})
    assert open_question is not None
    assert open_question.code == "tests_open"
    assert unanswered(QUESTIONS, answers) is None


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"code": ""}, "declaration[0].code"),
        ({"effect": "maybe"}, "declaration[0].effect"),
        ({"question_zh": "  "}, "declaration[0].question_zh"),
        ({"meaning_en": 5}, "declaration[0].meaning_en"),
    ],
)
def test_declaration_names_what_is_wrong_with_it(change: dict[str, object], field: str) -> None:
    with pytest.raises(TermsError) as caught:
        read_declaration([default_declaration()[0] | change])
    assert caught.value.field == field


def test_declaration_asks_nothing_twice() -> None:
    with pytest.raises(TermsError, match="again"):
        read_declaration([default_declaration()[0]] * 2)


def test_covenant_of_who_pays_ahead_says_so_and_nothing_else_differs() -> None:
    for ahead, afterwards in zip(default_covenant(pays_ahead=True), default_covenant(), strict=True):
        differing = [
            (one, other)
            for one, other in zip(ahead.splitlines(), afterwards.splitlines(), strict=True)
            if one != other
        ]
        assert len(differing) == 1
        assert differing[0][0].startswith("1. ")


def test_default_covenants_have_the_same_articles() -> None:
    english, chinese = default_covenant()
    assert "not insurance" in english
    assert "这不是保险" in chinese
    assert english.count("\n## ") == chinese.count("\n## ") == 7
    assert english.count("\n1. ") == chinese.count("\n1. ") == 7


def test_resident_id_is_read_with_its_birth_date() -> None:
    number = resident_id()
    document = read_resident_id(f" {number[:6]} {number[6:14]} {number[14:].lower()} ")
    assert (document.number, document.birth_date, document.country) == (number, BORN, "CN")


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "1",
        "11010519900515000",
        "110105199005150000",
        "999999199005150001",
        "110105199002300018",
        "１１０１０５199005150001",
        "abcdefghijklmnopqr",
        "1101051990051500011",
    ],
)
def test_number_that_cannot_be_a_resident_id_is_refused(bad: str) -> None:
    with pytest.raises(DocumentError) as caught:
        read_resident_id(bad)
    assert caught.value.code == "bad_resident_id"


def test_district_may_be_younger_than_its_people() -> None:
    """The Xihu district has its code since 1983: whoever was born there before got a card with it all the same."""
    read = read_resident_id("330106196805160018")
    assert (read.birth_date, read.number) == (dt.date(1968, 5, 16), "330106196805160018")


def test_digits_of_east_asian_keyboards_are_digits() -> None:
    assert read_resident_id("１１０１０５１９９００５１５０００２").number == "110105199005150002"


def test_one_wrong_digit_of_a_resident_id_is_noticed() -> None:
    number = resident_id()
    for place in range(17):
        changed = number[:place] + str((int(number[place]) + 1) % 10) + number[place + 1 :]
        with pytest.raises(DocumentError):
            read_resident_id(changed)


def test_passport_has_one_form_however_it_is_typed() -> None:
    assert read_passport(" xx ", "ab 12-3456").index_text == "passport/XX/AB123456"
    for country, number, code in (
        ("X", "AB123456", "bad_country"),
        ("XX", "AB1", "bad_passport"),
        ("XX", "AB12345ü", "bad_passport"),
    ):
        with pytest.raises(DocumentError) as caught:
            read_passport(country, number)
        assert caught.value.code == code
