"""Every hostile upload is refused for a reason that has a name, or cleaned so that nothing of it is left."""

import io

import pikepdf
import pytest
from PIL import Image

from claims.filing import papers
from claims.filing.models import LARGEST_PAPER
from claims.filing.tests import hostile_pdfs
from claims.filing.tests.hostile import CLEANED, HARMLESS, MARK, REFUSED, saved

assert hostile_pdfs


def everything_in(paper: papers.Paper) -> bytes:
    """Return all bytes of a paper, packed and unpacked, so that a name can be looked for."""
    if paper.media_type != "application/pdf":
        return paper.data
    found = [paper.data]
    with pikepdf.open(io.BytesIO(paper.data)) as pdf:
        for thing in pdf.objects:
            found.append(str(thing).encode() if not isinstance(thing, pikepdf.Stream) else b"")
            if isinstance(thing, pikepdf.Stream):
                found += [thing.read_raw_bytes(), str(dict(thing.items())).encode()]
                if "/DCTDecode" not in str(thing.get("/Filter")):
                    found.append(thing.read_bytes())
    return b"\n".join(found)


def test_there_are_enough_of_them() -> None:
    assert len(REFUSED) + len(CLEANED) >= 200


@pytest.mark.parametrize("name", REFUSED)
def test_hostile_file_is_refused_by_name(name: str) -> None:
    make, reasons = REFUSED[name]
    with pytest.raises(papers.PaperRefusedError) as caught:
        papers.clean(make())
    assert caught.value.extra["reason"] in reasons
    assert str(caught.value)


@pytest.mark.parametrize("name", CLEANED)
def test_hostile_file_is_cleaned_of_all_that_it_carries(name: str) -> None:
    kept = papers.clean(CLEANED[name]())
    assert 0 < len(kept.data) <= LARGEST_PAPER
    assert MARK not in everything_in(kept)
    if kept.media_type == "application/pdf":
        with pikepdf.open(io.BytesIO(kept.data)) as pdf:
            assert set(pdf.Root.keys()) == {"/Type", "/Pages"}
            assert all(set(page.keys()) <= hostile_pdfs_keys() for page in pdf.pages)
    else:
        with Image.open(io.BytesIO(kept.data)) as image:
            image.load()
            assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


def hostile_pdfs_keys() -> set[str]:
    """Return what a page may keep."""
    return {
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


@pytest.mark.parametrize("name", HARMLESS)
def test_paper_of_honest_people_comes_through(name: str) -> None:
    data = HARMLESS[name]()
    kept = papers.clean(data)
    if kept.media_type == "application/pdf":
        with pikepdf.open(io.BytesIO(data)) as before, pikepdf.open(io.BytesIO(kept.data)) as after:
            assert len(before.pages) == len(after.pages)
    else:
        with Image.open(io.BytesIO(data)) as before, Image.open(io.BytesIO(kept.data)) as after:
            assert before.size == after.size


def _first_pixel(data: bytes) -> object:
    with Image.open(io.BytesIO(papers.clean(data).data)) as image:
        return image.convert("RGB").getpixel((0, 0))


def test_gray_of_16_bits_keeps_its_shades() -> None:
    shades = Image.new("I;16", (40, 40), 40_000)
    assert _first_pixel(saved(shades, "PNG")) == (156, 156, 156)


def test_what_is_transparent_stays_unseen() -> None:
    covered = Image.new("RGBA", (40, 40), (200, 0, 0, 0))
    assert _first_pixel(saved(covered, "PNG")) == (255, 255, 255)


def test_photograph_of_four_colors_keeps_its_look() -> None:
    green = Image.new("CMYK", (40, 40), (255, 0, 255, 0))
    red, shade, blue = _first_pixel(saved(green, "JPEG"))  # type: ignore[misc]
    assert shade > 150 > max(red, blue)


def test_page_takes_over_what_its_tree_says() -> None:
    """Size and fonts may stand at the tree of pages instead of the page."""
    tree = b"<< /Type /Pages /Kids [3 0 R] /Count 1 /MediaBox [0 0 200 100] /Rotate 90 %s >>"
    tree %= b"/Resources << /Font << /F0 5 0 R >> >>"
    made = hostile_pdfs.hand_made(
        hostile_pdfs.CATALOG, tree, b"<< /Type /Page /Parent 2 0 R /Contents 4 0 R >>",
        b"<< /Length 30 >>\nstream\nBT /F0 9 Tf 9 9 Td (A) Tj ET  \nendstream",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    )  # fmt: skip
    with pikepdf.open(io.BytesIO(papers.clean(made).data)) as pdf:
        page = pdf.pages[0]
        assert [int(edge) for edge in page.MediaBox] == [0, 0, 200, 100]
        assert page.Rotate == 90
        assert page.Resources.Font.F0.BaseFont == "/Helvetica"
        assert b"(A) Tj" in page.Contents.read_bytes()


def test_what_was_filled_into_a_form_stays_to_be_seen() -> None:
    def change(pdf: pikepdf.Pdf) -> None:
        look = pdf.make_stream(
            b"0 0 m 9 9 l S", Type=pikepdf.Name.XObject, Subtype=pikepdf.Name.Form, BBox=[0, 0, 9, 9]
        )
        field = pdf.make_indirect(
            pikepdf.Dictionary(
                Type=pikepdf.Name.Annot, Subtype=pikepdf.Name.Widget, FT=pikepdf.Name.Tx, T="name", V="Li Na",
                Rect=[0, 0, 90, 90], AP=pikepdf.Dictionary(N=look), F=4,
            )
        )  # fmt: skip
        pdf.pages[0].Annots = pikepdf.Array([field])
        pdf.Root.AcroForm = pikepdf.Dictionary(Fields=pikepdf.Array([field]))

    kept = papers.clean(hostile_pdfs.pdf(1, change))
    with pikepdf.open(io.BytesIO(kept.data)) as pdf:
        assert "/Annots" not in pdf.pages[0]
        assert len(pdf.pages[0].Resources.XObject) == 1


def test_too_large_once_it_is_written_anew_is_refused() -> None:
    noise = Image.effect_noise((3200, 2700), 120).convert("RGB")
    small = saved(noise.quantize(256), "PNG")
    assert len(small) < LARGEST_PAPER
    with pytest.raises(papers.PaperRefusedError) as caught:
        papers.clean(small)
    assert caught.value.extra["reason"] == "too_large"
