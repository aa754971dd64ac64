"""The bare loop that the pipeline is held against: engine, resampler, encoder, one process.

    python -m bench.bare_loop TEXTS.json

TEXTS.json is a list of what is to be spoken, cut as the segmenter cuts it. espeak-ng is loaded here
without its pipe; nothing is stored, nothing is checked, no loudness is set.
"""

import io
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

import espeakng_loader
import numpy as np

from bench.command_line import described
from services.synth.audio.codecs.codec import CodecName
from services.synth.audio.codecs.encode import encode_segment
from services.synth.audio.codecs.resample import to_book_rate
from services.synth.engines.espeak.espeak_worker import HEADER, Espeak

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

WORDS_PER_MINUTE = 175
RATE_HZ = 22_050
VOICE = b"gmw/en-US"


class Ear(io.RawIOBase):
    """Takes the place of the pipe and keeps the sound: one write is one message."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []

    def write(self, data: "ReadableBuffer", /) -> int:
        """Keep the PCM of a message."""
        message = bytes(data)
        self._parts.append(message[HEADER.size :])
        return len(message)

    def take(self) -> np.ndarray:
        """Return what was heard, int16."""
        raw = b"".join(self._parts)
        self._parts = []
        return np.frombuffer(raw, np.int16)


def main() -> None:
    """Speak and encode every text; print a line of JSON."""
    parser = described(__doc__)
    parser.add_argument("texts", type=Path, help="a file of JSON, a list of texts")
    texts = json.loads(parser.parse_args().texts.read_text())
    codec: CodecName = "aac"
    ear = Ear()
    espeak = Espeak(
        str(espeakng_loader.get_library_path()),
        str(espeakng_loader.get_data_path()),
        cast(BinaryIO, ear),
    )
    started_cpu, started = time.process_time(), time.perf_counter()
    samples = encoded = 0
    for text in texts:
        espeak.speak(VOICE, WORDS_PER_MINUTE, text.encode())
        pcm = to_book_rate(ear.take(), RATE_HZ)
        encoded += sum(map(len, encode_segment(pcm, codec).packets))
        samples += len(pcm)
    print(
        json.dumps(
            {
                "audio_s": samples / 24_000,
                "cpu_s": time.process_time() - started_cpu,
                "wall_s": time.perf_counter() - started,
                "encoded_bytes": encoded,
            }
        )
    )


if __name__ == "__main__":
    main()
