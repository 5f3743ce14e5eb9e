"""Hostile uploads, made on the spot: each by its name, with the reasons for which it may be refused, or to be cleaned.

Every script, name and note in them bears MARK, so that a test can look for what is left of it.
"""

import base64
import gzip
import io
import struct
import zipfile
import zlib
from collections.abc import Callable

import pikepdf
from pikepdf import Array, Dictionary, Name, Pdf
from PIL import Image

from claims.filing.models import LARGEST_PAPER

MARK = b"EVIL-7f3c"
MARKED = MARK.decode()
SCRIPT = b"<script>alert('" + MARK + b"')</script>"
HTML = b"<!doctype html><html>" + SCRIPT + b"</html>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(\'' + MARK + b"')\"/>"
XXE = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><svg>&e;</svg>'
JS = f"app.alert('{MARKED}')"
PNG_HEAD = b"\x89PNG\r\n\x1a\n"

Maker = Callable[[], bytes]
# The reasons of which one is given.
REFUSED: dict[str, tuple[Maker, frozenset[str]]] = {}
CLEANED: dict[str, Maker] = {}
HARMLESS: dict[str, Maker] = {}


def refuse(*reasons: str, **makers: Maker) -> None:
    """Write down files that are refused for one of the reasons."""
    for name, make in makers.items():
        assert name not in REFUSED | CLEANED | HARMLESS, name
        REFUSED[name] = (make, frozenset(reasons))


def clean(**makers: Maker) -> None:
    """Write down files of which something is kept, and nothing of what they carry."""
    for name, make in makers.items():
        assert name not in REFUSED | CLEANED | HARMLESS, name
        CLEANED[name] = make


def keep(**makers: Maker) -> None:
    """Write down papers as people send them, which have to come through."""
    for name, make in makers.items():
        assert name not in REFUSED | CLEANED | HARMLESS, name
        HARMLESS[name] = make


# --- building blocks ----------------------------------------------------------------------------------------------


def saved(image: Image.Image, form: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def jpeg(size: tuple[int, int] = (60, 40), mode: str = "RGB", **options: object) -> bytes:
    return saved(Image.new(mode, size), "JPEG", **options)


def png(size: tuple[int, int] = (60, 40), mode: str = "RGB", **options: object) -> bytes:
    return saved(Image.new(mode, size), "PNG", **options)


def chunk(name: bytes, body: bytes, crc: int | None = None) -> bytes:
    told = zlib.crc32(name + body) if crc is None else crc
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", told)


def raw_png(
    width: int, height: int, *before: bytes, data: bytes = b"\0" * 10_000, depth: int = 8, color: int = 2,
    interlaced: int = 0,
) -> bytes:  # fmt: skip
    """Return a PNG that claims a size, with chunks before its pixels, which need not be there."""
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, interlaced)
    tail = (chunk(b"IDAT", zlib.compress(data, 9)), chunk(b"IEND", b""))
    return PNG_HEAD + b"".join((chunk(b"IHDR", header), *before, *tail))


def segment(marker: int, body: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def jpeg_with(*segments: bytes) -> bytes:
    """Return a picture with these segments behind its beginning."""
    plain = jpeg()
    return plain[:2] + b"".join(segments) + plain[2:]


def jpeg_claiming(width: int, height: int) -> bytes:
    """Return a small picture whose header tells another size."""
    plain = bytearray(jpeg())
    place = plain.index(b"\xff\xc0")
    plain[place + 5 : place + 9] = struct.pack(">HH", height, width)
    return bytes(plain)


def packed(**files: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in files.items():
            archive.writestr(name.replace("_", "."), data)
    return out.getvalue()


ZIP = packed(Evil_class=b"\xca\xfe\xba\xbe" + MARK * 5)


def nothing(_pdf: Pdf) -> None:
    """Leave a PDF as it is."""


def pdf(pages: int = 1, change: Callable[[Pdf], object] = nothing, **options: object) -> bytes:
    made = pikepdf.new()
    for _number in range(pages):
        made.add_blank_page(page_size=(300, 400))
        made.pages[-1].Contents = made.make_stream(b"0 0 m 100 100 l S")
    change(made)
    out = io.BytesIO()
    made.save(out, **options)  # type: ignore[arg-type]
    return out.getvalue()


def pdf_of(change: Callable[[Pdf], object], **options: object) -> Maker:
    return lambda: pdf(1, change, **options)


def action(kind: str, **more: object) -> Dictionary:
    return Dictionary(S=Name("/" + kind), **more)


def script() -> Dictionary:
    return action("JavaScript", JS=JS)


def annotated(made: Pdf, subtype: str = "Link", **more: object) -> None:
    note = Dictionary(Type=Name.Annot, Subtype=Name("/" + subtype), Rect=[0, 0, 90, 90], **more)
    made.pages[0].Annots = Array([made.make_indirect(note)])


def root(key: str, thing: Callable[[Pdf], object]) -> Maker:
    """Return a PDF whose catalog holds something more."""

    def change(made: Pdf) -> None:
        made.Root[Name("/" + key)] = thing(made)  # type: ignore[index]

    return pdf_of(change)


def on_page(key: str, thing: Callable[[Pdf], object]) -> Maker:
    """Return a PDF whose page holds something more."""

    def change(made: Pdf) -> None:
        made.pages[0][Name("/" + key)] = thing(made)  # type: ignore[index]

    return pdf_of(change)


def noted(subtype: str = "Link", **more: object) -> Maker:
    """Return a PDF with a note on its page."""
    return pdf_of(lambda made: annotated(made, subtype, **more))


def drawn(**told: object) -> Callable[[Pdf, bytes], None]:
    """Return what puts a picture with these entries onto a page."""

    def put(made: Pdf, data: bytes) -> None:
        picture = made.make_stream(data)
        picture.Type, picture.Subtype = Name.XObject, Name.Image
        for key, value in told.items():
            picture[Name("/" + key)] = value  # type: ignore[index]
        made.pages[0].Resources = Dictionary(XObject=Dictionary(Im0=picture))
        made.pages[0].Contents = made.make_stream(b"q 90 0 0 90 0 0 cm /Im0 Do Q")

    return put


def drawing(data: bytes, filters: object = None, width: int = 60, height: int = 40) -> Maker:
    """Return a PDF with one picture of packed data as they are given."""

    def change(made: Pdf) -> None:
        drawn(Width=width, Height=height, ColorSpace=Name.DeviceRGB, BitsPerComponent=8)(made, b"")
        made.pages[0].Resources.XObject.Im0.write(data, filter=filters)

    return pdf_of(change)


def content(data: bytes, filters: object = None) -> Maker:
    """Return a PDF whose page draws what these packed bytes say."""

    def change(made: Pdf) -> None:
        made.pages[0].Contents.write(data, filter=filters)

    return pdf_of(change)


def hand_made(*objects: bytes, trailer: bytes = b"") -> bytes:
    """Return a PDF of objects as they are written, with a true table of where they stand."""
    out, places = bytearray(b"%PDF-1.7\n"), []
    for number, body in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    begin = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<< /Size %d /Root 1 0 R %s >>\nstartxref\n%d\n%%%%EOF\n" % (
        len(objects) + 1, trailer, begin,
    )  # fmt: skip
    return bytes(out)


CATALOG = b"<< /Type /Catalog /Pages 2 0 R >>"
PAGE = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 400] >>"
TREE = b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>"


def deep(opening: bytes, closing: bytes, depth: int) -> bytes:
    return hand_made(CATALOG[:-2] + b"/X " + opening * depth + closing * depth + b">>", TREE, PAGE)


def zeros(size: int) -> bytes:
    return zlib.compress(b"\0" * size, 9)


def bomb(megabytes: int) -> bytes:
    """Return packed zeros that come to so much, made in pieces."""
    packer = zlib.compressobj(6)
    out = [packer.compress(b"\0" * 2**20) for _piece in range(megabytes)]
    return b"".join([*out, packer.flush()])


def text_chunk(size: int) -> bytes:
    return chunk(b"zTXt", b"note\0\0" + zeros(size))


def positioned() -> bytes:
    exif = Image.Exif()
    exif[0x8825] = {1: "N", 2: (30.0, 15.0, 0.0), 29: "2026:05:04", 27: MARK}
    exif[0x010E] = MARKED
    exif[0x0131] = MARKED
    return exif.tobytes()


def two_pictures() -> bytes:
    """Return what phones write: a photograph with a second picture behind it."""
    first, second = Image.new("RGB", (60, 40), "red"), Image.new("RGB", (30, 20), "blue")
    return saved(first, "MPO", save_all=True, append_images=[second])


def moving() -> bytes:
    frames = [Image.new("RGB", (9, 9), (shade, 0, 0)) for shade in (0, 99, 200)]
    return saved(frames[0], "PNG", save_all=True, append_images=frames[1:])


def photograph() -> Image.Image:
    return Image.effect_noise((600, 400), 60).convert("RGB")


def icc(body: bytes) -> bytes:
    return segment(0xE2, b"ICC_PROFILE\0\x01\x01" + body)


# --- not a paper at all ---------------------------------------------------------------------------------------------

refuse(
    "unknown_type",
    one_byte=lambda: b"x",
    svg=lambda: SVG,
    svg_packed=lambda: gzip.compress(SVG),
    svg_behind_blanks=lambda: b"\n" * 300 + SVG,
    xxe=lambda: XXE,
    html=lambda: HTML,
    html_behind_a_mark_of_order=lambda: b"\xef\xbb\xbf" + HTML,
    html_with_a_pdf_in_it=lambda: HTML + b"%PDF-1.7" + pdf(),
    html_with_a_jpeg_in_it=lambda: HTML + jpeg(),
    javascript=lambda: b"alert('" + MARK + b"')//",
    xml_transform=lambda: b"<?xml version='1.0'?><?xml-stylesheet href='x.xsl'?><x/>",
    mhtml=lambda: b"MIME-Version: 1.0\nContent-Type: text/html\n\n" + HTML,
    zip_archive=lambda: ZIP,
    zip_bomb=lambda: packed(a_txt=b"\0" * 5_000_000),
    gzip_bomb=lambda: gzip.compress(b"\0" * 5_000_000),
    office_with_macros=lambda: packed(word_document_xml=b"<w:document/>", word_vbaProject_bin=MARK),
    java_archive_before_a_pdf=lambda: ZIP + pdf(),
    gif=lambda: saved(Image.new("P", (9, 9)), "GIF"),
    gifar=lambda: saved(Image.new("P", (9, 9)), "GIF") + ZIP,
    gif_as_script=lambda: b"GIF89a/*" + b"\0" * 40 + b"*/=1;alert('" + MARK + b"')",
    webp=lambda: saved(Image.new("RGB", (9, 9)), "WEBP"),
    tiff=lambda: saved(Image.new("RGB", (9, 9)), "TIFF"),
    bmp=lambda: saved(Image.new("RGB", (9, 9)), "BMP"),
    bmp_as_script=lambda: b"BM/*" + b"\0" * 50 + b"*/=1;alert('" + MARK + b"')",
    icon=lambda: saved(Image.new("RGB", (16, 16)), "ICO"),
    avif=lambda: b"\0\0\0\x1cftypavif" + b"\0" * 40,
    video=lambda: b"\0\0\0\x18ftypmp42" + b"\0" * 40,
    windows_program=lambda: b"MZ" + b"\0" * 58 + b"\x80\0\0\0" + MARK,
    linux_program=lambda: b"\x7fELF" + b"\0" * 60 + MARK,
    shell_script=lambda: b"#!/bin/sh\necho " + MARK,
    link_file=lambda: b"L\0\0\0\x01\x14\x02\0" + MARK,
    postscript=lambda: b"%!PS-Adobe-3.0\n(%stdin) (r) file",
    postscript_in_a_jacket=lambda: b"\xc5\xd0\xd3\xc6" + b"%!PS" + MARK,
    path=lambda: b"../../../../etc/passwd",
    path_with_nul=lambda: b"paper.jpg\0.php<?php echo '" + MARK + b"'; ?>",
    php=lambda: b"<?php echo '" + MARK + b"'; ?>",
    pickle=lambda: b"cos\nsystem\n(S'echo " + MARK + b"'\ntR.",
    blanks_before_a_pdf=lambda: b" " * 20 + pdf(),
    pdf_of_another_kind=lambda: b"%PDF-3.0\n" + pdf()[9:],
    nul_bytes=lambda: b"\0" * 4096,
    only_marks_of_order=lambda: b"\xfe\xff" * 30,
    base64_of_a_jpeg=lambda: base64.b64encode(jpeg()),
    address_of_data=lambda: b"data:image/png;base64," + base64.b64encode(png()),
)
refuse("empty", nothing_at_all=lambda: b"")
refuse(
    "too_large",
    too_many_bytes=lambda: jpeg() + b"\0" * LARGEST_PAPER,
    too_many_bytes_of_nothing=lambda: b"\0" * (LARGEST_PAPER + 1),
)
refuse(
    "heic",
    heic=lambda: b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 60,
    heic_by_another_name=lambda: b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic" + b"\0" * 60,
    heic_moving=lambda: b"\0\0\0\x18ftyphevc" + b"\0" * 60,
)

# --- pictures that are none -----------------------------------------------------------------------------------------

refuse(
    "unreadable",
    jpeg_beginning=lambda: b"\xff\xd8\xff\xe0",
    jpeg_without_pixels=lambda: jpeg()[: jpeg().index(b"\xff\xda")],
    jpeg_of_a_script=lambda: b"\xff\xd8\xff/*" + HTML,
    jpeg_beginning_of_a_pdf=lambda: b"\xff\xd8\xff" + pdf(),
    jpeg_beginning_of_a_zip=lambda: b"\xff\xd8\xff\xe0" + ZIP,
    jpeg_cut_at_a_tenth=lambda: saved(photograph(), "JPEG")[:9_000],
    jpeg_cut_in_the_middle=lambda: saved(photograph(), "JPEG")[:40_000],
    jpeg_with_a_segment_past_its_end=lambda: b"\xff\xd8" + segment(0xE1, b"x" * 40)[:20],
    jpeg_of_no_size=lambda: jpeg_claiming(0, 0),
    png_beginning=lambda: PNG_HEAD,
    png_of_a_script=lambda: PNG_HEAD + HTML,
    png_of_a_zip=lambda: PNG_HEAD + ZIP,
    png_cut_in_its_header=lambda: png()[:20],
    png_cut_in_its_pixels=lambda: saved(photograph(), "PNG")[:9_000],
    png_without_pixels=lambda: PNG_HEAD + chunk(b"IHDR", struct.pack(">IIBBBBB", 9, 9, 8, 2, 0, 0, 0)),
    png_of_zero_width=lambda: raw_png(0, 9),
    png_of_a_depth_that_is_none=lambda: raw_png(9, 9, depth=3),
    png_of_colors_that_are_none=lambda: raw_png(9, 9, color=5),
    png_with_a_wrong_checksum=lambda: PNG_HEAD + chunk(b"IHDR", b"\0" * 13, crc=1) + ZIP,
    png_with_a_chunk_past_its_end=lambda: PNG_HEAD + struct.pack(">I", 2**31 - 1) + b"IHDR" + b"\0" * 50,
    png_text_bomb=lambda: raw_png(9, 9, text_chunk(40_000_000)),
    png_text_bombs_many=lambda: raw_png(9, 9, *(text_chunk(1_000_000) for _one in range(80))),
    png_international_text_bomb=lambda: raw_png(9, 9, chunk(b"iTXt", b"n\0\1\0\0\0" + zeros(40_000_000))),
    png_profile_bomb=lambda: raw_png(9, 9, chunk(b"iCCP", b"p\0\0" + zeros(40_000_000))),
)
refuse(
    "too_many_pixels",
    png_50000_by_50000=lambda: raw_png(50_000, 50_000),
    png_50000_by_50000_of_bits=lambda: raw_png(50_000, 50_000, depth=1, color=0),
    png_of_the_largest_size=lambda: raw_png(2**31 - 1, 2**31 - 1),
    png_just_too_large=lambda: raw_png(8_000, 5_001),
    png_long_and_thin=lambda: raw_png(30_000, 10),
    png_tall_and_thin=lambda: raw_png(10, 30_000),
    png_flood_interlaced=lambda: raw_png(50_000, 50_000, interlaced=1),
    jpeg_65000_by_65000=lambda: jpeg_claiming(65_000, 65_000),
    jpeg_long_and_thin=lambda: jpeg_claiming(60_000, 8),
)
refuse("animated", png_moving=moving)

# --- pictures with something in them --------------------------------------------------------------------------------

clean(
    jpeg_and_zip=lambda: jpeg() + ZIP,
    jpeg_and_html=lambda: jpeg() + HTML,
    jpeg_and_program=lambda: jpeg() + b"MZ" + MARK * 50,
    jpeg_and_pdf=lambda: jpeg() + pdf(1, lambda made: made.Root.__setitem__("/OpenAction", script())),
    jpeg_and_archive_of_scripts=lambda: jpeg() + packed(index_html=HTML),
    jpeg_comment_of_a_script=lambda: jpeg(comment=b"*/alert('" + MARK + b"')/*"),
    jpeg_comment_of_php=lambda: jpeg(comment=b"<?php echo '" + MARK + b"'; ?>"),
    jpeg_comments_very_long=lambda: jpeg_with(*(segment(0xFE, MARK * 7_000) for _one in range(20))),
    jpeg_with_position=lambda: jpeg(exif=positioned()),
    jpeg_with_notes_that_make_no_sense=lambda: jpeg_with(
        segment(0xE1, b"Exif\0\0MM\0*\xff\xff\xff\xff" + MARK)
    ),
    jpeg_with_xmp=lambda: jpeg_with(segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x>" + MARK + b"</x>")),
    jpeg_with_profile=lambda: jpeg(icc_profile=MARK * 300),
    jpeg_with_profile_in_pieces_missing=lambda: jpeg_with(segment(0xE2, b"ICC_PROFILE\0\x01\x09" + MARK)),
    jpeg_with_captions=lambda: jpeg_with(
        segment(0xED, b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0\x09" + MARK)
    ),
    jpeg_with_every_application_segment=lambda: jpeg_with(
        *(segment(0xE0 + n, MARK * 9) for n in range(3, 14))
    ),
    jpeg_script_in_its_length=lambda: jpeg_with(segment(0xFE, b"/*" + b" " * 0x2F2A + b"*/=1;/*" + MARK)),
    jpeg_with_a_second_picture=lambda: two_pictures() + MARK,
    png_and_zip=lambda: png() + ZIP,
    png_and_html=lambda: png() + HTML,
    png_and_program=lambda: png() + b"MZ" + MARK * 50,
    png_and_second_png=lambda: png() + png() + MARK,
    png_text=lambda: raw_png(9, 9, chunk(b"tEXt", b"Author\0" + MARK)),
    png_packed_text=lambda: raw_png(9, 9, chunk(b"zTXt", b"note\0\0" + zlib.compress(SCRIPT))),
    png_international_text=lambda: raw_png(9, 9, chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + SCRIPT)),
    png_with_position=lambda: png(exif=positioned()),
    png_with_profile=lambda: png(icc_profile=MARK * 300),
    png_with_time=lambda: raw_png(9, 9, chunk(b"tIME", b"\x07\xea\x05\x04\0\0\0")),
    png_with_a_chunk_of_its_own=lambda: raw_png(9, 9, chunk(b"evIl", SCRIPT)),
    png_with_more_pixels_than_it_says=lambda: raw_png(9, 9, data=b"\0" * 280 + MARK * 99),
    png_bomb_of_pixels_nobody_asked_for=lambda: raw_png(9, 9, data=b"\0" * 50_000_000),
    png_with_html_before_its_end=lambda: png()[:-12] + chunk(b"tEXt", b"x\0" + HTML) + png()[-12:],
)
keep(
    jpeg_plain=jpeg,
    jpeg_gray=lambda: jpeg(mode="L"),
    jpeg_of_four_colors=lambda: jpeg(mode="CMYK"),
    jpeg_progressive=lambda: saved(photograph(), "JPEG", progressive=True),
    jpeg_of_a_phone_with_two_pictures=two_pictures,
    png_plain=png,
    png_of_16_bits=lambda: saved(Image.new("I;16", (60, 40), 40_000), "PNG"),
    png_of_a_palette=lambda: saved(photograph().convert("P"), "PNG"),
    png_of_bits=lambda: png(mode="1"),
    png_with_transparence=lambda: png(mode="RGBA"),
    png_interlaced=lambda: raw_png(8, 8, data=b"\0" * 400, interlaced=1),
    pdf_plain=pdf,
    pdf_of_100_pages=lambda: pdf(100),
    pdf_in_object_streams=lambda: pdf(object_stream_mode=pikepdf.ObjectStreamMode.generate),
    pdf_for_the_web=lambda: pdf(linearize=True),
    pdf_with_a_photograph=drawing(jpeg(), Name.DCTDecode),
    pdf_with_a_photograph_packed_twice=drawing(
        zlib.compress(jpeg()), Array([Name.FlateDecode, Name.DCTDecode])
    ),
)
