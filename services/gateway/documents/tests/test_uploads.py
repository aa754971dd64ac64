from uuid import uuid4

from libs.common.contracts.base import ObjectRef
from services.gateway.documents.uploads import (
    MAX_NAME_CHARACTERS,
    Source,
    StoredUpload,
    Submission,
)


async def test_names_and_titles_are_kept_as_people_can_read_them(world):
    source = Source(kind="url", url="https://x.org/", filename="a\nname" + "x" * 300)
    submission = Submission(
        document_id=uuid4(), owner_id=world.owner, source=source, title="A\ttitle"
    )
    async with world.documents.storing(submission) as stored:
        details = stored.details
    assert (details.object, details.url, details.title) == (None, "https://x.org/", "A title")
    assert details.filename is not None
    assert details.filename.startswith("a name")
    assert len(details.filename) == MAX_NAME_CHARACTERS


def test_an_upload_is_handed_in_with_the_key_that_was_reserved_with_it():
    stored = ObjectRef(key="documents/1/source.0", sha256="0" * 64, size=1, media_type="text/plain")
    upload, owner = StoredUpload(uuid4(), stored, "documents/1/submitted.0.json"), uuid4()
    submission = upload.submission(owner, "file", "a.txt", "A title")
    assert submission.document_id == upload.document_id
    assert (submission.owner_id, submission.title) == (owner, "A title")
    assert submission.source == Source(kind="file", object=stored, filename="a.txt")
    assert submission.details_key == upload.details_key
