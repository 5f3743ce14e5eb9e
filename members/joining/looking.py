"""Looking at a member list: kept sealed, judged by a job, and what was found kept for who uploaded it.

Nothing is written of any member; the report says what would be.
"""

import datetime as dt
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import override

from aidplatform.lib import clock, crypto
from aidplatform.lib.errors import ConflictError, DomainError
from aidplatform.lib.failpoints import failpoint
from aidplatform.work import audit, jobs
from members.joining.import_files import LARGEST_FILE, SheetRefusedError, read_rows
from members.joining.import_rows import Fault, ListedMember, NoHeaderError, Sheet, read_list
from members.joining.listed import as_data, document_index, from_data
from members.joining.models import ImportedMember, Membership, MemberUpload
from members.people.services import language_of
from members.pools.models import Pool
from members.pools.selectors import plan_in_force

LOOK = "joining.look_at_list"
BATCH = 500
# A page shows some of them at a time; who has more mistakes than this has one that repeats.
MOST_FAULTS = 2_000
NEW, KNOWN, MEMBER = "new", "known", "member"


class NotGatheringError(ConflictError):
    """Only a pool that gathers its members takes a list."""

    code = "pools_move_in_while_gathering"


class TooLargeError(DomainError):
    """The file is larger than any list."""

    code = "sheet_refused"


@dataclass(frozen=True)
class Report:
    """What a look at a list found. refused: why the file as a whole cannot be read, in words; else empty.

    members: good rows, each with what would happen to it: new, known, member.
    """

    refused: str
    rows: int
    unknown: tuple[str, ...]
    faults: tuple[Fault, ...]
    fault_count: int
    members: tuple[tuple[ListedMember, str], ...]

    @property
    def counts(self) -> dict[str, int]:
        """Return how many rows are new, known from an earlier import, and members already."""
        outcomes = [outcome for _member, outcome in self.members]
        return {outcome: outcomes.count(outcome) for outcome in (NEW, KNOWN, MEMBER)}

    @property
    def fresh(self) -> list[ListedMember]:
        """Return the rows that would be imported."""
        return [member for member, outcome in self.members if outcome == NEW]

    @property
    def may_propose(self) -> bool:
        """Tell whether the list can be proposed as it is."""
        return not self.refused and not self.fault_count and bool(self.fresh)


def keep_upload(*, pool: Pool, data: bytes, filename: str, uploader: str, at: dt.datetime) -> MemberUpload:
    """Keep a list, sealed, and order a look at it; the same file again is looked at again.

    Raises: NotGatheringError, TooLargeError.
    """
    if len(data) > LARGEST_FILE:
        raise TooLargeError(_("This file is too large: 8 MB at most."), reason="too_large")
    sha256 = hashlib.sha256(data).hexdigest()
    with transaction.atomic():
        pool = Pool.objects.select_for_update().get(pk=pool.pk)
        must_gather(pool)
        upload, is_new = MemberUpload.objects.select_for_update().get_or_create(
            pool=pool,
            sha256=sha256,
            defaults={
                "filename": filename[:120],
                "content": crypto.seal(data, _upload_context(pool, sha256)),
                "uploaded_by": uploader,
                "uploaded_at": at,
            },
        )
        if not is_new:
            upload.looks += 1
            upload.rows_done, upload.rows_all, upload.report = 0, None, None
            upload.uploaded_by, upload.uploaded_at = uploader, at
            upload.save()
        jobs.enqueue(
            kind=LOOK,
            key=upload.job_key,
            payload={"upload": upload.pk, "looks": upload.looks},
            actor=uploader,
        )
        audit.record(actor=uploader, action="upload_member_list", subject=pool.code, sha256=sha256)
    return upload


def discard_upload(*, upload: MemberUpload, by: str) -> None:
    """Throw a list away that nobody proposes."""
    with transaction.atomic():
        MemberUpload.objects.filter(pk=upload.pk).delete()
        audit.record(actor=by, action="discard_member_list", subject=upload.pool.code, sha256=upload.sha256)


def look(lease: jobs.Lease) -> dict[str, int]:
    """Judge a list and keep what was found; of the members' tables nothing is written."""
    upload = _current(lease)
    if upload is None:
        return {"rows": 0}
    pool = upload.pool
    data = crypto.unseal(bytes(upload.content), _upload_context(pool, upload.sha256))
    today = clock.today(pool.time_zone)
    with override(language_of(upload.uploaded_by)):
        try:
            sheet = read_list(read_rows(data), plan_in_force(pool, today).plan(), today)
        except SheetRefusedError as error:
            report = _refusal(str(error))
        except NoHeaderError as error:
            titles = ", ".join(error.titles)
            report = _refusal(
                _("The first row does not name these columns: %(titles)s.") % {"titles": titles}
            )
        else:
            report = _compared(lease, upload, sheet)
    with lease.transaction():
        MemberUpload.objects.filter(pk=upload.pk, looks=upload.looks).update(
            report=_sealed_report(upload, report), rows_done=report.rows, rows_all=report.rows
        )
    failpoint("joining.list_looked_at")
    return {"rows": report.rows, "faults": report.fault_count}


def _current(lease: jobs.Lease) -> MemberUpload | None:
    """Return the upload of a look's job; None where it is gone or another look was ordered."""
    payload = lease.payload
    found = MemberUpload.objects.filter(pk=payload["upload"], looks=payload["looks"])
    return found.select_related("pool").first()


def _refusal(says: str) -> Report:
    return Report(says, 0, (), (), 0, ())


def _compared(lease: jobs.Lease, upload: MemberUpload, sheet: Sheet) -> Report:
    """Hold the good rows against what the pool has, batch by batch, and tell how far it is."""
    faults, members = list(sheet.faults), []
    done = sheet.rows - len(sheet.members)
    for batch in batches(sheet.members):
        for member, outcome, fault in _outcomes(upload.pool, batch):
            if fault is not None:
                faults.append(fault)
            else:
                members.append((member, outcome))
        done += len(batch)
        with lease.transaction():
            MemberUpload.objects.filter(pk=upload.pk, looks=upload.looks).update(
                rows_done=done, rows_all=sheet.rows
            )
    faults.sort(key=lambda fault: fault.row)
    return Report("", sheet.rows, sheet.unknown, tuple(faults[:MOST_FAULTS]), len(faults), tuple(members))


def _outcomes(pool: Pool, batch: Sequence[ListedMember]) -> Iterator[tuple[ListedMember, str, Fault | None]]:
    """Say of each row whether it is new here. Three queries."""
    index = {document_index(member.document): member for member in batch}
    listed = ImportedMember.objects.filter(pool=pool).exclude(state=ImportedMember.State.WITHDRAWN)
    known = {bytes(row.document_index): row for row in listed.filter(document_index__in=list(index))}
    taken = set(listed.filter(email__in=[one.email for one in batch]).values_list("email", flat=True))
    belong = {
        bytes(found)
        for found in Membership.objects.filter(pool=pool, person__identity__document_index__in=list(index))
        .values_list("person__identity__document_index", flat=True)
    }  # fmt: skip
    for key, member in index.items():
        row = known.get(key)
        if row is not None:
            is_same = (row.email, row.since_date, row.owed_fen, row.prepaid_fen, row.class_no, row.payer) == (
                member.email,
                member.since_date,
                member.owed_fen,
                member.prepaid_fen,
                member.class_no,
                member.payer,
            )
            yield member, KNOWN, None if is_same else Fault(member.row, "number", "listed_otherwise")
        elif key in belong:
            yield member, MEMBER, None
        elif member.email in taken:
            yield member, NEW, Fault(member.row, "email", "email_taken")
        else:
            yield member, NEW, None


def _sealed_report(upload: MemberUpload, report: Report) -> bytes:
    data = {
        "refused": report.refused,
        "rows": report.rows,
        "unknown": report.unknown,
        "faults": [[fault.row, fault.column, fault.code] for fault in report.faults],
        "fault_count": report.fault_count,
        "members": [[as_data(member), outcome] for member, outcome in report.members],
    }
    return crypto.seal_text(json.dumps(data, ensure_ascii=False), _report_context(upload))


def report_of(upload: MemberUpload) -> Report | None:
    """Return what the look found; None while it is not finished."""
    if upload.report is None:
        return None
    data = json.loads(crypto.unseal_text(bytes(upload.report), _report_context(upload)))
    return Report(
        refused=data["refused"],
        rows=data["rows"],
        unknown=tuple(data["unknown"]),
        faults=tuple(Fault(*fault) for fault in data["faults"]),
        fault_count=data["fault_count"],
        members=tuple((from_data(member), outcome) for member, outcome in data["members"]),
    )


def _upload_context(pool: Pool, sha256: str) -> str:
    return f"members.upload:{pool.code}:{sha256}"


def _report_context(upload: MemberUpload) -> str:
    return f"members.upload.report:{upload.pool.code}:{upload.sha256}:{upload.looks}"


def must_gather(pool: Pool) -> None:
    """Raise unless the pool gathers its members. Raises: NotGatheringError."""
    if pool.state != Pool.State.GATHERING:
        raise NotGatheringError(
            _("A list is imported while the pool gathers its members: after its founding, before it opens.")
        )


def batches(found: Sequence[ListedMember]) -> Iterator[Sequence[ListedMember]]:
    """Yield a list part by part, each for one transaction."""
    for start in range(0, len(found), BATCH):
        yield found[start : start + BATCH]
