"""The order of pages, and what of a page would be spoken."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BeforeValidator, Field

from libs.common.contracts.base import MAX_PAGES
from libs.common.contracts.identifiers import Language
from libs.common.contracts.pages import PageRange, page_runs, read_ranges
from libs.common.contracts.permissions import Capability
from libs.common.contracts.speech.utterances import Block, SegmentedPage
from libs.common.storage.details import read_details
from services.gateway.accounts.current_caller import CallerId, CallerRoute
from services.gateway.documents.arranging.commands import ArrangingCommands
from services.gateway.documents.queries import DocumentQueries
from services.gateway.documents.views import PageOrderView
from services.gateway.http.context import PREFIX, Deps, PageOfPath
from services.gateway.http.description.declared import ETAG, declare, own_problems
from services.gateway.http.etags import IfMatch, etag_of, named_revision
from services.gateway.http.models import (
    PROBLEMS,
    Limit,
    Listing,
    Place,
    RequestBody,
    listed,
    needs,
)
from services.gateway.http.ratelimit.limit_classes import LimitClass, limited
from services.gateway.kernel.errors import NotReady
from services.gateway.kernel.record import Kernel
from services.gateway.kernel.views import View

router = APIRouter(prefix=PREFIX, tags=["pages"], responses=PROBLEMS, route_class=CallerRoute)

MOST_LISTED = 500
"""Pages that are listed one by one; more of them are written as runs."""


def _runs(value: object) -> object:
    if isinstance(value, str):
        return tuple(read_ranges(value, MAX_PAGES))
    if isinstance(value, list):
        if len(value) > MOST_LISTED:
            raise ValueError(f"list at most {MOST_LISTED} pages, or write runs such as 1-5")
        if not all(type(page) is int and 1 <= page <= MAX_PAGES for page in value):
            raise ValueError(f"pages go from 1 to {MAX_PAGES}")
        return page_runs(value)
    return value


OneByOne = Annotated[
    list[Annotated[int, Field(ge=1, le=MAX_PAGES)]], Field(min_length=1, max_length=MOST_LISTED)
]
AsRuns = Annotated[str, Field(pattern=r"^ *[0-9]{1,6}( *- *[0-9]{1,6})? *(, *[0-9]|$)")]


class PageOrderRequest(RequestBody):
    """How pages are to be read: all of them, each once."""

    pages: Annotated[
        tuple[PageRange, ...],
        Field(min_length=1, description='Their numbers, or a text such as "3,1-2".'),
        BeforeValidator(_runs, json_schema_input_type=OneByOne | AsRuns),
    ]


class UtteranceView(View):
    """What would be spoken in one go, and the silence after it.

    ``source_start`` and ``source_end`` are its place in the page's Markdown, in code points.
    """

    index: int
    text: str
    block: Block
    language: Language
    source_start: int
    source_end: int
    pause_ms: int


@router.get(
    "/documents/{document_id}/page-order",
    responses={200: {"headers": ETAG}},
    openapi_extra=needs(Capability.SEE_DOCUMENT),
)
async def read_page_order(
    document_id: UUID, response: Response, deps: Deps, caller_id: CallerId
) -> PageOrderView:
    """Read in which order the pages of a document are read. The ETag is its revision."""
    return await _order(deps, caller_id, document_id, response)


@router.put(
    "/documents/{document_id}/page-order",
    responses={200: {"headers": ETAG}},
    openapi_extra=declare(
        needs(Capability.ADD_PAGE),
        limited(LimitClass.EDIT),
        own_problems("revision_required", "stale", "bad_order", "not_ready"),
    ),
)
async def reorder_pages(
    document_id: UUID,
    asked: PageOrderRequest,
    response: Response,
    deps: Deps,
    caller_id: CallerId,
    if_match: IfMatch = None,
) -> PageOrderView:
    """Put the pages of a document in another order. If-Match names the one that was seen.

    Pages keep their numbers. Chapters, and audiobooks that are asked for from now on, follow the
    order; a page that stands in the middle of a chapter of others begins its own chapter there.
    """
    revision = named_revision(if_match)
    await ArrangingCommands(deps).reorder(caller_id, document_id, asked.pages, revision)
    return await _order(deps, caller_id, document_id, response)


@router.get(
    "/documents/{document_id}/pages/{page}/preview",
    openapi_extra=declare(needs(Capability.SEE_DOCUMENT), own_problems("not_ready")),
)
async def preview_page(
    document_id: UUID,
    page: PageOfPath,
    deps: Deps,
    caller_id: CallerId,
    limit: Limit = 100,
    cursor: Place = 0,
) -> Listing[UtteranceView]:
    """List what would be spoken of a page as it is now: utterances, with numbers as words."""
    view = await DocumentQueries(deps.database).page(caller_id, document_id, page)
    if view.segments_object is None:
        raise NotReady(f"It is not known yet what is spoken of the page: it is {view.state}.")
    cut = await read_details(deps.storage, view.segments_object, SegmentedPage)
    spoken = [UtteranceView.model_validate(one.model_dump()) for one in cut.utterances]
    return listed(spoken, limit, cursor)


async def _order(
    kernel: Kernel, caller_id: UUID, document_id: UUID, response: Response
) -> PageOrderView:
    view = await DocumentQueries(kernel.database).page_order(caller_id, document_id)
    response.headers["ETag"] = etag_of(view.revision)
    return view
