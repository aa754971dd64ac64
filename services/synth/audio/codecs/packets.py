"""Packets of a codec that lie one behind the other, as files keep them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Packets:
    """``lengths`` in bytes, shape (packets,), of what lies in ``data``."""

    lengths: "NDArray[np.uint32]"
    data: bytes | memoryview

    @classmethod
    def of(cls, packets: Sequence[bytes]) -> Self:
        """Join packets."""
        import numpy as np

        return cls(np.array([len(packet) for packet in packets], np.uint32), b"".join(packets))

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.lengths)

    def __iter__(self) -> Iterator[bytes]:
        """Give one after the other."""
        for start, end in pairwise(accumulate(self.lengths.tolist(), initial=0)):
            yield bytes(self.data[start:end])
