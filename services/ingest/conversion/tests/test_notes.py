from typing import Any

import pytest
from lxml import html

from services.ingest.conversion import notes
from services.ingest.conversion.xmltree import text_of
from services.ingest.pages.blocks import Note

# The name that the XHTML of an EPUB has for roles.
TYPE = "epub:type"


def page(inside: str) -> Any:
    return html.fromstring(f"<html><body>{inside}</body></html>")


def link(inside: str) -> Any:
    return next(page(inside).iter("a"))


@pytest.mark.parametrize(
    "reference",
    [
        f'<a {TYPE}="noteref" href="#n">see there</a>',
        '<a role="doc-noteref" href="notes.xhtml#n">1</a>',
        '<a class="footnote-ref" href="#n">1</a>',
        '<a class="fnref" href="#n">1</a>',
        '<sup><a href="#n">12</a></sup>',
        '<sup><a href="#n">[3]</a></sup>',
        '<sup><a href="#n">*</a></sup>',
        '<a href="#n"><sup>iv</sup></a>',
    ],
)
def test_a_raised_mark_or_a_role_makes_a_reference(reference):
    assert notes.is_reference(link(reference))


@pytest.mark.parametrize(
    "other",
    [
        '<a href="#n">1</a>',
        '<a href="#top">to the top</a>',
        '<sup><a href="#n">the third time</a></sup>',
        '<sup><a href="https://example.org/#n">1</a></sup>',
        '<sup><a href="chapter2.html">1</a></sup>',
        '<a role="doc-backlink" href="#r">1</a>',
        '<sup><a href="#r">↩</a></sup>',
        "<sup><a>1</a></sup>",
    ],
)
def test_other_links_are_no_references(other):
    assert not notes.is_reference(link(other))


def test_links_back_are_known_by_role_class_or_arrow():
    assert notes.is_backlink(link('<a role="doc-backlink" href="#r">back</a>'))
    assert notes.is_backlink(link('<a class="footnote-backref" href="#r">back</a>'))
    assert notes.is_backlink(link('<a href="#r">↩\ufe0e</a>'))
    assert not notes.is_backlink(link('<a href="#r">1</a>'))
    assert not notes.is_backlink(link("<a></a>"))


def test_bodies_are_known_by_their_role():
    assert notes.is_body(page('<aside role="doc-footnote">x</aside>').find(".//aside"))
    assert notes.is_body(page(f'<li {TYPE}="endnote x">x</li>').find(".//li"))
    assert not notes.is_body(page("<aside>x</aside>").find(".//aside"))
    assert not notes.is_body(page('<span role="doc-footnote">x</span>').find(".//span"))


class Book:
    """A page with its notes read in the order of its references."""

    def __init__(self, inside: str) -> None:
        self.root = page(inside)
        self.book = notes.NoteBook()

    def note(self, number: int = 0) -> Note | None:
        return self.book.note(self.links()[number], self.lookup, lambda body: text_of(body))

    def links(self) -> list[Any]:
        return [link for link in self.root.iter("a") if link.get("href")]

    def lookup(self, href: str) -> Any:
        return next(iter(self.root.xpath("//*[@id=$id]", id=href.lstrip("#"))), None)


REFERENCES = '<p>A<sup><a href="#a">7</a></sup> B<sup><a href="#b">8</a></sup></p>'


def test_notes_are_numbered_by_their_first_reference():
    book = Book(REFERENCES + '<p id="b">8. Second.</p><p id="a">[7] First.</p>')
    assert book.note(1) == Note("1", "Second.")
    assert book.note(0) == Note("2", "First.")
    assert book.note(1) == Note("1", "Second.")


def test_the_body_of_a_note_was_read():
    book = Book(REFERENCES + '<p id="a">7 First.</p>')
    body = book.lookup("#a")
    assert not notes.was_read(body)
    book.note(0)
    assert notes.was_read(body)


def test_the_body_is_the_block_around_the_anchor():
    book = Book(REFERENCES + '<p><span><b id="a">7</b></span> All of it.</p>')
    assert book.note(0) == Note("1", "All of it.")


def test_a_note_of_several_paragraphs_is_read_as_a_whole():
    listed = '<ol><li><p id="a">One.</p><p>Two.</p></li></ol>'
    assert Book(REFERENCES + listed).note(0) == Note("1", "One.Two.")
    aside = '<div class="footnote"><p id="a">One. </p><p>Two.</p></div>'
    assert Book(REFERENCES + aside).note(0) == Note("1", "One. Two.")
    page_of_text = '<div><p id="a">One. </p><p>Two.</p></div>'
    assert Book(REFERENCES + page_of_text).note(0) == Note("1", "One.")


@pytest.mark.parametrize(
    "body",
    [
        "",
        '<span id="a">no block</span>',
        '<p id="a"></p>',
        f'<p id="a">{"far too long " * 400}</p>',
    ],
)
def test_without_a_fitting_body_there_is_no_note(body):
    book = Book(REFERENCES + body)
    assert book.note(0) is None
    assert book.book.numbers == {}


def test_a_reference_within_its_own_body_is_none():
    assert Book('<p id="a">A<sup><a href="#a">7</a></sup> text.</p>').note(0) is None


@pytest.mark.parametrize(
    ("body", "bare"),
    [
        ("7. Text.", "Text."),
        ("[7] Text.", "Text."),
        ("(7) Text.", "Text."),
        ("7: Text.", "Text."),
        ("77 years.", "77 years."),
        ("7.5 percent.", "7.5 percent."),
        ("Text 7.", "Text 7."),
    ],
)
def test_the_mark_that_the_body_repeats_is_dropped(body, bare):
    assert Book(REFERENCES + f'<p id="a">{body}</p>').note(0) == Note("1", bare)
