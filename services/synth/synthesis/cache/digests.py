"""Names of segments: digests of what they are made from, keyed by a salt.

A plain hash could be computed by whoever guesses the sentence.
"""

import hmac
import json
from hashlib import sha256
from typing import Literal, NamedTuple

from services.synth.audio.codecs.codec import CODECS, CodecName


def segment_key(salt: bytes, fingerprint: str, voice: str, rate: float, text: str) -> str:
    """Name a spoken text by what it is made from: HMAC-SHA256 under ``salt``, as hex.

    The four are encoded as a JSON array, so that no two different inputs share an encoding.
    """
    inputs = json.dumps([fingerprint, voice, float(rate), text], separators=(",", ":"))
    return hmac.digest(salt, inputs.encode(), "sha256").hex()


class SegmentPlace(NamedTuple):
    """One file of a segment: its :func:`segment_key`, the gain, the codec.

    Codec "flac" is the lossless file, before the gain.
    """

    segment: str
    gain_db: float
    codec: CodecName | Literal["flac"]

    @property
    def digest(self) -> bytes:
        """What the file is found by, 32 bytes.

        Pauses are no part of it: a page puts them between segments.
        """
        settings = "flac" if self.codec == "flac" else CODECS[self.codec].settings
        return sha256("\n".join((self.segment, f"{self.gain_db:.1f}", settings)).encode()).digest()


def lossless_place(segment: str) -> SegmentPlace:
    """Return the place of a segment's lossless file."""
    return SegmentPlace(segment, 0.0, "flac")
