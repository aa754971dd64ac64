from services.segmenter.cutting.spans import SpanReader, state_omissions
from services.segmenter.wording.aligned import Draft, Omitted


def test_every_word_has_a_span():
    draft = Draft()
    draft.add("one two", 10, 17, exact=True)
    spans = SpanReader(draft.finish()).spans(0, 7)
    assert spans == [(0, 3, 10, 13), (4, 7, 14, 17)]


def test_an_expansion_of_several_words_is_one_span():
    draft = Draft()
    draft.add("that is", 0, 4)
    draft.add(" so", 4, 7, exact=True)
    assert SpanReader(draft.finish()).spans(0, 10) == [(0, 7, 0, 4), (8, 10, 5, 7)]


def test_a_word_in_pieces_is_one_span_unless_something_omitted_lies_inside():
    draft = Draft()
    draft.add("un", 0, 2, exact=True)
    draft.add("real", 4, 8, exact=True)
    draft.seal()
    draft.add("ly", 12, 14, exact=True)
    assert SpanReader(draft.finish()).spans(0, 8) == [(0, 6, 0, 8), (6, 8, 12, 14)]


def test_an_announcement_without_a_source_shares_the_next_word_s():
    draft = Draft()
    draft.add("Full name:", 5, 5, leads=True)
    draft.add(" ", 5, 5, leads=True)
    draft.add("Ann Lee", 5, 12, exact=True)
    assert SpanReader(draft.finish()).spans(0, 18) == [(0, 14, 5, 8), (15, 18, 9, 12)]


def test_a_reader_moves_on():
    draft = Draft()
    draft.add("a b", 0, 3, exact=True)
    reader = SpanReader(draft.finish())
    assert [reader.spans(0, 1), reader.spans(2, 3)] == [[(0, 1, 0, 1)], [(0, 1, 2, 3)]]


def test_words_that_nobody_claimed_are_stated():
    found = state_omissions("ab &nbsp; (c)", [Omitted(10, 13, "link")], [(0, 2)])
    assert [
        (omission.source_start, omission.source_end, omission.reason) for omission in found
    ] == [
        (4, 8, "markup"),
        (10, 13, "link"),
    ]
