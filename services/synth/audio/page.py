"""The audio of one page: its segments one after the other, with pauses between them."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from libs.common.contracts.formats import PageFormat
from libs.common.errors import ObjectCorrupt
from services.synth.audio.codecs import segment_file
from services.synth.audio.codecs.codec import CODEC_OF_FORMAT, RATE_HZ
from services.synth.audio.containers.tags import Tags
from services.synth.audio.loudness import bs1770
from services.synth.audio.muxing import new_audio_file
from services.synth.audio.placement import SegmentTiming

# A page on which nothing is spoken is still a file that players open.
EMPTY_PAGE_S = 0.5


@dataclass(frozen=True)
class PagePart:
    """One segment file, and the silence that follows the segment."""

    segment: bytes
    pause_ms: int


@dataclass(frozen=True, kw_only=True)
class PageAudio:
    """What was written.

    ``offsets``: the sample at 24 kHz at which each segment begins; ``spoken``: what each one is.
    """

    duration_ms: int
    samples: int
    offsets: tuple[int, ...]
    spoken: tuple[SegmentTiming, ...]
    loudness_lufs: float | None


def write_page(
    path: Path, parts: Iterable[PagePart], audio_format: PageFormat, tags: Tags
) -> PageAudio:
    """Write a page; the packets of the segments are copied as they are.

    Codecs cut time into frames of different length. Pauses are rounded so that every segment begins
    within a frame of where it would without frames, however many come before it: so one timings
    document fits all formats. A pause cannot be shorter than the tail of its segment (at most 90
    ms); what that adds is taken off the next longer pause.

    Raises:
        ObjectCorrupt: A segment file is damaged, or in another codec.
    """
    codec = CODEC_OF_FORMAT[audio_format]
    offsets: list[int] = []
    spoken: list[SegmentTiming] = []
    measured: list[bs1770.Energies] = []
    ideal = 0
    with new_audio_file(path, codec, tags) as file:
        for number, part in enumerate(parts):
            segment = segment_file.load(part.segment, f"segment {number}")
            if segment.codec != codec.name:
                raise ObjectCorrupt(f"segment {number}")
            offsets.append(file.samples)
            spoken.append(SegmentTiming(segment.samples, segment.words))
            file.write(segment.packets)
            ideal += segment.samples + part.pause_ms * RATE_HZ // 1000
            file.write_silence(round((ideal - file.samples) / codec.frame))
            # A copy: what is read lies in the segment file, which would be kept for it.
            measured += (segment.energies.copy(), bs1770.silence(part.pause_ms / 1000))
        if not offsets:
            file.write_silence(round(EMPTY_PAGE_S * RATE_HZ / codec.frame))
    return PageAudio(
        duration_ms=round(file.samples * 1000 / RATE_HZ),
        samples=file.samples,
        offsets=tuple(offsets),
        spoken=tuple(spoken),
        loudness_lufs=bs1770.integrated(measured),
    )
