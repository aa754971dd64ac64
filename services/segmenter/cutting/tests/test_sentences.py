import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.segmenter.cutting.sentences import cuts
from services.segmenter.wording.aligned import Draft


def cut(text: str, language: str = "en", limit: int = 100) -> list[str]:
    draft = Draft()
    draft.add(text, 0, len(text), exact=True)
    return [text[found.start : found.end] for found in cuts(draft.finish(), language, limit)]


def test_sentences_end_at_full_stops():
    assert cut("One. Two! Three?") == ["One.", "Two!", "Three?"]


def test_closing_marks_stay_with_their_sentence():
    assert cut('"One." Two. ) ...') == ['"One."', "Two. ) ..."]


def test_ordinals_end_no_german_sentence():
    assert cut("Der 2. Weltkrieg. Er war 12. Dann kam er.", "de") == [
        "Der 2. Weltkrieg.",
        "Er war 12.",
        "Dann kam er.",
    ]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("a " * 30 + "b; " + "c, " * 20, "b;"),
        ("a " * 30 + "b, " + "c " * 30, "b,"),
        ("a " * 30 + "b — " + "c " * 30, "—"),
        ("a " * 25 + "b and " + "c " * 30, "b"),
        ("a " * 70, "a"),
    ],
)
def test_a_long_sentence_is_cut_at_the_strongest_mark(text: str, first: str):
    assert cut(text)[0].endswith(first)
    assert all(len(piece) <= 100 for piece in cut(text))


def test_the_pieces_of_a_sentence_are_about_equal():
    pieces = cut("word " * 24)
    assert [len(piece) for piece in pieces] == [59, 59]


def test_only_the_last_piece_finishes_the_sentence():
    draft = Draft()
    draft.add("word " * 30 + "end. Next.", 0, 160, exact=True)
    assert [found.finished for found in cuts(draft.finish(), "en", 100)] == [False, True, True]


def test_a_token_without_spaces_is_cut_between_letters_not_inside():
    assert [len(piece) for piece in cut("e\u0301" * 120)] == [100, 100, 40]
    assert [len(piece) for piece in cut("x" * 250)] == [100, 100, 50]


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(
    text=st.text(alphabet="aB1 .,;:!?\"'—-)\n中。", max_size=9000),
    language=st.sampled_from(["en", "de", "ja"]),
)
def test_nothing_is_lost_or_moved(text: str, language: str):
    pieces = cut(text, language)
    assert "".join(filter(str.isalnum, "".join(pieces))) == "".join(filter(str.isalnum, text))


@pytest.mark.slow
@pytest.mark.parametrize("token", ['?"', "1. ", "! ", "J. ", '"Hello (there. ', "a" * 10, "word "])
def test_long_texts_end_in_time(token: str):
    text = token * (200_000 // len(token))
    pieces = cut(text, limit=600)
    assert all(len(piece) <= 600 for piece in pieces)
