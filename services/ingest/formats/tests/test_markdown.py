import pytest

from libs.common.errors import Rejected
from services.ingest.formats.markdown import read_markdown
from services.ingest.pages.document import Metadata, Page
from services.ingest.tests.samples import SENTENCE


def pages_of(text: str) -> tuple[list[str], Metadata]:
    *pages, metadata = read_markdown(text, "notes.md")
    assert isinstance(metadata, Metadata)
    return [page.markdown for page in pages if isinstance(page, Page)], metadata


def test_blocks_are_kept_and_references_resolved():
    text = """Head
====

Text *a* **b** `c` [d][x] 5 * 3.
Next line.

- one
  1. deep
- two

> quote

| A | B |
|---|---|
| 1 | 2 |

~~~python
x  =  1


y = 2
~~~

![ship](a.png) ![](b.png)

[x]: https://example.org/a
"""
    assert pages_of(text)[0][0].split("\n\n") == [
        "# Head",
        "Text *a* **b** `c` [d](https://example.org/a) 5 * 3. Next line.",
        "- one\n  1. deep\n- two",
        "> quote",
        "| A | B |\n| --- | --- |\n| 1 | 2 |",
        "```python\nx  =  1",
        "y = 2\n```",
        "![ship](a.png)",
    ]


def test_a_line_of_dialog_is_no_link_definition():
    text = "# T\n\n[Alice]: Hello there Bob, how are you?\n\n[Bob]: Fine, thanks.\n\nThe end.\n"
    assert pages_of(text)[0][0].split("\n\n") == [
        "# T",
        "\\[Alice]: Hello there Bob, how are you?",
        "\\[Bob]: Fine, thanks.",
        "The end.",
    ]


@pytest.mark.parametrize("title", ["", ' "A title"', " 'It\\'s'", " (so)  "])
def test_link_definitions_may_have_a_title(title: str):
    text = (
        f"See [this] or [that].\n\n[this]: https://a.org/a{title}\n[that]: <https://a.org/b>{title}"
    )
    assert pages_of(text)[0] == ["See [this](https://a.org/a) or [that](https://a.org/b)."]


def test_front_matter_gives_title_author_and_language():
    head = "---\ntitle: The Harbor\nauthor: 'Ida Berg'\nlang: de-AT\ntags: [a]\n---\n"
    pages, metadata = pages_of(f"{head}# Heading\n\nText.")
    assert (metadata.title, metadata.author, metadata.language) == ("The Harbor", "Ida Berg", "de")
    assert "title" not in pages[0]


def test_footnotes_stay_with_their_references_in_a_long_text():
    chapters = "".join(f"# Part {at}\n\n{SENTENCE * 200}[^{at}]\n\n" for at in range(3))
    notes = "".join(f"[^{at}]: Note {at}\n    goes on.\n\n" for at in range(3))
    pages, metadata = pages_of(chapters + notes)
    assert len(metadata.chapters) == 3
    assert sum("goes on." in page for page in pages) == 3
    for page in pages:
        assert ("[^" in page) == ("]: Note" in page)


def test_no_footnote_is_lost():
    text = """This is so[^1]: because.

More text here[^2].

[^1]: The first note.
[^2]: The second note, see[^3].
[^3]: Third, as in [^2].
[^4]: Unused note.
"""
    assert pages_of(text)[0][0].split("\n\n") == [
        "This is so[^1]: because.",
        "More text here[^2].",
        "[^1]: The first note.",
        "[^2]: The second note, see.",
        "[^3]: Third, as in.",
        "[^4]: Unused note.",
    ]


def test_a_footnote_within_a_footnote_stays_near_it():
    chapters = "".join(f"# Part {at}\n\n{SENTENCE * 200}[^{at}]\n\n" for at in range(3))
    pages, _ = pages_of(f"{chapters}[^0]: First, see [^x].\n\n[^x]: Inner.\n\n[^1]: Second.\n")
    first = next(at for at, page in enumerate(pages) if "First, see." in page)
    assert any("Inner." in page for page in pages[first : first + 2])
    assert sum("Inner." in page for page in pages) == 1


def test_one_title_and_sections_below_it():
    sections = "".join(f"## S{at}\n\n{SENTENCE * 15}\n\n" for at in range(3))
    pages, metadata = pages_of(f"# Title\n\n{sections}")
    assert [chapter.title for chapter in metadata.chapters] == ["S0", "S1", "S2"]
    assert pages[0].startswith("# Title\n\n## S0")
    assert metadata.title == "Title"


def test_short_sections_share_a_page():
    pages, metadata = pages_of("# Title\n\n" + "".join(f"## S{at}\n\nx\n\n" for at in range(9)))
    assert len(pages) == 1
    assert metadata.chapters == ()


def test_headings_in_code_are_code():
    pages, metadata = pages_of("```\n# a\n\n# b\n```\n\nText.")
    assert metadata.chapters == ()
    assert pages[0].startswith("```\n# a\n\n# b\n```")


def test_scripts_are_dropped_and_html_is_read():
    assert pages_of("# A\n\n<script>x()</script>\n\n<p>B <b>c</b></p>\n")[0] == ["# A\n\nB **c**"]


def test_nothing_is_rejected():
    with pytest.raises(Rejected):
        list(read_markdown("\n\n", None))
