"""Writes of imports: a list that was looked at is proposed, approved by a second person, and its people are asked.

Writing and inviting are jobs: each goes on from what an earlier attempt has committed. Whoever is listed becomes a
member only by signing (`applications`).
"""

import datetime as dt

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import override

from aidplatform.lib.dates import format_day
from aidplatform.lib.errors import ConflictError, DomainError
from aidplatform.lib.failpoints import failpoint
from aidplatform.work import audit, events, jobs
from members.joining.import_rows import ListedMember
from members.joining.listed import document_index, last_day_to_confirm, sealed_particulars
from members.joining.looking import BATCH, batches, must_gather, report_of
from members.joining.models import ImportedMember, MemberImport, Membership, MemberUpload
from members.people.mails import Letter, write_mails
from members.people.models import User
from members.people.services import language_of
from members.pools.models import Pool

WRITE = "joining.write_import"
INVITE = "joining.invite_imported"
IMPORTED = "members.imported"
CONFIRMED = "members.confirmed_with_balance"


class LookAgainError(ConflictError):
    """The list was looked at again since it was shown, or is still being looked at."""

    code = "look_again"


class FaultyListError(DomainError):
    """The list has mistakes, or nobody new."""

    code = "faulty_list"


class ImportShownChangedError(ConflictError):
    """The approver saw something else than what is stored."""

    code = "import_approval_is_of_what_was_shown"


class SameProposerError(ConflictError):
    """Proposing and approving need two people."""

    code = "import_approver_is_not_proposer"


class NotWaitingError(ConflictError):
    """The import, or the row, has moved on."""

    code = "import_state_follows_order"


# --- proposing and deciding ---------------------------------------------------------------------------------------


def propose_import(*, upload: MemberUpload, looks: int, proposer: str, at: dt.datetime) -> MemberImport:
    """Have the new rows of a list written down for a second person. looks: the look that was shown.

    Proposed by a double click: the import of the first one is returned.

    Raises: NotGatheringError, LookAgainError, FaultyListError; IntegrityError one_open_member_import_per_pool.
    """
    with transaction.atomic():
        pool = Pool.objects.select_for_update().get(pk=upload.pool_id)
        same = pool.member_imports.filter(sha256=upload.sha256, state__in=_WAITING).first()
        if same is not None:
            return same
        must_gather(pool)
        locked = MemberUpload.objects.select_for_update().filter(pk=upload.pk, looks=looks).first()
        report = report_of(locked) if locked is not None else None
        if locked is None or report is None:
            raise LookAgainError(_("This list was looked at again. Read what was found, then propose it."))
        if not report.may_propose:
            raise FaultyListError(_("Nothing to propose: the list has mistakes, or nobody new."))
        proposed = MemberImport.objects.create(
            pool=pool,
            number=0,  # the guard import_begins_empty gives the number
            filename=locked.filename,
            sha256=locked.sha256,
            proposed_by=proposer,
            proposed_at=at,
        )
        proposed.refresh_from_db(fields=["number", "proposed_at"])
        jobs.enqueue(
            kind=WRITE,
            key=str(proposed),
            payload={"import": proposed.pk, "upload": locked.pk},
            actor=proposer,
        )
        audit.record(actor=proposer, action="propose_import", subject=str(proposed), rows=len(report.fresh))
    return proposed


_WAITING = (MemberImport.State.WRITING, MemberImport.State.PROPOSED)


def write(lease: jobs.Lease) -> dict[str, int]:
    """Write the rows of an import, batch by batch, then close it: sums and hash are the database's own."""
    found = MemberImport.objects.select_related("pool").get(pk=lease.payload["import"])
    upload = MemberUpload.objects.select_related("pool").filter(pk=lease.payload["upload"]).first()
    if found.state != MemberImport.State.WRITING or upload is None:
        return {"rows": found.row_count}
    report = report_of(upload)
    assert report is not None
    written = set(found.members.values_list("row_no", flat=True))
    missing = [member for member in report.fresh if member.row not in written]
    for batch in batches(missing):
        with lease.transaction():
            ImportedMember.objects.bulk_create([_row_of(found, member) for member in batch])
        failpoint("joining.import_rows_written")
    with lease.transaction():
        locked = MemberImport.objects.select_for_update().get(pk=found.pk)
        if locked.state == MemberImport.State.WRITING:
            locked.state = MemberImport.State.PROPOSED
            locked.save(update_fields=["state"])
            locked.refresh_from_db()
            audit.record(
                actor=lease.actor, action="write_import", subject=str(found), sha256=locked.shown_sha256
            )
        upload.delete()
    return {"rows": locked.row_count}


def _row_of(found: MemberImport, member: ListedMember) -> ImportedMember:
    return ImportedMember(
        member_import=found,
        pool=found.pool,
        row_no=member.row,
        email=member.email,
        document_index=document_index(member.document),
        class_no=member.class_no,
        since_date=member.since_date,
        proof=member.proof,
        owed_fen=member.owed_fen,
        prepaid_fen=member.prepaid_fen,
        payer=member.payer,
        sealed=sealed_particulars(found.pool, member),
    )


def approve_import(
    *, member_import: MemberImport, approver: str, shown_sha256: str, at: dt.datetime
) -> MemberImport:
    """Approve exactly the rows that were shown, as a second person; then everybody on it is asked by e-mail.

    Raises: NotGatheringError, SameProposerError, ImportShownChangedError, NotWaitingError; IntegrityError
    import_people_hold_their_duty.
    """
    with transaction.atomic():
        pool = Pool.objects.select_for_update().get(pk=member_import.pool_id)
        locked = _locked(member_import)
        if locked.state != MemberImport.State.PROPOSED:
            raise NotWaitingError(_("This import has been decided already. Reload the page."))
        must_gather(pool)
        if locked.proposed_by == approver:
            raise SameProposerError(_("Whoever proposed a list cannot approve it. Ask a controller."))
        if locked.shown_sha256 != shown_sha256:
            raise ImportShownChangedError(_("This is not the list that was shown. Look at it again."))
        locked.state, locked.decided_by, locked.decided_at = MemberImport.State.APPROVED, approver, at
        locked.approved_sha256 = shown_sha256
        locked.save(update_fields=["state", "decided_by", "decided_at", "approved_sha256"])
        locked.refresh_from_db(fields=["decided_at"])
        audit.record(actor=approver, action="approve_import", subject=str(locked), sha256=shown_sha256)
        events.publish(event=IMPORTED, key=str(locked), payload={"import": locked.pk}, actor=approver)
        jobs.enqueue(kind=INVITE, key=str(locked), payload={"import": locked.pk}, actor=approver)
    return locked


def withdraw_import(*, member_import: MemberImport, withdrawer: str, at: dt.datetime) -> MemberImport:
    """Take back, or turn down, a list that is not approved; its rows bind nobody any more.

    Raises: NotWaitingError; IntegrityError import_people_hold_their_duty.
    """
    with transaction.atomic():
        Pool.objects.select_for_update().get(pk=member_import.pool_id)
        locked = _locked(member_import)
        if locked.state not in _WAITING:
            raise NotWaitingError(_("This import has been decided already. Reload the page."))
        locked.state, locked.decided_by, locked.decided_at = MemberImport.State.WITHDRAWN, withdrawer, at
        locked.save(update_fields=["state", "decided_by", "decided_at"])
        audit.record(actor=withdrawer, action="withdraw_import", subject=str(locked))
    return locked


def take_back(*, row: ImportedMember, by: str) -> None:
    """Take back an approved row that nobody has confirmed, so that it can be imported rightly; done already: nothing.

    Raises: NotWaitingError.
    """
    with transaction.atomic():
        Pool.objects.select_for_update().get(pk=row.pool_id)
        locked = ImportedMember.objects.select_for_update().get(pk=row.pk)
        if locked.state == ImportedMember.State.CONFIRMED:
            raise NotWaitingError(_("This member has confirmed meanwhile. Their row stays."))
        if locked.state == ImportedMember.State.OPEN:
            locked.state = ImportedMember.State.WITHDRAWN
            locked.save(update_fields=["state"])
            audit.record(actor=by, action="take_back_imported", subject=str(row))


def confirm_listed(*, row: ImportedMember, membership: Membership) -> None:
    """Bind a row to the membership of who has signed. The caller's transaction has locked the pool."""
    row.state, row.membership = ImportedMember.State.CONFIRMED, membership
    row.save(update_fields=["state", "membership"])
    audit.record(
        actor=membership.person.code if membership.person else "",
        action="confirm_imported",
        subject=str(membership),
        row=str(row),
    )
    if row.prepaid_fen:
        events.publish(
            event=CONFIRMED,
            key=str(membership),
            payload={"pool": row.pool_id},
            actor=membership.person.code if membership.person else "",
        )


def _locked(member_import: MemberImport) -> MemberImport:
    found = MemberImport.objects.select_for_update(of=["self"]).select_related("pool")
    return found.get(pk=member_import.pk)


# --- inviting -----------------------------------------------------------------------------------------------------


def invite(lease: jobs.Lease) -> dict[str, int]:
    """Write to everybody of an approved list, batch by batch; who was written to is not written to again."""
    found = MemberImport.objects.select_related("pool").get(pk=lease.payload["import"])
    language = language_of(found.proposed_by)
    written, after = 0, 0
    while True:
        rows = list(
            found.members.filter(state=ImportedMember.State.OPEN, row_no__gt=after).order_by("row_no")[:BATCH]
        )
        if not rows:
            return {"written": written}
        with lease.transaction():
            people = {
                person.email.lower(): person
                for person in User.objects.filter(email__in=[row.email for row in rows])
            }
            letters = [_letter(found, row, people.get(row.email), language) for row in rows]
            written += write_mails(
                letters, batch=f"import/{found}/{rows[0].row_no}/{lease.attempt}", actor=lease.actor
            )
        after = rows[-1].row_no
        failpoint("joining.imported_invited")


def _letter(found: MemberImport, row: ImportedMember, person: User | None, language: str) -> Letter:
    pool = found.pool
    last_day = last_day_to_confirm(found)
    with override(person.language if person else language):
        subject = _("Your pool moves to %(pool)s: please confirm") % {"pool": _named(pool)}
        parts = [
            _(
                "The list of your mutual-aid pool was brought to “%(pool)s”. You belong to it once you have read its"
                " covenant, answered its health questions and signed. Until then you are not covered here, and nothing"
                " is charged."
            )
            % {"pool": _named(pool)},
            _("The waiting time that you have served since %(day)s counts if you sign by %(last)s.")
            % {"day": format_day(row.since_date), "last": format_day(last_day)}
            if row.since_date and last_day
            else "",
            _("Sign in, or sign up, with this address, and begin there:\n%(link)s")
            % {"link": settings.PUBLIC_URL + reverse("join", args=[pool.code])},
            _("If you do not know what this is about, you need not do anything."),
        ]
    body = "\n\n".join(part for part in parts if part)
    return Letter(f"import-invitation/{row.pk}", person, subject[:200], body + "\n", row.email)


def _named(pool: Pool) -> str:
    return f"{pool.name_en} / {pool.name_zh}"
