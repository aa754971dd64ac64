"""A page with its audios: add, read, edit."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field

from libs.common.contracts.base import MAX_PAGES
from libs.common.contracts.details import PageText
from libs.common.contracts.permissions import Capability
from libs.common.storage.details import read_details
from services.gateway.accounts.current_caller import CallerId, CallerRoute
from services.gateway.audio.queries import AudioQueries
from services.gateway.audio.views import PageTextView
from services.gateway.documents.arranging.commands import ArrangingCommands
from services.gateway.documents.commands import DocumentCommands
from services.gateway.http.context import PREFIX, Deps, PageOfPath
from services.gateway.http.description.declared import (
    ETAG,
    LOCATION,
    Responses,
    declare,
    own_problems,
)
from services.gateway.http.etags import IfMatch, etag_of, named_revision
from services.gateway.http.models import PROBLEMS, RequestBody, needs
from services.gateway.http.ratelimit.limit_classes import LimitClass, limited
from services.gateway.kernel.record import Kernel

router = APIRouter(prefix=PREFIX, tags=["pages"], responses=PROBLEMS, route_class=CallerRoute)

WITH_ETAG: Responses = {200: {"headers": ETAG}}
OF_EDITS = own_problems("revision_required", "stale", "bad_text", "empty")


class EditRequest(RequestBody):
    """The new text of a page, in Markdown."""

    checked_elsewhere = frozenset({"text"})

    text: str


class AddPageRequest(RequestBody):
    """The text of a new page, in Markdown, and which one it becomes; null: the last."""

    checked_elsewhere = frozenset({"text"})

    text: str
    position: Annotated[int, Field(ge=1, le=MAX_PAGES, strict=True)] | None = None


@router.post(
    "/documents/{document_id}/pages",
    status_code=201,
    responses={201: {"headers": {**LOCATION, **ETAG}}},
    openapi_extra=declare(
        needs(Capability.ADD_PAGE),
        limited(LimitClass.EDIT),
        own_problems("not_ready", "bad_text", "empty", "too_many_pages", "bad_order"),
    ),
)
async def add_page(
    document_id: UUID,
    asked: AddPageRequest,
    response: Response,
    deps: Deps,
    caller_id: CallerId,
) -> PageTextView:
    """Add a page to a document that was read. Its number is the next one, wherever it stands."""
    order = ArrangingCommands(deps)
    page = await order.add_page(caller_id, document_id, asked.text, asked.position)
    response.headers["Location"] = f"{PREFIX}/documents/{document_id}/pages/{page}"
    return await _page(deps, caller_id, document_id, page, response)


@router.get(
    "/documents/{document_id}/pages/{page}",
    responses=WITH_ETAG,
    openapi_extra=needs(Capability.SEE_DOCUMENT),
)
async def read_page(
    document_id: UUID, page: PageOfPath, response: Response, deps: Deps, caller_id: CallerId
) -> PageTextView:
    """Read a page: its Markdown, and the audios of it as it is now. The ETag is its revision."""
    return await _page(deps, caller_id, document_id, page, response)


@router.put(
    "/documents/{document_id}/pages/{page}",
    responses=WITH_ETAG,
    openapi_extra=declare(needs(Capability.EDIT_PAGE), limited(LimitClass.EDIT), OF_EDITS),
)
async def edit_page(
    document_id: UUID,
    page: PageOfPath,
    edited: EditRequest,
    response: Response,
    deps: Deps,
    caller_id: CallerId,
    if_match: IfMatch = None,
) -> PageTextView:
    """Replace a page's text. If-Match names the revision that was edited, as its ETag did."""
    revision = named_revision(if_match)
    await DocumentCommands(deps).edit_page(caller_id, document_id, page, edited.text, revision)
    return await _page(deps, caller_id, document_id, page, response)


async def _page(
    kernel: Kernel, caller_id: UUID, document_id: UUID, page: int, response: Response
) -> PageTextView:
    view, audios = await AudioQueries(kernel.database).page(caller_id, document_id, page)
    text = await read_details(kernel.storage, view.text_object, PageText)
    response.headers["ETag"] = etag_of(view.revision)
    known = dict(view) | {"title": text.title or view.title}
    return PageTextView(**known, text=text.markdown, audios=audios)
