"""Reading a document takes time linear in it, whatever it consists of."""

import pytest

from libs.common.contracts.pages import MAX_PAGE_BYTES
from libs.common.errors import Rejected
from libs.common.testing.costs.hostile_patterns import MOST_WITH_OBJECTS, growth, repeated
from services.ingest.formats.parse import parse_file
from services.ingest.formats.sniff import text_format
from services.ingest.pages.document import Page

HTML = "<!doctype html><html><body>"
HOSTILE = [
    *(("a.html", HTML, unit) for unit in ("<h1>a</h1>", "<p>a</p>", "a <br> ", "&nbsp;", "`[*_")),
    *(("a.html", HTML, unit) for unit in ("<tr><td>a</td></tr>", "<p class='footnote'>a", "<hr>")),
    *(("a.md", "# a\n\n", unit) for unit in ("`", "[](", "# a\n", "[^a]", "a\n\n", " \t", "> a\n")),
    *(
        ("a.txt", "", unit)
        for unit in (" ", "a\n\n", "a. ", "`", "- a\n", "www.a.b.", "Chapter I\n\n")
    ),
]


@pytest.fixture
def pages(tmp_path):
    """Read a text as a file of some name; returns the pages, none if it is refused."""

    def read(name: str, text: str) -> list[Page]:
        (tmp_path / name).write_text(text)
        try:
            with (tmp_path / name).open("rb") as file:
                items = list(parse_file(file, name))
        except Rejected:
            return []
        return [item for item in items if isinstance(item, Page)]

    return read


@pytest.mark.alone
@pytest.mark.slow
@pytest.mark.parametrize(("name", "head", "unit"), HOSTILE)
def test_reading_is_linear_and_no_page_is_too_long(pages, name, head, unit):
    text = repeated(head, unit, "\nThe end.")
    assert growth(lambda source: pages(name, source), text, 2000) <= MOST_WITH_OBJECTS
    found = pages(name, text(100_000))
    assert all(len(page.markdown.encode()) <= MAX_PAGE_BYTES for page in found)


def test_comments_before_a_page_do_not_multiply():
    """Forty of them took longer than anybody waits: each could end where any later one did."""
    assert text_format("<!---->" * 40 + "x", "a.txt") == "text/plain"
