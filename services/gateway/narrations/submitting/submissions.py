"""Takes documents in: a form, the bytes themselves, or JSON with a text or a web address."""

from collections.abc import AsyncGenerator, AsyncIterable, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any, TypeVar
from uuid import UUID, uuid4

from fastapi import Query
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from libs.common.contracts.identifiers import OCTETS
from libs.common.errors import LecternError, Rejected
from services.gateway.documents.checks import readable
from services.gateway.documents.commands import DocumentCommands
from services.gateway.documents.uploads import Source, StoredUpload, Submission
from services.gateway.http.json_values import check_json
from services.gateway.http.middleware import is_streamed
from services.gateway.http.multipart import FormPart, FormStream
from services.gateway.http.problems import Refused
from services.gateway.http.ratelimit.limit_classes import LimitClass
from services.gateway.http.ratelimit.limited_requests import spend_of_user
from services.gateway.kernel.record import Kernel
from services.gateway.narrations.commands import NarrationCommands
from services.gateway.narrations.options import NarrationOptions
from services.gateway.narrations.requests import NarrationRequest, SubmitRequest

M = TypeVar("M", bound=BaseModel)

MAX_FIELD_BYTES = 64 * 1024
FORM_ROOM_BYTES = 16 * MAX_FIELD_BYTES
"""For all fields of a form but its file."""
FIELDS = ("file", "title", "narrate")
"""Of a form."""
TEXT = "text/plain; charset=utf-8"


def _in_query(description: str, **schema: Any) -> Any:
    only = f"{description} Only with {OCTETS}; a form and JSON have a field for it."
    return Query(description=only, json_schema_extra=schema)


@dataclass(frozen=True)
class RawUploadQuery:
    """What is said of a file whose bytes are the body itself."""

    filename: Annotated[str | None, _in_query("The name of the file.")] = None
    title: Annotated[str | None, _in_query("The title of the document.")] = None
    narrate: Annotated[
        str | None,
        _in_query(
            "What to hear of it.",
            contentMediaType="application/json",
            contentSchema={"$ref": "#/components/schemas/NarrationRequest"},
        ),
    ] = None


@dataclass(kw_only=True)
class Received:
    """What came in. An ``upload`` is stored already, and discarded if nothing comes of it."""

    kernel: Kernel
    upload: StoredUpload | None = None
    source: Source | None = None
    title: str | None = None
    options: NarrationOptions | None = None

    async def store(self, chunks: AsyncIterable[bytes], media_type: str) -> StoredUpload:
        """Store a file or a text as it arrives."""
        self.upload = await DocumentCommands(self.kernel).receive(chunks, media_type)
        return self.upload

    async def submit(self, owner: UUID) -> tuple[UUID, UUID | None]:
        """Hand it in; return the ids of the document and of its narration, if one was asked for."""
        if self.source is None:
            raise Refused(HTTPStatus.BAD_REQUEST, "no_file", "The form has no field named file.")
        submission = self._submission(owner, self.source)
        if self.options is None:
            return await DocumentCommands(self.kernel).submit(submission), None
        narrate = NarrationCommands(self.kernel).submit_and_narrate
        return submission.document_id, await narrate(submission, self.options)

    def _submission(self, owner: UUID, source: Source) -> Submission:
        if self.upload is None:
            about = uuid4()
            return Submission(document_id=about, owner_id=owner, source=source, title=self.title)
        return self.upload.submission(owner, source.kind, source.filename, self.title)


async def take_in(
    request: Request, kernel: Kernel, owner: UUID, query: RawUploadQuery
) -> tuple[UUID, UUID | None]:
    """Read a submission from the body and hand it in; nothing is left behind if that fails."""
    content_type = request.headers.get("content-type", "")
    received = Received(kernel=kernel)
    try:
        if not content_type.lower().startswith(OCTETS):
            _check_query(query)
        if not is_streamed(content_type):
            await _read_json(request, received, owner)
        elif content_type.lower().startswith(OCTETS):
            await _read_octets(request, received, query)
        else:
            await _read_form(request, received)
        return await received.submit(owner)
    except BaseException:
        if received.upload is not None:
            with suppress(LecternError):  # it goes when its time is over
                await DocumentCommands(kernel).discard(received.upload)
        raise


def _check_query(query: RawUploadQuery) -> None:
    """Refuse what is said in the query though the body has a field for it: nobody reads it there.

    Raises:
        Refused: It names what was said.
    """
    given = [name for name, value in vars(query).items() if value is not None]
    if given:
        detail = f"Only with {OCTETS} is {given[0]!r} in the query; put it into the body."
        raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, "unknown_parameter", detail)


async def _read_json(request: Request, received: Received, owner: UUID) -> None:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Refused(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            f"Send multipart/form-data, {OCTETS} or application/json.",
        )
    asked = _parsed(SubmitRequest.model_validate_json, await request.body(), "body")
    received.title = asked.title
    received.options = asked.narrate.options() if asked.narrate else None
    if asked.text is not None:
        content = asked.text.encode("utf-8", "replace")
        upload = await received.store(_once(content), TEXT)
        received.source = Source(kind="text", object=upload.stored)
    else:
        await spend_of_user(request.scope, LimitClass.FETCH, owner)
        received.source = Source(kind="url", url=str(asked.url))


async def _read_octets(request: Request, received: Received, query: RawUploadQuery) -> None:
    received.title = query.title
    received.options = _options(query.narrate, "query")
    _check_length(request, received.kernel)
    async with aclosing(request.stream()) as body:
        upload = await received.store(readable(body), OCTETS)
    filename = _basename(query.filename)
    received.source = Source(kind="file", object=upload.stored, filename=filename)


async def _read_form(request: Request, received: Received) -> None:
    _check_length(request, received.kernel)
    async with aclosing(request.stream()) as body:
        form = FormStream(request.headers["content-type"], body, _form_limit(received.kernel))
        seen: set[str] = set()
        async for part in form.parts():
            _check_field(part.name, seen)
            await _read_part(part, received)


def _check_field(name: str, seen: set[str]) -> None:
    """Refuse a field that nobody would read, so that nothing is left out without a word."""
    if name not in FIELDS:
        detail = f"The form has a field {name[:50]!r}. There are: {', '.join(FIELDS)}."
        raise Refused(HTTPStatus.BAD_REQUEST, "bad_form", detail)
    if name in seen and name != "file":
        raise Refused(HTTPStatus.BAD_REQUEST, "bad_form", f"The form has {name!r} twice.")
    seen.add(name)


async def _read_part(part: FormPart, received: Received) -> None:
    if part.name == "file":
        if received.upload is not None:
            raise Refused(HTTPStatus.BAD_REQUEST, "two_files", "Send one file at a time.")
        async with aclosing(part.chunks()) as chunks:
            upload = await received.store(readable(chunks), OCTETS)
        filename = _basename(part.filename)
        received.source = Source(kind="file", object=upload.stored, filename=filename)
    elif part.name == "title":
        received.title = await part.text(MAX_FIELD_BYTES)
    elif part.name == "narrate":
        received.options = _options(await part.text(MAX_FIELD_BYTES), "body")


def _check_length(request: Request, kernel: Kernel) -> None:
    """Refuse what says itself that it is too large, before any of it is read."""
    limit = kernel.limits.max_upload_bytes
    if announced_size(request) > limit:
        raise Rejected("too_large", f"A file may have {limit:,} bytes; this one has more.")


def announced_size(request: Request) -> int:
    """Return how large a file is at least, as far as the request says before it is read."""
    length = request.headers.get("content-length", "")
    return max(0, int(length) - MAX_FIELD_BYTES) if length.isdecimal() else 0


def _form_limit(kernel: Kernel) -> int:
    return kernel.limits.max_upload_bytes + FORM_ROOM_BYTES


def _options(narrate: str | None, place: str) -> NarrationOptions | None:
    if narrate is None:
        return None
    asked = narrate.encode()
    check_json(asked)
    return _parsed(NarrationRequest.model_validate_json, asked, place, "narrate").options()


def _parsed(parse: Callable[[bytes], M], body: bytes, *place: str) -> M:
    try:
        return parse(body)
    except ValidationError as error:
        errors = error.errors(include_url=False, include_input=False)
        found = [{**wrong, "loc": (*place, *wrong["loc"])} for wrong in errors]
        raise RequestValidationError(found) from error


def _basename(filename: str | None) -> str | None:
    """Return the last part of a name; some send whole paths."""
    if not filename:
        return None
    return filename.replace("\\", "/").rsplit("/", 1)[-1] or None


async def _once(content: bytes) -> AsyncGenerator[bytes, None]:
    yield content
