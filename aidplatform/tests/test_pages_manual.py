"""The manual: the same in both languages, its figures computed, its names those of the code."""

import re
from fractions import Fraction
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import get_commands
from django.db import connection
from markdown_it import MarkdownIt

from aidplatform.lib.money import parse_fen
from aidplatform.site.manual import FOLDERS, PAGES
from aidplatform.tests.pages_helpers import client_of
from aidplatform.variables import VARIABLES
from ledger.books.chart import CHART
from ledger.sharing.apportion import Costs, FeeRule, Group, Sharing, compute_shares

DOCS = Path(settings.BASE_DIR) / "templates" / "docs"
LANGUAGES = sorted(FOLDERS.values())


def page(language: str, name: str) -> str:
    return (DOCS / language / f"{name}.md").read_text(encoding="utf-8")


def tables(text: str) -> list[list[list[str]]]:
    """Return every Markdown table as rows of cells, without the rule under its header."""
    found: list[list[list[str]]] = []
    lines = iter([*text.splitlines(), ""])
    rows: list[list[str]] = []
    for line in lines:
        if line.startswith("|"):
            rows.append([cell.strip().strip("*") for cell in line.strip("|").split("|")])
        elif rows:
            found.append([row for row in rows if not set("".join(row)) <= set("-:")])
            rows = []
    return found


def shared(aid_fens: tuple[int, ...], groups: list[Group], carry_in_fen: int = 0) -> Sharing:
    return compute_shares(
        groups=groups, costs=Costs(aid_fens, carry_in_fen=carry_in_fen), fee_rule=FeeRule(Fraction(8, 100))
    )


def test_each_language_has_exactly_the_listed_pages() -> None:
    for language in LANGUAGES:
        assert sorted(path.stem for path in (DOCS / language).glob("*.md")) == sorted(PAGES)


@pytest.mark.parametrize("name", PAGES)
def test_both_languages_have_the_same_shape_and_figures(name: str) -> None:
    english, chinese = page("en", name), page("zh", name)
    shape = [re.match(r"#+", line)[0] for line in english.splitlines() if line.startswith("#")]  # type: ignore[index]
    assert shape == [re.match(r"#+", line)[0] for line in chinese.splitlines() if line.startswith("#")]  # type: ignore[index]
    sizes = [[len(row) for row in table] for table in tables(english)]
    assert sizes == [[len(row) for row in table] for table in tables(chinese)]
    money = re.compile(r"\d[\d,]*\.\d\d\b")
    assert sorted(money.findall(english)) == sorted(money.findall(chinese))
    code = re.compile(r"`([^`\n]+)`")
    assert sorted(code.findall(english)) == sorted(code.findall(chinese))


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_every_page_is_served_in_both_languages(db: None, language: str) -> None:
    client = client_of(None, language=language)
    for name in PAGES:
        response = client.get(f"/docs/{name}/")
        title = page(FOLDERS[language], name).partition("\n")[0].removeprefix("# ")
        assert response.status_code == 200
        assert f"<h1>{title}</h1>" in response.content.decode()
    assert client.get("/docs/no-such/").status_code == 404


def test_manual_shows_raw_html_instead_of_obeying_it() -> None:
    from aidplatform.site.manual import _render

    assert "<script>" not in _render("a <script>alert(1)</script>")
    assert 'class="number"' in _render("| a |\n|--:|\n| 1 |\n")
    assert "style=" not in _render("| a |\n|--:|\n| 1 |\n")


def test_chinese_lines_are_joined_without_a_space(db: None) -> None:
    html = client_of(None, language="zh-hans").get("/docs/start/").content.decode()
    assert not re.search(r"<p>[^<]*[\u4e00-\u9fff，。；]\n[\u4e00-\u9fff]", html)


@pytest.mark.parametrize("language", LANGUAGES)
def test_worked_example_of_two_periods_computes_to_its_figures(language: str) -> None:
    first, second = tables(page(language, "share"))[1:3]
    everyone = [Group(class_no=0, count=100_123, weight=1)]
    one = shared((30_000_000, 10_000_000, 5_000_000), everyone)
    two = shared((30_000_000, 10_000_000), everyone, carry_in_fen=one.carry_out_fen)
    for table, result, carry_in in ((first, one, None), (second, two, one.carry_out_fen)):
        figures = [row[1] for row in table[1:]]
        quota = result.shares[0].quota
        expected = [
            result.aid_fen, result.fee_fen, *([carry_in] if carry_in is not None else []), result.need_fen,
            f"{int(quota) // 100}.{int(quota * 100) % 10_000:04d}…",
            result.shares[0].share_fen, result.assessed_fen, result.carry_out_fen,
        ]  # fmt: skip
        assert [figure if "…" in figure else parse_fen(figure) for figure in figures] == expected


@pytest.mark.parametrize("language", LANGUAGES)
def test_worked_example_with_weights_computes_to_its_figures(language: str) -> None:
    table = tables(page(language, "share"))[3]
    result = shared((1_000_000,), [Group(0, 80, 2), Group(1, 20, 3)])
    assert [parse_fen(row[2]) for row in table[1:3]] == [row.share_fen for row in result.shares]
    assert [parse_fen(row[3]) for row in table[1:]] == [
        *[row.total_fen for row in result.shares],
        result.assessed_fen,
    ]
    assert result.carry_out_fen == 80


@pytest.mark.parametrize("language", LANGUAGES)
def test_worked_examples_with_caps_compute_to_their_figures(language: str) -> None:
    capped, lowered = tables(page(language, "share"))[4:6]
    result = shared((10_000,), [Group(0, 4, 1, 2_000), Group(1, 3, 3, 2_000)])
    assert [parse_fen(row[2]) for row in capped[1:3]] == [row.share_fen for row in result.shares]
    assert [parse_fen(row[3]) for row in capped[1:]] == [
        *[row.total_fen for row in result.shares],
        result.assessed_fen,
    ]
    result = compute_shares(
        groups=[Group(0, 7, 1, 100_000)],
        costs=Costs((800_000, 400_000)),
        fee_rule=FeeRule(Fraction(8, 100)),
        on_infeasible="reduce_aid",
    )
    assert [parse_fen(row[2]) for row in lowered[1:]] == [
        *result.aid_fens,
        result.fee_fen,
        result.assessed_fen,
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_worked_example_of_rests_that_wait_computes_to_its_figures(language: str) -> None:
    table = tables(page(language, "share"))[6]
    aid_fens: tuple[int, ...] = (800_000, 400_000)
    for column in (2, 3):
        result = compute_shares(
            groups=[Group(0, 7, 1, 100_000)],
            costs=Costs(aid_fens),
            fee_rule=FeeRule(Fraction(8, 100)),
            on_infeasible="defer",
        )
        all_fen = result.aid_fen + result.fee_fen
        assert [parse_fen(row[column]) for row in table[1:]] == [*result.aid_fens, result.fee_fen, all_fen]
        aid_fens = result.deferred_fens
    assert sum(aid_fens) == 0


@pytest.mark.parametrize("language", LANGUAGES)
def test_worked_example_of_a_yearly_cap_computes_to_its_figures(language: str) -> None:
    rows = [[int(row[0]), *map(parse_fen, row[1:])] for row in tables(page(language, "share"))[7][1:3]]
    assert all(paid + room == 3_000 for _members, paid, room, _share, _all in rows)
    result = shared((5_000,), [Group(0, members, 1, room) for members, _paid, room, _share, _all in rows])
    assert [row[3:] for row in rows] == [[row.share_fen, row.total_fen] for row in result.shares]
    assert parse_fen(tables(page(language, "share"))[7][3][4]) == result.assessed_fen == 5_400


@pytest.mark.parametrize("language", LANGUAGES)
def test_table_of_pool_sizes_computes_to_its_figures(language: str) -> None:
    table = tables(page(language, "share"))[8]
    for members, share, carry in table[1:]:
        result = shared((50_000_000,), [Group(0, int(members.replace(",", "")), 1)])
        assert (parse_fen(share), parse_fen(carry)) == (result.shares[0].share_fen, result.carry_out_fen)
    assert len(table) == 10


@pytest.mark.parametrize("language", LANGUAGES)
def test_chart_in_the_manual_is_the_chart(language: str) -> None:
    rows = tables(page(language, "books"))[0][1:]
    assert [row[0] for row in rows] == [line.code for line in CHART]
    if language == "en":
        assert [row[1] for row in rows] == [str(line.name) for line in CHART]


@pytest.mark.parametrize("language", LANGUAGES)
def test_trial_balance_of_the_manual_balances_and_follows_from_the_example(language: str) -> None:
    table = tables(page(language, "books"))[2]
    result = shared((30_000_000, 10_000_000, 5_000_000), [Group(0, 100_123, 1)])
    balances = {row[0][:3]: parse_fen(row[1] or row[2]) for row in table[1:-1]}
    assert balances == {
        "110": result.assessed_fen,
        "201": result.aid_fen,
        "230": result.fee_fen,
        "240": result.carry_out_fen,
        "401": result.aid_fen + result.fee_fen,
        "501": result.aid_fen,
        "510": result.fee_fen,
    }
    debits = sum(parse_fen(row[1]) for row in table[1:-1] if row[1])
    credited = sum(parse_fen(row[2]) for row in table[1:-1] if row[2])
    assert debits == credited == parse_fen(table[-1][1]) == parse_fen(table[-1][2])


@pytest.mark.parametrize("language", LANGUAGES)
def test_operators_page_names_the_variables_of_the_settings(language: str) -> None:
    named = set(re.findall(r"`(AID_[A-Z_]+)(?:=0)?`", page(language, "operating")))
    for_operators = {name for name, text in VARIABLES.items() if not text.startswith("tests only")}
    assert for_operators - {"AID_DATABASE_ROLE"} == named


@pytest.mark.parametrize("language", LANGUAGES)
def test_operators_page_names_commands_that_exist(language: str) -> None:
    named = set(re.findall(r"`manage\.py (\w+)", page(language, "operating") + page(language, "books")))
    assert named - set(get_commands()) == set()
    assert {"doctor", "verify_books", "create_roles", "first_run"} <= named


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_guarantee_in_the_manual_is_held_by_the_database(db: None, language: str) -> None:
    names = re.findall(r"^\| `(\w+)` \|", page(language, "guarantees"), re.MULTILINE)
    with connection.cursor() as cursor:
        cursor.execute("SELECT conname FROM pg_constraint")
        held = {row[0] for row in cursor.fetchall()}
        cursor.execute(
            "SELECT string_agg(prosrc, ' ') FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
        )
        sources = cursor.fetchone()[0]
    held |= set(re.findall(r"CONSTRAINT = '(\w+)'", sources))
    assert len(names) >= 30
    assert [name for name in names if name not in held] == []


def test_glossary_has_the_same_words_in_both_orders() -> None:
    english = {(row[0], row[1]) for row in tables(page("en", "glossary"))[0][1:]}
    chinese = {(row[1], row[0]) for row in tables(page("zh", "glossary"))[0][1:]}
    assert english == chinese


def test_markdown_of_the_manual_has_no_link_to_elsewhere() -> None:
    for language in LANGUAGES:
        for name in PAGES:
            html = MarkdownIt("commonmark").render(page(language, name))
            assert "href=" not in html
