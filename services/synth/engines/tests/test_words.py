from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.synth.engines.port import WordMark
from services.synth.engines.words import (
    can_be_heard,
    find_words,
    is_silent,
    place_words,
    plain,
    silence,
    trim_end,
    with_ascii_digits,
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("“Well,” he said.", ["Well", "he", "said"]),
        ("a well-known e-mail: x@y.com!", ["a", "well-known", "e-mail", "x@y.com"]),
        ("naïve—café — 5 %", ["naïve", "café", "5", "%"]),
        ("C#, 5%; R&D & 'so'", ["C#", "5%", "R&D", "&", "so"]),
        ("it's 1,234.50…", ["it's", "1,234.50"]),
        ("A 😀👨‍👩‍👧 b", ["A", "😀👨‍👩‍👧", "b"]),
        ("我喜欢 ABC。", ["我", "喜", "欢", "ABC"]),
        ("שלום, עולם", ["שלום", "עולם"]),
        ("e\u0301te\u0301", ["e\u0301te\u0301"]),
        ("... — !", []),
        ("", []),
    ],
)
def test_finds_words(text, words):
    assert [text[start:end] for start, end in find_words(text)] == words


@given(st.text(max_size=200))
def test_words_ascend_and_hold_something_to_hear(text):
    words = find_words(text)
    assert all(can_be_heard(text[start:end]) for start, end in words)
    assert all(one[1] <= other[0] for one, other in pairwise(words))


@given(st.text(max_size=200))
def test_plain_text_keeps_its_length_and_can_be_encoded(text):
    assert len(plain(text)) == len(text)
    plain(text).encode()


def test_plain_text_replaces_what_no_engine_takes():
    assert plain("a\x01b\ud800c\ufffed\n") == "a b c d "
    assert plain("e\u0301 😀 \u00ad") == "e\u0301 😀 \u00ad"


def test_digits_of_other_scripts():
    assert with_ascii_digits("١٢ २ ① m² é 𝟗 ⑩") == "12 2 1 m² é 9 ⑩"


@given(st.text(max_size=200))
def test_digits_keep_the_length(text):
    assert len(with_ascii_digits(text)) == len(text)


def test_silence_is_known():
    assert is_silent(silence(8000))
    assert not is_silent(np.array([0, -40], dtype=np.int16))


def test_the_first_event_within_a_word_counts_and_others_are_interpolated():
    text = "in the house 1984"
    anchors = [(0, 0), (7, 700), (13, 1300), (14, 1500), (14, 1700)]
    assert place_words(text, anchors, 2000) == (
        WordMark(0, 2, 0),
        WordMark(3, 6, 300),
        WordMark(7, 12, 700),
        WordMark(13, 17, 1300),
    )


def test_positions_never_fall_and_stay_within_the_sound():
    marks = place_words("a b c d", [(0, 50), (2, 900), (4, 300), (6, 5000)], 1000)
    assert [mark.sample for mark in marks] == [50, 900, 900, 999]


@pytest.mark.slow
@given(
    st.text(max_size=60),
    st.lists(st.tuples(st.integers(0, 70), st.integers(0, 2000)), max_size=20),
    st.integers(1, 1500),
)
def test_any_events_give_marks_in_order(text, anchors, samples):
    marks = place_words(text, anchors, samples)
    assert all(0 <= mark.sample < samples for mark in marks)
    assert all(
        one.end <= other.start and one.sample <= other.sample for one, other in pairwise(marks)
    )


def test_no_events_are_no_marks():
    assert place_words("a b", [], 100) == ()
    assert place_words("...", [(0, 0)], 100) == ()


def test_trims_the_silence_at_the_end():
    pcm = np.concatenate([np.full(100, 900), np.full(5000, 20)]).astype(np.int16)
    assert len(trim_end(pcm, 16_000)) == 100 + 128
    assert len(trim_end(np.zeros(5000, dtype=np.int16), 16_000)) == len(silence(16_000)) == 128


@pytest.mark.parametrize("level", [32, -32, 33, -33, 32_767, -32_768])
@pytest.mark.parametrize("behind", [0, 1, 4094, 4095, 4096, 4097, 20_000])
@pytest.mark.parametrize("before", [0, 1, 4096, 5000])
def test_the_last_sound_is_found_wherever_it_is(level, behind, before):
    pcm = np.zeros(before + 1 + behind, np.int16)
    pcm[before] = level
    heard = abs(level) > 32
    assert is_silent(pcm) == (not heard)
    kept = (before + 1 if heard else 0) + len(silence(1000))
    assert len(trim_end(pcm, 1000)) == min(kept, len(pcm))


def test_trims_the_loudest_negative_sample_right():
    assert len(trim_end(np.array([-32768, 0, 0], dtype=np.int16), 1000)) == 3
