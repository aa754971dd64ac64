"""What somebody wants to hear."""

from dataclasses import dataclass

from libs.common.contracts.formats import AudiobookFormat, PageFormat, page_format_of
from libs.common.contracts.pages import MAX_RANGES, PageRange, page_ranges
from libs.common.errors import Rejected

NORMAL_RATE = 1.0
USUAL_FORMAT: PageFormat = "m4a"


@dataclass(frozen=True, kw_only=True)
class NarrationOptions:
    """Which pages, how, and whether as one file too.

    ``pages`` None is every page; ``engine`` and ``voice`` None are the site's defaults.
    """

    pages: tuple[int, ...] | None = None
    engine: str | None = None
    voice: str | None = None
    rate: float = NORMAL_RATE
    format: PageFormat = USUAL_FORMAT
    audiobook: AudiobookFormat | None = None

    @property
    def ranges(self) -> tuple[PageRange, ...] | None:
        """The pages, as events say it.

        Raises:
            Rejected: They are too scattered for one event.
        """
        if self.pages is None:
            return None
        ranges = page_ranges(self.pages)
        if len(ranges) > MAX_RANGES:
            raise Rejected(
                "too_many_ranges",
                f"These pages are {len(ranges):,} ranges; ask for at most {MAX_RANGES:,} at once.",
            )
        return ranges

    @property
    def formats(self) -> tuple[PageFormat, ...]:
        """The formats that the pages are needed in."""
        if self.audiobook is None:
            return (self.format,)
        return tuple(dict.fromkeys((self.format, page_format_of(self.audiobook))))
