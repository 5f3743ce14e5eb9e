"""Pages of the books: balances that add up, statements that run, filters in the address, the same as CSV."""

import csv
import io
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from aidplatform.lib import clock
from aidplatform.testing.reversals import reversed_by_two
from aidplatform.testing.world import World
from aidplatform.tests.pages_helpers import client_of
from ledger.books.models import Book
from ledger.books.services import credit, debit
from ledger.openbooks.services import post_logged_entry
from members.people.models import User
from members.pools.services import grant_duty

LEDGER = "/pools/test-pool/ledger/"
PAGES = [
    "",
    "trial-balance/",
    "figures/",
    "figures.csv",
    "accounts/120/",
    "accounts/120/statement.csv",
    "entries/",
    "entries.csv",
    "entries/1/",
]


@pytest.fixture
def books(world: World) -> World:
    """Give the test a pool whose books hold three awards and a posted period."""
    for number in (1, 2, 3):
        world.award(1_000_000 * number, f"C-{number}")
    world.posted_period()
    return world


def words(html: bytes) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html.decode()).split())


def csv_rows(response: object) -> list[list[str]]:
    text = b"".join(response).decode("utf-8-sig")  # type: ignore[call-overload]
    return list(csv.reader(io.StringIO(text)))


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize(
    ("person", "status"),
    [
        ("admin", 200),
        ("controller", 200),
        ("treasurer", 200),
        ("auditor", 200),
        ("stranger", 404),
        (None, 302),
    ],
)
def test_books_are_open_to_four_duties_and_nobody_else(
    books: World, page: str, person: str | None, status: int
) -> None:
    client = client_of(getattr(books, person) if person else None)
    assert client.get(LEDGER + page).status_code == status


def test_books_of_a_pool_without_duty_in_it_are_not_found(books: World) -> None:
    other = World.founded(code="other-pool")
    assert client_of(other.auditor).get(LEDGER).status_code == 404


def test_duty_of_another_kind_in_the_pool_is_forbidden(books: World) -> None:
    reviewer = User.objects.create_user("reviewer@example.org")
    grant_duty(
        pool=books.pool, person=reviewer, duty="reviewer",
        proposed_by=books.admin, confirmed_by=books.controller, at=clock.now(),
    )  # fmt: skip
    assert client_of(reviewer).get(LEDGER).status_code == 403


def test_accounts_show_every_balance(books: World) -> None:
    page = words(client_of(books.auditor).get(LEDGER).content)
    # aid 60,000.00 and fee 4,800.00 over 7 members: 9,257.15 each
    assert "Aid payable 0.00 60,000.00 ¥60,000.00" in page
    assert "Shares receivable 64,800.05 0.00 ¥64,800.05" in page
    assert "To be shared 60,000.00 60,000.00 ¥0.00" in page


def test_trial_balance_totals_agree(books: World) -> None:
    page = words(client_of(books.auditor).get(LEDGER + "trial-balance/").content)
    assert "Debits and credits agree." in page
    assert "Total ¥129,600.05 ¥129,600.05" in page


def test_statement_runs_from_newest_to_oldest_and_leads_to_sources(books: World) -> None:
    response = client_of(books.auditor).get(LEDGER + "accounts/120/")
    page = words(response.content)
    balances = re.findall(r"¥[\d,.]+ (¥[\d,.]+)", page)
    assert balances == ["¥0.00", "¥60,000.00", "¥30,000.00", "¥10,000.00"]
    assert 'href="/pools/test-pool/periods/1/"' in response.content.decode()
    assert 'href="/pools/test-pool/cases/C-1/"' in response.content.decode()


def test_statement_csv_has_every_line_with_its_balance(books: World) -> None:
    rows = csv_rows(client_of(books.auditor).get(LEDGER + "accounts/120/statement.csv"))
    assert [row[0] for row in rows] == ["entry", "4", "3", "2", "1"]
    assert [row[-1] for row in rows[1:]] == ["0.00", "60000.00", "30000.00", "10000.00"]


def test_statement_pages_by_cursor(books: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.books.views.PAGE", 2)
    client = client_of(books.auditor)
    first = client.get(LEDGER + "accounts/120/").content.decode()
    assert "accounts/120/?before=3" in first
    second = words(client.get(LEDGER + "accounts/120/?before=3").content)
    assert re.findall(r"¥[\d,.]+ (¥[\d,.]+)", second) == ["¥30,000.00", "¥10,000.00"]
    assert "Older" not in second


@pytest.mark.parametrize("before", ["x", "-1", "0", "9" * 30, "1.5", "²"])
def test_statement_refuses_a_cursor_that_is_no_entry(books: World, before: str) -> None:
    response = client_of(books.auditor).get(LEDGER + "accounts/120/", {"before": before})
    assert response.status_code == 422
    assert "must be the number of an entry" in response.content.decode()


def test_unknown_account_entry_and_pool_are_not_found(books: World) -> None:
    client = client_of(books.auditor)
    for address in ("accounts/999/", "entries/99/", f"entries/{10**18}/"):
        assert client.get(LEDGER + address).status_code == 404
    assert client.get("/pools/no-such/ledger/").status_code == 404


def test_entry_shows_postings_source_and_both_people(books: World) -> None:
    response = client_of(books.auditor).get(LEDGER + "entries/4/")
    page = words(response.content)
    assert "110 Shares receivable ¥64,800.05" in page
    assert "Total ¥129,600.05 ¥129,600.05" in page
    assert books.admin.code in page
    assert books.controller.code in page
    assert 'href="/pools/test-pool/periods/1/"' in response.content.decode()


def test_reversed_entry_leads_to_its_reversal_and_back(books: World) -> None:
    entry = post_logged_entry(
        book=Book.objects.get(code="test-pool"), key="charge/1", kind="bank_charge", at=clock.now(), description="x",
        entry_date=clock.today("Asia/Shanghai"), source="counted", maker=books.treasurer.code,
        lines=[debit("120", 5), credit("130", 5)],
    )  # fmt: skip
    reversal = reversed_by_two(books, entry, "wrong headcount")
    client = client_of(books.auditor)
    address = f"{LEDGER}entries/{entry.number}/"
    assert f'href="{LEDGER}entries/{reversal.number}/"' in client.get(address).content.decode()
    back = client.get(f"{LEDGER}entries/{reversal.number}/").content.decode()
    assert "wrong headcount" in back
    assert f'href="{address}"' in back


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("", ["4", "3", "2", "1"]),
        ("kind=award", ["3", "2", "1"]),
        ("kind=period", ["4"]),
        ("text=C-2", ["2"]),
        ("text=nothing+like+it", []),
        ("since=2026-01-10&until=2026-01-10&kind=period", ["4"]),
        ("since=2030-01-01", []),
        ("before=3", ["2", "1"]),
        ("kind=award&before=3", ["2", "1"]),
    ],
)
def test_journal_is_filtered_by_its_address(books: World, query: str, numbers: list[str]) -> None:
    page = client_of(books.auditor).get(f"{LEDGER}entries/?{query}").content.decode()
    assert re.findall(r'scope="row" class="number"><a href="[^"]+">(\d+)</a>', page) == numbers


@pytest.mark.parametrize(
    "query",
    ["kind=bogus", "since=yesterday", "since=2026-02-01&until=2026-01-01", "before=x", "text=" + "x" * 81],
)
def test_journal_refuses_filters_that_make_no_sense(books: World, query: str) -> None:
    client = client_of(books.auditor)
    assert client.get(f"{LEDGER}entries/?{query}").status_code == 422
    assert client.get(f"{LEDGER}entries.csv?{query}").status_code == 422


def test_journal_csv_is_exactly_what_is_filtered(books: World) -> None:
    client = client_of(books.auditor)
    page = client.get(f"{LEDGER}entries/?kind=award&text=C-3").content.decode()
    address = re.search(r'href="(/pools/test-pool/ledger/entries.csv\?[^"]+)"', page)
    assert address
    rows = csv_rows(client.get(address[1].replace("&amp;", "&")))
    assert [row[0] for row in rows[1:]] == ["3", "3"]
    assert {(row[5], row[6], row[7]) for row in rows[1:]} == {
        ("120", "D", "30000.00"),
        ("201", "C", "30000.00"),
    }


def test_csv_never_hands_a_formula_to_a_spreadsheet(world: World) -> None:
    post_logged_entry(
        book=Book.objects.get(code="test-pool"), key="x", kind="award",
        lines=[debit("101", 5), credit("250", 5)], entry_date=clock.today("UTC"), at=clock.now(),
        description="=HYPERLINK(1)", source="+cmd", maker="service",
    )  # fmt: skip
    rows = csv_rows(client_of(world.auditor).get(LEDGER + "entries.csv"))
    assert rows[1][3] == "'=HYPERLINK(1)"
    assert rows[1][4] == "'+cmd"


@pytest.mark.parametrize("page", ["", "trial-balance/", "accounts/120/", "entries/", "entries/1/"])
def test_page_costs_the_same_for_one_entry_and_three(world: World, page: str) -> None:
    client = client_of(world.auditor)
    world.award(1_000_000, "C-1")
    world.settled_period()
    with CaptureQueriesContext(connection) as one:
        client.get(LEDGER + page)
    other = World.founded(code="other-pool")
    for number in (1, 2, 3):
        other.award(1_000_000, f"C-{number}")
    other.settled_period()
    client = client_of(other.auditor)
    with CaptureQueriesContext(connection) as three:
        client.get(f"/pools/other-pool/ledger/{page}")
    assert len(three) == len(one)
    assert len(one) <= 14


def test_empty_books_say_so(world: World) -> None:
    client = client_of(world.auditor)
    assert "The journal is empty" in client.get(LEDGER + "entries/").content.decode()
    assert "Nothing has moved" in client.get(LEDGER + "accounts/101/").content.decode()
    assert "No entry fits" in client.get(LEDGER + "entries/?kind=award").content.decode()
