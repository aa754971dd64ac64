from uuid import uuid4

from services.gateway.documents.uploads import MAX_NAME_CHARACTERS, Source, Submission


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
