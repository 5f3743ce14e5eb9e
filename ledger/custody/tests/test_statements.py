"""Statement files: both forms, and every way in which one may be repeated, shuffled, cut or forged (F15, F16)."""

import datetime as dt
import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aidplatform.testing.bank import Bank, charged_world
from aidplatform.testing.refusals import fire_deferred
from aidplatform.testing.world import World
from ledger.custody import services
from ledger.custody.models import BankStatement, Collection, StatementLine
from ledger.custody.services import FileRefusedError
from ledger.custody.statement_files import read_statement, write_csv
from ledger.custody.statement_parts import CSV, IN, OUT, FileLine, FileStatement, StatementFileError
from ledger.openbooks.models import LogEntry
from ledger.sharing.models import Period

Charged = tuple[World, Bank, Period]
DAY = dt.date(2026, 2, 1)


def camt(
    *entries: str, opening: str = "0.00", closing: str = "0.00", head: str = "", summary: str = ""
) -> bytes:
    """Return a camt.053 file of one day with these entries."""
    balance = """<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy="CNY">{amount}</Amt>
                 <CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-02-01</Dt></Dt></Bal>"""
    return f"""<?xml version="1.0" encoding="UTF-8"?>{head}
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><Stmt><Id>S1</Id>
<ElctrncSeqNb>7</ElctrncSeqNb><FrToDt><FrDtTm>2026-02-01T00:00:00</FrDtTm><ToDtTm>2026-02-01T23:59:59</ToDtTm></FrToDt>
<Acct><Id><Othr><Id>6222000012345678901</Id></Othr></Id><Ccy>CNY</Ccy></Acct>
{balance.format(code="OPBD", amount=opening)}{balance.format(code="CLBD", amount=closing)}
{summary}{"".join(entries)}</Stmt></BkToCstmrStmt></Document>""".encode()


def entry(amount: str, mark: str = "CRDT", details: str = "", code: str = "", status: str = "BOOK") -> str:
    """Return one booked entry."""
    family = f"<BkTxCd><Domn><Fmly><SubFmlyCd>{code}</SubFmlyCd></Fmly></Domn></BkTxCd>" if code else ""
    return f"""<Ntry><Amt Ccy="CNY">{amount}</Amt><CdtDbtInd>{mark}</CdtDbtInd><Sts><Cd>{status}</Cd></Sts>
<BookgDt><Dt>2026-02-01</Dt></BookgDt><AcctSvcrRef>B-1</AcctSvcrRef>{family}<NtryDtls>{details}</NtryDtls></Ntry>"""


def detail(amount: str, name: str, text: str) -> str:
    """Return one transaction of an entry."""
    return f"""<TxDtls><Refs><AcctSvcrRef>T-{name}</AcctSvcrRef><EndToEndId>NOTPROVIDED</EndToEndId></Refs>
<Amt Ccy="CNY">{amount}</Amt><RltdPties><Dbtr><Pty><Nm>{name}</Nm></Pty></Dbtr></RltdPties>
<RmtInf><Ustrd>{text}</Ustrd></RmtInf></TxDtls>"""


def reason_of(data: bytes) -> str:
    with pytest.raises(StatementFileError) as caught:
        read_statement(data)
    return caught.value.reason


# --- reading ----------------------------------------------------------------------------------------------------


def test_camt_is_read() -> None:
    batch = detail("2.00", "Li Lei", "share A") + detail("1.10", "韩梅梅", "share B")
    found = read_statement(
        camt(
            entry("3.10", details=batch),
            entry("0.50", "DBIT", code="CHRG"),
            entry("0.40", code="INTR"),
            closing="3.00",
        )
    )
    assert (found.account_number, found.currency, found.bank_number) == ("6222000012345678901", "CNY", "7")
    assert (found.from_date, found.to_date) == (DAY, DAY + dt.timedelta(days=1))
    assert found.lines == (
        FileLine(DAY, IN, 200, "T-Li Lei", "Li Lei", "share A"),
        FileLine(DAY, IN, 110, "T-韩梅梅", "韩梅梅", "share B"),
        FileLine(DAY, OUT, 50, "B-1", "", "", "charge"),
        FileLine(DAY, IN, 40, "B-1", "", "", "interest"),
    )


def test_structured_reference_is_part_of_the_text() -> None:
    part = """<TxDtls><RmtInf><Strd><CdtrRefInf><Ref>RF18539007547034</Ref></CdtrRefInf></Strd></RmtInf></TxDtls>"""
    assert read_statement(camt(entry("1", details=part), closing="1")).lines[0].text == "RF18539007547034"


def test_entities_are_refused() -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>'
    assert reason_of(camt(head=bomb)) == "not_a_statement"
    outside = '<!DOCTYPE x SYSTEM "file:///etc/passwd">'
    assert reason_of(camt(head=outside)) == "not_a_statement"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not_a_statement"),
        (b"hello", "not_a_statement"),
        (b"\xff\xfe\x00", "not_a_statement"),
        (b"<html></html>", "not_a_statement"),
        (camt(entry("1.00"), closing="2.00"), "does_not_add_up"),
        (camt(entry("1.00"), closing="1.00")[:-40], "truncated"),
        (camt(entry("1.001"), closing="1.00"), "bad_value"),
        (camt(entry("-1.00"), closing="1.00"), "bad_value"),
        (camt(entry("1.00", "BOTH"), closing="1.00"), "bad_value"),
        (camt(entry("1.00", status="PDNG"), closing="1.00"), "unsupported"),
        (
            camt(entry("3.00", details=detail("1", "a", "a") + detail("1", "b", "b")), closing="3"),
            "does_not_add_up",
        ),
        (
            camt(
                entry("1.00"),
                closing="1.00",
                summary="<TxsSummry><TtlNtries><NbOfNtries>2</NbOfNtries></TtlNtries></TxsSummry>",
            ),
            "truncated",
        ),
    ],
)
def test_bad_files_say_why(data: bytes, reason: str) -> None:
    assert reason_of(data) == reason


LINES = st.builds(
    FileLine,
    booking_date=st.just(DAY),
    direction=st.sampled_from([IN, OUT]),
    amount_fen=st.integers(1, 10**12),
    bank_reference=st.from_regex(r"[A-Z0-9-]{0,20}", fullmatch=True),
    counterparty=st.from_regex(r"[\w,\"]{0,12}", fullmatch=True).map(lambda text: text.strip()),
    text=st.from_regex(r"(\w[\w,\"']{0,20})?", fullmatch=True),
    code=st.sampled_from(["", "charge", "interest"]),
)


@given(st.lists(LINES, max_size=8), st.integers(-(10**9), 10**9))
def test_what_is_written_is_read(lines: list[FileLine], opening: int) -> None:
    import unicodedata

    lines = [
        replace(one, **{f: unicodedata.normalize("NFC", getattr(one, f)) for f in ("counterparty", "text")})
        for one in lines
    ]
    whole = FileStatement(
        CSV,
        "6222",
        "CNY",
        "1",
        DAY,
        DAY + dt.timedelta(days=1),
        opening,
        opening + sum(line.signed_fen for line in lines),
        tuple(lines),
    )
    assert read_statement(write_csv(whole)) == whole


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_by_reason(data: bytes) -> None:
    with pytest.raises(StatementFileError):
        read_statement(data)


@given(st.integers(1, 400))
def test_a_file_cut_anywhere_is_refused(cut: int) -> None:
    whole = write_csv(
        FileStatement(
            CSV,
            "6222",
            "CNY",
            "1",
            DAY,
            DAY + dt.timedelta(days=1),
            0,
            300,
            tuple(FileLine(DAY, IN, 100, f"B-{n}", "Li", "x") for n in range(3)),
        )
    )
    if cut < len(whole) - 1:
        with pytest.raises(StatementFileError):
            read_statement(whole[: -cut - 4])


# --- importing ----------------------------------------------------------------------------------------------------


def refused_file(bank: Bank, statement: FileStatement | bytes) -> str:
    """Demand that the file is refused whole; return the reason."""
    before = (BankStatement.objects.count(), StatementLine.objects.count(), LogEntry.objects.count())
    with pytest.raises(FileRefusedError) as caught:
        bank.take_bytes(statement if isinstance(statement, bytes) else write_csv(statement))
    after = (BankStatement.objects.count(), StatementLine.objects.count(), LogEntry.objects.count())
    assert before == after
    return str(caught.value.extra["reason"])


def two_days(bank: Bank) -> tuple[FileStatement, FileStatement]:
    """Return the statement of one day with two receipts, and one of that day and the next with a third."""
    first = bank.statement(
        bank.receipt(1, 23_143, bank_reference="A"), bank.receipt(2, 23_143, bank_reference="B")
    )
    later = replace(bank.receipt(3, 23_143, bank_reference="C"), booking_date=first.to_date)
    both = replace(
        first,
        to_date=first.to_date + dt.timedelta(days=1),
        closing_fen=first.closing_fen + 23_143,
        lines=(*first.lines, later),
    )
    return first, both


def test_the_same_file_twice_adds_nothing(charged: Charged) -> None:
    bank = charged[1]
    first, _both = two_days(bank)
    one = bank.take(first)
    two = bank.take(first)
    assert (one.is_new, two.is_new) == (True, False)
    assert two.statement == one.statement
    assert two.dropped == 2
    assert Collection.objects.count() == 2


@pytest.mark.parametrize("encoding", ["utf-16", "gb18030", "utf-8-sig"])
def test_a_file_in_another_encoding_adds_nothing(charged: Charged, encoding: str) -> None:
    bank = charged[1]
    statement = bank.statement(bank.receipt(1, 100, counterparty="李雷"))
    bank.take(statement)
    again = bank.take_bytes(write_csv(statement).decode().replace("\n", "\r\n").encode(encoding))
    assert (again.is_new, again.dropped) == (False, 1)
    assert StatementLine.objects.count() == 1


def test_shuffled_lines_add_nothing(charged: Charged) -> None:
    bank = charged[1]
    statement = bank.statement(*(bank.receipt(number, 100 * number) for number in range(1, 8)))
    bank.take(statement)
    lines = list(statement.lines)
    random.Random(7).shuffle(lines)
    assert not bank.take(replace(statement, lines=tuple(lines))).is_new


def test_overlapping_days_add_only_what_is_new(charged: Charged) -> None:
    bank = charged[1]
    first, both = two_days(bank)
    bank.take(first)
    result = bank.take(both)
    assert (result.is_new, result.dropped, result.line_count) == (True, 2, 1)
    assert result.statement.dropped_lines == 2
    assert Collection.objects.count() == 3
    fire_deferred()


def test_genuine_twins_are_both_kept(charged: Charged) -> None:
    bank = charged[1]
    twin = bank.receipt(1, 100)
    bank.take(bank.statement(twin, twin))
    assert sorted(StatementLine.objects.values_list("twin_no", flat=True)) == [0, 1]
    assert sum(Collection.objects.values_list("amount_fen", flat=True)) == 200


def test_another_history_of_known_days_is_refused(charged: Charged) -> None:
    bank = charged[1]
    first, both = two_days(bank)
    bank.take(first)
    forged = replace(both, lines=(replace(both.lines[0], text="somebody else"), *both.lines[1:]))
    assert refused_file(bank, forged) == "differs_from_known"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"account_number": "6222 0000 0000 0000 000"}, "wrong_account"),
        ({"currency": "EUR"}, "wrong_currency"),
        ({"closing_fen": 1}, "does_not_add_up"),
        ({"opening_fen": 5, "closing_fen": 46_291}, "opening_differs"),
        ({"to_date": dt.date(2025, 1, 1)}, "bad_value"),
        ({"from_date": dt.date(2026, 1, 2), "to_date": dt.date(2026, 1, 3)}, "line_outside_dates"),
    ],
)
def test_a_forged_file_is_refused_whole(charged: Charged, change: dict[str, object], reason: str) -> None:
    bank = charged[1]
    assert refused_file(bank, replace(two_days(bank)[0], **change)) == reason


def test_missing_days_are_refused(charged: Charged) -> None:
    bank = charged[1]
    bank.take(two_days(bank)[0])
    following = bank.statement()
    gap = dt.timedelta(days=2)
    late = replace(following, from_date=following.from_date + gap, to_date=following.to_date + gap)
    assert refused_file(bank, late) == "gap"


def test_days_before_the_first_statement_are_refused(charged: Charged) -> None:
    bank = charged[1]
    first, both = two_days(bank)
    bank.take(first)
    assert refused_file(bank, replace(both, from_date=dt.date(2025, 12, 1))) == "before_first"


def test_an_empty_day_is_a_statement(charged: Charged) -> None:
    bank = charged[1]
    result = bank.take(bank.statement())
    fire_deferred()
    assert (result.is_new, result.line_count) == (True, 0)
    assert LogEntry.objects.filter(type="bank.day").count() == 1


def test_camt_is_imported(charged: Charged) -> None:
    bank = charged[1]
    text = bank.reference(1)
    result = bank.take_bytes(camt(entry("231.43", details=detail("231.43", "Li", text)), closing="231.43"))
    assert result.totals == {"collection": (1, 23_143)}
    assert result.statement.bank_number == "7"
    fire_deferred()


def test_preview_writes_nothing_and_says_the_same(charged: Charged) -> None:
    world, bank, _period = charged
    data = write_csv(two_days(bank)[0])
    before = LogEntry.objects.count()
    from aidplatform.lib import clock

    shown = services.preview_statement(
        account=bank.account, data=data, filename="x", importer=world.treasurer.code, at=clock.now()
    )
    assert (BankStatement.objects.count(), Collection.objects.count(), LogEntry.objects.count()) == (
        0,
        0,
        before,
    )
    assert bank.take_bytes(data).totals == shown.totals


def test_a_release_of_another_amount_confirms_nothing(charged: Charged) -> None:
    """A debit with an order's reference and another amount waits to be explained."""
    from ledger.custody.selectors import order_reference

    world, bank, _period = charged
    bank.all_pay()
    order = bank.release(bank.order_aid(world.pool.awards.get(code="C-1"), 1_000))
    result = bank.take(bank.statement(bank.line(OUT, 1_001, text=order_reference(order))))
    order.refresh_from_db()
    assert result.totals == {"unexplained": (1, 1_001)}
    assert order.state == "released"


def test_many_lines_are_taken_by_a_few_statements_of_sql(
    db: None, django_assert_max_num_queries: object
) -> None:
    """A statement of 1,200 receipts costs as many queries as one of three, and pays every share."""
    _world, bank, period = charged_world(12_000_000, members=1_200)
    with django_assert_max_num_queries(60):
        result = bank.all_pay()
    assert result.totals == {"collection": (1_200, period.assessed_fen)}
    assert Collection.objects.count() == 1_200
    fire_deferred()
