"""Signed notes and their verifier keys, as c2sp.org/signed-note says, with the two kinds of cosignature. Pure.

Kinds of key: 0x01 a log's Ed25519, 0x04 a witness's Ed25519 cosignature, 0x06 a witness's ML-DSA-44 cosignature
(c2sp.org/tlog-cosignature). Everything has one encoding: text that means the same in another one is refused.
"""

import base64
import binascii
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

ED25519, COSIGNATURE, ML_DSA_44 = 0x01, 0x04, 0x06
KEY_BYTES = {ED25519: 32, COSIGNATURE: 32, ML_DSA_44: 1312}
# Sixteen signatures at least have to be read, and one of ML-DSA-44 takes 3.3 kB of text.
MOST_SIGNATURES = 64
LONGEST_NOTE = 300_000
_DASH = "\u2014 "


class NoteError(ValueError):
    """This is no note, or not one that a known key has signed; the message says what is wrong."""


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key under its name: what a reader has to have from elsewhere."""

    name: str
    kind: int
    public: bytes

    def __post_init__(self) -> None:
        """Refuse what could stand in no signature line. Raises: NoteError."""
        if not _is_name(self.name):
            raise NoteError(f"{self.name!r} is no name of a key")
        if len(self.public) != KEY_BYTES.get(self.kind):
            raise NoteError(f"a key of kind {self.kind} does not have {len(self.public)} bytes")

    @property
    def key_id(self) -> bytes:
        """Return the four bytes by which a signature line names the key, beside its name."""
        material = self.name.encode() + b"\n" + bytes([self.kind]) + self.public
        return hashlib.sha256(material).digest()[:4]

    def encode(self) -> str:
        """Return the key as text: name, id and key with a plus between."""
        return f"{self.name}+{self.key_id.hex()}+{b64(bytes([self.kind]) + self.public)}"


@dataclass(frozen=True, slots=True)
class SignatureLine:
    """One signature under a note, not yet verified."""

    name: str
    key_id: bytes
    signature: bytes

    def encode(self) -> str:
        """Return the line with its newline."""
        return f"{_DASH}{self.name} {b64(self.key_id + self.signature)}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A text, which ends with a newline, and the signatures under it."""

    text: str
    signatures: tuple[SignatureLine, ...]

    def encode(self) -> str:
        """Return the whole note."""
        return self.text + "\n" + "".join(line.encode() for line in self.signatures)


def b64(data: bytes) -> str:
    """Return the base64 of RFC 4648, section 4."""
    return base64.b64encode(data).decode()


def from_b64(text: str) -> bytes:
    """Return what this base64 means, if it is the one way to write it. Raises: NoteError."""
    try:
        data = base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        raise NoteError(f"{text[:60]!r} is no base64") from None
    if b64(data) != text:
        raise NoteError(f"{text[:60]!r} is not how base64 is written")
    return data


def read_key(text: str) -> VerifierKey:
    """Read a verifier key. Raises: NoteError, also when its id is not that of its name and key."""
    parts = text.split("+", 2)
    if len(parts) != 3:
        raise NoteError("a verifier key is name, id and key with a plus between")
    name, key_id, material = parts[0], parts[1], from_b64(parts[2])
    if not material:
        raise NoteError("a verifier key without a key")
    key = VerifierKey(name, material[0], material[1:])
    if key.key_id.hex() != key_id:
        raise NoteError(f"the id of this key is {key.key_id.hex()}, not {key_id[:16]}")
    return key


def read_note(whole: str) -> Note:
    """Take a note apart; nothing is verified by it. Raises: NoteError."""
    if len(whole) > LONGEST_NOTE:
        raise NoteError(f"a note of {len(whole)} characters; the limit is {LONGEST_NOTE}")
    if any(ord(character) < 0x20 and character != "\n" for character in whole):
        raise NoteError("a control character in a note")
    text, blank, below = whole.rpartition("\n\n")
    if not blank or not text or not below.endswith("\n"):
        raise NoteError("a note is text, an empty line, and signatures, each with its newline")
    lines = below.removesuffix("\n").split("\n")
    if len(lines) > MOST_SIGNATURES:
        raise NoteError(f"{len(lines)} signatures; the limit is {MOST_SIGNATURES}")
    return Note(text + "\n", tuple(read_signature(line) for line in lines))


def read_signature(line: str) -> SignatureLine:
    """Take a signature line apart, given without its newline. Raises: NoteError."""
    name, blank, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not blank or not _is_name(name):
        raise NoteError(f"{line[:60]!r} is no signature line")
    data = from_b64(encoded)
    if len(data) < 5:
        raise NoteError("a signature of fewer than five bytes")
    return SignatureLine(name, data[:4], data[4:])


def verified(note: Note, keys: Iterable[VerifierKey]) -> dict[VerifierKey, int]:
    """Return which of the known keys have signed, each once however often, with the time of a cosignature.

    The time of a log's own signature, which tells none, is 0. Of several cosignatures of one key the latest counts.
    Signatures of unknown keys are passed over.

    Raises: NoteError when a known key's signature is false: such a note is no note at all.
    """
    known = {(key.name, key.key_id): key for key in keys}
    found: dict[VerifierKey, int] = {}
    for line in note.signatures:
        key = known.get((line.name, line.key_id))
        if key is None:
            continue
        at = _verify(key, note.text, line.signature)
        found[key] = max(at, found.get(key, 0))
    return found


def signed(text: str, *, name: str, seed: bytes) -> Note:
    """Sign a text as a log does. seed: the 32 bytes of an Ed25519 key. Raises: NoteError for a text that is none."""
    if not text.endswith("\n") or len(text) < 2:
        raise NoteError("the text of a note ends with a newline")
    key = public_key(name=name, seed=seed)
    return Note(text, (SignatureLine(name, key.key_id, signature_of(text.encode(), seed=seed)),))


def signature_of(message: bytes, *, seed: bytes) -> bytes:
    """Return the 64 bytes of an Ed25519 signature."""
    return Ed25519PrivateKey.from_private_bytes(seed).sign(message)


def public_key(*, name: str, seed: bytes, kind: int = ED25519) -> VerifierKey:
    """Return the verifier key of an Ed25519 seed."""
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    return VerifierKey(name, kind, public)


def cosignature_text(text: str, at: int) -> bytes:
    """Return what an Ed25519 cosignature is over: the header, the POSIX time, the note's text."""
    return f"cosignature/v1\ntime {at}\n{text}".encode()


def subtree_text(key: VerifierKey, text: str, at: int) -> bytes:
    """Return what an ML-DSA-44 cosignature over a whole checkpoint is over. Raises: NoteError for other texts."""
    origin, size, root, *_rest = text.split("\n")
    name, place, end = key.name.encode(), origin.encode(), _decimal(size)
    if len(name) > 255 or len(place) > 255:
        raise NoteError("a name of more than 255 bytes")
    return b"".join(
        [
            b"subtree/v1\n\0",
            bytes([len(name)]) + name,
            at.to_bytes(8),
            bytes([len(place)]) + place,
            (0).to_bytes(8),
            end.to_bytes(8),
            from_b64(root),
        ]
    )


def _verify(key: VerifierKey, text: str, signature: bytes) -> int:
    """Verify one signature and return its time. Raises: NoteError."""
    at, message, bare = 0, text.encode(), signature
    if key.kind != ED25519:
        at, bare = int.from_bytes(signature[:8]), signature[8:]
        if not 0 < at < 2**63:
            raise NoteError(f"a cosignature of {key.name} without a time")
        message = cosignature_text(text, at) if key.kind == COSIGNATURE else subtree_text(key, text, at)
    try:
        if key.kind == ML_DSA_44:
            MLDSA44PublicKey.from_public_bytes(key.public).verify(bare, message)
        else:
            Ed25519PublicKey.from_public_bytes(key.public).verify(bare, message)
    except (InvalidSignature, ValueError):
        raise NoteError(f"the signature of {key.name} is false") from None
    return at


def _decimal(text: str) -> int:
    """Read a whole number below 2^63 as it is written, without zeros before it. Raises: NoteError."""
    if not (text.isascii() and text.isdecimal() and len(text) < 20) or str(int(text)) != text:
        raise NoteError(f"{text[:30]!r} is no number as it is written")
    if int(text) >= 2**63:
        raise NoteError(f"{text} is beyond 2^63 - 1")
    return int(text)


def _is_name(name: str) -> bool:
    """Say whether this may name a key: something, no space of any kind, no plus, nothing unprintable."""
    return bool(name) and "+" not in name and not any(c.isspace() or ord(c) < 0x20 for c in name)
