from uuid import uuid4

from services.gateway.documents.uploads import MAX_NAME_CHARACTERS, StoredUpload
from services.gateway.tests.world import reference


def test_where_a_document_comes_from():
    upload = StoredUpload(uuid4(), reference())
    source = upload.source("file", "a\nname" + "x" * 300)
    assert (source.kind, source.object, source.url) == ("file", reference(), None)
    assert source.filename is not None
    assert source.filename.startswith("a name")
    assert len(source.filename) == MAX_NAME_CHARACTERS
    assert upload.source("text", None).filename is None
