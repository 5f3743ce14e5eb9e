"""A member list cell by cell: what is read, and every mistake by row and column. Pure."""

import datetime as dt
from collections.abc import Sequence

import pytest
from django.utils.translation import override
from hypothesis import given
from hypothesis import strategies as st

from aidplatform.testing.world import TERMS
from members.joining.import_rows import COLUMNS, FAULTS, NoHeaderError, Sheet, read_list
from members.joining.read_sheet import FORMULA, ROUNDED
from members.joining.tests.lists import HEADER, SINCE, row
from members.joining.tests.papers import resident_id
from members.pools.plan_terms import PlanTerms

TODAY = dt.date(2026, 1, 1)
PLAN = PlanTerms.from_json(TERMS)
AHEAD = PlanTerms.from_json(
    TERMS | {"funding": {"join_fen": 30_000, "warn_below_fen": 10_000, "top_up_days": 30}}
)


def plan_with(*classes: dict[str, object]) -> PlanTerms:
    named = [
        {"weight": 1, "name_en": f"Class {no}", "name_zh": f"组{no}"} | one for no, one in enumerate(classes)
    ]
    return PlanTerms.from_json(TERMS | {"classes": named})


def read(*rows: dict[str, str], plan: PlanTerms = PLAN, header: Sequence[str] = HEADER) -> Sheet:
    cells = [[one.get(title, "") for title in HEADER] for one in rows]
    return read_list([(1, list(header)), *enumerate(cells, start=2)], plan, TODAY)


def faults(*rows: dict[str, str], plan: PlanTerms = PLAN) -> list[tuple[int, str, str]]:
    return [(fault.row, fault.column, fault.code) for fault in read(*rows, plan=plan).faults]


def test_good_row_is_read_in_one_form() -> None:
    sheet = read(
        row(
            1,
            **{
                "E-mail": " Villager-1@Example.ORG ",
                "Member since": "2023年9月1日",
                "Share owed": "¥1,012.5",
            },
        )
    )
    assert sheet.faults == ()
    (member,) = sheet.members
    assert (member.email, member.since_date, member.owed_fen, member.class_no) == (
        "villager-1@example.org", SINCE, 101_250, None,
    )  # fmt: skip
    assert (member.birth_date, member.document.kind) == (dt.date(1980, 1, 2), "resident_id")


CASES = [
    ({"Name": ""}, "name", "missing"),
    ({"Name": "x" * 81}, "name", "too_long"),
    ({"Name": "Li\nMing"}, "name", "invisible"),
    ({"Name": "Li\u202eMing"}, "name", "invisible"),
    ({"Name": FORMULA}, "name", "formula"),
    ({"E-mail": ""}, "email", "missing"),
    ({"E-mail": "nobody@localhost"}, "email", "bad_email"),
    ({"E-mail": "a@b.cn, c@d.cn"}, "email", "bad_email"),
    ({"E-mail": "a@b.cn\nBcc: x@y.cn"}, "email", "invisible"),
    ({"Identity document": "driving licence"}, "document", "bad_kind"),
    ({"Identity document": ""}, "document", "missing"),
    ({"Document number": "110105198001020000"}, "number", "bad_resident_id"),
    ({"Document number": ROUNDED}, "number", "rounded"),
    ({"Document number": ""}, "number", "missing"),
    ({"Identity document": "passport", "Document number": "AB12345"}, "country", "bad_country"),
    ({"Identity document": "护照", "Document number": "1", "Country of the passport": "FR"}, "number", "bad_passport"),
    ({"Identity document": "passport", "Document number": "AB12345", "Country of the passport": "FR"},
     "number", "bad_passport_of_country"),
    ({"Identity document": "passport", "Document number": "AB12345", "Country of the passport": "ZZ"},
     "country", "unknown_country"),
    ({"Identity document": "passport", "Document number": "12AB34567", "Country of the passport": "FR"},
     "birth_date", "birth_needed"),
    ({"Date of birth": "1980-01-03"}, "birth_date", "birth_differs"),
    ({"Date of birth": "02/01/1980"}, "birth_date", "bad_date"),
    ({"Document number": resident_id(dt.date(2010, 1, 1))}, "number", "minor"),
    ({"Document number": resident_id(dt.date(1960, 1, 1))}, "number", "above_ages"),
    ({"Class": "Gold"}, "class", "unknown_class"),
    ({"Paid by": "stranger@example.org"}, "payer", "unknown_payer"),
    ({"Member since": "2026-02-30"}, "joined_on", "bad_date"),
    ({"Member since": "45000"}, "joined_on", "bad_date"),
    ({"Member since": "2026-01-02"}, "joined_on", "joined_in_future"),
    ({"Member since": "1979-01-01"}, "joined_on", "joined_before_birth"),
    ({"Member since": ""}, "joined_on", "joined_needed"),
    ({"Proof": ""}, "proof", "proof_needed"),
    ({"Proof": "x" * 201}, "proof", "too_long"),
    ({"Share owed": "12.345"}, "owed", "bad_amount"),
    ({"Share owed": "-1"}, "owed", "bad_amount"),
    ({"Share owed": "1.000,50"}, "owed", "bad_amount"),
    ({"Share owed": "999999999999"}, "owed", "too_much"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "column", "code"), CASES, ids=lambda part: str(part)[:30])
def test_each_mistake_is_named_once(changes: dict[str, str], column: str, code: str) -> None:
    assert faults(row(1, **changes), row(2)) == [(2, column, code)]


@pytest.mark.parametrize(
    ("text", "fen"),
    [
        ("", 0),
        ("0", 0),
        ("12", 1200),
        ("12.5", 1250),
        ("12.50", 1250),
        ("12.500", 1250),
        ("￥3 元", 300),
        ("1,000.01", 100_001),
    ],
)
def test_amounts_are_exact(text: str, fen: int) -> None:
    assert read(row(1, **{"Share owed": text})).members[0].owed_fen == fen


def test_one_address_and_one_document_stand_in_one_row() -> None:
    twin = row(2, **{"Document number": row(1)["Document number"]})
    assert faults(row(1), twin, row(3, **{"E-mail": "VILLAGER-1@example.org"})) == [
        (3, "number", "document_twice"),
        (4, "email", "email_twice"),
    ]


def test_payer_is_somebody_of_the_list() -> None:
    sheet = read(row(1), row(2, **{"Paid by": "Villager-1@example.org"}))
    assert sheet.faults == ()
    assert sheet.members[1].payer == "villager-1@example.org"
    own = read(row(1, **{"Paid by": "VILLAGER-1@example.org"}))
    assert [member.payer for member in own.members] == [""]


def test_payer_pays_for_themselves() -> None:
    first, second = {"Paid by": "villager-2@example.org"}, {"Paid by": "villager-3@example.org"}
    assert faults(row(1, **first), row(2, **second), row(3)) == [(2, "payer", "payer_paid_for")]


def test_money_fits_how_members_pay() -> None:
    """Shares are owed where members pay afterwards, balances held where they pay ahead."""
    paid = {"Prepaid balance": "¥120.5"}
    assert faults(row(1, **paid)) == [(2, "prepaid", "prepaid_afterwards")]
    assert faults(row(2), plan=AHEAD) == [(2, "owed", "owed_ahead")]
    assert read(row(1, **paid), plan=AHEAD).members[0].prepaid_fen == 12_050
    assert faults(row(1, **{"Prepaid balance": "much"}), plan=AHEAD) == [(2, "prepaid", "bad_amount")]


def test_nobody_is_paid_for_where_members_pay_ahead() -> None:
    paid = {"Paid by": "villager-1@example.org"}
    assert faults(row(1), row(3, **paid), plan=AHEAD) == [(3, "payer", "payer_ahead")]


def test_class_is_asked_for_where_nothing_else_decides() -> None:
    two = plan_with({"class_no": 0}, {"class_no": 1})
    assert faults(row(1), plan=two) == [(2, "class", "class_needed")]
    sheet = read(row(1, Class="组1"), row(2, Class="class 0"), row(3, Class="1"), plan=two)
    assert [member.class_no for member in sheet.members] == [1, 0, 1]
    by_age = plan_with(
        {"class_no": 0, "age_from": 18, "age_before": 40}, {"class_no": 1, "age_from": 40, "age_before": 60}
    )
    assert read(row(1), plan=by_age).members[0].class_no is None
    assert faults(row(1, Class="1"), plan=by_age) == [(2, "class", "class_by_age")]


def test_header_is_found_in_both_languages_and_whatever_the_order() -> None:
    chinese = ["邮箱", "姓名", "证件类型", "身份证号码", "备注"]
    cells = ["li@example.org", "李明", "身份证", resident_id(dt.date(1980, 1, 2)), "moved house"]
    sheet = read_list([(3, chinese), (5, cells)], PLAN, TODAY)
    assert (sheet.faults, sheet.unknown, sheet.members[0].row) == ((), ("备注",), 5)
    with pytest.raises(NoHeaderError) as caught:
        read_list([(1, ["姓名", "电话"])], PLAN, TODAY)
    assert caught.value.missing == ("email", "document", "number")


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_titles_of_the_template_are_understood(language: str) -> None:
    with override(language):
        titles = [str(column.title) for column in COLUMNS]
    cells = [row(1).get(title, "") for title in HEADER]
    sheet = read_list([(1, titles), (2, cells)], PLAN, TODAY)
    assert (len(sheet.members), sheet.unknown) == (1, ())


def test_every_fault_that_can_be_found_has_its_words() -> None:
    found = {code for _changes, _column, code in CASES}
    assert found <= set(FAULTS)


@given(st.lists(st.text(max_size=30), min_size=len(HEADER), max_size=len(HEADER)))
def test_whatever_stands_in_the_cells_is_read_or_named(cells: list[str]) -> None:
    sheet = read_list([(1, list(HEADER)), (2, cells)], PLAN, TODAY)
    assert len(sheet.members) + bool(sheet.faults) == 1
    assert all(fault.row == 2 and fault.code in FAULTS for fault in sheet.faults)
