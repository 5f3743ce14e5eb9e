"""Encryption of what only a few may read: identities, health data, account numbers.

Envelope: each secret has a random AES-256-GCM key, wrapped by a key derived from AID_DATA_KEY, so that destroying
the wrapped key erases the secret. Of what was erased here not even the ciphertext is left: empty bytes stand in its
place. The context (table, row, purpose) is authenticated: a value moved to another row does not open. A blind index
(HMAC) finds equal values without storing them in clear.

Format: version 1 byte ‖ key nonce 12 ‖ wrapped key 48 ‖ data nonce 12 ‖ ciphertext and tag.
"""

import hmac
import os
from functools import cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

VERSION = b"\x01"
ERASED = b""
_NONCE, _WRAPPED = 12, 48


class UnreadableError(Exception):
    """The bytes were not sealed with this key for this context, or have been changed."""


def seal(plain: bytes, context: str) -> bytes:
    """Encrypt bytes for a context such as `claims.evidence:7f3c`."""
    key = AESGCM.generate_key(256)
    key_nonce, data_nonce = os.urandom(_NONCE), os.urandom(_NONCE)
    bound = context.encode()
    wrapped = AESGCM(_derived(b"wrap")).encrypt(key_nonce, key, bound)
    return VERSION + key_nonce + wrapped + data_nonce + AESGCM(key).encrypt(data_nonce, plain, bound)


def unseal(sealed: bytes, context: str) -> bytes:
    """Decrypt what `seal` made for the same context.

    Raises: UnreadableError.
    """
    head = 1 + _NONCE + _WRAPPED
    if sealed[:1] != VERSION or len(sealed) < head + _NONCE + 16:
        raise UnreadableError("not a sealed value")
    bound = context.encode()
    try:
        key = AESGCM(_derived(b"wrap")).decrypt(sealed[1 : 1 + _NONCE], sealed[1 + _NONCE : head], bound)
        return AESGCM(key).decrypt(sealed[head : head + _NONCE], sealed[head + _NONCE :], bound)
    except InvalidTag:
        raise UnreadableError("the value does not open in this place") from None


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
    return hmac.digest(_derived(b"index:" + purpose.encode()), value.encode(), "sha256")


@cache
def _derived(purpose: bytes) -> bytes:
    """Return a key for one purpose."""
    return HKDF(SHA256(), 32, salt=b"aidplatform/v1", info=purpose).derive(settings.DATA_KEY.encode())
