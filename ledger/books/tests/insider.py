"""Writes to the books past every service: what somebody with the application's password can type."""

from aidplatform.testing.refusals import run, value
from ledger.books.models import Book, JournalEntry
from ledger.openbooks.services import append

Side = tuple[str, str, int]  # account code, D or C, fen


def insert_entry(book: Book, key: str, **columns: object) -> int:
    """Insert an entry without postings and return its id."""
    row = {
        "book_id": book.pk,
        "number": 0,
        "key": key,
        "kind": "raw",
        "entry_date": "2026-01-01",
        "at": "2026-01-01T00:00:00Z",
        "description": "by hand",
        "source": "nowhere",
        "maker": "insider",
        "checker": "",
        **columns,
    }
    names = ", ".join(row)
    places = ", ".join(["%s"] * len(row))
    pk: int = value(
        f"INSERT INTO ledger_journalentry ({names}) VALUES ({places}) RETURNING id", *row.values()
    )
    return pk


def insert_postings(entry: int, book: Book, *sides: Side) -> None:
    """Insert postings of an entry in one statement."""
    rows = ", ".join(
        ["(%s, (SELECT id FROM ledger_account WHERE book_id = %s AND code = %s), %s, %s)"] * len(sides)
    )
    parameters = [part for code, side, fen in sides for part in (entry, book.pk, code, side, fen)]
    run(f"INSERT INTO ledger_posting (entry_id, account_id, side, amount_fen) VALUES {rows}", *parameters)


def post_raw(book: Book, key: str, *sides: Side, **columns: object) -> int:
    """Insert an entry, its postings and its line in the log, without which no commit would take it."""
    entry = insert_entry(book, key, **columns)
    insert_postings(entry, book, *sides)
    state_in_log(entry)
    return entry


def state_in_log(pk: int) -> None:
    """Append the log's line about an entry."""
    entry = JournalEntry.objects.select_related("book", "reverses").get(pk=pk)
    postings = run(
        """SELECT a.code, p.side, p.amount_fen FROM ledger_posting p JOIN ledger_account a ON a.id = p.account_id
            WHERE p.entry_id = %s ORDER BY 1, 2""",
        pk,
    )
    body: dict[str, object] = {
        "number": entry.number,
        "key": entry.key,
        "kind": entry.kind,
        "date": entry.entry_date.isoformat(),
        "postings": [list(posting) for posting in postings],
    }
    if entry.reverses is not None:
        body["reverses"] = entry.reverses.number
    append(code=entry.book.code, entry_type="book.entry", key=str(entry.number), body=body, at=entry.at)
