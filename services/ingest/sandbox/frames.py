"""How a confined process tells the service what it found: frames on a pipe.

A frame is one byte of kind, four bytes of length (big endian) and the payload. JSON and not pickle,
since the sender has read what strangers sent. A cover goes before the metadata that it belongs to.
"""

import json
import traceback
from collections.abc import Iterator
from dataclasses import asdict, replace
from enum import Enum

from libs.common.errors import Rejected, Throttled, Transient
from services.ingest.pages.document import Item, Page

HEADER_BYTES = 5
MAX_COVER_BYTES = 32 * 1024 * 1024
MAX_JSON_BYTES = 4 * 1024 * 1024
"""Of a page, which has 20 kB of text, or of all chapters: reading it holds the event loop."""


class Frame(Enum):
    """The kinds of frames. All but PAGE and COVER are the last of their stream."""

    PAGE = b"P"
    COVER = b"C"
    METADATA = b"M"
    FETCHED = b"W"
    REJECTED = b"R"
    CRASHED = b"X"
    FAILED = b"F"


def encode(kind: Frame, payload: bytes) -> bytes:
    """Return one frame."""
    return kind.value + len(payload).to_bytes(4, "big") + payload


def header(raw: bytes) -> tuple[Frame, int]:
    """Return kind and length of the payload that follows.

    Raises:
        ValueError: this is no header, or the payload would be longer than any honest one.
    """
    kind, size = Frame(raw[:1]), int.from_bytes(raw[1:], "big")
    if size > (MAX_COVER_BYTES if kind is Frame.COVER else MAX_JSON_BYTES):
        raise ValueError(f"a frame of {size} bytes")
    return kind, size


def of_item(item: Item) -> Iterator[bytes]:
    """Yield the frames of a page or of the metadata."""
    if isinstance(item, Page):
        yield encode(Frame.PAGE, _json(asdict(item)))
        return
    if item.cover is not None:
        yield encode(Frame.COVER, item.cover)
    yield encode(Frame.METADATA, _json(asdict(replace(item, cover=None))))


def of_rejection(error: Rejected) -> bytes:
    """Return the frame that says why a document is refused."""
    return encode(Frame.REJECTED, _json({"code": error.code, "message": str(error)}))


def of_failure(error: Transient) -> bytes:
    """Return the frame that says why a document has to be tried again."""
    after = error.retry_after_s if isinstance(error, Throttled) else None
    told = {"throttled": isinstance(error, Throttled), "message": str(error), "after_s": after}
    return encode(Frame.FAILED, _json(told))


def of_crash() -> bytes:
    """Return the frame with the traceback of the error that is being handled."""
    return encode(Frame.CRASHED, traceback.format_exc(limit=-20).encode())


def of_fetched(filename: str | None) -> bytes:
    """Return the frame that says that the page is in the file, and the name that it goes by."""
    return encode(Frame.FETCHED, _json({"filename": filename}))


def _json(fields: dict[str, object]) -> bytes:
    # Lone surrogates cannot be encoded; cleaning removes them from text, this from all else.
    return json.dumps(fields, ensure_ascii=False).encode("utf-8", "replace")
