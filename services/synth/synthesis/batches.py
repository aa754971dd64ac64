"""Utterances that one task of a worker speaks: as many as take about a quarter of a second."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from services.synth.audio.codecs.codec import CodecName
from services.synth.synthesis.cache.digests import SegmentPlace
from services.synth.synthesis.registry import VoiceSettings

BATCH_UTTERANCES = 12
BATCH_CHARACTERS = 1000


@dataclass(frozen=True, kw_only=True)
class SegmentRequest:
    """An utterance to be spoken; ``segment`` is its :func:`segment_key`."""

    index: int
    segment: str
    settings: VoiceSettings
    text: str

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
    characters = 0
    for segment in missing:
        request = segment.request
        if batch and (
            len(batch) >= longest
            or characters + len(request.text) > BATCH_CHARACTERS
            or (request.settings, segment.codecs) != (batch[0].request.settings, batch[0].codecs)
            or alone(request)
        ):
            yield batch
            batch, characters = [], 0
        batch.append(segment)
        characters += len(request.text)
    if batch:
        yield batch
