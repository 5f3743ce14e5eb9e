"""What the collecting agent answers: taken whole or not at all, booked in transit, told to who has to do something.

Collected: the money pays as a transfer would, and stands in transit until the bank shows it (entry d). Taken back
later: the shares are owed again (entry e). What an answer says twice, or again, is known already and changes nothing.
"""

import datetime as dt
import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db import connection
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from aidplatform.lib import clock
from aidplatform.lib.db import long_transaction
from aidplatform.lib.errors import DomainError
from aidplatform.lib.failpoints import failpoint
from aidplatform.work import audit, jobs
from ledger.books import chart
from ledger.books.models import Book
from ledger.books.services import Line, credit, debit
from ledger.custody import arrears_life, recoveries
from ledger.custody import charge_result_files as files
from ledger.custody.charge_models import ChargeFile, ChargeResultFile
from ledger.custody.charge_settlements import END_TO_END
from ledger.custody.charge_xml import reference_of
from ledger.custody.filling import Recorded, fill_by_results
from ledger.custody.selectors import access_account
from ledger.custody.statement_parts import StatementFileError
from ledger.openbooks import services as openbooks
from ledger.sharing.payees import account_key
from members.people import debit_words, notices
from members.people.models import User
from members.pools.models import Pool

TELL = "custody.tell_debits"


class ResultsRefusedError(DomainError):
    """The file is not taken: `extra` says why in one word and where."""

    code = "debit_results_refused"


_REASONS: dict[str, object] = {
    "not_results": _("This is no answer to debits in pain.002 or in the CSV form that the manual describes."),
    "not_a_statement": _(
        "This is no answer to debits in pain.002 or in the CSV form that the manual describes."
    ),
    "truncated": _("The file is not whole: it ends too early or does not hold what it says it holds."),
    "bad_value": _("The file holds a value that cannot be read."),
    "does_not_add_up": _("The lines do not come to the sum that the file says."),
    "too_long": _("The file holds more lines than can be taken at once."),
    "wrong_account": _("The answer is about another account."),
    "other_file": _("The answer is about a charge file that this pool has not made."),
    "unknown_debit": _("The file names a debit that this pool has not asked for."),
    "wrong_amount": _("The file names another amount than was asked for."),
    "impossible_day": _("The file names a day before its debit was sent, or one that is still to come."),
    "contradicts": _("The file contradicts what the agent has said before."),
    "nothing_final": _("Nothing in the file is final yet: every line says that it is on its way."),
}


def _refuse(reason: str, detail: str) -> ResultsRefusedError:
    return ResultsRefusedError(_REASONS[reason], reason=reason, detail=detail)


@dataclass(frozen=True)
class ResultImport:
    """What an import did. file None: nothing in it was new. dropped: known already; pending: not final yet."""

    file: ChargeResultFile | None
    is_new: bool
    dropped: int
    pending: int


@dataclass
class _Instruction:
    """One instruction as a file of answers meets it. known: what is known of it, from before or from this file."""

    pk: int
    amount_fen: int
    made_date: dt.date
    known: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class _Result:
    instruction: _Instruction
    kind: str
    reason: str
    day: dt.date


def sha256_of(data: bytes) -> str:
    """Return by what a file is known that was taken before."""
    return hashlib.sha256(data).hexdigest()


def import_results(*, pool: Pool, data: bytes, filename: str, importer: str, at: dt.datetime) -> ResultImport:
    """Take an answer of the agent whole or not at all, and book what is new in it.

    A file that was taken before, or says nothing new, changes nothing: the answer says so.

    Raises: ResultsRefusedError; IntegrityError custody_people_hold_their_duty.
    """
    found = _read(pool, data)
    sha256 = sha256_of(data)
    with long_transaction():
        pool = Pool.objects.select_for_update().get(pk=pool.pk)
        same = ChargeResultFile.objects.filter(pool=pool, sha256=sha256).first()
        if same is not None:
            return ResultImport(same, False, same.line_count + same.dropped_lines, same.pending_lines)
        results, dropped, pending = _new_results(pool, found, clock.day_of(at, pool.time_zone))
        if not results:
            if not dropped:
                raise _refuse("nothing_final", str(pending))
            audit.record(
                actor=importer,
                action="import_results_known",
                subject=pool.code,
                file=filename[:120],
                dropped=dropped,
            )
            return ResultImport(None, False, dropped, pending)
        sums = Counter[str]()
        for one in results:
            sums[one.kind] += one.instruction.amount_fen
        file = ChargeResultFile.objects.create(
            pool=pool,
            number=0,  # the guard result_file_begins_as_imported gives the number
            agent_number=found.agent_number,
            format=found.format,
            sha256=sha256,
            line_count=len(results),
            dropped_lines=dropped,
            pending_lines=pending,
            collected_fen=sums[files.COLLECTED],
            rejected_fen=sums[files.REJECTED],
            returned_fen=sums[files.RETURNED],
            imported_by=importer,
            imported_at=at,
        )
        file.refresh_from_db(fields=["number"])
        _write(file, results)
        failpoint("custody.results_written")
        _book(pool, file, importer, at)
        arrears_life.follow_payments(pool=pool, at=at, actor=importer)
        if file.rejected_fen or file.returned_fen:
            payload = {"pool": pool.pk, "file": file.pk}
            jobs.enqueue(kind=TELL, key=f"{pool.code}/{file.number}", payload=payload, actor=importer)
        audit.record(
            actor=importer,
            action="import_results",
            subject=str(file),
            file=filename[:120],
            lines=file.line_count,
            dropped=dropped,
        )
    failpoint("custody.results_imported")
    return ResultImport(file, True, dropped, pending)


def _read(pool: Pool, data: bytes) -> files.ResultFile:
    """Read the file and demand that it is about this pool's account and files. Raises: ResultsRefusedError."""
    try:
        found = files.read_results(data)
    except StatementFileError as error:
        raise _refuse(error.reason, error.detail) from None
    account = access_account(pool=pool)
    if (found.account_number or found.format == files.CSV) and account_key(
        found.account_number
    ) != account.number:
        raise _refuse("wrong_account", f"…{account_key(found.account_number)[-4:]}")
    if found.message_id and found.message_id not in {
        reference_of(file) for file in ChargeFile.objects.filter(pool=pool).select_related("pool")
    }:
        raise _refuse("other_file", found.message_id)
    return found


def _new_results(pool: Pool, found: files.ResultFile, today: dt.date) -> tuple[list[_Result], int, int]:
    """Return what is new, and how many lines are known or not final. Raises: ResultsRefusedError with the line.

    Lines are judged in the order of what can follow what, whatever their order in the file.
    """
    known = _instructions(pool, (line.end_to_end_id for line in found.lines))
    results, dropped, pending = [], 0, 0
    order = (files.COLLECTED, files.REJECTED, files.RETURNED, files.PENDING)
    for line in sorted(found.lines, key=lambda line: order.index(line.status)):
        one = known.get(line.end_to_end_id)
        if one is None:
            raise _refuse("unknown_debit", f"{line.place}: {line.end_to_end_id}")
        if line.amount_fen is not None and line.amount_fen != one.amount_fen:
            raise _refuse("wrong_amount", f"{line.place}: {line.amount_fen}; asked for {one.amount_fen}")
        if not one.made_date <= line.result_date <= today:
            raise _refuse("impossible_day", f"{line.place}: {line.result_date}")
        if line.status == files.PENDING:
            pending += 1
            continue
        kind = line.status
        if kind == files.REJECTED and files.COLLECTED in one.known and found.format == files.PAIN:
            kind = files.RETURNED  # pain.002 has one word for both
        if kind in one.known:
            dropped += 1
            continue
        _demand_order(line, kind, one)
        one.known.add(kind)
        results.append(_Result(one, kind, line.reason, line.result_date))
    return results, dropped, pending


def _demand_order(line: files.ResultLine, kind: str, one: _Instruction) -> None:
    fits = {
        files.COLLECTED: files.REJECTED not in one.known,
        files.REJECTED: files.COLLECTED not in one.known,
        files.RETURNED: files.COLLECTED in one.known,
    }
    if not fits[kind]:
        before = ", ".join(sorted(one.known)) or "nothing"
        raise _refuse("contradicts", f"{line.place}: {kind} after {before}")


def _instructions(pool: Pool, ids: Iterable[str]) -> dict[str, _Instruction]:
    """Return the pool's instructions of these end-to-end ids, by one query."""
    keys = {
        found[0]: tuple(map(int, found.groups()))
        for found in (END_TO_END.fullmatch(text) for text in set(ids))
        if found is not None and int(found[1]) == pool.pk
    }
    if not keys:
        return {}
    texts = list(keys)
    payers, periods, attempts = (
        list(column) for column in zip(*(keys[text][1:] for text in texts), strict=True)
    )
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT k.text, i.id, i.amount_fen, f.made_date,
                      array(SELECT r.kind FROM ledger_chargeresult r WHERE r.instruction_id = i.id)
                 FROM unnest(%s::text[], %s::bigint[], %s::int[], %s::int[]) k (text, payer_no, period_no, attempt)
                 JOIN members_membership m ON m.pool_id = %s AND m.number = k.payer_no
                 JOIN ledger_chargeinstruction i ON i.pool_id = m.pool_id AND i.payer_id = m.id
                  AND i.period_no = k.period_no AND i.attempt = k.attempt
                 JOIN ledger_chargefile f ON f.id = i.file_id""",
            [texts, payers, periods, attempts, pool.pk],
        )
        return {
            text: _Instruction(pk, fen, day, set(kinds)) for text, pk, fen, day, kinds in cursor.fetchall()
        }


def _write(file: ChargeResultFile, results: list[_Result]) -> None:
    columns = zip(
        *((one.instruction.pk, one.kind, one.instruction.amount_fen, one.reason, one.day) for one in results),
        strict=True,
    )
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO ledger_chargeresult (result_file_id, instruction_id, kind, amount_fen, reason, result_date)
               SELECT %s, * FROM unnest(%s::bigint[], %s::text[], %s::bigint[], %s::text[], %s::date[])""",
            [file.pk, *map(list, columns)],
        )


# --- booking ----------------------------------------------------------------------------------------------------

_TAKE_BACK = """
    WITH taken AS (
        INSERT INTO ledger_collection (result_id, membership_id, pool_id, period_no, amount_fen, payer_id, recorded_by,
                                       at)
        SELECT r.id, k.membership_id, k.pool_id, k.period_no, -k.amount_fen, k.payer_id, %(by)s, %(at)s
          FROM ledger_chargeresult r
          JOIN ledger_chargeresult c ON c.instruction_id = r.instruction_id AND c.kind = 'collected'
          JOIN ledger_collection k ON k.result_id = c.id
         WHERE r.result_file_id = %(file)s AND r.kind = 'returned' ORDER BY r.id, k.id
        RETURNING amount_fen)
    SELECT coalesce(-sum(amount_fen), 0)::bigint FROM taken"""
# What of debits that are taken back was paid back to the members before: it is nobody's debt but to be explained.
_PAID_BACK = """
    SELECT coalesce(sum(o.amount_fen), 0)::bigint FROM ledger_chargeresult r
      JOIN ledger_chargeresult c ON c.instruction_id = r.instruction_id AND c.kind = 'collected'
      JOIN ledger_paymentorder o ON o.debit_id = c.id AND o.state NOT IN ('cancelled', 'returned')
     WHERE r.result_file_id = %(file)s AND r.kind = 'returned'"""


def _book(pool: Pool, file: ChargeResultFile, importer: str, at: dt.datetime) -> None:
    """Let collected debits pay, put what was taken back in arrears again, and post an entry for each."""
    before_fen = recoveries.recovered_fen(pool)
    paid_fen = fill_by_results(pool=pool, result_file=file, recorded=Recorded(importer, at))
    recovered_fen = recoveries.recovered_fen(pool) - before_fen
    asked: dict[str, int | str | dt.datetime] = {"file": file.pk, "by": importer, "at": at}
    with connection.cursor() as cursor:
        cursor.execute(_TAKE_BACK, asked)
        back_fen: int = cursor.fetchone()[0]
        cursor.execute(_PAID_BACK, asked)
        paid_back_fen: int = cursor.fetchone()[0]
    returned_fen = before_fen + recovered_fen - recoveries.recovered_fen(pool)
    rest_fen = file.returned_fen - back_fen - paid_back_fen
    book, transit = Book.objects.get(code=pool.code), chart.IN_TRANSIT_IN
    collected: list[Line] = [
        debit(transit, file.collected_fen - recovered_fen),
        credit(chart.RECEIVABLE, paid_fen - recovered_fen),
        credit(chart.UNIDENTIFIED, file.collected_fen - paid_fen),
    ]
    returned: list[Line] = [
        debit(chart.RECEIVABLE, back_fen - returned_fen),
        debit(chart.UNIDENTIFIED, rest_fen),
        debit(chart.UNEXPLAINED_DEBITS, paid_back_fen),
        credit(transit, file.returned_fen - returned_fen),
    ]
    for name, kind, lines in (
        ("collected", "debit_collected", collected),
        *recoveries.entries_of(pool, book, transit, recovered_fen),
        ("returned", "debit_returned", returned),
        *recoveries.entries_of(pool, book, transit, -returned_fen),
    ):
        if not any(line.amount_fen for line in lines):
            continue
        openbooks.post_logged_entry(
            book=book,
            key=f"debits/{file.number}/{name}",
            kind=kind,
            lines=lines,
            entry_date=clock.day_of(at, pool.time_zone),
            at=at,
            description=f"Debits {file.number}: {name.replace('_', ' ')}",
            source=f"debits {pool.code}/{file.number}",
            maker=importer,
        )


# --- telling ----------------------------------------------------------------------------------------------------

_FAILED = """
    SELECT m.person_id, i.period_no, i.attempt, i.amount_fen, r.kind, r.reason
      FROM ledger_chargeresult r JOIN ledger_chargeinstruction i ON i.id = r.instruction_id
      JOIN members_membership m ON m.id = i.payer_id
     WHERE r.result_file_id = %(file)s AND r.kind <> 'collected' AND m.person_id > %(after)s
     ORDER BY m.person_id FETCH FIRST (%(batch)s) ROWS WITH TIES"""
_KINDS = {files.REJECTED: debit_words.DEBIT_FAILED, files.RETURNED: debit_words.DEBIT_RETURNED}


def tell_results(lease: jobs.Lease) -> dict[str, int]:
    """Tell whose debit failed, or was taken back: why, and what to do; each once."""
    pool, told = Pool.objects.get(pk=lease.payload["pool"]), 0
    for batch in notices.batches(_FAILED, file=lease.payload["file"]):
        with lease.transaction():
            people = User.objects.in_bulk({row[0] for row in batch})
            news = [
                notices.News(
                    people[person],
                    _KINDS[kind],
                    f"{pool.code}/{period_no}/{attempt}",
                    {
                        "pool_en": pool.name_en,
                        "pool_zh": pool.name_zh,
                        "currency": pool.currency,
                        "fen": fen,
                        "number": period_no,
                        "debit_reason": reason,
                    },
                    reverse("my_mandate", args=[pool.code]),
                )
                for person, period_no, attempt, fen, kind, reason in batch
            ]
            name = f"debit_results/{lease.job_id}/{batch[0][0]}/{lease.attempt}"
            told += notices.tell(news, batch=name, actor=lease.actor)
        failpoint("custody.results_told")
    return {"told": told}
