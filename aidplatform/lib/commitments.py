"""By what a member is named in a roll without being named: salted commitments, made of a secret of their own. Pure.

Another salt in each period: whoever reads two rolls cannot tell who stands in both. Whoever knows neither the secret
nor what is derived of it cannot try out numbers of documents. Once they are destroyed, nobody can.
"""

import hashlib
import hmac

SECRET_BYTES = 32
POOL_ID_BYTES = 16
_COMMIT = b"huzhu/v1/commit"
_ID = b"huzhu/v1/id"
_POOL = b"huzhu/v1/pool"
SALT_TAG = b"huzhu/v1/salt"
COMMITMENT_TAG = b"huzhu/v1/commitment"


def commit_key(secret: bytes) -> bytes:
    """Return of what a member's salts are made. Raises: ValueError for a secret of another length."""
    if len(secret) != SECRET_BYTES:
        raise ValueError(f"a secret has {SECRET_BYTES} bytes, not {len(secret)}")
    return hmac.digest(secret, _COMMIT, "sha256")


def id_string(*, kind: str, number: str, member_no: int) -> str:
    """Return whom a commitment is of: kind and number of the document in its one form, and the member's number.

    Kind and number are empty where no document of the member was known when the secret was made.

    Raises: ValueError for parts that hold the mark between them.
    """
    if "|" in kind + number:
        raise ValueError("a document with the mark between its parts")
    return f"{kind}|{number}|{member_no}"


def id_inner(secret: bytes, whose: str) -> bytes:
    """Return the commitment to whom, still without pool and period; whose: as `id_string` gives it."""
    text = whose.encode()
    return hashlib.sha256(_ID + b"\0" + secret + len(text).to_bytes(2) + text).digest()


def pool_id(code: str) -> bytes:
    """Return the sixteen bytes by which rolls name a pool."""
    return hashlib.sha256(_POOL + b"\0" + code.encode()).digest()[:POOL_ID_BYTES]


def place(code: str, period: int) -> bytes:
    """Return pool and period as they stand in salts, commitments and heads."""
    return pool_id(code) + period.to_bytes(8)


def salt(key: bytes, code: str, period: int) -> bytes:
    """Return a member's salt of one period. key: as `commit_key` gives it."""
    return hashlib.sha256(SALT_TAG + key + place(code, period)).digest()


def commitment(salted: bytes, inner: bytes, code: str, period: int) -> bytes:
    """Return by what the roll of a period names a member. inner: as `id_inner` gives it."""
    return hashlib.sha256(COMMITMENT_TAG + place(code, period) + salted + inner).digest()
