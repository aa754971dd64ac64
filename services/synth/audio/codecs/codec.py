"""The codecs of a book: how each is encoded, cut into packets, and put into a file.

All sample counts are at :data:`RATE_HZ`. ``delay`` is by how much a decoder's output lags behind
the encoder's input. AAC: one MDCT frame. MP3: 576 of the encoder and 529 of the decoder, as the
LAME tag counts them. Opus: the pre-skip of 312 samples at 48 kHz that libopus asks for.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from libs.common.contracts.formats import AudiobookFormat, PageFormat

RATE_HZ = 24_000

CodecName = Literal["aac", "mp3", "opus"]

# Raise it when anything that shapes the cached packets changes: limiter, resampler, tail, pre-roll.
SETTINGS_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class Codec:
    """One way to encode speech. ``frame`` and ``delay`` are samples at 24 kHz.

    ``pre_roll`` frames of silence go before a segment when it is encoded; with fewer than two its
    beginning measures worse, with more nothing changes. ``lead`` packets of silence open a file.
    ``level`` undoes what the encoder takes off.
    """

    name: CodecName
    encoder: str
    bit_rate: int
    sample_format: str
    options: tuple[tuple[str, str], ...]
    frame: int
    delay: int
    pre_roll: int = 2
    lead: int = 0
    level: float = 1.0

    @property
    def flush(self) -> int:
        """Packets of silence after the last sound, so that a decoder gives all of it away."""
        return -(-self.delay // self.frame)

    def frames(self, samples: int) -> int:
        """Packets for ``samples`` of sound and the silence in which its tail dies away.

        A decoder puts the last ``delay`` samples together with what comes next, and that was
        encoded elsewhere: so they must be silent.
        """
        return -(-(samples + self.delay) // self.frame)

    @property
    def settings(self) -> str:
        """Everything that decides the bytes of a packet, for cache keys."""
        options = ",".join(f"{key}={value}" for key, value in self.options)
        return (
            f"v{SETTINGS_VERSION};{self.encoder};{self.bit_rate};{RATE_HZ};{self.level};{options}"
        )


AAC = Codec(
    name="aac",
    encoder="aac",
    bit_rate=48_000,
    sample_format="fltp",
    options=(("aac_coder", "fast"),),
    frame=1024,
    delay=1024,
)
# Without the bit reservoir every frame stands on its own and can be moved to another neighbor. LAME
# scales its input by 0.95 at this bit rate.
MP3 = Codec(
    name="mp3",
    encoder="libmp3lame",
    bit_rate=64_000,
    sample_format="s16p",
    options=(("reservoir", "0"), ("compression_level", "7")),
    frame=576,
    delay=1105,
    level=1 / 0.95,
)
# Opus predicts energies from the packet before. Segments are made behind silence, so a decoder that
# has heard nothing yet must hear silence first, or the first word begins with a bang.
OPUS = Codec(
    name="opus",
    encoder="libopus",
    bit_rate=32_000,
    sample_format="s16",
    options=(("application", "audio"), ("compression_level", "5"), ("frame_duration", "20")),
    frame=480,
    delay=156,
    pre_roll=4,  # 80 ms, as RFC 7845 asks for before a decoder has settled
    lead=1,
)

CODECS: dict[CodecName, Codec] = {codec.name: codec for codec in (AAC, MP3, OPUS)}

# Which codec is inside the formats that people ask for.
CODEC_OF_FORMAT: Mapping[PageFormat | AudiobookFormat, Codec] = {
    "m4a": AAC,
    "m4b": AAC,
    "mp3": MP3,
    "opus": OPUS,
}
