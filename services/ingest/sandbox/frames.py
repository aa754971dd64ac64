"""How a confined process tells the service what it found: frames on a pipe.

A frame is one byte of kind, four bytes of length (big endian) and the payload. JSON and not pickle,
since the sender has read what strangers sent. A cover goes before the metadata that it belongs to.
"""

import json
import math
import traceback
from collections.abc import Iterator
from dataclasses import asdict, replace
from enum import Enum

from libs.common.errors import Rejected, Throttled, Transient
from services.ingest.pages.document import Item, Metadata, Page, ParsedChapter

HEADER_BYTES = 5
MAX_PAYLOAD_BYTES = 32 * 1024 * 1024
MOST_CHARACTERS = 200
"""Of a name or a sentence."""
LONGEST_WAIT_S = 3600.0
"""That a website may ask for."""


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
    size = int.from_bytes(raw[1:], "big")
    if size > MAX_PAYLOAD_BYTES:
        raise ValueError(f"a frame of {size} bytes")
    return Frame(raw[:1]), size


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


def page(payload: bytes) -> Page:
    """Read the payload of PAGE. Raises ValueError, TypeError or KeyError if it is none."""
    return Page(**json.loads(payload))


def metadata(payload: bytes, cover: bytes | None) -> Metadata:
    """Read the payload of METADATA. Raises ValueError, TypeError or KeyError if it is none."""
    fields = json.loads(payload)
    chapters = tuple(ParsedChapter(**chapter) for chapter in fields.pop("chapters"))
    warnings = tuple(fields.pop("warnings"))
    fields["cover"] = cover
    return Metadata(**fields, chapters=chapters, warnings=warnings)


def rejection(payload: bytes) -> Rejected:
    """Read the payload of REJECTED. Raises ValueError or KeyError if it is none."""
    fields = json.loads(payload)
    return Rejected(fields["code"], fields["message"])


def failure(payload: bytes) -> Transient:
    """Read the payload of FAILED. Raises ValueError, TypeError or KeyError if it is none.

    Whoever wrote it may have been taken over: what it asks for has bounds.
    """
    fields = json.loads(payload)
    message, after = str(fields["message"])[:MOST_CHARACTERS], fields["after_s"]
    if not fields["throttled"]:
        return Transient(message)
    seconds = None if after is None else float(after)
    if seconds is not None and not 0 <= seconds < math.inf:
        raise ValueError(f"a wait of {seconds} s")
    return Throttled(message, None if seconds is None else min(seconds, LONGEST_WAIT_S))


def fetched(payload: bytes) -> str | None:
    """Read the payload of FETCHED. Raises ValueError, TypeError or KeyError if it is none."""
    filename = json.loads(payload)["filename"]
    return None if filename is None else str(filename)[:MOST_CHARACTERS]


def _json(fields: dict[str, object]) -> bytes:
    # Lone surrogates cannot be encoded; cleaning removes them from text, this from all else.
    return json.dumps(fields, ensure_ascii=False).encode("utf-8", "replace")
