"""Read the time stamps once more: what each is over, and the time that it tells."""

import hashlib

from django.utils.translation import gettext_noop as _
from rfc3161_client import decode_timestamp_response

from ledger.books.findings import Report, fetch

SENTENCES = {
    "time_stamp_is_of_its_checkpoint": _(
        "Every time stamp is over its checkpoint as the log has signed it, and tells the time that is stated of it."
    ),
}


def verify_time_stamps(report: Report, log_id: int) -> None:
    """Hold every answer of an authority of time against its checkpoint and its time."""
    rows = fetch(
        """SELECT c.size, c.note, s.authority, s.response, s.stamped_at
             FROM ledger_timestamp s JOIN ledger_checkpoint c ON c.id = s.checkpoint_id
            WHERE c.log_id = %(log)s ORDER BY c.size, s.authority""",
        {"log": log_id},
    )
    report.examined("time_stamp_is_of_its_checkpoint", len(rows))
    for size, note, authority, response, at in rows:
        wanted = f"{hashlib.sha256(note.encode()).hexdigest()} at {at:%Y-%m-%d %H:%M:%S}"
        report.expect(
            "time_stamp_is_of_its_checkpoint",
            f"checkpoint {size} {authority}",
            wanted,
            _told(bytes(response)),
        )


def _told(response: bytes) -> str:
    """Return the hash and the time in an answer, or that it cannot be read."""
    try:
        told = decode_timestamp_response(response).tst_info
    except ValueError:
        return "an answer that cannot be read"
    return f"{told.message_imprint.message.hex()} at {told.gen_time:%Y-%m-%d %H:%M:%S}"
