"""Takes documents in: a form, the bytes themselves, or JSON with a text or a web address."""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from http import HTTPStatus
from typing import TypeVar
from uuid import UUID, uuid4

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from libs.common.errors import Rejected
from libs.common.events import Source
from services.gateway.api.context import Context
from services.gateway.api.middleware import is_streamed
from services.gateway.api.multipart import FormStream, Part
from services.gateway.api.orders import NarrationRequest, SubmitRequest
from services.gateway.api.problems import Refused
from services.gateway.commands import Commands, Order
from services.gateway.uploads import Upload

M = TypeVar("M", bound=BaseModel)

MAX_FIELD_BYTES = 64 * 1024
OCTETS = "application/octet-stream"
TEXT = "text/plain; charset=utf-8"


@dataclass
class Submission:
    """What came in. An ``upload`` is stored already, and discarded if nothing comes of it."""

    upload: Upload | None = None
    source: Source | None = None
    title: str | None = None
    order: Order | None = None

    async def submit(self, commands: Commands, caller: UUID) -> tuple[UUID, UUID | None]:
        """Hand it in; return the ids of the document and of the narration, if one was ordered."""
        if self.source is None:
            raise Refused(HTTPStatus.BAD_REQUEST, "no_file", "The form has no field named file.")
        document_id = self.upload.document_id if self.upload else uuid4()
        return await commands.submit(caller, document_id, self.source, self.title, self.order)


async def take_in(request: Request, context: Context, caller: UUID) -> tuple[UUID, UUID | None]:
    """Read a submission from the body and hand it in; nothing is left behind if that fails."""
    content_type = request.headers.get("content-type", "")
    submission = Submission()
    try:
        if not is_streamed(content_type):
            await _read_json(request, context, submission)
        elif content_type.lower().startswith(OCTETS):
            await _read_octets(request, context, submission)
        else:
            await _read_form(request, context, submission)
        return await submission.submit(context.commands, caller)
    except BaseException:
        if submission.upload is not None:
            await context.commands.discard(submission.upload)
        raise


async def _read_json(request: Request, context: Context, submission: Submission) -> None:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Refused(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            f"Send multipart/form-data, {OCTETS} or application/json.",
        )
    asked = _parsed(SubmitRequest.model_validate_json, await request.body())
    submission.title = asked.title
    submission.order = asked.narrate.order() if asked.narrate else None
    if asked.text is not None:
        content = asked.text.encode("utf-8", "replace")
        submission.upload = await context.commands.receive(_once(content), TEXT)
        submission.source = submission.upload.source("text", None)
    else:
        submission.source = Source(kind="url", url=str(asked.url))


async def _read_octets(request: Request, context: Context, submission: Submission) -> None:
    query = request.query_params
    submission.title = query.get("title")
    submission.order = _order(query.get("narrate"))
    _check_length(request, context)
    async with aclosing(request.stream()) as body:
        submission.upload = await context.commands.receive(body, OCTETS)
    submission.source = submission.upload.source("file", _basename(query.get("filename")))


async def _read_form(request: Request, context: Context, submission: Submission) -> None:
    _check_length(request, context)
    async with aclosing(request.stream()) as body:
        form = FormStream(request.headers["content-type"], body)
        async for part in form.parts():
            await _read_part(part, context, submission)


async def _read_part(part: Part, context: Context, submission: Submission) -> None:
    if part.name == "file":
        if submission.upload is not None:
            raise Refused(HTTPStatus.BAD_REQUEST, "two_files", "Send one file at a time.")
        async with aclosing(part.chunks()) as chunks:
            submission.upload = await context.commands.receive(chunks, OCTETS)
        submission.source = submission.upload.source("file", _basename(part.filename))
    elif part.name == "title":
        submission.title = await part.text(MAX_FIELD_BYTES)
    elif part.name == "narrate":
        submission.order = _order(await part.text(MAX_FIELD_BYTES))


def _check_length(request: Request, context: Context) -> None:
    """Refuse what says itself that it is too large, before any of it is read."""
    length = request.headers.get("content-length", "")
    limit = context.commands.max_upload_bytes
    if length.isdecimal() and int(length) > limit + MAX_FIELD_BYTES:
        raise Rejected("too_large", f"A file may have {limit:,} bytes; this one has more.")


def _order(narrate: str | None) -> Order | None:
    if not narrate:
        return None
    return _parsed(NarrationRequest.model_validate_json, narrate.encode()).order()


def _parsed(parse: Callable[[bytes], M], body: bytes) -> M:
    try:
        return parse(body)
    except ValidationError as error:
        errors = error.errors(include_url=False, include_context=False, include_input=False)
        found = [{**each, "loc": ("body", *each["loc"])} for each in errors]
        raise RequestValidationError(found) from error


def _basename(filename: str | None) -> str | None:
    """Return the last part of a name; some send whole paths."""
    if not filename:
        return None
    return filename.replace("\\", "/").rsplit("/", 1)[-1] or None


async def _once(content: bytes) -> AsyncGenerator[bytes, None]:
    yield content
