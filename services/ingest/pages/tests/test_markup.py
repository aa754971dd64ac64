import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from services.ingest.pages import markup

READER = MarkdownIt("commonmark").enable(["table", "strikethrough"])


@given(st.text(alphabet="ab*_`[]()<>&#+-=1.!~|\\: ^\"'", max_size=40))
def test_escaped_text_is_shown_as_it_is(text):
    text = " ".join(text.split())
    shown = READER.render(markup.guard(markup.escape(text)))
    inside = re.fullmatch(r"(?s)(?:<p>(.*)</p>\n)?", shown)
    assert inside, shown
    assert html.unescape(inside[1] or "") == text


def test_only_what_is_needed_is_escaped():
    plain = "snake_case, 5 * 3, a < b, AT&T, [1], (see below), 10 - 3 = 7!"
    assert markup.escape(plain) == plain


def test_marks_touch_words():
    assert markup.emphasize(" a b ", "**") == " **a b** "
    assert markup.emphasize("  ", "*") == "  "


def test_links_are_absolute_and_safe():
    assert markup.link("a", "https://x.org/b c(d)") == "[a](https://x.org/b%20c%28d%29)"
    assert markup.link("a", "javascript:alert(1)") == "a"
    assert markup.link("a", "chapter2.html") == "a"


def test_images_need_a_description():
    assert markup.image(" ", "a.png") == ""
    assert markup.image("A [ship]", "data:image/png;base64,xx") == r"![A \[ship\]](image)"


@pytest.mark.parametrize("text", ["a", "`a", "a``b", "`"])
def test_code_spans(text):
    assert READER.render(markup.code_span(text)) == f"<p><code>{text}</code></p>\n"


def test_code_blocks_outlast_their_fences():
    assert READER.render(markup.code_block("```\nx")) == "<pre><code>```\nx\n</code></pre>\n"


def test_tables_are_filled_up():
    assert markup.table([["A", "B"], ["1|2"]]) == "| A | B |\n| --- | --- |\n| 1\\|2 |  |"
