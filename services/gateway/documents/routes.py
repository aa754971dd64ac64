"""Documents: list, read, delete; their covers and pages."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from starlette.requests import Request

from libs.common.contracts.details import MAX_TITLE_CHARACTERS, Chapter, SourceKind
from libs.common.contracts.identifiers import MEDIA_TYPE_PATTERN
from libs.common.contracts.permissions import Capability
from services.gateway.accounts.current_caller import CallerId, CallerRoute
from services.gateway.documents.commands import DocumentCommands
from services.gateway.documents.listing.search import (
    NEWEST_FIRST,
    DocumentOrder,
    DocumentSearch,
)
from services.gateway.documents.queries import DocumentQueries
from services.gateway.documents.views import DocumentState, DocumentView, PageView
from services.gateway.http.context import PREFIX, Deps
from services.gateway.http.description.declared import (
    ETAG,
    declare,
    file_answers,
    file_conditions,
    own_problems,
)
from services.gateway.http.downloads import send_object
from services.gateway.http.etags import etag_of
from services.gateway.http.models import (
    PROBLEMS,
    AfterPage,
    Limit,
    Listing,
    Newest,
    Place,
    listed,
    needs,
)
from services.gateway.kernel.errors import NotFound

router = APIRouter(prefix=PREFIX, tags=["documents"], responses=PROBLEMS, route_class=CallerRoute)

COVER_TYPES = {"image/jpeg", "image/png", "image/gif", "image/webp"}
"""Pictures that cannot run anything."""


LONGEST_CURSOR = 4000
NO_NUL = "^[^\\u0000]*$"


@dataclass(frozen=True, kw_only=True)
class ListingQuery:
    """Which documents are listed, and in which order."""

    title: Annotated[
        str | None,
        Query(
            min_length=1,
            max_length=MAX_TITLE_CHARACTERS,
            pattern=NO_NUL,
            description="A part of the title, in upper or lower case.",
        ),
    ] = None
    state: DocumentState | None = None
    source_kind: Annotated[SourceKind | None, Query(description="How it came.")] = None
    media_type: Annotated[
        str | None,
        Query(
            max_length=100,
            pattern=MEDIA_TYPE_PATTERN,
            description="What it was found to be, such as application/pdf.",
        ),
    ] = None
    sort: Annotated[
        DocumentOrder, Query(description="By what it is sorted; a minus for the last one first.")
    ] = NEWEST_FIRST

    def search(self) -> DocumentSearch:
        """Return it as queries take it."""
        return DocumentSearch(
            title=self.title,
            state=self.state,
            source_kind=self.source_kind,
            media_type=self.media_type,
            order=self.sort,
        )


@router.get(
    "/documents",
    openapi_extra=declare(needs(Capability.LIST_DOCUMENTS), own_problems("bad_cursor")),
)
async def list_documents(
    deps: Deps,
    caller_id: CallerId,
    wanted: Annotated[ListingQuery, Depends()],
    limit: Newest = 50,
    cursor: Annotated[str | None, Query(max_length=LONGEST_CURSOR)] = None,
) -> Listing[DocumentView]:
    """List your documents, newest first, or search them.

    A search answers with fewer than `limit`, or with none, where it has looked at many that do not
    fit: go on with `next` until it is null.
    """
    found = await DocumentQueries(deps.database).documents(
        caller_id, limit, cursor, wanted.search()
    )
    return Listing[DocumentView](items=found.items, next=found.following)


@router.get(
    "/documents/{document_id}",
    responses={200: {"headers": ETAG}},
    openapi_extra=needs(Capability.SEE_DOCUMENT),
)
async def read_document(
    document_id: UUID, response: Response, deps: Deps, caller_id: CallerId
) -> DocumentView:
    """Read what is known of a document. The ETag is the revision of its title."""
    view = await DocumentQueries(deps.database).document(caller_id, document_id)
    response.headers["ETag"] = etag_of(view.revision)
    return view


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
    """List the pages that were read so far, in the order in which they are read."""
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
