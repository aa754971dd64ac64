import pytest

from services.ingest.pdf.fragments import HYPHEN, Fragment
from services.ingest.pdf.marks import is_mark, split_mark
from services.ingest.pdf.paragraphs import Role, Vocabulary, paragraphs

WIDTH = 60


def lines(*texts: str, indents: dict[int, float] | None = None) -> list[Fragment]:
    return [
        Fragment(
            72 + (indents or {}).get(at, 0),
            700 - 13 * at,
            72 + 5 * len(text),
            711 - 13 * at,
            10,
            text,
        )
        for at, text in enumerate(texts)
        if text
    ]


def texts(fragments: list[Fragment]) -> list[str]:
    return [each.text for each in paragraphs(fragments, 10, Vocabulary())]


FULL = "a line of text that goes on as far as the margin does here"


def test_first_line_indents_begin_paragraphs():
    made = texts(lines(FULL, FULL, FULL, FULL, FULL, indents={0: 15, 2: 15}))
    assert made == [f"{FULL} {FULL}", f"{FULL} {FULL} {FULL}"]


def test_gaps_begin_paragraphs():
    assert texts(lines(FULL, FULL, "", FULL)) == [f"{FULL} {FULL}", FULL]


def test_a_short_last_line_ends_a_paragraph():
    assert texts(lines(FULL, "and it ends.", FULL, FULL)) == [
        f"{FULL} and it ends.",
        f"{FULL} {FULL}",
    ]


def test_list_items_with_hanging_lines():
    made = paragraphs(
        lines("1. First thing that is", "long.", "2. Second thing.", indents={1: 15}),
        10,
        Vocabulary(),
    )
    assert [(each.role, each.mark, each.text) for each in made] == [
        (Role.ITEM, "1. ", "First thing that is long."),
        (Role.ITEM, "2. ", "Second thing."),
    ]


@pytest.mark.parametrize(
    ("left", "right", "joined"),
    [
        ("infor", "mation", "information"),
        ("well", "known", "well-known"),
        ("Anglo", "Saxon", "Anglo-Saxon"),
        ("sea", "sick", "sea-sick"),
        ("co", "operate", "cooperate"),
    ],
)
def test_hyphens(left, right, joined):
    vocabulary = Vocabulary()
    vocabulary.add("They were sea-sick and had to cooperate with co-operate.")
    assert vocabulary.join(left, right) == joined


def test_hyphen_marks_never_reach_the_text():
    assert texts(lines(f"an exam{HYPHEN}", f"ple with a last{HYPHEN}")) == [
        "an example with a last-"
    ]


def test_marks():
    assert is_mark("•")
    assert is_mark("12.")
    assert not is_mark("1984")
    assert split_mark("3) three") == ("3. ", "three")
    assert split_mark("• one") == ("- ", "one")
    assert split_mark("-5 degrees") is None
    assert split_mark("1984. It was") is None
