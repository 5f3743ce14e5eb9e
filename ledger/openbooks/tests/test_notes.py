"""Notes, checkpoints and policies: the published examples, and what a hostile sender would try."""

import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.openbooks.checkpoints import Head, fingerprint, open_checkpoint, read_head
from ledger.openbooks.merkle import EMPTY_ROOT
from ledger.openbooks.notes import (
    COSIGNATURE,
    ED25519,
    ML_DSA_44,
    Note,
    NoteError,
    SignatureLine,
    VerifierKey,
    b64,
    cosignature_text,
    public_key,
    read_key,
    read_note,
    signed,
    subtree_text,
    verified,
)
from ledger.openbooks.policies import PolicyError, read_policy

# The example of c2sp.org/signed-note.
EXAMPLE_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
EXAMPLE = (
    "This is an example message.\n\n"
    "— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)
ORIGIN = "aid.example.org/pool/test"
SEED, OTHER_SEED = bytes(range(32)), bytes(range(1, 33))
ROOT = hashlib.sha256(b"root").digest()
HEAD = Head(ORIGIN, 5, ROOT)
LOG_KEY = public_key(name=ORIGIN, seed=SEED)
AT = 1_770_000_000
# The order of the group of Ed25519.
L = 2**252 + 27742317777372353535851937790883648493


def cosigned(text: str, name: str, seed: bytes, at: int = AT) -> SignatureLine:
    """Cosign as a witness with an Ed25519 key does."""
    signature = Ed25519PrivateKey.from_private_bytes(seed).sign(cosignature_text(text, at))
    return SignatureLine(name, witness_key(name, seed).key_id, at.to_bytes(8) + signature)


def witness_key(name: str, seed: bytes) -> VerifierKey:
    return public_key(name=name, seed=seed, kind=COSIGNATURE)


def checkpoint(*lines: SignatureLine, head: Head = HEAD, seed: bytes = SEED) -> str:
    note = signed(head.text(), name=head.origin, seed=seed)
    return Note(note.text, (*note.signatures, *lines)).encode()


def test_example_of_the_specification_is_verified() -> None:
    key = read_key(EXAMPLE_KEY)
    assert (key.name, key.kind, key.key_id.hex()) == ("example.com/foo", ED25519, "530d903a")
    assert key.encode() == EXAMPLE_KEY
    note = read_note(EXAMPLE)
    assert verified(note, [key]) == {key: 0}
    assert note.encode() == EXAMPLE


def test_example_with_one_letter_changed_is_no_note() -> None:
    with pytest.raises(NoteError, match=r"the signature of example.com/foo is false"):
        verified(read_note(EXAMPLE.replace("example message", "Example message")), [read_key(EXAMPLE_KEY)])


def test_note_of_unknown_keys_is_signed_by_nobody() -> None:
    assert verified(read_note(EXAMPLE), []) == {}
    named_alike = VerifierKey("example.com/foo", ED25519, bytes(32))
    assert verified(read_note(EXAMPLE), [named_alike]) == {}
    with pytest.raises(NoteError, match="has not signed"):
        open_checkpoint(checkpoint(), log_key=public_key(name=ORIGIN, seed=OTHER_SEED))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("example.com/foo+530d903a", "name, id and key"),
        (EXAMPLE_KEY.replace("530d903a", "530d903b"), "the id of this key is 530d903a"),
        (EXAMPLE_KEY.replace("530d903a", "530D903A"), "the id of this key is"),
        (EXAMPLE_KEY.replace("example.com/foo", "example.com/bar"), "the id of this key is"),
        (EXAMPLE_KEY + "\n", "no base64"),
        (EXAMPLE_KEY.replace("3U2k", "3U2="), "not how base64 is written"),
        ("example.com/foo+530d903a+", "without a key"),
        ("two words+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", "no name of a key"),
        ("n+530d903a+/ekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", "a key of kind 253"),
        ("n+530d903a+BukyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", "does not have 32 bytes"),
    ],
)
def test_key_that_is_written_otherwise_is_none(text: str, said: str) -> None:
    with pytest.raises(NoteError, match=said):
        read_key(text)


@pytest.mark.parametrize(
    ("whole", "said"),
    [
        (EXAMPLE + "trailing", "a note is text, an empty line"),
        (EXAMPLE + "trailing\n", "no signature line"),
        (EXAMPLE + "\n", "a note is text"),
        (EXAMPLE.replace("— ", "- "), "no signature line"),
        (EXAMPLE.replace("\n\n", "\n"), "a note is text"),
        (EXAMPLE.replace("\n", "\r\n"), "a control character"),
        (EXAMPLE.replace("foo Uw", "foo  Uw"), "no base64"),
        (EXAMPLE.replace("aQM=", "aQN="), "not how base64 is written"),
        (EXAMPLE.replace("aQM=", "aQM"), "no base64"),
        ("text\n\n— n AAAAAQ==\n", "fewer than five bytes"),
        ("\n\n— n AAAAAQE=\n", "a note is text"),
        ("text\n\n" + "— n AAAAAQE=\n" * 65, "65 signatures; the limit is 64"),
        ("x" * 300_001, "the limit is 300000"),
        ("", "a note is text"),
    ],
)
def test_note_that_is_written_otherwise_is_none(whole: str, said: str) -> None:
    with pytest.raises(NoteError, match=said):
        read_note(whole)


@given(st.text(max_size=200) | st.text("— \nab=+/\t", max_size=60).map(lambda end: "text\n\n— a " + end))
@settings(deadline=None)
def test_any_text_is_a_note_or_refused(whole: str) -> None:
    try:
        note = read_note(whole)
    except NoteError:
        return
    assert note.encode() == whole


def test_signature_with_another_s_is_false() -> None:
    """R and S + L would pass a careless check: one signature could be written in two ways."""
    line = signed(HEAD.text(), name=ORIGIN, seed=SEED).signatures[0]
    moved = int.from_bytes(line.signature[32:], "little") + L
    other = SignatureLine(ORIGIN, line.key_id, line.signature[:32] + moved.to_bytes(32, "little"))
    with pytest.raises(NoteError, match="is false"):
        verified(Note(HEAD.text(), (other,)), [LOG_KEY])


def test_only_texts_are_signed() -> None:
    for text in ("", "\n", "without a newline"):
        with pytest.raises(NoteError, match="ends with a newline"):
            signed(text, name=ORIGIN, seed=SEED)


def test_checkpoint_says_what_was_signed() -> None:
    opened = open_checkpoint(checkpoint(), log_key=LOG_KEY)
    assert opened.head == HEAD
    assert opened.witnessed == {}
    assert HEAD.text() == f"{ORIGIN}\n5\n{b64(ROOT)}\n"
    assert fingerprint(HEAD) == hashlib.sha256(HEAD.text().encode()).hexdigest()[:16]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"{ORIGIN}\n05\n{b64(ROOT)}\n", "no number as it is written"),
        (f"{ORIGIN}\n+5\n{b64(ROOT)}\n", "no number as it is written"),
        (f"{ORIGIN}\n٥\n{b64(ROOT)}\n", "no number as it is written"),
        (f"{ORIGIN}\n5 \n{b64(ROOT)}\n", "no number as it is written"),
        (f"{ORIGIN}\n-5\n{b64(ROOT)}\n", "no number as it is written"),
        (f"{ORIGIN}\n\n{b64(ROOT)}\n", "no number as it is written"),
        (f"{ORIGIN}\n9007199254740992\n{b64(ROOT)}\n", r"beyond 2\^53 - 1"),
        (f"{ORIGIN}\n99999999999999999\n{b64(ROOT)}\n", "no number as it is written"),
        (f"{ORIGIN}\n5\n{b64(ROOT[:31])}\n", "no root of 5"),
        (f"{ORIGIN}\n5\n{b64(ROOT)[:-1]}\n", "no base64"),
        (f"{ORIGIN}\n0\n{b64(ROOT)}\n", "no root of 0"),
        (f"\n5\n{b64(ROOT)}\n", "without an origin"),
        (f"{ORIGIN}\n5\n{b64(ROOT)}\nextension\n", "three lines"),
        (f"{ORIGIN}\n5\n{b64(ROOT)}\n\n", "three lines"),
        (f"{ORIGIN}\n5\n{b64(ROOT)}", "three lines"),
        (f"{ORIGIN}\n5\n", "three lines"),
    ],
)
def test_checkpoint_that_is_written_otherwise_is_none_even_if_it_is_signed(text: str, said: str) -> None:
    with pytest.raises(NoteError, match=said):
        read_head(text)
    if text.endswith("\n"):
        with pytest.raises(NoteError, match=said):
            open_checkpoint(signed(text, name=ORIGIN, seed=SEED).encode(), log_key=LOG_KEY)


def test_checkpoint_of_an_empty_log_has_the_root_of_nothing() -> None:
    assert read_head(Head(ORIGIN, 0, EMPTY_ROOT).text()).root == EMPTY_ROOT


def test_checkpoint_of_another_origin_is_refused_even_if_our_key_signed_it() -> None:
    text = Head("aid.example.org/pool/other", 5, ROOT).text()
    with pytest.raises(
        NoteError, match=f"a checkpoint of aid.example.org/pool/other under the key of {ORIGIN}"
    ):
        open_checkpoint(signed(text, name=ORIGIN, seed=SEED).encode(), log_key=LOG_KEY)


def test_log_key_is_no_key_of_a_witness() -> None:
    with pytest.raises(NoteError, match="a log signs with Ed25519"):
        open_checkpoint(checkpoint(), log_key=witness_key(ORIGIN, SEED))


def test_cosignatures_tell_when_they_were_given() -> None:
    one, two = ("w.example/1", OTHER_SEED), ("w.example/2", bytes(32))
    lines = [cosigned(HEAD.text(), *one), cosigned(HEAD.text(), *two, at=AT + 9)]
    opened = open_checkpoint(
        checkpoint(*lines), log_key=LOG_KEY, witnesses=[witness_key(*one), witness_key(*two)]
    )
    assert opened.witnessed == {witness_key(*one): AT, witness_key(*two): AT + 9}


def test_same_witness_counts_once_however_often_it_signs() -> None:
    key = witness_key("w.example/1", OTHER_SEED)
    lines = [cosigned(HEAD.text(), key.name, OTHER_SEED, at=AT + step) for step in (2, 1, 0)]
    opened = open_checkpoint(checkpoint(*lines), log_key=LOG_KEY, witnesses=[key, key])
    assert opened.witnessed == {key: AT + 2}
    policy = read_policy(two_of_two(key, witness_key("w.example/2", bytes(32))))
    assert not policy.is_met(opened.witnessed)


def test_cosignature_is_for_one_text_and_one_time() -> None:
    key = witness_key("w.example/1", OTHER_SEED)
    replayed = cosigned(Head(ORIGIN, 4, ROOT).text(), key.name, OTHER_SEED)
    with pytest.raises(NoteError, match=r"the signature of w.example/1 is false"):
        open_checkpoint(checkpoint(replayed), log_key=LOG_KEY, witnesses=[key])
    line = cosigned(HEAD.text(), key.name, OTHER_SEED)
    moved = SignatureLine(line.name, line.key_id, (AT + 1).to_bytes(8) + line.signature[8:])
    with pytest.raises(NoteError, match=r"the signature of w.example/1 is false"):
        open_checkpoint(checkpoint(moved), log_key=LOG_KEY, witnesses=[key])


@pytest.mark.parametrize("at", [0, 2**63])
def test_cosignature_without_a_time_is_none(at: int) -> None:
    key = witness_key("w.example/1", OTHER_SEED)
    with pytest.raises(NoteError, match="without a time"):
        open_checkpoint(
            checkpoint(cosigned(HEAD.text(), key.name, OTHER_SEED, at=at)), log_key=LOG_KEY, witnesses=[key]
        )


def test_cosignature_from_the_future_is_refused_where_the_time_is_known() -> None:
    key = witness_key("w.example/1", OTHER_SEED)
    whole = checkpoint(cosigned(HEAD.text(), key.name, OTHER_SEED, at=AT + 301))
    assert open_checkpoint(whole, log_key=LOG_KEY, witnesses=[key]).witnessed == {key: AT + 301}
    assert open_checkpoint(whole, log_key=LOG_KEY, witnesses=[key], now=AT + 1).witnessed == {key: AT + 301}
    with pytest.raises(NoteError, match=r"from the future: w.example/1"):
        open_checkpoint(whole, log_key=LOG_KEY, witnesses=[key], now=AT)


def test_signature_of_the_log_is_no_cosignature() -> None:
    """The kinds are in the key's id: a log's signature under a witness's id is false."""
    key = witness_key("w.example/1", OTHER_SEED)
    bare = Ed25519PrivateKey.from_private_bytes(OTHER_SEED).sign(HEAD.text().encode())
    forged = SignatureLine(key.name, key.key_id, AT.to_bytes(8) + bare)
    with pytest.raises(NoteError, match="is false"):
        open_checkpoint(checkpoint(forged), log_key=LOG_KEY, witnesses=[key])


def test_cosignatures_of_ml_dsa_44_are_accepted() -> None:
    secret = MLDSA44PrivateKey.from_seed_bytes(SEED)
    key = VerifierKey("w.example/pq", ML_DSA_44, secret.public_key().public_bytes_raw())
    assert read_key(key.encode()) == key
    signature = secret.sign(subtree_text(key, HEAD.text(), AT))
    line = SignatureLine(key.name, key.key_id, AT.to_bytes(8) + signature)
    assert open_checkpoint(checkpoint(line), log_key=LOG_KEY, witnesses=[key]).witnessed == {key: AT}
    moved = SignatureLine(key.name, key.key_id, (AT + 1).to_bytes(8) + signature)
    with pytest.raises(NoteError, match=r"the signature of w.example/pq is false"):
        open_checkpoint(checkpoint(moved), log_key=LOG_KEY, witnesses=[key])


def test_message_of_ml_dsa_44_is_the_structure_of_the_specification() -> None:
    key = VerifierKey("w", ML_DSA_44, bytes(1312))
    assert subtree_text(key, "log\n258\n" + b64(ROOT) + "\n", 3) == (
        b"subtree/v1\n\x00" + b"\x01w" + b"\x00" * 7 + b"\x03" + b"\x03log" + b"\x00" * 8
        + b"\x00" * 6 + b"\x01\x02" + ROOT
    )  # fmt: skip


def two_of_two(one: VerifierKey, two: VerifierKey) -> str:
    return f"witness A {one.encode()}\nwitness B {two.encode()} https://b.example\ngroup both all A B\nquorum both\n"


KEYS = [witness_key(f"w.example/{n}", bytes([n]) * 32) for n in range(4)]
LINES = "".join(f"witness W{n} {key.encode()}\n" for n, key in enumerate(KEYS))


@pytest.mark.parametrize(
    ("quorum", "needed"),
    [
        ("quorum none\n", [set()]),
        ("quorum W1\n", [{1}]),
        ("group g 2 W0 W1 W2\nquorum g\n", [{0, 1}, {0, 2}, {1, 2}]),
        ("group g any W0 W1\nquorum g\n", [{0}, {1}]),
        ("group g any W0 W1\ngroup h all g W2\nquorum h\n", [{0, 2}, {1, 2}]),
    ],
)
def test_quorum_is_met_by_whom_the_policy_says(quorum: str, needed: list[set[int]]) -> None:
    policy = read_policy("# ours\n\n" + LINES + quorum)
    for number in range(16):
        there = {n for n in range(4) if number >> n & 1}
        assert policy.is_met({KEYS[n] for n in there}) == any(wanted <= there for wanted in needed)


def test_policy_names_where_a_witness_takes_checkpoints() -> None:
    policy = read_policy(f"log {LOG_KEY.encode()} https://aid.example.org\n{two_of_two(KEYS[0], KEYS[1])}")
    assert policy.logs == (LOG_KEY,)
    assert [witness.url for witness in policy.witnesses.values()] == ["", "https://b.example"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (LINES, "one line that begins with quorum"),
        (LINES + "quorum W9\n", "line 5: W9 is not defined before"),
        (LINES + "quorum none\nquorum none\n", "line 6: a second quorum"),
        (LINES + f"witness X {KEYS[0].encode()}\nquorum X\n", r"line 5: the key of w.example/0 stands there twice"),
        (LINES + f"witness W0 {witness_key('n', SEED).encode()}\n", "line 5: the name W0 is taken"),
        (LINES + "group g 2 W0 W0\n", "line 5: W0 would count twice"),
        (LINES + "group g any W0\ngroup h all g W0\n", "line 6: W0 would count twice"),
        (LINES + "group g 3 W0 W1\n", "line 5: 3 of 2"),
        (LINES + "group g 0 W0 W1\n", "line 5: 0 of 2"),
        (LINES + "group g 02 W0 W1 W2\n", "line 5: 02 of 3"),
        (LINES + "group none any W0\n", "line 5: the name none is taken"),
        (f"witness W {LOG_KEY.encode()}\n", "line 1: a key of kind 1"),
        (f"log {KEYS[0].encode()}\n", "line 1: a key of kind 4"),
        ("witness W nonsense\n", "line 1: a verifier key is name"),
        ("trust everybody\n", "line 1: trust everybody is no line"),
        ("quorum none\r\n", "line 1: a control character"),
    ],
)  # fmt: skip
def test_policy_that_cannot_be_read_is_refused(text: str, said: str) -> None:
    with pytest.raises(PolicyError, match=said):
        read_policy(text)


def test_same_key_under_two_names_is_one_witness() -> None:
    """Two names for one key would be a quorum of one."""
    one, again = witness_key("w.example/1", SEED), witness_key("w.example/2", SEED)
    with pytest.raises(PolicyError, match="stands there twice"):
        read_policy(two_of_two(one, again))
