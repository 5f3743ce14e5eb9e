"""Bank statements in the form camt.053 of ISO 20022, read into the shape of the others. Pure."""

import datetime as dt
import re
from collections.abc import Iterator
from xml.etree import ElementTree

from ledger.custody.statement_parts import (
    CAMT,
    CHARGE,
    IN,
    INTEREST,
    OUT,
    FileLine,
    FileStatement,
    StatementFileError,
    clean,
    not_too_long,
    positive_fen,
    read_date,
    read_fen,
    refuse_doctype,
    text_at,
)

# ISO 20022 external bank transaction codes: sub-families of charges and of interest.
_CHARGE_CODES = {"CHRG", "COMM", "FEES", "COME", "COMI", "COMT"}
_INTEREST_CODES = {"INTR"}


def read_camt(data: bytes) -> FileStatement:
    """Read the one statement of a file. Raises: StatementFileError."""
    refuse_doctype(data)
    root = ElementTree.fromstring(data)  # noqa: S314 - without a document type there are no entities
    namespace = root.tag.partition("}")[0].lstrip("{")
    if "camt.053" not in namespace:
        raise StatementFileError("not_a_statement", f"namespace {namespace[:80]!r}")
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    statements = root.findall("BkToCstmrStmt/Stmt")
    if len(statements) != 1:
        raise StatementFileError("several_statements", f"{len(statements)} statements in one file")
    return _camt_statement(statements[0])


def _camt_statement(found: ElementTree.Element) -> FileStatement:
    balances: dict[str, int] = {}
    for balance in found.findall("Bal"):
        code = text_at(balance, "Tp/CdOrPrtry/Cd")
        sign = -1 if text_at(balance, "CdtDbtInd") == "DBIT" else 1
        balances.setdefault(code, sign * read_fen(text_at(balance, "Amt"), f"balance {code}"))
    opening = balances.get("OPBD", balances.get("PRCD"))
    if opening is None or "CLBD" not in balances:
        raise StatementFileError("not_a_statement", "opening (OPBD) or closing (CLBD) balance is missing")
    lines = tuple(line for entry in found.findall("Ntry") for line in _camt_entry(entry))
    not_too_long(len(lines))
    _check_summary(found)
    start, end = text_at(found, "FrToDt/FrDtTm"), text_at(found, "FrToDt/ToDtTm")
    if not start or not end:
        raise StatementFileError("not_a_statement", "the days it covers (FrToDt) are missing")
    return FileStatement(
        format=CAMT,
        account_number=text_at(found, "Acct/Id/IBAN") or text_at(found, "Acct/Id/Othr/Id"),
        currency=text_at(found, "Acct/Ccy") or _currency(found),
        bank_number=clean(text_at(found, "ElctrncSeqNb") or text_at(found, "Id"))[:40],
        from_date=read_date(start, "FrDtTm"),
        to_date=_end_of(end),
        opening_fen=opening,
        closing_fen=balances["CLBD"],
        lines=lines,
    )


def _end_of(text: str) -> dt.date:
    """Return the day after the last one: 2026-02-02T00:00 ends the first, 2026-02-01T23:59 as well."""
    day = read_date(text, "ToDtTm")
    return day if re.match(r".{10}T00:00(:00)?(\.0+)?(Z|[+-]|$)", text) else day + dt.timedelta(days=1)


def _camt_entry(entry: ElementTree.Element) -> Iterator[FileLine]:
    """Yield the bookings of an entry: one, or one per transaction where the bank has batched them."""
    where = f"entry {text_at(entry, 'AcctSvcrRef') or text_at(entry, 'NtryRef')}"
    status = text_at(entry, "Sts/Cd") or text_at(entry, "Sts")
    if status != "BOOK":
        raise StatementFileError("unsupported", f"{where}: status {status[:10]!r}; only booked entries count")
    whole = positive_fen(text_at(entry, "Amt"), where)
    details = entry.findall("NtryDtls/TxDtls")
    if len(details) <= 1:
        yield _camt_line(entry, details[0] if details else entry, whole, where)
        return
    amounts = [positive_fen(_detail_amount(detail), where) for detail in details]
    if sum(amounts) != whole:
        raise StatementFileError("does_not_add_up", f"{where}: transactions {sum(amounts)}, entry {whole}")
    for detail, amount in zip(details, amounts, strict=True):
        yield _camt_line(entry, detail, amount, where)


def _detail_amount(detail: ElementTree.Element) -> str:
    return text_at(detail, "Amt") or text_at(detail, "AmtDtls/TxAmt/Amt")


def _camt_line(
    entry: ElementTree.Element, detail: ElementTree.Element, amount_fen: int, where: str
) -> FileLine:
    mark = text_at(entry, "CdtDbtInd")
    if mark not in {"CRDT", "DBIT"}:
        raise StatementFileError("bad_value", f"{where}: CdtDbtInd {mark[:10]!r}")
    direction = IN if mark == "CRDT" else OUT
    party = "Dbtr" if direction == IN else "Cdtr"
    name = text_at(detail, f"RltdPties/{party}/Nm") or text_at(detail, f"RltdPties/{party}/Pty/Nm")
    family = text_at(detail, "BkTxCd/Domn/Fmly/SubFmlyCd") or text_at(entry, "BkTxCd/Domn/Fmly/SubFmlyCd")
    own = text_at(detail, "Refs/AcctSvcrRef") or text_at(detail, "Refs/TxId")
    texts = [element.text or "" for element in detail.findall("RmtInf/Ustrd")]
    texts += [element.text or "" for element in detail.findall("RmtInf/Strd/CdtrRefInf/Ref")]
    end_to_end = text_at(detail, "Refs/EndToEndId")
    batch = text_at(detail, "Refs/PmtInfId") or text_at(entry, "NtryDtls/Btch/PmtInfId")
    texts += [batch] if batch not in {"", "NOTPROVIDED", *texts} else []
    texts += [end_to_end] if end_to_end not in {"", "NOTPROVIDED", *texts} else []
    day = text_at(entry, "BookgDt/Dt") or text_at(entry, "BookgDt/DtTm")
    return FileLine(
        booking_date=read_date(day, where),
        direction=direction,
        amount_fen=amount_fen,
        bank_reference=clean(own or text_at(entry, "AcctSvcrRef") or text_at(entry, "NtryRef"))[:140],
        counterparty=clean(name)[:140],
        text=clean(" / ".join(texts) or text_at(entry, "AddtlNtryInf"))[:500],
        code=CHARGE if family in _CHARGE_CODES else INTEREST if family in _INTEREST_CODES else "",
    )


def _check_summary(found: ElementTree.Element) -> None:
    """Hold the number of entries and their sum against what the file says of itself."""
    entries = found.findall("Ntry")
    said = text_at(found, "TxsSummry/TtlNtries/NbOfNtries")
    if said and said != str(len(entries)):
        raise StatementFileError("truncated", f"{len(entries)} entries; the summary says {said[:12]}")
    total = text_at(found, "TxsSummry/TtlNtries/Sum")
    if total:
        held = sum(read_fen(text_at(entry, "Amt"), "entry") for entry in entries)
        if held != read_fen(total, "summary"):
            raise StatementFileError("does_not_add_up", f"entries {held}; the summary says {total[:20]}")


def _currency(found: ElementTree.Element) -> str:
    amount = found.find("Bal/Amt")
    return amount.get("Ccy", "") if amount is not None else ""
