import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.contracts.speech.utterances import Utterance
from services.synth.audio.captions import MAX_CHARACTERS, split_text, webvtt
from services.synth.audio.placement import SegmentTiming
from services.synth.audio.tests.test_placement import NONCE, span, utterance
from services.synth.engines.port import WordMark

STAMP = r"(\d{2,}):([0-5]\d):([0-5]\d)\.(\d{3})"


def said(index: int, text: str) -> Utterance:
    return utterance(index, text, (span(0, len(text), 0, len(text)),))


def cues(vtt: str) -> list[tuple[int, int, str]]:
    """Read WebVTT as the specification says: blocks between blank lines."""
    blocks = vtt.split("\n\n")
    assert blocks[0].strip() == "WEBVTT"
    found = []
    assert blocks[1].strip() == f"NOTE {NONCE}"
    for block in blocks[2:]:
        times, *lines = block.strip("\n").split("\n")
        match = re.fullmatch(f"{STAMP} --> {STAMP}", times)
        assert match
        hours, minutes, seconds, ms, *rest = (int(group) for group in match.groups())
        start = ((hours * 60 + minutes) * 60 + seconds) * 1000 + ms
        end = ((rest[0] * 60 + rest[1]) * 60 + rest[2]) * 1000 + rest[3]
        assert len(lines) == 1
        found.append((start, end, lines[0]))
    return found


def test_one_cue_per_utterance():
    vtt = webvtt(
        [said(0, "One."), said(1, "Two.")],
        [SegmentTiming(12_000), SegmentTiming(24_000)],
        [0, 24_000],
        NONCE,
    )
    assert cues(vtt) == [(0, 500, "One."), (1000, 2000, "Two.")]


def test_markup_is_text():
    vtt = webvtt([said(0, "a --> b\n\n<v Bob> R&D")], [SegmentTiming(24_000)], [0], NONCE)
    assert cues(vtt) == [(0, 1000, "a --&gt; b &lt;v Bob&gt; R&amp;D")]


def test_hours():
    vtt = webvtt([said(0, "Late.")], [SegmentTiming(24_000)], [24_000 * (3600 * 101 + 61)], NONCE)
    assert "101:01:01.000 --> 101:01:02.000" in vtt


def test_long_cue_is_split_at_its_words_times():
    text = "A first part that goes on for quite a while, " * 3 + "and the end."
    words = tuple(
        WordMark(match.start(), match.end(), match.start() * 1000)
        for match in re.finditer(r"\S+", text)
    )
    found = cues(webvtt([said(0, text)], [SegmentTiming(160_000, words)], [0], NONCE))
    assert " ".join(shown for _, _, shown in found) == text
    piece = len("A first part that goes on for quite a while, ")
    assert [start for start, _, _ in found] == [round(n * piece * 1000 / 24) for n in range(3)]
    assert all(first[1] == second[0] for first, second in pairwise(found))


def test_without_marks_time_goes_by_length():
    text = "word " * 40 + "end"
    found = cues(webvtt([said(0, text)], [SegmentTiming(203_000)], [0], NONCE))
    assert len(found) == 3
    assert found[0] == (0, round(len("word " * 17) * 1000 / 24), ("word " * 17).strip())


@given(st.text(min_size=1, max_size=400))
def test_split_keeps_everything_but_blanks(text):
    ranges = split_text(text)
    assert all(0 < end - start <= MAX_CHARACTERS for start, end in ranges)
    kept = "".join(text[start:end] for start, end in ranges)
    assert "".join(kept.split()) == "".join(text.split())
    assert ranges == sorted(ranges)


@pytest.mark.slow
@given(
    st.lists(
        st.tuples(
            st.text(st.characters(codec="utf-8"), min_size=1, max_size=200),
            st.integers(1, 90_000),
            st.lists(st.integers(0, 90_000), max_size=6),
        ),
        max_size=5,
    )
)
def test_cues_are_monotonic_whatever_is_said(pieces):
    utterances, spoken, offsets, at = [], [], [], 0
    for index, (text, samples, marks) in enumerate(pieces):
        utterances.append(said(index, text))
        places = sorted(min(mark, len(text)) for mark in marks)
        words = tuple(
            WordMark(place, place, sample)
            for place, sample in zip(places, sorted(marks), strict=True)
        )
        spoken.append(SegmentTiming(samples, words))
        offsets.append(at)
        at += samples
    previous = 0
    for start, end, text in cues(webvtt(utterances, spoken, offsets, NONCE)):
        assert previous <= start < end
        assert "<" not in text
        assert "-->" not in text
        previous = end


def test_nothing_to_show_gives_no_cue():
    assert (
        cues(
            webvtt(
                [said(0, " \n"), said(1, "\0")], [SegmentTiming(9), SegmentTiming(9)], [0, 9], NONCE
            )
        )
        == []
    )
