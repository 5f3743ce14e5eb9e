"""The one encoding of a log entry."""

import datetime as dt
import hashlib
import json
import unicodedata
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.openbooks.canonical import (
    ENTRY_TYPES,
    LARGEST,
    LONGEST,
    NotCanonicalError,
    canonical_bytes,
    envelope,
    instant,
    leaf_hash,
)

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12).map(
    lambda found: unicodedata.normalize("NFC", found)
)
plain = st.booleans() | st.integers(-LARGEST, LARGEST) | text
values = st.recursive(
    plain, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4), max_leaves=12
)
AT = dt.datetime(2026, 1, 7, tzinfo=dt.UTC)


def _reordered(value: object) -> object:
    """Return the same value with every object's keys in the opposite order."""
    if isinstance(value, dict):
        return {key: _reordered(value[key]) for key in reversed(value)}
    return [_reordered(part) for part in value] if isinstance(value, list) else value


@settings(derandomize=True, max_examples=200)
@given(values)
def test_canonical_bytes_round_trip_and_know_no_order_of_keys(value: object) -> None:
    data = canonical_bytes(value)
    assert json.loads(data) == value
    assert canonical_bytes(json.loads(data)) == data
    assert canonical_bytes(_reordered(value)) == data


def test_canonical_bytes_are_sorted_and_unspaced_utf8() -> None:
    assert (
        canonical_bytes({"b": [1, "二"], "a": {"z": True, "y": -3}})
        == '{"a":{"y":-3,"z":true},"b":[1,"二"]}'.encode()
    )


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({"a": 1.0}, r"\$\.a: float"),
        ({"a": None}, r"\$\.a: NoneType"),
        ([0, [None]], r"\$\[1\]\[0\]: NoneType"),
        ({"a": 2**53}, r"\$\.a: 9007199254740992 is beyond"),
        ({"a": -(2**53)}, r"\$\.a: -9007199254740992 is beyond"),
        ({"a": "e\u0301"}, r"\$\.a: text is not NFC"),
        ({"e\u0301": 1}, "text is not NFC"),
        ({1: 1}, "key 1 is not text"),
        ({"a": b"x"}, "bytes"),
        ({"a": {1, 2}}, "set"),
    ],
)
def test_canonical_bytes_refuse_what_has_no_canonical_form(value: object, path: str) -> None:
    with pytest.raises(NotCanonicalError, match=path):
        canonical_bytes(value)


def test_largest_integers_are_taken() -> None:
    assert canonical_bytes([LARGEST, -LARGEST]) == f"[{LARGEST},-{LARGEST}]".encode()


def test_instant_is_utc_in_whole_seconds() -> None:
    assert (
        instant(dt.datetime(2026, 1, 7, 0, 0, 0, 999_999, tzinfo=ZoneInfo("Asia/Shanghai")))
        == "2026-01-06T16:00:00Z"
    )


def test_envelope_names_pool_type_and_place() -> None:
    data = envelope(pool="demo", entry_type="roll.freeze", seq=3, at=AT, body={"period": 1})
    assert data == (
        b'{"at":"2026-01-07T00:00:00Z","body":{"period":1},"pool":"demo","seq":3,"type":"roll.freeze","v":1}'
    )


def test_envelope_refuses_unknown_types_and_long_entries() -> None:
    with pytest.raises(NotCanonicalError, match=r"unknown entry type roll\.melt"):
        envelope(pool="demo", entry_type="roll.melt", seq=0, at=AT, body={})
    bare = len(envelope(pool="demo", entry_type="stats", seq=0, at=AT, body={"t": ""}))
    assert (
        len(envelope(pool="demo", entry_type="stats", seq=0, at=AT, body={"t": "x" * (LONGEST - bare)}))
        == LONGEST
    )
    with pytest.raises(NotCanonicalError, match=f"an entry of {LONGEST + 1} bytes"):
        envelope(pool="demo", entry_type="stats", seq=0, at=AT, body={"t": "x" * (LONGEST - bare + 1)})


def test_leaf_hash_is_of_rfc_6962() -> None:
    # The empty leaf's hash is printed in the test vectors of Certificate Transparency.
    assert leaf_hash(b"").hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert leaf_hash(b"x") == hashlib.sha256(b"\x00x").digest()


def test_entry_types_are_named_once() -> None:
    assert len(set(ENTRY_TYPES)) == len(ENTRY_TYPES)
