"""Who of an imported list somebody is: reads of rows, and the sentences where a person and their row do not fit."""

import datetime as dt
import json
from dataclasses import asdict, dataclass

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from aidplatform.lib import clock, crypto
from aidplatform.lib.errors import ConflictError, DomainError, NotFoundError
from members.joining.documents import Document
from members.joining.import_rows import ListedMember
from members.joining.import_triggers import DAYS_TO_CONFIRM
from members.joining.models import ImportedMember, MemberImport, MemberUpload
from members.people.identity import DOCUMENT, Paper
from members.people.models import User
from members.people.selectors import addresses_of
from members.pools.models import Pool


class OtherDocumentError(DomainError):
    """The list names another document for this person's address."""

    code = "listed_with_another_document"


class OtherAddressError(ConflictError):
    """The document stands in the list under another address."""

    code = "listed_at_another_address"


@dataclass(frozen=True)
class Particulars:
    """What of a row only those see who import it: who it is on paper."""

    paper: Paper

    @property
    def number_hint(self) -> str:
        """Return the end of the document's number."""
        return f"…{self.paper.number[-4:]}"


def document_index(document: Document | Paper) -> bytes:
    """Return the blind index that finds the document again, whoever holds it."""
    return crypto.blind_index(document.index_text, DOCUMENT)


def sealed_particulars(pool: Pool, member: ListedMember) -> bytes:
    """Seal who a listed member is."""
    document = member.document
    paper = Paper(member.name, member.birth_date, document.kind, document.country, document.number)
    text = json.dumps({"paper": paper.to_text()}, ensure_ascii=False)
    return crypto.seal_text(text, _context(pool, document_index(paper)))


def particulars_of(row: ImportedMember) -> Particulars:
    """Open who a row is of."""
    data = json.loads(crypto.unseal_text(bytes(row.sealed), _context(row.pool, bytes(row.document_index))))
    return Particulars(Paper.from_text(data["paper"]))


def _context(pool: Pool, index: bytes) -> str:
    return f"members.imported:{pool.code}:{index.hex()}"


def listed_at_address(pool: Pool, person: User) -> ImportedMember | None:
    """Return the unconfirmed row of an approved list that invites one of the person's proven addresses."""
    return _open_rows(pool).filter(email__in=addresses_of(person)).order_by("pk").first()


def find_listed(pool: Pool, person: User, paper: Paper) -> ImportedMember | None:
    """Return the row that is this person's by address and document; None where neither is listed.

    Both must fit: an address is typed wrong in a list, a document's number is known to others.

    Raises: OtherDocumentError, OtherAddressError.
    """
    index, addresses = document_index(paper), addresses_of(person)
    rows = list(_open_rows(pool).filter(Q(email__in=addresses) | Q(document_index=index)))
    at_address = [row for row in rows if row.email in addresses]
    row = next((row for row in at_address if bytes(row.document_index) == index), None)
    if at_address and row is None:
        raise OtherDocumentError(
            _(
                "The list of the pool that moved in names another document for your address. Check the number; if the"
                " list is wrong, ask a pool admin to take your row back and to import it rightly."
            )
        )
    if rows and row is None:
        raise OtherAddressError(
            _(
                "This document stands in the list of the pool that moved in, under another e-mail address. Sign in with"
                " the address at which you were invited, or ask a pool admin to correct the list."
            )
        )
    return row


def _open_rows(pool: Pool) -> QuerySet[ImportedMember]:
    approved = MemberImport.State.APPROVED
    found = ImportedMember.objects.filter(
        pool=pool, state=ImportedMember.State.OPEN, member_import__state=approved
    )
    return found.select_related("member_import", "pool")


def last_day_to_confirm(member_import: MemberImport) -> dt.date | None:
    """Return until when those of an approved list may confirm with the waiting time they have served."""
    if member_import.state != MemberImport.State.APPROVED or member_import.decided_at is None:
        return None
    approved_on = clock.day_of(member_import.decided_at, member_import.pool.time_zone)
    return approved_on + dt.timedelta(days=DAYS_TO_CONFIRM)


def counted_since(row: ImportedMember | None, today: dt.date) -> dt.date | None:
    """Return since when waiting time counts for who confirms today; None: from today on, as for everybody."""
    last_day = last_day_to_confirm(row.member_import) if row else None
    return row.since_date if row and last_day is not None and today <= last_day else None


def access_import(*, pool: Pool, number: int) -> MemberImport:
    """Return an import of the pool. Raises: NotFoundError."""
    found = pool.member_imports.select_related("pool").filter(number=number).first()
    if found is None:
        raise NotFoundError(_("This pool has no such import."))
    return found


def access_upload(*, pool: Pool, sha256: str) -> MemberUpload:
    """Return a list that waits. Raises: NotFoundError."""
    found = pool.member_uploads.select_related("pool").filter(sha256=sha256).first()
    if found is None:
        raise NotFoundError(_("There is no such list waiting; it may have been proposed."))
    return found


def as_data(member: ListedMember) -> dict[str, object]:
    """Return a listed member as it is kept in a report."""
    return json.loads(json.dumps(asdict(member), default=str))  # type: ignore[no-any-return]


def from_data(data: dict[str, object]) -> ListedMember:
    """Read what `as_data` wrote."""
    document = dict(data["document"])  # type: ignore[call-overload]
    document["birth_date"] = _date(document["birth_date"])
    dates = {name: _date(data[name]) for name in ("birth_date", "since_date")}
    return ListedMember(**{**data, **dates, "document": Document(**document)})  # type: ignore[arg-type]


def _date(text: object) -> dt.date | None:
    return None if text is None else dt.date.fromisoformat(str(text))
