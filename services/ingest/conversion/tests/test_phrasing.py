from typing import Any

import pytest
from lxml import html

from services.ingest.conversion.notes import NoteBook
from services.ingest.conversion.phrasing import Inline, bare, finish, hidden, one_paragraph
from services.ingest.pages.blocks import Note


def element(inside: str, tag: str = "p") -> Any:
    return html.fromstring(f"<html><body><{tag}>{inside}</{tag}></body></html>").find(f".//{tag}")


def nowhere(_href: str) -> None:
    return None


def rendered(inside: str) -> str:
    return finish(Inline(book=NoteBook(), lookup=nowhere).render(element(inside)))


@pytest.mark.parametrize(
    ("source", "markdown"),
    [
        ("plain", "plain"),
        ("<em>so</em> and <strong>so</strong>", "*so* and **so**"),
        ("<i>a <b>b</b></i>", "*a **b***"),
        ("<em>a <i>b</i></em>", "*a b*"),  # emphasis within emphasis
        ("a<em> b </em>c", "a *b* c"),
        ("<em> </em>x", "x"),
        ("<cite>Title</cite>", "*Title*"),
        ("<code>a*b</code> <kbd>x`y</kbd>", "`a*b` ``x`y``"),
        ("2 * 3 *not* marks", r"2 * 3 \*not\* marks"),
        ('<a href="https://example.org/a">there</a>', "[there](https://example.org/a)"),
        ('<a href="#x">here</a>', "here"),
        ('<a href="javascript:x()">no</a>', "no"),
        ('<img src="a.png" alt="A ship">', "![A ship](a.png)"),
        ('a<img src="a.png">b', "ab"),
        ("<span>in <u>plain</u></span> words", "in plain words"),
        ("one<br>two<br/><br>three", "one\\\ntwo\\\nthree"),
        ("<br>one<br>", "one"),
        ("a\n  b\tc", "a b c"),
        ("a<!-- secret -->b", "ab"),
        ('<math alttext="x squared"><mi>x</mi></math>', "x squared"),
        ("1. no list", r"1\. no list"),
        ("# no heading", r"\# no heading"),
    ],
)
def test_elements_become_markdown(source, markdown):
    assert rendered(source) == markdown


@pytest.mark.parametrize(
    "unread",
    [
        "<script>x()</script>",
        "<style>p {}</style>",
        "<button>Buy</button>",
        "<select><option>1</option></select>",
        "<ruby><rt>kana</rt></ruby>",
        "<span hidden>x</span>",
        '<span style="color: red; DISPLAY : none">x</span>',
        '<span role="doc-pagebreak">12</span>',
        '<span epub:type="pagebreak">12</span>',
    ],
)
def test_what_is_not_to_be_read_is_left_out_but_what_follows_stays(unread):
    assert rendered(f"a {unread}b") == "a b"


def test_hidden_parts_are_known():
    assert hidden(element("<nav hidden>x</nav>", "div")[0])
    assert not hidden(element('<span style="display: inline">x</span>')[0])


NOTED = (
    '<p>Text<sup><a href="#n">1</a></sup> and again<sup><a href="#n">1</a></sup>.</p>'
    '<p id="n">1. A <em>long</em><br>note. <a href="#r">↩</a></p>'
)


def test_references_become_notes_whose_bodies_are_read_once():
    root: Any = element(NOTED, "div")
    inline = Inline(book=NoteBook(), lookup=lambda href: root.find(f".//*[@id='{href[1:]}']"))
    text, body = root
    assert finish(inline.render(text)) == "Text[^1] and again[^1]."
    assert inline.take_notes() == (Note("1", "A *long* note."),)
    assert inline.take_notes() == ()
    assert inline.element(body) == ""


def test_a_reference_without_a_body_stays_text():
    assert rendered('x<sup><a href="#gone">1</a></sup>') == "x1"


def test_anchors_are_reported_in_their_order_but_not_those_of_notes():
    root: Any = element(NOTED.replace("<p>Text", '<p><i id="i">Text</i>'), "div")
    seen: list[str] = []
    inline = Inline(
        book=NoteBook(),
        lookup=lambda href: root.find(f".//*[@id='{href[1:]}']"),
        anchor=lambda element: seen.append(element.tag),
    )
    inline.render(root[0])
    assert seen == ["i", "sup", "a", "sup", "a"]


def test_control_characters_cannot_pose_as_line_breaks():
    assert Inline(book=NoteBook(), lookup=nowhere).text("a\x00b") == "ab"


def test_blocks_within_a_cell_stay_words_apart():
    cell = element("a<div>b</div>c<ul><li>d</li><li>e</li></ul>", "div")
    assert finish(Inline(book=NoteBook(), lookup=nowhere).render(cell)) == "a b c d e"


def test_a_cell_is_one_line():
    inline = Inline(book=NoteBook(), lookup=nowhere)
    assert one_paragraph(inline.render(element("a<br>b\n c"))) == "a b c"


def test_a_heading_is_bare_without_marks_notes_and_hidden_parts():
    heading = element(
        "The <em>Great</em><br>Harbor<sup><a href='#n'>1</a></sup> <span hidden>x</span>"
        "<a href='#top'>again</a><!-- no -->",
        "h1",
    )
    assert bare(heading) == "The Great Harbor again"
