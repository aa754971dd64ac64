"""The table of contents of a document, as long as an audiobook can carry it."""

from collections.abc import Sequence

from libs.common.contracts.details import Chapter
from services.ingest.pages.cleaning import one_line
from services.ingest.pages.document import ParsedChapter

MAX_CHAPTERS = 2000
MAX_CHAPTER_TITLE_CHARACTERS = 300
MAX_BYTES = 500_000


def contents(found: Sequence[ParsedChapter]) -> tuple[Chapter, ...]:
    """Return the chapters in their order, with titles of at most ``MAX_CHAPTER_TITLE_CHARACTERS``.

    At most ``MAX_CHAPTERS``, and no more than fit in ``MAX_BYTES``: of too many the deepest are
    dropped first, and of one level the last. What they head belongs to the chapter before them.
    """
    kept: dict[int, Chapter] = {}
    size = 0
    by_level = sorted(range(len(found)), key=lambda at: found[at].level)
    for at in by_level[:MAX_CHAPTERS]:
        title = one_line(found[at].title, MAX_CHAPTER_TITLE_CHARACTERS)
        chapter = Chapter(title=title, first_page=found[at].first_page, level=found[at].level)
        size += len(chapter.model_dump_json().encode()) + 1
        if size > MAX_BYTES:
            break
        kept[at] = chapter
    return tuple(kept[at] for at in sorted(kept))
