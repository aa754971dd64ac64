import tracemalloc
import zipfile
from pathlib import Path

import pytest

from libs.common.errors import Rejected
from services.ingest.formats.document_format import DocumentFormat
from services.ingest.formats.sniff import decode, sniff, text_format
from services.ingest.tests.samples import epub, pdf


def sniffed(path: Path) -> tuple[DocumentFormat, str]:
    with path.open("rb") as file:
        return sniff(file, path.name)


def test_content_counts_and_not_the_name(tmp_path):
    assert sniffed(pdf(tmp_path / "a.txt", [["x"]]))[0] is DocumentFormat.PDF
    assert sniffed(epub(tmp_path / "a.docx", [("One", "x")]))[0] is DocumentFormat.EPUB
    (tmp_path / "a.pdf").write_text("Just text.")
    assert sniffed(tmp_path / "a.pdf") == (DocumentFormat.TEXT, "Just text.")


def test_other_archives_are_unsupported(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.epub", "w") as archive:
        archive.writestr("xl/workbook.xml", "<x/>")
    with pytest.raises(Rejected) as caught:
        sniffed(tmp_path / "a.epub")
    assert caught.value.code == "unsupported"


@pytest.mark.parametrize(
    ("text", "name", "kind"),
    [
        ("<!DOCTYPE html><p>x", None, DocumentFormat.HTML),
        ("<!-- c -->\n<HTML><body>", "a.txt", DocumentFormat.HTML),
        ('<?xml version="1.0"?><html xmlns="x"><body/></html>', None, DocumentFormat.HTML),
        ("<p>a</p><p>b</p>", None, DocumentFormat.HTML),
        ("# Title\n\nText", None, DocumentFormat.MARKDOWN),
        ("# Title\n\nText", "a.txt", DocumentFormat.TEXT),
        ("# T\n\n```\nx\n```\n\n[a](b) **c**", "a.txt", DocumentFormat.MARKDOWN),
        ("Plain.", "a.md", DocumentFormat.MARKDOWN),
        ("- a list\n- in text", "a.txt", DocumentFormat.TEXT),
        ("Some plain text, 2 < 3.", None, DocumentFormat.TEXT),
        ("<p>html in</p> **markdown**", "a.md", DocumentFormat.MARKDOWN),
    ],
)
def test_kinds_of_text(text, name, kind):
    assert text_format(text, name) is kind


def test_other_xml_is_unsupported():
    with pytest.raises(Rejected):
        text_format('<?xml version="1.0"?><rss/>', "feed.html")


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"]
)
def test_encodings(encoding):
    text = "Über den schönen Fluß führte eine Brücke, die größer war als alle anderen Brücken. " * 5
    assert decode(text.encode(encoding)).lstrip("\ufeff") == text


def test_a_few_broken_bytes_do_not_spoil_utf8():
    assert decode("schön ".encode() * 50 + b"\xff") == "schön " * 50


@pytest.mark.parametrize(
    ("before", "code"),
    [(1_000, "encrypted"), (3 * 1024 * 1024 - 10, "encrypted"), (0, "unsupported")],
)
def test_a_word_file_with_a_password_is_told_from_old_office_files(tmp_path, before, code):
    """In little memory: the name of the stream may stand anywhere."""
    path = tmp_path / "a.docx"
    stream = "EncryptedPackage".encode("utf-16-le") if before else b""
    path.write_bytes(b"\xd0\xcf\x11\xe0" + bytes(before) + stream + bytes(20 * 1024 * 1024))
    tracemalloc.start()
    with pytest.raises(Rejected) as caught:
        sniffed(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert caught.value.code == code
    assert peak < 8 * 1024 * 1024
