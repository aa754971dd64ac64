import pytest

from services.segmenter.markdown.content import Content
from services.segmenter.markdown.inline import read_inline
from services.segmenter.wording.aligned import Draft, Omitted


def read(markdown: str, *, hosts: bool = False) -> tuple[str, list[tuple[str, str]]]:
    draft, omitted = Draft(), list[Omitted]()
    content = Content.of_lines(markdown, [(0, len(markdown))])
    read_inline(content, draft, omitted, references={"REF"}, link="to {host}", hosts=hosts)
    return draft.finish().text, [(markdown[o.start : o.end], o.reason) for o in omitted]


@pytest.mark.parametrize(
    ("markdown", "spoken", "omitted"),
    [
        ("[a](b)", "[a]", [("(b)", "link")]),
        ("[a](<b c> 'd')", "[a]", [("(<b c> 'd')", "link")]),
        ('[a](b(c)d "e\\"")', "[a]", [('(b(c)d "e\\"")', "link")]),
        ("[a](b c", "[a](b c", []),
        ("[a][ref] [b][x]", "[a] [b][x]", [("[ref]", "link")]),
        ("[ref][]", "[ref]", [("[]", "link")]),
        ("![a](b)", "[a]", [("(b)", "image")]),
        ("wow![a]", "wow![a]", []),
        ("[[a](b)](c)", "[[a]]", [("(b)", "link"), ("(c)", "link")]),
        ("x[^1]y", "xy", [("[^1]", "footnote_reference")]),
        ("`a [b](c)` d", "a [b](c) d", []),
        ("``a`b`` `c", "a`b `c", []),
        ("\\[a](b) \\` c", "[a](b) ` c", []),
        ("a<b>c</b><br/>d", "ac d", [("<b>", "html"), ("</b>", "html"), ("<br/>", "html")]),
        ("a <!-- b --> c", "a  c", [("<!-- b -->", "html")]),
        ("a <!-- b", "a <!-- b", []),
        ("a < b > c", "a < b > c", []),
        ("<script>x</script>y", " y", [("<script>x</script>", "html")]),
        ("<https://x.io/a> <a@b.c>", "to x.io <a@b.c>", []),
        ("see www.x.io/a_b.", "see to x.io.", []),
        ("`https://x.io/a`", "to x.io", []),
        ("xhttps://x.io", "xhttps://x.io", []),
        ("&amp; &nosuch; &#65; &#x1F600; &", "& &nosuch; A  &", []),
        ("$x_1$ and $5 or $6", "x_1 and $5 or $6", []),
        ("$$a$$", "a", []),
    ],
)
def test_marks(markdown: str, spoken: str, omitted: list[tuple[str, str]]):
    assert read(markdown) == (spoken, omitted)


def test_hosts_are_added_on_request():
    assert read("[a](https://x.io/b) c", hosts=True) == ("[a], to x.io,  c", [])
    assert read("[a](b)", hosts=True) == ("[a]", [("(b)", "link")])


@pytest.mark.slow
@pytest.mark.parametrize(
    "token",
    ["[", "]", "[a](", "[a](b '", "<", "<a ", "<a b='", "`", "&a", "$a", "<!--", "[^", "]["],
)
def test_hostile_marks_take_linear_time(token: str):
    read(token * (100_000 // len(token)))


def test_spans_over_lines_keep_their_sources():
    markdown = "> [a\n> b](c) d"
    draft, omitted = Draft(), list[Omitted]()
    content = Content.of_lines(markdown, [(2, 4), (7, 14)])
    read_inline(content, draft, omitted, references=(), link="{host}")
    text = draft.finish()
    for run in text.runs:
        source = markdown[run.source_start : run.source_end]
        assert text.text[run.start : run.end] == source
    assert [markdown[o.start : o.end] for o in omitted] == ["(c)"]
