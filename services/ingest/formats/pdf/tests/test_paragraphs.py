from services.ingest.formats.pdf.dehyphenation import Dehyphenator
from services.ingest.formats.pdf.fragments import HYPHEN, Fragment
from services.ingest.formats.pdf.paragraphs import ParagraphRole, paragraphs

WIDTH = 60


def lines(*texts: str, indents: dict[int, float] | None = None) -> list[Fragment]:
    return [
        Fragment(
            left=72 + (indents or {}).get(at, 0),
            bottom=700 - 13 * at,
            right=72 + 5 * len(text),
            top=711 - 13 * at,
            size=10,
            text=text,
        )
        for at, text in enumerate(texts)
        if text
    ]


def texts(fragments: list[Fragment]) -> list[str]:
    return [paragraph.text for paragraph in paragraphs(fragments, 10, Dehyphenator())]


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
        Dehyphenator(),
    )
    assert [(paragraph.role, paragraph.marker, paragraph.text) for paragraph in made] == [
        (ParagraphRole.ITEM, "1. ", "First thing that is long."),
        (ParagraphRole.ITEM, "2. ", "Second thing."),
    ]


def test_hyphen_marks_never_reach_the_text():
    assert texts(lines(f"an exam{HYPHEN}", f"ple with a last{HYPHEN}")) == [
        "an example with a last-"
    ]
