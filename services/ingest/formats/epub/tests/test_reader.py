from pathlib import Path

import pytest

from libs.common.errors import Rejected
from services.ingest.tests.samples import SENTENCE, epub, read

LONG = f"<p>{SENTENCE * 20}</p>"


def markdown_of(tmp_path: Path, body: str) -> str:
    pages, _ = read(epub(tmp_path / "a.epub", [("One", body)]))
    return pages[0].markdown


def test_metadata_cover_and_chapters_follow_the_spine(tmp_path):
    chapters = [("", "<p>Dedication.</p>"), ("One", f"<h1>One</h1>{LONG * 3}"), ("Two", LONG)]
    pages, metadata = read(epub(tmp_path / "a.epub", chapters, language="en-GB"))
    assert (metadata.title, metadata.author, metadata.language) == ("The Harbor", "Ida Berg", "en")
    assert metadata.cover == b"\x89PNG cover"
    assert metadata.media_type == "application/epub+zip"
    first_pages = [(chapter.title, chapter.first_page) for chapter in metadata.chapters]
    assert first_pages == [("One", 2), ("Two", len(pages))]
    assert pages[0].markdown == "Dedication."
    assert all(len(page.markdown) <= 4000 for page in pages)
    assert not any("Contents" in page.markdown for page in pages)


def test_a_page_that_shows_nothing_but_the_cover_is_no_page(tmp_path):
    cover = '<div><img src="../cover.png" alt="Cover"/></div>'
    chapters = [("Cover", cover), ("One", f"<h1>One</h1>{LONG}"), ("", cover)]
    pages, metadata = read(epub(tmp_path / "a.epub", chapters))
    assert [page.markdown.partition("\n")[0] for page in pages] == ["# One"]
    assert [(chapter.title, chapter.first_page) for chapter in metadata.chapters] == [("One", 1)]


@pytest.mark.parametrize(
    "page",
    ['<p>To Ada.</p><img src="../cover.png" alt="Cover"/>', '<img src="map.png" alt="A map"/>'],
)
def test_a_page_with_something_to_read_beside_the_cover_is_one(tmp_path, page):
    pages, _ = read(epub(tmp_path / "a.epub", [("", page), ("One", f"<h1>One</h1>{LONG}")]))
    assert len(pages) == 2


def test_footnotes_go_to_the_page_of_their_reference(tmp_path):
    body = (
        '<p>Text<a epub:type="noteref" href="#n1">1</a> and more<sup><a href="c1.xhtml#e2">[2]</a>'
        '</sup>.</p><aside epub:type="footnote" id="n1"><p>1. The <i>body</i> <a href="#r">↩</a>'
        "</p></aside>"
    )
    notes = '<h1>Notes</h1><p id="e2"><a href="c0.xhtml#r2">[2]</a> An end note.</p>'
    pages, metadata = read(epub(tmp_path / "a.epub", [("One", body), ("Notes", notes)]))
    assert [page.markdown for page in pages] == [
        "Text[^1] and more[^2].\n\n[^1]: The *body*\n\n[^2]: An end note."
    ]
    assert [chapter.title for chapter in metadata.chapters] == ["One"]


def test_blocks_become_markdown(tmp_path):
    made = markdown_of(
        tmp_path,
        "<h2>A<br/>B</h2><ul><li><p>once</p></li><li>two<ol start='3'><li>in</li></ol></li></ul>"
        "<blockquote><p>Quoted <b>text</b></p></blockquote><p>* * *</p><pre>x = 1\n  y</pre>"
        "<table><tr><th>A</th><th>B</th></tr><tr><td>1|2</td><td>3</td></tr></table>"
        '<p><img src="a.png" alt="A ship"/><img src="b.png"/></p>'
        '<p>See <a href="https://example.org/x">this</a> and <a href="c9.xhtml">that</a>.</p>',
    )
    assert made.split("\n\n") == [
        "## A B",
        "- once\n- two\n  3. in",
        "> Quoted **text**",
        "---",
        "```\nx = 1\n  y\n```",
        "| A | B |\n| --- | --- |\n| 1\\|2 | 3 |",
        "![A ship](a.png)",
        "See [this](https://example.org/x) and that.",
    ]


def test_contents_with_fragments_start_chapters_inside_a_file(tmp_path):
    body = f'<h1 id="a">A</h1>{LONG}<h1 id="b">B</h1>{LONG}'
    toc = '<li><a href="text/c0.xhtml#a">Alpha</a></li><li><a href="text/c0.xhtml#b">Beta</a></li>'
    pages, metadata = read(epub(tmp_path / "a.epub", [("x", body)], toc=toc))
    assert [(chapter.title, chapter.first_page) for chapter in metadata.chapters] == [
        ("Alpha", 1),
        ("Beta", 2),
    ]
    assert [page.title for page in pages] == ["Alpha", "Beta"]


def test_entities_and_sloppy_markup_are_read(tmp_path):
    assert markdown_of(tmp_path, "<p>a&nbsp;b&mdash;c<br>d</p>") == "a b—c\\\nd"


@pytest.mark.slow
def test_language_is_guessed_when_it_is_not_stated(tmp_path):
    text = "<p>Der Hafen war still, und niemand sprach über den Brief, der gestern kam.</p>"
    pages, metadata = read(epub(tmp_path / "a.epub", [("Eins", text)], language=None))
    assert (metadata.language, pages[0].language) == ("de", "de")


@pytest.mark.parametrize(
    ("algorithm", "readable"),
    [
        ("http://www.idpf.org/2008/embedding", True),
        ("http://www.w3.org/2001/04/xmlenc#aes256-cbc", False),
    ],
)
def test_drm_is_rejected_and_obfuscated_fonts_are_not(tmp_path, algorithm, readable):
    encryption = (
        '<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container"'
        ' xmlns:enc="http://www.w3.org/2001/04/xmlenc#"><enc:EncryptedData>'
        f'<enc:EncryptionMethod Algorithm="{algorithm}"/></enc:EncryptedData></encryption>'
    )
    path = epub(
        tmp_path / "a.epub",
        [("One", "<p>Text.</p>")],
        extra=[("META-INF/encryption.xml", encryption)],
    )
    if readable:
        assert read(path)[0][0].markdown == "Text."
        return
    with pytest.raises(Rejected) as caught:
        read(path)
    assert caught.value.code == "encrypted"


def test_book_without_text_is_rejected(tmp_path):
    with pytest.raises(Rejected) as caught:
        read(epub(tmp_path / "a.epub", [("One", "<p> </p>")]))
    assert caught.value.code == "no_text"
