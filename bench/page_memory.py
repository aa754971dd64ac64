"""Memory that putting a page together takes, by the page's length: flat, as segments lie on disk.

A page of 318,000 characters at half speed is some 12 hours of sound, and took 2.6 GB.
"""

import resource
import sys
import tempfile
from multiprocessing import get_context
from pathlib import Path

from bench.command_line import described
from libs.common.contracts.speech.utterances import Block, Utterance
from services.synth.audio.assembly import assemble_page
from services.synth.audio.containers.tags import Tags
from services.synth.audio.produce import produce
from services.synth.audio.segment_queue import write_segments
from services.synth.audio.tests.signals import speech_like

SEGMENT_S = 20.0
PAGES = (0, 1080, 2160)
"""Segments: none, 6 hours, 12 hours."""


def main() -> None:
    """Print the peak of a process for each length, and what twice the length adds."""
    described(__doc__).parse_args()
    segment = produce(speech_like(SEGMENT_S), 24_000, (), 0.0, ["aac"]).encoded["aac"]
    peaks = []
    for count in PAGES:
        with tempfile.TemporaryDirectory() as folder:
            write_segments(Path(folder, "segments"), (segment for _ in range(count)))
            size = Path(folder, "segments").stat().st_size
            with get_context("spawn").Pool(1) as pool:
                peaks.append(pool.apply(_peak, (folder, count)))
        print(f"{count:6} segments, {size / 1e6:7.1f} MB of them: peak {peaks[-1] / 1e6:6.1f} MB")
    print(f"twice the length: {peaks[2] / peaks[1]:.2f} times the memory")


def _peak(folder: str, count: int) -> int:
    utterances = [
        Utterance(
            index=index,
            text="Text.",
            block=Block.PARAGRAPH,
            language="en",
            source_start=index,
            source_end=index + 1,
            pause_ms=100,
            spans=(),
        )
        for index in range(count)
    ]
    tags = Tags(title="A page", nonce="0" * 32)
    assemble_page(Path(folder), utterances, {"m4a": Path(folder, "segments")}, tags)
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


if __name__ == "__main__":
    main()
