"""What a book is put together from. Light to import: no signal processing."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class PageFile:
    """A page file, and the loudness that was measured when it was written."""

    path: Path
    loudness_lufs: float | None = None


@dataclass(frozen=True)
class BookChapter:
    """A title, and the index of the page that it begins with, from 0."""

    title: str
    first: int
