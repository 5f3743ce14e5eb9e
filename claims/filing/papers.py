"""Takes uploaded papers: recognizes the type by its first bytes, rewrites it elsewhere, says why one is refused."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from django.utils.translation import gettext_lazy as _

from aidplatform.lib.apart import KILLED, TIMED_OUT, RefusedApartError, run_apart
from aidplatform.lib.errors import DomainError
from aidplatform.lib.pdf import FONT
from claims.filing.models import LARGEST_PAPER

_CLEANER = Path(__file__).with_name("clean_paper.py")
_MARKER = Path(__file__).with_name("mark_paper.py")
_PATIENCE = 40
_FIRST_BYTES = {
    b"\xff\xd8\xff": "image/jpeg",
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"%PDF-1.": "application/pdf",
    b"%PDF-2.": "application/pdf",
}
# What a phone of Apple's calls its photographs, in the words behind the length of a file's first box.
_HEIC = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")
_REASONS: dict[str, object] = {
    "empty": _("This file is empty. Choose it again."),
    "too_large": _("This file is too large: 10 MB at most. Take the photograph at a lower resolution."),
    "unknown_type": _("Only photographs (JPEG, PNG) and PDF files are taken."),
    "heic": _(
        "This is a HEIC photograph, which cannot be read here. On an iPhone choose Settings, Camera, Formats, Most"
        " Compatible and take it again; or take a screenshot of it and send that."
    ),
    "too_many_at_once": _("At most 10 files are taken at once. Send this one with the next."),
    "takes_too_long": _("This file is too much work to read. Photograph the paper, or send it in parts."),
    "bomb": _("This PDF unpacks to far more than a paper holds. Print it to a new PDF, or photograph it."),
    "too_many_pixels": _("This picture has too many pixels: 40 million at most."),
    "animated": _("Moving pictures are not taken. Send a photograph."),
    "encrypted": _("This PDF is protected by a password. Save it without one, or photograph it."),
    "too_many_pages": _("This PDF has no page or more than 100. Send it in parts."),
    "active_content": _("This PDF contains a program. Print it to a new PDF, or photograph it."),
    "attachments": _("This PDF has other files attached. Print it to a new PDF, or photograph it."),
    "unreadable": _("This file cannot be read: it is damaged or not what its beginning says."),
}


class PaperRefusedError(DomainError):
    """The uploaded file is not taken; `extra["reason"]` is the word for it."""

    code = "paper_refused"


@dataclass(frozen=True)
class Paper:
    """A paper as it will be kept."""

    media_type: str
    data: bytes


def sha256_of(paper: Paper) -> str:
    """Return the hash by which a paper that is kept is known."""
    return hashlib.sha256(paper.data).hexdigest()


def clean(data: bytes) -> Paper:
    """Return the paper rewritten. The name and the type that the browser gave are not asked.

    Raises: PaperRefusedError.
    """
    if not data:
        raise refuse("empty")
    if len(data) > LARGEST_PAPER:
        raise refuse("too_large")
    if data[4:8] == b"ftyp" and data[8:12] in _HEIC:
        raise refuse("heic")
    media_type = next((kind for first, kind in _FIRST_BYTES.items() if data.startswith(first)), None)
    if media_type is None:
        raise refuse("unknown_type")
    cleaned = _rewritten(data, media_type)
    if not cleaned or len(cleaned) > LARGEST_PAPER:
        raise refuse("too_large")
    return Paper(media_type, cleaned)


def marked(paper: Paper, text: str) -> Paper:
    """Return a paper of ours with a text laid over every page of it; the one that is kept stays as it is.

    Raises: PaperRefusedError, should a paper that we wrote ourselves not open any more.
    """
    return Paper(paper.media_type, _apart(_MARKER, paper.media_type, str(FONT), text, data=paper.data))


def _rewritten(data: bytes, media_type: str) -> bytes:
    """Run the cleaner. Raises: PaperRefusedError."""
    return _apart(_CLEANER, media_type, data=data)


def _apart(script: Path, *arguments: str, data: bytes) -> bytes:
    """Run a script with nothing of our environment. Raises: PaperRefusedError."""
    try:
        return run_apart(script, *arguments, data=data, patience=_PATIENCE)
    except RefusedApartError as refusal:
        word = "takes_too_long" if refusal.word in {TIMED_OUT, KILLED} else refusal.word
        raise refuse(word if word in _REASONS else "unreadable") from None


def refuse(reason: str) -> PaperRefusedError:
    """Return the refusal that says a reason in a sentence."""
    return PaperRefusedError(_REASONS[reason], reason=reason)
