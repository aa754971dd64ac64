from uuid import uuid4

import pytest
from pydantic import ValidationError

from libs.common.contracts.base import ObjectRef
from libs.common.contracts.documents import (
    DocumentParsed,
    DocumentSubmitted,
    PageEdited,
    PageSegmented,
)

TEXT = ObjectRef(key="pages/1", sha256="0" * 64, size=1, media_type="application/octet-stream")
DOCUMENT = {"document_id": uuid4(), "owner_id": uuid4()}


def test_each_page_has_its_own_stream_of_cuts_and_all_share_the_key():
    cut = PageSegmented(
        **DOCUMENT,
        page=7,
        segmented_page=TEXT,
        utterance_count=1,
        characters=1,
        revision=0,
        language="en",
    )
    assert cut.key == str(cut.document_id)
    assert cut.stream == f"page/{cut.document_id}/7"


def test_a_document_without_pages_is_not_parsed():
    found = {"page_count": 1, "markdown_characters": 0, "chapter_count": 0, "language": "und"}
    given = {**DOCUMENT, **found, "media_type": "text/plain", "details": TEXT}
    assert DocumentParsed.model_validate(given).page_count == 1
    for nothing in ({"page_count": 0}, {"markdown_characters": -1}, {"details": None}):
        with pytest.raises(ValidationError):
            DocumentParsed.model_validate(given | nothing)


def test_an_edit_is_never_revision_0():
    given = {**DOCUMENT, "page": 1, "text": TEXT, "language": "en", "edited_by": uuid4()}
    given |= {"markdown_characters": 2}
    assert PageEdited.model_validate({**given, "revision": 1}).revision == 1
    with pytest.raises(ValidationError):
        PageEdited.model_validate({**given, "revision": 0})


def test_documents_come_in_three_ways():
    given = {**DOCUMENT, "details": TEXT}
    for kind in ("file", "url", "text"):
        assert DocumentSubmitted.model_validate({**given, "source_kind": kind}).source_kind == kind
    with pytest.raises(ValidationError):
        DocumentSubmitted.model_validate({**given, "source_kind": "fax"})
