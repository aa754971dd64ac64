import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from examples.book import build
from examples.book import draw_cover as cover
from services.ingest.formats.parse import parse_file
from services.ingest.pages.document import Metadata, Page
from services.ingest.pages.pictures import picture_type

OPF = "{http://www.idpf.org/2007/opf}"
NCX = "{http://www.daisy.org/z3986/2005/ncx/}"
XHTML = "{http://www.w3.org/1999/xhtml}"
DC = "{http://purl.org/dc/elements/1.1/}"
OPS_TYPE = "{http://www.idpf.org/2007/ops}type"


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("book") / "out" / "sample.epub"
    build.build(path)
    return path


@pytest.fixture
def epub(sample: Path) -> Iterator[zipfile.ZipFile]:
    with zipfile.ZipFile(sample) as opened:
        yield opened


@pytest.fixture(scope="module")
def read(sample: Path) -> tuple[list[Page], Metadata]:
    with sample.open("rb") as file:
        *pages, metadata = parse_file(file, "sample.epub")
    assert isinstance(metadata, Metadata)
    return [page for page in pages if isinstance(page, Page)], metadata


def tree(epub: zipfile.ZipFile, name: str) -> ElementTree.Element:
    return ElementTree.fromstring(epub.read(f"OEBPS/{name}"))


def test_the_type_of_the_file_stands_at_byte_30(sample: Path) -> None:
    assert sample.read_bytes()[30:58] == b"mimetypeapplication/epub+zip"


def test_the_same_sources_give_the_same_bytes(sample: Path, tmp_path: Path) -> None:
    build.build(tmp_path / "again.epub")
    assert (tmp_path / "again.epub").read_bytes() == sample.read_bytes()


def test_the_container_names_the_package(epub: zipfile.ZipFile) -> None:
    container = ElementTree.fromstring(epub.read("META-INF/container.xml"))
    roots = [
        element.get("full-path") for element in container.iter() if element.tag.endswith("rootfile")
    ]
    assert roots == ["OEBPS/book.opf"]


def test_the_manifest_is_exactly_what_is_in_the_file(epub: zipfile.ZipFile) -> None:
    items = [item.get("href") for item in tree(epub, "book.opf").iter(f"{OPF}item")]
    beside = {"mimetype", "META-INF/container.xml", "OEBPS/book.opf"}
    assert len(items) == len(set(items))
    assert {f"OEBPS/{item}" for item in items} == set(epub.namelist()) - beside


def test_the_package_has_what_epub_3_demands(epub: zipfile.ZipFile) -> None:
    package = tree(epub, "book.opf")
    assert package.get("version") == "3.0"
    named = package.get("unique-identifier")
    identifiers = {element.get("id"): element.text for element in package.iter(f"{DC}identifier")}
    assert identifiers == {named: build.IDENTIFIER}
    assert [element.text for element in package.iter(f"{DC}title")] == [build.TITLE]
    assert [element.text for element in package.iter(f"{DC}language")] == ["en"]
    modified = [
        element.text
        for element in package.iter(f"{OPF}meta")
        if element.get("property") == "dcterms:modified"
    ]
    assert modified == [build.MODIFIED]
    properties = {element.get("properties") for element in package.iter(f"{OPF}item")}
    assert {"nav", "cover-image"} <= properties


def test_spine_nav_and_ncx_tell_the_same_order(epub: zipfile.ZipFile) -> None:
    package = tree(epub, "book.opf")
    names = {item.get("id"): item.get("href") for item in package.iter(f"{OPF}item")}
    spine = [names[itemref.get("idref")] for itemref in package.iter(f"{OPF}itemref")]
    links = [(link.get("href"), link.text) for link in tree(epub, "nav.xhtml").iter(f"{XHTML}a")]
    points = [
        (point.find(f"{NCX}content").get("src"), point.find(f"{NCX}navLabel/{NCX}text").text)  # type: ignore[union-attr]
        for point in tree(epub, "toc.ncx").iter(f"{NCX}navPoint")
    ]
    assert [name for name, _ in links] == spine
    assert points == links
    assert links == [(chapter.name, chapter.title) for chapter in build.chapters()]


def test_ids_are_unique_and_notes_are_where_their_references_point(epub: zipfile.ZipFile) -> None:
    for chapter in build.chapters():
        root = tree(epub, chapter.name)
        ids = [element.get("id") for element in root.iter() if element.get("id")]
        assert len(ids) == len(set(ids))
        references = [
            element.get("href", "").removeprefix("#")
            for element in root.iter(f"{XHTML}a")
            if element.get(OPS_TYPE) == "noteref"
        ]
        notes = [
            element.get("id") for element in root.iter() if element.get(OPS_TYPE) == "footnote"
        ]
        assert references == notes


def test_it_is_read_with_title_author_and_language(read: tuple[list[Page], Metadata]) -> None:
    _, metadata = read
    assert (metadata.title, metadata.author) == (build.TITLE, build.AUTHOR)
    assert (metadata.language, metadata.media_type) == ("en", "application/epub+zip")
    assert metadata.warnings == ()


def test_its_cover_is_read(read: tuple[list[Page], Metadata]) -> None:
    _, metadata = read
    assert metadata.cover == cover.png()
    assert picture_type(cover.png()) == "image/png"


def test_its_chapters_are_read_in_order(read: tuple[list[Page], Metadata]) -> None:
    pages, metadata = read
    assert [chapter.title for chapter in metadata.chapters] == [
        chapter.title for chapter in build.chapters()
    ]
    assert 6 <= len(metadata.chapters) <= 8
    assert metadata.chapters[0].first_page == 1
    for chapter in metadata.chapters:
        assert f"# {chapter.title}" in pages[chapter.first_page - 1].markdown


def test_it_has_about_3000_words(read: tuple[list[Page], Metadata]) -> None:
    pages, _ = read
    words = sum(len(re.findall(r"\w[\w’]*", page.markdown)) for page in pages)
    assert 2_900 <= words <= 3_400


@pytest.mark.parametrize(
    "met",
    [
        *("Dr. ", "Mrs. ", "St. ", "No. 5", "e.g. ", "10 p.m.", "10:30 a.m."),
        *("1,234", "3.14", "1914–1918", "$3.5 million", "47 %", "£6.50", "2 1/2"),
        *("12 March 1897", "November 11, 1918", "Chapter XXIII", "7.5 seconds", "4:12 to 6:02"),
        *("[^1]", "[^2]: ", "1. Wind", "- the piano", "| Book |", "> “I thought", "Ouvrir ici"),
        *("[example.org/brannock-light](https://example.org/brannock-light)", "*Remarks*"),
    ],
)
def test_it_has_what_is_hard_to_read_aloud(met: str, read: tuple[list[Page], Metadata]) -> None:
    pages, _ = read
    assert met in "\n".join(page.markdown for page in pages)
