"""Gathers the rooms' models; rooms never import this file."""

from ledger.books.models import Account, AccountBalance, Book, JournalEntry, Posting
from ledger.custody.models import (
    BankAccount,
    BankStatement,
    Collection,
    PaymentOrder,
    StatementLine,
    StatementUpload,
)
from ledger.openbooks.models import Log, LogEntry
from ledger.openbooks.triggers import every_entry_is_logged
from ledger.sharing.models import Award, Charge, ManifestLine, Period

# The journal knows no log; the log's guard is hung on it here, where both are known.
every_entry_is_logged.register(JournalEntry)  # type: ignore[arg-type]  # it takes classes

__all__ = [
    "Account",
    "AccountBalance",
    "Award",
    "BankAccount",
    "BankStatement",
    "Book",
    "Charge",
    "Collection",
    "JournalEntry",
    "Log",
    "LogEntry",
    "ManifestLine",
    "PaymentOrder",
    "Period",
    "Posting",
    "StatementLine",
    "StatementUpload",
]
