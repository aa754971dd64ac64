"""A page with its audios: read, edit."""

from http import HTTPStatus
from uuid import UUID

from fastapi import APIRouter, Response

from libs.common.contracts.details import PageText
from libs.common.contracts.permissions import Capability
from libs.common.storage.details import read_details
from services.gateway.accounts.current_caller import CallerId, CallerRoute
from services.gateway.audio.queries import AudioQueries
from services.gateway.audio.views import PageTextView
from services.gateway.documents.commands import DocumentCommands
from services.gateway.http.context import PREFIX, Deps, PageOfPath
from services.gateway.http.description.declared import ETAG, Responses, declare, own_problems
from services.gateway.http.etags import IfMatch, etag_of, tagged_version
from services.gateway.http.models import PROBLEMS, RequestBody, needs
from services.gateway.http.problems import Refused
from services.gateway.http.ratelimit.limit_classes import LimitClass, limited
from services.gateway.kernel.record import Kernel

router = APIRouter(prefix=PREFIX, tags=["pages"], responses=PROBLEMS, route_class=CallerRoute)

WITH_ETAG: Responses = {200: {"headers": ETAG}}
OF_EDITS = own_problems("revision_required", "stale", "bad_text", "empty")


class EditRequest(RequestBody):
    """The new text of a page, in Markdown."""

    checked_elsewhere = frozenset({"text"})

    text: str


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
    revision = _revision(if_match)
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


def _revision(if_match: str | None) -> int:
    revision = tagged_version(if_match)
    if revision is None:
        raise Refused(
            HTTPStatus.PRECONDITION_REQUIRED,
            "revision_required",
            'Say which revision you edited, as the ETag of the page: If-Match: "0".',
        )
    return revision
