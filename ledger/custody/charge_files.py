"""Charge files: made by a job, shard by shard, exported as the same bytes each time, announced to who is debited.

Making a file posts nothing: money moves with the agent's answer. A job that was killed goes on where it stopped, since
whoever has an instruction without an answer is not due any more.
"""

import datetime as dt
import hashlib
from collections.abc import Callable, Iterator
from typing import Any

from django.db import connection, transaction
from django.db.models import Max, Min, QuerySet
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from aidplatform.lib import clock
from aidplatform.lib.errors import ConflictError, NotFoundError
from aidplatform.lib.failpoints import failpoint
from aidplatform.work import audit, jobs
from aidplatform.work.models import Job
from ledger.custody.charge_models import ChargeExport, ChargeFile, ChargeInstruction, DebitRetry
from ledger.custody.charge_selectors import is_anything_due
from ledger.custody.charge_sql import MAKE
from ledger.custody.charge_xml import pain_008, reference_of
from ledger.custody.mandates import live_mandate
from ledger.sharing.models import Period
from members.joining.models import Membership
from members.people import debit_words, notices
from members.people.models import User
from members.pools.models import Pool

MAKE_FILES = "custody.make_charge_files"
ANNOUNCE = "custody.announce_debits"
Format = ChargeExport.Format
# Banks take files of so many; a card's agent takes whole shards.
MOST = {ChargeFile.Scheme.SEPA.value: 10_000, ChargeFile.Scheme.CARD.value: 1_000_000}
BLOCK_IDS = 20_000
COLUMNS = "end_to_end_id,mandate,signed,collection_date,sequence,amount,currency"


class NothingDueError(ConflictError):
    """No member with a mandate is to be debited for this period now."""

    code = "no_debit_is_due"


class NotAnnouncedError(ConflictError):
    """The period's charges are not announced, or came from wallets."""

    code = "charge_file_is_of_an_announced_period"


class ExportDiffersError(ConflictError):
    """The rows give other bytes than when the file was made: it must not be sent."""

    code = "export_has_the_same_bytes"


class NothingToRetryError(ConflictError):
    """No debit of the member has failed, or there is no mandate."""

    code = "retry_needs_a_failed_attempt"


class RetriedTodayError(ConflictError):
    """The member has asked for it today."""

    code = "one_retry_a_day"


# --- making -----------------------------------------------------------------------------------------------------


def is_announced(period: Period) -> bool:
    """Tell whether a period's charges are announced, and owed by members instead of taken from wallets."""
    return (
        period.state == Period.State.POSTED
        and period.charges_notified_at is not None
        and period.wallet_fen is None
    )


def request_files(*, period: Period, maker: str, at: dt.datetime) -> Job:
    """Have the files of everything that is due made by a worker.

    Raises: NotAnnouncedError, NothingDueError.
    """
    pool = period.pool
    if not is_announced(period):
        raise NotAnnouncedError(_("The charges of this period are not announced yet."))
    if not is_anything_due(period, clock.day_of(at, pool.time_zone)):
        raise NothingDueError(
            _(
                "Nobody is to be debited for this period now: there is no mandate in force with something open,"
                " the agent has not answered yet, or the next retry day is still to come."
            )
        )
    with transaction.atomic():
        audit.record(actor=maker, action="request_charge_files", subject=period.code)
        return jobs.enqueue(
            kind=MAKE_FILES,
            key=f"{period.code}/{at.isoformat()}",
            payload={"pool": pool.pk, "period": period.number},
            actor=maker,
        )


def are_being_made(pool: Pool) -> bool:
    """Tell whether a worker is making files of a pool, or is about to."""
    waiting = Job.objects.filter(kind=MAKE_FILES, payload__pool=pool.pk)
    return waiting.exclude(state=Job.State.DONE).exists()


def make_files(lease: jobs.Lease) -> dict[str, int]:
    """Make files until nothing is due, each in its transaction; then keep the hash of each form of each."""
    pool_id, period_no = lease.payload["pool"], lease.payload["period"]
    made = 0
    for scheme, most in MOST.items():
        while True:
            with lease.transaction():
                pool = Pool.objects.select_for_update().get(pk=pool_id)
                file = make_file(pool=pool, period_no=period_no, scheme=scheme, most=most, maker=lease.actor)
            failpoint("custody.charge_file_made")
            if file is None:
                break
            made += 1
    for file in files_of(Pool.objects.get(pk=pool_id)).filter(exports=None).order_by("number"):
        for form in forms_of(file):
            digest, size = measure(file, form)
            with lease.transaction():
                ChargeExport.objects.get_or_create(
                    file=file, format=form, defaults={"sha256": digest, "size": size}
                )
            failpoint("custody.charge_file_hashed")
    return {"files": made}


def make_file(
    *, pool: Pool, period_no: int, scheme: str, most: int, maker: str, at: dt.datetime | None = None
) -> ChargeFile | None:
    """Write a file and its instructions by one statement; None when nothing is due. The caller has locked the pool."""
    at = at or clock.now()
    with connection.cursor() as cursor:
        cursor.execute(
            MAKE,
            {
                "pool": pool.pk,
                "period": period_no,
                "scheme": scheme,
                "most": most,
                "by": maker,
                "at": at,
                "today": clock.day_of(at, pool.time_zone),
            },
        )
        row = cursor.fetchone()
    if row is None:
        return None
    file = ChargeFile.objects.select_related("pool").get(pk=row[0])
    jobs.enqueue(
        kind=ANNOUNCE,
        key=f"{pool.code}/{file.number}",
        payload={"file": file.pk, "pool": pool.pk},
        actor=maker,
    )
    audit.record(
        actor=maker,
        action="make_charge_file",
        subject=str(file),
        period=period_no,
        instructions=file.instruction_count,
        fen=file.amount_fen,
    )
    return file


_ANNOUNCED = """
    SELECT m.person_id, i.period_no, i.attempt, i.amount_fen, i.collection_date, d.account_hint
      FROM ledger_chargeinstruction i JOIN members_membership m ON m.id = i.payer_id
      JOIN ledger_debitmandate d ON d.id = i.mandate_id
     WHERE i.file_id = %(file)s AND m.person_id > %(after)s
     ORDER BY m.person_id LIMIT %(batch)s"""


def announce(lease: jobs.Lease) -> dict[str, int]:
    """Tell everyone in a file what is debited, when and from which account; each once."""
    pool, told = Pool.objects.get(pk=lease.payload["pool"]), 0
    for batch in notices.batches(_ANNOUNCED, file=lease.payload["file"]):
        with lease.transaction():
            people = User.objects.in_bulk([row[0] for row in batch])
            news = [
                notices.News(
                    people[person],
                    debit_words.DEBIT_ANNOUNCED,
                    f"{pool.code}/{period_no}/{attempt}",
                    {
                        "pool_en": pool.name_en,
                        "pool_zh": pool.name_zh,
                        "currency": pool.currency,
                        "fen": fen,
                        "number": period_no,
                        "date": day.isoformat(),
                        "account": hint,
                    },
                    reverse("my_mandate", args=[pool.code]),
                )
                for person, period_no, attempt, fen, day, hint in batch
            ]
            name = f"debits/{lease.job_id}/{batch[0][0]}/{lease.attempt}"
            told += notices.tell(news, batch=name, actor=lease.actor)
        failpoint("custody.debits_announced")
    return {"told": told}


# --- exporting --------------------------------------------------------------------------------------------------


def files_of(pool: Pool) -> QuerySet[ChargeFile]:
    """Return the charge files of a pool, newest first."""
    return ChargeFile.objects.filter(pool=pool).select_related("pool").order_by("-number")


def access_file(*, pool: Pool, number: int) -> ChargeFile:
    """Return a charge file of the pool. Raises: NotFoundError."""
    found = files_of(pool).filter(number=number).first()
    if found is None:
        raise NotFoundError(_("This pool has no such charge file."))
    return found


def forms_of(file: ChargeFile) -> list[str]:
    """Return the forms in which a file is exported."""
    is_sepa = file.scheme == ChargeFile.Scheme.SEPA
    return [Format.CSV.value, *([Format.XML.value] if is_sepa else [])]


def name_of(file: ChargeFile, form: str) -> str:
    """Return what an exported file is called."""
    return f"{file.pool.code}-debits-{file.number}-{reference_of(file)}.{form}"


def access_export(*, file: ChargeFile, form: str) -> ChargeExport:
    """Return the kept hash of a form of a file. Raises: NotFoundError."""
    found = ChargeExport.objects.filter(file=file, format=form).first()
    if found is None:
        raise NotFoundError(_("The file is still being made, or does not exist in this form."))
    return found


def export(file: ChargeFile, form: str) -> Iterator[bytes]:
    """Yield the bytes of a file. Other bytes than when it was made break off the download at its end.

    Raises: NotFoundError at once; ExportDiffersError.
    """
    kept = access_export(file=file, form=form)

    def parts() -> Iterator[bytes]:
        digest = hashlib.sha256()
        for part in _writer(file, form)():
            data = part.encode()
            digest.update(data)
            yield data
        if digest.hexdigest() != kept.sha256:
            raise ExportDiffersError(
                _("The file is not the one that was made. Send nothing; tell the operator.")
            )

    return parts()


def _writer(file: ChargeFile, form: str) -> Callable[[], Iterator[str]]:
    return (lambda: pain_008(file)) if form == Format.XML else (lambda: charge_csv(file))


def measure(file: ChargeFile, form: str) -> tuple[str, int]:
    """Return hash and size of the bytes of a form of a file."""
    digest, size = hashlib.sha256(), 0
    for part in _writer(file, form)():
        data = part.encode()
        digest.update(data)
        size += len(data)
    return digest.hexdigest(), size


# Put together by the database, a block of ids at a time, as the list of charges is: neither side holds more.
_LINES = """
    COPY (SELECT block.lines FROM generate_series(%(first)s, %(last)s, %(step)s) low
           CROSS JOIN LATERAL (
             SELECT string_agg('AID-{pool}-' || i.payer_no || '-{period}-' || i.attempt
                      || ',AID-{pool}-' || i.payer_no || '-' || i.mandate_no || ',' || i.signed_date
                      || ',' || i.collection_date
                      || CASE WHEN i.is_first THEN ',FRST,' ELSE ',RCUR,' END || i.amount_fen / 100 || '.'
                      || lpad((i.amount_fen %% 100)::text, 2, '0') || E',{currency}\\r\\n', '' ORDER BY i.id) AS lines
               FROM ledger_chargeinstruction i
              WHERE i.file_id = %(file)s AND i.id >= low AND i.id < low + %(step)s) block
           WHERE block.lines IS NOT NULL) TO STDOUT (FORMAT binary)"""


def charge_csv(file: ChargeFile) -> Iterator[str]:
    """Yield a file as CSV, in the order of its payers. It bears no account numbers: the agent knows the mandates."""
    yield f"{COLUMNS}\r\n"
    ends = file.instructions.aggregate(first=Min("pk"), last=Max("pk"))
    # Whole numbers and the code of a currency: nothing that anybody typed.
    statement = _LINES.format(pool=int(file.pool_id), period=int(file.period_no), currency=file.pool.currency)
    with (
        connection.cursor() as cursor,
        cursor.copy(statement, {**ends, "file": file.pk, "step": BLOCK_IDS}) as copy,
    ):
        copy.set_types(["text"])
        for (lines,) in copy.rows():
            yield lines


# --- retry now --------------------------------------------------------------------------------------------------


def ask_retry(*, membership: Membership, asker: str) -> DebitRetry:
    """Let what failed be debited with the next file, before the retry day of the plan.

    Raises: NothingToRetryError, RetriedTodayError.
    """
    with transaction.atomic():
        pool = Pool.objects.select_for_update().get(pk=membership.pool_id)
        if live_mandate(membership) is None or not can_retry(membership):
            raise NothingToRetryError(
                _("There is nothing to try again: no debit of yours has failed, or none is open.")
            )
        today = clock.today(pool.time_zone)
        if DebitRetry.objects.filter(membership=membership, asked_date=today).exists():
            raise RetriedTodayError(_("You have asked for it today: it goes with the next file."))
        made = DebitRetry.objects.create(
            pool=pool, membership=membership, asked_by=asker, asked_date=today, asked_at=clock.now()
        )
        audit.record(actor=asker, action="ask_retry", subject=str(membership))
    return made


_FAILED = """
    SELECT 1 FROM (SELECT DISTINCT ON (period_no) * FROM ledger_chargeinstruction
                    WHERE pool_id = %(pool)s AND payer_id = %(payer)s ORDER BY period_no, attempt DESC) i
     WHERE EXISTS (SELECT 1 FROM ledger_chargeresult r WHERE r.instruction_id = i.id AND r.kind <> 'collected')
     LIMIT 1"""


def can_retry(membership: Membership) -> bool:
    """Tell whether the last attempt of a period failed, or was taken back."""
    with connection.cursor() as cursor:
        cursor.execute(_FAILED, {"pool": membership.pool_id, "payer": membership.pk})
        return cursor.fetchone() is not None


def instructions_of(file: ChargeFile) -> QuerySet[ChargeInstruction]:
    """Return the instructions of a file with their results, in the order of their payers."""
    return file.instructions.prefetch_related("results").order_by("pk")


def facts_of(file: ChargeFile) -> dict[str, Any]:
    """Return the hashes and sizes of what a file is exported as, by form."""
    return {one.format: one for one in file.exports.order_by("format")}
