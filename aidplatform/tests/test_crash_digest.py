"""The digest by which runs are compared: it sees every change of money, and nothing else."""

import datetime as dt
import json
import os
from io import StringIO

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection

from aidplatform.tables import TABLES
from aidplatform.testing.plugin import TEMPLATE, test_services
from aidplatform.testing.stack import connected_to
from aidplatform.testing.world import World
from ledger.digest import PARTS, money_digest, total
from ledger.openbooks import services as openbooks
from ledger.sharing import services as sharing
from members.pools.models import Pool

#: Tables of the ledger that hold no money of their own: files that wait for their import, what was found of the
#: bank's money at whichever minute of a day a tick came, signatures over the log, which come when the signer is there,
#: rolls, which are made of secrets that chance has drawn.
WITHOUT_MONEY = {
    "ledger_statementupload",
    "ledger_reconciledday",
    "ledger_logkey",
    "ledger_checkpoint",
    "ledger_heartbeat",
    "ledger_roll",
    "ledger_rollsubtree",
    "ledger_witnesspolicy",
    "ledger_cosignature",
    "ledger_witnessrefusal",
    "ledger_timestamp",
}


def _columns(table: str) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT column_name FROM information_schema.columns WHERE table_name = %s", [table])
        return {row[0] for row in cursor.fetchall()}


def _by_table() -> dict[str, str]:
    return {digest.table: digest.sha256 for digest in money_digest()}


def test_digest_names_every_money_table() -> None:
    ledger_tables = {name for name in TABLES if name.startswith("ledger_")}
    assert {part.table for part in PARTS} - {"work_auditentry"} == ledger_tables - WITHOUT_MONEY


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.table)
def test_digest_takes_or_names_every_column(db: None, part: object) -> None:
    """A column added later must be digested, or left out with a reason."""
    assert _columns(part.table) == set(part.columns) | set(part.left_out)
    assert not set(part.columns) & set(part.left_out)
    assert all(len(reason) > 5 for reason in part.left_out.values())


def _post_small_and_large(owner_url: str) -> None:
    """Post one period of a small and of a large pool, by people whose codes are the same in every run."""
    for code, large in (("small", False), ("large", True)):
        world = World.founded(code=code, members=23, large=large)
        with psycopg.connect(owner_url) as owner:
            owner.execute(
                "UPDATE members_user SET code = md5(email)::char(12) WHERE email LIKE %s", [f"%@{code}.%"]
            )
        world.admin.refresh_from_db()
        world.controller.refresh_from_db()
        world.award(1_000_000)
        world.posted_period()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*), count(DISTINCT pool_id) FROM ledger_charge")
        assert cursor.fetchone() == (46, 2)


def _use_up_ids() -> None:
    with connection.cursor() as cursor:
        for table, count in (
            ("ledger_book", 3),
            ("ledger_account", 5),
            ("ledger_journalentry", 7),
            ("ledger_logentry", 11),
            ("ledger_award", 13),
            ("members_membership", 1000),
        ):
            cursor.execute(
                "SELECT count(nextval(pg_get_serial_sequence(%s, 'id'))) FROM generate_series(1, %s)",
                [table, count],
            )


def test_digest_does_not_depend_on_ids(committed_db: tuple[str, str]) -> None:
    with (
        test_services().database(f"aid_other_{os.getpid()}", TEMPLATE) as (owner_url, app_url),
        connected_to(app_url),
    ):
        _post_small_and_large(owner_url)
        first = _by_table()
    _use_up_ids()
    _post_small_and_large(committed_db[0])
    # The audit trail has granted duties to people under the codes they were given by chance.
    assert _by_table() | {"work_auditentry": ""} == first | {"work_auditentry": ""}


def test_digest_of_a_run_repeats_and_moves_with_money(committed_db: tuple[str, str]) -> None:
    _post_small_and_large(committed_db[0])
    before = _by_table()
    assert _by_table() == before
    openbooks.post_logged_entry(
        book=sharing.book_of(Pool.objects.get(code="small")),
        key="receipt/1",
        kind="receipt",
        lines=[sharing.debit("101", 1), sharing.credit("110", 1)],
        entry_date=dt.date(2026, 1, 20),
        at=Pool.objects.get(code="small").periods.get().posted_at,
        description="One fen",
        source="bank line 1",
        maker="P-TREASURER",
    )
    changed = {table for table, sha256 in _by_table().items() if before[table] != sha256}
    assert changed == {
        "ledger_book",
        "ledger_journalentry",
        "ledger_posting",
        "ledger_accountbalance",
        "ledger_log",
        "ledger_logentry",
    }


def test_digest_prints_a_line_per_table_and_the_total(committed_db: tuple[str, str]) -> None:
    _post_small_and_large(committed_db[0])
    plain, for_programs = StringIO(), StringIO()
    call_command("money_digest", stdout=plain)
    call_command("money_digest", "--json", stdout=for_programs)
    lines = plain.getvalue().splitlines()
    answer = json.loads(for_programs.getvalue())
    assert len(lines) == len(PARTS) + 1
    assert lines[-1].split()[0] == answer["total"] == total(money_digest())
    assert [line.split()[2] for line in lines[:-1]] == [table["table"] for table in answer["tables"]]
    assert all(len(table["sha256"]) == 64 for table in answer["tables"])
