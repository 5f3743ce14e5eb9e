"""The auditor's pack: one archive from which somebody outside can check a pool's books without this program."""

import hashlib
import json
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from aidplatform.lib.csv_files import csv_lines
from ledger.books.models import Book
from ledger.exports.journals import WRITERS
from ledger.exports.selectors import days_of, journal_of, log_lines
from ledger.exports.tables import tables_of
from ledger.sharing.models import Period
from members.pools.models import PlanVersion

# The same books give the same archive, byte for byte: the clock of the machine is not in it.
_NO_TIME = (1980, 1, 1, 0, 0, 0)


def write_pack(book: Book, path: Path, *, verdict: str) -> None:
    """Write the archive; its last file lists the SHA-256 of all others. verdict: what `verify_books` has said.

    Raises: OSError where the file cannot be written.
    """
    sums: list[str] = []
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, parts in _files(book, verdict):
            sums.append(f"{_add(archive, name, parts)}  {name}\n")
        _add(archive, "SHA256SUMS", sums)


def _files(book: Book, verdict: str) -> Iterator[tuple[str, Iterable[str]]]:
    yield "README.txt", [README.format(code=book.code, currency=book.currency, last_no=book.last_entry_no)]
    for kind, write in WRITERS.items():
        yield f"books.{kind}", write(journal_of(book))
        for period in Period.objects.filter(pool__code=book.code).order_by("number"):
            yield f"periods/{period.number:04}.{kind}", write(journal_of(book, days_of(period)))
    for table in tables_of(book):
        yield table.name, csv_lines(table.header, table.rows)
    yield "log.jsonl", log_lines(book.code)
    for version in PlanVersion.objects.filter(pool__code=book.code).order_by("number"):
        text = json.dumps(version.terms, ensure_ascii=False, indent=2, sort_keys=True)
        yield f"rules/{version.number:04}.json", [text]
    yield "verify_books.txt", [verdict]


def _add(archive: zipfile.ZipFile, name: str, parts: Iterable[str]) -> str:
    """Add a file to the archive part by part; return its SHA-256."""
    digest = hashlib.sha256()
    about = zipfile.ZipInfo(name, _NO_TIME)
    about.compress_type = zipfile.ZIP_DEFLATED
    with archive.open(about, "w", force_zip64=True) as file:
        for part in parts:
            data = part.encode()
            digest.update(data)
            file.write(data)
    return digest.hexdigest()


README = """\
Books of the pool {code} in {currency}, up to entry {last_no}
====================================================

books.beancount, books.hledger   every entry, with the bank's closing balances as assertions
periods/                         the same period by period, each with what was brought forward
trial_balance.csv                sums and balance of every account
postings.csv                     every posting, with who made and who checked its entry
bank_statements.csv              what the bank said, and the SHA-256 of each file as it came
payments.csv                     every order to pay: who ordered, who released, which line of the bank confirms it
periods.csv, cases.csv           figures of the periods, aid of the cases
rules.csv, rules/                every version of the rules
log.jsonl                        the pool's public log, one entry a line, in the bytes that are hashed
verify_books.txt                 what the pool's own recomputation said
SHA256SUMS                       of all these files

Nothing in it names a member, an account of a person, an illness or a paper.

To check it without the program that made it:

  sha256sum --check SHA256SUMS
  bean-check books.beancount
  export LC_ALL=C.UTF-8  # hledger reads no other text than that of its surroundings
  hledger check --strict -f books.hledger
  hledger -f books.hledger balancesheet; hledger -f books.hledger incomestatement

Both tools add up the entries themselves and hold the custody account against the bank's closing balances. Compare a
few of those with statements that the bank itself hands you: that the files which were imported are genuine, nobody can
prove from here.

中文说明
--------

books.beancount、books.hledger 含全部分录，并以银行各期期末余额作断言；periods/ 按期列出，附期初结转。
其余各表为试算平衡、分录、银行对账单、付款指令、各期数字、个案、规则各版本与公开日志。
包内没有任何成员的姓名、个人账户、病情或材料。

核对方法：依上面各行命令运行。两个工具会自行加总分录，并与银行期末余额逐一比对。
请再向银行直接索取几份对账单，与其中的余额核对：导入的文件是否真实，在此无法证明。
"""
