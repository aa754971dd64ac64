"""What happens inside a worker process of the segmenter.

It loads nothing of the service itself: a database and a broker would take it longer to import than
a page takes to be cut.
"""

from services.segmenter.segment import segment_page


def cut_page(markdown: str, language: str, max_characters: int) -> tuple[bytes, str, int, int]:
    """Return a SegmentedPage as JSON, its language, how many utterances and spoken characters."""
    page = segment_page(markdown, language, max_characters=max_characters)
    body = page.model_dump_json().encode()
    return body, page.language, len(page.utterances), page.characters
