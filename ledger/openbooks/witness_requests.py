"""What is sent to a witness and what it answers, as c2sp.org/tlog-witness says. Pure."""

from collections.abc import Sequence

from ledger.openbooks.checkpoints import CLOCKS_DIFFER
from ledger.openbooks.notes import (
    Note,
    NoteError,
    SignatureLine,
    VerifierKey,
    b64,
    read_note,
    read_signature,
    verified,
)

PATH = "/add-checkpoint"
LONGEST_ANSWER = 64_000


def request_body(*, old: int, proof: Sequence[bytes], checkpoint: str) -> str:
    """Return the body by which a witness is asked to sign a checkpoint. old: the size that it has seen before."""
    lines = [f"old {old}", *(b64(part) for part in proof)]
    return "\n".join(lines) + "\n\n" + checkpoint


def read_answer(answer: str, *, checkpoint: str, key: VerifierKey, now: int) -> tuple[SignatureLine, int]:
    """Return the line by which this witness has signed the checkpoint, and its time in POSIX seconds.

    A witness may sign with other keys too; their lines are passed over.

    Raises: NoteError for what is no signature of this key over this checkpoint, or one from the future.
    """
    if not answer.endswith("\n"):
        raise NoteError("an answer is lines of signatures")
    lines = [read_signature(line) for line in answer.removesuffix("\n").split("\n")]
    own = [line for line in lines if (line.name, line.key_id) == (key.name, key.key_id)]
    if len(own) != 1:
        raise NoteError(f"{len(own)} signatures of {key.name}")
    at = verified(Note(read_note(checkpoint).text, (own[0],)), [key])[key]
    if at > now + CLOCKS_DIFFER:
        raise NoteError(f"a cosignature of {key.name} from the future")
    return own[0], at


def read_size(answer: str) -> int | None:
    """Return the size that a witness says it has seen (its answer 409); None where it says none."""
    text = answer.removesuffix("\n")
    return (
        int(text)
        if text.isascii() and text.isdecimal() and len(text) < 17 and str(int(text)) == text
        else None
    )
