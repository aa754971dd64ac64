import pytest

from libs.common.errors import Rejected, Throttled, Transient
from services.ingest.pages.document import Metadata, Page, ParsedChapter
from services.ingest.sandbox import frames, payloads
from services.ingest.sandbox.frames import Frame


def told(data: bytes) -> list[tuple[Frame, bytes]]:
    found = []
    while data:
        kind, size = frames.header(data[:5])
        found.append((kind, data[5 : 5 + size]))
        data = data[5 + size :]
    return found


def test_page_survives():
    page = Page(number=3, markdown="Größe 😀", title="Title", language="de")
    [(kind, payload)] = told(b"".join(frames.of_item(page)))
    assert kind is Frame.PAGE
    assert payloads.page(payload) == page


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
    [(first, cover), (second, payload)] = told(b"".join(frames.of_item(metadata)))
    assert (first, second) == (Frame.COVER, Frame.METADATA)
    assert payloads.metadata(payload, cover) == metadata


def test_rejection_survives():
    [(kind, payload)] = told(frames.of_rejection(Rejected("empty", "Nothing.")))
    error = payloads.rejection(payload)
    assert (kind, error.code, str(error)) == (Frame.REJECTED, "empty", "Nothing.")


@pytest.mark.parametrize(
    "error", [Transient("Later."), Throttled("Less.", 7.0), Throttled("Less.")]
)
def test_failure_survives(error):
    [(kind, payload)] = told(frames.of_failure(error))
    again = payloads.failure(payload)
    assert (kind, type(again), again.__dict__) == (Frame.FAILED, type(error), error.__dict__)
    assert str(again) == str(error)


@pytest.mark.parametrize("name", ["Räuber.pdf", None])
def test_name_of_what_was_fetched_survives(name):
    [(kind, payload)] = told(frames.of_fetched(name))
    assert (kind, payloads.fetched(payload)) == (Frame.FETCHED, name)


def test_a_crash_comes_with_its_traceback():
    try:
        raise KeyError("absent")
    except KeyError:
        [(kind, payload)] = told(frames.of_crash())
    assert kind is Frame.CRASHED
    assert payload.startswith(b"Traceback")
    assert b"KeyError: 'absent'" in payload


@pytest.mark.parametrize("raw", [b"?\x00\x00\x00\x01", b"P\xff\xff\xff\xff"])
def test_nonsense_is_refused(raw):
    with pytest.raises(ValueError, match=r"frame|Frame"):
        frames.header(raw)


def test_only_a_cover_may_be_large():
    size = (frames.MAX_JSON_BYTES + 1).to_bytes(4, "big")
    assert frames.header(b"C" + size) == (Frame.COVER, frames.MAX_JSON_BYTES + 1)
    for kind in set(Frame) - {Frame.COVER}:
        with pytest.raises(ValueError, match="a frame of"):
            frames.header(kind.value + size)
