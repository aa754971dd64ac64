"""Files made to hurt: each goes through the parser with small limits and ends as a Rejected."""

import io
import os
import struct
import zipfile
import zlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from libs.common.errors import Rejected
from libs.common.testing.costs.loop_watchdog import not_counted
from services.ingest.pages.document import Item, Metadata, Page
from services.ingest.sandbox.confine import Limits
from services.ingest.sandbox.confined_parser import ConfinedParser
from services.ingest.tests.samples import CONTAINER, epub, page_xhtml, pdf, zip_file

LIMITS = Limits(memory_bytes=400_000_000, cpu_seconds=2, wall_seconds=20.0)
TEXT = "<p>The ferry left the harbor before dawn and nobody said a word.</p>"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def parser() -> AsyncIterator[ConfinedParser]:
    async with ConfinedParser(LIMITS) as started:
        yield started


pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.slow]


async def items(parser: ConfinedParser, path: Path) -> list[Item]:
    return [item async for item in parser.parse(path, path.name)]


async def code_of(parser: ConfinedParser, path: Path) -> str:
    """Return the code that a file is rejected with, having checked that people understand why."""
    with pytest.raises(Rejected) as caught:
        await items(parser, path)
    assert str(caught.value).endswith(".")
    assert len(str(caught.value).split()) > 5
    return caught.value.code


def raw_pdf(*objects: bytes) -> bytes:
    """Return a PDF of these objects, the first of them the catalog."""
    out = io.BytesIO()
    out.write(b"%PDF-1.7\n")
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(out.tell())
        out.write(b"%d 0 obj\n%s\nendobj\n" % (number, body))
    start = out.tell()
    out.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1))
    out.write(b"".join(b"%010d 00000 n \n" % offset for offset in offsets))
    out.write(b"trailer<</Size %d/Root 1 0 R>>\n" % (len(objects) + 1))
    out.write(b"startxref\n%d\n%%%%EOF" % start)
    return out.getvalue()


def stream(body: bytes, extra: bytes = b"") -> bytes:
    return b"<<%s/Length %d>>stream\n%s\nendstream" % (extra, len(body), body)


CATALOG = b"<</Type/Catalog/Pages 2 0 R>>"
PAGES = b"<</Type/Pages/Kids[3 0 R]/Count 1>>"
PAGE = (
    b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]/Contents 4 0 R"
    b"/Resources<</XObject<</F 5 0 R>>>>>>"
)


async def test_pdf_form_that_draws_itself(parser, tmp_path):
    form = stream(
        b"/F Do /F Do",
        b"/Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</F 5 0 R>>>>",
    )
    path = tmp_path / "a.pdf"
    path.write_bytes(raw_pdf(CATALOG, PAGES, PAGE, stream(b"/F Do"), form))
    assert await code_of(parser, path) in ("too_slow", "no_text", "damaged", "unreadable")


async def test_pdf_with_doubly_deflated_bomb(parser, tmp_path):
    once = zlib.compressobj(9)
    block = b"0 0 m " * 200_000
    with not_counted():
        inner = b"".join(once.compress(block) for _ in range(1500)) + once.flush()
    bomb = stream(zlib.compress(inner, 9), b"/Filter[/FlateDecode/FlateDecode]")
    path = tmp_path / "a.pdf"
    path.write_bytes(raw_pdf(CATALOG, PAGES, PAGE, bomb, stream(b"")))
    assert path.stat().st_size < 100_000
    codes = ("too_complex", "too_slow", "unreadable", "no_text", "damaged")
    assert await code_of(parser, path) in codes


async def test_pdf_with_one_page_repeated_endlessly(parser, tmp_path):
    kids = b"<</Type/Pages/Kids[" + b"3 0 R " * 300_000 + b"]/Count 300000>>"
    path = tmp_path / "a.pdf"
    path.write_bytes(raw_pdf(CATALOG, kids, PAGE, stream(b""), stream(b"")))
    assert await code_of(parser, path) in ("too_large", "too_slow", "damaged")


async def test_truncated_pdf(parser, tmp_path):
    path = pdf(tmp_path / "a.pdf", [["Some text."]])
    path.write_bytes(path.read_bytes()[:400])
    assert await code_of(parser, path) in ("damaged", "no_text")


async def test_zip_entry_that_unpacks_to_a_thousand_times_its_size(parser, tmp_path):
    with not_counted():
        body = page_xhtml("<p>" + "a" * 50_000_000 + "</p>")
        path = epub(tmp_path / "a.epub", [("One", body)])
    assert await code_of(parser, path) == "too_large"


async def test_zip_whose_parts_together_unpack_to_too_much(parser, tmp_path):
    with not_counted():
        filler = "".join(f"<p>{at * 7919 % 99991}</p>" for at in range(100_000)) * 10
        path = epub(tmp_path / "a.epub", [(f"{at}", filler) for at in range(4)])
    assert await code_of(parser, path) in ("too_large", "too_slow", "too_complex")


async def test_zip_with_too_many_entries(parser, tmp_path):
    entries = ((f"x{at}", "") for at in range(30_000))
    with not_counted():
        path = zip_file(tmp_path / "a.epub", [("META-INF/container.xml", CONTAINER), *entries])
    assert await code_of(parser, path) == "too_large"


async def test_zip_that_lies_about_its_sizes(parser, tmp_path):
    path = epub(tmp_path / "a.epub", [("One", "<p>" + "a" * 3_000_000 + "</p>")])
    data = bytearray(path.read_bytes())
    at = data.rindex(b"PK\x01\x02", 0, data.rindex(b"PK\x05\x06"))
    data[at + 24 : at + 28] = struct.pack("<I", 10)  # the uncompressed size in the directory
    path.write_bytes(bytes(data))
    assert await code_of(parser, path) in ("damaged", "too_large")


async def test_spine_that_repeats_one_chapter(parser, tmp_path):
    path = epub(tmp_path / "a.epub", [("One", TEXT)], spine='<itemref idref="c0"/>' * 50_000)
    assert await code_of(parser, path) == "unsafe"


async def test_spine_that_repeats_one_chapter_a_little_is_read_once(parser, tmp_path):
    path = epub(tmp_path / "a.epub", [("One", TEXT)], spine='<itemref idref="c0"/>' * 5000)
    assert len(await items(parser, path)) == 2


LAUGHS = (
    '<!DOCTYPE html [<!ENTITY a "ha ha ha ha ">'
    + "".join(f'<!ENTITY {chr(98 + at)} "{f"&{chr(97 + at)};" * 10}">' for at in range(9))
    + "]>"
)


async def test_entity_bomb_in_a_chapter(parser, tmp_path):
    bomb = f'<?xml version="1.0"?>{LAUGHS}<html><body><p>&j;</p></body></html>'
    path = epub(tmp_path / "a.epub", [("One", TEXT)])
    with zipfile.ZipFile(path) as archive:
        members = [(name, archive.read(name)) for name in archive.namelist()]
    kept = [(name, data) for name, data in members if name != "OEBPS/text/c0.xhtml"]
    zip_file(path, [*kept, ("OEBPS/text/c0.xhtml", bomb)])
    assert await code_of(parser, path) == "unsafe"


async def test_entity_that_names_a_file_reads_nothing(parser, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("the password")
    document = (
        f'<!DOCTYPE w [<!ENTITY x SYSTEM "file://{secret}">]>'
        '<w:document xmlns:w="x"><w:body><w:p><w:r><w:t>&x;</w:t></w:r></w:p></w:body></w:document>'
    )
    path = zip_file(tmp_path / "a.docx", [("word/document.xml", document)])
    assert await code_of(parser, path) == "unsafe"


async def test_docx_bomb(parser, tmp_path):
    body = "<w:p><w:r><w:t/></w:r></w:p>" * 2_000_000
    document = f'<w:document xmlns:w="x"><w:body>{body}</w:body></w:document>'
    with not_counted():
        path = zip_file(tmp_path / "a.docx", [("word/document.xml", document)])
    assert await code_of(parser, path) in ("too_large", "too_complex", "too_slow")


async def test_docx_of_nested_tables(parser, tmp_path):
    depth = 20_000
    body = "<w:tbl><w:tr><w:tc>" * depth + "</w:tc></w:tr></w:tbl>" * depth
    document = f'<w:document xmlns:w="x"><w:body>{body}</w:body></w:document>'
    path = zip_file(tmp_path / "a.docx", [("word/document.xml", document)])
    assert await code_of(parser, path) == "damaged"


def all_below(folder: Path) -> list[Path]:
    """Whatever is there, which is much in a long run."""
    with not_counted():
        return sorted(folder.rglob("*"))


async def test_entry_names_that_climb_out_of_the_folder_write_nothing(parser, tmp_path):
    names = ("../../evil.txt", "/tmp/lectern-evil.txt", "..\\evil.txt")
    path = epub(tmp_path / "a.epub", [("One", TEXT)], extra=[(name, b"evil") for name in names])
    before = all_below(tmp_path.parent)
    found = await items(parser, path)
    assert isinstance(found[0], Page)
    assert all_below(tmp_path.parent) == before
    assert not os.path.exists(names[1])  # noqa: ASYNC240, PTH110


async def test_manifest_that_points_out_of_the_archive_reads_nothing(parser, tmp_path):
    path = epub(tmp_path / "a.epub", [("One", TEXT)])
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    package = members["OEBPS/content.opf"]
    members["OEBPS/content.opf"] = package.replace(b"text/c0.xhtml", b"../../../../etc/hosts")
    assert await code_of(parser, zip_file(path, list(members.items()))) == "damaged"


async def test_invalid_utf8_is_read_without_the_broken_bytes(parser, tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(
        "Der Hafen war schön und die Fähre groß. ".encode() * 20 + b"\xff\xfe\xc3 Ende."
    )
    page, _ = await items(parser, path)
    assert isinstance(page, Page)
    assert "schön" in page.markdown
    assert page.markdown.endswith("Ende.")


async def test_nul_bytes(parser, tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"A \x00 short text with a few \x00 zero bytes in it, but readable.")
    page, _ = await items(parser, path)
    assert isinstance(page, Page)
    assert "\x00" not in page.markdown
    path.write_bytes(bytes(100_000))
    assert await code_of(parser, path) in ("empty", "unsupported")
    path.write_bytes(bytes(range(256)) * 100)
    assert await code_of(parser, path) == "unsupported"


async def test_deeply_nested_html(parser, tmp_path):
    path = tmp_path / "a.html"
    path.write_text("<html><body>" + "<div>" * 100_000 + "Deep text here." + "</div>" * 100_000)
    page, metadata = await items(parser, path)
    assert isinstance(page, Page)
    assert isinstance(metadata, Metadata)
    assert page.markdown == "Deep text here."
    assert metadata.warnings


@pytest.mark.parametrize(
    "text",
    [
        "[" * 200_000,
        "![" * 100_000,
        "*a" * 100_000,
        "> " * 50_000 + "x",
        "`" * 100_000 + "a " + "``" * 40_000,
        "- " * 50_000 + "x",
        "# a\n\n" + "| a " * 50_000 + "\n" + "|---" * 50_000,
        "<a " * 60_000,
        "# a\n\n" + "[a](<b" * 60_000,
        "1. 1. 1. " * 20_000,
        " " * 200_000 + "x",
        "x\n" * 100_000,
        "# a\n\n" + "&" * 200_000,
    ],
    ids=range(13),
)
@pytest.mark.parametrize("name", ["a.md", "a.txt"])
async def test_texts_that_make_parsers_slow_end_within_the_limits(parser, tmp_path, text, name):
    path = tmp_path / name
    path.write_text(text)
    try:
        found = await items(parser, path)
    except Rejected as error:
        code = error.code
    else:
        code = "read"
        assert isinstance(found[-1], Metadata)
    assert code in ("read", "too_slow", "too_complex", "unsafe", "empty")


async def test_empty_and_unknown_files(parser, tmp_path):
    path = tmp_path / "a.pdf"
    path.write_bytes(b"")
    assert await code_of(parser, path) == "empty"
    path.write_bytes(b" \n\t\n")
    assert await code_of(parser, path) == "empty"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(99))
    assert await code_of(parser, path) == "unsupported"
    path.write_bytes(b"PK\x03\x04 and then nothing of the kind")
    assert await code_of(parser, path) == "damaged"
