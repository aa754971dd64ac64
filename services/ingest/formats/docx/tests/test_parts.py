import docx
import pytest

from libs.common.errors import Rejected
from services.ingest.conversion.xmltree import children
from services.ingest.formats.archive import Archive
from services.ingest.formats.docx.parts import (
    heading_counts,
    heading_level,
    list_of,
    read_parts,
    style_of,
)
from services.ingest.tests.samples import docx_file, zip_file


@pytest.fixture
def opened(tmp_path):
    document = docx.Document()
    document.core_properties.title = "The  Harbor"
    document.core_properties.author = "Ida Berg"
    document.add_heading("One", 1)
    document.add_heading("Inside", 2)
    document.add_paragraph("Rope", style="List Number")
    document.add_paragraph("Sails", style="List Bullet")
    document.add_paragraph("Text")
    with docx_file(tmp_path / "a.docx", document).open("rb") as file, Archive(file) as archive:
        yield read_parts(archive)


def test_properties_are_one_line_each(opened):
    _, parts = opened
    assert (parts.title, parts.author) == ("The Harbor", "Ida Berg")


def test_headings_are_known_by_their_styles(opened):
    body, parts = opened
    levels = [heading_level(paragraph, parts) for paragraph in children(body, "p")]
    assert levels == [1, 2, 0, 0, 0]
    assert heading_counts(body, parts) == {1: 1, 2: 1}


def test_lists_are_known_by_their_styles(opened):
    body, parts = opened
    kinds = []
    for paragraph in list(children(body, "p"))[2:]:
        place = style_of(paragraph, parts).numbering
        kinds.append(parts.lists[place[0]][place[1]].bullet if place else None)
    assert kinds == [False, True, None]
    assert list_of(None) is None


def test_a_file_without_a_body_is_damaged(tmp_path):
    path = zip_file(tmp_path / "a.docx", [("word/document.xml", "<document/>")])
    with path.open("rb") as file, Archive(file) as archive, pytest.raises(Rejected) as caught:
        read_parts(archive)
    assert caught.value.code == "damaged"
