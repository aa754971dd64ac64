from uuid import uuid4

import pytest
from pydantic import ValidationError

from libs.common.contracts.base import ObjectRef
from libs.common.contracts.documents import (
    Chapter,
    DocumentParsed,
    DocumentSubmitted,
    PageEdited,
    PageSegmented,
    Source,
)

TEXT = ObjectRef(key="pages/1", sha256="0" * 64, size=1)


def test_each_page_has_its_own_stream_of_cuts_and_all_share_the_key():
    cut = PageSegmented(document_id=uuid4(), page=7, segments=TEXT, utterances=1, characters=1)
    assert cut.key == str(cut.document_id)
    assert cut.stream == f"page/{cut.document_id}/7"


def test_a_document_without_pages_or_text_is_not_parsed():
    given = {"document_id": uuid4(), "title": "T", "pages": 1, "characters": 1}
    assert DocumentParsed(**given).language == "und"
    for nothing in ({"pages": 0}, {"characters": 0}):
        with pytest.raises(ValidationError):
            DocumentParsed(**given | nothing)


def test_an_edit_is_never_revision_0():
    given = {"document_id": uuid4(), "page": 1, "text": TEXT, "language": "en"}
    assert PageEdited(revision=1, edited_by=uuid4(), **given).revision == 1
    with pytest.raises(ValidationError):
        PageEdited(revision=0, edited_by=uuid4(), **given)


def test_sources_are_of_three_kinds():
    event = DocumentSubmitted(document_id=uuid4(), owner_id=uuid4(), source=Source(kind="text"))
    assert event.source.object is None
    with pytest.raises(ValidationError):
        Source.model_validate({"kind": "fax"})


def test_chapters_start_on_a_page_at_a_level_from_1():
    assert Chapter(title="One", first_page=1).level == 1
    for wrong in ({"first_page": 0}, {"level": 0}):
        with pytest.raises(ValidationError):
            Chapter.model_validate({"title": "One", "first_page": 1, "level": 1} | wrong)
