"""Time stamps of checkpoints, as RFC 3161 says: asked of authorities once a day, kept, and handed to everyone.

Witnesses tell that a log was shown to others as it is; an authority of time tells that it was there by then, to readers
who trust no witness. Nothing waits for one. Who is asked, and whom its certificate leads to, is a setting of the site.
"""

import datetime as dt
import urllib.request
from collections.abc import Sequence
from functools import cache
from http.client import HTTPException
from pathlib import Path
from urllib.parse import urlsplit

import structlog
from cryptography import x509
from django.conf import settings
from django.db.models import QuerySet
from rfc3161_client import (
    HashAlgorithm,
    TimestampRequestBuilder,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from ledger.openbooks.checkpoint_models import Checkpoint
from ledger.openbooks.models import Log
from ledger.openbooks.stamp_models import TimeStamp

QUERY, REPLY = "application/timestamp-query", "application/timestamp-reply"
EVERY = dt.timedelta(days=1)
SECONDS = 10
LONGEST_REPLY = 100_000
log = structlog.get_logger(__name__)


class StampError(Exception):
    """An authority has not answered, or with something else than a stamp of what it was sent."""


def stamp_checkpoints(*, now: dt.datetime) -> int:
    """Have the last checkpoint of each log stamped by each authority that has stamped none for a day.

    now: of the machine, as the authorities have theirs. One that does not answer costs one wait a call. Returns how
    many stamps are new.
    """
    made, silent = 0, set[str]()
    if not settings.TIME_STAMP_URLS:
        return made
    for code in Log.objects.order_by("code").values_list("code", flat=True):
        last = Checkpoint.objects.filter(log__code=code).order_by("-size").first()
        for url in settings.TIME_STAMP_URLS:
            if last is None or url in silent or not _is_due(last, url, now):
                continue
            try:
                _keep(last, url)
                made += 1
            except StampError as error:
                silent.add(url)
                log.warning("no time stamp", authority=host_of(url), log=code, error=str(error))
    return made


def host_of(url: str) -> str:
    """Return the name of an authority: its host."""
    return urlsplit(url).hostname or ""


def stamps_of(code: str) -> QuerySet[TimeStamp]:
    """Return the stamps of a log, newest first."""
    found = TimeStamp.objects.filter(checkpoint__log__code=code).select_related("checkpoint")
    return found.order_by("-checkpoint__size", "authority")


def request_stamp(url: str, data: bytes) -> tuple[bytes, dt.datetime]:
    """Return the answer of an authority over these bytes, verified, and the time that it tells.

    Raises: StampError for what is no answer, is of something else, or leads to no certificate that is trusted.
    """
    query = TimestampRequestBuilder(data=data, hash_algorithm=HashAlgorithm.SHA256).build()
    reply = _post(url, query.as_bytes())
    try:
        response = decode_timestamp_response(reply)
        verifier = VerifierBuilder.from_request(query)
        for root in _roots(settings.TIME_STAMP_ROOTS):
            verifier = verifier.add_root_certificate(root)
        verifier.build().verify_message(response, data)
        return reply, response.tst_info.gen_time
    except (VerificationError, ValueError) as error:
        raise StampError(str(error)) from None


def _is_due(last: Checkpoint, url: str, now: dt.datetime) -> bool:
    """Tell whether the authority has stamped no checkpoint of the log for a day, and this one not at all."""
    of_log = TimeStamp.objects.filter(checkpoint__log=last.log_id, authority=host_of(url))
    before = of_log.order_by("-checkpoint__size").first()
    return before is None or (before.checkpoint_id != last.pk and before.stamped_at <= now - EVERY)


def _keep(checkpoint: Checkpoint, url: str) -> None:
    response, at = request_stamp(url, checkpoint.note.encode())
    made = TimeStamp(checkpoint=checkpoint, authority=host_of(url), response=response, stamped_at=at)
    TimeStamp.objects.bulk_create([made], ignore_conflicts=True)


def _post(url: str, body: bytes) -> bytes:
    """Return the answer of an authority. Raises: StampError where there is none."""
    request = urllib.request.Request(url, body, {"Content-Type": QUERY})  # noqa: S310 - an address of the settings
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310
            kind, reply = answer.headers.get_content_type(), answer.read(LONGEST_REPLY + 1)
    except (OSError, HTTPException) as error:
        raise StampError(str(error)) from None
    if kind != REPLY or len(reply) > LONGEST_REPLY:
        raise StampError(f"an answer of the kind {kind} and {len(reply)} bytes")
    return bytes(reply)


@cache
def _roots(path: Path) -> Sequence[x509.Certificate]:
    """Read the certificates that authorities of time are trusted by."""
    return x509.load_pem_x509_certificates(path.read_bytes())
