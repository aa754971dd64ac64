import json

import pytest

from libs.common.errors import Rejected, Throttled, Transient
from services.ingest.pages.document import Metadata, Page, ParsedChapter
from services.ingest.sandbox import frames
from services.ingest.sandbox.frames import LONGEST_WAIT_S, MOST_CHARACTERS, Frame


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


@pytest.mark.parametrize(
    "error", [Transient("Later."), Throttled("Less.", 7.0), Throttled("Less.")]
)
def test_failure_survives(error):
    [(kind, payload)] = payloads(frames.of_failure(error))
    told = frames.failure(payload)
    assert (kind, type(told), told.__dict__) == (Frame.FAILED, type(error), error.__dict__)
    assert str(told) == str(error)


@pytest.mark.parametrize("after", ["1e999", "-1", "NaN"])
def test_a_wait_that_is_none_is_refused(after):
    said = f'{{"message": "", "throttled": true, "after_s": {after}}}'.encode()
    with pytest.raises(ValueError, match="a wait of"):
        frames.failure(said)


def test_what_a_program_that_was_taken_over_says_has_bounds():
    said = json.dumps({"message": "x" * 10_000, "throttled": True, "after_s": 1e15}).encode()
    told = frames.failure(said)
    assert isinstance(told, Throttled)
    assert (told.retry_after_s, len(str(told))) == (LONGEST_WAIT_S, MOST_CHARACTERS)
    name = json.dumps({"filename": "x" * 10_000}).encode()
    assert frames.fetched(name) == "x" * MOST_CHARACTERS


@pytest.mark.parametrize("name", ["Räuber.pdf", None])
def test_name_of_what_was_fetched_survives(name):
    [(kind, payload)] = payloads(frames.of_fetched(name))
    assert (kind, frames.fetched(payload)) == (Frame.FETCHED, name)


def test_a_crash_comes_with_its_traceback():
    try:
        raise KeyError("absent")
    except KeyError:
        [(kind, payload)] = payloads(frames.of_crash())
    assert kind is Frame.CRASHED
    assert payload.startswith(b"Traceback")
    assert b"KeyError: 'absent'" in payload


@pytest.mark.parametrize("raw", [b"?\x00\x00\x00\x01", b"P\xff\xff\xff\xff"])
def test_nonsense_is_refused(raw):
    with pytest.raises(ValueError, match=r"frame|Frame"):
        frames.header(raw)
