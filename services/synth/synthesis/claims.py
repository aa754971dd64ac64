"""Which segments a page of this process makes, so that another one does not make them too."""

import asyncio
from dataclasses import dataclass

from services.synth.synthesis.cache.pack_writer import PackWriter
from services.synth.synthesis.spool import SpooledFiles


@dataclass(frozen=True)
class SpokenSegment:
    """One utterance, spoken: its segment file by codec, on disk."""

    files: SpooledFiles
    cached: bool


@dataclass(frozen=True)
class SegmentClaim:
    """What one page makes and others may wait for; None if it came to nothing.

    Whoever needs it in a format that was not made has it kept by ``writer``.
    """

    made: asyncio.Future[SpokenSegment | None]
    writer: PackWriter


class SegmentClaims:
    """Claims by the keys of their segments; one of them for all pages of a process."""

    def __init__(self) -> None:
        self._claims: dict[str, SegmentClaim] = {}

    def __len__(self) -> int:
        return len(self._claims)

    def claim_of(self, segment: str) -> SegmentClaim | None:
        """Return the claim of a segment."""
        return self._claims.get(segment)

    def add(self, segment: str, writer: PackWriter) -> SegmentClaim:
        """Claim a segment that nobody claims."""
        claim = SegmentClaim(asyncio.get_running_loop().create_future(), writer)
        self._claims[segment] = claim
        return claim

    def forget(self, segment: str, claim: SegmentClaim) -> None:
        """Let another page claim a segment; nothing if one has done so already."""
        if self._claims.get(segment) is claim:
            del self._claims[segment]

    def release(self, segment: str, claim: SegmentClaim) -> None:
        """Forget a claim, and have nobody wait for it any longer."""
        self.forget(segment, claim)
        if not claim.made.done():
            claim.made.set_result(None)
