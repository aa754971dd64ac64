"""What is made of a spoken text, and how it is named. Light to import: no signal processing."""

import hashlib
from dataclasses import dataclass

from services.synth.audio.codecs import CODECS, CodecName


@dataclass(frozen=True)
class Produced:
    """Segment files of one spoken text: by codec, and losslessly if that was asked for."""

    samples: int
    encoded: dict[CodecName, bytes]
    lossless: bytes | None


def packets_key(segment_key: str, gain_db: float, codec: CodecName) -> str:
    """Name the segment file in one codec by what it is made from: sha256 as hex.

    Pauses are no part of it: a page puts them between segments.
    """
    parts = (segment_key, f"{gain_db:.1f}", CODECS[codec].settings)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
