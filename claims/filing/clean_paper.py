"""Rewrites one uploaded paper in a process of its own: `python -I clean_paper.py MEDIA_TYPE < in > out`.

Whoever uploads chooses the bytes that a decoder reads, so decoding happens here, with little memory and time, and
what comes out is written anew: pixels for an image (without metadata or anything appended), the pages of a PDF
without scripts, actions and attachments. Knows nothing of the application. Exit status 3 and a word on stderr: the
paper is refused.
"""

import io
import resource
import sys
import warnings
from typing import Any

MEMORY = 1536 * 2**20
SECONDS = 20
MOST_PIXELS = 40_000_000
LONGEST_SIDE = 20_000
LARGEST = 10 * 2**20
REFUSED = 3


class RefusedError(Exception):
    """The paper is not taken; the message is a word that the application says in a sentence."""


def main() -> int:
    """Read, rewrite, write."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # The first word on stderr is the reason: no library speaks before it.
    warnings.simplefilter("ignore")
    data = sys.stdin.buffer.read()
    try:
        cleaned = _cleaned(data, sys.argv[1])
        if len(cleaned) > LARGEST:
            raise RefusedError("too_large")
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


def _cleaned(data: bytes, media_type: str) -> bytes:
    return clean_pdf(data) if media_type == "application/pdf" else clean_image(data, media_type)


# --- pictures -----------------------------------------------------------------------------------------------------


def clean_image(data: bytes, media_type: str) -> bytes:
    """Decode an image of exactly that type and encode its pixels again."""
    from PIL import Image

    form = {"image/jpeg": "JPEG", "image/png": "PNG"}[media_type]
    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    try:
        image = Image.open(io.BytesIO(data), formats=[form])
    except Image.DecompressionBombError:
        raise RefusedError("too_many_pixels") from None
    with image:
        if image.width * image.height > MOST_PIXELS or max(image.size) > LONGEST_SIDE:
            raise RefusedError("too_many_pixels")
        # A JPEG may hold a second picture behind the first, as phones keep brightness in: the first one is the paper.
        if form == "PNG" and getattr(image, "n_frames", 1) != 1:
            raise RefusedError("animated")
        image.load()
        flat = _flat(_upright(image))
    # A new image: no profile, comment, thumbnail or position comes along.
    fresh = Image.new(flat.mode, flat.size)
    fresh.paste(flat)
    out = io.BytesIO()
    fresh.save(out, form, **({"quality": 88} if form == "JPEG" else {"optimize": False}))
    return out.getvalue()


def _upright(image: Any) -> Any:
    """Turn a photograph as its camera was held; one whose notes make no sense stays as it is."""
    from PIL import ImageOps

    try:
        return ImageOps.exif_transpose(image)
    except Exception:
        return image


def _flat(image: Any) -> Any:
    """Return gray or colors of 8 bits. What is transparent is seen on white, never what lies hidden under it."""
    from PIL import Image

    if image.mode.startswith("I"):
        return image.convert("I").point(lambda level: level * (1 / 256)).convert("L")
    if "A" in image.mode or "a" in image.mode or "transparency" in image.info:
        seen = image.convert("RGBA")
        paper = Image.new("RGBA", seen.size, "white")
        paper.alpha_composite(seen)
        return paper.convert("RGB")
    return image.convert("L" if image.mode in {"1", "L"} else "RGB")


# --- PDF ----------------------------------------------------------------------------------------------------------

MOST_PAGES = 100
# The largest page that the standard knows, in points.
LONGEST_PAGE = 14_400
# What pages and pictures may unpack to, one by one and together.
MOST_OF_A_PAGE = 32 * 2**20
MOST_OF_A_PICTURE = 160 * 2**20
MOST_OF_ALL = 2**30
# Names whose presence anywhere in a PDF means that it does something when it is opened or clicked.
ACTIVE = frozenset(
    {
        "/JavaScript",
        "/JS",
        "/Launch",
        "/SubmitForm",
        "/ImportData",
        "/RichMedia",
        "/XFA",
        "/GoToE",
        "/GoToR",
        "/Rendition",
        "/Movie",
        "/Sound",
        "/3D",
    }
)
ATTACHED = frozenset({"/EmbeddedFile", "/EmbeddedFiles", "/Filespec", "/EF"})
# What a page needs to be seen. Anything else may act, lead elsewhere, or tell who made it.
OF_A_PAGE = frozenset(
    {
        "/Type",
        "/Parent",
        "/MediaBox",
        "/CropBox",
        "/Rotate",
        "/UserUnit",
        "/Resources",
        "/Contents",
        "/Group",
    }
)
TOLD = ("/Metadata", "/PieceInfo", "/AA", "/AF", "/OPI", "/Ref", "/Thumb", "/LastModified", "/Alternates")


def clean_pdf(data: bytes) -> bytes:
    """Open a PDF, refuse what acts or carries files, and write its pages anew, as they look."""
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
    # What was filled into a form or stamped onto a page is part of what it shows.
    pdf.flatten_annotations("all")
    fresh = pikepdf.new()
    for page in pdf.pages:
        _check_page(page)
        for name in set(page.obj.keys()) - OF_A_PAGE:
            del page[name]
        fresh.pages.append(page)
    unpacked = 0
    for thing in fresh.objects:
        for part in _parts(thing):
            for name in TOLD:
                if name in part:
                    del part[name]
        if isinstance(thing, pikepdf.Stream):
            unpacked += _check_stream(thing)
            if unpacked > MOST_OF_ALL:
                raise RefusedError("bomb")
    out = io.BytesIO()
    fresh.save(out, deterministic_id=True)
    return out.getvalue()


def _refuse_active(thing: Any) -> None:
    """Look through one object and what it holds directly. Raises: RefusedError."""
    import pikepdf

    for part in _parts(thing):
        for name, value in part.items():
            _refuse_name(name)
            if isinstance(value, pikepdf.Name):
                _refuse_name(str(value))


def _refuse_name(name: str) -> None:
    if name in ACTIVE:
        raise RefusedError("active_content")
    if name in ATTACHED:
        raise RefusedError("attachments")


def _parts(thing: Any) -> Any:
    """Yield the dictionaries of one object, however deep, without what it only refers to."""
    import pikepdf

    todo = [thing]
    while todo:
        part = todo.pop()
        if isinstance(part, pikepdf.Array):
            todo.extend(one for one in part if isinstance(one, pikepdf.Object) and not one.is_indirect)
        elif isinstance(part, (pikepdf.Dictionary, pikepdf.Stream)):
            yield part
            todo.extend(
                value
                for value in part.values()
                if isinstance(value, (pikepdf.Array, pikepdf.Dictionary)) and not value.is_indirect
            )


def _check_page(page: Any) -> None:
    left, bottom, right, top = (float(edge) for edge in page.mediabox)
    if not (0 < right - left <= LONGEST_PAGE and 0 < top - bottom <= LONGEST_PAGE):
        raise RefusedError("too_many_pixels")


def _check_stream(stream: Any) -> int:
    """Refuse what lies elsewhere or unpacks to too much; strip photographs. Return what it unpacks to, in bytes."""
    import pikepdf

    if "/F" in stream:
        raise RefusedError("attachments")
    is_picture = stream.get("/Subtype") == "/Image"
    if is_picture and int(stream.get("/Width", 0)) * int(stream.get("/Height", 0)) > MOST_PIXELS:
        raise RefusedError("too_many_pixels")
    most = MOST_OF_A_PICTURE if is_picture else MOST_OF_A_PAGE
    filters = stream.get("/Filter", [])
    names = [str(filters)] if isinstance(filters, pikepdf.Name) else [str(name) for name in filters]
    data = stream.read_raw_bytes()
    while names and names[0] in {"/FlateDecode", "/Fl"}:
        data = _inflated(data, most)
        del names[0]
    if names in (["/DCTDecode"], ["/DCT"]):
        stream.write(bare_jpeg(data), filter=pikepdf.Name.DCTDecode, decode_parms=_last(stream))
    elif names == ["/JPXDecode"]:
        stream.write(bare_jpeg2000(data), filter=pikepdf.Name.JPXDecode)
    elif names and not set(names) & {"/CCITTFaxDecode", "/CCF", "/JBIG2Decode", "/DCTDecode", "/JPXDecode"}:
        data = stream.read_bytes(pikepdf.StreamDecodeLevel.specialized)
    if len(data) > most:
        raise RefusedError("bomb")
    return len(data)


def _last(stream: Any) -> Any:
    """Return the parameters of the last filter of a stream."""
    import pikepdf

    told = stream.get("/DecodeParms")
    if isinstance(told, pikepdf.Array):
        told = told[-1] if len(told) else None
    return told if isinstance(told, pikepdf.Dictionary) else None


def _inflated(data: bytes, most: int) -> bytes:
    """Unpack, at most so many bytes. Raises: RefusedError; damaged data end where they are damaged, as in viewers."""
    import zlib

    unpacker = zlib.decompressobj()
    try:
        found = unpacker.decompress(data, most + 1)
    except zlib.error:
        return b""
    if len(found) > most:
        raise RefusedError("bomb")
    return found


def bare_jpeg(data: bytes) -> bytes:
    """Return a JPEG without comments, positions, previews and anything behind its end."""
    if data[:2] != b"\xff\xd8":
        raise RefusedError("unreadable")
    out, place = [b"\xff\xd8"], 2
    while True:
        while data[place : place + 2] == b"\xff\xff":
            place += 1
        marker = data[place + 1 : place + 2]
        if data[place : place + 1] != b"\xff" or not marker:
            raise RefusedError("unreadable")
        if marker == b"\xd9":
            return b"".join([*out, b"\xff\xd9"])
        end = place + 2 + int.from_bytes(data[place + 2 : place + 4], "big")
        segment = data[place:end]
        if len(segment) < 4 or end > len(data):
            raise RefusedError("unreadable")
        if 0xC0 <= marker[0] <= 0xCF and marker[0] not in {0xC4, 0xC8, 0xCC}:
            height, width = int.from_bytes(segment[5:7], "big"), int.from_bytes(segment[7:9], "big")
            if height * width > MOST_PIXELS:
                raise RefusedError("too_many_pixels")
        # The application segments but the one that says how colors are meant, and comments.
        if not (0xE0 <= marker[0] <= 0xEF and marker[0] != 0xEE) and marker != b"\xfe":
            out.append(segment)
        place = end
        if marker == b"\xda":
            place = _end_of_scan(data, end)
            out.append(data[end:place])


def _end_of_scan(data: bytes, place: int) -> int:
    """Return where the next marker stands behind packed pixels."""
    while True:
        place = data.find(b"\xff", place)
        if place < 0 or place + 1 >= len(data):
            raise RefusedError("unreadable")
        after = data[place + 1]
        if after != 0 and not 0xD0 <= after <= 0xD7:
            return place
        place += 2


def bare_jpeg2000(data: bytes) -> bytes:
    """Return a JPEG 2000 picture with the boxes that it needs to be seen, or its bare code stream as it is."""
    if data[:4] == b"\xff\x4f\xff\x51":
        boxes = [data]
    else:
        boxes, place = [], 0
        while place + 8 <= len(data):
            size, name = int.from_bytes(data[place : place + 4], "big"), data[place + 4 : place + 8]
            if size == 0:
                size = len(data) - place
            if size < 8 or place + size > len(data):
                raise RefusedError("unreadable")
            if name in {b"jP  ", b"ftyp", b"jp2h", b"jp2c"}:
                boxes.append(data[place : place + size])
            place += size
    head = data.find(b"\xff\x4f\xff\x51")
    width, height = (int.from_bytes(data[head + place : head + place + 4], "big") for place in (8, 12))
    if head < 0 or not boxes:
        raise RefusedError("unreadable")
    if width * height > MOST_PIXELS:
        raise RefusedError("too_many_pixels")
    return b"".join(boxes)


if __name__ == "__main__":
    sys.exit(main())
