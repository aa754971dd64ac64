"""Reads ``multipart/form-data`` as it arrives: a part is passed on while it is still being sent.

Source of the format: RFC 7578. The parser is python-multipart's; around it, only what is received
at a time is held in memory.
"""

from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header

from services.gateway.http.problems import Refused

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

MAX_PARTS = 16

Headers = dict[bytes, bytes]


@dataclass(frozen=True, kw_only=True)
class FormPart:
    """One field of a form. Read it before the next one is asked for; what is left is skipped."""

    name: str
    filename: str | None
    media_type: str
    form: "FormStream"

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """Yield the content as it arrives."""
        while (data := await self.form.more()) is not None:
            yield data

    async def text(self, max_bytes: int) -> str:
        """Return the content as text.

        Raises:
            Refused: It is longer than ``max_bytes`` or not UTF-8.
        """
        found = bytearray()
        async for data in self.chunks():
            found += data
            if len(found) > max_bytes:
                raise _bad(f"The field {self.name[:40]!r} is too long.")
        try:
            return found.decode()
        except UnicodeDecodeError as error:
            raise _bad(f"The field {self.name[:40]!r} is not UTF-8.") from error


class FormStream:
    """The parts of one form, in the order in which they arrive.

    Raises:
        Refused: ``content_type`` names no boundary.

    The form as a whole may have ``max_bytes``, also what is skipped of it.
    """

    def __init__(self, content_type: str, chunks: AsyncIterator[bytes], max_bytes: int) -> None:
        _, options = parse_options_header(content_type)
        boundary = options.get(b"boundary")
        if not boundary:
            raise _bad("The form names no boundary.")
        self._chunks = chunks
        self._max_bytes = max_bytes
        self._received = 0
        self._pending: deque[Headers | bytes | None] = deque()
        self._ended = False
        self._in_part = False
        self._name = b""
        self._value = b""
        self._headers: Headers = {}
        try:
            self._parser = MultipartParser(boundary, self._callbacks())
        except FormParserError as error:
            raise _bad("The boundary that the form names is none.") from error

    def _callbacks(self) -> "MultipartCallbacks":
        return {
            "on_part_begin": self._on_part_begin,
            "on_header_field": self._on_header_field,
            "on_header_value": self._on_header_value,
            "on_header_end": self._on_header_end,
            "on_headers_finished": lambda: self._pending.append(self._headers),
            "on_part_data": lambda data, start, end: self._pending.append(data[start:end]),
            "on_part_end": lambda: self._pending.append(None),
            "on_end": self._on_end,
        }

    async def parts(self) -> AsyncGenerator[FormPart, None]:
        """Yield the parts.

        Raises:
            Refused: It is no form, it ends too early, or it has too many parts.
        """
        for _ in range(MAX_PARTS + 1):
            while self._in_part:
                await self.more()
            headers = await self._next()
            if headers is None:
                return
            if not isinstance(headers, dict):
                raise TypeError("the parser sent data outside of a part")
            self._in_part = True
            yield self._part(headers)
        raise _bad(f"A form may have {MAX_PARTS} fields.")

    async def more(self) -> bytes | None:
        """Return more of the current part, or None at its end."""
        if not self._in_part:
            return None
        data = await self._next()
        if isinstance(data, bytes):
            return data
        self._in_part = False
        return None

    async def _next(self) -> Headers | bytes | None:
        """Return what the parser found next: headers, data, or None at the end of part or form."""
        while not self._pending:
            if self._ended:
                return None
            await self._receive()
        return self._pending.popleft()

    async def _receive(self) -> None:
        async for chunk in self._chunks:
            self._received += len(chunk)
            if self._received > self._max_bytes:
                detail = f"A form may have {self._max_bytes:,} bytes; this one has more."
                raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", detail)
            if chunk:
                self._feed(chunk)
                return
        raise _bad("The form ends too early.")

    def _feed(self, chunk: bytes) -> None:
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise _bad("The body is not a form as its type promises.") from error

    def _part(self, headers: Headers) -> FormPart:
        _, options = parse_options_header(
            headers.get(b"content-disposition", b"").decode("latin-1")
        )
        if b"name" not in options:
            raise _bad("A field of the form has no name.")
        filename = options.get(b"filename")
        return FormPart(
            name=options[b"name"].decode("utf-8", "replace"),
            filename=None if filename is None else filename.decode("utf-8", "replace"),
            media_type=headers.get(b"content-type", b"").decode("latin-1"),
            form=self,
        )

    def _on_part_begin(self) -> None:
        self._headers = {}

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header_end(self) -> None:
        self._headers[self._name.lower()] = self._value
        self._name = self._value = b""

    def _on_end(self) -> None:
        self._ended = True


def _bad(detail: str) -> Refused:
    return Refused(HTTPStatus.BAD_REQUEST, "bad_form", detail)
