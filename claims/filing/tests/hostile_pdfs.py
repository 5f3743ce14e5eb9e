"""The hostile uploads that begin as a PDF does; with those of `hostile` they are one list."""

import base64
import zlib

import pikepdf
from pikepdf import Array, Dictionary, Name, Pdf, String

from claims.filing.tests.hostile import (
    CATALOG,
    HTML,
    JS,
    MARK,
    MARKED,
    PAGE,
    SCRIPT,
    TREE,
    ZIP,
    action,
    annotated,
    bomb,
    clean,
    content,
    deep,
    drawing,
    drawn,
    hand_made,
    jpeg,
    jpeg_claiming,
    jpeg_with,
    noted,
    on_page,
    pdf,
    pdf_of,
    png,
    positioned,
    refuse,
    root,
    script,
    segment,
    zeros,
)

PACKED = pikepdf.ObjectStreamMode.generate


def _named_script(made: Pdf) -> None:
    run = made.make_indirect(script())
    made.Root.Names = Dictionary(JavaScript=Dictionary(Names=["run", run]))


def _attached(made: Pdf) -> None:
    made.attachments["evil.exe"] = b"MZ" + MARK * 100


def _file_note(made: Pdf) -> None:
    inside = made.make_stream(MARK, Type=Name.EmbeddedFile)
    annotated(
        made, "FileAttachment", FS=Dictionary(Type=Name.Filespec, F="evil.exe", EF=Dictionary(F=inside))
    )


def _rich_media(made: Pdf) -> None:
    annotated(made, "RichMedia", RichMediaContent=Dictionary(Assets=Dictionary(Names=[])))


def _form_with_script(made: Pdf) -> None:
    field = made.make_indirect(
        Dictionary(FT=Name.Tx, T="name", Type=Name.Annot, Subtype=Name.Widget, Rect=[0, 0, 9, 9],
                   AA=Dictionary(K=script()))
    )  # fmt: skip
    made.pages[0].Annots = Array([field])
    made.Root.AcroForm = Dictionary(Fields=Array([field]))


def _unused_script(made: Pdf) -> None:
    """Leave a script that only what is thrown away refers to: it was meant to run all the same."""
    made.Root.Unused = made.make_indirect(Dictionary(More=Array([Dictionary(A=script())])))


def _outline(made: Pdf) -> None:
    item = made.make_indirect(Dictionary(Title=MARKED, A=script()))
    made.Root.Outlines = Dictionary(First=item, Last=item, Count=1)


def _cyclic_action(made: Pdf) -> None:
    first = made.make_indirect(action("URI", URI="https://evil.example"))
    second = made.make_indirect(action("URI", URI="https://evil.example", Next=first))
    first.Next = second
    made.Root.OpenAction = first


def _type3(made: Pdf) -> None:
    """Give a font whose letters are drawn by a stream that unpacks to a great deal."""
    letter = made.make_stream(b"")
    letter.write(bomb(64), filter=Name.FlateDecode)
    font = Dictionary(
        Type=Name.Font, Subtype=Name.Type3, FontBBox=[0, 0, 9, 9], FontMatrix=[1, 0, 0, 1, 0, 0],
        CharProcs=Dictionary(a=letter), Encoding=Dictionary(Differences=[97, Name.a]), FirstChar=97, LastChar=97,
        Widths=[9],
    )  # fmt: skip
    made.pages[0].Resources = Dictionary(Font=Dictionary(F0=font))


def _many(make: bytes, number: int) -> bytes:
    """Return pages that each draw the same bomb: one alone would pass."""

    def change(made: Pdf) -> None:
        for page in made.pages:
            page.Contents = made.make_stream(b"")
            page.Contents.write(make, filter=Name.FlateDecode)

    return pdf(number, change)


def _elsewhere(made: Pdf) -> None:
    made.pages[0].Contents.F = String("file:///etc/passwd")


def _metadata(made: Pdf) -> None:
    made.docinfo["/Author"] = MARKED
    made.docinfo["/Producer"] = MARKED
    made.Root.Metadata = made.make_stream(b"<x:xmpmeta>" + MARK + b"</x:xmpmeta>", Type=Name.Metadata)
    made.pages[0].PieceInfo = Dictionary(App=Dictionary(Private=String(MARKED)))
    made.pages[0].Metadata = made.make_stream(MARK)


def _picture_metadata(made: Pdf) -> None:
    drawn(Width=60, Height=40, ColorSpace=Name.DeviceRGB, BitsPerComponent=8)(made, b"\0" * 7200)
    picture = made.pages[0].Resources.XObject.Im0
    picture.Metadata = made.make_stream(MARK)
    picture.OPI = Dictionary(Private=String(MARKED))


def _revised() -> bytes:
    """Return a PDF whose first version acts, and whose second one says that it does not."""
    first = hand_made(
        CATALOG[:-2] + b"/OpenAction 4 0 R >>", TREE, PAGE, b"<< /S /JavaScript /JS (" + MARK + b") >>"
    )
    place, before = len(first), first.rindex(b"xref\n0")
    body = b"4 0 obj\n<< /S /URI >>\nendobj\n"
    table = (
        b"xref\n4 1\n%010d 00000 n \ntrailer\n<< /Size 5 /Root 1 0 R /Prev %d >>\nstartxref\n%d\n%%%%EOF\n"
    )
    return first + body + table % (place, before, place + len(body))


def _kids(*kids: bytes, count: int = 1) -> bytes:
    return b"<< /Type /Pages /Kids [" + b" ".join(kids) + b"] /Count %d >>" % count


def _thousands() -> bytes:
    kids = b" ".join(b"%d 0 R" % number for number in range(3, 5003))
    return hand_made(CATALOG, b"<< /Type /Pages /Kids [" + kids + b"] /Count 5000 >>", *([PAGE] * 5000))


def _levels(depth: int) -> bytes:
    """Return a tree of pages of which every level has one kid."""
    levels = [b"<< /Type /Pages /Kids [%d 0 R] /Count 1 >>" % (number + 1) for number in range(2, depth + 2)]
    return hand_made(CATALOG, *levels, PAGE)


ACTS = ("active_content",)
refuse(
    *ACTS,
    pdf_script_when_opened=root("OpenAction", lambda _made: script()),
    pdf_script_when_opened_in_object_streams=pdf_of(
        lambda made: made.Root.__setitem__("/OpenAction", script()), object_stream_mode=PACKED
    ),
    pdf_script_when_closed=root("AA", lambda _made: Dictionary(WC=script())),
    pdf_script_when_printed=root("AA", lambda _made: Dictionary(WP=script())),
    pdf_script_of_a_page=on_page("AA", lambda _made: Dictionary(O=script())),
    pdf_script_by_name=pdf_of(_named_script),
    pdf_script_by_name_in_object_streams=pdf_of(_named_script, object_stream_mode=PACKED),
    pdf_script_of_a_link=noted(A=script()),
    pdf_script_when_the_mouse_comes=noted("Screen", AA=Dictionary(E=script())),
    pdf_script_of_a_field=pdf_of(_form_with_script),
    pdf_script_in_an_outline=pdf_of(_outline),
    pdf_script_that_nothing_uses=pdf_of(_unused_script),
    pdf_script_after_a_harmless_action=root(
        "OpenAction", lambda _made: action("URI", Next=Array([script()]))
    ),
    pdf_script_in_a_stream=root(
        "OpenAction", lambda made: action("JavaScript", JS=made.make_stream(JS.encode()))
    ),
    pdf_script_with_its_name_disguised=lambda: hand_made(
        CATALOG[:-2] + b"/OpenAction << /S /J#61va#53cript /J#53 (" + MARK + b") >> >>", TREE, PAGE
    ),
    pdf_script_whose_end_is_missing=lambda: hand_made(
        CATALOG[:-2] + b"/OpenAction << /S /JavaScript /JS (" + MARK + b") >> >>", TREE, PAGE
    ).replace(b"startxref", b"startxxxx"),
    pdf_script_in_a_first_version=lambda: hand_made(
        CATALOG[:-2] + b"/OpenAction 4 0 R >>", TREE, PAGE, b"<< /S /JavaScript /JS (" + MARK + b") >>"
    ),
    pdf_launch=root("OpenAction", lambda _made: action("Launch", F="calc.exe")),
    pdf_launch_by_a_link=noted(A=action("Launch", Win=Dictionary(F="cmd.exe", P="/c " + MARKED))),
    pdf_submit=noted(A=action("SubmitForm", F="https://evil.example")),
    pdf_import=noted(A=action("ImportData", F="evil.fdf")),
    pdf_other_file=noted(A=action("GoToR", F="\\\\evil.example\\share")),
    pdf_file_inside=noted(A=action("GoToE", T=Dictionary(R=Name.C))),
    pdf_rendition=noted("Screen", A=action("Rendition", JS=JS)),
    pdf_movie=noted("Movie", Movie=Dictionary(F="evil.avi")),
    pdf_sound=noted("Sound", Sound=Dictionary(R=8000)),
    pdf_three_dimensions=noted("3D", **{"3DD": Dictionary(Type=Name("/3D"))}),
    pdf_rich_media=pdf_of(_rich_media),
    pdf_xfa=root("AcroForm", lambda _made: Dictionary(XFA=String("<xdp>" + MARKED + "</xdp>"))),
    pdf_xfa_in_a_stream=root("AcroForm", lambda made: Dictionary(XFA=made.make_stream(b"<xdp/>"))),
)
refuse(
    "attachments",
    pdf_attached=pdf_of(_attached),
    pdf_attached_to_a_note=pdf_of(_file_note),
    pdf_portfolio=pdf_of(lambda made: (_attached(made), made.Root.__setitem__("/Collection", Dictionary()))),
    pdf_contents_elsewhere=pdf_of(_elsewhere),
)
refuse(
    "encrypted",
    pdf_with_password=pdf_of(lambda _made: None, encryption=pikepdf.Encryption(owner="o", user="u")),
    pdf_with_owner_password=pdf_of(lambda _made: None, encryption=pikepdf.Encryption(owner="o", user="")),
    pdf_with_old_password=pdf_of(
        lambda _made: None, encryption=pikepdf.Encryption(owner="o", user="u", R=3, aes=False, metadata=False)
    ),
)
refuse(
    "too_many_pages",
    pdf_without_pages=lambda: pdf(0),
    pdf_of_101_pages=lambda: pdf(101),
    pdf_of_5000_pages=_thousands,
    pdf_of_one_page_a_thousand_times=lambda: hand_made(CATALOG, _kids(*[b"3 0 R"] * 1000, count=1000), PAGE),
)
refuse(
    "unreadable",
    "too_many_pages",
    "takes_too_long",
    pdf_beginning=lambda: b"%PDF-1.7\n",
    pdf_of_a_script=lambda: b"%PDF-1.4\n" + HTML,
    pdf_of_a_zip=lambda: b"%PDF-1.4\n" + ZIP,
    pdf_of_a_jpeg=lambda: b"%PDF-1.4\n" + jpeg(),
    pdf_of_a_png=lambda: b"%PDF-1.4\n" + png(),
    pdf_cut_at_100=lambda: pdf()[:100],
    pdf_cut_before_its_page=lambda: pdf()[:200],
    pdf_whose_tree_eats_itself=lambda: hand_made(CATALOG, _kids(b"2 0 R")),
    pdf_whose_tree_goes_in_a_circle=lambda: hand_made(CATALOG, _kids(b"3 0 R"), _kids(b"2 0 R")),
    pdf_without_catalog=lambda: hand_made(b"<< >>", TREE, PAGE),
    pdf_whose_catalog_is_a_number=lambda: hand_made(b"42", TREE, PAGE),
    pdf_arrays_too_deep=lambda: deep(b"[", b"]", 200_000),
    pdf_dictionaries_too_deep=lambda: deep(b"<</X ", b">>", 100_000),
    pdf_of_a_million_brackets=lambda: b"%PDF-1.7\n" + b"[" * 1_000_000,
)
refuse(
    "bomb",
    "too_large",
    pdf_bomb_on_a_page=content(bomb(64), Name.FlateDecode),
    pdf_bomb_on_many_pages=lambda: _many(zeros(31 * 2**20), 34),
    pdf_bomb_packed_twice=content(zlib.compress(bomb(64), 9), Array([Name.FlateDecode, Name.FlateDecode])),
    pdf_bomb_in_letters=content(
        base64.a85encode(bomb(64), adobe=False) + b"~>", Array([Name.ASCII85Decode, Name.FlateDecode])
    ),
    pdf_bomb_of_runs=content(b"\x81\0" * 2_000_000 + b"\x80", Name.RunLengthDecode),
    pdf_bomb_in_a_picture=drawing(bomb(200), Name.FlateDecode),
    pdf_bomb_in_a_font=pdf_of(_type3),
)
refuse(
    "too_many_pixels",
    pdf_picture_of_50000_by_50000=drawing(zeros(1000), Name.FlateDecode, 50_000, 50_000),
    pdf_fax_of_50000_by_50000=drawing(b"\0" * 9, Name.CCITTFaxDecode, 50_000, 50_000),
    pdf_photograph_that_claims_more=drawing(jpeg_claiming(65_000, 65_000), Name.DCTDecode),
    pdf_jpeg2000_that_claims_more=drawing(
        b"\xff\x4f\xff\x51\0\x29\0\0" + b"\0\x01\0\0" * 2 + b"\0" * 40, Name.JPXDecode
    ),
    pdf_page_as_large_as_a_town=on_page("MediaBox", lambda _made: Array([0, 0, 10**7, 10**7])),
    pdf_page_of_no_size=on_page("MediaBox", lambda _made: Array([0, 0, 0, 0])),
)
refuse(
    "unreadable",
    pdf_photograph_that_is_none=drawing(HTML, Name.DCTDecode),
    pdf_photograph_cut_off=drawing(jpeg()[:300], Name.DCTDecode),
    pdf_jpeg2000_that_is_none=drawing(SCRIPT, Name.JPXDecode),
)

clean(
    pdf_and_zip=lambda: pdf() + ZIP,
    pdf_and_html=lambda: pdf() + HTML,
    pdf_and_program=lambda: pdf() + b"MZ" + MARK * 50,
    pdf_with_html_behind_its_head=lambda: pdf().replace(b"\n", b"\n%" + HTML + b"\n", 1),
    pdf_with_metadata=pdf_of(_metadata),
    pdf_with_metadata_of_a_picture=pdf_of(_picture_metadata),
    pdf_with_a_link=noted(A=action("URI", URI="https://evil.example/" + MARKED)),
    pdf_that_opens_an_address=root("OpenAction", lambda _made: action("URI", URI=MARKED)),
    pdf_with_actions_in_a_circle=pdf_of(_cyclic_action),
    pdf_with_a_name_of_the_viewer=root("OpenAction", lambda _made: action("Named", N=Name("/" + MARKED))),
    pdf_with_a_hidden_note=noted("Text", F=2, Contents=MARKED),
    pdf_with_a_thread=root("Threads", lambda _made: Array([Dictionary(I=Dictionary(Title=MARKED))])),
    pdf_with_a_language=root("Lang", lambda _made: String(MARKED)),
    pdf_with_permissions=root("Perms", lambda _made: Dictionary(DocMDP=Dictionary(Reason=MARKED))),
    pdf_with_steps_of_a_show=on_page("PresSteps", lambda _made: Dictionary(NA=action("URI", URI=MARKED))),
    pdf_with_a_structure=root("StructTreeRoot", lambda _made: Dictionary(K=Array([Dictionary(Alt=MARKED)]))),
    pdf_with_a_second_version=_revised,
    pdf_with_a_position_in_its_photograph=drawing(jpeg(exif=positioned()), Name.DCTDecode),
    pdf_with_a_comment_in_its_photograph=drawing(jpeg(comment=SCRIPT), Name.DCTDecode),
    pdf_with_a_profile_in_its_photograph=drawing(jpeg_with(segment(0xE2, MARK * 99)), Name.DCTDecode),
    pdf_with_a_zip_behind_its_photograph=drawing(jpeg() + ZIP, Name.DCTDecode),
    pdf_cut_behind_its_page=lambda: pdf()[: pdf().index(b"xref")] + MARK,
    pdf_whose_tree_is_deep=lambda: _levels(60) + MARK,
    pdf_whose_table_is_missing=lambda: pdf().replace(b"startxref", b"startxxxx") + MARK,
)
