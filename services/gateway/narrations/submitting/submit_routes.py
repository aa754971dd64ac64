"""Documents are handed in here, for they may come with a narration of theirs."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from starlette.requests import Request

from libs.common.contracts.permissions import Capability
from services.gateway.accounts.current_caller import CallerId, CallerRoute
from services.gateway.documents.queries import DocumentQueries
from services.gateway.documents.views import DocumentView
from services.gateway.http.context import PREFIX, Deps
from services.gateway.http.description.declared import LOCATION, declare, own_problems
from services.gateway.http.models import PROBLEMS, needs
from services.gateway.http.ratelimit.limit_classes import LimitClass, limited
from services.gateway.narrations.requests import SubmitRequest
from services.gateway.narrations.submitting.room import room_for_one
from services.gateway.narrations.submitting.submissions import (
    RawUploadQuery,
    announced_size,
    take_in,
)

router = APIRouter(prefix=PREFIX, tags=["documents"], responses=PROBLEMS, route_class=CallerRoute)

_FILE = {"type": "string", "format": "binary"}
_FORM = {
    "type": "object",
    "required": ["file"],
    "properties": {
        "file": _FILE,
        "title": {"type": "string"},
        "narrate": {"type": "string", "description": "What to hear of it, as JSON."},
    },
}
EXAMPLES = {
    "text": {"value": {"text": "# A story\n\nIt was night.", "title": "A story"}},
    "address": {"value": {"url": "https://example.org/book.epub", "narrate": {"audiobook": "m4b"}}},
}
_SUBMISSION = SubmitRequest.model_json_schema(ref_template="#/components/schemas/{model}")
_SUBMISSION.pop("$defs")  # all of them are components, for other routes take them too
BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {"schema": _FORM},
            "application/octet-stream": {"schema": _FILE},
            "application/json": {"schema": _SUBMISSION, "examples": EXAMPLES},
        },
    }
}

OF_SUBMISSIONS = own_problems(
    "bad_form",
    "no_file",
    "two_files",
    "empty",
    "unsupported",
    "bad_url",
    "too_slow",
    "unknown_engine",
    "unknown_voice",
    "quota_exceeded",
    "too_many_documents",
)


class SubmittedView(DocumentView):
    """A document that was just handed in, and the narration that was asked for with it."""

    narration_id: UUID | None = None


@router.post(
    "/documents",
    status_code=202,
    responses={202: {"headers": LOCATION}},
    openapi_extra=declare(
        BODY, needs(Capability.ADD_DOCUMENT), limited(LimitClass.UPLOAD), OF_SUBMISSIONS
    ),
)
async def submit_document(
    request: Request,
    response: Response,
    deps: Deps,
    caller_id: CallerId,
    query: Annotated[RawUploadQuery, Depends()],
) -> SubmittedView:
    """Hand in a file, a text or a web address; ``narrate`` says what to hear of it, if anything.

    A file comes as a form, or as the body itself with ``filename``, ``title`` and ``narrate`` in
    the query. An owner with many documents that are not parsed yet gets 429, before the body is
    read, and should try again after ``Retry-After``; one whose documents or bytes are as many as
    one may have gets 409.
    """
    async with room_for_one(deps, caller_id, announced_size(request)):
        document_id, narration_id = await take_in(request, deps, caller_id, query)
    response.headers["Location"] = f"{PREFIX}/documents/{document_id}"
    view = await DocumentQueries(deps.database).document(caller_id, document_id)
    return SubmittedView(**dict(view), narration_id=narration_id)
