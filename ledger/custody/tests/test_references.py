"""References: check digits against published examples, found in any text, refused with the right reason."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.custody import references
from ledger.custody.references import BadReferenceError, Reference


def test_check_digits_follow_the_published_example() -> None:
    """RF18 5390 0754 7034 is the example of ISO 11649."""
    body = "539007547034"
    assert 98 - references._remainder(f"{body}RF00") == 18


# A machine that is busy with other things draws slowly; that says nothing of references.
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    number=st.integers(1, references.LARGEST_NUMBER),
    kind=st.sampled_from("MT"),
    code=st.from_regex(r"[a-z]{1,8}", fullmatch=True),
)
def test_what_is_made_is_read(number: int, kind: str, code: str) -> None:
    made = references.make_reference(code, kind, number)
    assert len(made) == 19
    assert references.read_reference(code, references.spaced(made).lower()) == Reference(kind, number)
    assert references.find_reference(code, f"aid 2026 {references.spaced(made)}, thanks 7") == Reference(
        kind, number
    )


@given(number=st.integers(1, 10**6), place=st.integers(10, 18), other=st.integers(1, 9))
def test_one_wrong_digit_is_noticed(number: int, place: int, other: int) -> None:
    made = references.make_reference("demo", "M", number)
    changed = made[:place] + str((int(made[place]) + other) % 10) + made[place + 1 :]
    with pytest.raises(BadReferenceError) as caught:
        references.read_reference("demo", changed)
    assert caught.value.reason == "bad_check_digits"
    assert references.find_reference("demo", changed) is None


def test_two_swapped_digits_are_noticed() -> None:
    made = references.make_reference("demo", "M", 12)
    with pytest.raises(BadReferenceError, match="bad_check_digits"):
        references.read_reference("demo", made[:-2] + made[-1] + made[-2])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not_a_reference"),
        ("RF18", "not_a_reference"),
        ("RF18539007547034", "not_a_reference"),
        (references.make_reference("other", "M", 5), "other_pool"),
        (references.make_reference("demo", "M", 5) + "9", "not_a_reference"),
    ],
)
def test_bad_references_say_why(text: str, reason: str) -> None:
    with pytest.raises(BadReferenceError) as caught:
        references.read_reference("demo", text)
    assert caught.value.reason == reason


def test_a_text_with_two_references_is_nobodys() -> None:
    one, two = (references.make_reference("demo", "M", number) for number in (1, 2))
    assert references.find_reference("demo", f"{one} {two}") is None
    assert references.find_reference("demo", f"{one} {one}") == Reference("M", 1)


@pytest.mark.parametrize(("kind", "number"), [("X", 1), ("M", 0), ("M", -1), ("M", 10**9)])
def test_what_no_reference_holds_is_refused(kind: str, number: int) -> None:
    with pytest.raises(ValueError, match="no reference holds"):
        references.make_reference("demo", kind, number)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    found = references.find_reference("demo", text)
    assert found is None or found.number > 0
