"""What a page or a book is written into, whatever its container.

A file holds ``lead`` packets of silence, the packets it was given, and ``flush`` packets of silence
for the decoder to give away the last sound. The container says how many samples the codec's delay
is, so a player shows exactly (lead + given packets) * frame of them, without a gap at either end.
"""

from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from services.synth.audio.codecs.codec import Codec
from services.synth.audio.codecs.packets import Packets


@dataclass(frozen=True)
class ChapterMark:
    """A chapter: samples from the start of the file."""

    title: str
    start: int
    end: int


class AudioFile(Protocol):
    """A file under construction, complete when its context ends without an error.

    ``samples`` is how much of it a player will show so far.
    """

    codec: Codec
    samples: int

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def write(self, packets: Packets) -> None:
        """Append packets, each of which is one frame of the codec."""

    def write_silence(self, packets: int) -> None:
        """Append as many frames of silence."""

    def append(self, path: Path) -> int:
        """Append what a file of the same kind was given, and return how many packets that is.

        Raises:
            ObjectCorrupt: It is damaged, or in another codec.
        """
