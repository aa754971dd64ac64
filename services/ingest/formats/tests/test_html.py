import pytest

from libs.common.errors import Rejected
from services.ingest.formats.html import read_html
from services.ingest.pages.document import Metadata, Page
from services.ingest.tests.samples import SENTENCE


def pages_of(source: str) -> tuple[list[str], Metadata]:
    *pages, metadata = read_html(source, "page.html")
    assert isinstance(metadata, Metadata)
    return [page.markdown for page in pages if isinstance(page, Page)], metadata


ARTICLE = f"""<!doctype html><html lang="en-US"><head><title>The Harbor | The Daily</title>
<meta name="author" content="Ida Berg"></head><body>
<nav><a href="/">Home</a> <a href="/news">News of the day</a></nav>
<div class="sidebar"><ul><li><a href="/x">Most read today</a></li></ul></div>
<article><h1>The Harbor</h1><p>{SENTENCE * 3}<em>Truly</em>, it was
<a href="https://example.org/s">so</a>.</p><h2>Later</h2><p>{SENTENCE * 3}</p>
<ol><li>first thing</li><li>second thing</li></ol></article>
<footer>Copyright by The Daily, all rights reserved.</footer></body></html>"""


def test_only_the_article_of_a_web_page_is_read():
    pages, metadata = pages_of(ARTICLE)
    text = "\n\n".join(pages)
    assert text.startswith("# The Harbor\n\nThe ferry")
    assert "*Truly*, it was [so](https://example.org/s)." in text
    assert "1. first thing\n2. second thing" in text
    for noise in ("Home", "Most read", "Copyright"):
        assert noise not in text
    assert (metadata.title, metadata.author, metadata.language) == ("The Harbor", "Ida Berg", "en")


def test_all_of_a_document_in_html_is_read():
    pages, metadata = pages_of(
        "<html><head><title>T</title><script>x()</script></head><body><h1>A</h1><p>Short.</p>"
        "<h1>B</h1><p>Also<sup><a href='#n'>1</a></sup>.</p><p id='n'>1. A note.</p></body></html>"
    )
    assert pages == ["# A\n\nShort.", "# B\n\nAlso[^1].\n\n[^1]: A note."]
    assert [chapter.title for chapter in metadata.chapters] == ["A", "B"]


def test_fragments_without_html_element():
    assert pages_of("<p>One</p><p>Two <b>three</b></p>")[0] == ["One\n\nTwo **three**"]


@pytest.mark.slow
def test_page_whose_article_cannot_be_told_is_read_without_its_frame():
    pages, _ = pages_of("<body><nav>Menu</nav><div>Hello there.</div><footer>End</footer></body>")
    assert pages == ["Hello there."]


def test_page_without_text_is_rejected():
    with pytest.raises(Rejected):
        list(read_html("<html><body><script>x()</script></body></html>", None))


def test_highlighted_code_is_read_whole():
    pages, _ = pages_of(
        f"<html><body><h1>A</h1><p>{SENTENCE}</p><pre><span>let</span> x = <b>1</b>;\n"
        "<span>return</span> x</pre><p>Write <code>a <i>b</i> c</code>.</p></body></html>"
    )
    text = "\n".join(pages)
    assert "let x = 1;\nreturn x" in text
    assert "`a b c`" in text
