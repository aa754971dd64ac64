import pytest

from libs.common.errors import Rejected
from services.ingest.formats.archive import Archive
from services.ingest.formats.epub.package import Package, read_package
from services.ingest.pages.blocks import ChapterStart
from services.ingest.tests.samples import CONTAINER, epub, zip_file

CHAPTERS = [("One", "<p>a</p>"), ("", "<p>b</p>"), ("Two", "<p>c</p>")]


def package_of(path) -> Package:
    with path.open("rb") as file, Archive(file) as archive:
        return read_package(archive)


def test_the_spine_gives_the_pages_in_order_without_the_navigation(tmp_path):
    package = package_of(epub(tmp_path / "a.epub", CHAPTERS))
    assert [item.name for item in package.spine] == [f"OEBPS/text/c{at}.xhtml" for at in range(3)]
    assert (package.title, package.author, package.language) == ("The Harbor", "Ida Berg", "en")
    assert package.cover is not None
    assert package.cover.name == "OEBPS/cover.png"
    assert package.warnings == []


def test_the_contents_are_by_page_and_fragment(tmp_path):
    toc = (
        '<li><a href="text/c0.xhtml">One</a><ol><li><a href="text/c0.xhtml#s%201">Inside</a></li>'
        "</ol></li>"
    )
    package = package_of(epub(tmp_path / "a.epub", CHAPTERS, toc=toc))
    assert package.toc == {
        "OEBPS/text/c0.xhtml": {"": ChapterStart("One", 1), "s 1": ChapterStart("Inside", 2)}
    }


def test_parts_that_are_missing_are_told(tmp_path):
    package = package_of(epub(tmp_path / "a.epub", CHAPTERS, spine='<itemref idref="gone"/>'))
    assert package.warnings == ["The file lacks 1 of the book's parts."]


def test_a_book_without_pages_is_damaged(tmp_path):
    members = [("META-INF/container.xml", CONTAINER), ("OEBPS/content.opf", "<package/>")]
    with pytest.raises(Rejected) as caught:
        package_of(zip_file(tmp_path / "a.epub", members))
    assert caught.value.code == "damaged"
