"""What Amazon Polly is sent, and how its byte offsets lead back to characters.

Speech marks are JSON lines; ``start`` and ``end`` are bytes of the UTF-8 input, tags of SSML
included (Amazon Polly Developer Guide, "Speech mark output" and "Speech marks with SSML example").
"""

import json
from bisect import bisect_right
from itertools import accumulate
from typing import NamedTuple

from services.synth.engines.port import WordMark

MAX_PERCENT = 200  # of <prosody rate>; its least is 20
_ESCAPED = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


class PollyInput(NamedTuple):
    """What a request says: plain text, or SSML with its tags before the text as ``prefix``."""

    body: str
    is_ssml: bool
    prefix: str

    @property
    def kind(self) -> str:
        """The request's TextType."""
        return "ssml" if self.is_ssml else "text"


def compose(text: str, rate: float) -> PollyInput:
    """Write ``text``: as it is at the normal rate, else escaped within a prosody tag."""
    if rate == 1.0:
        return PollyInput(text, is_ssml=False, prefix="")
    percent = min(round(rate * 100), MAX_PERCENT)
    prefix = f'<speak><prosody rate="{percent}%">'
    escaped = "".join(_ESCAPED.get(character, character) for character in text)
    return PollyInput(f"{prefix}{escaped}</prosody></speak>", is_ssml=True, prefix=prefix)


def read_marks(
    lines: bytes, text: str, sent: PollyInput, sample_rate: int, samples: int
) -> tuple[WordMark, ...]:
    """Read word marks, with times in ms, as marks of ``text`` in ``samples`` samples of sound.

    Raises:
        ValueError: ``lines`` are not speech marks.
        KeyError: A mark lacks a field.
    """
    ends = _byte_ends(text, sent)
    marks: list[WordMark] = []
    for line in lines.splitlines():
        mark = json.loads(line) if line.strip() else {}
        if mark.get("type") != "word":
            continue
        start = min(bisect_right(ends, mark["start"]), len(text))
        end = min(bisect_right(ends, mark["end"] - 1) + 1, len(text))
        sample = min(int(mark["time"]) * sample_rate // 1000, max(samples - 1, 0))
        if end > start and (not marks or (start > marks[-1].start and sample >= marks[-1].sample)):
            marks.append(WordMark(start, end, sample))
    return tuple(marks)


def _byte_ends(text: str, sent: PollyInput) -> list[int]:
    """Where each character of ``text`` ends in the bytes that were sent."""
    sizes = (
        len((_ESCAPED.get(character, character) if sent.is_ssml else character).encode())
        for character in text
    )
    return list(accumulate(sizes, initial=len(sent.prefix)))[1:]
