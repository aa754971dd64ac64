import pytest

from services.ingest.conversion.flow import Flow
from services.ingest.conversion.notes import NoteBook
from services.ingest.conversion.xmltree import parse_html
from services.ingest.pages.blocks import ChapterStart


def blocks(source: str) -> list[str]:
    body = next(parse_html(f"<html><body>{source}</body></html>").iter("body"))
    return [block.markdown for block in Flow(NoteBook()).blocks(body)]


@pytest.mark.parametrize(
    ("source", "markdown"),
    [
        ("a <em>b</em><strong> c </strong>d", ["a *b* **c** d"]),
        ("<i>a <em>b</em></i>", ["*a b*"]),
        ("<p>a<br><br>b<br></p>", ["a\\\nb"]),
        ("<div>a<div>b</div>c</div>", ["a", "b", "c"]),
        ("<a href='https://x.org'><h2>Linked</h2></a>", ["## Linked"]),
        ("<h1></h1><p> </p><hr>", ["---"]),
        ("<p>1. not a list</p><p># not a heading</p>", ["1\\. not a list", "\\# not a heading"]),
        ("<dl><dt>term</dt><dd>meaning</dd></dl>", ["**term**", "meaning"]),
        ("<ul><li>a</li>b<ul><li>c</li></ul><li><p>d</p><p>e</p></li></ul>", None),
        ("<ruby>漢<rt>kan</rt></ruby>", ["漢"]),
        ("<p hidden>no</p><p style='display: none'>no</p><p>yes</p>", ["yes"]),
        ("<table><tr><td>Only</td></tr><tr><td>layout</td></tr></table>", ["Only", "layout"]),
        ("<pre><code class='language-py'>a\n\n\n\nb</code></pre>", ["```py\na\n\nb\n```"]),
        ("<p><code>a`b</code></p>", ["``a`b``"]),
        ("<figure><img src='x.png' alt='Ship'><figcaption>Cap</figcaption></figure>", None),
    ],
)
def test_html(source, markdown):
    made = blocks(source)
    assert made
    if markdown is not None:
        assert made == markdown


def test_text_is_kept_once_and_in_order():
    source = "<ul><li>a</li><ul><li>c</li></ul><li><p>d</p><p>e</p></li></ul><p>f</p>"
    words = "".join(blocks(source))
    assert [char for char in words if char.isalpha()] == list("acdef")


def test_chapters_start_where_their_anchors_are():
    source = "<p>a</p><p><a id='two'></a>b</p><h2 id='three'>c</h2>"
    body = next(parse_html(f"<html><body>{source}</body></html>").iter("body"))
    starts = {"two": ChapterStart("Two"), "three": ChapterStart("Three")}
    made = Flow(NoteBook(), starts=starts).blocks(body, ChapterStart("One"))
    assert [block.chapter and block.chapter.title for block in made] == ["One", "Two", "Three"]
