"""Tools of others read the books, come to the bank's balances, and refuse a file in which anything was changed."""

import csv
import datetime as dt
import hashlib
import random
import re
import zipfile
from io import StringIO
from pathlib import Path

import psycopg
import pytest
from django.core.management import CommandError, call_command

from aidplatform.lib import clock
from aidplatform.testing.accounting_tools import judge
from aidplatform.testing.bank import Bank, charged_world
from aidplatform.testing.world import set_clock
from ledger.books.models import Book
from ledger.custody.statement_parts import CHARGE, INTEREST, OUT, FileLine
from ledger.exports.journals import WRITERS
from ledger.management.tests.test_verify_books import harm

FORMATS = tuple(WRITERS)


def export(kind: str, *arguments: str) -> str:
    """Run the command; return what it wrote."""
    out = StringIO()
    call_command("export_books", "--format", kind, *arguments, stdout=out)
    return out.getvalue()


@pytest.mark.parametrize("kind", FORMATS)
def test_tool_accepts_all_books_of_a_history(kind: str, books: psycopg.Connection, tmp_path: Path) -> None:
    text = export(kind)
    assert judge(kind, text, tmp_path) == ""
    held = dict(books.execute("SELECT code, last_entry_no FROM ledger_book"))
    marks = re.findall(r"^  entry: |^\S+ \* \(", text, re.MULTILINE)
    assert len(marks) == sum(held.values()) > 40
    (closings,) = books.execute("SELECT count(*) FROM ledger_bankstatement").fetchone() or (0,)
    assert len(re.findall(r"^  statement: |; statement:", text, re.MULTILINE)) == closings > 5
    # One pool alone is the same text as its part of all.
    for code in held:
        assert export(kind, "--pool", code) in text


@pytest.mark.parametrize("kind", FORMATS)
def test_tool_accepts_every_period_by_itself(kind: str, books: psycopg.Connection, tmp_path: Path) -> None:
    """What was before is brought forward, so that each file stands alone and all together tell each entry once."""
    periods = books.execute(
        """SELECT p.code, d.number FROM ledger_period d JOIN members_pool p ON p.id = d.pool_id
            WHERE d.state = 'posted' AND p.code IN ('small', 'paid', 'late') ORDER BY 1, 2"""
    ).fetchall()
    told = 0
    for code, number in periods:
        text = export(kind, "--pool", code, "--period", str(number))
        assert judge(kind, text, tmp_path) == ""
        told += text.count("key")
    assert told > 10
    assert "brought forward" in export(kind, "--pool", "small", "--period", "2")
    assert "brought forward" not in export(kind, "--pool", "small", "--period", "1")


def one_fen_more(text: str) -> str:
    """Let the last receipt of members' shares say a fen more, on both sides: the entry itself still balances."""
    blocks = re.split(r"(?=\n\n)", text)
    at = max(index for index, block in enumerate(blocks) if "collection" in block and "101" in block)
    whole = re.findall(r"(\d+)\.(\d\d) CNY", blocks[at])
    fen = int(whole[0][0]) * 100 + int(whole[0][1])
    more = f"{(fen + 1) // 100}.{(fen + 1) % 100:02d} CNY"
    blocks[at] = blocks[at].replace(f"{whole[0][0]}.{whole[0][1]} CNY", more)
    return "".join(blocks)


def without_a_receipt(text: str) -> str:
    """Leave an entry of the bank out."""
    return "".join(block for block in blocks_of(text) if block != bank_entry(text))


def receipt_twice(text: str) -> str:
    """Tell an entry of the bank twice."""
    return "".join(block * (2 if block == bank_entry(text) else 1) for block in blocks_of(text))


def sides_that_differ(text: str) -> str:
    """Let one side of an entry say ten times as much."""
    entry = bank_entry(text)
    return text.replace(entry, re.sub(r"  -(\d+\.\d\d) CNY", r"  -1\1 CNY", entry, count=1))


def closing_of_another_figure(text: str) -> str:
    """Let the bank say a yuan more at its last closing."""
    *_rest, last = re.finditer(r"(balance \S+  |= )(\d+)(\.\d\d (~ 0\.00 )?CNY)", text)
    return f"{text[: last.start(2)]}{int(last[2]) + 1}{text[last.end(2) :]}"


def blocks_of(text: str) -> list[str]:
    return re.split(r"(?=\n\n)", text)


def bank_entry(text: str) -> str:
    """Return the first entry that moved money on the bank's account."""
    return next(
        block for block in blocks_of(text) if "statement" in block and "key" in block and "101" in block
    )


HARM = [one_fen_more, without_a_receipt, receipt_twice, sides_that_differ, closing_of_another_figure]


@pytest.mark.parametrize("harm", HARM, ids=lambda harm: harm.__name__)
@pytest.mark.parametrize("kind", FORMATS)
def test_tool_refuses_a_planted_change(kind, harm, books: psycopg.Connection, tmp_path: Path) -> None:
    true = export(kind, "--pool", "paid")
    false = harm(true)
    assert false != true
    said = judge(kind, false, tmp_path)
    assert re.search(r"[Bb]alance|assert", said), said


@pytest.mark.parametrize("seed", range(4))
def test_tools_accept_pools_made_by_chance(seed: int, db: None, tmp_path: Path) -> None:
    """Weeks of a bank that charges, pays interest, returns and doubles; members who pay in part or too much."""
    chance = random.Random(seed)
    world, bank, period = charged_world(chance.randrange(1, 10**7), 50_000, members=9, code=f"chance_{seed}")
    order = None
    for day in range(20):
        set_clock(clock.start_of_day(period.charge_date + dt.timedelta(days=day), "Asia/Shanghai"))
        bank.take(bank.statement(*some_lines(bank, chance), days=chance.randrange(1, 3)))
        if order is None and day > 12:
            payable = world.pool.awards.order_by("code").last()
            order = bank.release(bank.order_aid(payable, 1_000))
        elif chance.random() < 0.3:
            bank.all_pay(unpaid=0.5)
    assert Book.objects.get(code=world.pool.code).last_entry_no > 20
    for kind in FORMATS:
        assert judge(kind, export(kind), tmp_path) == ""


def some_lines(bank: Bank, chance: random.Random) -> list[FileLine]:
    """Return some bookings of a day, genuine twins among them."""
    made = [
        bank.receipt(chance.randrange(1, 10), chance.choice([100, 12_345, 2_000_000])),
        bank.line("in", chance.randrange(1, 10**6), text='a "quoted" \\ ; text, with | signs'),
        bank.line("in", chance.randrange(1, 100), code=INTEREST),
        bank.line(OUT, chance.randrange(1, 100), code=CHARGE),
    ]
    return chance.choices(made, k=chance.randrange(0, 6))


def test_wrong_wishes_are_named(books: psycopg.Connection, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="there is no pool nowhere"):
        export("hledger", "--pool", "nowhere")
    with pytest.raises(CommandError, match="needs --pool"):
        export("hledger", "--period", "1")
    with pytest.raises(CommandError, match="small has no period 99"):
        export("hledger", "--pool", "small", "--period", "99")
    with pytest.raises(CommandError, match="cannot be written"):
        export("hledger", "--output", str(tmp_path / "no" / "file"))
    export("hledger", "--output", str(tmp_path / "file"))
    assert (tmp_path / "file").read_text() == export("hledger")


def test_pack_holds_everything_and_names_nobody(books: psycopg.Connection, tmp_path: Path) -> None:
    path, out = tmp_path / "pack.zip", StringIO()
    call_command("auditors_pack", "--pool", "paid", "--output", str(path), stdout=out)
    assert out.getvalue().endswith("All statements are true.\n")
    with zipfile.ZipFile(path) as archive:
        held = {name: archive.read(name) for name in archive.namelist()}
    sums = dict(line.split("  ")[::-1] for line in held.pop("SHA256SUMS").decode().splitlines())
    assert sums == {name: hashlib.sha256(data).hexdigest() for name, data in held.items()}
    for kind in FORMATS:
        assert judge(kind, held[f"books.{kind}"].decode(), tmp_path) == ""
        assert judge(kind, held[f"periods/0001.{kind}"].decode(), tmp_path) == ""
    assert "All statements are true." in held["verify_books.txt"].decode()
    # Who was paid, and from where members paid, is sealed in the books; nothing of the archive gives it away.
    together = b"".join(held.values()).decode()
    assert "Zhang San" not in together
    assert "6222" not in together

    tables = {name: rows_of(data) for name, data in held.items() if name.endswith(".csv")}
    assert (
        sum(in_fen(row["debit"] or "0") - in_fen(row["credit"] or "0") for row in tables["postings.csv"]) == 0
    )
    balances = {row["account"]: row["balance"] for row in tables["trial_balance.csv"]}
    assert balances["101"] == tables["bank_statements.csv"][-1]["closing"]
    assert [row["state"] for row in tables["payments.csv"]] == ["confirmed", "released"]
    (entries,) = books.execute("SELECT size FROM ledger_log WHERE code = 'paid'").fetchone() or (0,)
    assert len(held["log.jsonl"].splitlines()) == entries > 10


def test_same_books_give_the_same_pack(books: psycopg.Connection, tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("one.zip", "other.zip")]
    for file in files:
        call_command("auditors_pack", "--pool", "small", "--output", str(file), stdout=StringIO())
    assert files[0].read_bytes() == files[1].read_bytes()
    with pytest.raises(CommandError, match="there is no pool nowhere"):
        call_command("auditors_pack", "--pool", "nowhere", "--output", str(files[0]))


def test_pack_of_false_books_says_so(books: psycopg.Connection, tmp_path: Path) -> None:
    harm(books, "UPDATE ledger_accountbalance SET debit_fen = debit_fen + 1")
    out = StringIO()
    call_command("auditors_pack", "--pool", "small", "--output", str(tmp_path / "pack.zip"), stdout=out)
    assert "A statement is false." in out.getvalue()


def rows_of(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(data.decode("utf-8-sig"))))


def in_fen(amount: str) -> int:
    return int(amount.replace(".", ""))
