"""Verify the signatures of witnesses once more, by a reader of lines of its own."""

import base64

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey
from django.utils.translation import gettext_noop as _

from ledger.books.findings import Report, fetch

SENTENCES = {
    "cosignature_is_signed": _(
        "Every signature of a witness is of a key that two people have named, over its checkpoint and its time."
    ),
}


def verify_cosignatures(report: Report, code: str, log_id: int) -> None:
    """Hold every signature of a witness against the checkpoint and the keys of the pool's approved policies."""
    parameters: dict[str, object] = {"log": log_id, "code": code}
    texts = fetch(
        """SELECT w.text FROM ledger_witnesspolicy w JOIN members_pool p ON p.id = w.pool_id
            WHERE p.code = %(code)s AND w.state = 'approved'""",
        parameters,
    )
    keys = _keys("\n".join(text for (text,) in texts))
    rows = fetch(
        """SELECT c.size, c.note, s.name, s.line, extract(epoch FROM s.signed_at)::bigint
             FROM ledger_cosignature s JOIN ledger_checkpoint c ON c.id = s.checkpoint_id
            WHERE c.log_id = %(log)s ORDER BY c.size, s.name""",
        parameters,
    )
    report.examined("cosignature_is_signed", len(rows))
    for size, note, name, line, at in rows:
        material = base64.b64decode(line.split(" ")[2])
        told = _told(keys.get((name, material[:4].hex())), name, note, material[4:])
        report.expect("cosignature_is_signed", f"{code} checkpoint {size} {name}", f"signed at {at}", told)


def _keys(policy: str) -> dict[tuple[str, str], bytes]:
    """Return kind and key of each witness, by name and id."""
    found = {}
    for line in policy.split("\n"):
        words = line.split()
        if words[:1] == ["witness"]:
            name, key_id, material = words[2].split("+", 2)
            found[name, key_id] = base64.b64decode(material)
    return found


def _told(key: bytes | None, name: str, note: str, signature: bytes) -> str:
    """Return when the key has signed the checkpoint, or what is wrong."""
    if key is None:
        return "a key that nobody has named"
    text = note[: note.index("\n\n") + 1]
    at = int.from_bytes(signature[:8], "big")
    try:
        if key[0] == 4:
            Ed25519PublicKey.from_public_bytes(key[1:]).verify(
                signature[8:], f"cosignature/v1\ntime {at}\n{text}".encode()
            )
        else:
            MLDSA44PublicKey.from_public_bytes(key[1:]).verify(signature[8:], _subtree(name, text, at))
    except (InvalidSignature, ValueError):
        return "a false signature"
    return f"signed at {at}"


def _subtree(name: str, text: str, at: int) -> bytes:
    """Return what ML-DSA-44 signs: header, lengths with names, time, and the tree from its first leaf on."""
    origin, size, root, _end = text.split("\n")
    names = b"".join(
        len(one.encode()).to_bytes(1, "big") + one.encode() + number
        for one, number in ((name, at.to_bytes(8, "big")), (origin, bytes(8)))
    )
    return b"subtree/v1\n\0" + names + int(size).to_bytes(8, "big") + base64.b64decode(root)
