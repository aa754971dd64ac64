import json

from hypothesis import given
from hypothesis import strategies as st

from libs.common.contracts.speech.utterances import Block, Span, Utterance
from services.synth.audio.placement import SegmentTiming, build_timings, source_range
from services.synth.engines.port import WordMark


def utterance(index: int, text: str, spans: tuple[Span, ...], pause_ms: int = 400) -> Utterance:
    return Utterance(
        index=index,
        text=text,
        block=Block.PARAGRAPH,
        language="en",
        source_start=min(run.source_start for run in spans),
        source_end=max(run.source_end for run in spans),
        pause_ms=pause_ms,
        spans=spans,
    )


def span(spoken_start: int, spoken_end: int, source_start: int, source_end: int) -> Span:
    return Span(
        spoken_start=spoken_start,
        spoken_end=spoken_end,
        source_start=source_start,
        source_end=source_end,
    )


NONCE = "0" * 32

# "In 1984 *all* was" is shown, "In nineteen eighty-four all was" is spoken.
YEAR = utterance(
    0,
    "In nineteen eighty-four all was",
    (
        span(0, 3, 0, 3),
        span(3, 23, 3, 7),
        span(23, 24, 7, 8),
        span(24, 27, 9, 12),
        span(27, 31, 13, 17),
    ),
)
YEAR_WORDS = tuple(
    WordMark(start, end, sample)
    for start, end, sample in (
        (0, 2, 0), (3, 11, 4800), (12, 23, 9600), (24, 27, 16_800), (28, 31, 21_600),
    )
)  # fmt: skip


def test_words_point_into_the_page_as_shown():
    timings = build_timings([YEAR], [SegmentTiming(24_000, YEAR_WORDS)], [2400], 48_000, NONCE)
    shown = "In 1984 *all* was"
    words = [shown[word.source_start : word.source_end] for word in timings.words]
    assert words == ["In", "1984", "all", "was"]
    assert [word.start_ms for word in timings.words] == [100, 300, 800, 1000]
    assert [word.end_ms for word in timings.words] == [300, 800, 1000, 1100]


def test_sentences_are_placed_without_their_pause():
    second = utterance(1, "Next.", (span(0, 5, 19, 24),))
    spoken = [SegmentTiming(24_000, YEAR_WORDS), SegmentTiming(12_000)]
    timings = build_timings([YEAR, second], spoken, [0, 33_600], 50_000, NONCE)
    assert [(sentence.start_ms, sentence.end_ms) for sentence in timings.utterances] == [
        (0, 1000),
        (1400, 1900),
    ]
    assert [(sentence.source_start, sentence.source_end) for sentence in timings.utterances] == [
        (0, 17),
        (19, 24),
    ]
    assert all(word.utterance == 0 for word in timings.words)


def test_the_document_is_versioned_json():
    timings = build_timings([YEAR], [SegmentTiming(24_000, YEAR_WORDS)], [0], 24_000, NONCE)
    document = json.loads(timings.encode())
    assert document["version"] == 1
    assert document["duration_ms"] == 1000
    assert document["utterances"] == [
        {"index": 0, "start_ms": 0, "end_ms": 1000, "source_start": 0, "source_end": 17}
    ]
    assert set(document["words"][0]) == {
        "utterance", "start_ms", "end_ms", "source_start", "source_end",
    }  # fmt: skip


def test_range_outside_every_span_has_no_source():
    assert source_range(YEAR.spans, 40, 44) is None
    assert source_range(YEAR.spans, 3, 3) is None
    assert source_range(YEAR.spans, 0, 31) == (0, 17)
    assert source_range(YEAR.spans, 25, 26) == (10, 11)


def test_word_marks_without_source_are_left_out():
    marks = (WordMark(40, 44, 100), *YEAR_WORDS)
    assert len(build_timings([YEAR], [SegmentTiming(24_000, marks)], [0], 24_000, NONCE).words) == 4


@given(st.lists(st.integers(0, 30_000), min_size=1, max_size=5))
def test_word_times_never_overlap_or_leave_the_sentence(samples):
    marks = tuple(
        WordMark(year_word.start, year_word.end, sample)
        for year_word, sample in zip(YEAR_WORDS, sorted(samples), strict=False)
    )
    timings = build_timings([YEAR], [SegmentTiming(24_000, marks)], [2400], 40_000, NONCE)
    [sentence] = timings.utterances
    at = sentence.start_ms
    for word in timings.words:
        assert at <= word.start_ms <= word.end_ms <= sentence.end_ms
        at = word.end_ms
