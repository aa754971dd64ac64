"""What somebody wants to hear."""

from dataclasses import dataclass

from libs.common.contracts.formats import AudiobookFormat, PageFormat, page_format_of
from libs.common.contracts.pages import PageRange

NORMAL_RATE = 1.0
USUAL_FORMAT: PageFormat = "m4a"


@dataclass(frozen=True, kw_only=True)
class NarrationOptions:
    """Which pages, how, and whether as one file too.

    ``pages`` are ascending ranges, None is every page; ``engine`` and ``voice`` None are the site's
    defaults.
    """

    pages: tuple[PageRange, ...] | None = None
    engine: str | None = None
    voice: str | None = None
    rate: float = NORMAL_RATE
    format: PageFormat = USUAL_FORMAT
    audiobook: AudiobookFormat | None = None

    @property
    def formats(self) -> tuple[PageFormat, ...]:
        """The formats that the pages are needed in."""
        if self.audiobook is None:
            return (self.format,)
        return tuple(dict.fromkeys((self.format, page_format_of(self.audiobook))))
