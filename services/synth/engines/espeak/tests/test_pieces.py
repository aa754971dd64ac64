import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.synth.engines.espeak.pieces import _COSTLY, _cost, _end_of_piece, _is_short, cut


@given(st.text(max_size=3000))
def test_pieces_cover_the_text_in_order(text):
    assert "".join(text[start:end] for start, end in cut(text)) == text
    assert all(start < end for start, end in cut(text))


@given(st.text(alphabet="aZ 1.,-—é字か😀\n\u3000", max_size=900) | st.text(max_size=200))
def test_what_is_short_needs_no_cut(text):
    if text and _is_short(text):
        assert _end_of_piece(text, 0) == len(text)


@pytest.mark.slow
def test_no_character_costs_more_than_the_rough_estimate_allows():
    costs = {character: _cost.__wrapped__(character) for character in map(chr, range(0x20000))}
    assert max(cost.clause for cost in costs.values()) == 12
    assert max(cost.word or 0 for cost in costs.values()) == 8
    cheap = "abcXYZ \n\u3000.,;:!?"
    assert {costs[character].clause for character in cheap} == {1}
    assert not any(_COSTLY.match(character) for character in cheap)
    assert all(_COSTLY.match(character) for character in "7-/é字😀")


def test_a_usual_sentence_is_one_piece():
    assert _is_short("It was the best of times; it was, some say, the well-known worst of times.")
    sentence = "It was the best of times, it was the worst of times, " * 8
    assert cut(sentence[:400]) == [(0, 400)]
    url = "See https://example.org/a/long-ish/path?with=some&query=string for 1,234,567 more."
    assert len(cut(url)) == 1


def test_a_long_clause_is_cut_at_a_space():
    text = "word " * 400
    assert len(cut(text)) > 1
    assert all(text[start:end].endswith("word ") for start, end in cut(text))


def test_clauses_with_punctuation_are_not_cut():
    assert len(cut("a few words, " * 150)) == 1


def test_a_long_word_is_cut_after_punctuation_if_it_has_any():
    text = "aaaa/" * 50
    assert len(cut(text)) > 1
    assert all(text[start:end].endswith("/") for start, end in cut(text))


def test_a_long_word_without_punctuation_is_cut_anyway():
    assert max(end - start for start, end in cut("a" * 2000)) <= 90
    assert max(end - start for start, end in cut("7" * 2000)) <= 30
    assert max(end - start for start, end in cut("か" * 2000)) <= 45
    assert max(end - start for start, end in cut("字" * 2000)) <= 75
