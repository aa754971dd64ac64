import pytest

from libs.common.contracts.speech.utterances import Block
from services.segmenter.markdown.passages import outline_of
from services.segmenter.markdown.reading_style import ReadingStyle


def read(source: str, reading: ReadingStyle | None = None) -> list[tuple[Block, str, str]]:
    outline = outline_of(source, reading or ReadingStyle())
    found = []
    for passage in outline.passages:
        marker = passage.marker
        text = "/".join(part.content.text for part in passage.parts)
        found.append((passage.block, source[marker.start : marker.end] if marker else "", text))
    return found


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("# a #\n\nb\n===", [(Block.HEADING, "", "a"), (Block.HEADING, "", "b")]),
        ("## # x", [(Block.HEADING, "", "# x")]),
        ("> a\nb\n> c", [(Block.QUOTE, "", "a\nb\nc")]),
        ("- a\n  b\n- c", [(Block.LIST_ITEM, "", "a\nb"), (Block.LIST_ITEM, "", "c")]),
        ("10) a\n11) b", [(Block.LIST_ITEM, "10)", "a"), (Block.LIST_ITEM, "11)", "b")]),
        ("1. 2. a", [(Block.LIST_ITEM, "1.", ""), (Block.LIST_ITEM, "2.", "a")]),
        ("1.\n\na", [(Block.LIST_ITEM, "1.", ""), (Block.PARAGRAPH, "", "a")]),
        ("- [x] a", [(Block.LIST_ITEM, "[x]", "a")]),
        ("\ta\n\n    b", [(Block.PARAGRAPH, "", "a"), (Block.PARAGRAPH, "", "b")]),
        ("[^a]: x\n\nz", [(Block.PARAGRAPH, "", "z"), (Block.FOOTNOTE, "[^a]:", "x")]),
        ("[^a]: x\n\n    y", [(Block.FOOTNOTE, "[^a]:", "x"), (Block.FOOTNOTE, "", "y")]),
        ("\x0c\na", [(Block.PARAGRAPH, "", "a")]),
        ("a\n\x0c\nb", [(Block.PARAGRAPH, "", "a\nb")]),
    ],
)  # fmt: skip
def test_blocks(source: str, expected: list[tuple[Block, str, str]]):
    assert read(source) == expected


def test_every_line_of_code_may_be_read():
    source = "> ```py\n> a = 1\n>   b\n> ```"
    outline = outline_of(source, ReadingStyle(code="read"))
    assert [passage.parts[0].content.text for passage in outline.passages] == ["a = 1", "b"]
    assert all(passage.literal for passage in outline.passages)
    assert [source[omission.start : omission.end] for omission in outline.omitted] == ["py"]


def test_code_is_announced_where_its_fence_is():
    source = "~~~\ncode\n~~~"
    assert read(source) == [(Block.CODE, "~~~", "")]
    assert read(source, ReadingStyle(code="omit")) == []
    assert read("```\n\n```") == []


def test_what_is_nested_too_deeply_is_read_as_it_is():
    source = "1. " * 100 + "word"
    assert read(source)[-1][2].endswith("word")
    assert read("> " * 200 + "word")[-1][2].endswith("word")


def test_definitions_are_no_text():
    source = "[a]: b 'c'\n[a]: d\n\ntext"
    outline = outline_of(source, ReadingStyle())
    assert [omission.reason for omission in outline.omitted] == ["link_definition"] * 2
    assert outline.references == {"A"}


def test_footnotes_and_tables_may_be_omitted():
    source = "[^1]: a\n\n    ```\n    b\n    ```\n\n| c |\n|---|\n| d |"
    outline = outline_of(source, ReadingStyle(footnotes="omit", tables="omit"))
    assert outline.passages == []
    assert {omission.reason for omission in outline.omitted} == {"footnote", "table"}


def test_a_rule_ends_a_scene():
    outline = outline_of("a\n\n***\n\nb", ReadingStyle())
    assert [passage.scene_ends for passage in outline.passages] == [True, False]
