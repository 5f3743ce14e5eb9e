"""Recompute the signed heads of a log from its bytes, with a tree and a reader of notes of its own."""

import base64
import hashlib
import json
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.utils.translation import gettext_noop as _

from ledger.books.findings import Report, fetch, figure, stream

SENTENCES = {
    "checkpoint_root_is_of_its_entries": _(
        "The root of every checkpoint is that of the entries' bytes, hashed anew."
    ),
    "checkpoint_is_signed": _(
        "Every checkpoint is signed with its log's key, and says origin, size and root of its row."
    ),
    "log_keys_follow_each_other": _("Every later key of a log is signed for by the one before it."),
    "log_states_keys_as_signed": _("The log states every change of its key, as it was signed."),
    "new_key_waits_for_the_old_one": _("The old key has signed the log up to the statement of the new one."),
    "heartbeat_is_of_the_last_checkpoint": _(
        "No heartbeat is of a checkpoint that was not the last of its time."
    ),
}

_BEATS = """
    SELECT count(*) FROM ledger_heartbeat h JOIN ledger_checkpoint c ON c.id = h.checkpoint_id
     WHERE c.log_id = %(log)s"""


def _verify_keys(
    report: Report, code: str, keys: list[tuple[Any, ...]], parameters: dict[str, object]
) -> list[int]:
    """Hold every key of a log against the one before and the log's statement; return at which sizes they change."""
    stated = fetch(
        """SELECT seq, (convert_from(data, 'UTF8')::jsonb->'body')::text FROM ledger_logentry
            WHERE log_id = %(log)s AND type = 'key.rotate' ORDER BY seq""",
        parameters,
    )
    for number, (vkey, signature) in enumerate(keys[1:], 2):
        old, where = keys[number - 2][0], f"{code} key {number}"
        found = "signed" if _signs_for(old, vkey, signature) else "not signed"
        report.expect("log_keys_follow_each_other", where, "signed", found)
        if number - 2 < len(stated):
            body = {"number": number, "old": old, "new": vkey, "signature": signature}
            told = json.loads(stated[number - 2][1])
            report.expect(
                "log_states_keys_as_signed", where, str(body), str({name: told.get(name) for name in body})
            )
    report.expect("log_states_keys_as_signed", f"{code} keys", True, len(stated) < max(len(keys), 1))
    return [seq + 1 for seq, _body in stated]


def _signs_for(old: str, new: str, signature: str) -> bool:
    """Tell whether a key has signed for the next one."""
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(old.split("+", 2)[2])[1:])
    try:
        public.verify(base64.b64decode(signature), f"huzhu/v1/key-rotate\n{old}\n{new}\n".encode())
    except (InvalidSignature, ValueError):
        return False
    return True


class _Peaks:
    """The full subtrees of the entries so far, the largest first: what is needed to go on, and to tell the root."""

    def __init__(self) -> None:
        self._peaks: list[tuple[int, bytes]] = []

    def add(self, data: bytes) -> None:
        """Take one entry's bytes."""
        size, found = 1, hashlib.sha256(b"\0" + data).digest()
        while self._peaks and self._peaks[-1][0] == size:
            _size, left = self._peaks.pop()
            size, found = size * 2, hashlib.sha256(b"\1" + left + found).digest()
        self._peaks.append((size, found))

    def root(self) -> bytes:
        """Return the root over all entries taken; the smaller subtrees hang on the right."""
        found = self._peaks[-1][1]
        for _size, left in reversed(self._peaks[:-1]):
            found = hashlib.sha256(b"\1" + left + found).digest()
        return found


def verify_checkpoints(report: Report, code: str, log_id: int) -> None:
    """Hold every checkpoint of a log against its entries and its key."""
    parameters: dict[str, object] = {"log": log_id}
    rows = fetch(
        "SELECT size, root, note FROM ledger_checkpoint WHERE log_id = %(log)s ORDER BY size", parameters
    )
    keys = fetch(
        "SELECT vkey, signature FROM ledger_logkey WHERE log_id = %(log)s ORDER BY number", parameters
    )
    changes = _verify_keys(report, code, keys, parameters)
    signed_at = {size for size, _root, _note in rows}
    for change in changes:
        if rows and change < rows[-1][0]:
            found = "signed" if change in signed_at else "not signed"
            report.expect("new_key_waits_for_the_old_one", f"{code} checkpoint {change}", "signed", found)
    _verify_roots(report, code, rows, parameters)
    for size, root, note in rows:
        where = f"{code} checkpoint {size}"
        in_force = keys[sum(change < size for change in changes)][0] if keys else ""
        told = _signed_text(in_force, note) if keys else "a note without a key"
        origin = in_force.split("+")[0]
        wanted = f"{origin}\n{size}\n{base64.b64encode(bytes(root)).decode()}\n"
        report.expect("checkpoint_is_signed", where, wanted, told)
        report.expect("checkpoint_is_signed", where, f"/pool/{code}", origin[-len(f"/pool/{code}") :])
    beats = figure(_BEATS, parameters)
    report.examined("heartbeat_is_of_the_last_checkpoint", beats)
    report.refute(
        "heartbeat_is_of_the_last_checkpoint",
        """SELECT format('checkpoint %%s', c.size), 'the last', format('checkpoint %%s is before the heartbeat', l.size)
             FROM ledger_heartbeat h JOIN ledger_checkpoint c ON c.id = h.checkpoint_id
             JOIN ledger_checkpoint l ON l.log_id = c.log_id AND l.size > c.size AND l.signed_at < h.at
            WHERE c.log_id = %(log)s ORDER BY c.size""",
        parameters,
    )


def _verify_roots(
    report: Report, code: str, rows: list[tuple[Any, ...]], parameters: dict[str, object]
) -> None:
    """Walk the entries once and compare at each size that was signed."""
    wanted = {size: bytes(root).hex() for size, root, _note in rows}
    peaks, count = _Peaks(), 0
    entries = "SELECT data FROM ledger_logentry WHERE log_id = %(log)s ORDER BY seq"
    for (data,) in stream(entries, parameters) if wanted else ():
        peaks.add(bytes(data))
        count += 1
        if count in wanted:
            where = f"{code} checkpoint {count}"
            report.expect("checkpoint_root_is_of_its_entries", where, peaks.root().hex(), wanted.pop(count))
    for size in wanted:
        report.expect(
            "checkpoint_root_is_of_its_entries",
            f"{code} checkpoint {size}",
            f"{size} entries",
            f"{count} entries",
        )


def _signed_text(vkey: str, note: str) -> str:
    """Return the text that the key has signed, or what is wrong with the note."""
    name, _key_id, material = vkey.split("+", 2)
    text, _blank, lines = note.rpartition("\n\n")
    message = f"{text}\n".encode()
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(material)[1:])
    for line in lines.splitlines():
        _dash, signer, signature = [*line.split(" "), "", ""][:3]
        if signer == name:
            try:
                public.verify(base64.b64decode(signature)[4:], message)
            except (InvalidSignature, ValueError):
                return "a note with a false signature"
            return message.decode()
    return "a note that the log has not signed"
