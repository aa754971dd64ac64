"""What tells a repeated request from another one: a digest of all that it asks for."""

import hashlib
from contextlib import suppress
from typing import TYPE_CHECKING

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header
from starlette.requests import Request

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

FORM = "multipart/form-data"


class Fingerprint:
    """SHA-256 of method, path, query, media type and body, which may come in any pieces.

    Of a form it is that of the fields: clients write another boundary each time.
    """

    def __init__(self, request: Request) -> None:
        content_type = request.headers.get("content-type", "")
        kind = content_type.partition(";")[0].strip().lower()
        self._digest = hashlib.sha256()
        for part in (request.method, request.url.path, request.url.query, kind):
            self._add(part.encode())
        self._form = _form(self, content_type) if kind == FORM else None
        self._length = 0

    def update(self, data: bytes) -> None:
        """Take more of the body."""
        if self._form is None:
            self.take(data)
            return
        with suppress(FormParserError):  # whoever reads it as a form refuses it
            self._form.write(data)

    def take(self, data: bytes) -> None:
        """Take what belongs together with what came before."""
        self._digest.update(data)
        self._length += len(data)

    def separate(self) -> None:
        """Begin another part: what follows belongs to it."""
        self._digest.update(self._length.to_bytes(8))
        self._length = 0

    def hexdigest(self) -> str:
        """Return the digest of what was taken so far."""
        return self._digest.hexdigest()

    def _add(self, part: bytes) -> None:
        self._digest.update(len(part).to_bytes(8) + part)


def _form(fingerprint: Fingerprint, content_type: str) -> MultipartParser | None:
    """Return what finds the fields of a form; None if its type names no boundary."""

    def take(data: bytes, start: int, end: int) -> None:
        fingerprint.take(data[start:end])

    callbacks: MultipartCallbacks = {
        "on_part_begin": fingerprint.separate,
        "on_header_field": take,
        "on_header_value": take,
        "on_header_end": fingerprint.separate,
        "on_headers_finished": fingerprint.separate,
        "on_part_data": take,
        "on_part_end": fingerprint.separate,
    }
    _, options = parse_options_header(content_type)
    boundary = options.get(b"boundary")
    try:
        return MultipartParser(boundary, callbacks) if boundary else None
    except FormParserError:
        return None
