"""Rewrites one uploaded paper in a process of its own: `python -I clean_paper.py MEDIA_TYPE < in > out`.

Whoever uploads chooses the bytes that a decoder reads, so decoding happens here, with little memory and time, and
what comes out is written anew: pixels for an image (without metadata or anything appended), the pages of a PDF
without scripts, actions and attachments. Knows nothing of the application. Exit status 3 and a word on stderr: the
paper is refused.
"""

import io
import resource
import sys

MEMORY = 1536 * 2**20
SECONDS = 20
MOST_PIXELS = 40_000_000
LONGEST_SIDE = 20_000
MOST_PAGES = 100
REFUSED = 3
# Names whose presence anywhere in a PDF means that it does something when it is opened or clicked.
ACTIVE = (
    "/JavaScript",
    "/JS",
    "/Launch",
    "/SubmitForm",
    "/ImportData",
    "/RichMedia",
    "/XFA",
    "/GoToE",
    "/GoToR",
)
ATTACHED = ("/EmbeddedFile", "/EmbeddedFiles", "/Filespec", "/EF")


class RefusedError(Exception):
    """The paper is not taken; the message is a word that the application says in a sentence."""


def main() -> int:
    """Read, rewrite, write."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    data = sys.stdin.buffer.read()
    try:
        cleaned = clean_pdf(data) if sys.argv[1] == "application/pdf" else clean_image(data, sys.argv[1])
    except RefusedError as error:
        sys.stderr.write(str(error))
        return REFUSED
    except MemoryError:
        sys.stderr.write("too_large")
        return REFUSED
    except Exception as error:
        sys.stderr.write(f"unreadable {type(error).__name__}")
        return REFUSED
    sys.stdout.buffer.write(cleaned)
    sys.stdout.buffer.flush()
    return 0


def clean_image(data: bytes, media_type: str) -> bytes:
    """Decode an image of exactly that type and encode its pixels again."""
    from PIL import Image, ImageOps

    form = {"image/jpeg": "JPEG", "image/png": "PNG"}[media_type]
    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    with Image.open(io.BytesIO(data), formats=[form]) as image:
        if image.width * image.height > MOST_PIXELS or max(image.size) > LONGEST_SIDE:
            raise RefusedError("too_many_pixels")
        if getattr(image, "n_frames", 1) != 1:
            raise RefusedError("animated")
        image.load()
        upright = ImageOps.exif_transpose(image)
        flat = upright.convert("L" if upright.mode in {"1", "L"} else "RGB")
    # A new image: no profile, comment, thumbnail or position comes along.
    fresh = Image.new(flat.mode, flat.size)
    fresh.paste(flat)
    out = io.BytesIO()
    fresh.save(out, form, **({"quality": 88} if form == "JPEG" else {"optimize": False}))
    return out.getvalue()


def clean_pdf(data: bytes) -> bytes:
    """Open a PDF, refuse what acts or carries files, and write its pages anew."""
    import pikepdf

    try:
        pdf = pikepdf.open(io.BytesIO(data), suppress_warnings=True)
    except pikepdf.PasswordError:
        raise RefusedError("encrypted") from None
    if pdf.is_encrypted:
        raise RefusedError("encrypted")
    if not 1 <= len(pdf.pages) <= MOST_PAGES:
        raise RefusedError("too_many_pages")
    for thing in pdf.objects:
        _refuse_active(thing)
    for name in ("/OpenAction", "/AA", "/Metadata", "/AcroForm", "/Names"):
        if name in pdf.Root:
            del pdf.Root[name]
    fresh = pikepdf.new()
    for page in pdf.pages:
        for name in ("/AA", "/Annots", "/Metadata", "/PieceInfo"):
            if name in page:
                del page[name]
        fresh.pages.append(page)
    out = io.BytesIO()
    fresh.save(out, deterministic_id=True)
    return out.getvalue()


def _refuse_active(thing: object) -> None:
    """Look through one object and what it holds directly. Raises: RefusedError."""
    import pikepdf

    todo = [thing]
    while todo:
        part = todo.pop()
        if isinstance(part, pikepdf.Array):
            todo.extend(part.as_list())
        elif isinstance(part, (pikepdf.Dictionary, pikepdf.Stream)):
            for name, value in part.items():
                _refuse_name(name)
                if isinstance(value, pikepdf.Name):
                    _refuse_name(str(value))
                elif isinstance(value, (pikepdf.Array, pikepdf.Dictionary)) and not getattr(
                    value, "is_indirect", False
                ):
                    todo.append(value)


def _refuse_name(name: str) -> None:
    if name in ACTIVE:
        raise RefusedError("active_content")
    if name in ATTACHED:
        raise RefusedError("attachments")


if __name__ == "__main__":
    sys.exit(main())
