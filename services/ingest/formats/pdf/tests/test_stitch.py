from collections.abc import Iterator

from services.ingest.formats.pdf.dehyphenation import Dehyphenator
from services.ingest.formats.pdf.paragraphs import Paragraph, ParagraphRole
from services.ingest.formats.pdf.stitch import Sheet, stitch


def text(words: str, role: ParagraphRole = ParagraphRole.TEXT, *, full: bool = True) -> Paragraph:
    return Paragraph(role=role, text=words, size=10, full=full)


def stitched(*pages: list[Paragraph]) -> list[list[str]]:
    sheets = (Sheet(at, page) for at, page in enumerate(pages))
    return [
        [paragraph.text for paragraph in sheet.paragraphs]
        for sheet in stitch(sheets, Dehyphenator())
    ]


def test_the_rest_of_a_sentence_moves_back():
    assert stitched([text("One. He went to the")], [text("sea. Then home.")]) == [
        ["One. He went to the sea."],
        ["Then home."],
    ]


def test_a_footnote_at_the_end_of_the_page_is_passed_over():
    first = [text("He went to the"), text("1 A note.", ParagraphRole.SMALL)]
    assert stitched(first, [text("sea.")]) == [["He went to the sea.", "1 A note."]]


def test_a_cut_word_is_joined():
    assert stitched([text("He was seasick and miser-")], [text("able. Yes.")])[0] == [
        "He was seasick and miserable."
    ]


def test_a_name_can_go_on_with_a_sentence():
    assert stitched([text("On that day he met with")], [text("Ida Berg. Yes.")])[0] == [
        "On that day he met with Ida Berg."
    ]


def test_a_capital_after_a_short_line_begins_something_new():
    pages = [text("On that day he met with", full=False)], [text("Ida Berg. Yes.")]
    assert stitched(*pages) == [["On that day he met with"], ["Ida Berg. Yes."]]


def test_a_hyphen_before_a_name_stays():
    assert stitched([text("The Anglo-")], [text("Saxons came. Yes.")])[0] == [
        "The Anglo-Saxons came."
    ]


def test_scripts_without_capitals_go_on_after_a_full_line():
    rest = "去海边了。然后回家。"
    assert stitched([text("那天早上他一个人")], [text(rest)]) == [
        ["那天早上他一个人去海边了。"],
        ["然后回家。"],
    ]
    assert stitched([text("那天早上他一个人", full=False)], [text(rest)])[1] == [rest]
    assert stitched([text("वह आज घर गया।")], [text("फिर वह सोया। हाँ।")])[0] == ["वह आज घर गया।"]


def test_pages_of_a_line_each_stay_pages():
    lines = ["Our Plans for the Year", "The Budget of the Year", "apples and pears", "Questions"]
    assert stitched(*([text(line)] for line in lines)) == [[line] for line in lines]


def test_pages_of_words_stay_pages():
    words = "pear plum apple " * 100
    assert len(stitched(*([text(words.strip())] for _ in range(50)))) == 50


def test_a_page_is_ready_as_soon_as_the_next_is_read():
    read: list[int] = []

    def sheets() -> Iterator[Sheet]:
        for at in range(10):
            read.append(at)
            yield Sheet(at, [text("one word and another")])

    assert next(stitch(sheets(), Dehyphenator())).index == 0
    assert read == [0, 1]


def test_a_sentence_gets_the_beginning_of_one_page_at_most():
    pages = [text("He went to the")], [text("end of the pier")], [text("and back. Then home.")]
    assert stitched(*pages) == [
        ["He went to the"],
        ["end of the pier and back."],
        ["Then home."],
    ]


def test_complete_sentences_headings_and_tables_stay():
    assert stitched([text("Done.")], [text("and more.")]) == [["Done."], ["and more."]]
    assert stitched([text("He went to the")], [text("Part", ParagraphRole.HEADING)])[1] == ["Part"]
    assert stitched([text("A Title", ParagraphRole.HEADING)], [text("text.")])[1] == ["text."]


def test_empty_pages_are_passed_over():
    assert stitched([text("He went to")], [], [text("sea.")]) == [["He went to sea."]]


def test_a_sentence_without_end_is_not_moved():
    endless = "word " * 1000
    assert len(stitched([text("He went to the")], [text(endless)])) == 2
