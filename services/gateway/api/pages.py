"""Pages of a document: list, read with text and audios, edit."""

import re
from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Query, Response

from libs.common.storage import read_verified
from services.gateway.api.context import MAX_PAGE, PREFIX, Context, Needs, PageOfPath, Who
from services.gateway.api.models import PROBLEMS, AudioModel, Listing, PageModel, PageTextModel
from services.gateway.api.orders import EditRequest
from services.gateway.api.problems import Refused

router = APIRouter(prefix=PREFIX, tags=["pages"], responses=PROBLEMS)

_REVISION = re.compile(r'"(\d{1,9})"')


@router.get("/documents/{document_id}/pages")
async def listing(
    document_id: UUID,
    context: Needs,
    caller: Who,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: Annotated[int, Query(ge=0, le=MAX_PAGE, description="List what follows it.")] = 0,
) -> Listing[PageModel]:
    """List the pages that were read so far, in order."""
    found = await context.queries.pages(caller, document_id, limit, cursor)
    items = [PageModel.model_validate(each) for each in found.items]
    return Listing[PageModel](items=items, next=found.following)


@router.get("/documents/{document_id}/pages/{page}")
async def read(
    document_id: UUID, page: PageOfPath, response: Response, context: Needs, caller: Who
) -> PageTextModel:
    """Read a page: its Markdown, and the audios of it as it is now. The ETag is its revision."""
    return await _page(context, caller, document_id, page, response)


@router.put("/documents/{document_id}/pages/{page}")
async def edit(
    document_id: UUID,
    page: PageOfPath,
    edited: EditRequest,
    response: Response,
    context: Needs,
    caller: Who,
    if_match: Annotated[str | None, Header()] = None,
) -> PageTextModel:
    """Replace a page's text. If-Match names the revision that was edited, as its ETag did."""
    revision = _revision(if_match)
    await context.commands.edit_page(caller, document_id, page, edited.text, revision)
    return await _page(context, caller, document_id, page, response)


async def _page(
    context: Context, caller: UUID, document_id: UUID, page: int, response: Response
) -> PageTextModel:
    view, audios = await context.queries.page(caller, document_id, page)
    text = await read_verified(context.storage, view.text)
    response.headers["ETag"] = f'"{view.revision}"'
    return PageTextModel(
        **PageModel.model_validate(view).model_dump(),
        text=text.decode(),
        audios=tuple(AudioModel.model_validate(each) for each in audios),
    )


def _revision(if_match: str | None) -> int:
    match = _REVISION.fullmatch(if_match.strip()) if if_match else None
    if match is None:
        raise Refused(
            HTTPStatus.PRECONDITION_REQUIRED,
            "revision_required",
            'Say which revision you edited, as the ETag of the page: If-Match: "0".',
        )
    return int(match[1])
