"""Utterances that one task of a worker speaks: as many as take about a tenth of a second.

Nobody interrupts a task, so this is how long somebody else waits for a worker. What is spoken
slowly takes longer: there is more to be encoded.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from services.synth.audio.codecs.codec import CodecName
from services.synth.synthesis.cache.digests import SegmentPlace
from services.synth.synthesis.registry import VoiceSettings

BATCH_UTTERANCES = 6
BATCH_CHARACTERS = 400
"""At the usual rate."""


@dataclass(frozen=True, kw_only=True)
class SegmentRequest:
    """An utterance to be spoken; ``segment`` is its :func:`segment_key`."""

    index: int
    segment: str
    settings: VoiceSettings
    text: str

    @property
    def weight(self) -> float:
        """Characters that take as long at the usual rate."""
        return len(self.text) / self.settings.rate

    def place(self, codec: CodecName) -> SegmentPlace:
        """Where the cache has it."""
        return SegmentPlace(self.segment, self.settings.gain_db, codec)


@dataclass(frozen=True, kw_only=True)
class MissingSegment:
    """A request, what there is of it, the codecs that it lacks, and what they can be made from."""

    request: SegmentRequest
    files: Mapping[CodecName, bytes]
    codecs: tuple[CodecName, ...]
    lossless: bytes | None


def batches(
    missing: Sequence[MissingSegment], workers: int, alone: Callable[[SegmentRequest], bool]
) -> Iterator[list[MissingSegment]]:
    """Cut into batches that sound alike, enough of them to keep ``workers`` busy.

    Each that is to be ``alone`` is a batch by itself.
    """
    longest = min(BATCH_UTTERANCES, -(-len(missing) // workers))
    batch: list[MissingSegment] = []
    characters = 0.0
    for segment in missing:
        request = segment.request
        if batch and (
            len(batch) >= longest
            or characters + request.weight > BATCH_CHARACTERS
            or (request.settings, segment.codecs) != (batch[0].request.settings, batch[0].codecs)
            or alone(request)
        ):
            yield batch
            batch, characters = [], 0.0
        batch.append(segment)
        characters += request.weight
    if batch:
        yield batch
