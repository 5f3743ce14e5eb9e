"""What is left of papers that are taken, and what the process that reads them is told."""

import io
from collections.abc import Callable
from pathlib import Path

import pikepdf
import pytest
from PIL import Image

from aidplatform.lib import apart
from claims.filing import papers
from claims.filing.clean_paper import LARGEST
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


def test_cleaner_and_table_agree_on_the_largest_paper() -> None:
    assert LARGEST == LARGEST_PAPER


def _pixels(data: bytes) -> list[bytes]:
    with Image.open(io.BytesIO(data)) as image:
        flat = image.convert("RGB").tobytes()
    return [flat[place : place + 3] for place in range(0, len(flat), 3)]


@pytest.mark.parametrize("size", [(40, 30), (900, 1200), (3000, 500)])
def test_marked_picture_bears_its_reader_everywhere(size: tuple[int, int]) -> None:
    paper = papers.clean(_png(size))
    marked = papers.marked(paper, "P-READER · CL-CASE · 2026-05-20 10:00 UTC")
    assert marked.media_type == "image/png"
    before, after = _pixels(paper.data), _pixels(marked.data)
    changed = [place for place, (old, new) in enumerate(zip(before, after, strict=True)) if old != new]
    assert 0.02 < len(changed) / len(before) < 0.7
    width, height = size
    if width > 100:
        for left, top in ((0, 0), (width // 2, 0), (0, height // 2), (width // 2, height // 2)):
            assert any(
                left <= place % width < left + width // 2 and top <= place // width < top + height // 2
                for place in changed
            )


def test_marked_pdf_bears_its_reader_on_every_page_whatever_the_page_draws() -> None:
    def change(pdf: pikepdf.Pdf) -> None:
        for page, said in zip(pdf.pages, (b"q q 0 0 0 0 0 0 cm", b"Q Q Q", b"/Nothing Do"), strict=True):
            page.Contents = pdf.make_stream(said)

    paper = papers.clean(_pdf(3, change))
    marked = papers.marked(paper, "P-READER (x) · CL-CASE")
    with pikepdf.open(io.BytesIO(marked.data)) as pdf:
        for page in pdf.pages:
            drawn = page.Contents.read_bytes()
            assert drawn.startswith(b"q /Page Do Q\n")
            assert b"(P-READER \\(x\\) \xb7 CL-CASE) Tj" in drawn
            assert page.Resources.Font.Mark.BaseFont == "/Helvetica"
        assert len(pdf.pages) == 3
    assert paper == papers.clean(_pdf(3, change))


def test_paper_that_takes_too_long_is_refused_by_that_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limits are the script's own: one that runs on is killed, and the web process only hears of it."""
    script = tmp_path / "endless.py"
    script.write_text("import resource\nresource.setrlimit(resource.RLIMIT_CPU, (1, 1))\nwhile True: pass\n")
    monkeypatch.setattr(papers, "_CLEANER", script)
    with pytest.raises(papers.PaperRefusedError) as caught:
        papers.clean(_jpeg())
    assert caught.value.extra["reason"] == "takes_too_long"
