import pytest
from lxml import etree

from services.ingest.formats.docx.parts import DocxParts
from services.ingest.formats.docx.runs import Runs
from services.ingest.pages.blocks import Note


def paragraph(inside: str) -> etree._Element:
    return etree.fromstring(f'<p xmlns:r="relations">{inside}</p>')


def text(words: str, properties: str = "") -> str:
    return f"<r><rPr>{properties}</rPr><t>{words}</t></r>"


@pytest.fixture
def runs():
    note = paragraph("<p><r><t>The body.</t></r></p>")
    return Runs(
        parts=DocxParts(links={"r1": "https://example.org/"}, notes={("footnote", "7"): note})
    )


def test_neighbors_with_the_same_emphasis_share_their_marks(runs):
    made = paragraph(text("one ", "<b/>") + text("two", "<b/>") + text(" three", "<i/>"))
    assert runs.render(made) == ("**one two** *three*", "one two three")
    assert runs.render(made, emphasis=False)[0] == "one two three"


def test_hidden_and_deleted_text_is_left_out(runs):
    made = paragraph(text("a") + text("b", "<vanish/>") + f"<del>{text('c')}</del>")
    assert runs.render(made) == ("a", "a")


def test_a_toggle_can_be_switched_off(runs):
    assert runs.render(paragraph(text("a", '<b val="0"/>')))[0] == "a"


def test_a_link_goes_where_its_relation_says(runs):
    made = paragraph(f'<hyperlink r:id="r1">{text("here")}</hyperlink>')
    assert runs.render(made)[0] == "[here](https://example.org/)"


def test_notes_are_numbered_and_handed_out_once(runs):
    made = paragraph(text("a") + '<r><footnoteReference id="7"/></r>')
    assert runs.render(made)[0] == "a[^1]"
    assert runs.take_notes() == (Note("1", "The body."),)
    assert runs.take_notes() == ()
