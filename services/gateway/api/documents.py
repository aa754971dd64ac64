"""Documents: hand in, list, read, delete, watch."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response
from starlette.requests import Request
from starlette.responses import StreamingResponse

from services.gateway.api.context import PREFIX, Needs, Who
from services.gateway.api.downloads import ClosingResponse, begun, send_object
from services.gateway.api.following import Pace, follow
from services.gateway.api.models import PROBLEMS, DocumentModel, Listing, SubmittedModel
from services.gateway.api.orders import SubmitRequest
from services.gateway.api.submissions import take_in
from services.gateway.problems import NotFound
from services.gateway.status import Watch

router = APIRouter(prefix=PREFIX, tags=["documents"], responses=PROBLEMS)

COVER_TYPES = {"image/jpeg", "image/png", "image/gif", "image/webp"}
"""Pictures that cannot run anything."""

_FILE = {"type": "string", "format": "binary"}
_FORM = {
    "type": "object",
    "required": ["file"],
    "properties": {
        "file": _FILE,
        "title": {"type": "string"},
        "narrate": {"type": "string", "description": "An order for audio, as JSON."},
    },
}
_SUBMISSION = SubmitRequest.model_json_schema(ref_template="#/components/schemas/{model}")
_SUBMISSION.pop("$defs")  # all of them are components, for other endpoints take them too
BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {"schema": _FORM},
            "application/octet-stream": {"schema": _FILE},
            "application/json": {"schema": _SUBMISSION},
        },
    }
}


@router.post("/documents", status_code=202, openapi_extra=BODY)
async def submit(
    request: Request, response: Response, context: Needs, caller: Who
) -> SubmittedModel:
    """Hand in a file, a text or a web address; with an order for audio in ``narrate``, or without.

    A file comes as a form, or as the body itself with ``filename``, ``title`` and ``narrate`` in
    the query.
    """
    document_id, narration_id = await take_in(request, context, caller)
    response.headers["Location"] = f"{PREFIX}/documents/{document_id}"
    view = await context.queries.document(caller, document_id)
    answer = SubmittedModel.model_validate(view)
    return answer.model_copy(update={"narration_id": narration_id})


@router.get("/documents")
async def listing(
    context: Needs,
    caller: Who,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=300)] = None,
) -> Listing[DocumentModel]:
    """List your documents, newest first."""
    found = await context.queries.documents(caller, limit, cursor)
    items = [DocumentModel.model_validate(each) for each in found.items]
    return Listing[DocumentModel](items=items, next=found.following)


@router.get("/documents/{document_id}")
async def document(document_id: UUID, context: Needs, caller: Who) -> DocumentModel:
    """Read what is known of a document."""
    return DocumentModel.model_validate(await context.queries.document(caller, document_id))


@router.delete("/documents/{document_id}", status_code=204)
async def delete(document_id: UUID, context: Needs, caller: Who) -> None:
    """Delete a document and everything made from it."""
    await context.commands.delete_document(caller, document_id)


@router.get("/documents/{document_id}/cover", response_class=Response)
@router.head("/documents/{document_id}/cover", include_in_schema=False)
async def cover(document_id: UUID, request: Request, context: Needs, caller: Who) -> Response:
    """Fetch the cover that was found in the document."""
    ref = (await context.queries.document(caller, document_id)).cover
    if ref is None:
        raise NotFound("cover")
    shown = ref.media_type if ref.media_type in COVER_TYPES else "application/octet-stream"
    return await send_object(request, context.storage, ref, shown)


@router.get("/documents/{document_id}/events", response_class=StreamingResponse)
async def events(document_id: UUID, context: Needs, caller: Who) -> Response:
    """Watch a document: server-sent events, a snapshot first, then what changes.

    Events: ``snapshot``, ``document``, ``page``, ``audio``, ``audio_deleted``, ``narration`` and,
    as the last one, ``deleted``.
    """
    watch = Watch(context.queries.database, caller, document_id)
    stream = await begun(follow(watch, context.changes, Pace()))
    return ClosingResponse(
        stream, headers={"X-Accel-Buffering": "no"}, media_type="text/event-stream"
    )
