"""What happens inside a worker process of the segmenter.

It loads nothing of the service itself: a database and a broker would take it longer to import than
a page takes to be cut.
"""

from dataclasses import dataclass

from libs.common.contracts.details import PageText
from services.segmenter.cutting.segment import segment_page


@dataclass(frozen=True, kw_only=True)
class CutPage:
    """A page as it is stored: ``body`` is a SegmentedPage as JSON; ``characters`` are spoken."""

    body: bytes
    language: str
    utterances: int
    characters: int


def cut_page(text: PageText, language: str, max_characters: int) -> CutPage:
    """Cut a page, of which ``language`` is the BCP 47 tag or "und"."""
    found = segment_page(text.markdown, language, max_characters=max_characters)
    page = found.model_copy(update={"nonce": text.nonce, "title": text.title})
    return CutPage(
        body=page.encode(),
        language=page.language,
        utterances=len(page.utterances),
        characters=page.characters,
    )
