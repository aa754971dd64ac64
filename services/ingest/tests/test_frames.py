import pytest

from libs.common.errors import Rejected
from services.ingest import frames
from services.ingest.document import Chapter, Metadata, Page
from services.ingest.frames import Frame


def payloads(data: bytes) -> list[tuple[Frame, bytes]]:
    found = []
    while data:
        kind, size = frames.header(data[:5])
        found.append((kind, data[5 : 5 + size]))
        data = data[5 + size :]
    return found


def test_page_survives():
    page = Page(3, "Größe 😀", "Title", "de")
    [(kind, payload)] = payloads(b"".join(frames.of_item(page)))
    assert kind is Frame.PAGE
    assert frames.page(payload) == page


def test_metadata_survives_with_its_cover():
    metadata = Metadata(
        "T", "A", "en", "text/plain", b"\x00cover", "image/png", (Chapter("One", 1, 2),), ("w",)
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
