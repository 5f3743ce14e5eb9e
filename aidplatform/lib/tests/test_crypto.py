"""What is sealed opens only here, only unchanged, only in its own place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aidplatform.lib.crypto import UnreadableError, blind_index, seal, seal_text, unseal, unseal_text


@given(st.binary(max_size=300), st.text(max_size=20))
def test_sealed_bytes_open_in_their_context(plain: bytes, context: str) -> None:
    sealed = seal(plain, context)
    assert unseal(sealed, context) == plain
    with pytest.raises(UnreadableError):
        unseal(sealed, context + "x")


@given(st.integers(min_value=0, max_value=10_000), st.integers(min_value=1, max_value=255))
def test_any_changed_byte_is_noticed(place: int, flip: int) -> None:
    sealed = bytearray(seal(b"kept from everyone else", "row 1"))
    sealed[place % len(sealed)] ^= flip
    with pytest.raises(UnreadableError):
        unseal(bytes(sealed), "row 1")


@pytest.mark.parametrize("broken", [b"", b"\x01", b"\x02" * 100, b"\x01" * 80])
def test_truncated_values_are_refused(broken: bytes) -> None:
    with pytest.raises(UnreadableError):
        unseal(broken, "a")


def test_the_same_text_never_looks_the_same() -> None:
    assert seal_text("张三", "a") != seal_text("张三", "a")
    assert unseal_text(seal_text("张三", "a"), "a") == "张三"


def test_blind_index_finds_equals_per_purpose_only() -> None:
    assert blind_index("110101", "id") == blind_index("110101", "id")
    assert blind_index("110101", "id") != blind_index("110102", "id")
    assert blind_index("110101", "id") != blind_index("110101", "account")
