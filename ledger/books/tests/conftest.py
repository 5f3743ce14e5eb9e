"""Books to post to."""

import pytest

from ledger.books.models import Book
from ledger.books.services import open_book
from ledger.openbooks.services import open_log


@pytest.fixture
def book(db: None) -> Book:
    """Give the test an empty book with its log."""
    open_log(code="test-book")
    return open_book(code="test-book", currency="CNY")
