import mimetypes

import pytest

from services.ingest.formats.document_format import DocumentFormat


@pytest.mark.parametrize(
    ("suffix", "document_format"),
    [
        (".pdf", DocumentFormat.PDF),
        (".html", DocumentFormat.HTML),
        (".txt", DocumentFormat.TEXT),
    ],
)
def test_media_types_are_those_that_the_web_knows(suffix, document_format):
    assert mimetypes.types_map[suffix] == document_format.value
