"""Documents: list, read, delete; their covers and pages."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from starlette.requests import Request

from libs.common.contracts.details import Chapter
from libs.common.contracts.permissions import Capability
from services.gateway.accounts.current_caller import CallerId, CallerRoute
from services.gateway.documents.commands import DocumentCommands
from services.gateway.documents.queries import DocumentQueries
from services.gateway.documents.views import DocumentView, PageView
from services.gateway.http.context import PREFIX, Deps
from services.gateway.http.description.declared import (
    declare,
    file_answers,
    file_conditions,
    own_problems,
)
from services.gateway.http.downloads import send_object
from services.gateway.http.models import PROBLEMS, AfterPage, Limit, Listing, Place, listed, needs
from services.gateway.kernel.errors import NotFound

router = APIRouter(prefix=PREFIX, tags=["documents"], responses=PROBLEMS, route_class=CallerRoute)

COVER_TYPES = {"image/jpeg", "image/png", "image/gif", "image/webp"}
"""Pictures that cannot run anything."""


@router.get(
    "/documents",
    openapi_extra=declare(needs(Capability.LIST_DOCUMENTS), own_problems("bad_cursor")),
)
async def list_documents(
    deps: Deps,
    caller_id: CallerId,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=300)] = None,
) -> Listing[DocumentView]:
    """List your documents, newest first."""
    found = await DocumentQueries(deps.database).documents(caller_id, limit, cursor)
    return Listing[DocumentView](items=found.items, next=found.following)


@router.get("/documents/{document_id}", openapi_extra=needs(Capability.SEE_DOCUMENT))
async def read_document(document_id: UUID, deps: Deps, caller_id: CallerId) -> DocumentView:
    """Read what is known of a document."""
    return await DocumentQueries(deps.database).document(caller_id, document_id)


@router.delete(
    "/documents/{document_id}", status_code=204, openapi_extra=needs(Capability.DELETE_DOCUMENT)
)
async def delete_document(document_id: UUID, deps: Deps, caller_id: CallerId) -> None:
    """Delete a document and everything made from it."""
    await DocumentCommands(deps).delete(caller_id, document_id)


@router.get(
    "/documents/{document_id}/cover",
    response_class=Response,
    responses=file_answers(*sorted(COVER_TYPES)),
    openapi_extra=declare(needs(Capability.SEE_DOCUMENT), file_conditions()),
)
async def download_cover(
    document_id: UUID, request: Request, deps: Deps, caller_id: CallerId
) -> Response:
    """Fetch the cover that was found in the document."""
    ref = (await DocumentQueries(deps.database).document(caller_id, document_id)).cover_object
    if ref is None or ref.media_type not in COVER_TYPES:
        raise NotFound("cover")
    return await send_object(request, deps.storage, ref, ref.media_type)


@router.get(
    "/documents/{document_id}/pages",
    tags=["pages"],
    openapi_extra=needs(Capability.SEE_DOCUMENT),
)
async def list_pages(
    document_id: UUID,
    deps: Deps,
    caller_id: CallerId,
    limit: Limit = 100,
    cursor: AfterPage = 0,
) -> Listing[PageView]:
    """List the pages that were read so far, in order."""
    found = await DocumentQueries(deps.database).pages(caller_id, document_id, limit, cursor)
    return Listing[PageView](items=found.items, next=found.following)


@router.get("/documents/{document_id}/chapters", openapi_extra=needs(Capability.SEE_DOCUMENT))
async def list_chapters(
    document_id: UUID, deps: Deps, caller_id: CallerId, limit: Limit = 100, cursor: Place = 0
) -> Listing[Chapter]:
    """List the chapters of a document, as its table of contents has them."""
    found = await DocumentQueries(deps.database).chapters(caller_id, document_id)
    return listed(found, limit, cursor)


@router.get("/documents/{document_id}/warnings", openapi_extra=needs(Capability.SEE_DOCUMENT))
async def list_warnings(
    document_id: UUID, deps: Deps, caller_id: CallerId, limit: Limit = 100, cursor: Place = 0
) -> Listing[str]:
    """List sentences about parts of a document that could not be read."""
    found = await DocumentQueries(deps.database).warnings(caller_id, document_id)
    return listed(found, limit, cursor)
