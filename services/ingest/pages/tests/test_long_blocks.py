from markdown_it import MarkdownIt

from services.ingest.pages.blocks import BlockKind, MarkdownBlock
from services.ingest.pages.long_blocks import cut_block, cut_text
from services.ingest.tests.samples import SENTENCE


def test_cuts_fall_at_sentences():
    pieces = cut_text(SENTENCE * 100, 2500)
    assert all(piece.endswith("it.") and len(piece) <= 2500 for piece in pieces)
    assert " ".join(pieces) == (SENTENCE * 100).strip()


def test_cuts_fall_at_spaces_and_at_last_anywhere():
    assert all(piece == piece.strip() for piece in cut_text("word " * 2000, 1000))
    assert "".join(cut_text("x" * 9999, 1000)) == "x" * 9999


def test_emphasis_is_closed_and_opened_again():
    pieces = cut_text(f"**{SENTENCE * 60}x** plain *{SENTENCE * 60}y*", 2000)
    for piece in pieces:
        html = MarkdownIt().render(piece)
        assert "*" not in html


def test_links_code_and_notes_are_not_cut():
    text = "".join(f"[two words](https://example.org/{at}) `a b c` x[^{at}] " for at in range(300))
    for piece in cut_text(text, 700):
        assert piece.count("[two words](") == piece.count("two")
        assert piece.count("`") % 2 == 0
        assert piece.count("[^") == piece.count("x[^")


def test_tables_repeat_their_head():
    table = "| A | B |\n| --- | --- |\n" + "\n".join(f"| {at} | text |" for at in range(500))
    pieces = list(cut_block(MarkdownBlock(markdown=table, kind=BlockKind.TABLE), 2500, 3400))
    assert len(pieces) > 1
    assert all(piece.markdown.startswith("| A | B |\n| --- | --- |\n") for piece in pieces)


def test_code_is_fenced_again():
    code = "````py\n" + "\n".join(f"line {at}" for at in range(900)) + "\n````"
    pieces = list(cut_block(MarkdownBlock(markdown=code, kind=BlockKind.CODE), 2500, 3400))
    assert len(pieces) > 1
    for piece in pieces:
        assert piece.markdown.startswith("````py\n")
        assert piece.markdown.endswith("\n````")


def test_long_list_items_and_quotes_go_on_as_such():
    items = f"- {SENTENCE * 60}\n- short"
    quote = f"> {SENTENCE * 60}"
    listed = list(cut_block(MarkdownBlock(markdown=items, kind=BlockKind.LINES), 2500, 3400))
    quoted = list(cut_block(MarkdownBlock(markdown=quote, kind=BlockKind.LINES), 2500, 3400))
    assert all(piece.markdown.startswith(("- ", "  ")) for piece in listed)
    assert all(piece.markdown.startswith("> ") for piece in quoted)


def test_an_endless_heading_is_text():
    [piece] = cut_block(
        MarkdownBlock(markdown="# " + "a " * 300, kind=BlockKind.HEADING, level=1, plain="a"),
        2500,
        3400,
    )
    assert piece.kind is BlockKind.TEXT
