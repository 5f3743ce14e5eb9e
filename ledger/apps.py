"""The money: books, open books, sharing."""

from django.apps import AppConfig


class LedgerConfig(AppConfig):
    """The app of the ledger."""

    name = "ledger"
    verbose_name = "Ledger"
