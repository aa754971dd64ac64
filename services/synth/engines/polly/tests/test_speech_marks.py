import json
from typing import Any

import pytest

from services.synth.engines.polly.speech_marks import compose, read_marks
from services.synth.engines.port import WordMark


def lines(*marks: dict[str, Any]) -> bytes:
    return b"\n".join(json.dumps(mark).encode() for mark in marks)


def word(time: int, start: int, end: int) -> dict[str, Any]:
    return {"time": time, "type": "word", "start": start, "end": end, "value": "x"}


def test_the_normal_rate_is_plain_text():
    sent = compose("a < b & c", 1.0)
    assert (sent.body, sent.kind) == ("a < b & c", "text")


@pytest.mark.parametrize(("rate", "percent"), [(0.5, 50), (1.333, 133), (2.0, 200), (3.0, 200)])
def test_a_rate_is_prosody_around_escaped_text(rate, percent):
    sent = compose("a < b & c]]>", rate)
    assert sent.kind == "ssml"
    assert sent.body == (
        f'<speak><prosody rate="{percent}%">a &lt; b &amp; c]]&gt;</prosody></speak>'
    )


def test_reads_the_documented_example():
    """The first marks of "Mary had a little lamb." in the Amazon Polly Developer Guide."""
    text = "Mary had a little lamb."
    said = lines(
        {"time": 0, "type": "sentence", "start": 0, "end": 23, "value": text},
        word(6, 0, 4),
        {"time": 6, "type": "viseme", "value": "p"},
        word(373, 5, 8),
        word(604, 9, 10),
    )
    assert read_marks(said, text, compose(text, 1.0), 16_000, 20_000) == (
        WordMark(0, 4, 96),
        WordMark(5, 8, 5968),
        WordMark(9, 10, 9664),
    )


def test_bytes_are_characters_again():
    text = "Né 😀 ok"
    said = lines(word(0, 0, 3), word(100, 4, 8), word(200, 9, 11))
    marks = read_marks(said, text, compose(text, 1.0), 1000, 1000)
    assert [text[mark.start : mark.end] for mark in marks] == ["Né", "😀", "ok"]


def test_tags_and_entities_count_as_bytes():
    text = "R&D ✓ is"
    sent = compose(text, 1.5)
    raw = sent.body.encode()
    spans = [(raw.index(part), raw.index(part) + len(part)) for part in (b"R&amp;D", b"is")]
    marks = read_marks(lines(*(word(10, *span) for span in spans)), text, sent, 1000, 1000)
    assert [text[mark.start : mark.end] for mark in marks] == ["R&D", "is"]


def test_what_goes_backward_or_beyond_is_left_out_or_held_back():
    text = "one two three"
    said = lines(word(0, 0, 3), word(500, 4, 7), word(400, 8, 13), word(90_000, 8, 99))
    marks = read_marks(said, text, compose(text, 1.0), 1000, 800)
    assert marks == (WordMark(0, 3, 0), WordMark(4, 7, 500), WordMark(8, 13, 799))


def test_no_lines_are_no_marks():
    assert read_marks(b"\n", "a", compose("a", 1.0), 1000, 10) == ()


def test_something_else_is_an_error():
    with pytest.raises(ValueError, match="Expecting"):
        read_marks(b"<html>", "a", compose("a", 1.0), 1000, 10)
