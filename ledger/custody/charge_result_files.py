"""What a collecting agent answers, as files: pain.002 (ISO 20022) and a plain CSV, read into one shape. Pure.

A file is taken whole or not at all, as bank statements are. CSV: first the header, a key and a value per row: results
(what the agent calls the file), account (the pool's), lines, sum; then the row end_to_end_id, status, reason, amount,
date; then the lines. status: collected, rejected, returned or pending. reason: the code of the bank, e.g. AM04.
"""

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree import ElementTree

from ledger.custody.statement_parts import (
    MOST_LINES,
    StatementFileError,
    clean,
    looks_like_xml,
    positive_fen,
    read_date,
    read_fen,
    read_table,
    refuse_doctype,
    text_at,
)

PAIN = "pain.002"
CSV = "csv"
COLLECTED, REJECTED, RETURNED, PENDING = "collected", "rejected", "returned", "pending"
_STATUSES = {COLLECTED, REJECTED, RETURNED, PENDING}
_COLUMNS = ["end_to_end_id", "status", "reason", "amount", "date"]
_HEADER = ("results", "account", "lines", "sum")
_REASON = re.compile(r"[A-Z0-9]{2,4}")
# Status codes of ISO 20022. Settled alone is collected: what the agent has merely accepted can still fail.
_OF_PAIN = {
    "ACSC": COLLECTED,
    "ACCC": COLLECTED,
    "RJCT": REJECTED,
    **dict.fromkeys(("ACTC", "ACCP", "ACSP", "ACWC", "RCVD", "PDNG", "ACFC"), PENDING),
}


@dataclass(frozen=True)
class ResultLine:
    """One answer: of which instruction, what, why, how much (fen; None: the file does not say), and of which day.

    place: where in the file it stands, for who looks for it.
    """

    place: str
    end_to_end_id: str
    status: str
    reason: str
    amount_fen: int | None
    result_date: dt.date


@dataclass(frozen=True)
class ResultFile:
    """One file: what the agent calls it, the account it names, the charge file it answers (pain.002), and its lines."""

    format: str
    agent_number: str
    account_number: str
    message_id: str
    lines: tuple[ResultLine, ...]


def read_results(data: bytes) -> ResultFile:
    """Read a file of either form and check it against itself.

    Raises: StatementFileError with reason not_results, truncated, bad_value, does_not_add_up or too_long.
    """
    return _read_pain(data) if looks_like_xml(data) else _read_csv(data)


def _read_csv(data: bytes) -> ResultFile:
    header, body = read_table(data, _COLUMNS, _HEADER, "not_results")
    if not header["lines"].isascii() or header["lines"] != str(len(body)):
        raise StatementFileError("truncated", f"{len(body)} lines; the header says {header['lines'][:20]}")
    if len(body) > MOST_LINES:
        raise StatementFileError("too_long", f"{len(body)} lines; the most is {MOST_LINES}")
    lines = tuple(_csv_line(row, number) for number, row in enumerate(body, start=1))
    total = sum(line.amount_fen or 0 for line in lines)
    if total != read_fen(header["sum"], "sum"):
        raise StatementFileError("does_not_add_up", f"lines {total}; the header says {header['sum'][:20]}")
    return ResultFile(CSV, clean(header["results"])[:40], header["account"], "", lines)


def _csv_line(row: list[str], number: int) -> ResultLine:
    where = f"line {number}"
    if len(row) != len(_COLUMNS):
        raise StatementFileError("truncated", f"{where}: {len(row)} columns")
    end_to_end_id, status, reason, amount, day = (cell.strip() for cell in row)
    if status.lower() not in _STATUSES:
        raise StatementFileError("bad_value", f"{where}: status {status[:20]!r}")
    return ResultLine(
        where,
        clean(end_to_end_id)[:35],
        status.lower(),
        _reason(reason, where),
        positive_fen(amount, where),
        read_date(day, where),
    )


def _reason(text: str, where: str) -> str:
    code = text.strip().upper()
    if code and not _REASON.fullmatch(code):
        raise StatementFileError("bad_value", f"{where}: reason {text[:20]!r}")
    return code


def _read_pain(data: bytes) -> ResultFile:
    try:
        refuse_doctype(data)
    except StatementFileError as error:
        reason = "not_results" if error.reason == "not_a_statement" else error.reason
        raise StatementFileError(reason, error.detail) from None
    root = ElementTree.fromstring(data)  # noqa: S314 - without a document type there are no entities
    namespace = root.tag.partition("}")[0].lstrip("{")
    if "pain.002" not in namespace:
        raise StatementFileError("not_results", f"namespace {namespace[:80]!r}")
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    report = root.find("CstmrPmtStsRpt")
    if report is None:
        raise StatementFileError("not_results", "no CstmrPmtStsRpt")
    said_on = read_date(text_at(report, "GrpHdr/CreDtTm"), "CreDtTm")
    lines: list[ResultLine] = []
    for block in report.findall("OrgnlPmtInfAndSts"):
        found = list(_pain_lines(block, said_on, len(lines)))
        _check_block(block, found)
        lines += found
    if not lines:
        raise StatementFileError("not_results", "it says nothing of single debits")
    if len(lines) > MOST_LINES:
        raise StatementFileError("too_long", f"{len(lines)} lines; the most is {MOST_LINES}")
    account = next((text_at(report, path) for path in _ACCOUNTS if text_at(report, path)), "")
    return ResultFile(
        PAIN,
        clean(text_at(report, "GrpHdr/MsgId"))[:40],
        account,
        clean(text_at(report, "OrgnlGrpInfAndSts/OrgnlMsgId")),
        tuple(lines),
    )


_ACCOUNTS = (
    "OrgnlPmtInfAndSts/TxInfAndSts/OrgnlTxRef/CdtrAcct/Id/IBAN",
    "OrgnlPmtInfAndSts/TxInfAndSts/OrgnlTxRef/CdtrAcct/Id/Othr/Id",
)


def _pain_lines(block: ElementTree.Element, said_on: dt.date, before: int) -> Iterator[ResultLine]:
    for number, found in enumerate(block.findall("TxInfAndSts"), start=before + 1):
        end_to_end_id = clean(text_at(found, "OrgnlEndToEndId"))[:35]
        where = f"transaction {number}, {end_to_end_id}"
        code = text_at(found, "TxSts")
        if code not in _OF_PAIN:
            raise StatementFileError("bad_value", f"{where}: status {code[:10]!r}")
        amount = text_at(found, "OrgnlTxRef/Amt/InstdAmt")
        day = text_at(found, "AccptncDtTm")
        yield ResultLine(
            where,
            end_to_end_id,
            _OF_PAIN[code],
            _reason(text_at(found, "StsRsnInf/Rsn/Cd"), where),
            positive_fen(amount, where) if amount else None,
            read_date(day, where) if day else said_on,
        )


def _check_block(block: ElementTree.Element, found: list[ResultLine]) -> None:
    """Hold number and sum of each status against what the block says of itself."""
    where = text_at(block, "OrgnlPmtInfId")
    codes = [text_at(one, "TxSts") for one in block.findall("TxInfAndSts")]
    for said in block.findall("NbOfTxsPerSts"):
        code, count = text_at(said, "DtldSts"), text_at(said, "DtldNbOfTxs")
        held = [line for line, its in zip(found, codes, strict=True) if its == code]
        if count != str(len(held)):
            raise StatementFileError(
                "truncated", f"{where}: {len(held)} of status {code}; it says {count[:12]}"
            )
        total = text_at(said, "DtldCtrlSum")
        if total and all(line.amount_fen is not None for line in held):
            fen = sum(line.amount_fen or 0 for line in held)
            if fen != read_fen(total, where):
                raise StatementFileError("does_not_add_up", f"{where}: {fen}; it says {total[:20]}")
