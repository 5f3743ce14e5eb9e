"""Each guarantee of the books, broken by hand as aid_app: the database refuses in its name."""

import threading

import psycopg
import pytest
from django.db import connection, transaction

from aidplatform.testing.ledgers import balances
from aidplatform.testing.refusals import fire_deferred, not_permitted, refused, refused_to_owner, run, value
from ledger.books.chart import CHART
from ledger.books.models import Book
from ledger.books.services import open_book
from ledger.books.tests.insider import insert_entry, insert_postings, post_raw
from ledger.openbooks.services import open_log

FACTS = ("ledger_account", "ledger_journalentry", "ledger_posting")
NAMES = {
    "ledger_account": "account_is_permanent",
    "ledger_journalentry": "journal_entry_is_permanent",
    "ledger_posting": "posting_is_permanent",
}
AWARD = (("120", "D", 500), ("201", "C", 500))


def test_journal_entry_balances_even_if_one_fen_is_missing(book: Book) -> None:
    with refused("journal_entry_balances"):
        post_raw(book, "odd", ("120", "D", 500), ("201", "C", 499))
    with refused("journal_entry_balances"):
        post_raw(book, "one-sided", ("120", "D", 500))
    assert balances(book) == {}


def test_journal_entry_balances_when_one_of_two_entries_in_a_statement_does_not(book: Book) -> None:
    accounts = dict(run("SELECT code, id FROM ledger_account WHERE book_id = %s", book.pk))
    with refused("journal_entry_balances"):
        good, bad = insert_entry(book, "good"), insert_entry(book, "bad")
        rows = [(good, "120", "D", 5), (good, "201", "C", 5), (bad, "120", "D", 7), (bad, "201", "C", 6)]
        values = ", ".join(f"({entry}, {accounts[code]}, '{side}', {fen})" for entry, code, side, fen in rows)
        run(f"INSERT INTO ledger_posting (entry_id, account_id, side, amount_fen) VALUES {values}")


def test_journal_entry_balances_when_debits_come_in_one_statement_and_credits_in_the_next(book: Book) -> None:
    with refused("journal_entry_balances"):
        insert_postings(insert_entry(book, "split"), book, ("120", "D", 500))


def test_journal_entry_has_postings_by_the_commit(book: Book) -> None:
    with refused("journal_entry_has_postings"):
        insert_entry(book, "empty")
        run(f"SET CONSTRAINTS {_trigger('journal_entry_has_postings')} IMMEDIATE")


def test_journal_entry_has_postings_even_if_asked_for_at_once(book: Book) -> None:
    with refused("journal_entry_has_postings"):
        run(f"SET CONSTRAINTS {_trigger('journal_entry_has_postings')} IMMEDIATE")
        insert_entry(book, "empty")


def test_journal_entry_is_permanent_for_postings_that_come_late(book: Book) -> None:
    entry = post_raw(book, "whole", *AWARD)
    with refused("journal_entry_is_permanent"):
        insert_postings(entry, book, ("260", "D", 9), ("250", "C", 9))


def test_journal_entry_is_permanent_after_the_deferred_guards_were_satisfied(book: Book) -> None:
    entry = post_raw(book, "whole", *AWARD)
    fire_deferred()
    with refused("journal_entry_is_permanent"):
        insert_postings(entry, book, ("102", "D", 9), ("250", "C", 9))


@pytest.mark.parametrize("table", FACTS)
@pytest.mark.parametrize(
    "statement",
    ["UPDATE {} SET id = id", "DELETE FROM {}", "TRUNCATE {} CASCADE", "ALTER TABLE {} DISABLE TRIGGER ALL"],
)
def test_facts_of_the_books_give_the_application_no_right_to_change(
    book: Book, table: str, statement: str
) -> None:
    post_raw(book, "fact", *AWARD)
    with not_permitted():
        run(statement.format(table))


@pytest.mark.parametrize("table", FACTS)
@pytest.mark.parametrize("statement", ["UPDATE {} SET id = id", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
def test_facts_of_the_books_are_permanent_for_the_owner_too(
    owner: psycopg.Connection, table: str, statement: str
) -> None:
    with refused_to_owner(owner, NAMES[table]):
        owner.execute(statement.format(table))


def test_one_entry_per_event(book: Book) -> None:
    post_raw(book, "award/C-1", *AWARD)
    with refused("one_entry_per_event"):
        post_raw(book, "award/C-1", *AWARD)


def test_entry_number_follows_last_whatever_is_asked_for(book: Book) -> None:
    first = post_raw(book, "a", *AWARD, number=77)
    with refused("journal_entry_balances"):
        post_raw(book, "broken", ("120", "D", 1))
    second = post_raw(book, "b", *AWARD, number=1)
    numbers = run("SELECT id, number FROM ledger_journalentry ORDER BY number")
    assert numbers == [(first, 1), (second, 2)]


def test_entry_number_has_no_gaps_under_concurrency_and_rollbacks(committed_db: tuple[str, str]) -> None:
    book = open_book(code="busy", currency="CNY")
    open_log(code="busy")
    barrier = threading.Barrier(4)

    def post(worker: int) -> None:
        try:
            barrier.wait(timeout=20)
            for turn in range(6):
                try:
                    with transaction.atomic():
                        post_raw(book, f"{worker}/{turn}", *AWARD)
                        if turn % 3 == 1:
                            raise InterruptedError
                except InterruptedError:
                    continue
        finally:
            connection.close()

    threads = [threading.Thread(target=post, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    numbers = [row[0] for row in run("SELECT number FROM ledger_journalentry ORDER BY number")]
    assert numbers == list(range(1, 17))
    assert value("SELECT last_entry_no FROM ledger_book WHERE id = %s", book.pk) == 16
    assert balances(book) == {"120": 16 * 500, "201": -16 * 500}


def test_one_entry_per_number_stands_behind_the_count(owner: psycopg.Connection) -> None:
    found = owner.execute(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'one_entry_per_number'"
    ).fetchone()
    assert found == ("UNIQUE (book_id, number)",)


def test_book_starts_empty(db: None) -> None:
    with refused("book_starts_empty"):
        run("INSERT INTO ledger_book (code, currency, last_entry_no) VALUES ('gap', 'CNY', 41)")


def test_income_equals_expense(book: Book) -> None:
    with refused("income_equals_expense"):
        post_raw(book, "profit", ("110", "D", 700), ("401", "C", 700))
    with refused("income_equals_expense"):
        post_raw(book, "half", ("110", "D", 700), ("510", "D", 300), ("401", "C", 1000))
    post_raw(book, "pass-through", ("501", "D", 700), ("401", "C", 700))


@pytest.mark.parametrize("account", [line.code for line in CHART if line.never_negative])
def test_account_never_negative(book: Book, account: str) -> None:
    normal = next(line.normal_side for line in CHART if line.code == account)
    other = "C" if normal == "D" else "D"
    with refused("account_never_negative"):
        post_raw(book, "below", (account, other, 1), ("101", normal, 1))
    post_raw(book, "above", (account, normal, 5), ("101", other, 5))
    post_raw(book, "down to zero", (account, other, 5), ("101", normal, 5))
    with refused("account_never_negative"):
        post_raw(book, "below again", (account, other, 1), ("101", normal, 1))


@pytest.fixture
def foreign(db: None) -> Book:
    open_log(code="other-book")
    return open_book(code="other-book", currency="CNY")


def test_entry_stays_in_its_book(book: Book, foreign: Book) -> None:
    with refused("entry_stays_in_its_book"):
        insert_postings(insert_entry(book, "across"), foreign, *AWARD)


def test_account_is_in_the_chart(book: Book) -> None:
    columns = "INSERT INTO ledger_account (book_id, code, kind, normal_side, never_negative) VALUES"
    with refused("account_is_in_the_chart"):
        run(f"{columns} ({book.pk}, '999', 'liability', 'C', false)")
    bare = value(
        "INSERT INTO ledger_book (code, currency, last_entry_no) VALUES ('bare', 'CNY', 0) RETURNING id"
    )
    with refused("account_is_in_the_chart"):
        run(f"{columns} ({bare}, '120', 'asset', 'D', false)")
    run(f"{columns} ({bare}, '120', 'asset', 'D', true)")
    with refused("one_account_per_code"):
        run(f"{columns} ({bare}, '120', 'asset', 'D', true)")


def test_account_normal_side_fits_kind(owner: psycopg.Connection) -> None:
    owner.execute("INSERT INTO ledger_book (code, currency, last_entry_no) VALUES ('bare', 'CNY', 0)")
    owner.execute("ALTER TABLE ledger_account DISABLE TRIGGER USER")
    with refused_to_owner(owner, "account_normal_side_fits_kind"):
        owner.execute(
            """INSERT INTO ledger_account (book_id, code, kind, normal_side, never_negative)
               SELECT id, '999', 'asset', 'C', false FROM ledger_book WHERE code = 'bare'"""
        )


def test_balances_are_written_by_the_guard_alone(book: Book) -> None:
    post_raw(book, "award", *AWARD)
    for statement in (
        "UPDATE ledger_accountbalance SET debit_fen = 0",
        "DELETE FROM ledger_accountbalance",
        "TRUNCATE ledger_accountbalance",
        "INSERT INTO ledger_accountbalance (account_id, debit_fen, credit_fen) VALUES (1, 0, 0)",
    ):
        with not_permitted():
            run(statement)
    assert balances(book) == {"120": 500, "201": -500}


@pytest.mark.parametrize("fen", [0, -5, 2**53])
def test_posting_amount_above_zero_and_exact_in_every_reader(book: Book, fen: int) -> None:
    with refused("posting_amount_above_zero"):
        post_raw(book, "amount", ("101", "D", fen), ("250", "C", fen))


def test_posting_side_is_d_or_c(book: Book) -> None:
    with refused("posting_side_is_d_or_c"):
        post_raw(book, "side", ("101", "D", 5), ("250", "X", 5))


def test_one_posting_per_account_and_side(book: Book) -> None:
    with refused("one_posting_per_account_and_side"):
        post_raw(book, "twice", ("101", "D", 5), ("101", "D", 5), ("250", "C", 10))


def test_entry_checker_is_not_maker(book: Book) -> None:
    with refused("entry_checker_is_not_maker"):
        insert_entry(book, "alone", maker="P-1", checker="P-1")


def test_reversal_mirrors_entry(book: Book) -> None:
    original = post_raw(book, "award", *AWARD)
    mirrored = {"reverses_id": original, "checker": "second"}
    for name, sides in {
        "other amount": (("120", "C", 499), ("201", "D", 499)),
        "same sides": (("250", "D", 500), ("101", "C", 500)),
        "more": (("120", "C", 500), ("201", "D", 500), ("101", "D", 1), ("250", "C", 1)),
        "less": (("120", "C", 200), ("201", "D", 200)),
    }.items():
        with refused("reversal_mirrors_entry"):
            post_raw(book, name, *sides, **mirrored)
    reversal = post_raw(book, "mirror", ("120", "C", 500), ("201", "D", 500), **mirrored)
    assert balances(book) == {}
    with refused("reversal_mirrors_entry"):
        post_raw(book, "of a reversal", *AWARD, reverses_id=reversal, checker="second")


def test_reversal_mirrors_entry_of_its_own_book(book: Book, foreign: Book) -> None:
    original = post_raw(foreign, "award", *AWARD)
    with refused("entry_stays_in_its_book"):
        entry = insert_entry(book, "across", reverses_id=original, checker="second")
        insert_postings(entry, foreign, ("120", "C", 500), ("201", "D", 500))
    post_raw(book, "same here", *AWARD)
    with refused("reversal_mirrors_entry"):
        post_raw(book, "mirror", ("120", "C", 500), ("201", "D", 500), reverses_id=original, checker="second")


def test_one_reversal_per_entry(book: Book) -> None:
    original = post_raw(book, "award", *AWARD)
    post_raw(book, "again", *AWARD)
    mirror = (("120", "C", 500), ("201", "D", 500))
    post_raw(book, "reversal", *mirror, reverses_id=original, checker="second")
    with refused("one_reversal_per_entry"):
        post_raw(book, "reversal twice", *mirror, reverses_id=original, checker="second")


def test_reversal_needs_two_people(book: Book) -> None:
    original = post_raw(book, "award", *AWARD)
    with refused("reversal_needs_two_people"):
        insert_entry(book, "reversal", reverses_id=original)


def test_every_account_has_a_balance_from_the_start(book: Book) -> None:
    found = value(
        """SELECT count(*) FROM ledger_account a JOIN ledger_accountbalance b ON b.account_id = a.id
            WHERE a.book_id = %s AND b.debit_fen = 0 AND b.credit_fen = 0""",
        book.pk,
    )
    assert found == len(CHART)


def _trigger(guard: str) -> str:
    """Return the name of the trigger that holds a guarantee."""
    name: str = value("SELECT tgname FROM pg_trigger WHERE tgname LIKE %s", f"pgtrigger_{guard}_%")
    return name
