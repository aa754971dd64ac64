import pytest

from services.gateway.documents.rows import PageRow
from services.gateway.narrations.tests.test_decide import document


def page(**changes):
    columns = {
        "page": 1,
        "extracted_characters": 1,
        "edited_revision": None,
        "segments_revision": None,
        "segments_characters": None,
        "utterances": None,
        "failed_code": None,
        "failed_reason": None,
    }
    return PageRow(**columns | changes)


@pytest.mark.parametrize(
    ("edited", "segments", "revision", "is_cut"),
    [(None, None, 0, False), (None, 0, 0, True), (2, 0, 2, False), (2, 2, 2, True)],
)
def test_the_text_as_it_is_now(edited, segments, revision, is_cut):
    row = page(edited_revision=edited, segments_revision=segments)
    assert (row.revision, row.is_cut, row.is_extracted) == (revision, is_cut, True)
    assert not page(extracted_characters=None).is_extracted


def test_a_document_is_called_what_it_came_under_until_more_is_known():
    assert document().title == "https://x.org/a"
