"""How the tables of a pool's bank are read: described once by a treasurer, and used from then on."""

import datetime as dt
from dataclasses import dataclass

from django.db import transaction

from aidplatform.work import audit
from ledger.custody import mapped_csv
from ledger.custody.mapped_csv import Mapping
from ledger.custody.mapping_models import StatementMapping
from ledger.custody.models import BankAccount
from ledger.custody.statement_files import checked
from ledger.custody.statement_parts import FileStatement
from members.pools.models import Pool


@dataclass(frozen=True)
class Reading:
    """A description, and the days [from_date, to_date) for which the bank was asked."""

    mapping: StatementMapping
    from_date: dt.date
    to_date: dt.date

    def read(self, data: bytes) -> FileStatement:
        """Read a table. Raises: StatementFileError."""
        account = self.mapping.account
        days = (self.from_date, self.to_date)
        return checked(
            mapped_csv.read_mapped(data, self.mapping.mapping, account.number, days, account.pool.currency)
        )


def newest_mapping(account: BankAccount) -> StatementMapping | None:
    """Return the description that counts, or nothing before the first one."""
    found = StatementMapping.objects.filter(account=account).select_related("account__pool")
    return found.order_by("-number").first()


def describe(*, account: BankAccount, mapping: Mapping, maker: str, at: dt.datetime) -> StatementMapping:
    """Keep how the tables of the account's bank are read; saying the same again changes nothing.

    Raises: IntegrityError mapping_is_the_treasurers.
    """
    with transaction.atomic():
        Pool.objects.select_for_update().get(pk=account.pool_id)
        last = newest_mapping(account)
        if last is not None and last.mapping == mapping:
            return last
        made = StatementMapping.objects.create(
            account=account,
            number=0,  # the guard gives the number
            terms=mapped_csv.as_terms(mapping),
            made_by=maker,
            made_at=at,
        )
        made.refresh_from_db(fields=["number"])
        audit.record(actor=maker, action="describe_bank_table", subject=f"{account.pool.code} {made.number}")
    return made
