import pytest

from libs.common.errors import Rejected
from services.ingest.pages.document import Metadata, Page, ParsedChapter
from services.ingest.sandbox import frames
from services.ingest.sandbox.frames import Frame


def payloads(data: bytes) -> list[tuple[Frame, bytes]]:
    found = []
    while data:
        kind, size = frames.header(data[:5])
        found.append((kind, data[5 : 5 + size]))
        data = data[5 + size :]
    return found


def test_page_survives():
    page = Page(number=3, markdown="Größe 😀", title="Title", language="de")
    [(kind, payload)] = payloads(b"".join(frames.of_item(page)))
    assert kind is Frame.PAGE
    assert frames.page(payload) == page


def test_metadata_survives_with_its_cover():
    metadata = Metadata(
        title="T",
        author="A",
        language="en",
        media_type="text/plain",
        cover=b"\x00cover",
        chapters=(ParsedChapter("One", 1, 2),),
        warnings=("w",),
    )
    [(first, cover), (second, payload)] = payloads(b"".join(frames.of_item(metadata)))
    assert (first, second) == (Frame.COVER, Frame.METADATA)
    assert frames.metadata(payload, cover) == metadata


def test_rejection_survives():
    [(kind, payload)] = payloads(frames.of_rejection(Rejected("empty", "Nothing.")))
    error = frames.rejection(payload)
    assert (kind, error.code, str(error)) == (Frame.REJECTED, "empty", "Nothing.")


@pytest.mark.parametrize("raw", [b"?\x00\x00\x00\x01", b"P\xff\xff\xff\xff"])
def test_nonsense_is_refused(raw):
    with pytest.raises(ValueError, match=r"frame|Frame"):
        frames.header(raw)
