"""Encryption of what only a few may read: identities, health data, account numbers.

Envelope: each secret has a random AES-256-GCM key, wrapped by a key derived from AID_DATA_KEY, so that destroying
the wrapped key erases the secret. Of what was erased here not even the ciphertext is left: empty bytes stand in its
place. The context (table, row, purpose) is authenticated: a value moved to another row does not open. A blind index
(HMAC) finds equal values without storing them in clear.

Format: version 1 byte ‖ key nonce 12 ‖ wrapped key 48 ‖ data nonce 12 ‖ ciphertext and tag.

What is large and has a life of its own, such as a paper, keeps the two halves apart (`seal_apart`): the wrapped key in
a column beside the sealed bytes, with the id of the key that wraps it. Then a new AID_DATA_KEY wraps it anew without
touching the bytes, and setting the column to null erases them. Earlier keys stand in AID_DATA_KEYS_BEFORE: what they
sealed stays readable, and blind indexes keep coming from the first of all, or equal values would not meet any more.
"""

import os
from dataclasses import dataclass
from functools import cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

VERSION = b"\x01"
ERASED = b""
_KEY, _NONCE, _WRAPPED = 32, 12, 48
# How long a sealed text is of which no character stands in it.
LENGTH_OF_NOTHING = 1 + _NONCE + _WRAPPED + _NONCE + 16


class UnreadableError(Exception):
    """The bytes were not sealed with this key for this context, or have been changed."""


@dataclass(frozen=True)
class Wrapped:
    """The key of one sealed value, wrapped. key_id: which of the installation's keys wraps it."""

    key_id: str
    key: bytes


def seal_apart(plain: bytes, context: str) -> tuple[bytes, Wrapped]:
    """Encrypt bytes with a key of their own for a context; return them (nonce 12 ‖ ciphertext and tag) and the key."""
    # Asked for at once: of a million small values asking the system for random bytes would be a good part of the work.
    random = os.urandom(_KEY + 2 * _NONCE)
    key, nonce = random[:_KEY], random[_KEY : _KEY + _NONCE]
    sealed = nonce + AESGCM(key).encrypt(nonce, plain, context.encode())
    return sealed, _wrap(key, random[_KEY + _NONCE :], context)


def unseal_apart(sealed: bytes, wrapped: Wrapped, context: str) -> bytes:
    """Decrypt what `seal_apart` made for the same context. Raises: UnreadableError."""
    key = _unwrap(wrapped, context)
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], context.encode())
    except (InvalidTag, ValueError):
        raise UnreadableError("the value does not open in this place") from None


def rewrap(wrapped: Wrapped, context: str) -> Wrapped:
    """Wrap the same key by the current key of the installation. Raises: UnreadableError."""
    return _wrap(_unwrap(wrapped, context), os.urandom(_NONCE), context)


def current_key_id() -> str:
    """Return the name of the key that wraps what is sealed now; it tells nothing of the key."""
    return _key_id(settings.DATA_KEY)


def _wrap(key: bytes, nonce: bytes, context: str) -> Wrapped:
    """Wrap a key by the current key of the installation. nonce: random, never used before."""
    outer = _wrapper(settings.DATA_KEY)
    return Wrapped(current_key_id(), nonce + outer.encrypt(nonce, key, context.encode()))


def _unwrap(wrapped: Wrapped, context: str) -> bytes:
    """Return the key of a value. Raises: UnreadableError, which names a key that this installation does not have."""
    secret = next((one for one in _ring() if _key_id(one) == wrapped.key_id), None)
    if secret is None:
        raise UnreadableError(
            f"wrapped by the key {wrapped.key_id}, which is neither AID_DATA_KEY nor an earlier one"
        )
    try:
        return _wrapper(secret).decrypt(wrapped.key[:_NONCE], wrapped.key[_NONCE:], context.encode())
    except (InvalidTag, ValueError):
        raise UnreadableError("the key does not open in this place") from None


def seal(plain: bytes, context: str) -> bytes:
    """Encrypt bytes for a context such as `claims.evidence:7f3c`."""
    sealed, wrapped = seal_apart(plain, context)
    return VERSION + wrapped.key + sealed


def unseal(sealed: bytes, context: str) -> bytes:
    """Decrypt what `seal` made for the same context.

    Raises: UnreadableError.
    """
    head = 1 + _NONCE + _WRAPPED
    if sealed[:1] != VERSION or len(sealed) < LENGTH_OF_NOTHING:
        raise UnreadableError("not a sealed value")
    for secret in _ring():
        try:
            return unseal_apart(sealed[head:], Wrapped(_key_id(secret), sealed[1:head]), context)
        except UnreadableError:
            continue
    raise UnreadableError("the value does not open in this place")


def seal_text(plain: str, context: str) -> bytes:
    """Encrypt text."""
    return seal(plain.encode(), context)


def unseal_text(sealed: bytes, context: str) -> str:
    """Decrypt text; of what was erased nothing is left. Raises: UnreadableError."""
    if sealed == ERASED:
        return ""
    return unseal(sealed, context).decode()


def blind_index(value: str, purpose: str) -> bytes:
    """Return 32 bytes that are equal for equal values of one purpose and tell nothing without the key."""
    keyed = _indexer(purpose, _ring()[-1]).copy()
    keyed.update(value.encode())
    return keyed.finalize()


def _ring() -> tuple[str, ...]:
    """Return the keys of the installation, the newest first."""
    return (settings.DATA_KEY, *settings.DATA_KEYS_BEFORE)


@cache
def _wrapper(secret: str) -> AESGCM:
    """Return what wraps the keys of single values."""
    return AESGCM(_derived(b"wrap", secret))


@cache
def _indexer(purpose: str, secret: str) -> HMAC:
    """Return the keyed hash of a purpose, before any value."""
    return HMAC(_derived(b"index:" + purpose.encode(), secret), SHA256())


@cache
def _derived(purpose: bytes, secret: str) -> bytes:
    """Return a key for one purpose."""
    return HKDF(SHA256(), 32, salt=b"aidplatform/v1", info=purpose).derive(secret.encode())


@cache
def _key_id(secret: str) -> str:
    return _derived(b"key id", secret)[:8].hex()
