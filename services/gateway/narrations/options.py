"""What somebody wants to hear."""

from dataclasses import dataclass

from libs.common.contracts.formats import AudiobookFormat, PageFormat, page_format_of
from libs.common.contracts.pages import PageRange

NORMAL_RATE = 1.0
USUAL_FORMAT: PageFormat = "m4a"
RATE_STEPS = 20
"""Steps of the rate from 1 to 2: two orders that hardly differ are the same sound."""


def in_steps(rate: float) -> float:
    """Return a rate as it is ordered, in steps of 0.05; what arithmetic left behind is rounded.

    Raises:
        ValueError: It lies between two steps.
    """
    steps = round(rate * RATE_STEPS)
    if abs(rate * RATE_STEPS - steps) > 1e-6:  # noqa: PLR2004 - more than arithmetic leaves behind
        raise ValueError("rates go in steps of 0.05, such as 1.0, 1.05 and 1.1")
    return steps / RATE_STEPS


@dataclass(frozen=True, kw_only=True)
class NarrationOptions:
    """Which pages, how, and whether as one file too.

    ``pages`` are ascending ranges, None is every page; ``engine`` and ``voice`` None are the site's
    defaults. The pages are needed in ``format``, in that of the audiobook, and in ``others``.
    """

    pages: tuple[PageRange, ...] | None = None
    engine: str | None = None
    voice: str | None = None
    rate: float = NORMAL_RATE
    format: PageFormat = USUAL_FORMAT
    audiobook: AudiobookFormat | None = None
    others: tuple[PageFormat, ...] = ()

    @property
    def formats(self) -> tuple[PageFormat, ...]:
        """The formats that the pages are needed in."""
        of_book = () if self.audiobook is None else (page_format_of(self.audiobook),)
        return tuple(dict.fromkeys((self.format, *of_book, *self.others)))
