"""What somebody wants to hear."""

from dataclasses import dataclass

from libs.common.contracts.formats import AudiobookFormat, PageFormat, page_format_of
from libs.common.contracts.pages import PageRange

USUAL_FORMAT: PageFormat = "m4a"


@dataclass(frozen=True, kw_only=True)
class NarrationOptions:
    """Which pages, how, and whether as one file too.

    ``pages`` are ascending ranges, None is every page; ``engine``, ``voice`` and ``rate`` None are
    as whoever asks prefers, else the site's defaults. The pages are needed in ``format``, in that
    of the audiobook, and in ``others``.
    """

    pages: tuple[PageRange, ...] | None = None
    engine: str | None = None
    voice: str | None = None
    rate: float | None = None
    format: PageFormat = USUAL_FORMAT
    audiobook: AudiobookFormat | None = None
    others: tuple[PageFormat, ...] = ()

    @property
    def formats(self) -> tuple[PageFormat, ...]:
        """The formats that the pages are needed in."""
        of_book = () if self.audiobook is None else (page_format_of(self.audiobook),)
        return tuple(dict.fromkeys((self.format, *of_book, *self.others)))
