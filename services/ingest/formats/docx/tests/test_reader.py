import zipfile
from collections.abc import Callable
from pathlib import Path

import docx
import pytest
from docx.enum.style import WD_STYLE_TYPE
from docx.oxml import OxmlElement
from docx.oxml.ns import qn

from libs.common.errors import Rejected
from services.ingest.tests.samples import SENTENCE, docx_file, read

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def test_blocks_become_markdown(tmp_path):
    document = docx.Document()
    document.core_properties.title = "The Harbor"
    document.core_properties.author = "Ida Berg"
    document.core_properties.language = "en-US"
    document.add_heading("Title", 0)
    document.add_heading("First", 1)
    paragraph = document.add_paragraph("Some ")
    paragraph.add_run("bold").bold = True
    paragraph.add_run(" and ")
    paragraph.add_run("italic").italic = True
    paragraph.add_run(" 5*3")
    document.add_paragraph("one", style="List Bullet")
    document.add_paragraph("two", style="List Bullet")
    document.add_paragraph("first", style="List Number")
    document.add_paragraph("Quoted", style="Quote")
    table = document.add_table(2, 2)
    for at, text in enumerate(("A", "B", "1", "2")):
        table.cell(at // 2, at % 2).text = text
    pages, metadata = read(docx_file(tmp_path / "a.docx", document))
    assert pages[0].markdown.split("\n\n") == [
        "# Title",
        "# First",
        "Some **bold** and *italic* 5\\*3",
        "- one\n- two\n1. first",
        "> Quoted",
        "| A | B |\n| --- | --- |\n| 1 | 2 |",
    ]
    assert (metadata.title, metadata.author, metadata.language) == ("The Harbor", "Ida Berg", "en")


@pytest.mark.slow
def test_headings_begin_chapters(tmp_path):
    document = docx.Document()
    for name in ("One", "Two"):
        document.add_heading(name, 1)
        document.add_paragraph(SENTENCE * 60)
    pages, metadata = read(docx_file(tmp_path / "a.docx", document))
    starts = [(chapter.title, chapter.first_page) for chapter in metadata.chapters]
    assert starts[0] == ("One", 1)
    assert starts[1][0] == "Two"
    assert pages[starts[1][1] - 1].markdown.startswith("# Two")
    assert all(len(page.markdown) <= 4000 for page in pages)


def rewritten(path: Path, name: str, change: Callable[[bytes], bytes]) -> Path:
    """Return the file with one of its members changed, or added where there is none."""
    with zipfile.ZipFile(path) as archive:
        members = {member: archive.read(member) for member in archive.namelist()}
    members[name] = change(members.get(name, b""))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, data in members.items():
            archive.writestr(member, data)
    return path


@pytest.mark.slow
def test_footnotes_deletions_links_and_alt_texts(tmp_path):
    document = docx.Document()
    document.add_paragraph("BODY")
    path = docx_file(tmp_path / "a.docx", document)
    body = (
        b"<w:p><w:r><w:t>Kept</w:t></w:r><w:del><w:r><w:delText>gone</w:delText></w:r></w:del>"
        b'<w:r><w:footnoteReference w:id="2"/></w:r>'
        b'<w:r><w:t xml:space="preserve"> word</w:t></w:r>'
        b'<w:r><w:drawing><wp:docPr xmlns:wp="x" descr="A ship"/></w:drawing></w:r></w:p>'
    )
    start = b"<w:p><w:r><w:t>BODY</w:t></w:r></w:p>"
    rewritten(path, "word/document.xml", lambda data: data.replace(start, body))
    notes = (
        f'<w:footnotes xmlns:w="{W}"><w:footnote w:id="2"><w:p><w:r><w:t>The note.</w:t></w:r>'
        "</w:p></w:footnote></w:footnotes>"
    ).encode()
    rewritten(path, "word/footnotes.xml", lambda _: notes)
    pages, _ = read(path)
    assert pages[0].markdown == "Kept[^1] word![A ship](image)\n\n[^1]: The note."


@pytest.mark.slow
def test_plain_text_is_no_code(tmp_path):
    document = docx.Document()
    document.styles.add_style("Plain Text", WD_STYLE_TYPE.PARAGRAPH)
    document.add_paragraph("Call me Ishmael.", style="Plain Text")
    pages, _ = read(docx_file(tmp_path / "a.docx", document))
    assert pages[0].markdown == "Call me Ishmael."


def test_footnotes_of_code_are_kept(tmp_path):
    document = docx.Document()
    document.styles.add_style("Source Code", WD_STYLE_TYPE.PARAGRAPH)
    paragraph = document.add_paragraph("x = 1", style="Source Code")
    paragraph.add_run()._r.append(OxmlElement("w:footnoteReference", {qn("w:id"): "2"}))
    path = docx_file(tmp_path / "a.docx", document)
    note = '<w:footnote w:id="2"><w:p><w:r><w:t>The note.</w:t></w:r></w:p></w:footnote>'
    root = f'<w:footnotes xmlns:w="{W}">{note}</w:footnotes>'
    rewritten(path, "word/footnotes.xml", lambda _: root.encode())
    pages, _ = read(path)
    assert pages[0].markdown == "```\nx = 1\n```\n\n[^1]: The note."


def with_body(path: Path, body: str) -> Path:
    """Return a document with the given XML as its body."""
    document = docx.Document()
    document.add_paragraph("BODY")
    start = b"<w:p><w:r><w:t>BODY</w:t></w:r></w:p>"
    made = docx_file(path, document)
    return rewritten(made, "word/document.xml", lambda data: data.replace(start, body.encode()))


@pytest.mark.parametrize(
    ("inside", "text"),
    [
        (
            "<w:r><w:t>In </w:t><w:ruby><w:rt><w:r><w:t>kyo</w:t></w:r></w:rt>"
            "<w:rubyBase><w:r><w:t>京</w:t></w:r></w:rubyBase></w:ruby></w:r>",
            "In 京",
        ),
        ('<w:r><w:t>Word</w:t><w:br w:type="page"/><w:t>After</w:t></w:r>', "Word After"),
        ('<w:r><w:t>Word</w:t><w:br w:type="column"/><w:t>After</w:t></w:r>', "Word After"),
        ('<w:bdo w:val="rtl"><w:r><w:t>Shalom</w:t></w:r></w:bdo>', "Shalom"),
    ],
)
def test_ruby_breaks_and_directions(tmp_path, inside: str, text: str):
    pages, _ = read(with_body(tmp_path / "a.docx", f"<w:p>{inside}</w:p>"))
    assert pages[0].markdown == text


def test_a_text_box_in_a_table_cell_is_read_once(tmp_path):
    box = "<w:txbxContent><w:p><w:r><w:t>In the box</w:t></w:r></w:p></w:txbxContent>"
    anchor = (
        '<w:r><mc:AlternateContent xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility'
        f'/2006"><mc:Choice Requires="wps"><w:drawing>{box}</w:drawing></mc:Choice>'
        f"<mc:Fallback><w:pict>{box}</w:pict></mc:Fallback></mc:AlternateContent></w:r>"
    )
    cells = f"<w:tc><w:p><w:r><w:t>Cell</w:t></w:r>{anchor}</w:p></w:tc><w:tc><w:p/></w:tc>"
    after = "<w:p><w:r><w:t>After</w:t></w:r></w:p>"
    table = f"<w:tbl><w:tr>{cells}</w:tr></w:tbl>{after}"
    pages, _ = read(with_body(tmp_path / "a.docx", table))
    assert pages[0].markdown == "| Cell In the box |  |\n| --- | --- |\n\nAfter"


def test_hyperlinks(tmp_path):
    document = docx.Document()
    paragraph = document.add_paragraph("See ")
    relation = paragraph.part.relate_to(
        "https://example.org/a",
        "http://schemas.openxmlformats.org/officeDocument/2006/relationships/hyperlink",
        is_external=True,
    )
    link = OxmlElement("w:hyperlink")
    link.set(qn("r:id"), relation)
    link.append(paragraph.add_run("this")._r)
    paragraph._p.append(link)
    pages, _ = read(docx_file(tmp_path / "a.docx", document))
    assert pages[0].markdown == "See [this](https://example.org/a)"


def test_document_without_text_is_rejected(tmp_path):
    with pytest.raises(Rejected) as caught:
        read(docx_file(tmp_path / "a.docx", docx.Document()))
    assert caught.value.code == "no_text"


def test_word_file_with_a_password_is_rejected(tmp_path):
    path = tmp_path / "a.docx"
    path.write_bytes(
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "EncryptedPackage".encode("utf-16-le")
    )
    with pytest.raises(Rejected) as caught:
        read(path)
    assert caught.value.code == "encrypted"
