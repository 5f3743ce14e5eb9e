"""Files of the bank that wait, sealed, until somebody has looked at what they would do."""

import datetime as dt
import hashlib

from django.utils.translation import gettext_lazy as _

from aidplatform.lib import crypto
from aidplatform.lib.errors import NotFoundError
from ledger.custody.mapping_models import StatementUpload
from ledger.custody.mappings import Reading
from ledger.custody.models import BankAccount
from members.pools.models import Pool


def keep_upload(
    *, account: BankAccount, data: bytes, filename: str, uploader: str, at: dt.datetime
) -> StatementUpload:
    """Keep a file; the same file once more is the one that waits already."""
    sha256 = hashlib.sha256(data).hexdigest()
    waiting, _is_new = StatementUpload.objects.get_or_create(
        account=account,
        sha256=sha256,
        defaults={
            "filename": filename[:120],
            "content": crypto.seal(data, _context(account.pool, sha256)),
            "uploaded_by": uploader,
            "uploaded_at": at,
        },
    )
    return waiting


def access_upload(pool: Pool, sha256: str) -> StatementUpload:
    """Return the file that waits. Raises: NotFoundError."""
    found = StatementUpload.objects.filter(account__pool=pool, sha256=sha256)
    waiting = found.select_related("account__pool", "mapping__account__pool").first()
    if waiting is None:
        raise NotFoundError(_("There is no such file waiting; it may have been imported."))
    return waiting


def content_of(waiting: StatementUpload) -> bytes:
    """Return the file as it came."""
    return crypto.unseal(bytes(waiting.content), _context(waiting.account.pool, waiting.sha256))


def reading_of(waiting: StatementUpload) -> Reading | None:
    """Return how the file is read, where it is none of the known forms."""
    if waiting.mapping is None or waiting.from_date is None or waiting.to_date is None:
        return None
    return Reading(waiting.mapping, waiting.from_date, waiting.to_date)


def _context(pool: Pool, sha256: str) -> str:
    return f"custody.upload:{pool.code}:{sha256}"
