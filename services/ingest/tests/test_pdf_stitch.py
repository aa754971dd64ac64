from services.ingest.pdf.paragraphs import Paragraph, Role, Vocabulary
from services.ingest.pdf.stitch import Sheet, stitch


def text(words: str, role: Role = Role.TEXT) -> Paragraph:
    return Paragraph(role, words, 10)


def stitched(*pages: list[Paragraph]) -> list[list[str]]:
    sheets = (Sheet(at, page) for at, page in enumerate(pages))
    return [[each.text for each in sheet.paragraphs] for sheet in stitch(sheets, Vocabulary())]


def test_the_rest_of_a_sentence_moves_back():
    assert stitched([text("One. He went to the")], [text("sea. Then home.")]) == [
        ["One. He went to the sea."],
        ["Then home."],
    ]


def test_a_footnote_at_the_end_of_the_page_is_passed_over():
    first = [text("He went to the"), text("1 A note.", Role.SMALL)]
    assert stitched(first, [text("sea.")]) == [["He went to the sea.", "1 A note."]]


def test_a_cut_word_is_joined():
    assert stitched([text("He was seasick and miser-")], [text("able. Yes.")])[0] == [
        "He was seasick and miserable."
    ]


def test_a_name_can_go_on_with_a_sentence():
    assert stitched([text("On that day he met with")], [text("Ida Berg. Yes.")])[0] == [
        "On that day he met with Ida Berg."
    ]


def test_complete_sentences_headings_and_tables_stay():
    assert stitched([text("Done.")], [text("and more.")]) == [["Done."], ["and more."]]
    assert stitched([text("He went to the")], [text("Part", Role.HEADING)])[1] == ["Part"]
    assert stitched([text("A Title", Role.HEADING)], [text("text.")])[1] == ["text."]


def test_empty_pages_are_passed_over():
    assert stitched([text("He went to")], [], [text("sea.")]) == [["He went to sea."]]


def test_a_sentence_without_end_is_not_moved():
    endless = "word " * 1000
    assert len(stitched([text("He went to the")], [text(endless)])) == 2
